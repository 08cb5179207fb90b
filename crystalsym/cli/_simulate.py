"""``crystalsym simulate``: structures in, calibrated 16-bit images out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from crystalsym import __version__
from crystalsym.cli._messages import InputError, one_line
from crystalsym.cli._sources import (
    Failures,
    Source,
    are_images,
    example_crystals,
    read_crystals,
    simulate,
)

_SUFFIXES = {"tiff": ".tif", "png": ".png"}
_OPTIONS = ("image_size", "q_max", "views", "radiation", "voltage", "engine", "ewald")


def run(args: argparse.Namespace) -> int:
    """Simulate and write, printing the files' names; returns the exit code."""
    from crystalsym.diffraction import DiffractionSimulator

    failures = Failures(args.strict)
    sources = _sources(args, failures)
    given = {name: getattr(args, name) for name in _OPTIONS if getattr(args, name) is not None}
    try:
        simulator = DiffractionSimulator(**given).fit()
    except ValueError as problem:
        raise InputError(one_line(problem)) from problem
    folder = output_folder(args.output) if sources else Path(args.output)
    stems = Stems()
    n_written = 0
    for batch, raw in simulate(simulator, sources, failures):
        for source, images in zip(batch, raw, strict=True):
            _write(folder, stems.of(source), _SUFFIXES[args.format], images, source, simulator)
            n_written += 1
    return failures.exit_code(n_written)


class Stems:
    """Beginnings of file names, no two alike."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def of(self, source: Source) -> str:
        """The source's own file name without its ending, numbered if it was there before."""
        path = source.path if isinstance(source.path, str) else source.path[0]
        stem = unique = Path(path).stem
        number = 1
        while unique in self.taken:
            number += 1
            unique = f"{stem}-{number}"
        self.taken.add(unique)
        return unique


def output_folder(name: str) -> Path:
    """The folder to write to, made if it is not there."""
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise InputError(f"{name}: no such folder can be made ({problem.strerror})") from problem
    return folder


def _sources(args: argparse.Namespace, failures: Failures) -> list[Source]:
    if args.examples == bool(args.files):
        raise InputError("give structure files, or --examples")
    if args.examples:
        return example_crystals()
    if any(Path(file).suffix.lower() in (".tif", ".tiff", ".png", ".npy") for file in args.files):
        are_images(args.files)
        raise InputError(f"{args.files[0]}: patterns are simulated from structures, not images")
    return read_crystals(args.files, failures, args.block)


def _write(
    folder: Path, stem: str, suffix: str, images: Any, source: Source, simulator: Any
) -> None:
    """Write one crystal's patterns, named after the streams x, y, z."""
    from crystalsym.measurement import write_pattern

    for stream, image in zip("xyz", images, strict=True):
        metadata = {
            "source": source.name,
            "stream": stream,
            "views": simulator.views,
            "radiation": simulator.radiation,
            "wavelength": simulator.detector().wavelength,
            "software": f"crystalsym {__version__}",
        }
        path = folder / f"{stem}_{stream}{suffix}"
        try:
            write_pattern(path, image, simulator.q_per_pixel, metadata)
        except OSError as problem:
            raise InputError(one_line(problem, path)) from problem
        print(path)
