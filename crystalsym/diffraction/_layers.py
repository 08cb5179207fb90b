"""Zero-order layers of many crystals at once: lists of spots, without drawing an image.

The physics is that of engine ``"bragg"`` along zone axes with a flat Ewald surface. Training
looks at every crystal many times, each time a little changed; drawing images and finding the
spots in them again would take most of that time.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numba import njit

from crystalsym.scattering._factors import coefficients

# Reflections that span the layer of each zone, right-handed seen against the beam, the first
# along image +x; as crystalsym.diffraction._geometry has them.
ZONES = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, -1, 0), (1, 1, 1))
LAYERS = np.array(
    [
        [(0, 1, 0), (0, 0, 1)],
        [(0, 0, 1), (1, 0, 0)],
        [(1, 0, 0), (0, 1, 0)],
        [(0, 0, 1), (-1, -1, 0)],
        [(1, 0, -1), (-1, 1, 0)],
    ],
    dtype=np.float64,
)
# Factors are read off a table of this many steps in q².
STEPS = 4096


@cache
def factor_table(q_max: float, radiation: str) -> np.ndarray:
    """Scattering factors f[Z, i] at q² = i (q_max²) / STEPS; zero where the table has none."""
    s2 = np.arange(STEPS + 2) * (q_max**2 / STEPS) / 4
    table = np.zeros((120, STEPS + 2))
    for z in range(1, 99):
        a, b = coefficients(z, radiation)
        table[z] = a @ np.exp(-np.multiply.outer(b, s2))
    table.setflags(write=False)
    return table


def layer_spots(
    reciprocal: np.ndarray,
    offsets: np.ndarray,
    coords: np.ndarray,
    numbers: np.ndarray,
    zones: np.ndarray,
    q_max: float,
    radiation: str = "xray",
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Spots of several layers of each crystal, one of every Friedel pair.

    Parameters
    ----------
    reciprocal : ndarray of shape (n, 3, 3)
        Reciprocal vectors as rows, 1/Å.
    offsets : ndarray of int, shape (n + 1,)
        Crystal i owns the atoms ``offsets[i]`` to ``offsets[i + 1]``.
    coords : ndarray of float64, shape (n_atoms, 3)
        Fractional; atoms of one element side by side.
    numbers : ndarray of int, shape (n_atoms,)
    zones : ndarray of int, shape (n, n_views)
        Rows of ``ZONES``.
    q_max : float
        1/Å.
    radiation : {"xray", "electron"}

    Returns
    -------
    x, y : ndarray of float64, shape (n_spots,)
        Place of each reflection as a part of ``q_max``.
    intensity : ndarray of float64, shape (n_spots,)
        |F|².
    starts : ndarray of int, shape (n n_views + 1,)
        Where the spots of each view begin.
    """
    table = factor_table(float(q_max), radiation)
    layers = LAYERS[zones]
    q = np.einsum("nvgi,nij->nvgj", layers, reciprocal)
    edges = np.sqrt(np.einsum("nvgj,nvgj->nvg", q, q))
    along = np.einsum("nvj,nvj->nv", q[:, :, 0], q[:, :, 1]) / edges[:, :, 0]
    across = np.sqrt(np.maximum(edges[:, :, 1] ** 2 - along**2, 0))
    metric = np.stack([edges[:, :, 0], along, across], axis=-1) / q_max
    bounds = np.empty((*zones.shape, 2), dtype=np.int64)
    bounds[..., 1] = 1 / metric[..., 2] + 1e-9
    bounds[..., 0] = edges[:, :, 1] / (edges[:, :, 0] * across) * q_max + 1e-9
    capacity = int(((2 * bounds[..., 0] + 1) * (bounds[..., 1] + 1)).sum())
    return _spots(metric, bounds, layers, offsets, coords, numbers, table, capacity)


@njit(cache=True, nogil=True, fastmath=True)
def _spots(metric, bounds, layers, offsets, coords, numbers, table, capacity):
    n, n_views = bounds.shape[:2]
    x_out, y_out, out = np.empty(capacity), np.empty(capacity), np.empty(capacity)
    starts = np.zeros(n * n_views + 1, dtype=np.int64)
    count = 0
    for crystal in range(n):
        first_atom, end = offsets[crystal], offsets[crystal + 1]
        for view in range(n_views):
            a, b_x, b_y = metric[crystal, view]
            h_max, k_max = bounds[crystal, view]
            height, width = k_max + 1, 2 * h_max + 1
            total_r, total_i = np.zeros((height, width)), np.zeros((height, width))
            part_r, part_i = np.zeros((height, width)), np.zeros((height, width))
            cos_h, sin_h = np.empty(width), np.empty(width)
            for atom in range(first_atom, end):
                u = v = 0.0
                for axis in range(3):
                    u += layers[crystal, view, 0, axis] * coords[atom, axis]
                    v += layers[crystal, view, 1, axis] * coords[atom, axis]
                u, v = 2 * math.pi * (u - np.round(u)), 2 * math.pi * (v - np.round(v))
                step_r, step_i = math.cos(u), math.sin(u)
                c, s = math.cos(h_max * u), -math.sin(h_max * u)
                for h in range(width):
                    cos_h[h], sin_h[h] = c, s
                    c, s = c * step_r - s * step_i, c * step_i + s * step_r
                step_r, step_i = math.cos(v), math.sin(v)
                c, s = 1.0, 0.0
                for k in range(height):
                    for h in range(width):
                        part_r[k, h] += c * cos_h[h] - s * sin_h[h]
                        part_i[k, h] += c * sin_h[h] + s * cos_h[h]
                    c, s = c * step_r - s * step_i, c * step_i + s * step_r
                if atom + 1 == end or numbers[atom + 1] != numbers[atom]:
                    for k in range(height):
                        for h in range(width):
                            x = (h - h_max) * a + k * b_x
                            y = k * b_y
                            place = (x * x + y * y) * STEPS
                            if place <= STEPS:
                                i = int(place)
                                f = table[numbers[atom], i]
                                f += (place - i) * (table[numbers[atom], i + 1] - f)
                                total_r[k, h] += f * part_r[k, h]
                                total_i[k, h] += f * part_i[k, h]
                    part_r[:], part_i[:] = 0.0, 0.0
            for k in range(height):
                for h in range(width):
                    if k == 0 and h <= h_max:
                        continue
                    x, y = (h - h_max) * a + k * b_x, k * b_y
                    if x * x + y * y <= 1.0:
                        x_out[count], y_out[count] = x, y
                        out[count] = total_r[k, h] ** 2 + total_i[k, h] ** 2
                        count += 1
            starts[crystal * n_views + view + 1] = count
    return x_out[:count], y_out[:count], out[:count], starts
