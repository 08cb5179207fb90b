"""Draw lists of spots as images, for people to look at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crystalsym.diffraction import SpotPatterns
from crystalsym.diffraction._spot_drawing import FAINTEST, draw_spots

# About what a tile of a figure has; spots as wide as those of a simulated image.
SIZE, SIGMA = 256, 0.7


def spot_images(patterns: SpotPatterns) -> NDArray[np.float32]:
    """Draw spots on images that reach as far as the widest field.

    Parameters
    ----------
    patterns : SpotPatterns

    Returns
    -------
    ndarray of shape (n, n_views, 256, 256), float32
        Linear intensity.
    """
    patterns = patterns.with_mates()
    images = np.zeros((*patterns.shape, SIZE, SIZE), dtype=np.float32)
    middle = (SIZE - 1) / 2
    pixels = middle / widest_field(patterns)  # in 1/Å
    for number, image in enumerate(images.reshape(-1, SIZE, SIZE)):
        spots = slice(int(patterns.starts[number]), int(patterns.starts[number + 1]))
        columns, rows = np.ascontiguousarray(patterns.q[spots].T * pixels + middle, dtype=float)
        heights = np.maximum(patterns.intensity[spots], 0).astype(float)
        draw_spots(image, columns, rows, heights, SIGMA, FAINTEST)
    return images


def widest_field(patterns: SpotPatterns) -> float:
    """Find the largest q in 1/Å that any of the patterns reaches."""
    known = patterns.q_max[np.isfinite(patterns.q_max)]
    return float(known.max()) if known.size else 1.0
