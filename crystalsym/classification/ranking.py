"""From scores to the groups that rank first, the same for every classifier."""

from __future__ import annotations

from typing import Any

import numpy as np


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
