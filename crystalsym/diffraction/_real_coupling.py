"""What a projected potential does to a wave, in real numbers.

A potential that does not absorb is real, and so is what it does to a wave that is written in
cosines and sines of the beams instead of plane waves. Sums and differences of g = (h, k) and
(h, -k) make products of a function of x and one of y, each even or odd: a wave is four fields,
cos·cos, cos·sin, sin·cos and sin·sin, of a quarter of the cell each, and so is the potential. Going
there and back are products with thin real matrices, an eighth of the operations that plane waves
take, and fields that symmetry keeps empty are left out.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from crystalsym.diffraction._layer_potential import widest
from crystalsym.diffraction._plane_symmetry import PlaneGroup

_PARITIES = np.arange(4)


class RealCoupling:
    """Couple beams through a real potential, and let them propagate.

    Parameters
    ----------
    indices : ndarray of int64, shape (n, 2)
        Of the potential's coefficients: 00, one of each Friedel pair, and then the others.
    values : ndarray of complex, shape (n,)
        v_g, radians per Å.
    beams : ndarray of int64, shape (n_beams, 2)
        In the same basis, the direct beam first, both of each Friedel pair.
    squares : ndarray of float64, shape (n_beams,)
        2π s_g of a beam along the zone axis.
    group : PlaneGroup
        Of the potential.
    dtype : dtype
        Of waves, float32 or float64.

    Attributes
    ----------
    is_even : bool
        Whether fields are counted about a twofold axis.
    """

    def __init__(
        self,
        indices: np.ndarray,
        values: np.ndarray,
        beams: np.ndarray,
        squares: np.ndarray,
        group: PlaneGroup,
        dtype: np.dtype,
    ):
        wide, most = widest(indices), widest(beams)
        # Products of a beam and v_g must not fold onto beams; odd numbers of points.
        counts = wide + 2 * most + 1
        counts += 1 - counts % 2
        waves = [_waves(int(n), int(m)) for n, m in zip(counts, wide, strict=True)]
        self._dtype = np.dtype(dtype)
        half = indices[: len(indices) // 2 + 1]
        values = values[: len(half)] * np.exp(2j * np.pi * (half @ group.origin))
        values[1:] *= 2
        self._potential = _fields(half, values, waves)
        # A sum over the cell is one over its quarter, points beside the edges counted twice.
        for axis, n in enumerate(counts):
            twice = np.where(np.arange(n // 2 + 1) > 0, 2.0, 1.0) / n
            self._potential *= twice[:, None] if axis == 0 else twice
        self._potential = self._potential.astype(self._dtype)
        self._present, self.is_even = group.present, group.has_twofold
        (self._cos_x, self._sin_x), (self._cos_y, self._sin_y) = (
            [np.ascontiguousarray(wave[:, : m + 1], dtype=self._dtype) for wave in pair]
            for pair, m in zip(waves, most, strict=True)
        )
        self._shape = tuple(most + 1)
        self._number(beams, squares)

    def _number(self, beams: np.ndarray, squares: np.ndarray) -> None:
        """Where beams are in vectors of shape (4, *shape): cosines of (h, k) and (h, -k), sines."""
        rising = (beams[:, 0] > 0) | ((beams[:, 0] == 0) & (beams[:, 1] >= 0))
        self._sign = np.where(rising, 1.0, -1.0)
        h, k = (beams * self._sign[:, None].astype(np.int64)).T
        size = self._shape[0] * self._shape[1]
        self._slot = np.where(k < 0, size, 0) + h * self._shape[1] + np.abs(k)
        self._scale = np.where(beams.any(axis=1), np.sqrt(0.5), 1.0)
        self._inside = np.zeros(2 * size, dtype=self._dtype)
        self._inside[self._slot] = 1
        self._squares = self._on_slots(squares)
        plus, minus = self._squares.reshape(2, *self._shape)[:, 1:, 1:]
        self._is_skew = bool(np.abs(plus - minus).max(initial=0) > 1e-9 * np.abs(squares).max())

    def _on_slots(self, values: np.ndarray) -> np.ndarray:
        out = np.zeros(len(self._inside))
        out[self._slot] = values
        return out

    def along_the_axis(self) -> RealOperator:
        """Set up the operator for a beam along the zone axis."""
        # Fields that the direct beam, a cos·cos, is led to.
        steps = self._present.copy()
        steps[3] |= self._is_skew
        active = np.zeros(4, dtype=bool)
        active[0] = True
        for _ in range(2):
            active |= (active[:, None] & steps[_PARITIES[:, None] ^ _PARITIES]).any(axis=0)
        return RealOperator(self, active, None)

    def tilted(self, along: np.ndarray) -> RealOperator:
        """Set up the operator for another beam.

        Parameters
        ----------
        along : ndarray of shape (n_beams,)
            2π s_g less that of a beam along the zone axis; odd in g.
        """
        return RealOperator(self, np.ones(4, dtype=bool), along)


class RealOperator:
    """The equations of one incident beam: a real symmetric operator on real vectors.

    With the beam along the axis vectors are the coefficients of cosines and sines. A tilted one
    makes those of sines imaginary if the potential is even, and i times is left out; else vectors
    hold real and imaginary parts one after the other.
    """

    def __init__(self, coupling: RealCoupling, active: np.ndarray, along: np.ndarray | None):
        self._coupling, self._active = coupling, active
        self._is_tilted = along is not None
        self._is_double = self._is_tilted and not coupling.is_even
        dtype = coupling._dtype
        size = len(coupling._inside)
        turns = np.zeros(size, dtype=dtype)
        if along is not None:
            turns[coupling._slot] = along * coupling._sign
        self._turns = turns
        self._squares = coupling._squares.astype(dtype)

    def start(self) -> np.ndarray:
        """The direct beam."""
        start = np.zeros(len(self._turns) * (4 if self._is_double else 2), self._turns.dtype)
        start[0] = 1
        return start

    def read(self, waves: np.ndarray) -> np.ndarray:
        """Take |ψ_g|² of all beams out of complex waves (..., n)."""
        coupling, size = self._coupling, len(self._turns)
        if self._is_double:
            waves = waves[..., : 2 * size] + 1j * waves[..., 2 * size :]
        cosines, sines = waves[..., :size], waves[..., size:]
        factor = 1.0 if self._is_tilted and not self._is_double else -1j
        amplitudes = coupling._scale * (
            cosines[..., coupling._slot] + factor * coupling._sign * sines[..., coupling._slot]
        )
        return amplitudes.real**2 + amplitudes.imag**2

    def extend(self, vectors: np.ndarray, first: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """Add Lanczos vectors first + 1 to end to (n_vectors, n).

        Returns
        -------
        along, lengths : ndarray of float64, shape (end,)
            The small matrix's diagonal and what is beside it, from ``first`` on.
        """
        own = self._coupling
        return _lanczos(
            vectors, first, end, self._squares, self._turns, own._inside, self._is_double,
            self._active, own._present, own._potential, own._cos_x, own._sin_x, own._cos_y,
            own._sin_y,
        )  # fmt: skip


def _waves(n: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """cos and sin of 2π m x / n, of shape (n // 2 + 1, most + 1)."""
    turn = 2 * np.pi / n * np.arange(n)
    which = np.multiply.outer(np.arange(n // 2 + 1), np.arange(most + 1)) % n
    return np.cos(turn)[which], np.sin(turn)[which]


def _fields(indices: np.ndarray, values: np.ndarray, waves: list) -> np.ndarray:
    """The four parts of the potential on a quarter of the cell, even or odd in x and in y.

    Of coefficients of which one stands for both of a Friedel pair.
    """
    (cos_x, sin_x), (cos_y, sin_y) = waves
    h, k = indices.T
    at = np.abs(h) * cos_y.shape[1] + np.abs(k)
    size = cos_x.shape[1] * cos_y.shape[1]
    sign_h, sign_k = np.where(h < 0, -1.0, 1.0), np.where(k < 0, -1.0, 1.0)
    # exp(2πi (hx + ky)) = (cos + i sin)(cos + i sin), and the real part of the sum.
    parts = (
        (cos_x, cos_y, values.real),
        (cos_x, sin_y, -values.imag * sign_k),
        (sin_x, cos_y, -values.imag * sign_h),
        (sin_x, sin_y, -values.real * sign_h * sign_k),
    )
    return np.stack(
        [
            x @ np.bincount(at, weights=part, minlength=size).reshape(-1, y.shape[1]) @ y.T
            for x, y, part in parts
        ]
    )


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _couple(vector, out, inside, active, present, potential, waves, room, grids):
    """Potential times a wave: two cosines and two sines of each (h, k), in and out."""
    cos_x, sin_x, cos_y, sin_y, cos_xt, sin_xt, cos_yt, sin_yt = waves
    rows, columns = cos_x.shape[1], cos_y.shape[1]
    size = rows * columns
    one, way = room
    fields, results = grids
    flat = one.reshape(-1)
    root = vector.dtype.type(np.sqrt(2.0))
    for which in range(4):
        if not active[which]:
            continue
        # cos·cos, cos·sin, sin·cos, sin·sin of a sum and a difference of angles.
        even = which == 0 or which == 3
        begin = 0 if even else 2 * size
        sign = vector.dtype.type(1 if which in (0, 2) else -1)
        if even:
            for i in range(size):
                flat[i] = root * (vector[begin + size + i] + sign * vector[begin + i])
        else:
            for i in range(size):
                flat[i] = root * (vector[begin + i] + sign * vector[begin + size + i])
        if which == 0:
            flat[0] = vector[0]
        np.dot(one, cos_yt if which in (0, 2) else sin_yt, way)
        np.dot(cos_x if which < 2 else sin_x, way, fields[which])
    n = fields[0].size
    for to in range(4):
        if not active[to]:
            continue
        result = results[to].reshape(-1)
        result[:] = 0
        for source in range(4):
            if not active[source] or not present[to ^ source]:
                continue
            field, part = fields[source].reshape(-1), potential[to ^ source].reshape(-1)
            for i in range(n):
                result[i] += part[i] * field[i]
    out[:] = 0
    for which in range(4):
        if not active[which]:
            continue
        np.dot(cos_xt if which < 2 else sin_xt, results[which], way)
        np.dot(way, cos_y if which in (0, 2) else sin_y, one)
        even = which == 0 or which == 3
        begin = 0 if even else 2 * size
        sign = vector.dtype.type(1 if which in (0, 2) else -1)
        if which == 0:
            flat[0] /= root
        if even:
            for i in range(size):
                out[begin + size + i] += root * flat[i]
                out[begin + i] += root * sign * flat[i]
        else:
            for i in range(size):
                out[begin + i] += root * flat[i]
                out[begin + size + i] += root * sign * flat[i]
    for i in range(2 * size):
        out[i] *= inside[i]
        out[2 * size + i] *= inside[i]


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _lanczos(
    vectors, first, end, squares, turns, inside, is_double, active, present, potential, cos_x,
    sin_x, cos_y, sin_y,
):  # fmt: skip
    """Add vectors first + 1 to end; diagonal and what is beside it, from ``first`` on."""
    rows, columns = cos_x.shape[1], cos_y.shape[1]
    kind = vectors.dtype
    waves = (
        cos_x, sin_x, cos_y, sin_y, np.ascontiguousarray(cos_x.T), np.ascontiguousarray(sin_x.T),
        np.ascontiguousarray(cos_y.T), np.ascontiguousarray(sin_y.T),
    )  # fmt: skip
    room = np.empty((rows, columns), kind), np.empty((rows, len(cos_y)), kind)
    grids = (
        np.empty((4, len(cos_x), len(cos_y)), kind),
        np.empty((4, len(cos_x), len(cos_y)), kind),
    )
    size = len(squares)
    along, lengths = np.zeros(end), np.zeros(end)
    new = np.empty(vectors.shape[1], kind)
    n = len(new)
    for m in range(first, end):
        vector = vectors[m]
        _couple(
            vector[: 2 * size], new[: 2 * size], inside, active, present, potential, waves, room,
            grids,
        )  # fmt: skip
        if is_double:
            _couple(
                vector[2 * size :], new[2 * size :], inside, active, present, potential, waves,
                room, grids,
            )  # fmt: skip
            for i in range(size):
                new[i] += squares[i] * vector[i] + turns[i] * vector[3 * size + i]
                new[size + i] += squares[i] * vector[size + i] - turns[i] * vector[2 * size + i]
                new[2 * size + i] += squares[i] * vector[2 * size + i] - turns[i] * vector[size + i]
                new[3 * size + i] += squares[i] * vector[3 * size + i] + turns[i] * vector[i]
        else:
            for i in range(size):
                new[i] += squares[i] * vector[i] + turns[i] * vector[size + i]
                new[size + i] += squares[i] * vector[size + i] + turns[i] * vector[i]
        part = kind.type(0)
        for i in range(n):
            part += vector[i] * new[i]
        along[m] = part
        before = kind.type(0)
        if m:
            former = vectors[m - 1]
            for i in range(n):
                before += former[i] * new[i]
            for i in range(n):
                new[i] -= part * vector[i] + before * former[i]
        else:
            for i in range(n):
                new[i] -= part * vector[i]
        square = kind.type(0)
        for i in range(n):
            square += new[i] * new[i]
        length = kind.type(np.sqrt(square))
        lengths[m] = length
        following = vectors[m + 1]
        scale = kind.type(1 / length) if length > 0 else kind.type(0)
        for i in range(n):
            following[i] = scale * new[i]
    return along, lengths
