"""Intensities of known places of an image, spots that overlap told apart."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from scipy import sparse
from scipy.sparse.linalg import spsolve
from scipy.spatial import cKDTree

REACH = 3.0  # of a spot's widths that its intensity is taken from
# A spot of which less than this part was measured was not measured.
LEAST_SEEN = 0.35
# Of one that is saturated in the middle, the flanks tell as much: up to five times overexposed.
LEAST_FLANKS = 0.04
# Spots closer than this many widths are fitted together.
OVERLAP = 6.0


def integrate_spots(
    light: np.ndarray,
    noise: np.ndarray,
    bad: np.ndarray,
    places: np.ndarray,
    sigma: float,
    saturated: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Fit the heights of Gaussian spots at given places.

    Parameters
    ----------
    light, noise : ndarray of shape (H, W)
        What is above the ground, and the standard deviation of a pixel of the ground.
    bad : ndarray of bool, shape (H, W)
        Not measured.
    places : ndarray of shape (n, 2)
        (column, row).
    sigma : float
        Width of the spots, pixels.
    saturated : ndarray of bool, shape (H, W), optional
        Which of the bad pixels are too bright to be measured: such a spot is measured by its
        flanks, of which less is needed.

    Returns
    -------
    heights, uncertainties : ndarray of shape (n,)
        NaN where the spot was not measured.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.mgrid[:64, :64]
    >>> light = 9 * np.exp(-((x - 30.3) ** 2 + (y - 20) ** 2) / 8)
    >>> light += 2 * np.exp(-((x - 36.3) ** 2 + (y - 20) ** 2) / 8)
    >>> ones, none = np.ones((64, 64), np.float32), np.zeros((64, 64), bool)
    >>> places = np.array([[30.3, 20.0], [36.3, 20.0], [70.0, 5.0]])
    >>> integrate_spots(light.astype(np.float32), ones, none, places, 2.0)[0].round(1).tolist()
    [9.0, 2.0, nan]
    """
    places = np.ascontiguousarray(places, dtype=np.float64)
    sums, seen, variance = _gathered(light, noise, bad, places, sigma, REACH)
    whole = _whole(sigma)
    measured = seen > LEAST_SEEN * whole
    if saturated is not None and saturated.any():
        known = _gathered(light, noise, bad & ~saturated, places, sigma, REACH)[1]
        measured |= (known > LEAST_SEEN * whole) & (seen > LEAST_FLANKS * whole)
    heights, errors = np.full(len(places), np.nan), np.full(len(places), np.nan)
    if not measured.any():
        return heights, errors
    seen, sums, variance = seen[measured], sums[measured], variance[measured]
    heights[measured] = _apart(places[measured], sums / seen, sigma)
    errors[measured] = np.sqrt(variance) / seen
    return heights, errors


def _apart(places: np.ndarray, heights: np.ndarray, sigma: float) -> np.ndarray:
    """Heights without what neighbors add to them."""
    near = cKDTree(places).query_pairs(OVERLAP * sigma, output_type="ndarray")
    if not len(near):
        return heights
    one, two = near.T
    off = np.hypot(*(places[one] - places[two]).T)
    shared = np.exp(-0.25 * (off / sigma) ** 2)
    n = len(places)
    # Places that coincide cannot be told apart.
    shared = np.minimum(shared, 0.9)
    matrix = sparse.coo_matrix(
        (np.concatenate([shared, shared, np.ones(n)]),
         (np.concatenate([one, two, np.arange(n)]), np.concatenate([two, one, np.arange(n)]))),
        shape=(n, n),
    ).tocsc()  # fmt: skip
    return np.atleast_1d(spsolve(matrix, heights))


def _whole(sigma: float) -> float:
    """Sum of the squared profile over all pixels."""
    if sigma > 0.7:
        return math.pi * sigma**2
    grid = np.arange(-5, 6)
    return float(np.exp(-((grid / sigma) ** 2)).sum() ** 2)


@njit(cache=True, nogil=True)
def _gathered(light, noise, bad, places, sigma, reach):
    """Sums over the pixels of each spot: profile x light, profile², profile² x variance."""
    height, width = light.shape
    n = len(places)
    sums, seen, variance = np.zeros(n), np.zeros(n), np.zeros(n)
    radius = max(reach * sigma, 1.5)
    for i in range(n):
        column, row = places[i, 0], places[i, 1]
        for r in range(max(0, math.ceil(row - radius)), min(height, math.floor(row + radius) + 1)):
            for c in range(
                max(0, math.ceil(column - radius)), min(width, math.floor(column + radius) + 1)
            ):
                if bad[r, c]:
                    continue
                d2 = ((r - row) ** 2 + (c - column) ** 2) / sigma**2
                if d2 > reach * reach:
                    continue
                profile = math.exp(-0.5 * d2)
                sums[i] += profile * light[r, c]
                seen[i] += profile * profile
                # Counting statistics are in the light itself only where its unit is one count.
                variance[i] += (profile * noise[r, c]) ** 2
    return sums, seen, variance
