"""Rows of a lazy array made by several threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs

from crystalsym._bytes import concatenated
from crystalsym._progress import track
from crystalsym.learning._rendered_patterns import GROUP


class ThreadedRows:
    """A lazy array whose batches several threads make.

    Parameters
    ----------
    rows : RenderedPatterns
        Or any other lazy array whose rows may be asked for by several threads.
    n_jobs : int, optional
        Threads.
    """

    def __init__(self, rows: Any, n_jobs: int | None = None):
        self.rows = rows
        self.n_jobs = n_jobs
        self.shape, self.dtype, self.ndim = rows.shape, rows.dtype, rows.ndim
        self.descriptor = rows.descriptor
        self._advance: Callable[[int], None] = lambda count: None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> np.ndarray:
        if isinstance(index, tuple | slice | int | np.integer):
            return self.rows[index]
        index = np.asarray(index)
        if index.dtype == bool:
            index = np.flatnonzero(index)
        parts = [index[start : start + GROUP] for start in range(0, len(index), GROUP)]
        if len(parts) < 2 or effective_n_jobs(self.n_jobs) == 1:
            made = self.rows[index]
        else:
            jobs = (delayed(self.rows.__getitem__)(part) for part in parts)
            made = concatenated(Parallel(n_jobs=self.n_jobs, require="sharedmem")(jobs))
        self._advance(len(index))
        return made

    @contextmanager
    def progress(self, label: str, verbose: int) -> Iterator[None]:
        """Show on standard error how many rows were made, where ``verbose`` is positive."""
        with track(len(self), label, verbose, unit="crystals") as self._advance:
            yield
        self._advance = lambda count: None
