"""Rows that were made once, kept in memory or on disk."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

VERSION = 2
# Kept in memory up to so many bytes.
MOST_BYTES = 1 << 30


class MemoryStore:
    """Rows in memory.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype
    """

    def __init__(self, shape: tuple[int, ...], dtype: Any):
        self._rows = np.empty(shape, dtype)
        self._done = np.zeros(shape[0], dtype=bool)

    @staticmethod
    def fits(shape: tuple[int, ...], dtype: Any) -> bool:
        """Whether so many rows are few enough."""
        return int(np.prod(shape)) * np.dtype(dtype).itemsize <= MOST_BYTES

    def has(self, rows: np.ndarray) -> np.ndarray:
        """Which rows are there."""
        return self._done[rows]

    def get(self, rows: np.ndarray) -> np.ndarray:
        """Rows that are there."""
        return self._rows[rows]

    def put(self, rows: np.ndarray, values: np.ndarray) -> None:
        """Keep rows."""
        self._rows[rows] = values
        self._done[rows] = True

    @property
    def n_stored(self) -> int:
        """Rows that are there."""
        return int(np.count_nonzero(self._done))

    def flush(self) -> None:
        """Nothing is buffered."""


class DiskStore:
    """Rows in files of a folder; a cut loses at most what came since the last :meth:`flush`.

    Parameters
    ----------
    folder : path-like
        Rows of another ``fingerprint`` found there are discarded.
    shape : tuple of int
    dtype : dtype
    fingerprint : str
        What the rows depend on.
    """

    def __init__(
        self, folder: str | os.PathLike, shape: tuple[int, ...], dtype: Any, fingerprint: str
    ):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._identity = {
            "version": VERSION,
            "shape": list(shape),
            "dtype": str(np.dtype(dtype)),
            "rows": fingerprint,
        }
        fresh = not self._matches()
        mode: Any = "w+" if fresh else "r+"
        self._rows = np.memmap(self.folder / "rows", dtype, mode, shape=shape)
        self._done = np.memmap(self.folder / "done", np.uint8, mode, shape=shape[:1])
        if fresh:
            self._file.write_text(json.dumps(self._identity), encoding="utf-8")

    @property
    def _file(self) -> Path:
        return self.folder / "store.json"

    def _matches(self) -> bool:
        if not all((self.folder / name).is_file() for name in ("rows", "done", "store.json")):
            return False
        try:
            return json.loads(self._file.read_text(encoding="utf-8")) == self._identity
        except ValueError:
            return False

    def has(self, rows: np.ndarray) -> np.ndarray:
        """Which rows are there."""
        return self._done[rows] == 1

    def get(self, rows: np.ndarray) -> np.ndarray:
        """Rows that are there."""
        return np.asarray(self._rows[rows])

    def put(self, rows: np.ndarray, values: np.ndarray) -> None:
        """Keep rows; their marks come last: a mark must never vouch for what is not there."""
        self._rows[rows] = values
        self._done[rows] = 1

    @property
    def n_stored(self) -> int:
        """Rows that are there."""
        return int(np.count_nonzero(self._done))

    def flush(self) -> None:
        """Write everything out."""
        self._rows.flush()
        self._done.flush()
