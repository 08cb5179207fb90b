"""Spots drawn on an image, each at its exact place between the pixels."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

# Spots fainter than this part of the strongest are not drawn (float32 resolves no more).
FAINTEST = 1e-7


@njit(cache=True, nogil=True, fastmath=True)
def draw_spots(image, columns, rows, intensity, sigma, faintest):
    """Add Gaussian spots, each only as far as it rises above the faintest."""
    n_rows, n_columns = image.shape
    strongest = 0.0
    for n in range(len(intensity)):
        strongest = max(strongest, intensity[n])
    floor = faintest * strongest
    across = np.empty(n_columns, dtype=np.float32)
    scale = -0.5 / (sigma * sigma)
    for n in range(len(intensity)):
        if intensity[n] <= floor:
            continue
        radius = sigma * math.sqrt(2 * math.log(intensity[n] / floor)) + 0.5
        left = max(0, math.ceil(columns[n] - radius))
        right = min(n_columns - 1, math.floor(columns[n] + radius))
        top = max(0, math.ceil(rows[n] - radius))
        bottom = min(n_rows - 1, math.floor(rows[n] + radius))
        for column in range(left, right + 1):
            across[column] = math.exp(scale * (column - columns[n]) ** 2)
        for row in range(top, bottom + 1):
            height = np.float32(intensity[n] * math.exp(scale * (row - rows[n]) ** 2))
            for column in range(left, right + 1):
                image[row, column] += height * across[column]
