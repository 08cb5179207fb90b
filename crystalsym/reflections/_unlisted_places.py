"""Places inside the region that a list covers that it does not hold.

A list that leaves out what was not observed tells of absences by these alone.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter

from crystalsym.crystals._metric_settings import fits_centering
from crystalsym.reflections._conditions import in_special_places, is_special
from crystalsym.reflections._equivalents import MergedReflections, canonical_keys

# Indices beside a place that tell whether its neighborhood was measured.
NEIGHBORHOOD = 5
# Lists are ragged at both ends: these parts of them are beyond the region covered.
INNERMOST, OUTERMOST = 0.01, 0.9
# A place whose general neighbors are listed less often than this is not in the region covered.
COVERED = 0.5
# Neither is one with fewer general neighbors than these.
FEWEST = 4
# Rows along axes have no larger indices than these, common factors aside.
LARGEST_OF_AXES = 2
# Bounds of how often a present place is left out.
LEAST, MOST = 0.02, 0.98
# Points of the grid of indices, for speed and memory.
LARGEST_GRID = 200_000


def unlisted_places(merged: MergedReflections) -> tuple[np.ndarray, np.ndarray]:
    """List the places in zones and rows of symmetry that a list covers and does not hold.

    Parameters
    ----------
    merged : MergedReflections

    Returns
    -------
    hkl : ndarray of int, shape (m, 3)
        One of each set of equivalents, allowed by the centering.
    chance : ndarray of shape (m,)
        Part of the general places around each that is not listed either: how often a place that
        is present would be missing there.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.reflections import merge_equivalents
    >>> from crystalsym.reflections._unlisted_places import unlisted_places
    >>> hkl = np.array([(h, k, l) for h in range(9) for k in range(9) for l in range(9)])[1:]
    >>> hkl = hkl[(hkl**2).sum(axis=1) < 81]
    >>> hkl = hkl[(hkl[:, 0] + hkl[:, 1] > 0) | (hkl[:, 2] % 2 == 0)]
    >>> turns = np.array([np.diag(d) for d in [(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]])
    >>> merged = merge_equivalents(hkl, np.ones(len(hkl)), None, turns, lattice=9 * np.eye(3))
    >>> unlisted_places(merged)[0].tolist()
    [[0, 0, 3], [0, 0, 5], [0, 0, 7]]
    """
    grid, spans = _grid(merged)
    listed, covered, special = grid
    general = covered & ~special
    there = uniform_filter(general.astype(np.float32), NEIGHBORHOOD, mode="constant")
    held = uniform_filter((general & listed).astype(np.float32), NEIGHBORHOOD, mode="constant")
    overall = float(listed[general].mean()) if general.any() else COVERED
    wanted = covered & special & ~listed
    # One of each Friedel pair suffices to find one of each set of equivalents.
    wanted[: spans[0]] = False
    # One more place as often listed as all of them, where there are few neighbors.
    one = 1 / NEIGHBORHOOD**3
    share = (held[wanted] + one * overall) / (there[wanted] + one)
    inside = (share >= COVERED) & (there[wanted] >= FEWEST * one - 1e-6)
    hkl = (np.argwhere(wanted) - spans)[inside][::-1]  # positive indices first
    share = share[inside][::-1]
    _, first = np.unique(canonical_keys(hkl, merged.operations), return_index=True)
    hkl, chance = hkl[first], np.clip(1 - share[first], LEAST, MOST)
    chance[_in_lost_rows(hkl, merged)] = MOST
    return hkl, chance


def _in_lost_rows(hkl: np.ndarray, merged: MergedReflections) -> np.ndarray:
    """Places in rows along axes none of whose reflections is listed: nothing was measured there."""
    steps = np.gcd.reduce(hkl, axis=1)
    along = hkl // steps[:, None] if len(hkl) else hkl
    axial = (np.abs(along) <= LARGEST_OF_AXES).all(axis=1)
    own = merged.hkl[is_special(merged.hkl) & merged.hkl.any(axis=1)]
    listed = own // np.gcd.reduce(own, axis=1)[:, None] if len(own) else own
    known = canonical_keys(listed, merged.operations)
    return axial & ~np.isin(canonical_keys(along, merged.operations), known)


def unlisted_share(merged: MergedReflections) -> float:
    """Give the part of the general places within a list's resolution that it does not hold."""
    (listed, covered, special), _ = _grid(merged)
    general = covered & ~special
    return float((~listed[general]).mean()) if general.any() else 0.0


def _grid(
    merged: MergedReflections,
) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """Which places of a grid of indices are listed, within resolution and centering, and special.

    Returns
    -------
    listed, covered, special : ndarray of bool, shape (2 span + 1, ...)
    spans : ndarray of int, shape (3,)
        Largest indices.
    """
    reciprocal = np.linalg.inv(merged.lattice).T
    q = merged.q
    low, high = float(np.quantile(q, INNERMOST)), float(np.quantile(q, OUTERMOST))
    edges = np.linalg.norm(merged.lattice, axis=1)
    spans = np.floor(high * edges).astype(int)
    size = float(np.prod(2.0 * spans + 1))
    if size > LARGEST_GRID:
        high *= (LARGEST_GRID / size) ** (1 / 3)
        spans = np.floor(high * edges).astype(int)
    listed = np.zeros(2 * spans + 1, dtype=bool)
    inside = (q <= high * 1.001) & (q > 0)
    for rotation in merged.operations:
        image = merged.hkl[inside] @ rotation
        image = image[(np.abs(image) <= spans).all(axis=1)]
        listed[tuple((image + spans).T)] = True
        listed[tuple((spans - image).T)] = True
    # Indices as they are broadcast over the grid, which is faster than a list of all.
    h, k, m = np.ogrid[tuple(slice(-span, span + 1) for span in spans)]
    metric = reciprocal @ reciprocal.T
    square = (
        metric[0, 0] * h * h + metric[1, 1] * k * k + metric[2, 2] * m * m
        + 2 * (metric[0, 1] * h * k + metric[0, 2] * h * m + metric[1, 2] * k * m)
    )  # fmt: skip
    covered = (square >= low**2) & (square <= high**2) & fits_centering(h, k, m, merged.centering)
    special = in_special_places(h, k, m)
    return (listed, covered, special), spans
