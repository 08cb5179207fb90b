"""Saved classifiers: JSON configuration and weights, in a folder or a zip file, without code."""

from __future__ import annotations

import io
import json
import math
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from crystalsym.bundles import _saved_files
from crystalsym.bundles._saved_files import (
    SavedFiles,
    SavedModelError,
    digest,
    refuse_unknown,
    refusing,
    write_files,
)

FORMAT = "crystalsym-classifier"
VERSION = 1
CONFIG = "config.json"
WEIGHTS = "weights.npz"
FILES = (CONFIG, WEIGHTS)
ENTRIES = (
    "format", "version", "architecture", "parameters", "classes", "input_shape", "n_parameters",
    "temperature", "n_calibration", "set_scores", "history", "metadata", "weights", "sha256",
)  # fmt: skip


def _canonical(config: dict[str, Any]) -> bytes:
    rest = {name: value for name, value in config.items() if name != "sha256"}
    return json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()


def _pack_weights(weights: list[tuple[str, np.ndarray]], dtype: str) -> bytes:
    arrays: dict[str, Any] = {}
    for i, (path, value) in enumerate(weights):
        if value.dtype.kind == "f":
            with np.errstate(over="ignore"):
                stored = value.astype(dtype)
            if not np.isfinite(stored).all():
                raise ValueError(f"weight {path} has values that {dtype} cannot hold")
            value = stored
        # '/' would make folders inside the archive.
        arrays[f"{i:04d}.{path.replace('/', '.')}"] = value
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def pack_classifier(
    config: dict[str, Any], weights: list[tuple[str, np.ndarray]], dtype: str = "float32"
) -> dict[str, bytes]:
    """Return the files of a classifier by name.

    Parameters
    ----------
    config : dict
        What ``config.json`` holds beside format, weights and hashes.
    weights : list of (str, ndarray)
        Their paths in the network and their values.
    dtype : {"float32", "float16"}, default="float32"
        Type the weights are stored in.

    Raises
    ------
    ValueError
        If dtype is not ``"float32"`` or ``"float16"``, or a value cannot be stored.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.bundles import pack_classifier
    >>> sorted(pack_classifier({"classes": [62, 225]}, [("dense/bias", np.zeros(2))]))
    ['config.json', 'weights.npz']
    """
    if dtype not in ("float32", "float16"):
        raise ValueError(f"dtype must be 'float32' or 'float16', got {dtype!r}")
    packed = _pack_weights(weights, dtype)
    config = {
        "format": FORMAT,
        "version": VERSION,
        **config,
        "weights": {"file": WEIGHTS, "dtype": dtype, "sha256": digest(packed)},
    }
    config["sha256"] = digest(_canonical(config))
    return {CONFIG: json.dumps(config, indent=2).encode() + b"\n", WEIGHTS: packed}


def write_saved(
    path: str | os.PathLike[str],
    config: dict[str, Any],
    weights: list[tuple[str, np.ndarray]],
    dtype: str = "float32",
) -> None:
    """Write a folder, or a zip file if path ends with ``.zip``; existing ones are replaced.

    Parameters
    ----------
    path : path-like
    config : dict
        What ``config.json`` holds beside format, weights and hashes.
    weights : list of (str, ndarray)
        Their paths in the network and their values.
    dtype : {"float32", "float16"}, default="float32"
        Type the weights are stored in.

    Raises
    ------
    ValueError
        If dtype is not ``"float32"`` or ``"float16"``, or a value cannot be stored.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from crystalsym.bundles import read_saved, write_saved
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "classifier.zip"
    ...     write_saved(path, {"classes": [62, 225]}, [("dense/bias", np.zeros(2))])
    ...     config, weights = read_saved(path)
    >>> config["classes"], len(weights)
    ([62, 225], 1)
    """
    write_files(path, pack_classifier(config, weights, dtype))


def read_saved(path: str | os.PathLike[str]) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Read configuration and weights, checking format and checksums; no code is run.

    Parameters
    ----------
    path : path-like
        A folder or a zip file.

    Raises
    ------
    FileNotFoundError
        If there is nothing at that path.
    SavedModelError
        If what is there is damaged, altered, or not a saved classifier.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from crystalsym.bundles import read_saved, write_saved
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "classifier.zip"
    ...     write_saved(path, {"classes": [62, 225]}, [("dense/bias", np.zeros(2))])
    ...     config, weights = read_saved(path)
    >>> config["classes"], len(weights)
    ([62, 225], 1)
    """
    return unpack_classifier(SavedFiles(path, FILES))


def unpack_classifier(
    files: SavedFiles, folder: str = ""
) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Read configuration and weights from files, where they lie in a folder of these.

    Parameters
    ----------
    files : SavedFiles
    folder : str, default=""
        With ``/`` at its end; the top by default.

    Raises
    ------
    SavedModelError
        If they are damaged, altered, or not those of a classifier.

    Examples
    --------
    >>> from crystalsym.bundles import SavedFiles, model_folder, unpack_classifier
    >>> parts = ("pipeline.json", "classifier/config.json", "classifier/weights.npz")
    >>> files = SavedFiles(model_folder("72-small"), parts)
    >>> config, weights = unpack_classifier(files, "classifier/")
    >>> len(config["classes"])
    72
    """
    path = files.path
    config = files.read_json(f"{folder}{CONFIG}")
    if config.get("format") != FORMAT:
        raise SavedModelError(f"{path} is not a saved classifier (format {FORMAT})")
    if config.get("version") != VERSION:
        raise SavedModelError(
            f"{path} has format version {config.get('version')!r}; this crystalsym reads "
            f"version {VERSION}"
        )
    with refusing(path, "is not a readable saved classifier"):
        if digest(_canonical(config)) != config.get("sha256"):
            raise SavedModelError(f"{path}: {CONFIG} was altered (its checksum differs)")
        refuse_unknown(config, ENTRIES, f"{path}: {CONFIG}")
        expected = config["weights"]["sha256"]
        packed = files.read(f"{folder}{WEIGHTS}")
        if digest(packed) != expected:
            raise SavedModelError(f"{path}: {WEIGHTS} was altered or is cut off (checksum differs)")
        return config, _unpack_weights(path, packed)


def _unpack_weights(path: Path, packed: bytes) -> list[np.ndarray]:
    arrays = []
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        members = sorted(archive.infolist(), key=lambda info: info.filename)
        if sum(info.file_size for info in members) > _saved_files.MAX_BYTES:
            raise SavedModelError(f"{path}: {WEIGHTS} unpacks to implausibly much")
        for info in members:
            with archive.open(info) as member:
                arrays.append(_read_array(member, info, f"{path}: {WEIGHTS}: {info.filename}"))
    for array in arrays:
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise SavedModelError(f"{path}: {WEIGHTS} holds values that are not finite")
    return [a.astype(np.float32) if a.dtype.kind == "f" else a for a in arrays]


def _read_array(member: Any, info: zipfile.ZipInfo, what: str) -> np.ndarray:
    """Read one array; its header must claim neither Python objects nor more than there is."""
    version = np.lib.format.read_magic(member)
    if version != (1, 0):
        raise SavedModelError(f"{what} has version {version} of numpy's format, not (1, 0)")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(member)
    if dtype.kind not in "fiu":
        raise SavedModelError(f"{what} holds {dtype}, not numbers")
    if math.prod(shape) * dtype.itemsize != info.file_size - member.tell():
        raise SavedModelError(f"{what} claims the shape {shape}, which its size does not fit")
    values = np.frombuffer(member.read(), dtype).reshape(shape, order="F" if fortran else "C")
    return np.array(values)
