"""From scores to the groups that rank first, the same for every classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from crystalsym.classification._image_rows import row_names


def check_k(k: Any, n_classes: int) -> int:
    """Return k as int; ValueError if it is not between 1 and the number of groups."""
    if int(k) != k or not 1 <= k <= n_classes:
        raise ValueError(f"k must be an integer from 1 to {n_classes}, got {k!r}")
    return int(k)


def top_k(
    scores: np.ndarray, probabilities: np.ndarray, classes: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """The k groups of highest score, 0 in rows that hold NaN, and their probabilities."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    groups = classes[order]
    groups[np.isnan(scores[:, 0])] = np.zeros((), groups.dtype)
    return groups, np.take_along_axis(probabilities, order, axis=1)


def refuse_absent(absent: np.ndarray) -> None:
    """Raise ValueError naming the rows of a mask: no space group stands for "unknown"."""
    if absent.any():
        raise ValueError(
            f"no group can be predicted for {row_names(np.flatnonzero(absent))} of X (NaN); "
            "predict_proba gives NaN there, and predict_top_k the group 0"
        )


class RankingMixin:
    """``predict_top_k`` of what gives scores and probabilities by ``_ranked(X)``."""

    def predict_top_k(self: Any, X: Any, k: int = 5) -> tuple[np.ndarray, np.ndarray]:
        """Return the k groups of every row that rank first, and their probabilities.

        Parameters
        ----------
        X : array-like or lazy array, (n, S, H, W, C) or (n, H, W, C)
        k : int, default=5
            At most the number of groups.

        Returns
        -------
        groups : ndarray (n, k)
            Most probable (most similar) first; 0 in rows that hold NaN.
        probabilities : ndarray (n, k) float32

        Raises
        ------
        ValueError
            If k is not between 1 and the number of groups.
        """
        check_is_fitted(self)
        k = check_k(k, len(self.classes_))
        scores, probabilities = self._ranked(X)
        return top_k(scores, probabilities, self.classes_, k)
