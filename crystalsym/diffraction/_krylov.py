"""exp(i A z) of start waves for an operator that is known by what it does to them.

The Krylov space of a start vector holds what few steps of the operator can reach from it. In its
orthonormal basis the operator is a small matrix, tridiagonal if the operator is Hermitian
(Lanczos), whose exponential gives the wave at every distance at once. Its eigenvectors are the
Bloch waves that the start excites (Park & Light, J. Chem. Phys. 85, 5870, 1986; Saad, SIAM J.
Numer. Anal. 29, 209, 1992).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numba import njit
from scipy.linalg import eigh_tridiagonal, expm

# Vectors of a space: when convergence is looked at first, how often then, and when a space is full
# and the rest of the way begins a new one.
FIRST, EVERY, MOST = 14, 10, 112
# Å per vector beyond the first, before convergence is looked at: 150 Å take about 50 vectors.
PER_VECTOR = 4.0
# A full space reaches at least this part of the way that is left.
SHORTEST = 2.0**-20


def propagate(
    apply: Callable[[np.ndarray], np.ndarray] | np.ndarray,
    start: np.ndarray,
    distances: Sequence[float],
    tolerance: float,
    hermitian: bool,
) -> np.ndarray:
    """Compute exp(i A z) of some waves.

    Parameters
    ----------
    apply : callable, or ndarray of shape (n, n)
        Takes and gives waves of shape (n_waves, n), A of each; or A itself, Hermitian, for one
        wave.
    start : ndarray of shape (n_waves, n)
        Complex, or real if A is.
    distances : sequence of float
        z >= 0, rising.
    tolerance : float
        Largest error of an amplitude, in parts of the start's norm.
    hermitian : bool
        Whether A is.

    Returns
    -------
    ndarray of complex, shape (len(distances), n_waves, n)
    """
    kind = np.result_type(start.dtype, np.complex64)
    out = np.empty((len(distances), *start.shape), dtype=kind)
    done, begun, waves = 0, 0.0, start
    while done < len(distances):
        if isinstance(apply, np.ndarray):
            space: _Space = _MatrixSpace(apply.astype(waves.dtype, copy=False), waves)
        else:
            space = _Space(apply, waves, hermitian)
        reached = space.grow(distances[-1] - begun, tolerance)
        while done < len(distances) and distances[done] - begun <= reached:
            out[done] = space.wave(distances[done] - begun)
            done += 1
        if done < len(distances):
            waves = space.wave(reached)
            begun += reached
    return out


class _Space:
    """The Krylov spaces of some waves, one each."""

    def __init__(self, apply: Callable, start: np.ndarray, hermitian: bool):
        self._apply, self._hermitian = apply, hermitian
        self._norms = np.linalg.norm(start, axis=1)
        self._dtype = np.result_type(start.dtype, np.complex64)
        n_waves, n = start.shape
        self._vectors = np.empty((MOST + 1, n_waves, n), dtype=start.dtype)
        self._vectors[0] = start / self._norms[:, None]
        self._small = np.zeros((n_waves, MOST + 1, MOST), dtype=np.complex128)
        self._size = 0
        self._lengths = np.zeros(n_waves)
        self._known: tuple = (0, 0.0, None)
        self._solved: tuple = (0, None)

    def grow(self, distance: float, tolerance: float) -> float:
        """Add vectors until the wave at the distance is known; how far it is if that fails."""
        look = min(FIRST + int(distance / PER_VECTOR), MOST)
        while True:
            self._extend(look)
            if self._error(distance) <= tolerance:
                return distance
            if look == MOST:
                break
            look = min(look + EVERY, MOST)
        reached = distance
        while reached > SHORTEST * distance:
            reached /= 2
            if self._error(reached) <= tolerance:
                return reached
        raise ArithmeticError(
            f"waves do not converge over {distance:g} Å: the potential is not finite or far too"
            " strong"
        )

    def wave(self, distance: float) -> np.ndarray:
        coefficients = self._coefficients(distance).astype(self._dtype)
        known = self._vectors[: self._size]
        if len(coefficients) == 1:
            return coefficients @ known[:, 0]
        return np.einsum("wm,mwn->wn", coefficients, known)

    def _extend(self, size: int) -> None:
        while self._size < size:
            self._add()

    def _add(self) -> None:
        m = self._size
        new = self._apply(self._vectors[m])
        if self._hermitian:
            along = np.vecdot(self._vectors[m], new).real
            self._small[:, m, m] = along
            new -= along[:, None] * self._vectors[m]
            if m:
                before = self._lengths
                self._small[:, m - 1, m] = before
                new -= before[:, None] * self._vectors[m - 1]
        else:
            known, before = self._vectors[: m + 1], np.sqrt(np.vecdot(new, new).real)
            for _ in range(2):  # once leaves rounding errors that grow
                parts = np.einsum("mwn,wn->wm", known.conj(), new)
                self._small[:, : m + 1, m] += parts
                new -= np.einsum("wm,mwn->wn", parts, known)
            # What rounding leaves when the space holds all that can be reached is no new vector.
            new[np.sqrt(np.vecdot(new, new).real) < 10 * np.finfo(new.dtype).eps * before] = 0
        lengths = np.sqrt(np.vecdot(new, new).real)
        self._small[:, m + 1, m] = lengths
        # Nothing new is a vector of zeros, and all that follow it.
        np.divide(new, np.where(lengths > 0, lengths, 1)[:, None], out=self._vectors[m + 1])
        self._lengths = lengths
        self._size = m + 1

    def _coefficients(self, distance: float) -> np.ndarray:
        """The wave in the basis, (n_waves, size)."""
        if self._known[:2] != (self._size, distance):
            self._known = (self._size, distance, self._exponential(distance))
        return self._known[2]

    def _exponential(self, distance: float) -> np.ndarray:
        m = self._size
        out = np.empty((len(self._norms), m), dtype=np.complex128)
        if self._hermitian:
            for row, (values, vectors) in enumerate(self._eigen()):
                out[row] = vectors @ (np.exp(1j * distance * values) * vectors[0])
        else:
            for row, small in enumerate(self._small):
                out[row] = expm(1j * distance * small[:m, :m])[:, 0]
        return out * self._norms[:, None]

    def _eigen(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Eigenvalues and vectors of the small matrices, the same for all distances."""
        m = self._size
        if self._solved[0] != m:
            solved = [
                eigh_tridiagonal(np.diagonal(small)[:m].real, np.diagonal(small, -1)[: m - 1].real)
                for small in self._small
            ]
            self._solved = (m, solved)
        return self._solved[1]

    def _error(self, distance: float) -> float:
        """What the last vectors hold, which is about what the next ones would (Saad, 1992)."""
        last = np.abs(self._coefficients(distance)[:, -3:])
        return float((last.max(axis=1) / self._norms).max())


class _MatrixSpace(_Space):
    """The Krylov space of one wave and a Hermitian matrix."""

    def __init__(self, matrix: np.ndarray, start: np.ndarray):
        self._matrix = np.ascontiguousarray(matrix)
        super().__init__(self._unused, start, hermitian=True)

    def _extend(self, size: int) -> None:
        if size <= self._size:
            return
        along, lengths = _lanczos(self._matrix, self._vectors[:, 0], self._size, size)
        rows = np.arange(self._size, size)
        self._small[0, rows, rows] = along[rows]
        self._small[0, rows + 1, rows] = lengths[rows]
        self._size = size

    def _unused(self, waves: np.ndarray) -> np.ndarray:
        raise NotImplementedError


@njit(cache=True, nogil=True)
def _lanczos(matrix, vectors, first, end):
    """Add vectors first + 1 to end; diagonal and what is beside it, from ``first`` on."""
    along, lengths = np.zeros(end), np.zeros(end)
    for m in range(first, end):
        new = np.dot(matrix, vectors[m])
        along[m] = np.vdot(vectors[m], new).real
        new -= vectors[m] * vectors.real.dtype.type(along[m])
        if m:  # not of the first, what is beside is the overlap with the one before
            new -= vectors[m - 1] * np.vdot(vectors[m - 1], new)
        lengths[m] = np.sqrt(np.vdot(new, new).real)
        if lengths[m] > 0:
            vectors[m + 1] = new / vectors.real.dtype.type(lengths[m])
        else:
            vectors[m + 1] = 0
    return along, lengths
