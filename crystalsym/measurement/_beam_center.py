"""The direct beam's place, which is the middle of all Friedel pairs, whether it is seen or not."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from crystalsym.measurement._image_peaks import Peaks

STRONGEST = 250  # peaks that are paired
TRIED = 40  # places that most pairs have in the middle
MATCHED = 1.5  # pixels between a mate and where it should be
FEWEST_PAIRS = 2
# How much a place far from the middle of the image is held to be less likely; decides ties.
FAR = 0.1


@dataclass(frozen=True)
class BeamCenter:
    """Hold the place of the direct beam.

    Attributes
    ----------
    place : ndarray of shape (2,)
        (column, row) in pixels.
    agreement : float
        From 0, nothing has a mate, to 1, every spot has one as bright as itself.
    uncertainty : float
        Standard deviation of the place along either axis, pixels.
    pairs : int
    lead : float
        Natural logarithm of how many times likelier the place is than the next one on the lattice.
    rival : ndarray of shape (2,) or None
        That next place, if it was looked for.

    Examples
    --------
    >>> import numpy as np
    >>> BeamCenter(np.array([127.5, 127.5]), 1.0, 0.01, 20).pairs
    20
    """

    place: np.ndarray
    agreement: float
    uncertainty: float
    pairs: int
    lead: float = math.inf
    rival: np.ndarray | None = None


def friedel_center(peaks: Peaks, bad: np.ndarray, search_radius: float) -> BeamCenter | None:
    """Find the place about which an image is its own inverse.

    Every point of the lattice has spots on opposite sides; only about the beam are they equally
    bright. Spots whose mate would be hidden or outside say nothing.

    Parameters
    ----------
    peaks : Peaks
    bad : ndarray of bool, shape (H, W)
        Not measured.
    search_radius : float
        How far from the image's middle the beam may be, pixels.

    Returns
    -------
    BeamCenter or None
        None if fewer than two pairs have a common middle.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.measurement._image_peaks import Peaks
    >>> half = np.array([[20.0, 3.0], [4.0, 25.0], [18.0, 30.0]])
    >>> places = np.concatenate([half, -half]) + [66.0, 61.0]
    >>> heights = np.tile([9.0, 5.0, 2.0], 2)
    >>> found = friedel_center(Peaks(places, heights, heights), np.zeros((128, 128), bool), 32.0)
    >>> found.place.round(3).tolist(), found.pairs
    ([66.0, 61.0], 3)
    """
    chosen = np.argsort(-peaks.heights)[:STRONGEST]
    places, weights = peaks.places[chosen], np.sqrt(peaks.heights[chosen])
    one, two = np.triu_indices(len(places), 1)
    middles = (places[one] + places[two]) / 2
    image_middle = (np.array(bad.shape[::-1]) - 1) / 2
    near = np.hypot(*(middles - image_middle).T) <= search_radius
    middles, shared = middles[near], np.minimum(weights[one], weights[two])[near]
    if not len(middles):
        return None
    tree = cKDTree(places)
    best = None
    for start in _crowded(middles, shared, image_middle, search_radius):
        found = _refined(start, middles, shared)
        agreement, one_of_pair, mate = _agreement(found, places, weights, tree, bad)
        pairs = len(one_of_pair)
        if pairs < FEWEST_PAIRS:
            continue
        score = agreement * (1 - FAR * np.hypot(*(found - image_middle)) / search_radius)
        if best is None or score > best[0]:
            best = score, agreement, found, one_of_pair, mate
    if best is None:
        return None
    _, agreement, _, one_of_pair, mate = best
    middle, significance = (places[one_of_pair] + places[mate]) / 2, peaks.significance[chosen]
    place, uncertainty = _mean(middle, significance[one_of_pair], significance[mate])
    return BeamCenter(place, float(agreement), uncertainty, len(one_of_pair))


def center_near(peaks: Peaks, bad: np.ndarray, place: np.ndarray) -> BeamCenter:
    """Measure the beam's place where it is known to a pixel, by the spots that are mates about it.

    Parameters
    ----------
    peaks : Peaks
    bad : ndarray of bool, shape (H, W)
        Not measured.
    place : ndarray of shape (2,)
        (column, row).

    Returns
    -------
    BeamCenter
        The place as it is, known to half a pixel, if there is no pair.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.measurement._image_peaks import Peaks
    >>> half = np.array([[20.0, 3.0], [4.0, 25.0]])
    >>> places = np.concatenate([half, -half]) + [66.0, 61.0]
    >>> peaks = Peaks(places, np.array([9.0, 5.0, 1.0, 7.0]), np.full(4, 50.0))
    >>> found = center_near(peaks, np.zeros((128, 128), bool), np.array([66.3, 60.8]))
    >>> found.place.round(3).tolist(), found.pairs
    ([66.0, 61.0], 2)
    """
    chosen = np.argsort(-peaks.heights)[:STRONGEST]
    places, weights = peaks.places[chosen], np.sqrt(peaks.heights[chosen])
    agreement, one, mate = _agreement(place, places, weights, cKDTree(places), bad)
    if not len(one):
        return BeamCenter(place, agreement, 0.5, 0)
    significance = peaks.significance[chosen]
    middles = (places[one] + places[mate]) / 2
    found, uncertainty = _mean(middles, significance[one], significance[mate])
    return BeamCenter(found, agreement, uncertainty, len(one))


def _crowded(
    middles: np.ndarray, shared: np.ndarray, image_middle: np.ndarray, radius: float
) -> np.ndarray:
    """Places in whose surroundings of a pixel most pairs have their middles."""
    origin = image_middle - radius - 2
    n = int(2 * radius) + 6
    column, row = np.rint(middles - origin).astype(int).T
    votes = np.bincount(row * n + column, shared, n * n).reshape(n, n)
    votes = ndimage.uniform_filter(votes, 3, mode="constant") * 9
    tops = (votes == ndimage.maximum_filter(votes, 5)) & (votes > 0)
    rows, columns = np.nonzero(tops)
    best = np.argsort(-votes[rows, columns])[:TRIED]
    return np.stack([columns[best], rows[best]], axis=1) + origin


def _refined(start: np.ndarray, middles: np.ndarray, shared: np.ndarray) -> np.ndarray:
    place = start
    beside = np.abs(middles[:, 0] - start[0]) < 4.0  # what the next two rounds may look at
    middles, shared = middles[beside], shared[beside]
    for radius in (2.0, 1.0):
        near = np.hypot(*(middles - place).T) < radius
        if near.any():
            place = np.average(middles[near], axis=0, weights=shared[near])
    return place


def _agreement(
    center: np.ndarray, places: np.ndarray, weights: np.ndarray, tree: cKDTree, bad: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """How alike spots and mates are, and the pairs."""
    where = 2 * center - places
    height, width = bad.shape
    column, row = np.rint(where).astype(int).T
    seen = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    seen[seen] = ~bad[row[seen], column[seen]]
    off, mate = tree.query(where, distance_upper_bound=MATCHED)
    matched = seen & (off < MATCHED)
    other = np.zeros(len(weights))
    other[matched] = weights[mate[matched]]
    total = (weights + other)[seen].sum()
    own = np.arange(len(weights))
    first = matched & (own < np.where(matched, mate, 0))
    if not total:
        return 0.0, own[:0], own[:0]
    # What has no mate in the field is no evidence; a place that leaves most out has little.
    alike = 2 * np.minimum(weights, other)[seen].sum() / total
    part = weights[seen].sum() / weights.sum()
    return float(alike * np.sqrt(part)), own[first], mate[first]


def _mean(
    middles: np.ndarray, significance: np.ndarray, other: np.ndarray
) -> tuple[np.ndarray, float]:
    """Mean of the pairs' middles by how exactly each is known, without those that are far off."""
    weights = 1 / (1 / np.minimum(significance, 50.0) ** 2 + 1 / np.minimum(other, 50.0) ** 2)
    kept = np.ones(len(middles), dtype=bool)
    for _ in range(3):
        place = np.average(middles[kept], axis=0, weights=weights[kept])
        off = np.hypot(*(middles - place).T)
        kept = off <= max(3 * float(np.median(off)), 0.05)
    spread = np.average((middles[kept] - place) ** 2, axis=0, weights=weights[kept]).mean()
    effective = weights[kept].sum() ** 2 / (weights[kept] ** 2).sum()
    return place, float(np.sqrt(spread / max(effective, 1.0)))
