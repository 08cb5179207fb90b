"""One random split."""

from __future__ import annotations

from typing import Any

import numpy as np


def holdout_split(
    groups: Any, test_fraction: float = 0.2, random_state: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Random split that leaves no group on both sides.

    Parameters
    ----------
    groups : array-like of int, shape (n,)
        For instance from :func:`twin_groups`.
    test_fraction : float, default=0.2
        Part of the groups that is held out.
    random_state : int, default=0

    Returns
    -------
    train, test : ndarray of int
        Sorted row numbers.

    Examples
    --------
    >>> from crystalsym.learning import holdout_split
    >>> train, test = holdout_split([0, 1, 1, 2, 3], test_fraction=0.5)
    >>> set(train) | set(test) == set(range(5)), (1 in test) == (2 in test)
    (True, True)
    """
    if not 0 < test_fraction < 1:
        raise ValueError(f"test_fraction must lie between 0 and 1, got {test_fraction!r}")
    groups = np.asarray(groups)
    names = np.unique(groups)
    shuffled = np.random.default_rng(random_state).permutation(names)
    held_out = np.isin(groups, shuffled[: round(test_fraction * len(names))])
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
