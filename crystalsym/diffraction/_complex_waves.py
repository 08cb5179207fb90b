"""What a projected potential does to a wave in complex numbers: by slices, or where it absorbs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import fft

from crystalsym.diffraction._coupling import LARGE, FourierCoupling, MatrixCoupling
from crystalsym.diffraction._incident_directions import Incidence
from crystalsym.diffraction._krylov import MOST, TOLERANCES, propagate
from crystalsym.diffraction._layer_potential import widest
from crystalsym.diffraction._slices import propagate_in_slices

# Bytes that the waves of many incident beams may take at once.
ROOM = 2**26


@dataclass(frozen=True, eq=False)
class ComplexWaves:
    """Carry complex waves through a projected potential.

    Attributes
    ----------
    all_inner : ndarray of int, shape (n, 2)
        Indices of v_g in the smallest cell.
    strong : ndarray of complex128, shape (n,)
        v_g, radians per Å.
    inner : ndarray of int, shape (n_beams, 2)
        Of the beams, the direct one first.
    q : ndarray of shape (n_beams, 2)
        Of the beams, image frame, 1/Å.
    axial : ndarray of shape (n_beams,)
        2π s_g for a beam along the zone axis, radians per Å.
    wavelength : float
        Å.
    dtype : dtype
        Of the waves.
    absorption : float
        The imaginary potential in parts of the real one.
    slice_thickness : float or None
        Å; None for the exact solution.
    """

    all_inner: np.ndarray
    strong: np.ndarray
    inner: np.ndarray
    q: np.ndarray
    axial: np.ndarray
    wavelength: float
    dtype: np.dtype[Any]
    absorption: float = 0.0
    slice_thickness: float | None = None

    def mean(self, depths: np.ndarray, beams: Incidence) -> np.ndarray:
        """Compute mean intensities over incident beams, (n_depths, n_beams).

        Parameters
        ----------
        depths : ndarray of shape (n_depths,)
            Å, rising.
        beams : Incidence
        """
        total = np.zeros((len(depths), len(self.inner)))
        at_once = max(1, int(ROOM / ((MOST + 1) * len(self.inner) * self.dtype.itemsize)))
        for first in range(0, len(beams.weights), at_once):
            part = slice(first, first + at_once)
            waves = self._waves(depths, beams.vectors[part])
            squares = waves.real.astype(np.float64) ** 2 + waves.imag.astype(np.float64) ** 2
            total += np.einsum("w,dwn->dn", beams.weights[part], squares)
        return total

    def _waves(self, depths: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """Amplitudes after each depth, (n_depths, n_directions, n_beams)."""
        turns = self.axial - 2 * math.pi * self.wavelength * (directions @ self.q.T)  # 2π s_g
        start = np.zeros(turns.shape, dtype=self.dtype)
        start[:, 0] = 1
        if self.slice_thickness is not None:
            return propagate_in_slices(
                self._potential, self._places, turns, start, depths, self.slice_thickness
            )
        couple = self._couple
        turns = couple.lay_out(turns.astype(start.real.dtype))

        def applied(waves: np.ndarray) -> np.ndarray:
            out = couple(waves)
            out += turns * waves
            return out

        return couple.read(
            propagate(
                applied,
                couple.lay_out(start),
                depths.tolist(),
                TOLERANCES[self.dtype.name],
                hermitian=not self.absorption,
            )
        )

    @cached_property
    def _couple(self) -> MatrixCoupling | FourierCoupling:
        kind = MatrixCoupling if self._potential.size < LARGE else FourierCoupling
        return kind(self._potential, self.inner)

    @cached_property
    def _shape(self) -> tuple[int, int]:
        """Of a grid on which products of a beam and v_g do not fold onto beams."""
        one, two = (fft.next_fast_len(int(2 * n) + 1) for n in widest(self.all_inner))
        return one, two

    @cached_property
    def _places(self) -> np.ndarray:
        """Where beams are among the coefficients of the grid."""
        rows, columns = (self.inner % self._shape).T
        return rows * self._shape[1] + columns

    @cached_property
    def _potential(self) -> np.ndarray:
        """On a grid of one cell, radians per Å."""
        values = np.zeros(self._shape, dtype=np.complex128)
        values[tuple((self.all_inner % self._shape).T)] = self.strong
        potential = fft.ifft2(values).real * values.size
        if self.absorption:
            return (potential * (1 + 1j * self.absorption)).astype(self.dtype)
        return potential.astype(self.dtype.type(0).real.dtype)
