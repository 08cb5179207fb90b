"""Which spots of a crystal's patterns are equivalent by symmetry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numba import njit

from crystalsym.diffraction._spot_patterns import SpotPatterns

# Indices beyond this have no key of their own.
REACH = 512


def with_orbits(patterns: SpotPatterns, rotations: Sequence[np.ndarray]) -> SpotPatterns:
    """Number the sets of equivalent spots of each crystal.

    Parameters
    ----------
    patterns : SpotPatterns
        With indices hkl.
    rotations : sequence of n int arrays of shape (m, 3, 3)
        Of each crystal's group, in the basis of its indices: x' = W x, h' = h W. Friedel mates
        count as equivalent, so proper ones alone do.

    Returns
    -------
    SpotPatterns
        With ``orbit``: numbers from 0 in each crystal.

    Raises
    ------
    ValueError
        If indices are unknown, or there are not as many groups as crystals.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym import DiffractionSimulator
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.diffraction import with_orbits
    >>> spots = DiffractionSimulator(output="spots", views="zone-axes", q_max=0.3).transform(
    ...     [example_crystals()["NaCl"]])
    >>> fourfold = np.array([[[0, -1, 0], [1, 0, 0], [0, 0, 1]]])
    >>> len(np.unique(with_orbits(spots, [fourfold]).orbit)) < spots.n_spots
    True
    """
    hkl = patterns.hkl
    if hkl is None:
        raise ValueError("equivalents need patterns whose indices are known")
    if len(rotations) != len(patterns):
        raise ValueError(f"{len(rotations)} groups were given for {len(patterns)} crystals")
    different: dict[int, int] = {}
    groups: list[np.ndarray] = []
    which = np.empty(len(patterns), dtype=np.int64)
    for row, group in enumerate(rotations):
        if id(group) not in different:
            different[id(group)] = len(groups)
            groups.append(np.asarray(group, dtype=np.int64).reshape(-1, 3, 3))
        which[row] = different[id(group)]
    offsets = np.concatenate([[0], np.cumsum([len(group) for group in groups])]).astype(np.int64)
    orbit = np.empty(patterns.n_spots, dtype=np.int32)
    starts = np.ascontiguousarray(patterns.starts[:: patterns.n_views])
    flat = np.concatenate([np.empty((0, 3, 3), dtype=np.int64), *groups])
    _number(hkl.astype(np.int64), starts, which, flat, offsets, orbit)
    return replace(patterns, orbit=orbit)


@njit(cache=True, nogil=True)
def _number(hkl, starts, which, rotations, offsets, orbit):
    side = 2 * REACH + 1
    for row in range(len(starts) - 1):
        first, last = starts[row], starts[row + 1]
        keys = np.empty(last - first, np.int64)
        for i in range(first, last):
            h, k, m = hkl[i, 0], hkl[i, 1], hkl[i, 2]
            best = abs((h * side + k) * side + m)
            for g in range(offsets[which[row]], offsets[which[row] + 1]):
                w = rotations[g]
                one = h * w[0, 0] + k * w[1, 0] + m * w[2, 0]
                two = h * w[0, 1] + k * w[1, 1] + m * w[2, 1]
                three = h * w[0, 2] + k * w[1, 2] + m * w[2, 2]
                best = max(best, abs((one * side + two) * side + three))
            keys[i - first] = best
        order = np.argsort(keys)
        number = -1
        former = np.int64(-1)
        for place in order:
            if keys[place] != former:
                number += 1
                former = keys[place]
            orbit[first + place] = number
