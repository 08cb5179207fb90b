"""One random split."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.model_selection import GroupShuffleSplit


def holdout_split(
    groups: Any, test_fraction: float = 0.2, random_state: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Split rows at random, leaving no group on both sides.

    Parameters
    ----------
    groups : array-like of int, shape (n,)
        For instance from :func:`near_duplicate_groups`.
    test_fraction : float, default=0.2
        Part of the groups that is held out, rounded up to whole groups.
    random_state : int, default=0

    Returns
    -------
    train, test : ndarray of int
        Sorted row numbers.

    Raises
    ------
    ValueError
        If ``test_fraction`` is not between 0 and 1, or there are too few groups.

    See Also
    --------
    sklearn.model_selection.GroupShuffleSplit : Draws it.

    Examples
    --------
    >>> from crystalsym.learning import holdout_split
    >>> train, test = holdout_split([0, 1, 1, 2, 3], test_fraction=0.5)
    >>> set(train) | set(test) == set(range(5)), (1 in test) == (2 in test)
    (True, True)
    """
    if not 0 < test_fraction < 1:
        raise ValueError(f"test_fraction must lie between 0 and 1, got {test_fraction!r}")
    splitter = GroupShuffleSplit(1, test_size=float(test_fraction), random_state=random_state)
    train, test = next(splitter.split(np.asarray(groups), groups=groups))
    return train, test
