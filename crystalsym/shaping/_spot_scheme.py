"""Scheme ``"spots"``: the rule of the paper's text, on spots found to sub-pixel accuracy.

Spots closer than ``distance_factor`` times the smallest distance between any two are joined. The
line is as bright as the fainter of its ends, so that nothing jumps when a spot fades away; it may
be as thick at each end as the spot there.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from crystalsym.diffraction._peaks import local_maxima

LINEAR, ROOT, LOG = 0, 1, 2
INTENSITIES = {"linear": LINEAR, "root": ROOT, "log": LOG}
CHANNELS = ("spots", "lines")
# Maxima this far below the threshold are looked at before the scale of the image is known.
HEADROOM = 1e-3
# The line width that stands for "as thick as the spots joined".
AS_NODES = 0.0


class SpotDrawing(NamedTuple):
    """How spots and lines are drawn; the beam in raw pixels, sigma and width in drawn ones."""

    distance_factor: float
    threshold: float
    intensity: int
    beam_column: float
    beam_row: float
    beam_radius: float
    field: float
    spot_sigma: float
    line_width: float
    max_spots: int


def shape_spots(
    image: np.ndarray, spots_canvas: np.ndarray, lines_canvas: np.ndarray, how: SpotDrawing
) -> None:
    """Draw one image's spots and lines onto two canvases (zero on entry)."""
    strongest = image.max()
    if not strongest > 0:
        return
    # Not called from the kernel below: Numba's cache of a kernel does not notice when another
    # module that it calls has changed.
    least = np.float32(HEADROOM * how.threshold * strongest)
    columns, rows, heights, _ = local_maxima(image, least)
    draw_list(columns, rows, heights, image.shape[1], spots_canvas, lines_canvas, how)


@njit(cache=True, nogil=True)
def draw_list(columns, rows, heights, width, spots_canvas, lines_canvas, how):
    """Draw a list of spots, places in pixels of a raw image of that width."""
    scale = _scale(columns, rows, heights, how.beam_column, how.beam_row, how.beam_radius)
    keep = heights >= how.threshold * scale
    columns, rows, heights = columns[keep], rows[keep], heights[keep]
    if len(heights) > how.max_spots:
        order = np.argsort(-heights)[: how.max_spots]
        columns, rows, heights = columns[order], rows[order], heights[order]
    n = len(columns)
    brightness = np.empty(n)
    for i in range(n):
        brightness[i] = _brightness(min(heights[i] / scale, 1.0), how.intensity, how.threshold)
    size = spots_canvas.shape[0]
    zoom = (size - 1) / ((width - 1) * how.field)
    middle = (size - 1) / 2
    x = (columns - how.beam_column) * zoom + middle
    y = (rows - how.beam_row) * zoom + middle
    across = np.empty(size)
    for i in range(n):
        draw_spot(spots_canvas, x[i], y[i], brightness[i], how.spot_sigma, across)
    if lines_canvas.shape[0] == size and n > 1:
        widths = np.full(n, how.line_width)
        if how.line_width == AS_NODES:
            for i in range(n):
                widths[i] = node_diameter(brightness[i], how.spot_sigma)
        _join(lines_canvas, x, y, brightness, widths, how.distance_factor, zoom)


@njit(cache=True, nogil=True)
def _scale(columns, rows, heights, beam_column, beam_row, beam_radius):
    """The strongest spot outside the direct beam, or the strongest of all."""
    outside = 0.0
    anywhere = 0.0
    for i in range(len(heights)):
        anywhere = max(anywhere, heights[i])
        away = math.hypot(columns[i] - beam_column, rows[i] - beam_row)
        if away > beam_radius:
            outside = max(outside, heights[i])
    return outside if outside > 0 else anywhere


@njit(cache=True, nogil=True)
def _brightness(relative, intensity, threshold):
    if intensity == LINEAR:
        return relative
    if intensity == ROOT:
        return math.sqrt(relative)
    return 1.0 - math.log(relative) / math.log(threshold)


@njit(cache=True, nogil=True)
def node_diameter(brightness, sigma):
    """Diameter of the evenly white disc that holds as much light as a drawn spot.

    2 pi sigma^2 times the brightness is the light of the spot, pi d^2 / 4 that of the disc.
    """
    return sigma * math.sqrt(8.0 * brightness)


@njit(cache=True, nogil=True)
def draw_spot(canvas, x, y, brightness, sigma, across):
    """Raise the canvas to a Gaussian; where two spots meet the brighter one shows.

    ``across`` is room for one row.
    """
    size = canvas.shape[0]
    radius = 3 * sigma + 0.5
    scale = -0.5 / (sigma * sigma)
    left, right = max(0, math.ceil(x - radius)), min(size - 1, math.floor(x + radius))
    for column in range(left, right + 1):
        across[column] = math.exp(scale * (column - x) ** 2)
    for row in range(max(0, math.ceil(y - radius)), min(size - 1, math.floor(y + radius)) + 1):
        height = brightness * math.exp(scale * (row - y) ** 2)
        for column in range(left, right + 1):
            value = np.float32(height * across[column])
            if value > canvas[row, column]:
                canvas[row, column] = value


@njit(cache=True, nogil=True)
def _join(canvas, x, y, brightness, widths, distance_factor, raw_pixel):
    # Only a saturated ring's centroid can fall within a pixel of another spot.
    nearest = max(_smallest_distance(x, y), raw_pixel)
    reach = distance_factor * nearest * (1 + 1e-6)
    # A line ends within reach of where it begins.
    low, high = -reach - 1, canvas.shape[0] + reach
    near = (x > low) & (x < high) & (y > low) & (y < high)
    x, y, brightness, widths = x[near], y[near], brightness[near], widths[near]
    n = len(x)
    if n < 2:
        return
    order, starts, n_cells, x0, y0 = _binned(x, y, reach)
    for i in range(n):
        cx = int((x[i] - x0) / reach)
        cy = int((y[i] - y0) / reach)
        for by in range(max(cy - 1, 0), min(cy + 2, n_cells)):
            for bx in range(max(cx - 1, 0), min(cx + 2, n_cells)):
                cell = by * n_cells + bx
                for k in range(starts[cell], starts[cell + 1]):
                    j = order[k]
                    if j <= i:
                        continue
                    if (x[j] - x[i]) ** 2 + (y[j] - y[i]) ** 2 <= reach * reach:
                        fainter = min(brightness[i], brightness[j])
                        draw_line(canvas, x[i], y[i], x[j], y[j], fainter, widths[i], widths[j])


@njit(cache=True, nogil=True)
def _smallest_distance(x, y):
    """Smallest distance between two points, by a sweep over sorted x."""
    order = np.argsort(x)
    best = np.inf
    for a in range(len(order)):
        i = order[a]
        for b in range(a + 1, len(order)):
            j = order[b]
            if x[j] - x[i] >= best:
                break
            best = min(best, math.hypot(x[j] - x[i], y[j] - y[i]))
    return best


@njit(cache=True, nogil=True)
def _binned(x, y, edge):
    """Points sorted into square bins of the given edge."""
    x0, y0 = x.min(), y.min()
    n_cells = int(max(x.max() - x0, y.max() - y0) / edge) + 1
    cell = np.empty(len(x), dtype=np.int64)
    starts = np.zeros(n_cells * n_cells + 1, dtype=np.int64)
    for i in range(len(x)):
        cell[i] = int((y[i] - y0) / edge) * n_cells + int((x[i] - x0) / edge)
        starts[cell[i] + 1] += 1
    for c in range(n_cells * n_cells):
        starts[c + 1] += starts[c]
    fill = starts[:-1].copy()
    order = np.empty(len(x), dtype=np.int64)
    for i in range(len(x)):
        order[fill[cell[i]]] = i
        fill[cell[i]] += 1
    return order, starts, n_cells, x0, y0


@njit(cache=True, nogil=True)
def draw_line(canvas, x0, y0, x1, y1, brightness, width0, width1):
    """Anti-aliased line: full within half the width, fading over one pixel beyond.

    From one end to the other the width changes evenly.
    """
    size = canvas.shape[0]
    margin = max(width0, width1) / 2 + 0.5
    dx, dy = x1 - x0, y1 - y0
    length2 = dx * dx + dy * dy
    steep = abs(dy) > abs(dx)
    # Walk along the longer side; across it only the few pixels within the margin count.
    if steep:
        near, far, start, slope = min(y0, y1), max(y0, y1), x0 - y0 * (dx / dy), dx / dy
    elif length2 > 0:
        near, far, start, slope = min(x0, x1), max(x0, x1), y0 - x0 * (dy / dx), dy / dx
    else:
        near, far, start, slope = x0, x0, y0, 0.0
    reach = margin * math.sqrt(1 + slope * slope)
    for i in range(max(0, math.ceil(near - margin)), min(size - 1, math.floor(far + margin)) + 1):
        middle = start + slope * min(max(float(i), near), far)
        first = max(0, math.ceil(middle - reach))
        last = min(size - 1, math.floor(middle + reach))
        for j in range(first, last + 1):
            row, column = (i, j) if steep else (j, i)
            along = 0.0
            if length2 > 0:
                along = ((column - x0) * dx + (row - y0) * dy) / length2
                along = min(max(along, 0.0), 1.0)
            across_x = column - x0 - along * dx
            across_y = row - y0 - along * dy
            edge = (width0 + along * (width1 - width0)) / 2 + 0.5
            cover = min(1.0, edge - math.sqrt(across_x * across_x + across_y * across_y))
            if cover > 0:
                value = np.float32(brightness * cover)
                if value > canvas[row, column]:
                    canvas[row, column] = value
