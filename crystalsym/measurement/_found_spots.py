"""What was found in a crystal's three images as a row of patterns."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from crystalsym.diffraction import Coverage, SpotPatterns
from crystalsym.measurement._found_pattern import FoundPattern
from crystalsym.measurement._pattern_turning import Turning

N_VIEWS = 3
MASK_SIZE = 129  # places along an edge of the field at which it is told what was hidden


def turned_spots(
    images: Sequence[FoundPattern], turning: Turning, q_max: float | None = None
) -> SpotPatterns:
    """Turn and order the spots of three images as those of simulated patterns.

    Parameters
    ----------
    images : sequence of three FoundPattern
    turning : Turning
    q_max : float, optional
        Radius of the field, 1/Å; by default as far as each image goes on the beam's nearest side.

    Returns
    -------
    SpotPatterns
        One crystal.
    """
    views = [images[i] for i in turning.order]
    parts, bases, limits, masks = [], [], [], []
    for one, row in zip(views, turning.rows, strict=True):
        assert one.indices is not None
        assert one.intensity is not None
        assert one.sigma is not None
        turn = np.array([[row[0], -row[1]], [row[1], row[0]]]) / math.hypot(*row)
        basis = one.basis @ turn
        q = one.indices @ basis
        limit = q_max or _reach(one)
        inside = np.hypot(*q.T) <= limit
        parts.append((q[inside], one.intensity[inside], one.sigma[inside], one.indices[inside]))
        bases.append(basis)
        limits.append(limit)
        masks.append(_hidden(one, turn, limit))
    q, intensity, sigma, indices = (np.concatenate(values) for values in zip(*parts, strict=True))
    return SpotPatterns(
        q=q,
        intensity=intensity,
        starts=np.concatenate([[0], np.cumsum([len(part[1]) for part in parts])]),
        q_min=np.zeros((1, N_VIEWS)),
        q_max=np.array([limits]),
        sigma=sigma,
        indices=indices.astype(np.int16),
        basis=np.array([bases]),
        mask=np.array([masks]),
        halved=True,
    )


def missing_spots() -> SpotPatterns:
    """Make the row of a crystal that was refused."""
    return SpotPatterns(
        q=np.empty((0, 2)),
        intensity=np.empty(0),
        starts=np.zeros(N_VIEWS + 1, dtype=np.int64),
        q_min=np.full((1, N_VIEWS), np.nan),
        q_max=np.full((1, N_VIEWS), np.nan),
        sigma=np.empty(0),
        indices=np.empty((0, 2), np.int16),
        basis=np.zeros((1, N_VIEWS, 2, 2)),
        coverage=np.full((1, N_VIEWS), Coverage.WHOLE, dtype=np.int8),
        mask=np.zeros((1, N_VIEWS, MASK_SIZE, MASK_SIZE), dtype=bool),
        halved=True,
    )


def _reach(found: FoundPattern) -> float:
    """How far the image goes on the beam's nearest side, 1/Å."""
    assert found.center is not None
    height, width = found.image.shape
    column, row = found.center.place
    return float(min(column, row, width - 1 - column, height - 1 - row) * found.q_per_pixel)


def _hidden(found: FoundPattern, turn: np.ndarray, q_max: float) -> np.ndarray:
    """Of a square from -q_max to q_max, what neither of two mates was measured of."""
    assert found.center is not None
    axis = np.linspace(-q_max, q_max, MASK_SIZE)
    x, y = np.meshgrid(axis, axis)
    offsets = np.stack([x, y], axis=-1) @ turn.T / found.q_per_pixel
    hidden, bad = np.ones(x.shape, dtype=bool), found.hidden_places
    height, width = bad.shape
    for sign in (1, -1):
        place = np.rint(found.center.place + sign * offsets).astype(int)
        column, row = place[..., 0], place[..., 1]
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        seen = inside.copy()
        seen[inside] = ~bad[row[inside], column[inside]]
        hidden &= ~seen
    return hidden
