"""The reflections around the origin, in three dimensions, as a stack of small pictures.

Zero layers tell most of a crystal if they are along its symmetry directions. Of zones along other
directions they hold little more than single rows; a block holds all that was measured near the
origin.
"""

from __future__ import annotations

import math

import numpy as np

from crystalsym.crystals._metric_settings import allowed_by_centering
from crystalsym.reflections._equivalents import MergedReflections

CHANNELS = ("intensity", "measured", "q")
# Indices h and k reach so far to either side, and l from 0 to HEIGHT - 1.
REACH: int = 6
HEIGHT: int = 7
# Intensities are counted in units of this part of their intensity-weighted mean, and the scale is
# linear below and logarithmic above; 1 is reached at RANGE times the mean.
UNIT, RANGE = 0.01, 10.0
# |q| that reads as 1, 1/Å.
LARGEST_Q = 1.5


def reflection_block(merged: MergedReflections, change: np.ndarray | None = None) -> np.ndarray:
    """Lay out the averaged reflections around the origin, place by place.

    Equivalents that were not measured get the intensity of those that were. Places that the
    centering forbids count as measured and dark, as far as the list reaches in the block.

    Parameters
    ----------
    merged : MergedReflections
    change : ndarray of int, shape (3, 3), optional
        From its setting to another one that is open.

    Returns
    -------
    ndarray of float32, shape (7, 13, 13, 3)
        Of the place [l, 6 + k, 6 + h]: the intensity on a scale from 0 to 1, whether it was
        measured, and |q| in parts of 1.5 1/Å.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.reflections import merge_equivalents, reflection_block
    >>> merged = merge_equivalents(np.array([[0, 1, 2]]), np.array([3.0]), None,
    ...     np.eye(3, dtype=int)[None], lattice=np.eye(3) * 5)
    >>> block = reflection_block(merged)
    >>> block.shape, float(block[2, 6 + 1, 6, 1]), int(block[..., 1].sum())
    ((7, 13, 13, 3), 1.0, 1)
    """
    change = np.eye(3, dtype=int) if change is None else np.asarray(change)
    reciprocal = np.linalg.inv(change @ merged.lattice).T
    side = 2 * REACH + 1
    level, row, column = np.indices((HEIGHT, side, side))
    places = np.stack([column - REACH, row - REACH, level], axis=-1)
    q = np.linalg.norm(places @ reciprocal, axis=-1)
    hkl, rows = merged.expanded()
    hkl = np.round(hkl @ change.T).astype(np.int64)
    hkl, rows = np.concatenate([hkl, -hkl]), np.concatenate([rows, rows])
    inside = (np.abs(hkl) <= REACH).all(axis=1) & (hkl[:, 2] >= 0)
    h, k, number = hkl[inside].T
    at = (number, k + REACH, h + REACH)
    values, measured = np.zeros(q.shape), np.zeros(q.shape, dtype=bool)
    values[at] = np.maximum(merged.intensity[rows[inside]], 0)
    measured[at] = True
    if merged.centering != "P" and measured.any():
        back = np.round(places @ np.linalg.inv(change).T).astype(np.int64)
        forbidden = ~allowed_by_centering(back.reshape(-1, 3), merged.centering).reshape(q.shape)
        near, far = q[measured].min(), q[measured].max()
        dark = forbidden & (q >= near * (1 - 1e-6)) & (q <= far * (1 + 1e-6))
        values[dark], measured[dark] = 0, True
    unit = UNIT * (values**2).sum() / max(values.sum(), 1e-300)
    bright = np.arcsinh(values / max(unit, 1e-300)) / math.asinh(RANGE / UNIT)
    block = np.stack([np.minimum(bright, 1), measured, np.minimum(q / LARGEST_Q, 1)], axis=-1)
    return block.astype(np.float32)
