"""What every lazy array of patterns shares: rows are made when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs

from crystalsym._bytes import concatenated
from crystalsym._progress import track


class LazyRows:
    """Stand in for an array of rows; a subclass says how some of them are made.

    Parameters
    ----------
    n_rows : int
    chunk : int
        Rows made together.
    n_jobs : int, optional
        Threads that make chunks.

    Attributes
    ----------
    shape : tuple of int
    dtype : dtype

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.learning import LazyRows
    >>> class Squares(LazyRows):
    ...     def _make(self, rows):
    ...         return np.tile(rows[:, None] ** 2.0, (1, 3))
    >>> X = Squares(1000, chunk=64)
    >>> X._measure()
    >>> X.shape, X[[2, 3]].tolist()
    ((1000, 3), [[4.0, 4.0, 4.0], [9.0, 9.0, 9.0]])
    """

    shape: tuple[int, ...]
    dtype: np.dtype

    def __init__(self, n_rows: int, chunk: int, n_jobs: int | None = None):
        self.n_jobs = n_jobs
        self._n_rows = n_rows
        self._chunk = chunk
        self._advance: Callable[[int], None] = lambda count: None

    def _make(self, rows: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _measure(self) -> None:
        """Set shape and dtype by the first row."""
        sample = self._make(np.array([0]))
        self.shape = (self._n_rows, *sample.shape[1:])
        self.dtype = sample.dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __len__(self) -> int:
        return self._n_rows

    def __getitem__(self, index: Any) -> np.ndarray:
        if isinstance(index, tuple):  # scikit-learn asks arrays for X[rows, ...]
            index = index[0]
        if isinstance(index, (int, np.integer)):
            return self[[index]][0]
        return self._get(np.arange(len(self))[index])

    def _get(self, rows: np.ndarray) -> np.ndarray:
        """Rows by their numbers; subclasses may have kept some."""
        return self._made(rows)

    def _made(self, rows: np.ndarray) -> np.ndarray:
        """Rows made anew, chunk by chunk."""
        if len(rows) == 0:
            return np.empty((0, *self.shape[1:]), self.dtype)
        parts = [rows[i : i + self._chunk] for i in range(0, len(rows), self._chunk)]
        if len(parts) == 1 or effective_n_jobs(self.n_jobs) == 1:
            made = []
            for part in parts:
                made.append(self._make(part))
                self._advance(len(part))
        else:
            jobs = (delayed(self._make)(part) for part in parts)
            made = Parallel(n_jobs=self.n_jobs, require="sharedmem")(jobs)
            self._advance(len(rows))
        return concatenated(made)

    @contextmanager
    def progress(self, label: str, verbose: int) -> Iterator[None]:
        """Show on standard error how many rows were made, where ``verbose`` is positive.

        Parameters
        ----------
        label : str
            What the rows are being made for.
        verbose : int
        """
        with track(len(self), label, verbose, unit="crystals") as self._advance:
            yield
        self._advance = lambda count: None
