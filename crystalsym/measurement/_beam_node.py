"""Which point of the plane lattice the direct beam goes to, where a tilt makes mates unequal.

All points of a lattice have spots on opposite sides, so that places tell the beam up to a vector of
the lattice, and intensities have to tell which: a tilt explains the ratios of all mates about the
beam, and hardly any about another point.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from crystalsym.measurement._beam_tilt import fit_tilt, log_excitation

# Significance of a node that holds a spot; pairs that are compared, brightest first.
SEEN, COMPARED = 4.0, 100
# A beam that is seen outshines every spot; a dimmer one is less likely by so many nats, and one
# that outshines them so many times is likelier.
DIM, OUTSHINES, BRIGHT = -8.0, 10.0, 3.0
# What hides this many widths of a spot is a stop: the beam is behind it, likeliest where it is
# broadest.
STOP, BESIDE_STOP, BEHIND_STOP = 3.5, -6.0, 3.0
# The prior about the middle of the image: standard deviation in parts of the longer side.
FROM_MIDDLE = 0.1
# Only so much of the fall of intensities outward is believed, the scatter about it being no noise.
OF_FALL = 0.1
COARSE = 256  # pixels, to which larger images are thinned out to look where a stop is
# Nodes that the tilt is fitted at: those less likely than the best by fewer nats without it, and
# all others only if mates about none of these agree by so many nats a pair.
NEAR_BEST, AGREED, FITTED = 5.0, 0.3, 24
# A second node as near as so many nats (1 to 20) is told.
NEARLY = 3.0


@dataclass(frozen=True)
class BeamNode:
    """Hold which node of a lattice is the direct beam.

    Attributes
    ----------
    indices : ndarray of int, shape (2,)
        Of the node, from the origin of the lattice as it was given.
    lead : float
        Natural logarithm of how many times likelier it is than the next; infinite if there is none.
    next_indices : ndarray of int, shape (2,), or None
        Of the next likeliest node.
    tilt : ndarray of shape (2,)
        Thickness times tangent of the tilt, Å, in the image's frame; 0 where mates are alike.

    Examples
    --------
    >>> import numpy as np
    >>> BeamNode(np.array([0, 0]), np.inf, None, np.zeros(2)).doubtful
    False
    """

    indices: np.ndarray
    lead: float
    next_indices: np.ndarray | None
    tilt: np.ndarray

    @property
    def doubtful(self) -> bool:
        """Whether the next node is nearly as likely."""
        return self.lead < NEARLY


@dataclass(frozen=True)
class MeasuredNodes:
    """Hold what was measured at all points of a lattice in an image.

    Attributes
    ----------
    indices : ndarray of int, shape (n, 2)
        From the origin that the lattice was fitted about.
    heights, errors : ndarray of shape (n,)
        NaN where nothing was measured.

    Examples
    --------
    >>> import numpy as np
    >>> nodes = MeasuredNodes(np.array([[0, 0], [2, -1]]), np.array([9.0, np.nan]), np.ones(2))
    >>> nodes.at(np.array([[2, -1], [0, 0], [7, 7]]))[0].tolist()
    [nan, 9.0, nan]
    """

    indices: np.ndarray
    heights: np.ndarray
    errors: np.ndarray

    def at(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give heights and errors at some points, NaN outside the image."""
        least = self.indices.min(axis=0)
        shape = tuple(self.indices.max(axis=0) - least + 1)
        where = np.full(shape, -1)
        where[tuple((self.indices - least).T)] = np.arange(len(self.indices))
        asked = np.asarray(indices) - least
        inside = ((asked >= 0) & (asked < shape)).all(axis=-1)
        found = np.full(asked.shape[:-1], -1)
        found[inside] = where[tuple(asked[inside].T)]
        known = found >= 0
        values = np.full(found.shape, np.nan), np.full(found.shape, np.nan)
        values[0][known], values[1][known] = self.heights[found[known]], self.errors[found[known]]
        return values


def likeliest_node(
    nodes: MeasuredNodes,
    basis: np.ndarray,
    q_per_pixel: float,
    origin: np.ndarray,
    hidden: np.ndarray,
    search_radius: float,
    spot_sigma: float,
) -> BeamNode:
    """Choose the node that the direct beam goes to.

    Each node is judged by the ratios of the spots that are mates about it, a tilt of the beam
    being fitted; by how intensities fall outward from it; by what is at the node itself; by its
    distance from the middle of the image; and by how fine a lattice would have to be that goes
    through it.

    Parameters
    ----------
    nodes : MeasuredNodes
    basis : ndarray of shape (2, 2)
        Pixels.
    q_per_pixel : float
        1/Å.
    origin : ndarray of shape (2,)
        Where the node [0, 0] is, (column, row).
    hidden : ndarray of bool, shape (H, W)
        Where more than single pixels were not measured.
    search_radius : float
        How far from the image's middle the beam may be, pixels.
    spot_sigma : float
        Width of the spots, pixels.

    Returns
    -------
    BeamNode

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> h = np.stack(np.meshgrid(np.arange(-6, 7), np.arange(-6, 7)), axis=-1).reshape(-1, 2)
    >>> from_beam = h - [1, 0]  # of the lattice that a wrong origin was taken for
    >>> one_of_pair = np.where(from_beam @ [100, 1] > 0, 1, -1)[:, None] * from_beam
    >>> bright = {tuple(i): rng.exponential(1e3) for i in one_of_pair.tolist()}
    >>> heights = np.array([bright[tuple(i)] for i in one_of_pair.tolist()])
    >>> heights[(from_beam == 0).all(axis=1)] = 0.0
    >>> nodes = MeasuredNodes(h, heights, np.full(len(h), 3.0))
    >>> found = likeliest_node(nodes, 20 * np.eye(2), 0.005, np.array([128.0, 128.0]),
    ...                        np.zeros((256, 256), bool), 64.0, 1.5)
    >>> found.indices.tolist(), found.doubtful
    ([1, 0], False)
    """
    middle = (np.array(hidden.shape[::-1]) - 1) / 2
    places = origin + nodes.indices @ basis
    away = np.hypot(*(places - middle).T)
    near = away <= search_radius
    candidates, places, away = nodes.indices[near], places[near], away[near]
    seen = nodes.heights > SEEN * nodes.errors
    if not len(candidates) or not seen.any():
        return BeamNode(np.zeros(2, dtype=np.int64), math.inf, None, np.zeros(2))
    known = -0.5 * (away / (FROM_MIDDLE * max(hidden.shape))) ** 2
    known += _at_the_node(nodes, candidates)
    known += _behind_a_stop(places, hidden, middle, search_radius, spot_sigma)
    known -= _fineness(nodes.indices[seen], candidates)
    order = np.argsort(-known, kind="stable")[: 2 * FITTED]
    likely = order[known[order] > known[order[0]] - NEAR_BEST][:FITTED]
    unrelated = _unrelated(nodes, seen)
    judged: list[tuple[float, np.ndarray, np.ndarray]] = []
    agreed = False
    for chosen in (likely, np.setdiff1d(order, likely, assume_unique=True)[:FITTED]):
        if agreed:
            break
        for i in chosen:
            pairs = _mates(nodes, candidates[i])
            alike, tilt, curvature = fit_tilt(*pairs, basis * q_per_pixel, unrelated)
            agreed |= alike > AGREED * len(pairs[0]) and alike > NEARLY
            fall = _fall(nodes, seen, candidates[i], basis * q_per_pixel, tilt, curvature)
            judged.append((float(known[i]) + alike + fall, candidates[i], tilt))
    judged.sort(key=lambda one: -one[0])
    score, indices, tilt = judged[0]
    if len(judged) == 1:
        return BeamNode(indices, math.inf, None, tilt)
    return BeamNode(indices, score - judged[1][0], judged[1][1], tilt)


def _at_the_node(nodes: MeasuredNodes, candidates: np.ndarray) -> np.ndarray:
    """What is at a node speaks for or against the direct beam."""
    heights, errors = nodes.at(candidates)
    bright = np.sort(nodes.heights[np.isfinite(nodes.heights)])
    strongest, second = bright[-1], bright[-2] if len(bright) > 1 else 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        # What is barely seen may be noise; ten times as much is a spot.
        spot = np.log10(np.maximum(heights, 1e-300) / (SEEN * errors))
        score = DIM * np.nan_to_num(np.clip(spot, 0, 1))
        score[heights >= strongest] = BRIGHT if strongest > OUTSHINES * second else 0.0
    return score


def _behind_a_stop(
    places: np.ndarray, hidden: np.ndarray, middle: np.ndarray, radius: float, spot_sigma: float
) -> np.ndarray:
    """Whether places are behind what may be a stop, if there is one near the middle."""
    # A margin, so that the distance to what is in the open is known at the edge.
    low = np.maximum(np.floor(middle - 1.5 * radius).astype(int), 0)
    high = np.ceil(middle + 1.5 * radius).astype(int) + 1
    every = max(1, min(hidden.shape) // COARSE)
    part = hidden[low[1] : high[1] : every, low[0] : high[0] : every]
    if not part.any() or part.all():
        return np.zeros(len(places))
    depth = every * ndimage.distance_transform_edt(part)
    column, row = np.rint((places - low) / every).astype(int).T
    own = depth[np.clip(row, 0, depth.shape[0] - 1), np.clip(column, 0, depth.shape[1] - 1)]
    deepest = float(depth.max())
    if deepest < STOP * spot_sigma:
        return np.zeros(len(places))
    return np.where(own > 0, BEHIND_STOP * own / deepest, BESIDE_STOP)


def _fineness(spots: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """What a lattice through a candidate pays, in nats, for points that hold no spots.

    A place half way between two nodes is a center of a lattice's places, too; a lattice through it
    is twice or four times as fine. Every spot pays the logarithm of that, as in the lattice's fit.
    """
    parity = np.bincount((spots % 2) @ [1, 2], minlength=4)
    # Strays do not count.
    there = parity > max(1, 0.05 * len(spots))
    cost = np.zeros(4)
    for own in range(4):
        apart = {own ^ other for other in range(4) if there[other]} - {0}
        cost[own] = math.log(2) * min(len(apart), 2) * len(spots)
    cost -= cost.min()
    return cost[(candidates % 2) @ [1, 2]]


def _unrelated(nodes: MeasuredNodes, seen: np.ndarray) -> np.ndarray:
    """How ln of the ratio of unrelated spots is spread: parts and variances of two Gaussians.

    One is of spots that are both seen, the other of those whose like is dark.
    """
    heights, errors = nodes.heights, nodes.errors
    dark = float(np.mean(~seen[np.isfinite(heights)]))
    dark = min(max(dark, 0.1), 0.9)
    both = 2 * float(np.var(np.log(heights[seen])))
    one = float(np.mean(np.log(heights[seen] / errors[seen]) ** 2))
    return np.array([[1 - dark, max(both, 0.1)], [dark, max(one, 0.1)]])


def _mates(
    nodes: MeasuredNodes, candidate: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the brightest pairs about a node: indices from it, ln of the ratio, and its variance."""
    apart = nodes.indices - candidate
    upper = (apart[:, 1] > 0) | ((apart[:, 1] == 0) & (apart[:, 0] > 0))
    apart, one, error = apart[upper], nodes.heights[upper], nodes.errors[upper]
    two, other = nodes.at(candidate - apart)
    with np.errstate(invalid="ignore"):
        kept = np.isfinite(one) & np.isfinite(two)
        kept &= (one > SEEN * error) | (two > SEEN * other)
    kept = np.nonzero(kept)[0]
    kept = kept[np.argsort(-np.maximum(one, two)[kept], kind="stable")[:COMPARED]]
    one, two, error, other = one[kept], two[kept], error[kept], other[kept]
    # Of a mate that is not seen it is known that it is no brighter than its error.
    one, two = np.maximum(one, error), np.maximum(two, other)
    return apart[kept], np.log(one / two), (error / one) ** 2 + (other / two) ** 2


def _fall(
    nodes: MeasuredNodes,
    seen: np.ndarray,
    candidate: np.ndarray,
    basis: np.ndarray,
    tilt: np.ndarray,
    curvature: float,
) -> float:
    """How well intensities fall outward from a node, what the Ewald sphere takes being undone."""
    g = (nodes.indices[seen] - candidate) @ basis
    square = (g**2).sum(axis=1)
    light = np.log(nodes.heights[seen]) - log_excitation(g @ tilt - curvature * square)
    if len(light) < 4:
        return 0.0
    # Light does not rise outward.
    apart = square - square.mean()
    slope = min(float(apart @ light) / max(float(apart @ apart), 1e-12), 0.0)
    rest = float(np.var(light - slope * square))
    return -OF_FALL * len(light) * math.log(max(rest, 0.01))
