"""Saved classifiers: JSON configuration and weights, in a folder or a zip file, without code."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

FORMAT = "crystalsym-classifier"
VERSION = 1
CONFIG = "config.json"
WEIGHTS = "weights.npz"
# More than any network here needs: a small file that unpacks to more than this is an attack.
MAX_BYTES = 2 << 30


class SavedModelError(ValueError):
    """A saved classifier is damaged, altered, or not one of ours."""


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


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


def write_saved(
    path: str | os.PathLike[str],
    config: dict[str, Any],
    weights: list[tuple[str, np.ndarray]],
    dtype: str = "float32",
) -> None:
    """Write a folder, or a zip file if path ends with ``.zip``; existing ones are replaced.

    Raises
    ------
    ValueError
        If dtype is not ``"float32"`` or ``"float16"``, or a value cannot be stored.
    """
    if dtype not in ("float32", "float16"):
        raise ValueError(f"dtype must be 'float32' or 'float16', got {dtype!r}")
    packed = _pack_weights(weights, dtype)
    config = {
        "format": FORMAT,
        "version": VERSION,
        **config,
        "weights": {"file": WEIGHTS, "dtype": dtype, "sha256": _digest(packed)},
    }
    config["sha256"] = _digest(_canonical(config))
    files = {CONFIG: json.dumps(config, indent=2).encode() + b"\n", WEIGHTS: packed}
    path = Path(path)
    if path.suffix.lower() == ".zip":
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        with zipfile.ZipFile(temporary, "w") as archive:
            for name, data in files.items():
                # A fixed date: the same classifier gives the same file.
                archive.writestr(zipfile.ZipInfo(name), data)
        os.replace(temporary, path)
        return
    if path.is_file():
        raise ValueError(f"{path} is a file; give a folder, or a name that ends with .zip")
    path.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        temporary = path / f"{name}.{os.getpid()}.tmp"
        temporary.write_bytes(data)
        os.replace(temporary, path / name)


def _read_member(path: Path, name: str) -> bytes:
    if path.is_dir():
        return (path / name).read_bytes()
    with zipfile.ZipFile(path) as archive:
        if archive.getinfo(name).file_size > MAX_BYTES:
            raise SavedModelError(f"{path}: {name} is implausibly large")
        return archive.read(name)


def _unpack_weights(path: Path, packed: bytes) -> list[np.ndarray]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        if sum(info.file_size for info in archive.infolist()) > MAX_BYTES:
            raise SavedModelError(f"{path}: {WEIGHTS} is implausibly large")
    with np.load(io.BytesIO(packed), allow_pickle=False) as stored:
        arrays = [stored[name] for name in sorted(stored.files)]
    for array in arrays:
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise SavedModelError(f"{path}: {WEIGHTS} holds values that are not finite")
    return [a.astype(np.float32) if a.dtype.kind == "f" else a for a in arrays]


def read_saved(path: str | os.PathLike[str]) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Read configuration and weights, checking format and checksums; no code is run.

    Raises
    ------
    FileNotFoundError
        If there is nothing at that path.
    SavedModelError
        If what is there is damaged, altered, or not a saved classifier.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no saved classifier at {path}")
    try:
        config = json.loads(_read_member(path, CONFIG))
        if not isinstance(config, dict) or config.get("format") != FORMAT:
            raise SavedModelError(f"{path} is not a saved classifier (format {FORMAT})")
        if config.get("version") != VERSION:
            raise SavedModelError(
                f"{path} has format version {config.get('version')!r}; this crystalsym reads "
                f"version {VERSION}"
            )
        if _digest(_canonical(config)) != config.get("sha256"):
            raise SavedModelError(f"{path}: {CONFIG} was altered (its checksum differs)")
        packed = _read_member(path, WEIGHTS)
        if _digest(packed) != config["weights"]["sha256"]:
            raise SavedModelError(f"{path}: {WEIGHTS} was altered or is cut off (checksum differs)")
        return config, _unpack_weights(path, packed)
    except SavedModelError:
        raise
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        reason = str(error) or type(error).__name__
        raise SavedModelError(f"{path} is not a readable saved classifier: {reason}") from error
