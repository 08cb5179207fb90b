"""Gaussian smoothing in single precision, several times as fast as SciPy's, which is in double."""

from __future__ import annotations

import numpy as np
from numba import njit

REACH = 3.5  # standard deviations at which the profile ends


def smoothed(image: np.ndarray, sigma: float) -> np.ndarray:
    """Smooth an image by a Gaussian, mirrored at its edges.

    Parameters
    ----------
    image : ndarray of shape (H, W)
        Finite.
    sigma : float
        Pixels.

    Returns
    -------
    ndarray of shape (H, W), float32

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((21, 21), np.float32); image[10, 10] = 1
    >>> smooth = smoothed(image, 1.5)
    >>> round(float(smooth.sum()), 4), round(float(smooth[10, 10] * 2 * np.pi * 1.5**2), 2)
    (1.0, 1.0)
    """
    radius = int(REACH * sigma + 0.5)
    profile = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    profile = (profile / profile.sum()).astype(np.float32)
    height, width = image.shape
    if radius >= min(height, width):
        raise ValueError(f"an image of {image.shape} is too small to smooth by {sigma:g} pixels")
    return _separable(np.ascontiguousarray(image, dtype=np.float32), profile)


@njit(cache=True, nogil=True, fastmath=True)
def _separable(image, profile):
    height, width = image.shape
    radius = len(profile) // 2
    out = np.empty_like(image)
    line = np.empty(width, np.float32)
    padded = np.empty(width + 2 * radius, np.float32)
    for row in range(height):
        line[:] = profile[radius] * image[row]
        for step in range(1, radius + 1):
            before, after = row - step, row + step
            before = -before - 1 if before < 0 else before
            after = 2 * height - 1 - after if after >= height else after
            weight = profile[radius + step]
            for column in range(width):
                line[column] += weight * (image[before, column] + image[after, column])
        for column in range(width):
            padded[radius + column] = line[column]
        for step in range(radius):
            padded[radius - 1 - step] = line[step]
            padded[radius + width + step] = line[width - 1 - step]
        for column in range(width):
            line[column] = profile[radius] * padded[radius + column]
        for step in range(1, radius + 1):
            weight = profile[radius + step]
            for column in range(width):
                line[column] += weight * (
                    padded[radius + column - step] + padded[radius + column + step]
                )
        out[row] = line
    return out
