"""Random fields as sums of plane waves."""

from __future__ import annotations

import numpy as np

# Waves of a correlated field: its distribution is then normal to the eye, its variance to 2 %.
N_WAVES = 256
CHUNK = 4096  # atoms at once, so that memory stays bounded


def random_field(places: np.ndarray, length: float, rng: np.random.Generator) -> np.ndarray:
    """Draw a vector field of variance 1 along each axis, correlated as exp(-r² / 2 length²).

    Parameters
    ----------
    places : ndarray of shape (n, 3)
    length : float
        Å.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (n, 3)
    """
    waves = rng.normal(scale=1 / length, size=(N_WAVES, 3))
    phases = rng.uniform(0, 2 * np.pi, N_WAVES)
    amplitudes = rng.normal(size=(N_WAVES, 3)) * np.sqrt(2 / N_WAVES)
    out = np.empty_like(places)
    for start in range(0, len(places), CHUNK):
        part = slice(start, start + CHUNK)
        out[part] = np.cos(places[part] @ waves.T + phases) @ amplitudes
    return out
