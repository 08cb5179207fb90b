"""Waves that have the symmetry of the projected potential, one of the 17 plane groups.

A beam along the zone axis looks the same from all sides, and so does every wave it becomes: its
amplitudes at the images of a beam are equal but for a phase. One unknown for each orbit of beams
is enough, which are up to twelve times fewer.

An operation x -> R x + t of the plane that takes the potential to itself relates its coefficients,
v_{Rᵀg} = v_g exp(2πi g·t), and the amplitudes in the same way (International Tables B, 1.4.2).
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numba import njit

# Lattice vectors whose lengths agree to this part, coefficients to this part of the largest, are
# equal.
SAME_LENGTH, SAME_POTENTIAL = 1e-5, 2e-6
# Coefficients that are looked at first.
STRONGEST = 16
_MATRICES = np.array(
    [m for m in product((-1, 0, 1), repeat=4) if abs(m[0] * m[3] - m[1] * m[2]) == 1]
).reshape(-1, 2, 2)


def plane_operations(
    basis: np.ndarray, indices: np.ndarray, values: np.ndarray, places: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Find the operations x -> R x + t that take a plane potential to itself.

    Parameters
    ----------
    basis : ndarray of shape (2, 2)
        The shortest two vectors of the reciprocal lattice that the coefficients generate.
    indices : ndarray of int64, shape (n, 2)
        Multiples of these two, both of each Friedel pair.
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
    falling = np.argsort(-np.abs(values), kind="stable")
    grid, widest = _on_grid(indices, values)
    return _closed(*_operations(matrices[order], indices[falling], grid, widest, places))


def _closed(matrices: np.ndarray, shifts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The operations that form a group: in what holds barely, a product may not hold."""
    while True:
        products = (matrices[:, None] @ matrices[None])[:, :, None]
        there = (products == matrices).all(axis=(3, 4)).any(axis=2).all(axis=1)
        if there.all():
            return matrices, shifts
        matrices, shifts = matrices[there], shifts[there]


def _on_grid(indices: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    widest = np.abs(indices).max(axis=0)
    grid = np.zeros(2 * widest + 1, dtype=np.complex128)
    grid[tuple((indices + widest).T)] = values
    return grid, widest


@njit(cache=True, nogil=True)
def _operations(matrices, indices, grid, widest, places):
    found, shifts = np.empty((len(matrices), 2, 2), dtype=np.int64), np.empty((len(matrices), 2))
    count = 0
    tolerance = SAME_POTENTIAL * abs(grid[widest[0], widest[1]])
    first = min(STRONGEST, len(indices))
    for matrix in matrices:
        for place in places:
            shift = np.empty(2)
            for axis in range(2):  # x of the first atom goes to R x + t, R the transpose
                turned = matrix[0, axis] * places[0, 0] + matrix[1, axis] * places[0, 1]
                shift[axis] = place[axis] - turned
            same = True
            for part in (indices[:first], indices[first:]):
                if not same:
                    break
                for g in part:
                    h = matrix[0, 0] * g[0] + matrix[0, 1] * g[1]
                    k = matrix[1, 0] * g[0] + matrix[1, 1] * g[1]
                    if abs(h) > widest[0] or abs(k) > widest[1]:
                        continue
                    turn = g[0] * shift[0] + g[1] * shift[1]
                    turn = 2 * np.pi * (turn - np.round(turn))
                    due = grid[g[0] + widest[0], g[1] + widest[1]] * complex(
                        np.cos(turn), np.sin(turn)
                    )
                    if abs(grid[h + widest[0], k + widest[1]] - due) > tolerance:
                        same = False
                        break
            if same:
                found[count], shifts[count] = matrix, shift
                count += 1
                break
    return found[:count], shifts[:count]


class SymmetricWaves:
    """Hold the orbits of beams, and the equations of waves of full symmetry.

    Parameters
    ----------
    matrices, shifts : ndarray
        As :func:`plane_operations` gives them.
    beams : ndarray of int64, shape (n_beams, 2)
        Indices in the same basis, the direct beam first; with each all its images.

    Attributes
    ----------
    n_orbits : int
        Orbits that are not dark by a glide line.
    """

    def __init__(self, matrices: np.ndarray, shifts: np.ndarray, beams: np.ndarray):
        self._beams = beams
        self._orbit, self._phases, self._first, self._sizes = _orbits(beams, matrices, shifts)
        self.n_orbits = len(self._first)
        self._twofold = np.zeros(2)
        for matrix, shift in zip(matrices, shifts, strict=True):
            if (matrix == -np.eye(2)).all():
                self._twofold = shift
        self._is_real = bool((matrices == -np.eye(2)).all(axis=(1, 2)).any())

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
        grid, widest = _on_grid(indices, values)
        members = np.argsort(self._orbit, kind="stable")
        starts = np.searchsorted(self._orbit[members], np.arange(self.n_orbits + 1))
        out = _reduced_matrix(self._beams, self._first, members, starts, self._phases, grid, widest)
        turns = np.exp(1j * np.pi * (self._beams[self._first] @ self._twofold))
        out *= turns[:, None] * turns.conj()
        out[np.diag_indices(self.n_orbits)] += diagonal[self._first]
        return np.ascontiguousarray(out.real) if self._is_real else out

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
    n = len(first)
    out = np.empty((n, n), dtype=np.complex128)
    for row in range(n):
        g, k = beams[first[row], 0] + widest[0], beams[first[row], 1] + widest[1]
        size = starts[row + 1] - starts[row]
        for column in range(row + 1):
            total = 0j
            for m in range(starts[column], starts[column + 1]):
                h = members[m]
                total += phases[h] * grid[g - beams[h, 0], k - beams[h, 1]]
            total *= np.sqrt(size / (starts[column + 1] - starts[column]))
            out[row, column] = total
            out[column, row] = total.conjugate()
    return out
