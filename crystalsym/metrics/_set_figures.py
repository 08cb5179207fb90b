"""Figures of prediction sets: how often they hold the true group, and how large they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from crystalsym.metrics._figures import rows


def set_coverage(y_true: Any, sets: Sequence[Any], sample_weight: Any = None) -> float:
    """Return the part of the rows whose set holds the true group.

    Parameters
    ----------
    y_true : array-like of int, shape (n,)
    sets : sequence of n array-likes of int
        From :meth:`crystalsym.SpaceGroupClassifier.predict_set`. An empty one holds nothing.
    sample_weight : array-like of shape (n,), optional
        Weights of the rows.

    Raises
    ------
    ValueError
        If there is not one set for each row, or there are no rows.

    Examples
    --------
    >>> from crystalsym.metrics import set_coverage
    >>> set_coverage([225, 62], [[225, 216], [33]])
    0.5
    """
    y_true, weights = _rows(y_true, sets, sample_weight)
    held = [bool(np.isin(group, one)) for group, one in zip(y_true, sets, strict=True)]
    return float(np.average(held, weights=weights))


def mean_set_size(sets: Sequence[Any], sample_weight: Any = None) -> float:
    """Return the mean number of groups in the sets.

    Parameters
    ----------
    sets : sequence of n array-likes of int
        From :meth:`crystalsym.SpaceGroupClassifier.predict_set`.
    sample_weight : array-like of shape (n,), optional
        Weights of the rows.

    Examples
    --------
    >>> from crystalsym.metrics import mean_set_size
    >>> mean_set_size([[225, 216], [33]])
    1.5
    """
    sizes, weights = _rows([len(one) for one in sets], sets, sample_weight)
    return float(np.average(sizes, weights=weights))


def _rows(values: Any, sets: Sequence[Any], sample_weight: Any) -> tuple[np.ndarray, np.ndarray]:
    values, weights = rows(values, sample_weight)
    if len(sets) != len(values):
        raise ValueError(f"{len(sets)} prediction sets for {len(values)} rows")
    return values, weights
