"""What of an image was not measured: hot pixels, dead rows, saturated ones, the beam stop."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from crystalsym.measurement._pixel_sets import grown, quantiles

# A hot pixel's second brightest neighbor is below this part of it; a spot of a width of half a
# pixel, centered, has four of 0.14.
LONELY = 0.1
# Above the ground, in units of its noise, from where on a pixel may be hot.
HOT = 8.0
# A row is dead if it varies by less than this part of what its neighbors do.
DEAD = 0.02
# Light behind a stop is below this part of what its radius has, by so many standard deviations.
SHADE, SHADE_NOISE = 0.6, 5.0
# Pixels along the edge of a block, and below which size of the image blocks are half that large;
# blocks of the smallest stop.
SHADE_BLOCK, LARGE, SMALLEST_SHADE = 4, 768, 60
# Of a ring about the beam, more than this part is lit by diffuse light alone: bars are narrower,
# and spots leave room, dense rows of them too.
LIT = 0.35
GROWN = 3  # pixels around the stop whose light it cuts


def hot_pixels(image: np.ndarray, ground: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Find pixels that stand alone far above all around them.

    Parameters
    ----------
    image, ground, noise : ndarray of shape (H, W)

    Returns
    -------
    ndarray of bool, shape (H, W)

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((32, 32), np.float32); image[5, 6] = 100; image[20:23, 20:23] = 90
    >>> np.argwhere(hot_pixels(image, np.zeros_like(image), np.ones_like(image))).tolist()
    [[5, 6]]
    """
    above = image - ground
    rows, columns = np.nonzero(above > HOT * noise)
    hot = np.zeros(image.shape, dtype=bool)
    if not len(rows):
        return hot
    height, width = image.shape
    around = []
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            if i or j:
                r, c = np.clip(rows + i, 0, height - 1), np.clip(columns + j, 0, width - 1)
                around.append(above[r, c])
    second = np.partition(np.nan_to_num(np.array(around)), -2, axis=0)[-2]
    own = above[rows, columns]
    alone = second < np.maximum(LONELY * own, 2 * noise[rows, columns])
    hot[rows[alone], columns[alone]] = True
    return hot


def dead_lines(image: np.ndarray) -> np.ndarray:
    """Find rows and columns that tell nothing.

    Parameters
    ----------
    image : ndarray of shape (H, W)

    Returns
    -------
    ndarray of bool, shape (H, W)

    Examples
    --------
    >>> import numpy as np
    >>> image = np.random.default_rng(0).poisson(9.0, (64, 64)).astype(np.float32); image[7] = 0
    >>> np.flatnonzero(dead_lines(image).all(axis=1)).tolist()
    [7]
    """
    dead = np.zeros(image.shape, dtype=bool)
    for axis in (0, 1):
        part = np.nan_to_num(image[:, ::4] if axis == 0 else image[::4].T)
        low, high = np.percentile(part, (10, 75), axis=1)
        spread = high - low
        usual = ndimage.median_filter(spread, 15)
        level = ndimage.median_filter(high, 15)
        found = (spread < DEAD * usual) & (np.abs(high - level) > usual)
        if axis == 0:
            dead[found] = True
        else:
            dead[:, found] = True
    return dead


def beam_stop(image: np.ndarray, bad: np.ndarray, center: tuple[float, float]) -> np.ndarray:
    """Find what lies in the shade of something, which needs diffuse light around it.

    Parameters
    ----------
    image : ndarray of shape (H, W)
    bad : ndarray of bool, shape (H, W)
        What is known not to be measured.
    center : tuple of float
        About where the beam is, (column, row).

    Returns
    -------
    ndarray of bool, shape (H, W)
        All False where there is no such place.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.random.default_rng(0).poisson(50.0, (256, 256)).astype(np.float32)
    >>> image[100:150, 110:] = 0
    >>> hidden = beam_stop(image, np.zeros(image.shape, bool), (127.5, 127.5))
    >>> bool(hidden[102:148, 112:].all()), bool(hidden[:90].any())
    (True, False)
    """
    n = SHADE_BLOCK if min(image.shape) >= LARGE else SHADE_BLOCK // 2
    height, width = (s // n * n for s in image.shape)
    blocks = np.where(bad, np.nan, image)[:height, :width]
    blocks = blocks.reshape(height // n, n, width // n, n)
    with np.errstate(all="ignore"):
        level = np.nan_to_num(_mean(blocks))
    column, row = ((c - (n - 1) / 2) / n for c in center)
    y, x = np.indices(level.shape)
    ring = np.hypot(x - column, y - row).astype(int)
    order = np.argsort(ring, axis=None, kind="stable")
    ends = np.searchsorted(ring.ravel()[order], np.arange(1, ring.max() + 1))
    rings = np.split(level.ravel()[order], ends)
    profile = np.array([quantiles(part, (LIT,))[0] if len(part) else 0.0 for part in rings])
    # Of the disc in front of the beam no part of a ring is free: light does not fall inward.
    profile = np.maximum.accumulate(ndimage.median_filter(profile, 5)[::-1])[::-1]
    expected = profile[ring]
    spread = np.sqrt(np.maximum(expected, 0.25) / n**2)
    floor = float(level.min())
    dark = (level - floor < SHADE * (expected - floor)) & (expected - level > SHADE_NOISE * spread)
    dark = ndimage.binary_opening(dark, np.ones((2, 2)))
    labels, count = ndimage.label(dark, np.ones((3, 3)))
    hidden = np.zeros(image.shape, dtype=bool)
    if not count:
        return hidden
    sizes = ndimage.sum_labels(dark, labels, np.arange(count + 1))
    sizes[0] = 0
    kept = (sizes >= SMALLEST_SHADE)[labels]
    hidden[:height, :width] = np.repeat(np.repeat(kept, n, axis=0), n, axis=1)
    if hidden.any():
        hidden = grown(hidden, GROWN)
    return hidden


def _mean(blocks: np.ndarray) -> np.ndarray:
    """Mean over blocks of what is known."""
    known = np.isfinite(blocks)
    total = np.where(known, blocks, 0).sum(axis=(1, 3))
    return total / known.sum(axis=(1, 3))
