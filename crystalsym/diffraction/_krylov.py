"""exp(i A z) of start waves for an operator that is known by what it does to them.

The Krylov space of a start vector holds what few steps of the operator can reach from it. In its
orthonormal basis the operator is a small matrix, tridiagonal if the operator is Hermitian
(Lanczos), whose exponential gives the wave at every distance at once. Its eigenvectors are the
Bloch waves that the start excites (Park & Light, J. Chem. Phys. 85, 5870, 1986; Saad, SIAM J.
Numer. Anal. 29, 209, 1992).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numba import njit
from scipy.linalg import expm

# Vectors of a space: when convergence is looked at first, how often then, and when a space is full
# and the rest of the way begins a new one.
FIRST, EVERY, MOST = 14, 5, 112
# Å per vector beyond the first, before convergence is looked at: 150 Å take about 50 vectors.
PER_VECTOR = 5.0
# A full space reaches at least this part of the way that is left.
SHORTEST = 2.0**-20
# Radians below which a wave does not change.
NO_TURN = 1e-14
# Errors of amplitudes in single and double precision, in parts of the incident one.
TOLERANCES = {"complex64": 3e-5, "complex128": 1e-10}


def propagate(
    apply: Any,
    start: np.ndarray,
    distances: Sequence[float],
    tolerance: float,
    hermitian: bool,
) -> np.ndarray:
    """Compute exp(i A z) of some waves.

    Parameters
    ----------
    apply : callable or operator
        Takes and gives waves of shape (n_waves, n), A of each. Or, for one wave and a Hermitian A,
        an object whose method ``extend`` adds vectors to a Krylov space by itself.
    start : ndarray of shape (n_waves, n)
        Complex, or real if an operator is.
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
        spaces = _spaces(apply, waves, hermitian, np.iscomplexobj(start))
        reached = min(space.grow(distances[-1] - begun, tolerance) for space in spaces)
        while done < len(distances) and distances[done] - begun <= reached:
            out[done] = _joined(spaces, distances[done] - begun)
            done += 1
        if done < len(distances):
            waves = _joined(spaces, reached)
            begun += reached
    return out


def _spaces(apply: Any, waves: np.ndarray, hermitian: bool, is_complex: bool) -> list[_Space]:
    """The spaces of some waves; of a real operator, those of their real and imaginary parts."""
    if not hasattr(apply, "extend"):
        return [_Space(apply, waves, hermitian)]
    if is_complex or not np.iscomplexobj(waves):
        return [_OperatorSpace(apply, waves)]
    return [_OperatorSpace(apply, part.copy()) for part in (waves.real, waves.imag)]


def _joined(spaces: list[_Space], distance: float) -> np.ndarray:
    waves = [space.wave(distance) for space in spaces]
    return waves[0] if len(waves) == 1 else waves[0] + 1j * waves[1]


class _Space:
    """The Krylov spaces of some waves, one each."""

    def __init__(self, apply: Callable, start: np.ndarray, hermitian: bool):
        self._apply, self._hermitian = apply, hermitian
        self._norms = np.linalg.norm(start, axis=1)
        self._dtype = np.result_type(start.dtype, np.complex64)
        n_waves, n = start.shape
        self._vectors = np.empty((MOST + 1, n_waves, n), dtype=start.dtype)
        self._vectors[0] = start / np.where(self._norms > 0, self._norms, 1)[:, None]
        self._size = 0
        self._known: tuple = (0, 0.0, None)
        # The operator in the basis: a diagonal and what is beside it, or all above that.
        self._along, self._beside = np.zeros((2, n_waves, MOST))
        if not hermitian:
            self._small = np.zeros((n_waves, MOST + 1, MOST), dtype=np.complex128)

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
        if len(coefficients) == 1 and not np.iscomplexobj(known):
            parts = np.concatenate([coefficients.real, coefficients.imag]) @ known[:, 0]
            return (parts[:1] + 1j * parts[1:]).astype(self._dtype, copy=False)
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
            self._along[:, m] = along
            new -= along[:, None] * self._vectors[m]
            if m:
                new -= self._beside[:, m - 1, None].astype(along.dtype) * self._vectors[m - 1]
        else:
            known, before = self._vectors[: m + 1], np.sqrt(np.vecdot(new, new).real)
            for _ in range(2):  # once leaves rounding errors that grow
                parts = np.einsum("mwn,wn->wm", known.conj(), new)
                self._small[:, : m + 1, m] += parts
                new -= np.einsum("wm,mwn->wn", parts, known)
            # What rounding leaves when the space holds all that can be reached is no new vector.
            new[np.sqrt(np.vecdot(new, new).real) < 10 * np.finfo(new.dtype).eps * before] = 0
        lengths = np.sqrt(np.vecdot(new, new).real)
        self._beside[:, m] = lengths
        if not self._hermitian:
            self._small[:, m + 1, m] = lengths
        # Nothing new is a vector of zeros, and all that follow it.
        np.divide(new, np.where(lengths > 0, lengths, 1)[:, None], out=self._vectors[m + 1])
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
            for row, (along, beside) in enumerate(zip(self._along, self._beside, strict=True)):
                out[row] = _first_column(along[:m], beside[: m - 1], distance)
        else:
            for row, small in enumerate(self._small):
                out[row] = expm(1j * distance * small[:m, :m])[:, 0]
        return out * self._norms[:, None]

    def _error(self, distance: float) -> float:
        """What the last vectors hold, which is about what the next ones would (Saad, 1992)."""
        last = np.abs(self._coefficients(distance)[:, -3:])
        return float((last.max(axis=1) / np.where(self._norms > 0, self._norms, 1)).max())


class _OperatorSpace(_Space):
    """The Krylov space of one wave and a Hermitian operator that adds vectors by itself."""

    def __init__(self, operator: Any, start: np.ndarray):
        self._operator = operator
        super().__init__(operator.extend, start, hermitian=True)

    def _extend(self, size: int) -> None:
        if size <= self._size:
            return
        along, lengths = self._operator.extend(self._vectors[:, 0], self._size, size)
        rows = slice(self._size, size)
        self._along[0, rows], self._beside[0, rows] = along[rows], lengths[rows]
        self._size = size


class MatrixOperator:
    """Hold a Hermitian matrix as an operator."""

    def __init__(self, matrix: np.ndarray):
        self._matrix = np.ascontiguousarray(matrix)

    def extend(self, vectors: np.ndarray, first: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """Add Lanczos vectors first + 1 to end; the small matrix's diagonal and what is beside."""
        return _lanczos(self._matrix, vectors, first, end)


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


@njit(cache=True, nogil=True)
def _first_column(along, beside, distance):
    """exp(i T z) of the first unit vector, T real and tridiagonal, by Chebyshev polynomials.

    exp(i r z x) = J₀(rz) + 2 Σ iᵏ Jₖ(rz) Tₖ(x) for x from -1 to 1 (Tal-Ezer & Kosloff, J. Chem.
    Phys. 81, 3967, 1984).
    """
    n = len(along)
    low, high = along[0], along[0]
    for i in range(n):
        reach = (abs(beside[i - 1]) if i else 0.0) + (abs(beside[i]) if i < n - 1 else 0.0)
        low, high = min(low, along[i] - reach), max(high, along[i] + reach)
    middle, radius = (low + high) / 2, (high - low) / 2
    turn = np.exp(1j * distance * middle)
    out = np.zeros(n, dtype=np.complex128)
    if not radius * distance > NO_TURN:
        out[0] = turn
        return out
    weights = _bessel(radius * distance)
    real, imaginary = np.zeros(n), np.zeros(n)
    last, one = np.zeros(n), np.zeros(n)
    one[0] = 1
    real[0] = weights[0]
    for k in range(1, len(weights)):
        # What has been reached is one longer with each step.
        end = min(k + 1, n)
        factor = (1 if k == 1 else 2) / radius
        for i in range(end):
            value = (along[i] - middle) * one[i]
            if i:
                value += beside[i - 1] * one[i - 1]
            if i < n - 1:
                value += beside[i] * one[i + 1]
            last[i] = factor * value - (0.0 if k == 1 else last[i])
        last, one = one, last
        weight = 2 * weights[k] * (1 if k % 4 < 2 else -1)
        into = imaginary if k % 2 else real
        for i in range(end):
            into[i] += weight * one[i]
    return turn * (real + 1j * imaginary)


@njit(cache=True, nogil=True)
def _bessel(x):
    """J₀ to Jₙ of x, as many as there are, by the recurrence downward (Miller)."""
    n = 2 * (int(x + 12 * x ** (1 / 3) + 24) // 2)
    values = np.zeros(n + 2)
    values[n] = 1e-30
    total = 0.0
    for k in range(n, 0, -1):
        values[k - 1] = 2 * k / x * values[k] - values[k + 1]
        if k % 2 == 0:
            total += 2 * values[k]
        if abs(values[k - 1]) > 1e100:
            values[k - 1 :] *= 1e-100
            total *= 1e-100
    return values[: n + 1] / (total + values[0])
