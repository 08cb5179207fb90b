"""The files a command is given: structures, or three images of one crystal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crystalsym.cli._messages import InputError, complain, one_line, warn

if TYPE_CHECKING:
    from crystalsym.measurement import Pattern

_IMAGE_SUFFIXES = (".tif", ".tiff", ".png")
_OTHER_PICTURES = (".jpg", ".jpeg", ".bmp", ".gif", ".webp")
_BATCH = 32  # crystals simulated at a time: 25 MB of 256 x 256 patterns


@dataclass
class Source:
    """One input: a crystal, or one crystal's three images."""

    path: str | list[str]
    name: str
    crystal: Any = None


class Failures:
    """Inputs that could not be used, each reported in one line as it comes up."""

    def __init__(self, strict: bool) -> None:
        self.strict = strict
        self.found: list[dict[str, str]] = []

    def add(self, path: str, problem: BaseException | str) -> None:
        """Report `problem` with `path`, or stop here if nothing may fail."""
        text = one_line(problem, path)
        if self.strict:
            raise InputError(text)
        complain(text)
        self.found.append({"path": path, "error": text})

    def exit_code(self, n_answered: int) -> int:
        """0 if nothing failed, 1 if something did, 2 if all did."""
        return 0 if not self.found else 1 if n_answered else 2


def are_images(files: Sequence[str]) -> bool:
    """Whether `files` are three images; False if they are structures, by their endings.

    Raises
    ------
    InputError
        They are of both kinds, not three images, or images of another format.
    """
    pictures = [file for file in files if _suffix(file) in _IMAGE_SUFFIXES]
    for file in files:
        if _suffix(file) in _OTHER_PICTURES:
            raise InputError(f"{file}: images must be 16-bit TIFF or PNG files")
    if not pictures:
        return False
    if len(pictures) < len(files):
        other = next(file for file in files if file not in pictures)
        raise InputError(
            f"{pictures[0]} is an image but {other} is not: give structures, or three images"
        )
    if len(files) != 3:
        raise InputError(
            f"{', '.join(files)}: three images are needed, of the zone axes x, y and z in this"
            f" order, not {len(files)}"
        )
    return True


def read_crystals(
    files: Sequence[str], failures: Failures, block: str | None = None
) -> list[Source]:
    """Read the structures that can be read; `block` names one of a CIF file's."""
    from crystalsym.crystals import as_crystal

    sources = []
    for file in files:
        if Path(file).is_dir():
            failures.add(file, "is a folder, not a structure file")
            continue
        try:
            sources.append(Source(file, Path(file).name, as_crystal(file, block=block)))
        except Exception as problem:  # whatever a parser stumbles over in the file
            failures.add(file, problem)
    return sources


def example_crystals() -> list[Source]:
    """The bundled crystals."""
    from crystalsym.crystals import as_crystal
    from crystalsym.datasets import example_crystals as bundled

    return [Source(str(path), name, as_crystal(path)) for name, path in bundled().items()]


def simulate(
    simulator: Any, sources: Sequence[Source], failures: Failures
) -> Iterator[tuple[list[Source], NDArray[np.float32]]]:
    """Batches of sources with their raw patterns (n, n_views, H, W)."""
    for start in range(0, len(sources), _BATCH):
        batch = list(sources[start : start + _BATCH])
        try:
            raw = simulator.transform([source.crystal for source in batch])
        except Exception:  # one of them: find out which, and go on with the others
            pairs = list(_simulate_singly(simulator, batch, failures))
            if not pairs:
                continue
            batch = [source for source, _ in pairs]
            raw = np.concatenate([image for _, image in pairs])
        yield batch, raw


def _simulate_singly(
    simulator: Any, batch: Iterable[Source], failures: Failures
) -> Iterator[tuple[Source, NDArray[np.float32]]]:
    for source in batch:
        try:
            yield source, simulator.transform([source.crystal])
        except Exception as problem:
            # The simulator numbers the structures of its list; the cause alone speaks of this one.
            failures.add(str(source.path), problem.__cause__ or problem)


def read_images(files: Sequence[str]) -> list[Pattern]:
    """Read three images.

    Raises
    ------
    InputError
        A file cannot be read or holds no pattern.
    """
    from crystalsym.measurement import read_pattern

    patterns = []
    for file in files:
        try:
            pattern = read_pattern(file)
        except (OSError, ValueError) as problem:
            raise InputError(one_line(problem, file)) from problem
        if pattern.image.max() <= pattern.image.min():
            raise InputError(f"{file}: holds no pattern, all its pixels have the same value")
        patterns.append(pattern)
    coarse = [str(p.path) for p in patterns if p.bit_depth <= 8]
    if coarse:
        warn(f"{', '.join(coarse)}: 8-bit linear grey loses the weak spots that decide; use 16-bit")
    for pattern, place in zip(patterns, "xyz", strict=True):
        stream = pattern.metadata.get("stream", place)
        if stream != place:
            warn(f"{pattern.path}: is pattern {stream} by its metadata, but given as {place}")
    return patterns


def fit_images(
    files: Sequence[str], patterns: Sequence[Pattern], simulator: Any, q_per_pixel: float | None
) -> tuple[Source, NDArray[np.float32]]:
    """Three images as one source and raw patterns (1, 3, H, W) in the simulator's geometry.

    Raises
    ------
    InputError
        Nothing is left of an image in that geometry.
    """
    from crystalsym.measurement import resample_pattern

    q_max = edge(simulator)
    if q_per_pixel is not None:
        patterns = [replace(pattern, q_per_pixel=q_per_pixel) for pattern in patterns]
    blind = [str(p.path) for p in patterns if p.q_per_pixel is None]
    if blind:
        warn(
            f"{', '.join(blind)}: no q scale in the file, so its edge is taken to be at"
            f" {q_max:g} 1/Å; --q-per-pixel sets it"
        )
    views = {str(p.metadata["views"]) for p in patterns if "views" in p.metadata}
    other = views - {str(simulator.views)}
    if other:
        warn(f"{patterns[0].path}: views {other.pop()!r}, the model expects {simulator.views!r}")
    raw = []
    for pattern in patterns:
        reach = (pattern.q_per_pixel or np.inf) * (max(pattern.image.shape) - 1) / 2
        if reach < 0.9 * q_max:
            warn(f"{pattern.path}: reaches q = {reach:.3g} 1/Å, the model expects {q_max:g} 1/Å")
        raw.append(resample_pattern(pattern, q_max, simulator.image_size))
        if raw[-1].max() <= 0:
            raise InputError(f"{pattern.path}: is dark where the model looks; check its q scale")
    return Source(list(files), ", ".join(Path(file).name for file in files)), np.stack(raw)[None]


def edge(simulator: Any) -> float:
    """q at the outermost pixel centres of a simulator's patterns, in 1/Å."""
    return float(simulator.q_per_pixel) * (simulator.image_size - 1) / 2


def _suffix(file: str) -> str:
    return Path(file).suffix.lower()
