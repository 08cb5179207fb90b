"""Prediction sets by split conformal prediction: groups that hold the true one as often as asked.

The score of a group is 0 if it is the most probable one, else 1 minus its probability. A set holds
the groups whose score is at most a quantile of the true groups' scores on held-out rows. Among all
sets that are never empty these are the smallest of their coverage where the probabilities are
right. Sums of probabilities down the ranking (adaptive sets) would be larger: they add groups to
rows that are certain, too, once the most probable group alone is right nearly as often as asked.
"""

from __future__ import annotations

import math

import numpy as np

# Order statistics kept of the scores: a step of 0.1 % in coverage.
MAX_SCORES = 1000
DECIMALS = 7


def set_scores(probabilities: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Score of the true group of every row.

    Parameters
    ----------
    probabilities : (n, n_classes) float
    codes : (n,) int
        Columns of the true groups.

    Examples
    --------
    >>> set_scores(np.array([[0.75, 0.25], [0.75, 0.25]]), np.array([0, 1]))
    array([0.  , 0.75])
    """
    own = probabilities[np.arange(len(codes)), codes]
    return np.where(probabilities.argmax(axis=1) == codes, 0.0, 1.0 - own)


def compact(scores: np.ndarray) -> np.ndarray:
    """At most 1000 of the sorted scores, evenly in rank, the largest among them.

    They are rounded up to 7 decimals, so that JSON keeps them as they are.
    """
    kept = min(len(scores), MAX_SCORES)
    ranks = -(-np.arange(1, kept + 1) * len(scores) // kept)
    rounded = np.ceil(np.sort(scores)[ranks - 1] * 10**DECIMALS) / 10**DECIMALS
    return np.minimum(np.round(rounded, DECIMALS), 1.0)


def check_coverage(coverage: float) -> None:
    """Raise ValueError unless a coverage is between 0 and 1, both excluded."""
    if isinstance(coverage, bool) or not 0 < float(coverage) < 1:
        raise ValueError(f"coverage must be between 0 and 1, got {coverage!r}")


def set_threshold(scores: np.ndarray, n_rows: int, coverage: float) -> float:
    """Largest score that a set of this coverage admits.

    Parameters
    ----------
    scores : (m,) float
        From :func:`compact`.
    n_rows : int
        Rows that the scores are of.
    coverage : float

    Raises
    ------
    ValueError
        If coverage is not between 0 and 1, or needs more rows.

    Examples
    --------
    >>> set_threshold(np.array([0.0, 0.0, 0.4, 0.9]), 4, coverage=0.6)
    0.4
    """
    check_coverage(coverage)
    # One more row than there are stands for the row to be predicted. The small number undoes the
    # rounding of a product that ought to be whole.
    rank = max(math.ceil((n_rows + 1) * coverage - 1e-9), 1)
    if rank > n_rows:
        least = math.ceil(coverage / (1 - coverage) - 1e-9)
        raise ValueError(
            f"coverage={coverage:g} needs at least {least} validation rows, this classifier had "
            f"{n_rows}"
        )
    place = -(-rank * len(scores) // n_rows)  # the first kept score of at least this rank
    return float(scores[place - 1])


def prediction_sets(
    probabilities: np.ndarray, classes: np.ndarray, threshold: float
) -> list[np.ndarray]:
    """Groups of a score up to a threshold, most probable first; none in rows of NaN."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ranked = np.take_along_axis(probabilities, order, axis=1).astype(np.float64)
    sizes = np.maximum((1.0 - ranked <= threshold).sum(axis=1), 1)
    sizes[np.isnan(probabilities).any(axis=1)] = 0
    return [classes[row[:size]] for row, size in zip(order, sizes, strict=True)]
