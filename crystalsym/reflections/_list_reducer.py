"""What transformers of reflection lists share: each list is reduced by itself."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from joblib import Parallel, delayed, effective_n_jobs
from sklearn.base import BaseEstimator, TransformerMixin

from crystalsym._progress import track
from crystalsym.reflections._found import ReflectionFileError
from crystalsym.reflections._lattice_symmetry import TOLERANCE
from crystalsym.reflections._reading import as_reflection_list
from crystalsym.reflections._reduction import Reduction, reduce_reflections
from crystalsym.reflections._reflection_list import ReflectionList, as_cell

if TYPE_CHECKING:
    from typing import Self

ON_ERROR = ("raise", "nan")
CHUNK = 16


class ListReducer(TransformerMixin, BaseEstimator):
    """Reduce reflection lists; a subclass says what a row is made of them."""

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

    def fit(self, X: Any = None, y: Any = None) -> Self:
        """Check the parameters; there is nothing to learn.

        Parameters
        ----------
        X : list of ReflectionList
        y : ignored

        Returns
        -------
        Self
        """
        if X is not None:
            self._lists(X)
        if self.on_error not in ON_ERROR:
            raise ValueError(f"on_error must be one of {ON_ERROR}, got {self.on_error!r}")
        if isinstance(self.tolerance, bool) or not 0 < self.tolerance < 0.2:
            raise ValueError(f"tolerance must lie between 0 and 0.2, got {self.tolerance!r}")
        if self.cell is not None:
            as_cell(self.cell)
        return self

    def _row(self, reduction: Reduction) -> Any:
        raise NotImplementedError

    def _missing(self) -> Any:
        raise NotImplementedError

    def _reduced(self, X: Any) -> list[Any]:
        """The rows of some lists."""
        lists = self._lists(X)
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
        for _, messages in parts:
            for message in messages:
                warnings.warn(message, stacklevel=3)
        return [row for part, _ in parts for row in part]

    def _of_chunk(self, lists: list[Any], start: int) -> tuple[list[Any], list[str]]:
        rows, messages = [], []
        for number, given in enumerate(lists, start):
            try:
                reduction = reduce_reflections(
                    as_reflection_list(given, self.cell), float(self.tolerance)
                )
                rows.append(self._row(reduction))
            except (ValueError, OSError, TypeError) as error:
                name = getattr(given, "name", "") or (given if isinstance(given, str) else "")
                message = f"list {number}{f' ({name})' if name else ''}: {error}"
                if self.on_error == "raise":
                    raise _kind(error)(message) from error
                messages.append(f"{message}; its row is missing")
                rows.append(self._missing())
        return rows, messages

    def _lists(self, X: Any) -> list[Any]:
        one = isinstance(X, (ReflectionList, str, bytes)) or hasattr(X, "__fspath__")
        if one or not hasattr(X, "__len__"):
            raise TypeError(
                f"{type(self).__name__} takes a list of reflection lists, got one"
                f" {type(X).__name__}"
            )
        return [X[i] for i in range(len(X))]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.no_validation = True
        return tags


def _kind(error: Exception) -> type[Exception]:
    # Others, of damaged text for one, take more than a message.
    kinds = (ReflectionFileError, OSError, TypeError, ValueError)
    return next(kind for kind in kinds if isinstance(error, kind))
