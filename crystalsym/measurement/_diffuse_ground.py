"""The diffuse light under the spots of an image, and its noise."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.interpolate import make_interp_spline

from crystalsym.measurement._pixel_sets import grown

BLOCK = 16  # pixels along an edge of the blocks whose medians are taken
# Pixels this many standard deviations above the ground belong to spots.
SPOT = 4.0
# Standard deviations between the median and this percentile of noise: one.
LOWER = 0.1587


def diffuse_ground(image: np.ndarray, bad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find ground and noise from medians of blocks, with what belongs to spots left out.

    Parameters
    ----------
    image : ndarray of shape (H, W)
    bad : ndarray of bool, shape (H, W)
        Not measured.

    Returns
    -------
    ground, noise : ndarray of shape (H, W), float32
        The noise is a standard deviation of one pixel, at least that of rounding to the smallest
        step of gray.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.random.default_rng(0).normal(50.0, 3.0, (128, 128)); image[60:63, 60:63] = 900
    >>> ground, noise = diffuse_ground(image, np.zeros(image.shape, bool))
    >>> bool(abs(ground - 50).max() < 1.5), bool(abs(noise.mean() - 3) < 0.3)
    (True, True)
    """
    step = _gray_step(image)
    ground, noise = _from_blocks(image, bad, step)
    with np.errstate(invalid="ignore"):
        spots = image - ground > SPOT * noise
    spots = grown(spots, 2)
    ground, noise = _from_blocks(image, bad | spots, step)
    return ground, noise


def _from_blocks(image: np.ndarray, left_out: np.ndarray, step: float) -> tuple[np.ndarray, ...]:
    height, width = image.shape
    rows, columns = -(-height // BLOCK), -(-width // BLOCK)
    padded = np.full((rows * BLOCK, columns * BLOCK), np.inf, dtype=np.float32)
    padded[:height, :width] = np.where(left_out, np.inf, image)
    blocks = padded.reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2).reshape(rows, columns, -1)
    blocks = np.sort(blocks, axis=2)
    count = np.isfinite(blocks).sum(axis=2)
    few = count < BLOCK**2 // 16

    def at(part: float) -> np.ndarray:
        place = np.minimum((part * count).astype(int), np.maximum(count - 1, 0))
        return np.take_along_axis(blocks, place[..., None], axis=2)[..., 0]

    with np.errstate(invalid="ignore"):
        middle = np.where(few, np.nan, at(0.5))
        spread = np.where(few, np.nan, at(0.5) - at(LOWER))
        low = np.where(np.isfinite(blocks), blocks, 0.0)
        low = np.minimum(low, (middle + 4 * np.maximum(spread, step))[..., None])
        mean = low.sum(axis=2) / np.maximum(count, 1)
        # Of few counts the median is a whole number and tells little; the mean is sharp.
        variance = (low**2).sum(axis=2) / np.maximum(count, 1) - mean**2
    sharp = spread < 3 * step
    middle = np.where(sharp, mean, middle)
    spread = np.where(sharp, np.sqrt(np.maximum(variance, spread**2)), spread)
    spread = np.maximum(spread, step / np.sqrt(12))
    middle, spread = (_filled(values, few) for values in (middle, spread))
    # The noise of a block is uncertain; its ground is not, and may have a summit.
    return _enlarged(middle, image.shape), _enlarged(ndimage.median_filter(spread, 3), image.shape)


def _filled(values: np.ndarray, empty: np.ndarray) -> np.ndarray:
    """Nearest known value where there is none."""
    if empty.all():
        return np.zeros(values.shape)
    if not empty.any():
        return values
    nearest = ndimage.distance_transform_edt(empty, return_distances=False, return_indices=True)
    return values[tuple(nearest)]


def _enlarged(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Interpolate between the middles of blocks, by cubic splines, never beyond the extremes."""
    down, across = (
        _weights(n, size).astype(np.float32) for n, size in zip(values.shape, shape, strict=True)
    )
    smooth = down @ values.astype(np.float32) @ across.T
    return np.clip(smooth, values.min(), values.max(), out=smooth)


def _weights(n: int, size: int) -> np.ndarray:
    """What each block's value counts for at every pixel."""
    place = np.clip((np.arange(size) + 0.5) / BLOCK - 0.5, 0, n - 1)
    if n == 1:
        return np.ones((size, 1))
    order = min(3, n - 1)
    return np.asarray(make_interp_spline(np.arange(n), np.eye(n), k=order)(place))


def _gray_step(image: np.ndarray) -> float:
    """Smallest step of gray: 1 of whole numbers, a rounding error of others."""
    known = image[np.isfinite(image)]
    if np.array_equal(known, np.rint(known)):
        return 1.0
    return max(float(np.ptp(known)) * 1e-6, 1e-30)
