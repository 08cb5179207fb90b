"""Splits that keep what is nearly the same crystal on one side."""

from __future__ import annotations

from typing import Any

import numpy as np

# Edges (Å) and angles (degrees) are compared to this many decimals.
EDGE_DECIMALS, ANGLE_DECIMALS = 2, 1


def twin_groups(crystals: Any, labels: Any = None) -> np.ndarray:
    """Number crystals so that near-duplicates share a number.

    Two crystals are twins when they agree in cell content, in the cell's edges to 0.01 Å and
    angles to 0.1°, and in the label.

    Parameters
    ----------
    crystals : sequence of Crystal
        In their standard cells.
    labels : array-like of shape (n,), optional

    Returns
    -------
    ndarray of int, shape (n,)
        For use as ``groups`` of scikit-learn's splitters.
    """
    keys: dict[tuple, int] = {}
    numbers = np.empty(len(crystals), dtype=np.int64)
    for index in range(len(crystals)):
        crystal = crystals[index]
        edges = np.sqrt(np.diag(crystal.metric))
        cosines = crystal.metric[[1, 0, 0], [2, 2, 1]] / (edges[[1, 0, 0]] * edges[[2, 2, 1]])
        angles = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
        content = np.unique(crystal.atomic_numbers, return_counts=True)
        key = (
            None if labels is None else int(labels[index]),
            tuple(content[0].tolist()),
            tuple(content[1].tolist()),
            tuple(edges.round(EDGE_DECIMALS).tolist()),
            tuple(angles.round(ANGLE_DECIMALS).tolist()),
        )
        numbers[index] = keys.setdefault(key, len(keys))
    return numbers


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
    >>> from crystalsym.splits import holdout_split
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
