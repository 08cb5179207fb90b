"""Sets of pixels grown, and their quantiles, as fast as images of a megapixel ask for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def grown(mask: np.ndarray, radius: int) -> np.ndarray:
    """Add what is within a square of ``2 radius + 1`` pixels about each pixel of a set.

    Parameters
    ----------
    mask : ndarray of bool, shape (H, W)
    radius : int

    Returns
    -------
    ndarray of bool, shape (H, W)

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.zeros((5, 6), bool); mask[0, 2] = True
    >>> grown(mask, 1).astype(int).sum(axis=0).tolist()
    [0, 2, 2, 2, 0, 0]
    """
    down = mask.copy()
    for step in range(1, radius + 1):
        down[step:] |= mask[:-step]
        down[:-step] |= mask[step:]
    out = down.copy()
    for step in range(1, radius + 1):
        out[:, step:] |= down[:, :-step]
        out[:, :-step] |= down[:, step:]
    return out


def opened(mask: np.ndarray) -> np.ndarray:
    """Leave of a set what squares of three pixels fit into.

    Parameters
    ----------
    mask : ndarray of bool, shape (H, W)

    Returns
    -------
    ndarray of bool, shape (H, W)

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.zeros((6, 9), bool); mask[1:4, 2:6] = True; mask[2] = True; mask[5, 0] = True
    >>> opened(mask).sum(axis=1).tolist()
    [0, 4, 4, 4, 0, 0]
    """
    return grown(~grown(~mask, 1), 1)


def quantiles(values: np.ndarray, parts: Sequence[float]) -> np.ndarray:
    """Take values that so large parts of others are below, without interpolation.

    Parameters
    ----------
    values : ndarray of shape (n,)
    parts : sequence of float
        From 0 to 1.

    Returns
    -------
    ndarray of shape (len(parts),)

    Examples
    --------
    >>> import numpy as np
    >>> quantiles(np.array([4.0, 1.0, 3.0, 2.0, 5.0]), (0.0, 0.5, 1.0)).tolist()
    [1.0, 3.0, 5.0]
    """
    ranks = [round(part * (len(values) - 1)) for part in parts]
    return np.partition(values, sorted(set(ranks)))[ranks]
