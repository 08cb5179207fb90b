"""Engine ``"lattice"``: a finite block of cells, exact at every pixel.

The sum over a block of N₁N₂N₃ cells factorises,
F(q) = F_cell(q) Π sin(πNᵢhᵢ)/sin(πhᵢ) with hᵢ = q·aᵢ, so that the work grows with the atoms of
one cell only.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from crystalsym.geometry import Detector
from crystalsym.structure_factors import cell_content
from crystalsym.structures import Crystal

CLASSICAL_ELECTRON_RADIUS = 2.8179403205e-5  # Å


def lattice_pattern(
    crystal: Crystal,
    rotation: np.ndarray,
    detector: Detector,
    cells: tuple[int, int, int],
    ewald: str = "sphere",
    radiation: str = "xray",
) -> np.ndarray:
    """Squared amplitude |F|² of a block of cells at every pixel.

    Parameters
    ----------
    crystal : Crystal
    rotation : ndarray of shape (3, 3)
        r_lab = R r_crystal.
    detector : Detector
    cells : tuple of int
        Cells along a, b, c.
    ewald : {"sphere", "flat"}
    radiation : {"xray", "electron"}

    Returns
    -------
    ndarray of shape (size, size), float64
    """
    q = detector.scattering_vectors(ewald).reshape(-1, 3) @ rotation
    coords, occupancies, starts, a, b = cell_content(crystal, radiation)
    h = np.ascontiguousarray(q @ crystal.lattice.T)
    blocks = np.array(cells, dtype=np.int64)
    intensity = _block_intensity(q, h, coords, occupancies, starts, a, b, blocks)
    return intensity.reshape(detector.size, detector.size)


@njit(cache=True, nogil=True, fastmath=True)
def _block_intensity(q, h, coords, occupancies, starts, a, b, cells):
    out = np.empty(len(q))
    n_elements, n_terms = a.shape
    for pixel in range(len(q)):
        shape = 1.0
        for axis in range(3):
            # sin(πNh)/sin(πh) has period 1 up to sign, and the sign drops out of |F|².
            x = math.pi * (h[pixel, axis] - np.round(h[pixel, axis]))
            if abs(x) > 1e-7:
                shape *= math.sin(cells[axis] * x) / math.sin(x)
            else:
                shape *= cells[axis]
        s2 = (q[pixel, 0] ** 2 + q[pixel, 1] ** 2 + q[pixel, 2] ** 2) / 4
        real = 0.0
        imaginary = 0.0
        for element in range(n_elements):
            factor = 0.0
            for term in range(n_terms):
                factor += a[element, term] * math.exp(-b[element, term] * s2)
            cosines = 0.0
            sines = 0.0
            for atom in range(starts[element], starts[element + 1]):
                phase = (
                    2
                    * math.pi
                    * (
                        h[pixel, 0] * coords[atom, 0]
                        + h[pixel, 1] * coords[atom, 1]
                        + h[pixel, 2] * coords[atom, 2]
                    )
                )
                cosines += occupancies[atom] * math.cos(phase)
                sines += occupancies[atom] * math.sin(phase)
            real += factor * cosines
            imaginary += factor * sines
        out[pixel] = shape * shape * (real * real + imaginary * imaginary)
    return out
