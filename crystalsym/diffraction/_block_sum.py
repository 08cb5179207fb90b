"""Engine ``"lattice"``: a finite block of cells, exact at every pixel.

The sum over a block of N₁N₂N₃ cells factorizes,
F(q) = F_cell(q) Π sin(πNᵢhᵢ)/sin(πhᵢ) with hᵢ = q·aᵢ, so that the work grows with the atoms of
one cell only.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from crystalsym.crystals import Crystal
from crystalsym.diffraction._geometry import Detector
from crystalsym.scattering._factors import scattering_factors

CLASSICAL_ELECTRON_RADIUS = 2.8179403205e-5  # Å
# Points of the scattering factors' table along |q|: linear between them to 1e-7 of Z.
TABLE = 16385
PIXELS = 1024  # handled together; their sums fit the fastest cache
# The polynomials of _atom_sum.py. Numba's cache of a kernel would not notice if they changed there.
S0, S1, S2, S3, S4 = (
    np.float32(c) for c in (3.1415927, -5.1677103, 2.5500774, -0.5982913, 0.07765766)
)
C0, C1, C2, C3, C4, C5 = (
    np.float32(c) for c in (1.0, -4.934802, 4.058709, -1.335212, 0.23493731, -0.024396325)
)


def lattice_pattern(
    crystal: Crystal,
    rotation: np.ndarray,
    detector: Detector,
    cells: tuple[int, int, int],
    ewald: str = "sphere",
    radiation: str = "xray",
) -> np.ndarray:
    """Compute the squared amplitude |F|² of a block of cells at every pixel.

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
    q = detector.scattering_vectors(ewald).reshape(-1, 3)
    x, y, z = np.ascontiguousarray(q.T)
    length = np.sqrt(x * x + y * y + z * z)
    # hᵢ = q·aᵢ, one contiguous row per axis: the kernel runs along the pixels.
    to_indices = rotation @ crystal.lattice.T
    h = np.array([x * u + y * v + z * w for u, v, w in to_indices.T])
    real, imaginary = np.zeros(len(q)), np.zeros(len(q))
    grid = np.linspace(0, length.max() * (1 + 1e-9), TABLE)
    place = length * ((TABLE - 1) / grid[-1])
    for number in np.unique(crystal.atomic_numbers):
        chosen = crystal.atomic_numbers == number
        factor = scattering_factors(np.array([number]), grid, radiation)[0]
        coords, occupancies = crystal.frac_coords[chosen], crystal.occupancies[chosen]
        _add_atoms(h, coords, occupancies.astype(np.float32), factor, place, real, imaginary)
    shape = _block_shape(h, np.array(cells, dtype=np.int64))
    intensity = shape**2 * (real**2 + imaginary**2)
    return intensity.reshape(detector.size, detector.size)


@njit(cache=True, nogil=True, fastmath=True)
def _add_atoms(h, coords, occupancies, factor, place, real, imaginary):
    """Add one element's atoms to the amplitude of the cell.

    Phases are reduced to one turn in float64, then taken to sine and cosine in float32.
    """
    cosines = np.empty(PIXELS, dtype=np.float32)
    sines = np.empty(PIXELS, dtype=np.float32)
    for start in range(0, h.shape[1], PIXELS):
        n = min(PIXELS, h.shape[1] - start)
        hx, hy, hz = h[0, start : start + n], h[1, start : start + n], h[2, start : start + n]
        cosines[:] = 0
        sines[:] = 0
        for atom in range(len(coords)):
            x, y, z = coords[atom, 0], coords[atom, 1], coords[atom, 2]
            occupancy = occupancies[atom]
            for pixel in range(n):
                turns = hx[pixel] * x + hy[pixel] * y + hz[pixel] * z
                t = np.float32(turns - np.rint(turns))
                u = t * t
                sine = t * (S0 + u * (S1 + u * (S2 + u * (S3 + u * S4))))
                cosine = C0 + u * (C1 + u * (C2 + u * (C3 + u * (C4 + u * C5))))
                # cos 2πt = 1 - 2 sin² πt and sin 2πt = 2 sin πt cos πt.
                cosines[pixel] += occupancy * (np.float32(1) - np.float32(2) * sine * sine)
                sines[pixel] += occupancy * (np.float32(2) * sine * cosine)
        for pixel in range(n):
            left = int(place[start + pixel])
            part = place[start + pixel] - left
            f = factor[left] + part * (factor[left + 1] - factor[left])
            real[start + pixel] += f * cosines[pixel]
            imaginary[start + pixel] += f * sines[pixel]


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _block_shape(h, cells):
    """Π sin(πNᵢhᵢ)/sin(πhᵢ) up to its sign, which |F|² does not show."""
    out = np.ones(h.shape[1])
    for axis in range(3):
        n = float(cells[axis])
        for pixel in range(h.shape[1]):
            t = h[axis, pixel] - np.rint(h[axis, pixel])
            u = t * t
            below = t * (S0 + u * (S1 + u * (S2 + u * (S3 + u * S4))))
            # sin πNh has the period of N t up to sign.
            t = n * t - np.rint(n * t)
            u = t * t
            above = t * (S0 + u * (S1 + u * (S2 + u * (S3 + u * S4))))
            out[pixel] *= above / below if abs(below) > 1e-7 else n
    return out
