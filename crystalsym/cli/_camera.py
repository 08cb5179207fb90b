"""Three images as a camera records them: answered, or refused with the reason."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crystalsym.cli._messages import InputError, one_line, warn

if TYPE_CHECKING:
    from crystalsym.identification import ImageIdentification
    from crystalsym.measurement import Pattern

# Options that say how a camera's images are to be read.
OPTIONS = (
    "camera_length", "pixel_size", "voltage", "wavelength", "center", "mask", "zones", "order",
)  # fmt: skip


def answer_of_camera(
    files: Sequence[str], patterns: Sequence[Pattern], args: argparse.Namespace
) -> ImageIdentification:
    """Answer three images of a camera; refused ones have the reason, by the files' names.

    Raises
    ------
    InputError
        An option does not fit.
    """
    from dataclasses import replace

    from crystalsym.identification import identify_images
    from crystalsym.measurement import SpotFinder

    finder = SpotFinder(
        args.q_per_pixel,
        camera_length=args.camera_length,
        pixel_size=args.pixel_size,
        voltage=args.voltage,
        wavelength=args.wavelength,
        center=None if args.center is None else tuple(args.center),
        mask=None if args.mask is None else _mask(args.mask),
        zones=args.zones,
        order=args.order or "xyz",
    )
    name = ", ".join(Path(file).name for file in files)
    try:
        (answer,) = identify_images(
            [list(patterns)], args.given_model, finder=finder, top=args.top,
            coverage=args.coverage, names=[name],
        )  # fmt: skip
    except (ValueError, TypeError) as problem:
        raise InputError(one_line(problem, files[0])) from problem
    own = _names(files)
    return replace(
        answer,
        error=None if answer.error is None else _named(answer.error, own),
        warnings=tuple(_named(note, own) for note in answer.warnings),
    )


def warn_of(answer: ImageIdentification) -> None:
    """Say what was undone, assumed or is doubtful."""
    for note in answer.warnings:
        warn(note if ":" in note else f"{answer.source}: {note}")


def _names(files: Sequence[str]) -> list[str]:
    return list(files) if len(files) == 3 else [f"{files[0]}, image {i}" for i in range(3)]


def _named(text: str, names: Sequence[str]) -> str:
    """Put files in the places of images' numbers."""
    parts = text.split("; ")
    for number, name in enumerate(names):
        head = f"image {number}: "
        parts = [f"{name}: {p.removeprefix(head)}" if p.startswith(head) else p for p in parts]
    if text.startswith("images 0 to 2"):
        parts[0] = parts[0].replace("images 0 to 2", ", ".join(names), 1)
    return "; ".join(parts)


def _mask(file: str) -> Any:
    """True where images hold no measurement."""
    from crystalsym.measurement import read_pattern

    try:
        return read_pattern(file).image > 0
    except (OSError, ValueError, ImportError) as problem:
        raise InputError(one_line(problem, file)) from problem
