"""How far an accuracy may be from the one that more crystals would show."""

from __future__ import annotations

from typing import Any

import numpy as np

INTERVALS = ("wilson", "bootstrap")
_PIECE = 1 << 22  # values of resampled counts that are held at a time


def accuracy_interval(
    right: Any,
    method: str = "wilson",
    level: float = 0.95,
    *,
    groups: Any = None,
    n_resamples: int = 2000,
    random_state: int | np.random.RandomState | None = 0,
) -> tuple[float, float]:
    """Return the interval that holds the true accuracy at a level of confidence.

    Parameters
    ----------
    right : array-like of bool, shape (n,)
        Which answers are right.
    method : {"wilson", "bootstrap"}, default="wilson"
        Wilson's score interval, for independent rows; or percentiles of the accuracy of rows drawn
        again.
    level : float, default=0.95
        Between 0 and 1.
    groups : array-like of shape (n,), optional
        Rows of one group, such as crystals of a prototype, are drawn together (``"bootstrap"``):
        they are right or wrong together, and the interval is wider.
    n_resamples : int, default=2000
        Draws of ``"bootstrap"``.
    random_state : int, RandomState instance or None, default=0
        Fixes the draws.

    Returns
    -------
    low, high : float

    Raises
    ------
    ValueError
        If there are no rows, or a parameter is not as described.

    References
    ----------
    E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927).

    Examples
    --------
    >>> from crystalsym.metrics import accuracy_interval
    >>> low, high = accuracy_interval([True] * 80 + [False] * 20)
    >>> round(low, 3), round(high, 3)
    (0.711, 0.867)
    """
    values = np.asarray(right)
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"right must have shape (n,) with n >= 1, got {values.shape}")
    if not np.isin(values, (0, 1)).all():
        raise ValueError("right must hold True and False alone")
    if method not in INTERVALS:
        raise ValueError(f"method must be one of {', '.join(INTERVALS)}, got {method!r}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level!r}")
    if method == "wilson":
        if groups is not None:
            raise ValueError('groups are for method="bootstrap": Wilson\'s rows are independent')
        from scipy.stats import binomtest

        test = binomtest(int(values.sum()), len(values))
        low, high = test.proportion_ci(level, method="wilson")
        return float(low), float(high)
    if int(n_resamples) != n_resamples or n_resamples < 1:
        raise ValueError(f"n_resamples must be an integer >= 1, got {n_resamples!r}")
    drawn = _drawn_again(values.astype(np.float64), groups, int(n_resamples), random_state)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _drawn_again(right: np.ndarray, groups: Any, n_resamples: int, random_state: Any) -> np.ndarray:
    """Accuracies of rows, or whole groups of them, drawn with replacement."""
    from sklearn.utils import check_random_state

    codes = np.arange(len(right))
    if groups is not None:
        groups = np.asarray(groups)
        if groups.shape != right.shape:
            raise ValueError(f"groups must have shape ({len(right)},), got {groups.shape}")
        codes = np.unique(groups, return_inverse=True)[1]
    found, sizes = np.bincount(codes, right), np.bincount(codes).astype(np.float64)
    random, n = check_random_state(random_state), len(sizes)
    step = max(1, _PIECE // n)
    parts = []
    for start in range(0, n_resamples, step):
        count = min(step, n_resamples - start)
        chosen = random.randint(0, n, size=(count, n))
        parts.append(found[chosen].sum(axis=1) / sizes[chosen].sum(axis=1))
    return np.concatenate(parts)
