"""Cells that fit three plane lattices of known zones.

Two zones share one row of the reciprocal lattice, that of their cross product. Of three zones the
three shared rows span the lattice: their lengths, each seen twice, and their angles, each seen
once, are its metric. Which rows of the images they are is found by trying all of them: indices
have to be whole, each zone's plane has to have the area that its indices demand, in parts of what
a centering and a glide plane leave of it, and the lengths have to agree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, product

import numpy as np
from scipy.spatial import cKDTree

from crystalsym.crystals._metric_settings import CENTERINGS, allowed_by_centering
from crystalsym.diffraction._zone_layers import spanning_reflections

# Rows of an image that may be shared ones, by rising length.
MOST_ROWS = 120
# Lengths of one row in two images differ by so many standard deviations at most.
CUT = 4.5
# Part of a plane's points that glide planes leave.
GLIDES = (1, 2)
# Costs, in units of half a squared deviation: of a centering, of a glide plane, of cosines of the
# cell's angles.
CENTERED_COST, GLIDE_COST, OBLIQUE_COST = 1.5, 1.5, 8.0
# Metrics closer than this are one.
SAME_METRIC = 0.01
# Candidates that are looked at closely.
SHORTLIST = 80
# Edges, Å, and angles of cells that people choose axes by.
EDGES, OBLIQUE = (2.0, 60.0), 0.71
# Estimates of edges, cosines and costs are as good as this.
SLACK = 1e-5
# Images that share a row, by its number.
PAIRS = ((0, 1), (0, 2), (1, 2))


@dataclass(eq=False)
class FittingCell:
    """Hold a cell that fits, and what it costs.

    Attributes
    ----------
    cost : float
        In units of half a squared deviation.
    reciprocal_metric : ndarray of shape (3, 3)
        1/Å².
    hkl : ndarray of int, shape (3, 2, 3)
        Reflections that the two vectors of each image's lattice are.
    centering : str
    misfit : float
        Root mean square disagreement of shared rows, in parts of their lengths.
    disagreement : float
        Of the spots' amplitudes along them, where that was looked at.
    """

    cost: float
    reciprocal_metric: np.ndarray
    hkl: np.ndarray
    centering: str
    misfit: float
    disagreement: float = math.nan

    @property
    def lattice(self) -> np.ndarray:
        """Vectors of the cell, a along x and b in the xy plane."""
        return np.linalg.cholesky(np.linalg.inv(self.reciprocal_metric))


@dataclass(frozen=True, eq=False)
class _Choices:
    """Ways to take one image's rows for the two that it shares, as columns."""

    lengths: np.ndarray  # (n, 2): of the rows shared with the other images, in their order
    dots: np.ndarray  # (n,): product of both
    hkl: np.ndarray  # (n, 2, 3): of the image's basis
    cost: np.ndarray  # (n,)

    def __len__(self) -> int:
        return len(self.dots)


def shared_rows(zones: np.ndarray) -> list[np.ndarray]:
    """Find the primitive reflections of the rows that each image shares, with the lower first."""
    rows = {}
    for i, j in PAIRS:
        row = np.cross(zones[i], zones[j])
        rows[i, j] = row // math.gcd(*map(int, row))
    return [
        np.array([rows[0, 1], rows[0, 2]]),
        np.array([rows[0, 1], rows[1, 2]]),
        np.array([rows[0, 2], rows[1, 2]]),
    ]


def fitting_cells(
    bases: list[np.ndarray], zones: np.ndarray, shared: list[np.ndarray], precision: float
) -> list[FittingCell]:
    """Find the cheapest cells of different metrics.

    Parameters
    ----------
    bases : list of three ndarray of shape (2, 2)
        Vectors of each image's lattice as rows, 1/Å.
    zones : ndarray of int, shape (3, 3)
    shared : list of three ndarray of int, shape (2, 3)
        Of :func:`shared_rows`.
    precision : float
        Standard deviation of a row's length in parts of it.
    """
    rows = [_rows(basis) for basis in bases]
    found: list[FittingCell] = []
    for centering in CENTERINGS:
        choices = []
        for image in range(3):
            plane = _plane_share(zones[image], centering)
            choices.append(_choices(bases[image], rows[image], shared[image], plane, centering))
        if all(map(len, choices)):
            found += _joined(choices, shared, centering, precision)
    found.sort(key=lambda one: one.cost)
    return _distinct(found)


def spanning(zone: np.ndarray) -> np.ndarray:
    """Choose two reflections that span a zone's plane."""
    u, v, w = map(int, zone)
    return np.array(spanning_reflections(np.eye(3), (u, v, w)))


def _rows(basis: np.ndarray) -> np.ndarray:
    """Primitive vectors of an image's lattice, one of each pair, by rising length."""
    reach = 14
    i, j = np.mgrid[-reach : reach + 1, 0 : reach + 1].reshape(2, -1)
    kept = (np.gcd(i, j) == 1) & ((j > 0) | (i > 0))
    rows = np.stack([i[kept], j[kept]], axis=1)
    order = np.argsort(np.hypot(*(rows @ basis).T), kind="stable")
    return rows[order[:MOST_ROWS]]


def _plane_share(zone: np.ndarray, centering: str) -> int:
    """How many points of a zone's plane there are for each that a centering allows."""
    i, j = np.mgrid[:6, :6].reshape(2, -1)  # a period that all centerings share
    points = np.stack([i, j], axis=1) @ spanning(zone)
    return round(len(points) / int(allowed_by_centering(points, centering).sum()))


def _choices(
    basis: np.ndarray, rows: np.ndarray, shared: np.ndarray, plane: int, centering: str
) -> _Choices:
    """All ways to take two rows of an image for those that it shares."""
    across = np.cross(shared[0], shared[1])
    n_cells = math.gcd(*map(int, across))  # of the plane in the cell that both rows span
    dets = np.abs(rows[:, None, 0] * rows[None, :, 1] - rows[:, None, 1] * rows[None, :, 0])
    vectors = rows @ basis
    parts: list[tuple[np.ndarray, ...]] = []
    for glide in GLIDES:
        share = plane * glide
        steps = [m for m in range(1, share + 1) if share % m == 0]
        for m_one, m_two in product(steps, repeat=2):
            wanted = m_one * m_two * n_cells
            if wanted % share:
                continue
            first, second = np.nonzero(dets == wanted // share)
            for sign in (1, -1):
                hkl = _indices_of_basis(
                    rows[first], rows[second], m_one * shared[0], sign * m_two * shared[1]
                )
                whole = ~np.isnan(hkl[:, 0, 0])
                hkl = np.nan_to_num(hkl).astype(int)
                fits = whole & allowed_by_centering(hkl.reshape(-1, 3), centering).reshape(
                    -1, 2
                ).all(axis=1)
                one, two = vectors[first[fits]] / m_one, sign * vectors[second[fits]] / m_two
                lengths = np.stack([np.hypot(*one.T), np.hypot(*two.T)], axis=1)
                cost = np.full(len(one), GLIDE_COST * math.log2(glide))
                parts.append((lengths, (one * two).sum(axis=1), hkl[fits], cost))
    return _Choices(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _indices_of_basis(
    first: np.ndarray, second: np.ndarray, one: np.ndarray, two: np.ndarray
) -> np.ndarray:
    """Solve first @ hkl = one, second @ hkl = two for whole hkl (n, 2, 3); NaN where none is."""
    det = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    upper = second[:, 1, None] * one - first[:, 1, None] * two
    lower = first[:, 0, None] * two - second[:, 0, None] * one
    scaled = np.stack([upper, lower], axis=1)
    whole = (scaled % det[:, None, None] == 0).all(axis=(1, 2))
    return np.where(whole[:, None, None], scaled / det[:, None, None], np.nan)


def _joined(
    choices: list[_Choices], shared: list[np.ndarray], centering: str, precision: float
) -> list[FittingCell]:
    """The cheapest choices for three images whose shared rows have the same lengths."""
    chosen = _matched(choices, CUT * precision)
    taken = [one.lengths[rows] for one, rows in zip(choices, chosen, strict=True)]
    # Each row is in two images, as one of the two that these share.
    twice = [(taken[0][:, 0], taken[1][:, 0]), (taken[0][:, 1], taken[2][:, 0]),
             (taken[1][:, 1], taken[2][:, 1])]  # fmt: skip
    off = np.stack([np.log(one / two) for one, two in twice], axis=1)
    cost = sum(one.cost[rows] for one, rows in zip(choices, chosen, strict=True))
    # The difference of two lengths has twice the variance of one.
    cost = cost + (off**2).sum(axis=1) / (4 * precision**2) + CENTERED_COST * (centering != "P")
    squares = np.stack([one * two for one, two in twice])
    dots = np.stack([image.dots[rows] for image, rows in zip(choices, chosen, strict=True)])
    best, cost, metrics = _cheapest(
        cost, squares, dots, np.array([shared[0][0], shared[0][1], shared[1][1]])
    )
    return [
        FittingCell(
            float(cost[n]),
            metrics[n],
            np.array([one.hkl[rows[k]] for one, rows in zip(choices, chosen, strict=True)]),
            centering,
            float(np.sqrt((off[k] ** 2).mean())),
        )
        for n, k in enumerate(best)
    ]


def _matched(choices: list[_Choices], cut: float) -> list[np.ndarray]:
    """Numbers of choices for three images, row by row, whose shared lengths differ by the cut."""
    logs = [np.log(one.lengths) for one in choices]
    pairs = cKDTree(logs[0][:, :1]).query_ball_tree(cKDTree(logs[1][:, :1]), cut)
    first = np.repeat(np.arange(len(pairs)), [len(row) for row in pairs])
    second = np.array([j for row in pairs for j in row], dtype=int)
    if not len(second):
        return [np.empty(0, dtype=int)] * 3
    # Lengths are few, and pairs of choices many: each pair of lengths is looked for once.
    (one, of_one), (two, of_two) = (
        np.unique(logs[image][:, 1], return_inverse=True) for image in (0, 1)
    )
    codes = of_one[first] * len(two) + of_two[second]
    asked = np.zeros(len(one) * len(two), dtype=bool)
    asked[codes] = True
    wanted = np.stack([side[asked] for side in (np.repeat(one, len(two)), np.tile(two, len(one)))])
    near = cKDTree(logs[2]).query_ball_point(wanted.T, cut, p=np.inf)
    members = np.fromiter(chain.from_iterable(near), dtype=int)
    sizes = np.fromiter(map(len, near), dtype=int)
    which = (np.cumsum(asked) - 1)[codes]
    counts = sizes[which]
    begins = np.cumsum(sizes)[which] - counts
    places = np.arange(counts.sum()) + np.repeat(begins - np.cumsum(counts) + counts, counts)
    return [np.repeat(first, counts), np.repeat(second, counts), members[places]]


def _cheapest(
    cost: np.ndarray, squares: np.ndarray, dots: np.ndarray, shared: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers of the cheapest usual cells, their costs and reciprocal metrics.

    ``squares`` (3, n) are those of the shared rows' lengths, ``dots`` (3, n) their products.
    """
    # Of a cubic crystal half a million fit: a quick estimate tells which are worth the full one.
    edges, cosines = _estimates(squares, dots, shared)
    estimated = cost + OBLIQUE_COST * (cosines**2).sum(axis=0)
    wanted = 4 * SHORTLIST
    sure = estimated[_within(edges, cosines, -SLACK)]
    last = np.partition(sure, wanted - 1)[wanted - 1] if len(sure) >= wanted else np.inf
    rows = np.flatnonzero(_within(edges, cosines, SLACK) & (estimated <= last + 2 * SLACK))
    gram = np.empty((len(rows), 3, 3))
    for place, (i, j) in enumerate(PAIRS):
        gram[:, place, place] = squares[place, rows]
        gram[:, i, j] = gram[:, j, i] = dots[place, rows]
    to_rows = np.linalg.inv(shared)
    metrics = to_rows @ gram @ to_rows.T
    usual, oblique = _usual_cells(metrics)
    full = cost[rows] + OBLIQUE_COST * oblique
    best = np.flatnonzero(usual)[np.argsort(full[usual], kind="stable")[:wanted]]
    return rows[best], full[best], metrics[best]


def _estimates(
    squares: np.ndarray, dots: np.ndarray, shared: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Edges and cosines of cells, each of shape (3, n), up to SLACK; NaN where there is none."""
    (xx, yy, zz), (xy, xz, yz) = squares, dots
    minors = np.stack([yy * zz - yz**2, xx * zz - xz**2, xx * yy - xy**2,
                       xz * yz - xy * zz, xy * yz - xz * yy, xy * xz - xx * yz])  # fmt: skip
    determinant = xx * minors[0] + xy * minors[3] + xz * minors[4]
    # The rows' metric is shared @ (cell's reciprocal metric) @ shared.T.
    weights = (
        np.kron(shared.T, shared.T)[[0, 4, 8, 5, 2, 1]] @ np.eye(6)[[0, 3, 4, 3, 1, 5, 4, 5, 2]]
    )
    with np.errstate(invalid="ignore"):
        direct = weights @ minors / np.where(determinant > 0, determinant, np.nan)
        edges = np.sqrt(direct[:3])
        return edges, direct[3:] / (edges[[1, 0, 0]] * edges[[2, 2, 1]])


def _usual_cells(metrics: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which reciprocal metrics are of cells that people choose, and how oblique these are."""
    possible = np.linalg.eigvalsh(metrics)[:, 0] > 1e-6
    oblique = np.zeros(len(metrics))
    direct = np.linalg.inv(metrics[possible])
    edges = np.sqrt(np.diagonal(direct, axis1=1, axis2=2))
    cosines = direct[:, [1, 0, 0], [2, 2, 1]] / (edges[:, [1, 0, 0]] * edges[:, [2, 2, 1]])
    oblique[possible] = (cosines**2).sum(axis=1)
    possible[possible] = _within(edges.T, cosines.T)
    return possible, oblique


def _within(edges: np.ndarray, cosines: np.ndarray, slack: float = 0.0) -> np.ndarray:
    """Whether people choose axes by such edges and angles, each of shape (3, n)."""
    fits = ((edges > EDGES[0] - slack) & (edges < EDGES[1] + slack)).all(axis=0)
    return np.asarray(fits & (np.abs(cosines) < OBLIQUE + slack).all(axis=0))


def _distinct(found: Sequence[FittingCell]) -> list[FittingCell]:
    """Those of other metrics than cheaper ones."""
    kept: list[FittingCell] = []
    for one in found:
        scale = np.sqrt(np.diag(one.reciprocal_metric))
        scale = np.outer(scale, scale)
        alike = any(
            other.centering == one.centering
            and (np.abs(one.reciprocal_metric - other.reciprocal_metric) / scale).max()
            < SAME_METRIC
            for other in kept
        )
        if not alike:
            kept.append(one)
            if len(kept) == SHORTLIST:
                break
    return kept
