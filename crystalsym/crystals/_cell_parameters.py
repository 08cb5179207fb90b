"""Lattice vectors and the six numbers of a cell."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike


def lattice_of(cell: ArrayLike) -> np.ndarray:
    """Lattice vectors as rows, a along x and b in the xy plane, of six cell parameters."""
    a, b, c, alpha, beta, gamma = (float(value) for value in np.asarray(cell, dtype=float))
    cosines = np.cos(np.radians([alpha, beta, gamma]))
    sine = math.sin(math.radians(gamma))
    x = cosines[1]
    y = (cosines[0] - cosines[1] * cosines[2]) / sine
    return np.array(
        [
            [a, 0, 0],
            [b * cosines[2], b * sine, 0],
            [c * x, c * y, c * math.sqrt(max(1 - x * x - y * y, 0))],
        ]
    )


def cell_of(lattice: np.ndarray) -> tuple[float, float, float, float, float, float]:
    """Six cell parameters of lattice vectors."""
    metric = lattice @ lattice.T
    edges = np.sqrt(np.diag(metric))
    pairs = ((1, 2), (0, 2), (0, 1))
    cosines = [np.clip(metric[i, j] / (edges[i] * edges[j]), -1, 1) for i, j in pairs]
    a, b, c = map(float, edges)
    alpha, beta, gamma = map(float, np.degrees(np.arccos(cosines)))
    return a, b, c, alpha, beta, gamma
