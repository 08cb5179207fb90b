"""The plane lattice that the spots of an image lie on, strays and gaps allowed for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numba import njit
from scipy import ndimage
from scipy.stats import binom

# Points that the search looks at, those nearest to the beam, among which few of the lattice are
# missing; vectors it combines.
LOOKED_AT, VECTORS, NEAREST = 240, 12, 6
# So many, and at least this part, of the points are sure; the others may be noise beside the beam.
SURE, SURE_PART = 60, 0.7
# Part of the spots that are held to be strays, before anything is known.
STRAYS = 0.05
# A spot is explained by a lattice point as near as this many standard deviations, at most so
# much of the shortest vector.
NEAR, NEAR_PART = 4.0, 0.2
# Of a row whose spots are so close, in parts of what can be told apart, two may make one peak.
MERGED = 1.6
# Spots off the lattice make it finer if so many lie on the finer one, and chance does not do it.
FEWEST_BETWEEN, CHANCE = 3, 1e-4
FINER = (2, 3)


@dataclass(frozen=True)
class PlaneLattice:
    """Hold a plane lattice and what it explains.

    Attributes
    ----------
    basis : ndarray of shape (2, 2)
        Its two shortest vectors as rows, in the unit of the points.
    indices : ndarray of int, shape (n, 2)
        Of the lattice point nearest to each spot.
    explained : ndarray of bool, shape (n,)
        Which spots it explains.
    residual : float
        Root mean square distance of these from their lattice points.

    Examples
    --------
    >>> import numpy as np
    >>> points = np.array([[i, 2.0 * j] for i in range(-3, 4) for j in range(-3, 4)])
    >>> lattice = fit_lattice(10 * points, np.full(49, 0.1))
    >>> # The beam itself is not counted.
    >>> np.abs(lattice.basis).round(3).tolist(), int(lattice.explained.sum())
    ([[10.0, 0.0], [0.0, 20.0]], 48)
    """

    basis: np.ndarray
    indices: np.ndarray
    explained: np.ndarray
    residual: float

    @property
    def n_explained(self) -> int:
        """How many spots it explains."""
        return int(self.explained.sum())


def fit_lattice(
    points: np.ndarray, uncertainty: np.ndarray, closest: float = 0.0
) -> PlaneLattice | None:
    """Fit a lattice through the origin to points.

    Vectors that many pairs of points have in common are combined; each pair of them is refined
    outward from the origin. Of the lattices found the likeliest is taken, points being
    Gaussian about lattice points, all equally likely, or strays anywhere: a lattice twice as fine
    pays a factor of two for every point it explains. Weak spots between the points of a
    lattice, which that prior would give up, then refine it if chance would not put so many there.

    Parameters
    ----------
    points : ndarray of shape (n, 2)
        About the beam, most trustworthy first.
    uncertainty : ndarray of shape (n,)
        Standard deviation of a place along either axis.
    closest : float, default=0.0
        Distance of lattice points that spots can be told apart at.

    Returns
    -------
    PlaneLattice or None
        None if no two vectors explain more than chance does.
    """
    points = np.asarray(points, dtype=np.float64)
    if len(points) < 3:
        return None
    sigma = np.maximum(uncertainty, 1e-9)
    sure = points[: max(SURE, int(SURE_PART * len(points)))]
    near = np.argsort(np.hypot(*sure.T), kind="stable")[:LOOKED_AT]
    chosen, of_chosen = points[near], sigma[near]
    typical = float(np.median(of_chosen))
    field = math.pi * float((chosen**2).sum(axis=1).max())
    vectors = _common_vectors(chosen, typical)
    best, score = None, -math.inf
    tried: list[np.ndarray] = []
    for one, two in combinations(vectors, 2):
        basis = np.array([one, two])
        area = abs(basis[0, 0] * basis[1, 1] - basis[0, 1] * basis[1, 0])
        if area < max(closest**2, 0.05 * math.hypot(*one) * math.hypot(*two)):
            continue
        reduced = _reduced(basis)
        if math.hypot(*reduced[0]) < closest:
            continue
        if any(np.abs(np.abs(reduced) - known).max() < 2 * typical for known in tried):
            continue
        tried.append(np.abs(reduced))
        refined, value = _grown(chosen, of_chosen, reduced, field, STRAYS)
        if value > score and math.hypot(*_reduced(refined)[0]) >= 0.9 * closest:
            best, score = refined, value
    if best is None:
        return None
    return _refined(points, sigma, best, closest)


def _common_vectors(points: np.ndarray, typical: float) -> list[np.ndarray]:
    """Differences that many pairs share, and the points closest to the beam; one of ± each.

    The points rise with their distance from the beam.
    """
    with_beam = np.concatenate([[[0.0, 0.0]], points])
    one, two = np.triu_indices(len(with_beam), 1)
    apart = with_beam[one] - with_beam[two]
    apart *= np.where((apart[:, 1] < 0) | ((apart[:, 1] == 0) & (apart[:, 0] < 0)), -1, 1)[:, None]
    length = np.hypot(*apart.T)
    # The shortest vectors of a lattice are no longer than the distance of its nearest spots.
    reach = 1.6 * float(np.hypot(*points[min(len(points) - 1, 11)]))
    apart = apart[(length < reach) & (length > 4 * typical)]
    if not len(apart):
        return []
    bin_width = max(3 * typical, reach / 400)
    n = int(reach / bin_width) + 3
    column, row = np.rint(apart / bin_width).astype(int).T
    votes = np.zeros((n, 2 * n + 1))
    np.add.at(votes, (row, column + n), 1.0)
    votes = ndimage.uniform_filter(votes, 3, mode="constant") * 9
    tops = (votes == ndimage.maximum_filter(votes, 5)) & (votes > 1.5)
    rows, columns = np.nonzero(tops)
    found: list[np.ndarray] = []
    # Of a lattice without gaps the shortest vectors have most votes; with gaps all have as many.
    long = np.hypot(rows, columns - n) * bin_width / reach
    for place in np.argsort(-votes[rows, columns] * (1 - long / 2), kind="stable")[: 3 * VECTORS]:
        start = np.array([columns[place] - n, rows[place]]) * bin_width
        near = apart[np.hypot(*(apart - start).T) < 2 * bin_width]
        if len(near):
            _add(found, np.median(near, axis=0), bin_width)
        if len(found) == VECTORS:
            break
    # Where few spots are seen, no two pairs may share the vectors.
    for point in points[:NEAREST]:
        _add(found, point * (1 if point[1] >= 0 else -1), bin_width)
    # Near the beam, spots of a cell with one long edge are all of one row.
    across = np.array([-found[0][1], found[0][0]]) / math.hypot(*found[0])
    if np.abs(np.array(found) @ across).max() < 4 * bin_width:
        for point in points[np.abs(points @ across) > 4 * bin_width][:NEAREST]:
            _add(found, point * (1 if point[1] >= 0 else -1), bin_width)
    return found


def _add(found: list[np.ndarray], vector: np.ndarray, apart: float) -> None:
    if all(min(math.hypot(*(vector - v)), math.hypot(*(vector + v))) > apart for v in found):
        found.append(vector)


def _refined(
    points: np.ndarray, sigma: np.ndarray, basis: np.ndarray, closest: float
) -> PlaneLattice | None:
    """Refine on all points, and make finer as long as spots between its points ask for it."""
    for _ in range(3):
        found = _explained(points, sigma, basis, closest)
        if found is None:
            return None
        finer = _finer(points, sigma, found, closest)
        if finer is None:
            return found
        basis = finer
    return found


def _explained(
    points: np.ndarray, sigma: np.ndarray, basis: np.ndarray, closest: float
) -> PlaneLattice | None:
    field = math.pi * float((points**2).sum(axis=1).max())
    basis, _ = _grown(points, sigma, _reduced(basis), field, STRAYS)
    basis = _reduced(basis)
    if abs(np.linalg.det(basis)) < 1e-12:
        return None
    indices = np.rint(points @ np.linalg.inv(basis))
    apart = points - indices @ basis
    off, tolerance = np.hypot(*apart.T), _tolerance(sigma, basis)
    explained = (off < tolerance) & indices.any(axis=1)
    residual = float(np.sqrt(np.mean(off[explained] ** 2))) if explained.any() else math.nan
    shortest = math.hypot(*basis[0])
    if shortest < MERGED * closest:
        across = np.abs(apart @ [-basis[0, 1], basis[0, 0]]) / shortest
        explained |= (across < tolerance) & indices.any(axis=1)
    return PlaneLattice(basis, indices.astype(np.int64), explained, residual)


def _tolerance(sigma: np.ndarray, basis: np.ndarray) -> np.ndarray:
    # A calibration's or a lens's distortion moves spots by more than their uncertainty.
    shortest = math.hypot(*basis[0])
    return np.minimum(NEAR * np.hypot(sigma, 0.004 * shortest + 0.15), NEAR_PART * shortest)


def _finer(
    points: np.ndarray, sigma: np.ndarray, found: PlaneLattice, closest: float
) -> np.ndarray | None:
    """The finer lattice that spots off this one lie on, or None."""
    off = ~found.explained & (np.hypot(*points.T) > math.hypot(*found.basis[0]) * 0.2)
    strays = points[off]
    if len(strays) < FEWEST_BETWEEN:
        return None
    area = abs(float(np.linalg.det(found.basis)))
    best, least = None, CHANCE
    for n in FINER:
        for basis in sublattices(found.basis, n):
            if math.hypot(*basis[0]) < closest:
                continue
            rest = strays - np.rint(strays @ np.linalg.inv(basis)) @ basis
            near = np.minimum(_tolerance(sigma[off], basis), 0.15 * math.hypot(*basis[0]))
            explained = int((np.hypot(*rest.T) < near).sum())
            part = min(float(np.mean(math.pi * near**2)) * (n - 1) / area, 0.9)
            chance = float(binom.sf(explained - 1, len(strays), part))
            if explained >= FEWEST_BETWEEN and chance < least:
                best, least = basis, chance
    return best


def sublattices(basis: np.ndarray, n: int) -> list[np.ndarray]:
    """Lattices n times as fine (n prime) that hold this one."""
    finer = [np.array([[1 / n, 0.0], [0.0, 1.0]])]
    finer += [np.array([[1.0, 0.0], [k / n, 1 / n]]) for k in range(n)]
    return [_reduced(change @ basis) for change in finer]


@njit(cache=True, nogil=True)
def _reduced(basis):
    """Shortest two vectors, right-handed, the first upward or along +x."""
    basis = basis.copy()
    for _ in range(100):
        one = basis[0, 0] ** 2 + basis[0, 1] ** 2
        two = basis[1, 0] ** 2 + basis[1, 1] ** 2
        if two < one:
            swap = basis[0].copy()
            basis[0] = basis[1]
            basis[1] = swap
            one = two
        if one == 0:
            return basis
        multiple = np.round((basis[0, 0] * basis[1, 0] + basis[0, 1] * basis[1, 1]) / one)
        if multiple == 0:
            break
        basis[1] -= multiple * basis[0]
    if basis[0, 1] < 0 or (basis[0, 1] == 0 and basis[0, 0] < 0):
        basis[0] *= -1
    if basis[0, 0] * basis[1, 1] - basis[0, 1] * basis[1, 0] < 0:
        basis[1] *= -1
    return basis


@njit(cache=True, nogil=True)
def _grown(points, sigma, basis, field, strays):
    """Refine a basis by least squares, from the nearest points outward: (basis, log likelihood)."""
    basis = basis.copy()
    n = len(points)
    reach = 0.0
    for i in range(n):
        reach = max(reach, math.hypot(points[i, 0], points[i, 1]))
    radius = 2.5 * math.hypot(basis[1, 0], basis[1, 1])
    last = False
    for step in range(24):
        last = radius >= reach
        a11, a12, a22, b11, b12, b21, b22 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        determinant = basis[0, 0] * basis[1, 1] - basis[0, 1] * basis[1, 0]
        if determinant == 0:
            return basis, -np.inf
        shortest = min(math.hypot(basis[0, 0], basis[0, 1]), math.hypot(basis[1, 0], basis[1, 1]))
        for i in range(n):
            x, y = points[i, 0], points[i, 1]
            if x * x + y * y > radius * radius:
                continue
            u = (x * basis[1, 1] - y * basis[1, 0]) / determinant
            v = (y * basis[0, 0] - x * basis[0, 1]) / determinant
            h, k = np.round(u), np.round(v)
            off = math.hypot(
                x - h * basis[0, 0] - k * basis[1, 0], y - h * basis[0, 1] - k * basis[1, 1]
            )
            limit = 0.25 * shortest if not last else min(0.2 * shortest, 5 * sigma[i] + 1.0)
            if off > limit or (h == 0 and k == 0):
                continue
            w = 1.0 / (sigma[i] ** 2 + 0.01)
            a11 += w * h * h
            a12 += w * h * k
            a22 += w * k * k
            b11 += w * h * x
            b12 += w * h * y
            b21 += w * k * x
            b22 += w * k * y
        d = a11 * a22 - a12 * a12
        if d > 1e-9 * max(a11 * a22, 1e-30):
            basis[0, 0] = (a22 * b11 - a12 * b21) / d
            basis[0, 1] = (a22 * b12 - a12 * b22) / d
            basis[1, 0] = (a11 * b21 - a12 * b11) / d
            basis[1, 1] = (a11 * b22 - a12 * b12) / d
        if last and step > 1:
            break
        radius *= 1.6
    determinant = basis[0, 0] * basis[1, 1] - basis[0, 1] * basis[1, 0]
    if determinant == 0:
        return basis, -np.inf
    nodes = field / abs(determinant)
    value = 0.0
    for i in range(n):
        x, y = points[i, 0], points[i, 1]
        u = (x * basis[1, 1] - y * basis[1, 0]) / determinant
        v = (y * basis[0, 0] - x * basis[0, 1]) / determinant
        h, k = np.round(u), np.round(v)
        off = math.hypot(
            x - h * basis[0, 0] - k * basis[1, 0], y - h * basis[0, 1] - k * basis[1, 1]
        )
        variance = sigma[i] ** 2 + 0.15**2
        on_lattice = (1 - strays) / (nodes + 1) / (2 * math.pi * variance)
        on_lattice *= math.exp(-0.5 * off * off / variance)
        value += math.log(on_lattice + strays / field)
    return basis, value
