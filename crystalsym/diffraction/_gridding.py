"""Gridding: values anywhere spread onto an even grid, and values of an even grid anywhere.

Both go by short kernels, along each axis in turn. What is spread has the kernel's shape, by whose
Fourier transform its spectrum is divided afterwards; interpolation takes a sinc in a Kaiser window.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numba import njit

# Spreading: points of the grid that a value touches along each axis, and how much finer it is.
WIDTH, FINER = 8, 1.35
# Interpolation: points on each side, and how much finer lines are sampled than they demand.
REACH, SURPLUS = 18, 1.26
STEPS = 1024  # of tables of either kernel, linear between


def spread(grid: np.ndarray, where: np.ndarray, values: np.ndarray) -> None:
    """Add values anywhere to a grid, whose spectrum is to be divided by the kernel's.

    Parameters
    ----------
    grid : ndarray of float32, shape (n, m, n_terms)
    where : ndarray of float64, shape (n_places, 2)
        In points of the grid, half of ``WIDTH`` from its edges at least.
    values : ndarray of float32, shape (n_places, n_terms)
    """
    _spread(grid, where, values, _spreading_table())


def spreading_transform(frequency: np.ndarray) -> np.ndarray:
    """Compute the Fourier transform of the kernel that spreads, by Gauss-Legendre quadrature.

    Parameters
    ----------
    frequency : ndarray of shape (n,)
        Per point of the grid.
    """
    nodes, weights = np.polynomial.legendre.leggauss(64)
    u = nodes * WIDTH / 2
    values: np.ndarray = np.cos(2 * np.pi * np.outer(frequency, u)) @ (
        weights * WIDTH / 2 * _shape(u)
    )
    return values


def interpolated(lines: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Interpolate on each of n lines of evenly spaced values.

    Parameters
    ----------
    lines : ndarray of complex64, shape (n, n_points)
    places : ndarray of float64, shape (n, m)
        In points, ``REACH`` from the ends at least.

    Returns
    -------
    ndarray of complex64, shape (n, m)
    """
    found: np.ndarray = _interpolated(lines, places, _interpolation_table())
    return found


def _shape(u: np.ndarray) -> np.ndarray:
    """The spreading kernel at distances u in points of the grid."""
    beta = 0.98 * np.pi * WIDTH * (1 - 1 / (2 * FINER))
    inside = np.clip(1 - (2 * u / WIDTH) ** 2, 0, None)
    shape: np.ndarray = np.where(inside > 0, np.exp(beta * (np.sqrt(inside) - 1)), 0)
    return shape


@cache
def _spreading_table() -> np.ndarray:
    """Weights of WIDTH points in a row, by how far the first is beyond half the width."""
    t = np.arange(STEPS + 1) / STEPS
    weights: np.ndarray = _shape(np.arange(WIDTH) - WIDTH / 2 + t[:, None]).astype(np.float32)
    return weights


@cache
def _interpolation_table() -> np.ndarray:
    """Weights of 2 REACH points about a place, by its distance beyond one of them."""
    t = np.arange(STEPS + 1) / STEPS
    u = np.arange(1 - REACH, REACH + 1) - t[:, None]
    beta = np.pi * REACH * (1 - 1 / SURPLUS)
    window = np.i0(beta * np.sqrt(np.clip(1 - (u / REACH) ** 2, 0, None))) / np.i0(beta)
    weights: np.ndarray = (np.sinc(u) * window).astype(np.float32)
    return weights


@njit(cache=True, nogil=True, fastmath=True)
def _spread(grid, where, values, kernel):
    """Add values at ``where`` (in points) to a grid."""
    width, steps, n_terms = kernel.shape[1], kernel.shape[0] - 1, grid.shape[2]
    along, across = np.empty(width, np.float32), np.empty(width, np.float32)
    stretch = np.empty(width * n_terms, np.float32)
    flat = grid.reshape(grid.shape[0], -1)
    for one in range(len(where)):
        first = math.ceil(where[one, 0] - width / 2)
        start = math.ceil(where[one, 1] - width / 2)
        for axis in range(2):
            edge = where[one, axis] - width / 2
            place = (math.ceil(edge) - edge) * steps
            row = min(int(place), steps - 1)
            part = np.float32(place - row)
            weights = along if axis == 0 else across
            for i in range(width):
                weights[i] = kernel[row, i] + part * (kernel[row + 1, i] - kernel[row, i])
        # A row of the kernel and all terms are one stretch of the grid's row.
        for j in range(width):
            for k in range(n_terms):
                stretch[j * n_terms + k] = across[j] * values[one, k]
        for i in range(width):
            weight = along[i]
            row = flat[first + i, start * n_terms : (start + width) * n_terms]
            for k in range(len(stretch)):
                row[k] += weight * stretch[k]


@njit(cache=True, nogil=True, fastmath=True)
def _interpolated(lines, places, kernel):
    """Values at ``places`` (n, m), in points, of each of n lines."""
    out = np.empty(places.shape, dtype=np.complex64)
    steps, taps = kernel.shape[0] - 1, kernel.shape[1]
    weights = np.empty(taps, np.float32)
    for line in range(places.shape[0]):
        for one in range(places.shape[1]):
            base = int(np.floor(places[line, one]))
            place = (places[line, one] - base) * steps
            row = min(int(place), steps - 1)
            part = np.float32(place - row)
            for i in range(taps):
                weights[i] = kernel[row, i] + part * (kernel[row + 1, i] - kernel[row, i])
            first = base + 1 - taps // 2
            total = np.complex64(0)
            for i in range(taps):
                total += lines[line, first + i] * weights[i]
            out[line, one] = total
    return out
