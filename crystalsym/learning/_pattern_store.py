"""Patterns on disk: rendered when first asked for, read back ever after."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from crystalsym.learning._rendered_patterns import RenderedPatterns

VERSION = 1


class PatternStore:
    """A lazy array of patterns that remembers on disk what it has rendered.

    Stands in for :class:`RenderedPatterns` where rows are needed many times, as in training: the
    first epoch renders, the others read. A cut loses at most what was rendered since the last
    :meth:`flush`.

    Parameters
    ----------
    rendered : RenderedPatterns
        With uint8 rows: what a shaper with ``dtype="uint8"`` makes.
    folder : path-like
        Where the rows go, ``prod(rendered.shape)`` bytes. Rows of other crystals or of other
        parameters found there are discarded.

    Raises
    ------
    ValueError
        If the rows are not uint8.
    """

    def __init__(self, rendered: RenderedPatterns, folder: str | os.PathLike):
        if rendered.dtype != np.uint8:
            raise ValueError(f'a store holds uint8 rows (dtype="uint8"), got {rendered.dtype}')
        self.rendered = rendered
        self.shape, self.dtype = rendered.shape, rendered.dtype
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = not self._matches()
        self._rows = self._mapped("rows.u8", self.shape, fresh)
        self._done = self._mapped("done.u8", self.shape[:1], fresh)
        if fresh:
            self._fingerprint_file.write_text(json.dumps(self._fingerprint()), encoding="utf-8")

    @property
    def descriptor(self) -> str:
        """How the images are made."""
        return self.rendered.descriptor

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def n_stored(self) -> int:
        """Rows rendered so far."""
        return int(np.count_nonzero(self._done))

    def __len__(self) -> int:
        return len(self.rendered)

    def __getitem__(self, index: Any) -> np.ndarray:
        if isinstance(index, tuple):  # scikit-learn asks arrays for X[rows, ...]
            index = index[0]
        if isinstance(index, (int, np.integer)):
            return self[[index]][0]
        index = np.arange(len(self))[index]
        missing = np.unique(index[self._done[index] == 0])
        if len(missing):
            rows = self.rendered[missing]
            if rows.dtype != np.uint8:
                bad = missing[np.isnan(rows.reshape(len(rows), -1)).any(axis=1)].tolist()
                raise ValueError(f"rows {bad} of the patterns are NaN, which a store cannot hold")
            self._rows[missing] = rows
            # Rows before marks: a mark must never vouch for a row that is not there.
            self._done[missing] = 1
        return np.asarray(self._rows[index])

    def flush(self) -> None:
        """Write everything out."""
        self._rows.flush()
        self._done.flush()

    def _mapped(self, name: str, shape: tuple[int, ...], fresh: bool) -> np.memmap:
        return np.memmap(str(self.folder / name), np.uint8, "w+" if fresh else "r+", shape=shape)

    @property
    def _fingerprint_file(self) -> Path:
        return self.folder / "store.json"

    def _fingerprint(self) -> dict[str, Any]:
        digest = hashlib.sha256()
        for row in range(len(self)):
            digest.update(self.rendered.structures[row].digest().encode())
        return {
            "version": VERSION,
            "shape": list(self.shape),
            "transformers": [repr(step) for step in self.rendered.transformers],
            "crystals": digest.hexdigest(),
        }

    def _matches(self) -> bool:
        files = [self._fingerprint_file, self.folder / "rows.u8", self.folder / "done.u8"]
        if not all(file.is_file() for file in files):
            return False
        try:
            return json.loads(files[0].read_text(encoding="utf-8")) == self._fingerprint()
        except ValueError:
            return False
