"""The multislice method: thin slices of a crystal that scatter in turn.

A slice turns the wave's phase by the projected potential, exp(i v Δz), and the way to the next is
Fresnel's, exp(2πi s_g Δz) of every beam (Cowley & Moodie, Acta Cryst. 10, 609, 1957). The
transmission is cut off at two thirds of the grid's half width, as the wave is, so that their
product does not fold back onto beams (Kirkland, Advanced Computing in Electron Microscopy, 2010,
ch. 6).
"""

from __future__ import annotations

import math

import numpy as np
from scipy import fft

from crystalsym.diffraction._coupling import multiplied


def propagate_in_slices(
    potential: np.ndarray,
    places: np.ndarray,
    turns: np.ndarray,
    start: np.ndarray,
    depths: np.ndarray,
    slice_thickness: float,
) -> np.ndarray:
    """Carry waves through slices of a potential that is the same in each.

    Parameters
    ----------
    potential : ndarray of shape (rows, columns)
        Radians per Å on a grid of one cell, complex where it absorbs.
    places : ndarray of int, shape (n_beams,)
        Where beams lie on the flattened grid of its Fourier coefficients.
    turns : ndarray of float64, shape (n_waves, n_beams)
        2π s_g of each, 1/Å.
    start : ndarray of complex, shape (n_waves, n_beams)
    depths : ndarray of float64
        Where the wave is asked for, rising, Å.
    slice_thickness : float
        Slices are as thick at most, Å; whole ones fit between two depths.

    Returns
    -------
    ndarray of complex, shape (len(depths), n_waves, n_beams)
    """
    out = np.empty((len(depths), *start.shape), dtype=start.dtype)
    waves, begun = start, 0.0
    for number, depth in enumerate(depths):
        n_slices = math.ceil((depth - begun) / slice_thickness - 1e-9)
        if n_slices > 0:
            step = (depth - begun) / n_slices
            transmission = _band_limited(np.exp(1j * step * potential), places, start.dtype)
            propagator = np.exp(1j * step * turns).astype(start.dtype)
            for _ in range(n_slices):
                waves = multiplied(waves, transmission, places) * propagator
        out[number] = waves
        begun = depth
    return out


def _band_limited(transmission: np.ndarray, places: np.ndarray, dtype: np.dtype) -> np.ndarray:
    values = fft.fft2(transmission)
    limited = np.zeros_like(values)
    limited.reshape(-1)[places] = values.reshape(-1)[places]
    return fft.ifft2(limited).astype(dtype)
