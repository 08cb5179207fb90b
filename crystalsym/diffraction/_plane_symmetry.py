"""Waves that have the symmetry of the projected potential, one of the 17 plane groups.

A beam along the zone axis looks the same from all sides, and so does every wave it becomes: its
amplitudes at the images of a beam are equal but for a phase. One unknown for each orbit of beams
is enough, which are up to twelve times fewer.

An operation x -> R x + t of the plane that takes the potential to itself relates its coefficients,
v_{Rᵀg} = v_g exp(2πi g·t), and the amplitudes in the same way (International Tables B, 1.4.2).
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
from numba import njit

from crystalsym.diffraction._layer_potential import widest

# Lattice vectors whose lengths agree to this part, coefficients to this part of the largest, are
# equal.
SAME_LENGTH, SAME_POTENTIAL = 1e-5, 2e-6
# Fractions of the cell below which a shift is none.
NO_SHIFT = 1e-4
# Coefficients that are looked at first.
STRONGEST = 16
_MATRICES = np.array(
    [m for m in product((-1, 0, 1), repeat=4) if abs(m[0] * m[3] - m[1] * m[2]) == 1]
).reshape(-1, 2, 2)


def plane_operations(
    basis: np.ndarray, indices: np.ndarray, values: np.ndarray, places: np.ndarray
) -> PlaneGroup:
    """Find the operations x -> R x + t that take a plane potential to itself.

    Parameters
    ----------
    basis : ndarray of shape (2, 2)
        The shortest two vectors of the reciprocal lattice that the coefficients generate.
    indices : ndarray of int64, shape (n, 2)
        Multiples of these two, 00, one of each Friedel pair, and then the others.
    values : ndarray of complex, shape (n,)
        Coefficients there.
    places : ndarray of shape (m, 2)
        Of atoms of one element, in fractions of the cell: an operation takes one to another.

    Returns
    -------
    matrices : ndarray of int64, shape (n_operations, 2, 2)
        Rᵀ, which acts on indices; the identity comes first.
    shifts : ndarray of float64, shape (n_operations, 2)
        t in fractions of the cell.
    """
    metric = basis @ basis.T
    images = _MATRICES.transpose(0, 2, 1) @ metric @ _MATRICES
    kept = np.abs(images - metric).max(axis=(1, 2)) <= SAME_LENGTH * metric.trace()
    matrices = _MATRICES[kept].astype(np.int64)
    # Columns become rows: an index g goes to Rᵀg = matrix @ g.
    order = np.argsort((matrices != np.eye(2)).any(axis=(1, 2)), kind="stable")
    grid, wide = _on_grid(indices, values)
    half = len(indices) // 2 + 1  # the others follow
    sizes = values[:half].real ** 2 + values[:half].imag ** 2
    first = indices[np.argsort(-sizes)[:STRONGEST]]
    found = _operations(matrices[order], first, indices[:half], grid, wide, places)
    return PlaneGroup(*_closed(*found))


def _closed(matrices: np.ndarray, shifts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The operations that form a group: in what holds barely, a product may not hold."""
    while True:
        products = (matrices[:, None] @ matrices[None])[:, :, None]
        there = (products == matrices).all(axis=(3, 4)).any(axis=2).all(axis=1)
        if there.all():
            return matrices, shifts
        matrices, shifts = matrices[there], shifts[there]


def _on_grid(indices: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    wide = widest(indices)
    grid = np.zeros(2 * wide + 1, dtype=values.dtype)
    grid.reshape(-1)[(indices + wide) @ np.array([2 * wide[1] + 1, 1])] = values
    return grid, wide


@njit(cache=True, nogil=True)
def _operations(matrices, strongest, indices, grid, widest, places):
    found, shifts = np.empty((len(matrices), 2, 2), dtype=np.int64), np.empty((len(matrices), 2))
    count = 0
    tolerance = (SAME_POTENTIAL * abs(grid[widest[0], widest[1]])) ** 2
    for matrix in matrices:
        for place in places:
            shift = np.empty(2)
            for axis in range(2):  # x of the first atom goes to R x + t, R the transpose
                turned = matrix[0, axis] * places[0, 0] + matrix[1, axis] * places[0, 1]
                shift[axis] = place[axis] - turned
            along, across = _turns(shift[0], widest[0]), _turns(shift[1], widest[1])
            if _holds(matrix, along, across, strongest, grid, widest, tolerance) and _holds(
                matrix, along, across, indices, grid, widest, tolerance
            ):
                # One by one: assignments of arrays take seconds to compile.
                for i in range(2):
                    shifts[count, i] = shift[i]
                    for j in range(2):
                        found[count, i, j] = matrix[i, j]
                count += 1
                break
    return found[:count], shifts[:count]


@njit(cache=True, nogil=True)
def _turns(shift, widest):
    """exp(2πi h t) of indices h from -widest."""
    turn = 2 * np.pi * (shift - np.round(shift))
    found = np.empty(2 * widest + 1, dtype=np.complex128)
    for i in range(len(found)):
        angle = turn * (i - widest)
        found[i] = complex(np.cos(angle), np.sin(angle))
    return found


@njit(cache=True, nogil=True)
def _holds(matrix, along, across, indices, grid, widest, tolerance):
    """Whether an operation takes some coefficients to equal ones."""
    for g in indices:
        h = matrix[0, 0] * g[0] + matrix[0, 1] * g[1]
        k = matrix[1, 0] * g[0] + matrix[1, 1] * g[1]
        if abs(h) > widest[0] or abs(k) > widest[1]:
            continue
        i, j = g[0] + widest[0], g[1] + widest[1]
        off = grid[h + widest[0], k + widest[1]] - grid[i, j] * (along[i] * across[j])
        if off.real**2 + off.imag**2 > tolerance:
            return False
    return True


class PlaneGroup(NamedTuple):
    """The operations of a plane potential, as :func:`plane_operations` gives them."""

    matrices: np.ndarray
    shifts: np.ndarray

    @property
    def origin(self) -> np.ndarray:
        """A twofold axis, else a point on a mirror line along the cell's edge, else nothing."""
        for matrix in (-np.eye(2), np.diag([1, -1]), np.diag([-1, 1])):
            same = (self.matrices == matrix).all(axis=(1, 2))
            if same.any():
                # Coordinates along a mirror line stay; what is left there is a glide.
                return np.where(np.diag(matrix) < 0, self.shifts[same.argmax()] / 2, 0)
        return np.zeros(2)

    @property
    def has_twofold(self) -> bool:
        """Whether there is a twofold axis along the beam."""
        return bool((self.matrices == -np.eye(2)).all(axis=(1, 2)).any())

    @property
    def present(self) -> np.ndarray:
        """Which parts of the potential there are about the origin, bool of shape (4,).

        Even in both coordinates, odd in the second, odd in the first, odd in both.
        """
        matrices, shifts = self.about(self.origin)
        out = np.ones(4, dtype=bool)
        for matrix, shift in zip(matrices, shifts, strict=True):
            signs = np.diag(matrix)
            is_diagonal = (np.abs(matrix) == np.eye(2)).all()
            if is_diagonal and np.abs(shift - np.rint(shift)).max() < NO_SHIFT:
                out &= np.array([1, signs[1], signs[0], signs[0] * signs[1]]) > 0
        return out

    def in_plane(self, basis: np.ndarray) -> np.ndarray:
        """What the operations do to places q in 1/Å, q' = q @ matrix; ``basis`` is the cell's."""
        return np.linalg.inv(basis) @ self.matrices.transpose(0, 2, 1) @ basis

    def about(self, origin: np.ndarray) -> PlaneGroup:
        """The same as seen from another origin."""
        turned = self.matrices.transpose(0, 2, 1) @ origin
        return PlaneGroup(self.matrices, self.shifts + turned - origin)


class BeamOrbits:
    """Average intensities over the beams that operations take to each other.

    Parameters
    ----------
    matrices : ndarray
        As in :class:`PlaneGroup`.
    shifts : ndarray
        The same; with zeros no orbit is dark by a glide line.
    beams : ndarray of int64, shape (n_beams, 2)
        Indices in the same basis; with each all its images.
    """

    def __init__(self, matrices: np.ndarray, shifts: np.ndarray, beams: np.ndarray):
        self._orbit, _, first, self._sizes = _orbits(beams, matrices, shifts)
        self._n = len(first)

    def mean(self, intensities: np.ndarray) -> np.ndarray:
        """Give every beam the mean of its orbit, (..., n_beams), and zero if it is dark."""
        out = np.empty_like(intensities)
        for row, into in zip(
            intensities.reshape(-1, len(self._orbit)), out.reshape(-1, len(self._orbit)),
            strict=True,
        ):  # fmt: skip
            sums = np.bincount(self._orbit + 1, weights=row, minlength=self._n + 1)
            means = np.concatenate([np.zeros(1), sums[1:] / self._sizes])
            into[:] = means[self._orbit + 1]
        return out


class SymmetricWaves:
    """Hold the orbits of beams, and the equations of waves of full symmetry.

    Parameters
    ----------
    group : PlaneGroup
    beams : ndarray of int64, shape (n_beams, 2)
        Indices in the same basis, the direct beam first; with each all its images.

    Attributes
    ----------
    n_orbits : int
        Orbits that are not dark by a glide line.
    """

    def __init__(self, group: PlaneGroup, beams: np.ndarray):
        self._beams, self._is_real = beams, group.has_twofold
        self._origin = group.origin if self._is_real else np.zeros(2)
        group = group.about(self._origin)
        self._orbit, self._phases, self._first, self._sizes = _orbits(beams, *group)
        self.n_orbits = len(self._first)

    def matrix(self, indices: np.ndarray, values: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
        """Set up the equations' matrix, (n_orbits, n_orbits).

        It is real and symmetric if the potential is real and has a twofold axis, about which
        amplitudes are then counted.

        Parameters
        ----------
        indices, values
            Of the coefficients v_g, as for :func:`plane_operations`.
        diagonal : ndarray of float64, shape (n_beams,)
            2π s_g, equal within each orbit.
        """
        phases = self._phases
        if self._is_real:
            values = (values * np.exp(2j * np.pi * (indices @ self._origin))).real
            phases = phases.real.copy()
        grid, wide = _on_grid(indices, values)
        members = np.argsort(self._orbit, kind="stable")
        starts = np.searchsorted(self._orbit[members], np.arange(self.n_orbits + 1))
        out = _reduced_matrix(self._beams, self._first, members, starts, phases, grid, wide)
        out[np.diag_indices(self.n_orbits)] += diagonal[self._first]
        return out

    def read(self, waves: np.ndarray) -> np.ndarray:
        """Take |ψ_g|² of all beams out of waves (..., n_orbits)."""
        squares = waves.real**2 + waves.imag**2
        squares = np.concatenate([squares / self._sizes, np.zeros((*waves.shape[:-1], 1))], axis=-1)
        return squares[..., self._orbit]


@njit(cache=True, nogil=True)
def _orbits(beams, matrices, shifts):
    """Orbit and phase of each beam, a dark one's orbit being -1; first beam and size of each."""
    n = len(beams)
    wide = np.abs(beams).max()
    number = np.full((2 * wide + 1, 2 * wide + 1), -1, dtype=np.int64)
    for i in range(n):
        number[beams[i, 0] + wide, beams[i, 1] + wide] = i
    orbit, phases = np.full(n, -2, dtype=np.int64), np.zeros(n, dtype=np.complex128)
    first, sizes = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    count = 0
    members = np.empty(len(matrices), dtype=np.int64)
    for i in range(n):
        if orbit[i] != -2:
            continue
        size, dark = 0, False
        for matrix, shift in zip(matrices, shifts):  # noqa: B905
            h = matrix[0, 0] * beams[i, 0] + matrix[0, 1] * beams[i, 1]
            k = matrix[1, 0] * beams[i, 0] + matrix[1, 1] * beams[i, 1]
            if abs(h) > wide or abs(k) > wide or number[h + wide, k + wide] < 0:
                continue  # on the border, by rounding
            other = number[h + wide, k + wide]
            turn = 2 * np.pi * (beams[i, 0] * shift[0] + beams[i, 1] * shift[1])
            phase = complex(np.cos(turn), np.sin(turn))
            if orbit[other] == count:
                dark = dark or abs(phase - phases[other]) > 0.1
                continue
            orbit[other], phases[other] = count, phase
            members[size] = other
            size += 1
        if dark:
            orbit[members[:size]] = -1
        else:
            first[count], sizes[count] = i, size
            count += 1
    return orbit, phases, first[:count], sizes[:count]


@njit(cache=True, nogil=True)
def _reduced_matrix(beams, first, members, starts, phases, grid, widest):
    n, width = len(first), grid.shape[1]
    out = np.empty((n, n), dtype=grid.dtype)
    flat = grid.reshape(-1)
    away, turns = np.empty(len(members), dtype=np.int64), np.empty(len(members), grid.dtype)
    for m in range(len(members)):
        h = members[m]
        away[m], turns[m] = beams[h, 0] * width + beams[h, 1], phases[h]
    for row in range(n):
        g = (beams[first[row], 0] + widest[0]) * width + beams[first[row], 1] + widest[1]
        size = starts[row + 1] - starts[row]
        for column in range(row + 1):
            total = turns[0] * 0
            for m in range(starts[column], starts[column + 1]):
                total += turns[m] * flat[g - away[m]]
            total *= np.sqrt(size / (starts[column + 1] - starts[column]))
            out[row, column] = total
            out[column, row] = np.conj(total)
    return out
