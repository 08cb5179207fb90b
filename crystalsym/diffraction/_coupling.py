"""What a potential that absorbs does to a wave: Σ_h v_{g-h} ψ_h, a product in real space.

Going there and back are two Fourier transforms. On small grids, of which beams fill a quarter, they
are fastest as products with four thin matrices; on large ones by FFT.
"""

from __future__ import annotations

import numpy as np
from scipy import fft

# Grid points from which on an FFT is faster.
LARGE = 16000


class MatrixCoupling:
    """Couple beams by products with matrices of plane waves.

    Waves are laid out on the rectangle of indices that holds the beams, zero beside them.

    Parameters
    ----------
    potential : ndarray of shape (rows, columns)
        On a grid of one cell, real or complex, in single or double precision.
    beams : ndarray of int, shape (n_beams, 2)
        Indices of the beams in the cell's own lattice.
    """

    def __init__(self, potential: np.ndarray, beams: np.ndarray):
        widest = np.abs(beams).max(axis=0)
        width = 2 * widest + 1
        self._shape = tuple(width)
        self._places = (beams + widest) @ np.array([width[1], 1])
        self._potential = potential / potential.dtype.type(potential.size)
        kind = np.result_type(potential.dtype, np.complex64)
        there = [
            np.exp(2j * np.pi * np.outer(np.arange(n), np.arange(-m, m + 1)) / n).astype(kind)
            for n, m in zip(potential.shape, widest, strict=True)
        ]
        self._rows, self._columns = there[0], np.ascontiguousarray(there[1].T)
        self._rows_back = np.ascontiguousarray(there[0].conj().T)
        self._columns_back = there[1].conj()
        self._inside = np.zeros(self._shape, dtype=kind.type(0).real.dtype)
        self._inside.reshape(-1)[self._places] = 1

    def lay_out(self, values: np.ndarray) -> np.ndarray:
        """Put values of the beams (n_waves, n_beams) where waves have them."""
        out = np.zeros((len(values), self._inside.size), dtype=values.dtype)
        out[:, self._places] = values
        return out

    def read(self, waves: np.ndarray) -> np.ndarray:
        """Take the beams out of waves, (..., n_beams)."""
        return waves[..., self._places]

    def __call__(self, waves: np.ndarray) -> np.ndarray:
        """Couple the beams of each wave."""
        inside = self._rows @ (waves.reshape(-1, *self._shape) @ self._columns)
        inside *= self._potential
        out = (self._rows_back @ inside) @ self._columns_back
        out *= self._inside
        return out.reshape(len(waves), -1)


class FourierCoupling:
    """Couple beams by fast Fourier transforms; parameters as those of :class:`MatrixCoupling`."""

    def __init__(self, potential: np.ndarray, beams: np.ndarray):
        self._potential = potential
        rows, columns = (beams % potential.shape).T
        self._places = rows * potential.shape[1] + columns

    def lay_out(self, values: np.ndarray) -> np.ndarray:
        """Take values of the beams as they are."""
        return values

    def read(self, waves: np.ndarray) -> np.ndarray:
        """Take waves as they are."""
        return waves

    def __call__(self, waves: np.ndarray) -> np.ndarray:
        """Couple the beams of each wave."""
        return multiplied(waves, self._potential, self._places)


def multiplied(waves: np.ndarray, factor: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Multiply waves, given by their beams, by a function on a grid of one cell.

    Parameters
    ----------
    waves : ndarray of complex, shape (n_waves, n_beams)
    factor : ndarray of shape (rows, columns)
    places : ndarray of int, shape (n_beams,)
        Where the beams lie on the flattened grid of Fourier coefficients.
    """
    grid = np.zeros((len(waves), *factor.shape), dtype=waves.dtype)
    grid.reshape(len(waves), -1)[:, places] = waves
    grid = fft.ifft2(grid, overwrite_x=True)
    grid *= factor
    grid = fft.fft2(grid, overwrite_x=True)
    return grid.reshape(len(waves), -1)[:, places]
