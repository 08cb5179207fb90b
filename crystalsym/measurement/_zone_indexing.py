"""Three plane lattices of known zones -> the cell, and which reflections their vectors are.

Two zones share one row of the reciprocal lattice, that of their cross product. Of three zones the
three shared rows span the lattice: their lengths, each seen twice, and their angles, each seen
once, are its metric. Which rows of the images they are is found by trying all of them: indices
have to be whole, each zone's plane has to have the area that its indices demand, in parts of what
a centering and a glide plane leave of it, and the lengths have to agree.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from crystalsym.crystals._cell_parameters import cell_of
from crystalsym.crystals._metric_settings import CENTERINGS, allowed_by_centering
from crystalsym.diffraction._zone_axes import symmetry_zones
from crystalsym.diffraction._zone_layers import OF_FAMILIES, spanning_reflections
from crystalsym.reflections._lattice_symmetry import lattice_rotations, primitive_basis

# Rows of an image that may be shared ones, by rising length.
MOST_ROWS = 120
# Standard deviation of a row's length in parts of it, of good images and of distorted ones; lengths
# of one row in two images differ by so many of them at most.
PRECISIONS, CUT = (0.0003, 0.001, 0.003), 4.5
# Part of a plane's points that glide planes leave.
GLIDES = (1, 2)
# Costs, in units of half a squared deviation: of a centering, of a glide plane, of cosines of the
# cell's angles; what each doubling of the number of the lattice's rotations is worth.
CENTERED_COST, GLIDE_COST, OBLIQUE_COST, ROTATIONS_WORTH = 1.5, 1.5, 8.0, 4.0
# What rows shared by two images are worth whose spots agree, and how much is agreement.
AGREEMENT_WORTH, AGREEMENT, FEWEST_SHARED = 4.0, 0.12, 3
# Metrics closer than this are one; a second one is told of if it costs so little more.
SAME_METRIC, CLOSE = 0.01, 1.0
# A lattice has rotations that change its metric by less than this, or so many standard deviations.
SYMMETRIC, WIDE = 0.012, 6.0
# Candidates that are looked at closely.
SHORTLIST = 80
# Edges, Å, and angles of cells that people choose axes by.
EDGES, OBLIQUE = (2.0, 60.0), 0.71


@dataclass(frozen=True, eq=False)
class ZoneIndexing:
    """Hold the cell that three plane lattices of known zones belong to.

    Attributes
    ----------
    zones : ndarray of int, shape (3, 3)
        As they were given.
    lattice : ndarray of shape (3, 3)
        Vectors of the cell as rows, Å; right-handed, a along x.
    hkl : ndarray of int, shape (3, 2, 3)
        Reflections that the two vectors of each image's lattice are.
    centering : str
        What the three planes leave out together, in these axes; "R-" is the reverse setting.
    misfit : float
        Root mean square disagreement of shared rows, in parts of their lengths.
    disagreement : float
        How the spots' amplitudes differ along shared rows, 0 to 1; NaN where too few were measured.
    alternatives : tuple of tuple of float
        Other cells that fit about as well.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.measurement import index_zones
    >>> found = index_zones([np.diag([0.16, 0.25]), np.diag([0.1, 0.25]), np.diag([0.1, 0.16])],
    ...                     [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    >>> [round(length, 2) for length in found.cell], found.centering
    ([10.0, 6.25, 4.0, 90.0, 90.0, 90.0], 'P')
    """

    zones: np.ndarray
    lattice: np.ndarray
    hkl: np.ndarray
    centering: str
    misfit: float
    disagreement: float = math.nan
    alternatives: tuple[tuple[float, ...], ...] = ()

    @property
    def cell(self) -> tuple[float, float, float, float, float, float]:
        """a, b, c in Å and alpha, beta, gamma in degrees."""
        return cell_of(self.lattice)

    @cached_property
    def turns(self) -> list[np.ndarray]:
        """Rotations of the lattice in these axes, u' = W u and h' = h W; the identity is first."""
        change = primitive_basis(self.lattice, self.centering).T
        turns = lattice_rotations(change.T @ self.lattice, SYMMETRIC)
        return [change @ turn @ np.linalg.inv(change) for turn in turns]

    @cached_property
    def directions(
        self,
    ) -> tuple[tuple[int, ...], np.ndarray, list[np.ndarray]] | None:
        """Which images are the lattice's symmetry directions, or become them by its rotations.

        The number of the image along each, the directions, and for each the reflection along +x
        in the axes of the zones; None if the zones are others.
        """
        wanted = symmetry_zones(self.lattice[None])[0].astype(int)
        order, along = [], []
        for target in wanted:
            fits = [
                (image, turn)
                for image, zone in enumerate(self.zones)
                for turn in self.turns
                if np.abs(np.cross(turn @ zone, target)).max() < 1e-3
            ]
            if not fits:
                return None
            image, turn = fits[0]
            first, _ = OF_FAMILIES[int(target[0]), int(target[1]), int(target[2])]
            order.append(image)
            along.append(np.array(first) @ turn)
        return (tuple(order), wanted, along) if sorted(order) == [0, 1, 2] else None


@dataclass(frozen=True, eq=False)
class _Choices:
    """Ways to take one image's rows for the two that it shares, as columns."""

    lengths: np.ndarray  # (n, 2): of the rows shared with the other images, in their order
    dots: np.ndarray  # (n,): product of both
    hkl: np.ndarray  # (n, 2, 3): of the image's basis
    cost: np.ndarray  # (n,)

    def __len__(self) -> int:
        return len(self.dots)


@dataclass(eq=False)
class _Solution:
    """One cell that fits."""

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


def parse_zones(zones: Any) -> np.ndarray:
    """Read three zone axes.

    Parameters
    ----------
    zones : sequence of three, of strings such as "1-10" or "1 -1 0", or of three whole numbers

    Returns
    -------
    ndarray of int, shape (3, 3)

    Raises
    ------
    ValueError
        If they are no zone axes, or lie in one plane; names the one that is wrong.

    Examples
    --------
    >>> parse_zones(["100", "1-10", [0, 0, 1]]).tolist()
    [[1, 0, 0], [1, -1, 0], [0, 0, 1]]
    """
    if isinstance(zones, str) or not hasattr(zones, "__len__") or len(zones) != 3:
        raise ValueError(f"zones={zones!r}: three zone axes are needed, such as 100 010 001")
    found = np.array([_one_zone(zone) for zone in zones])
    if round(np.linalg.det(found)) == 0:
        shown = " ".join(zone_text(zone) for zone in found)
        raise ValueError(f"zones {shown} lie in one plane: they tell no cell")
    return found


def zone_text(zone: Iterable[int]) -> str:
    """Write a zone axis, "[1-10]".

    Examples
    --------
    >>> zone_text((1, -1, 0))
    '[1-10]'
    """
    indices = [int(index) for index in zone]
    return f"[{('' if max(map(abs, indices)) < 10 else ' ').join(map(str, indices))}]"


def _one_zone(zone: Any) -> list[int]:
    wrong = f"{zone!r} is no zone axis: three whole numbers, such as 1-10 or '1 -1 0'"
    if isinstance(zone, str):
        text = zone.strip().strip("[]")
        spaced = re.fullmatch(r"([-+]?\d+)[\s,]+([-+]?\d+)[\s,]+([-+]?\d+)", text)
        close = re.fullmatch(r"([-+]?\d)([-+]?\d)([-+]?\d)", text)
        match = spaced or close
        if match is None:
            raise ValueError(wrong)
        zone = [int(part) for part in match.groups()]
    values = np.asarray(zone)
    if values.shape != (3,) or values.dtype.kind not in "iuf" or np.any(values != np.round(values)):
        raise ValueError(wrong)
    indices = [int(value) for value in values]
    divisor = math.gcd(*indices)
    if divisor == 0:
        raise ValueError(f"{zone!r} is no zone axis: all its indices are 0")
    return [index // divisor for index in indices]


def index_zones(
    bases: Sequence[np.ndarray], zones: Any, row_profiles: Any = None
) -> ZoneIndexing | None:
    """Index three plane lattices of known zone axes.

    Parameters
    ----------
    bases : sequence of three ndarray of shape (2, 2)
        Vectors of each image's lattice as rows, 1/Å; turned and mirrored as they may be.
    zones : sequence of three
        Strings such as "1-10" or "1 -1 0", or three whole numbers each.
    row_profiles : callable, optional
        ``row_profiles(image, step)`` gives the intensities of the points step, 2 step ... of an
        image, NaN where not measured; ``step`` are whole numbers in its basis. Rows that two
        images share then have to agree.

    Returns
    -------
    ZoneIndexing or None
        None if no cell fits.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.measurement import index_zones
    >>> bases = [np.diag([0.2, 0.3]), np.diag([0.25, 0.3]), np.diag([0.2, 0.25])]
    >>> found = index_zones(bases, ["001", "100", "0-10"])
    >>> [round(length, 2) for length in found.cell[:3]]
    [5.0, 3.33, 4.0]
    """
    zones = parse_zones(zones)
    bases = [np.asarray(basis, dtype=float) for basis in bases]
    shared = _shared_rows(zones)
    for precision in PRECISIONS:
        found = _solutions(bases, zones, shared, precision)
        if found:
            break
    else:
        return None
    for one in found:
        n_rotations = len(lattice_rotations(_reduced(one), WIDE * precision))
        one.cost -= ROTATIONS_WORTH * math.log2(n_rotations)
        if row_profiles is not None:
            differ = _disagreements(one, shared, row_profiles)
            one.cost -= sum(AGREEMENT_WORTH * (1 - min(d / AGREEMENT, 4.0) / 2) for d in differ)
            one.disagreement = float(np.mean(differ)) if differ else math.nan
    found.sort(key=lambda one: one.cost)
    best = found[0]
    others = tuple(cell_of(one.lattice) for one in found[1:] if one.cost < best.cost + CLOSE)
    return ZoneIndexing(
        zones, best.lattice, best.hkl, best.centering, best.misfit, best.disagreement, others
    )


def _solutions(
    bases: list[np.ndarray], zones: np.ndarray, shared: list[np.ndarray], precision: float
) -> list[_Solution]:
    """The cheapest cells of different metrics."""
    rows = [_rows(basis) for basis in bases]
    found: list[_Solution] = []
    for centering in CENTERINGS:
        choices = []
        for image in range(3):
            plane = _plane_share(zones[image], centering)
            choices.append(_choices(bases[image], rows[image], shared[image], plane, centering))
        if all(map(len, choices)):
            found += _joined(choices, shared, centering, precision)
    found.sort(key=lambda one: one.cost)
    return _distinct(found)


def _shared_rows(zones: np.ndarray) -> list[np.ndarray]:
    """For each image the primitive reflections of the rows that it shares, with the lower first."""
    rows = {}
    for i, j in ((0, 1), (0, 2), (1, 2)):
        row = np.cross(zones[i], zones[j])
        rows[i, j] = row // math.gcd(*map(int, row))
    return [
        np.array([rows[0, 1], rows[0, 2]]),
        np.array([rows[0, 1], rows[1, 2]]),
        np.array([rows[0, 2], rows[1, 2]]),
    ]


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


def spanning(zone: np.ndarray) -> np.ndarray:
    """Two reflections that span a zone's plane."""
    u, v, w = map(int, zone)
    return np.array(spanning_reflections(np.eye(3), (u, v, w)))


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
) -> list[_Solution]:
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
    gram = np.zeros((len(off), 3, 3))
    for place, (one, two) in enumerate(twice):
        gram[:, place, place] = one * two
    for (i, j), image, rows in zip(((0, 1), (0, 2), (1, 2)), choices, chosen, strict=True):
        gram[:, i, j] = gram[:, j, i] = image.dots[rows]
    to_rows = np.linalg.inv(np.array([shared[0][0], shared[0][1], shared[1][1]]))
    metrics = to_rows @ gram @ to_rows.T
    usual, oblique = _usual_cells(metrics)
    cost += OBLIQUE_COST * oblique
    best = np.flatnonzero(usual)[np.argsort(cost[usual], kind="stable")[: 4 * SHORTLIST]]
    return [
        _Solution(
            float(cost[k]),
            metrics[k],
            np.array([one.hkl[rows[k]] for one, rows in zip(choices, chosen, strict=True)]),
            centering,
            float(np.sqrt((off[k] ** 2).mean())),
        )
        for k in best
    ]


def _matched(choices: list[_Choices], cut: float) -> list[np.ndarray]:
    """Numbers of choices for three images, row by row, whose shared lengths differ by the cut."""
    logs = [np.log(one.lengths) for one in choices]
    pairs = cKDTree(logs[0][:, :1]).query_ball_tree(cKDTree(logs[1][:, :1]), cut)
    first = np.repeat(np.arange(len(pairs)), [len(row) for row in pairs])
    second = np.array([j for row in pairs for j in row], dtype=int)
    if not len(second):
        return [np.empty(0, dtype=int)] * 3
    wanted = np.stack([logs[0][first, 1], logs[1][second, 1]], axis=1)
    near = cKDTree(logs[2]).query_ball_point(wanted, cut, p=np.inf)
    counts = [len(row) for row in near]
    third = np.array([k for row in near for k in row], dtype=int)
    return [np.repeat(first, counts), np.repeat(second, counts), third]


def _usual_cells(metrics: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which reciprocal metrics are of cells that people choose, and how oblique these are."""
    possible = np.linalg.eigvalsh(metrics)[:, 0] > 1e-6
    oblique = np.zeros(len(metrics))
    direct = np.linalg.inv(metrics[possible])
    edges = np.sqrt(np.diagonal(direct, axis1=1, axis2=2))
    cosines = direct[:, [1, 0, 0], [2, 2, 1]] / (edges[:, [1, 0, 0]] * edges[:, [2, 2, 1]])
    oblique[possible] = (cosines**2).sum(axis=1)
    fits = ((edges > EDGES[0]) & (edges < EDGES[1])).all(axis=1)
    possible[possible] = fits & (np.abs(cosines) < OBLIQUE).all(axis=1)
    return possible, oblique


def _distinct(found: Sequence[_Solution]) -> list[_Solution]:
    """Those of other metrics than cheaper ones."""
    kept: list[_Solution] = []
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


def _reduced(one: _Solution) -> np.ndarray:
    return primitive_basis(one.lattice, one.centering) @ one.lattice


def _disagreements(one: _Solution, shared: list[np.ndarray], row_profiles: Any) -> list[float]:
    """How the spots of shared rows differ, of each row of which enough were measured."""
    found = []
    for (i, j), row in (((0, 1), shared[0][0]), ((0, 2), shared[0][1]), ((1, 2), shared[1][1])):
        profiles = [_profile(one.hkl[image], row, image, row_profiles) for image in (i, j)]
        value = _disagreement(*profiles)
        if value is not None:
            found.append(value)
    return found


def _profile(hkl: np.ndarray, row: np.ndarray, image: int, row_profiles: Any) -> dict[int, float]:
    """Intensities along a row by their order."""
    solved, *_ = np.linalg.lstsq(hkl.T.astype(float), row.astype(float), rcond=None)
    multiple = next(
        (m for m in range(1, 13) if np.abs(m * solved - np.round(m * solved)).max() < 1e-6), None
    )
    if multiple is None:
        return {}
    values = row_profiles(image, np.round(multiple * solved).astype(int))
    return {multiple * (k + 1): float(v) for k, v in enumerate(values) if np.isfinite(v)}


def _disagreement(one: dict[int, float], two: dict[int, float]) -> float | None:
    """How amplitudes of a row differ in two images, 0 to 1; None if few were measured."""
    common = sorted(set(one) & set(two))
    if len(common) < FEWEST_SHARED:
        return None
    a, b = (np.sqrt(np.maximum([side[k] for k in common], 0)) for side in (one, two))
    if a.sum() <= 0 or b.sum() <= 0:
        return None
    a, b = a / a.sum(), b / b.sum()
    return float(np.abs(a - b).sum() / 2)
