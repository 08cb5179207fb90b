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
LINE = 255


def beam_block(size: int) -> tuple[int, int]:
    """First and last row (and column) of the direct beam's block, scaled to the image."""
    first, last = (round(edge * size / PUBLISHED_SIZE) for edge in BEAM_BLOCK)
    return first, last


def shape_pixels(image: np.ndarray, distance_factor: float, threshold: float):
    """Shape one gray image.

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
    return _shape(np.ascontiguousarray(image), first, last, distance_factor, threshold)


@njit(cache=True, nogil=True)
def _shape(image, first, last, distance_factor, threshold):
    size = image.shape[0]
    strongest = 0
    for row in range(size):
        for column in range(size):
            if not (first <= row <= last and first <= column <= last):
                strongest = max(strongest, image[row, column])
    if strongest == 0:
        return image, image
    # There are 256 grays, so tables do: of the scaled gray, and of its published cast to bytes,
    # which wraps 256 to 0. The beam's block keeps its gray.
    gray = np.empty((2, 256), dtype=np.float32)
    for level in range(256):
        gray[0, level] = np.float32(level) / np.float32(strongest) * np.float32(256)
        gray[1, level] = level
    node = gray >= np.float32(256 * threshold)
    cast = np.empty((2, 256), dtype=np.uint8)
    for level in range(256):
        cast[0, level] = int(gray[0, level]) & 255
        cast[1, level] = level
    scaled = np.empty_like(image)
    rows = np.empty(size * size, dtype=np.int64)
    columns = np.empty(size * size, dtype=np.int64)
    count = 0
    for row in range(size):
        for column in range(size):
            level = image[row, column]
            table = 1 if first <= row <= last and first <= column <= last else 0
            scaled[row, column] = cast[table, level]
            if node[table, level]:
                rows[count], columns[count] = row, column
                count += 1
    lines = np.zeros(image.shape, dtype=np.bool_)
    _join_pixels(lines, rows[:count], columns[:count], distance_factor)
    shaped = scaled.copy()
    for row in range(size):
        for column in range(size):
            if lines[row, column]:
                table = 1 if first <= row <= last and first <= column <= last else 0
                if gray[table, image[row, column]] <= WRITE_BACK:
                    shaped[row, column] = LINE
    return shaped, scaled


@njit(cache=True, nogil=True)
def sample(target, shaped, scaled, index, channel):
    """Fill the three channels at the given rows and columns, in [0, 1]."""
    for row in range(len(index)):
        for column in range(len(index)):
            value = np.float32(scaled[index[row], index[column]]) / np.float32(255)
            for c in range(3):
                target[row, column, c] = value
            line = np.float32(shaped[index[row], index[column]]) / np.float32(255)
            target[row, column, channel] = line


@njit(cache=True, nogil=True)
def _join_pixels(lines, rows, columns, distance_factor):
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
                _draw_steps(lines, rows[i], columns[i], rows[j], columns[j])
                _draw_steps(lines, rows[j], columns[j], rows[i], columns[i])


@njit(cache=True, nogil=True)
def _draw_steps(lines, row0, column0, row1, column1):
    """As many points as the longer side, evenly spaced, ends included, rounded half to even."""
    steps = max(abs(row1 - row0), abs(column1 - column0))
    if steps == 1:
        lines[row0, column0] = True
        return
    row_step = (row1 - row0) / (steps - 1)
    column_step = (column1 - column0) / (steps - 1)
    for k in range(steps - 1):
        lines[int(np.rint(row0 + k * row_step)), int(np.rint(column0 + k * column_step))] = True
    lines[row1, column1] = True
