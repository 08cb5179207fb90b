"""What is wrong with an image before anything is looked for in it."""

from __future__ import annotations

from typing import Any

import numpy as np

from crystalsym.measurement._image_refusals import PatternRefused
from crystalsym.measurement._pixel_sets import opened

SMALLEST = 32  # pixels along an edge
# Largest values that cameras and files tell.
FULL_SCALES = (255.0, 1023.0, 4095.0, 16383.0, 65535.0)
# Dark spots on a bright ground: what is above the median is less than this part of what is below.
INVERTED = 0.2
# Detectors mark pixels by so few negative values; in gaps, or so small a part of all alone.
MOST_MARKS, STREWN = 3, 2e-3
# Percentiles that stand for darkest and brightest, so that hot pixels do not.
DARKEST, BRIGHTEST = 0.01, 99.99


def check_kind(image: Any, name: str) -> np.ndarray:
    """Refuse what is no image at all.

    Parameters
    ----------
    image : array-like of shape (H, W), or (H, W, 3 or 4)
    name : str
        What messages call it.

    Returns
    -------
    ndarray

    Raises
    ------
    TypeError
        If the values are no real numbers.
    ValueError
        If the shape is no image's.

    Examples
    --------
    >>> import numpy as np
    >>> check_kind(np.zeros((64, 64)), "image 0").shape
    (64, 64)
    """
    values = np.asarray(image)
    if values.dtype.kind not in "buif":
        raise TypeError(f"{name}: intensities must be real numbers, not {values.dtype}")
    colored = values.ndim == 3 and values.shape[2] in (3, 4)
    if not (values.ndim == 2 or colored) or min(values.shape[:2]) < SMALLEST:
        raise ValueError(
            f"{name}: an image has shape (H, W) of at least {SMALLEST} pixels, got {values.shape}"
        )
    return values


def linear_gray(values: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Bring an image to linear gray, or refuse it.

    Parameters
    ----------
    values : ndarray of shape (H, W), or (H, W, 3 or 4) of equal channels

    Returns
    -------
    gray : ndarray of shape (H, W), float32
        NaN where nothing was measured: what is not finite, and :func:`marks_of_detectors`.
    notes : list of str
        What was undone.

    Raises
    ------
    PatternRefused
        If it is a color picture or empty.

    Examples
    --------
    >>> import numpy as np
    >>> picture = np.full((64, 64), 255, np.uint8); picture[10, 20] = picture[9, 20] = 3
    >>> gray, notes = linear_gray(picture)
    >>> float(gray[10, 20]), notes
    (252.0, ['inverted gray was turned round'])
    """
    notes = []
    hidden = ~np.isfinite(values[..., 0] if values.ndim == 3 else values)
    if values.ndim == 3:
        if np.any(values[..., :3] != values[..., :1]):
            raise PatternRefused(
                "a color picture, whose values are no intensities; give the camera's own"
            )
        values = values[..., 0]
        notes.append("one of three equal color channels was taken")
    if hidden.any():
        notes.append(f"{int(hidden.sum())} values that are no numbers count as not measured")
    marked = marks_of_detectors(values)
    if marked.any():
        hidden |= marked
        names = ", ".join(f"{value:g}" for value in np.unique(values[marked]))
        notes.append(f"{int(marked.sum())} values of {names} count as not measured")
    gray = values.astype(np.float32)
    gray[hidden] = np.nan
    known = gray[~hidden]
    if not known.size or known.min() == known.max():
        raise PatternRefused("the image is empty, all its values are the same")
    if _inverted(known):
        gray = known.max() - gray
        notes.append("inverted gray was turned round")
    return gray, notes


def marks_of_detectors(values: np.ndarray) -> np.ndarray:
    """Find values by which counting detectors mark gaps and dead pixels.

    These are negative ones among whole numbers, and the largest of 32 bits. Negative numbers that
    a subtracted dark image leaves are none: they are of many values, or strewn over the image.

    Parameters
    ----------
    values : ndarray of shape (H, W)

    Returns
    -------
    ndarray of bool, shape (H, W)

    Examples
    --------
    >>> import numpy as np
    >>> counts = np.random.default_rng(0).poisson(3.0, (64, 64)); counts[30:34] = -1
    >>> int(marks_of_detectors(counts).sum())
    256
    >>> int(marks_of_detectors(counts + 0.5).sum()), int(marks_of_detectors(counts - 5).sum())
    (0, 0)
    """
    if values.dtype.kind == "u" and values.dtype.itemsize >= 4:
        return np.asarray(values == np.iinfo(np.uint32).max)
    with np.errstate(invalid="ignore"):
        negative = values < 0
    count = int(negative.sum())
    if not count or values.dtype.kind not in "if":
        return np.zeros(values.shape, dtype=bool)
    kinds = np.unique(values[negative])
    whole = np.array_equal(kinds, np.rint(kinds))
    if len(kinds) > MOST_MARKS or not whole:
        return np.zeros(values.shape, dtype=bool)
    others = values[np.isfinite(values) & ~negative]
    if not np.array_equal(others, np.rint(others)):
        return np.zeros(values.shape, dtype=bool)
    in_gaps = opened(negative)
    strewn = count - int(in_gaps.sum())
    return negative if strewn < STREWN * values.size else np.zeros(values.shape, dtype=bool)


def saturation_level(gray: np.ndarray) -> float:
    """Find the value at which a camera stopped counting.

    Parameters
    ----------
    gray : ndarray of shape (H, W)

    Returns
    -------
    float
        Infinite if no pixel has reached it. It is the largest value, if that is a camera's full
        scale or if pixels side by side share it.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((64, 64)); image[9:12, 9:12] = 700; image[30, 30] = 5
    >>> saturation_level(image), saturation_level(image * (image < 10))
    (700.0, inf)
    """
    largest = float(np.nanmax(gray))
    rows, columns = np.nonzero(gray == largest)
    if largest in FULL_SCALES:
        return largest
    top = set(zip(rows.tolist(), columns.tolist(), strict=True)) if len(rows) < 4096 else None
    if top is None:
        return largest
    for row, column in top:
        beside = sum((row + i, column + j) in top for i in (-1, 0, 1) for j in (-1, 0, 1))
        if beside >= 5:  # itself and four neighbors; a spot between pixels has three
            return largest
    return np.inf


def _inverted(values: np.ndarray) -> bool:
    dark, middle, bright = np.percentile(values[:: max(1, values.size // 200_000)], (0, 50, 100))
    if middle - dark <= bright - middle:
        return False
    dark, middle, bright = np.percentile(values, (DARKEST, 50, BRIGHTEST))
    return bool(bright - middle < INVERTED * (middle - dark))
