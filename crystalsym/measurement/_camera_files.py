"""Read the files of cameras and detectors, each by the library that knows its format."""

from __future__ import annotations

import importlib
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from crystalsym.measurement._q_scale import reciprocal_unit

# What reads a format, and the name that it is installed by.
EXTRA = "pip install '.[io]'"
_UNITS = {"m": 1e3, "cm": 10.0, "mm": 1.0, "um": 1e-3, "µm": 1e-3}


@dataclass
class CameraFrames:
    """Hold the frames of a file and what it tells of their geometry."""

    frames: list[np.ndarray]
    q_per_pixel: float | None = None
    center: tuple[float, float] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


def read_frames(path: Path, dataset: str | None = None) -> CameraFrames:
    """Read a file by its ending.

    Parameters
    ----------
    path : Path
        Its ending is one of ``READERS``.
    dataset : str, optional
        Of an HDF5 file, the place of the images.

    Raises
    ------
    ImportError
        If the library that reads the format is not installed.
    ValueError
        If the file holds no images, or more sets of them than one.
    """
    reader = READERS[path.suffix.lower()]
    found = reader(path, dataset) if reader is _read_hdf5 else reader(path)  # type: ignore[call-arg]
    if dataset is not None and reader is not _read_hdf5:
        raise ValueError(f"{path}: only HDF5 files have datasets, not {path.suffix}")
    return found


def _library(name: str, path: Path, install: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"{path}: {path.suffix} files are read by {name}: {install}") from error


def _stack(path: Path, values: Any) -> list[np.ndarray]:
    """Frames of an array of shape (H, W) or (n, H, W)."""
    values = np.asarray(values)
    if values.ndim not in (2, 3) or not values.size:
        raise ValueError(
            f"{path}: holds an array of shape {values.shape}; images are (H, W) or (n, H, W)"
        )
    return list(values.reshape(-1, *values.shape[-2:]))


def _read_mrc(path: Path) -> CameraFrames:
    mrcfile = _library("mrcfile", path, EXTRA)
    with mrcfile.open(path, mode="r") as file:
        # The header's lengths are those of real-space images: they tell no scale of q.
        return CameraFrames(_stack(path, file.data))


def _read_by_fabio(path: Path) -> CameraFrames:
    fabio = _library("fabio", path, EXTRA)
    with fabio.open(str(path)) as file:
        frames = [np.asarray(frame.data) for frame in file.frames()]
        header = {str(key): str(value) for key, value in file.header.items()}
    text = header.get("_array_data.header_contents", "")
    q_per_pixel, center = _mini_cbf(text) if text else _smv(header)
    return CameraFrames(frames, q_per_pixel, center, {"header": header})


def _mini_cbf(text: str) -> tuple[float | None, tuple[float, float] | None]:
    """Scale and center of the comment lines that detectors write into CBF files."""

    def number(pattern: str) -> float | None:
        found = re.search(pattern + r"\s+([-+.\deE]+)\s*(\w*)", text)
        if not found:
            return None
        return float(found[1]) * _UNITS.get(found[2], 1.0)

    pixel, distance = number(r"Pixel_size"), number(r"Detector_distance")
    wavelength = number(r"Wavelength")
    found = re.search(r"Beam_xy\s+\(\s*([-+.\deE]+)\s*,\s*([-+.\deE]+)\s*\)", text)
    center = (float(found[1]), float(found[2])) if found else None
    return _scale(pixel, distance, wavelength), center


def _smv(header: Mapping[str, str]) -> tuple[float | None, tuple[float, float] | None]:
    """Scale and center of an SMV header, whose lengths are mm."""

    def number(name: str) -> float | None:
        try:
            return float(header[name])
        except (KeyError, ValueError):
            return None

    pixel = number("PIXEL_SIZE")
    scale = _scale(pixel, number("DISTANCE"), number("WAVELENGTH"))
    # Programs disagree on axes and units of the center: it is found rather than believed.
    return scale, None


def _scale(pixel: float | None, distance: float | None, wavelength: float | None) -> float | None:
    if not all(value and math.isfinite(value) and value > 0 for value in (pixel, distance,
                                                                          wavelength)):  # fmt: skip
        return None
    assert pixel is not None
    assert distance is not None
    assert wavelength is not None
    return pixel / distance / wavelength


def _read_hdf5(path: Path, dataset: str | None) -> CameraFrames:
    h5py = _library("h5py", path, EXTRA)
    with h5py.File(path, "r") as file:
        if dataset is None:
            names = list(_image_sets(file))
            marked = _default_signal(file)
            if marked in names:
                names = [marked]
            if len(names) != 1:
                found = f"these: {', '.join(names)}" if names else "none of shape (H, W), (n, H, W)"
                raise ValueError(
                    f"{path}: which dataset holds the images? It has {found}; name one as dataset"
                )
            (dataset,) = names
        if dataset not in file or not isinstance(file[dataset], h5py.Dataset):
            raise ValueError(f"{path}: has no dataset {dataset!r}")
        return CameraFrames(_stack(path, file[dataset][()]), metadata={"dataset": dataset})


def _image_sets(file: Any) -> Iterator[str]:
    """Names of datasets that may be images."""
    names: list[str] = []

    def visit(name: str, item: Any) -> None:
        shape = getattr(item, "shape", None)
        if shape and len(shape) in (2, 3) and min(shape[-2:]) >= 16 and item.dtype.kind in "buif":
            names.append("/" + name)

    file.visititems(visit)
    yield from names


def _default_signal(file: Any) -> str | None:
    """What a NeXus file says is to be plotted."""
    group, name = file, ""
    while (below := group.attrs.get("default")) is not None and below in group:
        group, name = group[below], f"{name}/{below}"
    signal = group.attrs.get("signal")
    return None if signal is None else f"{name}/{signal}"


def _read_npz(path: Path) -> CameraFrames:
    with np.load(path, allow_pickle=False) as file:
        names = list(file.files)
        if len(names) == 1:
            return CameraFrames(_stack(path, file[names[0]]))
        if {"x", "y", "z"} <= set(names):
            frames = [file[name] for name in "xyz"]
            return CameraFrames([frame for one in frames for frame in _stack(path, one)])
    raise ValueError(
        f"{path}: holds {', '.join(names)}; images are one array, or three called x, y and z"
    )


def _read_by_rosettasciio(path: Path) -> CameraFrames:
    rsciio = _library("rsciio", path, "pip install rosettasciio (GPL, so not a part of [io])")
    suffix = path.suffix.lower().lstrip(".")
    for plugin in rsciio.IO_PLUGINS:
        if suffix in plugin["file_extensions"]:
            found = importlib.import_module(plugin["api"]).file_reader(str(path))
            return _of_signal(path, found[0]["data"], found[0].get("axes", []))
    raise ValueError(f"{path}: rosettasciio reads no {path.suffix} files")


def _of_signal(path: Path, data: Any, axes: list[dict[str, Any]]) -> CameraFrames:
    """Frames of a signal, its scale where its last axis is in reciprocal lengths."""
    scale = None
    if axes:
        unit = reciprocal_unit(str(axes[-1].get("units", "")))
        value = abs(float(axes[-1].get("scale", 0.0)))
        scale = unit * value if unit is not None and value else None
    return CameraFrames(_stack(path, data), scale)


READERS: dict[str, Callable[..., CameraFrames]] = {
    **dict.fromkeys((".mrc", ".mrcs"), _read_mrc),
    **dict.fromkeys((".cbf", ".img", ".smv", ".edf", ".sfrm"), _read_by_fabio),
    **dict.fromkeys((".h5", ".hdf5", ".nxs", ".cxi"), _read_hdf5),
    ".npz": _read_npz,
    **dict.fromkeys(
        (".dm3", ".dm4", ".tvips", ".blo", ".ser", ".emi", ".emd", ".mib", ".hspy", ".zspy"),
        _read_by_rosettasciio,
    ),
}
"""Endings of files, and what reads them."""
