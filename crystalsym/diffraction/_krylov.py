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
from scipy.linalg import eigh_tridiagonal, expm

# Vectors of a space: when convergence is looked at first, how often then, and when a space is full
# and the rest of the way begins a new one.
FIRST, EVERY, MOST = 14, 7, 96
# Å per vector beyond the first, before convergence is looked at: 150 Å take about 50 vectors.
PER_VECTOR = 5.0
# A full space reaches at least this part of the way that is left.
SHORTEST = 2.0**-20


def propagate(
    apply: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray,
    distances: Sequence[float],
    tolerance: float,
    hermitian: bool,
) -> np.ndarray:
    """Compute exp(i A z) of some waves.

    Parameters
    ----------
    apply : callable
        Takes and gives waves, complex of shape (n_waves, n); A of each.
    start : ndarray of complex, shape (n_waves, n)
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
    out = np.empty((len(distances), *start.shape), dtype=start.dtype)
    done, begun, waves = 0, 0.0, start
    while done < len(distances):
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
        self._dtype = start.dtype
        n_waves, n = start.shape
        self._vectors = np.empty((MOST + 1, n_waves, n), dtype=start.dtype)
        self._vectors[0] = start / self._norms[:, None]
        self._small = np.zeros((n_waves, MOST + 1, MOST), dtype=np.complex128)
        self._size = 0
        self._lengths = np.zeros(n_waves)
        self._known: tuple = (0, 0.0, None)

    def grow(self, distance: float, tolerance: float) -> float:
        """Add vectors until the wave at the distance is known; how far it is if that fails."""
        look = min(FIRST + int(distance / PER_VECTOR), MOST)
        while self._size < MOST:
            self._add()
            if self._size >= look:
                if self._error(distance) <= tolerance:
                    return distance
                look += EVERY
        reached = distance
        if self._error(distance) <= tolerance:
            return distance
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
        for row, small in enumerate(self._small):
            if self._hermitian:
                below = np.diagonal(small, -1)[: m - 1].real
                values, vectors = eigh_tridiagonal(np.diagonal(small)[:m].real, below)
                out[row] = vectors @ (np.exp(1j * distance * values) * vectors[0])
            else:
                out[row] = expm(1j * distance * small[:m, :m])[:, 0]
        return out * self._norms[:, None]

    def _error(self, distance: float) -> float:
        """What the last vectors hold, which is about what the next ones would (Saad, 1992)."""
        last = np.abs(self._coefficients(distance)[:, -3:])
        return float((last.max(axis=1) / self._norms).max())
