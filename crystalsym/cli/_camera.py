"""Three images as a camera records them: found out, refused, or brought to a model's spots."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crystalsym.cli._messages import InputError, one_line, warn
from crystalsym.cli._sources import Source, edge

if TYPE_CHECKING:
    from crystalsym.diffraction import SpotPatterns
    from crystalsym.measurement import Pattern

# Options that say how a camera's images are to be read.
OPTIONS = ("camera_length", "pixel_size", "voltage", "wavelength", "center", "mask")


def find_spots(
    files: Sequence[str], patterns: Sequence[Pattern], simulator: Any, args: argparse.Namespace
) -> tuple[Source, SpotPatterns]:
    """Find the spots of three images as a model's simulator lists them.

    Raises
    ------
    InputError
        They are not answered, or an option does not fit.
    """
    from crystalsym.measurement import SpotFinder

    mask = None if args.mask is None else _mask(args.mask)
    finder = SpotFinder(
        args.q_per_pixel,
        camera_length=args.camera_length,
        pixel_size=args.pixel_size,
        voltage=args.voltage,
        wavelength=args.wavelength,
        q_max=edge(simulator),
        center=None if args.center is None else tuple(args.center),
        mask=mask,
    )
    names = files if len(files) == len(patterns) else [f"{files[0]}, image {i}" for i in range(3)]
    try:
        (found,) = finder.find([list(patterns)])
    except (ValueError, TypeError) as problem:
        raise InputError(one_line(problem, files[0])) from problem
    for name, one in zip(names, found.images, strict=True):
        for note in one.notes:
            warn(f"{name}: {note}")
    if found.refused:
        reasons = [f"{name}: {one.refused}" for name, one in zip(names, found.images, strict=True)
                   if one.refused]  # fmt: skip
        raise InputError("; ".join(reasons) or f"{', '.join(files)}: {found.refused}")
    assert found.turning is not None
    if found.turning.zones == "unknown":
        warn(
            f"{', '.join(files)}: the lattices of the three share no rows as those of zones x, y"
            " and z do; is their scale one, and are they zone axes of one crystal?"
        )
    name = ", ".join(Path(file).name for file in files)
    return Source(list(files), name), finder.spots(found)


def _mask(file: str) -> Any:
    """True where images hold no measurement."""
    from crystalsym.measurement import read_pattern

    try:
        return read_pattern(file).image > 0
    except (OSError, ValueError, ImportError) as problem:
        raise InputError(one_line(problem, file)) from problem
