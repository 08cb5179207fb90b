"""Peaks that stand out of the noise of an image, and how wide spots are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crystalsym.diffraction._peaks import local_maxima
from crystalsym.measurement._smoothing import smoothed

# Widths of smoothing at which the heights of spots are compared, pixels, and the spots compared.
NARROW, WIDE = 1.0, 2.0
COMPARED, COMPARED_SIGNIFICANCE = 60, 12.0
NARROWEST_SPOT, WIDEST_SPOT = 0.4, 12.0
MOST = 2000


@dataclass(frozen=True)
class Peaks:
    """Hold the peaks of an image, most significant first.

    Attributes
    ----------
    places : ndarray of shape (n, 2)
        (column, row) in pixels.
    heights : ndarray of shape (n,)
        Above the ground, as Gaussians of the spots' width.
    significance : ndarray of shape (n,)
        Height over its standard deviation.

    Examples
    --------
    >>> import numpy as np
    >>> len(Peaks(np.zeros((0, 2)), np.zeros(0), np.zeros(0)))
    0
    """

    places: np.ndarray
    heights: np.ndarray
    significance: np.ndarray

    def __len__(self) -> int:
        return len(self.heights)

    def taken(self, which: np.ndarray) -> Peaks:
        """Give some of them."""
        return Peaks(self.places[which], self.heights[which], self.significance[which])


def spot_width(light: np.ndarray, noise: np.ndarray) -> float:
    """Measure the standard deviation of the spots of an image, in pixels.

    The height of a Gaussian spot of width σ smoothed by a Gaussian of width s falls to
    σ² / (σ² + s²): two smoothings tell σ, however noisy the pixels are.

    Parameters
    ----------
    light, noise : ndarray of shape (H, W)
        What is above the ground (0 where nothing was measured), and its noise.

    Returns
    -------
    float
        NaN if no spot is bright enough.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.mgrid[:64, :64]
    >>> light = 100 * np.exp(-((x - 30.3) ** 2 + (y - 20.0) ** 2) / 2 / 1.7**2)
    >>> round(spot_width(light.astype(np.float32), np.ones((64, 64), np.float32)), 2)
    1.7
    """
    smooth = smoothed(light, NARROW)
    floor = COMPARED_SIGNIFICANCE / (2 * np.sqrt(np.pi) * NARROW)
    columns, rows, heights, _ = local_maxima(smooth / noise, np.float32(floor))
    if not len(heights):
        return np.nan
    chosen = np.argsort(-heights)[:COMPARED]
    places = np.rint(rows[chosen]).astype(int), np.rint(columns[chosen]).astype(int)
    smoother = smoothed(light, WIDE)
    ratio = _tops(smooth, *places) / _tops(smoother, *places)
    # A saturated spot is wider, one beside others, too; most are neither.
    ratio = max(float(np.median(ratio)), 1 + 1e-6)
    variance = (WIDE**2 - ratio * NARROW**2) / (ratio - 1)
    return float(np.clip(np.sqrt(max(variance, 0.0)), NARROWEST_SPOT, WIDEST_SPOT))


def _tops(image: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Heights of Gaussian peaks near pixels, between the pixels."""
    height, width = image.shape
    r, c = np.clip(rows, 1, height - 2), np.clip(columns, 1, width - 2)

    def log_at(dr: int, dc: int) -> np.ndarray:
        return np.log(np.maximum(image[r + dr, c + dc], 1e-12))

    top = log_at(0, 0)
    gain = np.zeros(len(r))
    for before, after in ((log_at(-1, 0), log_at(1, 0)), (log_at(0, -1), log_at(0, 1))):
        curvature = np.maximum(2 * top - before - after, 1e-9)
        gain += np.minimum((after - before) ** 2 / (8 * curvature), 1.0)
    return np.exp(top + gain)


def find_peaks(
    light: np.ndarray, noise: np.ndarray, sigma: float, threshold: float, bad: np.ndarray
) -> Peaks:
    """Find spots by the significance of what their own shape, laid on the image, holds.

    Parameters
    ----------
    light, noise : ndarray of shape (H, W)
        What is above the ground, 0 where nothing was measured; noise of a pixel.
    sigma : float
        Width of the spots, pixels.
    threshold : float
        Least significance.
    bad : ndarray of bool, shape (H, W)
        Where no peak may be.

    Returns
    -------
    Peaks

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.mgrid[:64, :64]
    >>> light = 9 * np.exp(-((x - 30.3) ** 2 + (y - 20.6) ** 2) / 8)
    >>> light = (light + np.random.default_rng(0).normal(size=(64, 64))).astype(np.float32)
    >>> ones, none = np.ones((64, 64), np.float32), np.zeros((64, 64), bool)
    >>> peaks = find_peaks(light, ones, 2.0, 6.0, none)
    >>> len(peaks), bool(abs(peaks.places[0] - [30.3, 20.6]).max() < 0.3)
    (1, True)
    """
    smooth = smoothed(light, sigma)
    # Of Gaussians laid on noise of one per pixel, the standard deviation; at narrow widths the
    # sum over pixels is no integral any more.
    grid = np.arange(-int(4 * sigma + 1), int(4 * sigma + 2))
    profile = np.exp(-0.5 * (grid / sigma) ** 2)
    profile /= profile.sum()
    deviation = float((profile**2).sum())
    scaled = smooth / (noise * deviation)
    columns, rows, significance, _ = local_maxima(scaled, np.float32(threshold))
    height, width = light.shape
    r = np.clip(np.rint(rows).astype(int), 0, height - 1)
    c = np.clip(np.rint(columns).astype(int), 0, width - 1)
    kept = ~bad[r, c]
    rows, columns, significance, r, c = (v[kept] for v in (rows, columns, significance, r, c))
    order = np.argsort(-significance, kind="stable")[:MOST]
    # A spot's own profile smoothed by itself keeps so much of its height.
    passed = float((profile * np.exp(-0.5 * (grid / sigma) ** 2)).sum()) ** 2
    heights = significance * noise[r, c] * deviation / passed
    return Peaks(np.stack([columns, rows], axis=1)[order], heights[order], significance[order])
