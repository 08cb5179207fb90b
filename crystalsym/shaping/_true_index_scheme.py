"""Scheme ``"indices"``: zero layers of reciprocal space drawn in their known indices.

Lists of reflections know the indices of every spot, and so do simulated patterns of given zones.
A pixel stands for one reflection, and says more than its intensity: how certain it is, and
whether it was measured at all.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

CHANNELS = ("intensity", "significance", "measured", "q")
# Intensities are counted in units of this part of their intensity-weighted mean, and the scale is
# linear below and logarithmic above; 1 is reached at RANGE times the mean.
UNIT, RANGE = 0.01, 10.0
# Patterns without uncertainties are as certain as the threshold says; I/sigma that reads as 1.
MOST_CERTAIN = 1e5
# How a place reads that was measured but not listed, because nothing was observed there.
UNOBSERVED = 0.5
# |q| that reads as 1, 1/Å.
LARGEST_Q = 1.5


@njit(cache=True, nogil=True)
def draw_layers(
    indices, intensity, sigma, starts, basis, q_min, q_max, coverage, threshold, friedel, targets
):
    """Fill ``targets`` (n, views, size, size, 4).

    With ``friedel`` one spot of a pair will do, and where both are listed their mean counts;
    without, each place shows its own. ``sigma`` is empty
    if there is none; ``coverage`` 0 is a list, 1 a whole pattern, 2 a list of what was observed.
    """
    n_views = targets.shape[1]
    size = targets.shape[2]
    middle = size // 2
    scale, certainty = math.asinh(RANGE / UNIT), math.asinh(MOST_CERTAIN)
    # Of each Friedel pair the place with k > 0, or k = 0 and h > 0. Rows k < 0 come last.
    sums, variances = np.zeros((size, size)), np.zeros((size, size))
    counts = np.zeros((size, size), dtype=np.int64)
    for row in range(len(targets)):
        total, squares, strongest = 0.0, 0.0, 0.0
        for i in range(starts[row * n_views], starts[(row + 1) * n_views]):
            if intensity[i] > 0:
                total += intensity[i]
                squares += intensity[i] * intensity[i]
                strongest = max(strongest, intensity[i])
        unit = UNIT * squares / total if total > 0 else 1.0
        floor = threshold * strongest if strongest > 0 else 1.0
        for view in range(n_views):
            target = targets[row, view]
            _draw_field(target, basis[row, view], q_min[row, view], q_max[row, view],
                        coverage[row, view])  # fmt: skip
            sums[:], variances[:], counts[:] = 0.0, 0.0, 0
            first = row * n_views + view
            for i in range(starts[first], starts[first + 1]):
                h, k = int(indices[i, 0]), int(indices[i, 1])
                if abs(h) > middle or abs(k) > middle or (h == 0 and k == 0):
                    continue
                if friedel and (k < 0 or (k == 0 and h < 0)):
                    h, k = -h, -k
                error = sigma[i] if len(sigma) else floor
                sums[k, middle + h] += intensity[i]
                variances[k, middle + h] += error * error
                counts[k, middle + h] += 1
            for k in range(-middle, middle + 1):
                for x in range(size):
                    if counts[k, x] == 0:
                        continue
                    value = max(sums[k, x] / counts[k, x], 0.0)
                    error = max(math.sqrt(variances[k, x]) / counts[k, x], 1e-30)
                    bright = min(math.asinh(value / unit) / scale, 1.0)
                    certain = min(math.asinh(value / error) / certainty, 1.0)
                    pixel = target[middle + k, x]
                    pixel[0], pixel[1], pixel[2] = bright, certain, 1.0
                    if friedel:
                        pixel = target[middle - k, 2 * middle - x]
                        pixel[0], pixel[1], pixel[2] = bright, certain, 1.0


@njit(cache=True, nogil=True)
def _draw_field(target, basis, q_min, q_max, coverage):
    """What is known of places before any spot is drawn: |q|, and whether they were looked at."""
    size = target.shape[0]
    middle = size // 2
    seen = (0.0, 1.0, UNOBSERVED)[coverage]
    for k in range(-middle, middle + 1):
        for h in range(-middle, middle + 1):
            q = math.hypot(h * basis[0, 0] + k * basis[1, 0], h * basis[0, 1] + k * basis[1, 1])
            target[middle + k, middle + h, 3] = min(q / LARGEST_Q, 1.0)
            if q_min <= q <= q_max and (h != 0 or k != 0):
                target[middle + k, middle + h, 2] = seen
