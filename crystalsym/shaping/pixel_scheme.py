"""Scheme ``"pixels"``: the algorithm of the code published with the paper, byte for byte.

Nodes are bright pixels rather than spots, and pairs in one row or column are never joined.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

PUBLISHED_SIZE = 256
# Rows and columns of the direct beam in the published 256-pixel image.
BEAM_BLOCK = (116, 137)
SMALLEST_COLLECTED = 10.0
FEW_PAIRS = 100
WRITE_BACK = 5.0


def beam_block(size: int) -> tuple[int, int]:
    """First and last row (and column) of the direct beam's block, scaled to the image."""
    first, last = (round(edge * size / PUBLISHED_SIZE) for edge in BEAM_BLOCK)
    return first, last


def shape_pixels(image: np.ndarray, distance_factor: float, threshold: float):
    """Shape one grey image.

    Parameters
    ----------
    image : ndarray of uint8, shape (size, size)
    distance_factor : float
        1.7 in the published code.
    threshold : float
        Faintest node as a part of full scale; 50/256 in the published code.

    Returns
    -------
    shaped, scaled : ndarray of uint8, shape (size, size)
        With and without lines.
    """
    first, last = beam_block(image.shape[0])
    outside = image.copy()
    outside[first : last + 1, first : last + 1] = 0
    strongest = outside.max()
    if strongest == 0:
        return image, image
    scaled = image.astype(np.float32) / np.float32(strongest) * np.float32(256)
    block = slice(first, last + 1)
    scaled[block, block] = image[block, block]
    rows, columns = np.nonzero(scaled >= np.float32(256 * threshold))
    shaped = scaled.copy()
    _join_pixels(shaped, rows, columns, distance_factor)
    shaped = np.where(scaled > WRITE_BACK, scaled, shaped)
    # The published cast wraps 256 to 0.
    return (shaped.astype(np.int64) & 255).astype(np.uint8), (scaled.astype(np.int64) & 255).astype(
        np.uint8
    )


@njit(cache=True, nogil=True)
def _join_pixels(canvas, rows, columns, distance_factor):
    n = len(rows)  # sorted by row
    smallest2 = 1 << 60
    collected = 0
    limit2 = int(SMALLEST_COLLECTED) ** 2 + 2
    for i in range(n):
        for j in range(i + 1, n):
            dy = rows[j] - rows[i]
            dx = columns[j] - columns[i]
            if collected > FEW_PAIRS and dy * dy > smallest2:
                break
            if dx == 0 or dy == 0:
                continue
            distance2 = dx * dx + dy * dy
            if distance2 < limit2:
                continue
            collected += 2
            smallest2 = min(smallest2, distance2)
    if collected == 0:
        return
    if collected <= FEW_PAIRS:
        reach = np.inf
    else:
        reach = distance_factor * math.sqrt(float(smallest2 - 2))
    for i in range(n):
        for j in range(i + 1, n):
            dy = rows[j] - rows[i]
            dx = columns[j] - columns[i]
            if dy > reach:
                break
            if dx == 0 or dy == 0:
                continue
            distance2 = dx * dx + dy * dy
            if distance2 < limit2 and reach == np.inf:
                continue
            if math.sqrt(float(distance2)) <= reach:
                # Rounding makes the way back another line.
                _draw_steps(canvas, rows[i], columns[i], rows[j], columns[j])
                _draw_steps(canvas, rows[j], columns[j], rows[i], columns[i])


@njit(cache=True, nogil=True)
def _draw_steps(canvas, row0, column0, row1, column1):
    """As many points as the longer side, evenly spaced, ends included, rounded half to even."""
    steps = max(abs(row1 - row0), abs(column1 - column0))
    if steps == 1:
        canvas[row0, column0] = 255.0
        return
    row_step = (row1 - row0) / (steps - 1)
    column_step = (column1 - column0) / (steps - 1)
    for k in range(steps - 1):
        canvas[int(np.round(row0 + k * row_step)), int(np.round(column0 + k * column_step))] = 255.0
    canvas[row1, column1] = 255.0
