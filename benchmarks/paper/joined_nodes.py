"""Which nodes a shaping joins, told by its rule and apart from the pictures that it draws."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

# Of the published code: pairs closer than this are not collected, and so few are all joined.
LEAST_COLLECTED, FEW = 10.0, 100


class JoinedNodes(NamedTuple):
    """Nodes, and the pairs that are joined.

    Attributes
    ----------
    places : ndarray of shape (n, 2)
        x and y.
    pairs : ndarray of int, shape (m, 2)
    smallest : float
        Distance that the reach is a multiple of; NaN if there is none.
    reach : float
        Pairs are joined up to it; infinite where all are.
    """

    places: NDArray[np.float64]
    pairs: NDArray[np.int64]
    smallest: float
    reach: float


def join_spots(places: NDArray[np.float64], factor: float) -> JoinedNodes:
    """Join spots by the rule of the text: up to ``factor`` times the smallest distance.

    Parameters
    ----------
    places : ndarray of shape (n, 2)
    factor : float
    """
    places = np.asarray(places, dtype=np.float64)
    if len(places) < 2:
        return JoinedNodes(places, np.empty((0, 2), dtype=np.int64), np.nan, np.nan)
    tree = cKDTree(places)
    smallest = float(tree.query(places, k=2)[0][:, 1].min())
    reach = factor * smallest * (1 + 1e-6)
    return JoinedNodes(places, tree.query_pairs(reach, output_type="ndarray"), smallest, reach)


def join_pixels(nodes: NDArray[np.bool_], factor: float) -> JoinedNodes:
    """Join bright pixels by the rule of the published code.

    Parameters
    ----------
    nodes : ndarray of bool, shape (size, size)
    factor : float
    """
    rows, columns = np.nonzero(nodes)
    places = np.stack([columns, rows], axis=1).astype(np.float64)
    first, second = np.triu_indices(len(places), 1)
    dx, dy = np.abs(places[first] - places[second]).T
    askew = (dx > 0) & (dy > 0)  # never along a row or column
    first, second, dx, dy = first[askew], second[askew], dx[askew], dy[askew]
    measure = np.sqrt(dx**2 - 1 + dy**2 - 1)
    collected = measure >= LEAST_COLLECTED
    smallest = float(measure[collected].min()) if collected.any() else np.nan
    if not collected.any():
        joined, reach = np.zeros(len(first), dtype=bool), np.nan
    elif 2 * collected.sum() <= FEW:  # the code has every pair twice
        joined, reach = collected, np.inf
    else:
        reach = factor * smallest
        joined = np.hypot(dx, dy) <= reach
    return JoinedNodes(places, np.stack([first[joined], second[joined]], axis=1), smallest, reach)
