"""The transformer from reflection lists to three zero layers each."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.base import BaseEstimator, TransformerMixin

from crystalsym import _provenance
from crystalsym._images import ImageOutputMixin
from crystalsym._progress import track
from crystalsym.diffraction import SpotPatterns
from crystalsym.reflections._found import ReflectionFileError
from crystalsym.reflections._lattice_symmetry import TOLERANCE
from crystalsym.reflections._reading import as_reflection_list
from crystalsym.reflections._reduction import reduce_reflections
from crystalsym.reflections._reflection_list import ReflectionList, as_cell
from crystalsym.reflections._sections import sections

ON_ERROR = ("raise", "nan")
CHUNK = 16


class ReflectionSections(ImageOutputMixin, TransformerMixin, BaseEstimator):
    """Cut three zero layers out of each reflection list.

    Every list is reduced by itself: its centering and Laue class are the most probable ones, its
    axes those that cell, centering and Laue class choose, equivalents are averaged, and those not
    measured are filled in. Not measured is not absent: the patterns say what their lists cover.

    Parameters
    ----------
    tolerance : float, default=0.0175
        How far a cell may be from a lattice of higher symmetry, the largest relative change of
        its metric; 0.0175 is one degree.
    cell : sequence of 6 numbers, optional
        Of all lists, in place of those they bring.
    on_error : {"raise", "nan"}, default="raise"
        What becomes of a list that cannot be read or reduced: an error that names it, or a
        missing row and a warning.
    n_jobs : int, optional
        Parallel jobs.
    verbose : int, default=0
        Show progress when positive.

    Examples
    --------
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.measurement import ReflectionSimulator
    >>> from crystalsym.reflections import ReflectionSections
    >>> lists = ReflectionSimulator(random_state=0).transform([example_crystals()["TiO2-rutile"]])
    >>> patterns = ReflectionSections().transform(lists)
    >>> patterns.shape, patterns.pattern(0, 1).zone
    ((1, 3), (1, -1, 0))
    """

    def __init__(
        self,
        *,
        tolerance: float = TOLERANCE,
        cell: Any = None,
        on_error: str = "raise",
        n_jobs: int | None = None,
        verbose: int = 0,
    ):
        self.tolerance = tolerance
        self.cell = cell
        self.on_error = on_error
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: Any = None, y: Any = None) -> ReflectionSections:
        """Check the parameters; there is nothing to learn.

        Parameters
        ----------
        X : list of ReflectionList
        y : ignored

        Returns
        -------
        ReflectionSections
        """
        if X is not None:
            _lists(X)
        if self.on_error not in ON_ERROR:
            raise ValueError(f"on_error must be one of {ON_ERROR}, got {self.on_error!r}")
        if isinstance(self.tolerance, bool) or not 0 < self.tolerance < 0.2:
            raise ValueError(f"tolerance must lie between 0 and 0.2, got {self.tolerance!r}")
        if self.cell is not None:
            as_cell(self.cell)
        return self

    def transform(self, X: Any) -> SpotPatterns:
        """Reduce every list and cut its layers.

        Parameters
        ----------
        X : list of ReflectionList
            Or of what :func:`crystalsym.reflections.as_reflection_list` takes: paths, gemmi
            objects, tuples of arrays.

        Returns
        -------
        SpotPatterns
            A row of three patterns for each list.

        Raises
        ------
        TypeError
            If X is one list instead of several.
        ValueError
            If a list cannot be reduced (``on_error="raise"``).
        """
        self.fit()
        lists = _lists(X)
        chunks = [lists[i : i + CHUNK] for i in range(0, len(lists), CHUNK)]
        starts = range(0, len(lists), CHUNK)
        parts = []
        with track(len(lists), "reducing", self.verbose, unit="lists") as advance:
            if effective_n_jobs(self.n_jobs) == 1:
                for start, chunk in zip(starts, chunks, strict=True):
                    parts.append(self._of_chunk(chunk, start))
                    advance(len(chunk))
            else:
                parts = Parallel(n_jobs=self.n_jobs)(
                    delayed(self._of_chunk)(chunk, start)
                    for start, chunk in zip(starts, chunks, strict=True)
                )
                advance(len(lists))
        rows = [row for part, _ in parts for row in part]
        for _, messages in parts:
            for message in messages:
                warnings.warn(message, stacklevel=2)
        found = SpotPatterns.concatenate(rows) if rows else SpotPatterns.absent(0, 3)
        return replace(found, made_by=(_provenance.step(self),))

    def _of_chunk(self, lists: list[Any], start: int) -> tuple[list[SpotPatterns], list[str]]:
        rows, messages = [], []
        for number, given in enumerate(lists, start):
            try:
                reduction = reduce_reflections(
                    as_reflection_list(given, self.cell), float(self.tolerance)
                )
                rows.append(sections(reduction.merged(0)))
            except (ValueError, OSError, TypeError) as error:
                name = getattr(given, "name", "") or (given if isinstance(given, str) else "")
                message = f"list {number}{f' ({name})' if name else ''}: {error}"
                if self.on_error == "raise":
                    raise _kind(error)(message) from error
                messages.append(f"{message}; its row is missing")
                rows.append(_missing())
        return rows, messages

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.no_validation = True
        return tags


def _kind(error: Exception) -> type[Exception]:
    # Others, of damaged text for one, take more than a message.
    kinds = (ReflectionFileError, OSError, TypeError, ValueError)
    return next(kind for kind in kinds if isinstance(error, kind))


def _lists(X: Any) -> list[Any]:
    one = isinstance(X, (ReflectionList, str, bytes)) or hasattr(X, "__fspath__")
    if one or not hasattr(X, "__len__"):
        raise TypeError(
            f"ReflectionSections takes a list of reflection lists, got one {type(X).__name__}"
        )
    return [X[i] for i in range(len(X))]


def _missing() -> SpotPatterns:
    """The row of a list that could not be reduced, of the same columns as others."""
    return replace(SpotPatterns.absent(1, 3), sigma=np.empty(0))
