"""The one sum behind every kinematic pattern: F(hkl) = Σ occupancy f(|q|) exp(2πi h·x).

It runs over a grid of reflections o + i g1 + j g2, on which phases follow from their neighbors
by one complex product. A zero-order layer is such a grid; a single reflection is one of one point.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from numba import njit

from crystalsym.scattering._factors import N_TERMS, coefficients

# Factors are read off a table of this many steps in q²; linear between them to 1e-6.
STEPS = 4096
# Smaller Gaussians are none, and no numbers so small that processors take long over them.
NEGLIGIBLE = 1e-24
N_ELEMENTS = 120
HEAVIEST = 98
# As unwritable as a table, so that kernels are compiled once for both.
NO_TABLE = np.zeros((1, 1))
NO_TABLE.setflags(write=False)


class LayerSpots(NamedTuple):
    """Reflections of layers of many crystals, one of every Friedel pair.

    Attributes
    ----------
    place : ndarray of float64, shape (n_spots, 2)
        Along and across the layer's first vector, in units of ``q_max``.
    intensity : ndarray of float64, shape (n_spots,)
        |F|².
    indices : ndarray of int16, shape (n_spots, 2)
        Multiples (i, j) of the layer's two vectors.
    starts : ndarray of int64, shape (n_layers + 1,)
        Where the spots of each layer begin.
    """

    place: np.ndarray
    intensity: np.ndarray
    indices: np.ndarray
    starts: np.ndarray


@cache
def gaussian_table(radiation: str) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients a and b of all elements, (120, 5) each; zero where the table has none."""
    a, b = np.zeros((N_ELEMENTS, N_TERMS)), np.zeros((N_ELEMENTS, N_TERMS))
    for z in range(1, HEAVIEST + 1):
        a[z], b[z] = coefficients(z, radiation)
    a.setflags(write=False)
    b.setflags(write=False)
    return a, b


@cache
def factor_table(q_max: float, radiation: str) -> np.ndarray:
    """Scattering factors f[Z, i] at q² = i q_max² / STEPS; zero where the table has none."""
    s2 = np.arange(STEPS + 2) * (q_max**2 / STEPS) / 4
    table = np.zeros((N_ELEMENTS, STEPS + 2))
    for z in range(1, HEAVIEST + 1):
        a, b = coefficients(z, radiation)
        table[z] = a @ np.exp(-np.multiply.outer(b, s2))
    table.setflags(write=False)
    return table


def structure_factors(
    hkl: np.ndarray,
    q: np.ndarray,
    coords: np.ndarray,
    numbers: np.ndarray,
    occupancies: np.ndarray,
    radiation: str = "xray",
) -> np.ndarray:
    """Sum the atoms of one cell for each of some reflections.

    Parameters
    ----------
    hkl : array-like of shape (n, 3)
        Indices, whole or not.
    q : array-like of shape (n,)
        |q| = 1/d in 1/Å.
    coords : array-like of shape (n_atoms, 3)
        Fractional.
    numbers : array-like of int, shape (n_atoms,)
    occupancies : array-like of shape (n_atoms,)
    radiation : {"xray", "electron"}

    Returns
    -------
    ndarray of complex128, shape (n,)
        In electrons (X-rays) or Å (electrons).

    Examples
    --------
    In a body-centered cell of tungsten 100 is absent:

    >>> from crystalsym.scattering import structure_factors
    >>> f = structure_factors([[1, 0, 0], [1, 1, 0]], [0.3, 0.4], [[0] * 3, [.5] * 3], [74] * 2,
    ...                       [1, 1])
    >>> abs(f).round(1).tolist()
    [0.0, 124.9]
    """
    numbers = np.asarray(numbers, dtype=np.int64)
    order = np.argsort(numbers, kind="stable")
    return _list_sums(
        np.ascontiguousarray(hkl, dtype=np.float64),
        np.ascontiguousarray(q, dtype=np.float64),
        np.ascontiguousarray(np.asarray(coords, dtype=np.float64)[order]),
        numbers[order],
        np.asarray(occupancies, dtype=np.float64)[order],
        *gaussian_table(radiation),
    )


def layer_spots(
    reciprocal: np.ndarray,
    offsets: np.ndarray,
    coords: np.ndarray,
    numbers: np.ndarray,
    occupancies: np.ndarray,
    layers: np.ndarray,
    q_max: float,
    radiation: str = "xray",
    field: tuple[float, float] | None = None,
) -> LayerSpots:
    """Sum the atoms of many cells for the zero-order layers of each.

    Parameters
    ----------
    reciprocal : ndarray of shape (n, 3, 3)
        Reciprocal vectors as rows, 1/Å.
    offsets : ndarray of int64, shape (n + 1,)
        Crystal i owns the atoms ``offsets[i]`` to ``offsets[i + 1]``.
    coords : ndarray of float64, shape (n_atoms, 3)
        Fractional; atoms of one element side by side.
    numbers : ndarray of int64, shape (n_atoms,)
    occupancies : ndarray of float64, shape (n_atoms,)
    layers : ndarray of float64, shape (n, n_views, 2, 3)
        Two reflections that span each layer; the first lies along +x, the second on the side of
        +y in a right-handed cell.
    q_max : float
        Radius of the field in 1/Å, where there is no ``field``.
    radiation : {"xray", "electron"}
    field : tuple of float, optional
        Half width and half height, in units of ``q_max``, of a rectangular field. Scattering
        factors are then summed from their Gaussians instead of read off a table.

    Returns
    -------
    LayerSpots
        The direct beam, 000, is not among them.
    """
    exact = field is not None
    width, height = (1.0, 1.0) if field is None else field
    q = np.einsum("nvgi,nij->nvgj", layers, reciprocal)
    edges = np.sqrt(np.einsum("nvgj,nvgj->nvg", q, q))
    along = np.einsum("nvj,nvj->nv", q[:, :, 0], q[:, :, 1]) / edges[:, :, 0]
    across = np.sqrt(np.maximum(edges[:, :, 1] ** 2 - along**2, 0))
    metric = np.stack([edges[:, :, 0], along, across], axis=-1) / q_max
    bounds = np.empty((*layers.shape[:2], 2), dtype=np.int64)
    bounds[..., 1] = height / metric[..., 2] + 1e-9
    if exact:
        reach = width + bounds[..., 1] * np.abs(metric[..., 1])
        bounds[..., 0] = reach / metric[..., 0] + 1e-9
    else:
        bounds[..., 0] = edges[:, :, 1] / (edges[:, :, 0] * across) * q_max + 1e-9
    # Seen in a left-handed cell the second vector is on the other side.
    metric[np.linalg.det(reciprocal) < 0, :, 2] *= -1
    capacity = int(((2 * bounds[..., 0] + 1) * (bounds[..., 1] + 1)).sum())
    table = NO_TABLE if exact else factor_table(float(q_max), radiation)
    a, b = gaussian_table(radiation)
    return LayerSpots(
        *_layer_sums(
            metric, bounds, layers, offsets, coords, numbers, occupancies, table, a,
            b * (q_max**2 / 4), width, height, exact, capacity,
        )
    )  # fmt: skip


def layer_amplitudes(
    layer: np.ndarray,
    vectors: np.ndarray,
    coords: np.ndarray,
    numbers: np.ndarray,
    occupancies: np.ndarray,
    q_max: float,
    radiation: str = "electron",
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sum the atoms of one cell for all reflections of a zero-order layer, phases kept.

    Parameters
    ----------
    layer : array-like of int, shape (2, 3)
        Two reflections that span the layer.
    vectors : ndarray of shape (2, 2)
        The same in the plane of the layer, 1/Å, the first along +x.
    coords : ndarray of shape (n_atoms, 3)
        Fractional.
    numbers : ndarray of int, shape (n_atoms,)
    occupancies : ndarray of shape (n_atoms,)
    q_max : float
        Radius in 1/Å.
    radiation : {"xray", "electron"}

    Returns
    -------
    indices : ndarray of int64, shape (n, 2)
        Multiples (i, j) of the layer's two vectors; 000, which comes first, and one of each
        Friedel pair.
    amplitudes : ndarray of complex128, shape (n,)
        F = Σ occupancy f exp(+2πi h·x).
    squares : ndarray of float64, shape (n,)
        q², 1/Å².
    """
    order = np.argsort(numbers, kind="stable")
    metric = np.array([vectors[0, 0], vectors[1, 0], abs(vectors[1, 1])])
    j_max = int(q_max / metric[2] + 1e-9)
    i_max = int((q_max + j_max * abs(metric[1])) / metric[0] + 1e-9)
    total_r, total_i = np.zeros((2, j_max + 1, 2 * i_max + 1))
    a, b = gaussian_table(radiation)
    _add_layer(
        total_r, total_i, i_max, metric, np.asarray(layer, dtype=np.float64),
        np.ascontiguousarray(np.asarray(coords, dtype=np.float64)[order]),
        np.asarray(numbers, dtype=np.int64)[order],
        np.asarray(occupancies, dtype=np.float64)[order],
        NO_TABLE, a, b / 4, True,
    )  # fmt: skip
    return _half_circle(total_r, total_i, i_max, metric, q_max)


@njit(cache=True, nogil=True)
def _half_circle(total_r, total_i, i_max, metric, q_max):
    """Indices, amplitudes and q² within a radius, 00 and one of each Friedel pair."""
    height, width = total_r.shape
    indices = np.empty((total_r.size, 2), dtype=np.int64)
    amplitudes, squares = np.empty(total_r.size, dtype=np.complex128), np.empty(total_r.size)
    count = 0
    for j in range(height):
        for column in range(0 if j else i_max, width):
            i = column - i_max
            x, y = i * metric[0] + j * metric[1], j * metric[2]
            square = x * x + y * y
            if square <= q_max * q_max:
                indices[count, 0], indices[count, 1] = i, j
                amplitudes[count] = complex(total_r[j, column], total_i[j, column])
                squares[count] = square
                count += 1
    return indices[:count], amplitudes[:count], squares[:count]


@njit(cache=True, nogil=True)
def _add_atoms(part_r, part_i, i_first, origin, g1, g2, coords, occupancies, first, end):
    """Add atoms of one element to the grid part[j, i] of o + (i_first + i) g1 + j g2."""
    height, width = part_r.shape
    cos_i, sin_i = np.empty(width), np.empty(width)
    for atom in range(first, end):
        u = v = w = 0.0
        for axis in range(3):
            u += g1[axis] * coords[atom, axis]
            v += g2[axis] * coords[atom, axis]
            w += origin[axis] * coords[atom, axis]
        # Whole turns dropped first: high indices keep their precision.
        u, v = 2 * math.pi * (u - np.round(u)), 2 * math.pi * (v - np.round(v))
        w = 2 * math.pi * (w - np.round(w)) + i_first * u
        c, s = math.cos(w), math.sin(w)
        if width > 1:
            step_r, step_i = math.cos(u), math.sin(u)
            for i in range(width):
                cos_i[i], sin_i[i] = c, s
                c, s = c * step_r - s * step_i, c * step_i + s * step_r
        else:
            cos_i[0], sin_i[0] = c, s
        c, s = occupancies[atom], 0.0
        if height == 1:
            for i in range(width):
                part_r[0, i] += c * cos_i[i]
                part_i[0, i] += c * sin_i[i]
            continue
        step_r, step_i = math.cos(v), math.sin(v)
        for j in range(height):
            for i in range(width):
                part_r[j, i] += c * cos_i[i] - s * sin_i[i]
                part_i[j, i] += c * sin_i[i] + s * cos_i[i]
            c, s = c * step_r - s * step_i, c * step_i + s * step_r


@njit(cache=True, nogil=True)
def _gaussians(a, b, square):
    """Σ aᵢ exp(-bᵢ square)."""
    total = 0.0
    for term in range(len(a)):
        total += a[term] * math.exp(-b[term] * square)
    return total


@njit(cache=True, nogil=True)
def _gaussians_of_row(out, a, b, origin, step, rest):
    """Σ aₜ exp(-bₜ (x² + rest)) at x = origin + i step, from each to the next by two products."""
    middle = min(max(round(-origin / step), 0), len(out) - 1)
    x = origin + middle * step
    out[:] = 0.0
    for term in range(len(a)):
        if a[term] == 0.0:
            continue
        top = a[term] * math.exp(-b[term] * (x * x + rest))
        change = math.exp(-2 * b[term] * step * step)
        out[middle] += top
        value, ratio = top, math.exp(-b[term] * step * (step + 2 * x))
        for i in range(middle + 1, len(out)):
            if abs(value) < NEGLIGIBLE:
                break
            value *= ratio
            ratio *= change
            out[i] += value
        value, ratio = top, math.exp(-b[term] * step * (step - 2 * x))
        for i in range(middle - 1, -1, -1):
            if abs(value) < NEGLIGIBLE:
                break
            value *= ratio
            ratio *= change
            out[i] += value


@njit(cache=True, nogil=True)
def _end_of_element(numbers, first, end):
    """Where the atoms of the element that begins here end."""
    last = first + 1
    while last < end and numbers[last] == numbers[first]:
        last += 1
    return last


@njit(cache=True, nogil=True)
def _list_sums(hkl, q, coords, numbers, occupancies, a, b):
    out = np.empty(len(hkl), dtype=np.complex128)
    nothing = np.zeros(3)
    part_r, part_i = np.zeros((1, 1)), np.zeros((1, 1))
    for n in range(len(hkl)):
        total = 0j
        first = 0
        while first < len(numbers):
            last = _end_of_element(numbers, first, len(numbers))
            part_r[0, 0], part_i[0, 0] = 0.0, 0.0
            _add_atoms(
                part_r, part_i, 0, hkl[n], nothing, nothing, coords, occupancies, first, last
            )
            z = numbers[first]
            total += _gaussians(a[z], b[z], q[n] * q[n] / 4) * complex(part_r[0, 0], part_i[0, 0])
            first = last
        out[n] = total
    return out


@njit(cache=True, nogil=True)
def _add_layer(
    total_r, total_i, i_max, metric, layer, coords, numbers, occupancies, table, a, b, exact
):
    """Add the atoms of one cell to total[j, i + i_max], the reflection i g1 + j g2, j >= 0."""
    step, b_x, b_y = metric
    height, width = total_r.shape
    part_r, part_i = np.zeros((height, width)), np.zeros((height, width))
    nothing, row = np.zeros(3), np.empty(width)
    first, end = 0, len(numbers)
    while first < end:
        last = _end_of_element(numbers, first, end)
        part_r[:], part_i[:] = 0.0, 0.0
        _add_atoms(
            part_r, part_i, -i_max, nothing, layer[0], layer[1], coords, occupancies, first, last
        )
        z = numbers[first]
        for j in range(height):
            if exact:
                _gaussians_of_row(row, a[z], b[z], j * b_x - i_max * step, step, (j * b_y) ** 2)
                for i in range(width):
                    total_r[j, i] += row[i] * part_r[j, i]
                    total_i[j, i] += row[i] * part_i[j, i]
                continue
            for i in range(width):
                x = (i - i_max) * step + j * b_x
                y = j * b_y
                square = x * x + y * y
                if square <= 1.0:
                    place = int(square * STEPS)
                    f = table[z, place]
                    f += (square * STEPS - place) * (table[z, place + 1] - f)
                else:
                    continue
                total_r[j, i] += f * part_r[j, i]
                total_i[j, i] += f * part_i[j, i]
        first = last


@njit(cache=True, nogil=True)
def _layer_sums(
    metric, bounds, layers, offsets, coords, numbers, occupancies, table, a, b, x_max, y_max,
    exact, capacity,
):  # fmt: skip
    n, n_views = bounds.shape[:2]
    place_out, out = np.empty((capacity, 2)), np.empty(capacity)
    indices = np.empty((capacity, 2), dtype=np.int16)
    starts = np.zeros(n * n_views + 1, dtype=np.int64)
    count = 0
    for crystal in range(n):
        for view in range(n_views):
            step, b_x, b_y = metric[crystal, view]
            i_max, j_max = bounds[crystal, view]
            height, width = j_max + 1, 2 * i_max + 1
            total_r, total_i = np.zeros((height, width)), np.zeros((height, width))
            atoms = slice(offsets[crystal], offsets[crystal + 1])
            _add_layer(
                total_r, total_i, i_max, metric[crystal, view], layers[crystal, view],
                coords[atoms], numbers[atoms], occupancies[atoms], table, a, b, exact,
            )  # fmt: skip
            for j in range(height):
                for i in range(width):
                    if j == 0 and i <= i_max:
                        continue
                    x, y = (i - i_max) * step + j * b_x, j * b_y
                    if exact:
                        seen = abs(x) <= x_max and abs(y) <= y_max
                    else:
                        seen = x * x + y * y <= 1.0
                    if seen:
                        place_out[count, 0], place_out[count, 1] = x, y
                        indices[count, 0], indices[count, 1] = i - i_max, j
                        out[count] = total_r[j, i] ** 2 + total_i[j, i] ** 2
                        count += 1
            starts[crystal * n_views + view + 1] = count
    return place_out[:count], out[:count], indices[:count], starts
