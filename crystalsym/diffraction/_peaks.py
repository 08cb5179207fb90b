"""Image -> list of spots with sub-pixel centers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit


@dataclass(frozen=True)
class SpotList:
    """Hold the spots of one image, strongest first.

    Attributes
    ----------
    columns, rows : ndarray of float64, shape (n,)
        Centers in pixels.
    intensities : ndarray of float64, shape (n,)
        Peak heights in the image's units.
    areas : ndarray of float64, shape (n,)
        Pixels of the flat top: 1 for an ordinary spot, more for a saturated one.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.diffraction import find_spots
    >>> image = np.zeros((32, 32), dtype=np.float32)
    >>> image[10, 20] = 3.0
    >>> spots = find_spots(image)
    >>> len(spots), spots.columns.tolist(), spots.rows.tolist()
    (1, [20.0], [10.0])
    """

    columns: np.ndarray
    rows: np.ndarray
    intensities: np.ndarray
    areas: np.ndarray

    def __len__(self) -> int:
        return len(self.columns)


def find_spots(image: np.ndarray, threshold: float = 1e-4, max_spots: int = 4096) -> SpotList:
    """Find the local maxima of an image.

    A Gaussian spot's center and height come out exactly: the logarithms of three neighboring
    pixels lie on a parabola. A saturated spot is the centroid of its flat top.

    Parameters
    ----------
    image : ndarray of shape (H, W)
        Any real dtype; linear intensity. NaN counts as dark.
    threshold : float, default=1e-4
        Faintest spot to keep, as a part of the image's maximum.
    max_spots : int, default=4096
        Only so many of the strongest are kept.

    Returns
    -------
    SpotList
        Empty if no pixel is positive.

    Raises
    ------
    ValueError
        If the image is not two-dimensional.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.diffraction import find_spots
    >>> rows, columns = np.mgrid[:32, :32]
    >>> image = 5 * np.exp(-((columns - 10.3) ** 2 + (rows - 20.6) ** 2) / 2)
    >>> spots = find_spots(image)
    >>> [round(float(v[0]), 3) for v in (spots.columns, spots.rows, spots.intensities)]
    [10.3, 20.6, 5.0]
    """
    image = np.asarray(image)
    if image.ndim != 2:
        raise ValueError(f"an image has two dimensions, got shape {image.shape}")
    image = np.ascontiguousarray(image, dtype=np.float32)
    strongest = float(np.nanmax(image, initial=0.0)) if image.size else 0.0
    if not strongest > 0:
        empty = np.empty(0)
        return SpotList(empty, empty, empty, empty)
    if not np.isfinite(strongest):
        raise ValueError("the image holds an infinite value")
    columns, rows, intensities, areas = local_maxima(image, np.float32(threshold * strongest))
    order = np.argsort(-intensities, kind="stable")[:max_spots]
    return SpotList(columns[order], rows[order], intensities[order], areas[order])


@njit(cache=True, nogil=True)
def local_maxima(image, floor):
    """Centers, heights and flat-top areas of all maxima above ``floor``, in reading order."""
    n_rows, n_columns = image.shape
    capacity = 256
    columns = np.empty(capacity)
    rows = np.empty(capacity)
    heights = np.empty(capacity)
    areas = np.empty(capacity)
    count = 0
    seen = np.zeros((1, 1), dtype=np.bool_)
    crest = np.empty(n_columns, dtype=np.bool_)
    for row in range(n_rows):
        if not _crests(image[row], floor, crest):
            continue
        for column in range(n_columns):
            if not crest[column]:
                continue
            value = image[row, column]
            top = True
            flat = False
            for r in range(max(row - 1, 0), min(row + 2, n_rows)):
                for c in range(max(column - 1, 0), min(column + 2, n_columns)):
                    other = image[r, c]
                    if other > value:
                        top = False
                        break
                    if other == value and (r != row or c != column):
                        flat = True
                if not top:
                    break
            if not top:
                continue
            if count == capacity:
                capacity *= 2
                columns = _grown(columns, capacity)
                rows = _grown(rows, capacity)
                heights = _grown(heights, capacity)
                areas = _grown(areas, capacity)
            if flat:
                if seen.size == 1:
                    seen = np.zeros((n_rows, n_columns), dtype=np.bool_)
                if seen[row, column]:
                    continue
                area, x, y, span = _flat_top(image, row, column, seen)
                if area == 0:
                    continue
                # Two equal pixels side by side are a spot between them, not a saturated one.
                flat = span > 1
            if flat:
                columns[count], rows[count] = x, y
                heights[count], areas[count] = value, area
            else:
                columns[count], rows[count], heights[count] = _peak(image, row, column)
                areas[count] = 1.0
            count += 1
    return columns[:count], rows[:count], heights[:count], areas[:count]


@njit(cache=True, nogil=True)
def _crests(line, floor, crest):
    """Mark what is above the floor and nowhere below its neighbors in the row; any at all?

    Most pixels are dark or on a slope. Without branches, this runs many pixels at a time.
    """
    last = len(line) - 1
    found = False
    for column in range(1, last):
        value = line[column]
        crest[column] = (
            (value > floor) & (not line[column - 1] > value) & (not line[column + 1] > value)
        )
        found |= crest[column]
    crest[0] = line[0] > floor
    crest[last] = line[last] > floor
    return found | crest[0] | crest[last]


@njit(cache=True, nogil=True)
def _grown(array, capacity):
    grown = np.empty(capacity)
    grown[: len(array)] = array
    return grown


@njit(cache=True, nogil=True)
def _peak(image, row, column):
    """Center and height of an unsaturated spot, the mean over its equal topmost pixels."""
    n_rows, n_columns = image.shape
    x, y, height, n = 0.0, 0.0, 0.0, 0
    for r in range(row, min(row + 2, n_rows)):
        for c in range(max(column - 1, 0), min(column + 2, n_columns)):
            if image[r, c] == image[row, column]:
                dx, gain_x = _vertex(image, r, c, 0, 1)
                dy, gain_y = _vertex(image, r, c, 1, 0)
                x += c + dx
                y += r + dy
                height += image[r, c] * math.exp(gain_x + gain_y)
                n += 1
    return x / n, y / n, height / n


@njit(cache=True, nogil=True)
def _vertex(image, row, column, row_step, column_step):
    """Offset of the parabola's vertex through three log intensities, and its log height."""
    n_rows, n_columns = image.shape
    if (
        row - row_step < 0
        or column - column_step < 0
        or row + row_step >= n_rows
        or column + column_step >= n_columns
    ):
        return 0.0, 0.0
    before = float(image[row - row_step, column - column_step])
    here = float(image[row, column])
    after = float(image[row + row_step, column + column_step])
    if not (before > 0 and after > 0):
        # Digitized away (or NaN) on one side: the centroid of what is left.
        before = before if before > 0 else 0.0
        after = after if after > 0 else 0.0
        return (after - before) / (before + here + after), 0.0
    fall_before = math.log(here / before)
    fall_after = math.log(here / after)
    total = fall_before + fall_after
    if total <= 0:
        return 0.0, 0.0
    offset = 0.5 * (fall_before - fall_after) / total
    return offset, 0.25 * (fall_before - fall_after) * offset


@njit(cache=True, nogil=True)
def _flat_top(image, row, column, seen):
    """Size, centroid and span of the region of equal value; all zero if it is no maximum."""
    n_rows, n_columns = image.shape
    value = image[row, column]
    stack = [(row, column)]
    seen[row, column] = True
    highest = True
    area = 0
    x = 0.0
    y = 0.0
    left, right, bottom = column, column, row
    while len(stack) > 0:
        r0, c0 = stack.pop()
        area += 1
        x += c0
        y += r0
        left, right, bottom = min(left, c0), max(right, c0), max(bottom, r0)
        for r in range(max(r0 - 1, 0), min(r0 + 2, n_rows)):
            for c in range(max(c0 - 1, 0), min(c0 + 2, n_columns)):
                if image[r, c] > value:
                    highest = False
                elif image[r, c] == value and not seen[r, c]:
                    seen[r, c] = True
                    stack.append((r, c))
    if not highest:
        return 0, 0.0, 0.0, 0
    return area, x / area, y / area, max(right - left, bottom - row)
