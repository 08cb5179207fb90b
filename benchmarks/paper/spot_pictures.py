"""How far apart the spot patterns of crystals are, and which of other groups come closest.

The three patterns of a crystal along its zone axes are binned into coarse pictures, and the
similarity of two crystals is the mean correlation of their pictures: of brightness less its mean,
or any two crystals with many spots would be alike. Which axis is called a,
b or c is a matter of convention, so the best of the six orders of the views counts; an odd order
exchanges the directions within each picture as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from crystalsym import DiffractionSimulator
from crystalsym.diffraction import SpotPatterns

BLOCK, CHUNK = 200, 1000


@dataclass(frozen=True)
class SpotPictures:
    """Hold binned patterns of n crystals.

    Attributes
    ----------
    upright, turned : ndarray float32 (n, 3, k)
        Half of each picture, the other half being its Friedel mate; and with x and y exchanged.
    """

    upright: NDArray[np.float32]
    turned: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.upright)

    def take(self, index: Any) -> SpotPictures:
        """Take some rows."""
        return SpotPictures(self.upright[index], self.turned[index])

    @classmethod
    def concatenate(cls, parts: Sequence[SpotPictures]) -> SpotPictures:
        """Join several."""
        return cls(
            np.concatenate([part.upright for part in parts]),
            np.concatenate([part.turned for part in parts]),
        )


def spot_pictures(
    crystals: Sequence[Any], bins: int, q_max: float, blur: float, n_jobs: int = 1
) -> SpotPictures:
    """Simulate crystals along their zone axes, and bin their spots.

    Parameters
    ----------
    crystals : sequence of Crystal
        In standard cells.
    bins : int
        Along each edge, odd.
    q_max : float
        Half of the edge, 1/Å.
    blur : float
        Standard deviation of the blur over neighboring bins.
    n_jobs : int, default=1
    """
    simulator = DiffractionSimulator(
        views="zone-axes", output="spots", q_max=q_max, n_jobs=n_jobs, dtype="float64"
    )
    parts = []
    for start in range(0, len(crystals), CHUNK):
        some = [crystals[i] for i in range(start, min(start + CHUNK, len(crystals)))]
        parts.append(binned(simulator.transform(some), bins, q_max, blur))
    return SpotPictures.concatenate(parts)


def binned(spots: SpotPatterns, bins: int, q_max: float, blur: float) -> SpotPictures:
    """Bin spots, the root of their intensity relative to the brightest of the pattern.

    Parameters
    ----------
    spots, bins, q_max, blur
        As in :func:`spot_pictures`.
    """
    spots = spots.with_mates()
    n_patterns = len(spots.starts) - 1
    pattern = np.repeat(np.arange(n_patterns), np.diff(spots.starts))
    strongest = np.zeros(n_patterns)
    np.maximum.at(strongest, pattern, spots.intensity)
    brightness = np.sqrt(np.maximum(spots.intensity, 0) / np.maximum(strongest, 1e-30)[pattern])
    middle = (bins - 1) / 2
    column, row = np.rint(spots.q.T / q_max * middle + middle).astype(np.int64)
    seen = (row >= 0) & (row < bins) & (column >= 0) & (column < bins)
    place = (pattern * bins + row) * bins + column
    counted = np.bincount(place[seen], brightness[seen], n_patterns * bins * bins)
    pictures = counted.reshape(*spots.shape, bins, bins)
    pictures = gaussian_filter(pictures, (0, 0, blur, blur), mode="constant")
    return SpotPictures(_half(pictures), _half(np.swapaxes(pictures, 2, 3)))


def _half(pictures: NDArray[np.float64]) -> NDArray[np.float32]:
    """Flatten, leave out the Friedel mates, subtract the mean, bring to length 1."""
    flat = pictures.reshape(*pictures.shape[:2], -1)
    flat = flat[..., : (flat.shape[-1] + 1) // 2]
    flat = flat - flat.mean(axis=-1, keepdims=True)
    length = np.linalg.norm(flat, axis=-1, keepdims=True)
    return (flat / np.where(length > 0, length, 1)).astype(np.float32)


def distances(first: SpotPictures, second: SpotPictures) -> NDArray[np.float32]:
    """Compute the distances of all of one to all of the other.

    Returns
    -------
    ndarray float32 (n, m)
        1 less the similarity: 0 for the same patterns, 1 for those that have nothing in common.
    """
    correlations = [
        [[first.upright[:, v] @ other[:, w].T for w in range(3)] for v in range(3)]
        for other in (second.upright, second.turned)
    ]
    return 1 - _best_order(correlations)


def paired_distances(first: SpotPictures, second: SpotPictures) -> NDArray[np.float32]:
    """Compute the distance of each row of one to the same row of the other, (n,)."""
    correlations = [
        [
            [np.einsum("nk,nk->n", first.upright[:, v], other[:, w]) for w in range(3)]
            for v in range(3)
        ]
        for other in (second.upright, second.turned)
    ]
    return 1 - _best_order(correlations)


def _best_order(correlations: Any) -> Any:
    best = None
    for order in permutations(range(3)):
        inversions = sum(order[i] > order[j] for i in range(3) for j in range(i + 1, 3))
        of_it = correlations[inversions % 2]
        mean = (of_it[0][order[0]] + of_it[1][order[1]] + of_it[2][order[2]]) / 3
        best = mean if best is None else np.maximum(best, mean)
    return best


def nearest_of_others(
    pictures: SpotPictures, kinds: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Find the nearest crystal of another kind for every crystal.

    Parameters
    ----------
    pictures : SpotPictures
    kinds : ndarray of int, shape (n,)
        Say, space groups.

    Returns
    -------
    nearest : ndarray of int, shape (n,)
    distance : ndarray float32 (n,)
        Infinite where there is no other kind.
    """
    nearest = np.zeros(len(pictures), dtype=np.int64)
    distance = np.full(len(pictures), np.inf, dtype=np.float32)
    for start in range(0, len(pictures), BLOCK):
        part = slice(start, start + BLOCK)
        found = distances(pictures.take(part), pictures)
        found[kinds[part, None] == kinds] = np.inf
        nearest[part] = found.argmin(axis=1)
        distance[part] = found.min(axis=1)
    return nearest, distance


def closest_pairs(
    nearest: NDArray[np.int64], distance: NDArray[np.float32], n: int
) -> list[tuple[int, int, float]]:
    """Pick the closest pairs, no crystal twice.

    Parameters
    ----------
    nearest, distance
        Of :func:`nearest_of_others`.
    n : int
        How many at most.

    Examples
    --------
    >>> closest_pairs(np.array([1, 0, 1]), np.array([0.2, 0.2, 0.3]), 5)
    [(0, 1, 0.2)]
    """
    pairs: list[tuple[int, int, float]] = []
    used: set[int] = set()
    for first in np.argsort(distance, kind="stable").tolist():
        second = int(nearest[first])
        if len(pairs) == n or not np.isfinite(distance[first]):
            break
        if first not in used and second not in used:
            used |= {first, second}
            pairs.append((min(first, second), max(first, second), float(distance[first])))
    return pairs
