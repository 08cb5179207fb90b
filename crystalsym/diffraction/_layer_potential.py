"""Fourier coefficients of a projected potential: how many count, and the lattice they span."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from crystalsym.crystals import Crystal
from crystalsym.scattering import relativistic_mass
from crystalsym.scattering._structure_factors import layer_amplitudes

# Beams beyond the bandwidth would turn the wave's phase by this much (see layer_potential).
PHASE_ERROR = 1e-3
# The bandwidth is looked for within a radius, in parts of the field's, that grows by a factor up to
# the largest, 1/Å.
FIRST_RADIUS, GROWTH, WIDEST = 3.8, 1.5, 8.0
# Reflections that symmetry makes equal are all within a radius or none.
EQUAL = 1 + 1e-9
# Amplitudes below this part of F(000) count as dark: positions are no more precise.
DARK = 1e-6


class LayerPotential(NamedTuple):
    """v_g of a zero-order layer up to twice the bandwidth: all that couples two beams.

    Attributes
    ----------
    bandwidth : float
        1/Å.
    indices : ndarray of int64, shape (n, 2)
        Multiples of the layer's two vectors, 00 first and then both of each Friedel pair.
    strengths : ndarray of complex128, shape (n,)
        Radians per Å.
    squares : ndarray of float64, shape (n,)
        q², 1/Å².
    """

    bandwidth: float
    indices: np.ndarray
    strengths: np.ndarray
    squares: np.ndarray


def layer_potential(
    crystal: Crystal,
    basis_hkl: np.ndarray,
    basis: np.ndarray,
    wavelength: float,
    b_iso: float,
    q_max: float,
    thickest: float,
    bandwidth: float | None,
) -> LayerPotential:
    """Compute v_g, and the bandwidth if none is given.

    That is the smallest for which the beams beyond it, taken together to second order, turn the
    wave's phase by less than PHASE_ERROR on the way through the crystal.

    Raises
    ------
    ValueError
        If the bandwidth is smaller than the field.
    """
    factor = relativistic_mass(wavelength) * wavelength
    factor /= abs(float(np.linalg.det(crystal.lattice)))

    def half(radius: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One of each pair, 00 first."""
        indices, amplitudes, squares = layer_amplitudes(
            basis_hkl, basis, crystal.frac_coords, crystal.atomic_numbers, crystal.occupancies,
            EQUAL * radius,
        )  # fmt: skip
        # Crystallographers' F has the other sign in its exponent.
        return indices, factor * np.exp(-b_iso / 4 * squares) * amplitudes.conj(), squares

    if bandwidth is not None:
        if bandwidth < q_max * (1 - 1e-6):
            raise ValueError(
                f"bandwidth={bandwidth!r} is below the field's radius, q_max={q_max:g}"
            )
        return _both_of_pairs(bandwidth, *half(2 * bandwidth))
    radius = FIRST_RADIUS * q_max
    while True:
        indices, strengths, squares = half(radius)
        needed = _needed(strengths, squares, q_max, radius, thickest / (math.pi * wavelength))
        if needed <= radius / GROWTH or radius >= WIDEST:
            break
        radius = min(radius * GROWTH, WIDEST)
    if 2 * needed > radius:
        return _both_of_pairs(needed, *half(2 * needed))
    inside = np.flatnonzero(squares <= (2 * EQUAL * needed) ** 2)
    return _both_of_pairs(needed, indices[inside], strengths[inside], squares[inside])


def _needed(
    strengths: np.ndarray, squares: np.ndarray, q_max: float, radius: float, length: float
) -> float:
    outer = np.flatnonzero(squares > q_max**2)
    if not len(outer):
        return q_max
    rising = outer[np.argsort(squares[outer])]
    values = strengths[rising]
    # Twice, for both of each pair.
    parts = 2 * length * (values.real**2 + values.imag**2) / squares[rising]
    beyond = parts[::-1].cumsum()[::-1]
    needless = np.flatnonzero(beyond <= PHASE_ERROR)
    if len(needless) == len(outer):
        return q_max
    return max(q_max, math.sqrt(squares[rising[needless[0]]]) if len(needless) else radius)


def _both_of_pairs(
    bandwidth: float, indices: np.ndarray, strengths: np.ndarray, squares: np.ndarray
) -> LayerPotential:
    return LayerPotential(
        bandwidth,
        np.concatenate([indices, -indices[1:]]),
        np.concatenate([strengths, strengths[1:].conj()]),
        np.concatenate([squares, squares[1:]]),
    )


def smallest_cell(potential: LayerPotential, basis: np.ndarray) -> np.ndarray:
    """The shortest basis, as multiples of the layer's, of the lattice that present v_g generate.

    Columns of coefficients are few then.
    """
    sizes = potential.strengths.real**2 + potential.strengths.imag**2
    present = sizes > DARK**2 * sizes.max()
    return _reduced(_generated(potential.indices, present), basis)


def in_cell(potential: LayerPotential, cell: np.ndarray) -> tuple[LayerPotential, np.ndarray]:
    """The part of a potential on the lattice of a cell, and its indices there."""
    determinant = round(float(np.linalg.det(cell)))
    adjugate = np.array([[cell[1, 1], -cell[0, 1]], [-cell[1, 0], cell[0, 0]]])
    multiples = potential.indices @ adjugate
    if abs(determinant) == 1:
        return potential, multiples * determinant
    inner, rest = np.divmod(multiples, determinant)
    kept = np.flatnonzero((rest[:, 0] == 0) & (rest[:, 1] == 0))
    _, indices, strengths, squares = potential
    return LayerPotential(
        potential.bandwidth, indices[kept], strengths[kept], squares[kept]
    ), inner[kept]


def widest(indices: np.ndarray) -> np.ndarray:
    """Largest of the first and of the second indices, counted without their signs."""
    return np.array([max(-column.min(), column.max()) for column in indices.T])


@njit(cache=True, nogil=True)
def _generated(points, present):
    """Basis (p, 0), (r, s) of the plane lattice that present integer points generate."""
    p, r, s = 0, 0, 0
    for n in range(len(points)):
        if not present[n]:
            continue
        i, j = points[n, 0], points[n, 1]
        while j != 0:  # Euclid on the second coordinates
            quotient = s // j
            r, s, i, j = i, j, r - quotient * i, s - quotient * j
        i = abs(i)
        while i != 0:
            p, i = i, p % i
        if s < 0:
            r, s = -r, -s
        if p > 0:
            r %= p
        if p == 1 and s == 1:
            break
    # Nothing is known across a row: as fine as the layer itself.
    return np.array([[max(p, 1), 0], [r, max(s, 1)]], dtype=np.int64)


def _reduced(multiples: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """The same plane lattice with the two shortest vectors (Gauss)."""
    one, two = multiples
    while True:
        a, b = one @ basis, two @ basis
        if b @ b < a @ a * (1 - 1e-9):
            one, two, a, b = two, one, b, a
        shift = int(np.rint((a @ b) / (a @ a)))
        if abs(a @ b) <= (0.5 + 1e-9) * (a @ a) or shift == 0:
            return np.array([one, two])
        two = two - shift * one
