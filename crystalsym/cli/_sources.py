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

_IMAGE_SUFFIXES = (".tif", ".tiff", ".png", ".npy")
_LOSSY = dict.fromkeys((".jpg", ".jpeg", ".bmp", ".gif", ".webp"), "picture")
# Formats of detectors and of programs that treat their images.
_DETECTORS = {
    ".dm3": "DigitalMicrograph", ".dm4": "DigitalMicrograph", ".mrc": "MRC", ".mrcs": "MRC",
    ".ser": "TIA", ".emi": "TIA", ".emd": "EMD", ".tvips": "TVIPS", ".mib": "Merlin",
    ".blo": "Blockfile", ".hspy": "HyperSpy", ".zspy": "HyperSpy", ".h5": "HDF5",
    ".hdf5": "HDF5", ".nxs": "NeXus", ".cxi": "CXI", ".cbf": "CBF", ".img": "SMV",
    ".sfrm": "Bruker", ".edf": "EDF", ".smv": "SMV",
}  # fmt: skip
_BATCH = 32  # crystals simulated at a time: 25 MB of 256 x 256 patterns


@dataclass
class Source:
    """Hold one input: a crystal, or one crystal's three images."""

    path: str | list[str]
    name: str
    crystal: Any = None


class Failures:
    """Collect inputs that could not be used, each reported in one line as it comes up."""

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


def are_images(files: Sequence[str], camera: bool = False) -> bool:
    """Tell whether `files` are three images; False if they are structures, by their endings.

    With `camera` they are images of any format that is read, one file of three, or three files.

    Raises
    ------
    InputError
        They are of both kinds, not three images, or images of another format.
    """
    if camera:
        if len(files) not in (1, 3):
            raise InputError(
                f"{', '.join(files)}: three images are needed, or one file of three, of the zone"
                f" axes x, y and z in this order, not {len(files)}"
            )
        return True
    pictures = [file for file in files if _suffix(file) in _IMAGE_SUFFIXES]
    for file in files:
        if _suffix(file) in _LOSSY:
            raise InputError(f"{file}: images must be 16-bit TIFF or PNG files, or .npy arrays")
        if _suffix(file) in _DETECTORS:
            raise InputError(
                f"{file}: {_DETECTORS[_suffix(file)]} images are not read; convert them to"
                " 16-bit TIFF files of linear intensity, or give --camera"
            )
    if not pictures:
        return False
    if len(pictures) < len(files):
        other = next(file for file in files if file not in pictures)
        raise InputError(
            f"{pictures[0]} is an image but {other} is not: give structures, or three images"
        )
    if len(files) != 3 and not (len(files) == 1 and _suffix(files[0]) == ".npy"):
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
    """List the bundled crystals."""
    from crystalsym.crystals import as_crystal
    from crystalsym.datasets import example_crystals as bundled

    return [Source(str(path), name, as_crystal(path)) for name, path in bundled().items()]


def simulate(
    simulator: Any, sources: Sequence[Source], failures: Failures
) -> Iterator[tuple[list[Source], NDArray[np.float32]]]:
    """Yield batches of sources with their raw patterns (n, n_views, H, W)."""
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


def read_images(files: Sequence[str], camera: bool = False) -> list[Pattern]:
    """Read three images, or a file of three; of a camera's, the finder says what is wrong.

    Raises
    ------
    InputError
        A file cannot be read, holds no pattern or too many.
    """
    from crystalsym.measurement import looks_logarithmic, read_pattern, read_patterns

    patterns: list[Pattern] = []
    for file in files:
        try:
            found = read_patterns(file) if len(files) == 1 else [read_pattern(file)]
        except (OSError, ValueError, ImportError) as problem:
            raise InputError(one_line(problem, file)) from problem
        if not camera and any(pattern.image.max() <= pattern.image.min() for pattern in found):
            raise InputError(f"{file}: holds no pattern, all its pixels have the same value")
        patterns += found
    if len(patterns) != 3:
        raise InputError(
            f"{files[0]}: holds {len(patterns)} image{'s' * (len(patterns) > 1)}; three are"
            " needed, of the zone axes x, y and z in this order"
        )
    if not camera and looks_logarithmic([pattern.image for pattern in patterns]):
        warn(
            f"{', '.join(files)}: the gray looks logarithmic, strong spots being flatter than weak"
            " ones; the models want linear intensity"
        )
    for pattern, place in zip(patterns, "xyz", strict=True):
        stream = pattern.metadata.get("stream", place)
        if stream != place:
            warn(f"{pattern.path}: is pattern {stream} by its metadata, but given as {place}")
    return patterns


def fit_images(
    files: Sequence[str], patterns: Sequence[Pattern], simulator: Any, q_per_pixel: float | None
) -> tuple[Source, NDArray[np.float32]]:
    """Bring three images as one source to raw patterns (1, 3, H, W) in the simulator's geometry.

    Raises
    ------
    InputError
        Nothing is left of an image in that geometry.
    """
    from crystalsym.measurement import resample_pattern

    q_max = edge(simulator)
    if q_per_pixel is not None:
        patterns = [replace(pattern, q_per_pixel=q_per_pixel) for pattern in patterns]
    blind = sorted({str(p.path) for p in patterns if p.q_per_pixel is None})
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
    """q at the outermost pixel centers of a simulator's patterns, in 1/Å."""
    return float(simulator.q_per_pixel) * (simulator.image_size - 1) / 2


def _suffix(file: str) -> str:
    return Path(file).suffix.lower()
