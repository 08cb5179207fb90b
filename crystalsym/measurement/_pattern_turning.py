"""How three images have to be turned for the bundled models: which rows lie along image +x.

Each image may have been turned by any angle. Two zones of a crystal share one row of reciprocal
lattice points, the row of their cross product: its period in both images is the same, but for what
is absent in one of them. From the rows shared follows which row is a*, b*, c*, and so which one
lies along +x in patterns as models learned them (``zone-axes`` and ``symmetry-directions`` of
:class:`crystalsym.DiffractionSimulator`). A mirror changes nothing that they look at.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from crystalsym.measurement._plane_lattice import sublattices

# Rows of a reduced lattice that are looked at, by their indices.
# In a rhombohedral lattice along [100], the row of b* is one of three to one.
ROWS = np.array(
    [[1, 0], [0, 1]]
    + [[h, sign * k] for h, k in ((1, 1), (2, 1), (1, 2), (3, 1), (1, 3), (3, 2), (2, 3))
       for sign in (1, -1)]
)  # fmt: skip
# Periods agree to this part, angles to so many degrees.
SAME_PERIOD, SAME_ANGLE = 0.012, 0.7
# Of one row, two images may see every point, every second, every third.
MULTIPLES = (1.0, 2.0, 0.5, 3.0, 1 / 3)
# Costs: of a multiple (times its binary logarithm), of a long row (times that of its length), of
# rows that are not at right angles, of disagreement (of all of it that is tolerated), of a net
# that has to be made finer.
MULTIPLE_COST, LENGTH_COST, OBLIQUE_COST, DISAGREEMENT_COST, FINER_COST = 1.0, 0.7, 0.5, 0.5, 1.0
# The shortest row of the net along the unique axis is a* of a primitive cell, (110) of a centered
# one; what [100] and [1-10] show says which, and an order with the other costs so much.
CENTERING_COST = 1.5
# To weigh orders: how many of these costs make one e times less likely, and what edges that fall
# and a b that is not monoclinic do.
COST_PER_E, FALLS, NOT_MIDDLE = 3.0, 1.0, 0.3
# Lattices of a true image agree better than what is tolerated of a distorted one: disagreement
# costs so much from about this part on.
SHARP_COST, SHARP = 2.0, 0.001
# Families that ask for less are preferred only if they cost less by so much.
BONUS = {"[111] [1-10] [001]": 1.5, "[100] [1-10] [001]": 0.45, "[100] [010] [001]": 0.0}
# Chance finds agreement that costs more than the dearest.
DEAREST = 5.0


@dataclass(frozen=True)
class Turning:
    """Hold how three images are to be turned.

    Attributes
    ----------
    rows : tuple of ndarray of shape (2,)
        For each zone the vector that lies along +x.
    order : tuple of int
        Which image is the first, second and third zone.
    zones : str
        The zones held to be seen: ``"[111] [1-10] [001]"``, ``"[100] [1-10] [001]"``,
        ``"[100] [010] [001]"``, or ``"unknown"`` where the images share no rows.
    cost : float
        How far from simple the agreement is.
    doubt : float
        Of several orders that the lattices allow, one is exp(-doubt) times as likely as one of no
        doubt, before the intensities are looked at.

    Examples
    --------
    >>> import numpy as np
    >>> turned = turning([np.diag([0.2, 0.5]), np.diag([0.5, 0.3]), np.diag([0.2, 0.3])])
    >>> turned.zones, [row.tolist() for row in turned.rows]
    ('[100] [010] [001]', [[0.2, 0.0], [0.5, 0.0], [0.0, 0.3]])
    """

    rows: tuple[np.ndarray, ...]
    order: tuple[int, ...]
    zones: str
    cost: float
    doubt: float = 0.0


@dataclass(frozen=True)
class _Row:
    """One row of an image's lattice."""

    vector: np.ndarray
    period: float
    cost: float


def turning(bases: Sequence[np.ndarray], order: str = "xyz") -> Turning:
    """Find which rows of three plane lattices lie along +x.

    Parameters
    ----------
    bases : sequence of three ndarray of shape (2, 2)
        Reduced bases, 1/Å.
    order : str, default="xyz"
        Which zone each image is, such as ``"zxy"``. ``"any"``: the lattices decide
        as far as they can; of a cell with three different right-angled axes they cannot, and the
        axes then rise with their lengths.

    Returns
    -------
    Turning
    """
    return turnings(bases, order)[0]


def turnings(bases: Sequence[np.ndarray], order: str = "xyz") -> list[Turning]:
    """Find all orders of three plane lattices that they allow, and how each is turned.

    Parameters
    ----------
    bases, order : as in :func:`turning`

    Returns
    -------
    list of Turning
        Of the same zones, the one of :func:`turning` first; one where ``order`` names it.
    """
    orders = list(permutations(range(3)))
    if order != "any":
        x, y, z = (order.index(zone) for zone in "xyz")
        orders = [(x, y, z)]
    seen = [_rows(basis) for basis in bases]
    found = []
    for one in orders:
        rows = [seen[i] for i in one]
        nets = [bases[i] for i in one]
        for number, (zones, family) in enumerate(FAMILIES.items()):
            fits = [fit for fit in family(nets, rows) if fit[0] < DEAREST]
            if fits:
                cost, chosen = min(fits, key=lambda fit: fit[0])
                vectors = tuple(row.vector for row in chosen)
                rank = _standing(number, one, nets, chosen, cost)
                turned = Turning(vectors, one, zones, cost, _doubt(rank))
                found.append((cost - BONUS[zones], number, rank, turned))
    if found:
        _, family_number, _, _ = min(found, key=lambda item: item[:2])
        same = [item for item in found if item[1] == family_number]
        return [item[3] for item in sorted(same, key=lambda item: item[2])]
    shortest = tuple(seen[i][0].vector for i in orders[0])
    return [Turning(shortest, orders[0], "unknown", math.inf)]


def _doubt(rank: tuple[float, ...]) -> float:
    """What speaks against an order, given its standing among others."""
    if len(rank) == 1:
        return rank[0] / COST_PER_E
    middle, falls, _ = rank
    return NOT_MIDDLE * middle + FALLS * falls


def _standing(number, order, nets, chosen, cost) -> tuple[float, ...]:
    """Rank of an order among others: monoclinic b in the middle, then edges that rise."""
    if number == 0:
        return (cost,)
    if number == 1:
        return (cost + _centering_cost(nets, chosen),)
    oblique = [_is_oblique(net) for net in nets]
    middle = 0.0 if sum(oblique) != 1 or oblique[1] else 1.0
    # Patterns x, y, z have b*, c*, a* along +x: long ones belong to short edges.
    b, c, a = (row.period for row in chosen)
    falls = float(a < b * (1 - SAME_PERIOD)) + float(b < c * (1 - SAME_PERIOD))
    return middle, falls, cost


def _centering_cost(nets: Sequence[np.ndarray], chosen: Sequence[_Row]) -> float:
    """What speaks against the row of the unique axis' net that is held to be a*."""
    b, c, a = chosen
    in_x, in_y = _is_centered(nets[0], b), _is_centered(nets[1], c)
    shortest = float(np.hypot(*nets[2].T).min())
    if a.period > shortest * (1 + SAME_PERIOD):
        # As in body-centered and rhombohedral cells, whose [100] is a centered net.
        return 0.0 if in_x else CENTERING_COST
    return CENTERING_COST if in_y and not in_x else 0.0


def _is_centered(basis: np.ndarray, row: _Row) -> bool:
    """Whether a net has points between those that a row and one at right angles to it span."""
    for other in _across(row, _rows(basis)):
        area = abs(np.linalg.det(np.stack([row.vector, other.vector])))
        return bool(area > 1.5 * abs(np.linalg.det(basis)))
    return False


def _rows(basis: np.ndarray) -> list[_Row]:
    vectors = ROWS @ basis
    periods = np.hypot(*vectors.T)
    # No row that a basis is made of is long.
    usual = np.sort(periods)[1]
    rows = [
        _Row(vector, float(period), LENGTH_COST * max(math.log2(period / usual), 0.0))
        for vector, period in zip(vectors, periods, strict=True)
    ]
    return sorted(rows, key=lambda row: row.period)


def _alike(one: _Row, two: _Row, factor: float = 1.0) -> float:
    """Cost of one row being seen twice; infinite if it is not. ``factor`` times one is two."""
    ratio = two.period / (one.period * factor)
    best = math.inf
    for multiple in MULTIPLES:
        off = abs(ratio / multiple - 1)
        if off < SAME_PERIOD:
            best = min(best, MULTIPLE_COST * abs(math.log2(multiple)) + _disagreement(off))
    return best


def _disagreement(off: float) -> float:
    """What a difference costs of two periods that should be one, in parts of them."""
    sharp = 1 - math.exp(-0.5 * (off / SHARP) ** 2)
    return DISAGREEMENT_COST * off / SAME_PERIOD + SHARP_COST * sharp


def _angle(one: _Row, two: _Row) -> float:
    """Between rows, 0 to 90 degrees."""
    cosine = abs(float(one.vector @ two.vector)) / (one.period * two.period)
    return math.degrees(math.acos(min(cosine, 1.0)))


def _across(row: _Row, rows: Sequence[_Row]) -> Iterator[_Row]:
    """Rows at a right angle to one."""
    for other in rows:
        if abs(_angle(row, other) - 90) < SAME_ANGLE:
            yield other


def _is_square(basis: np.ndarray) -> bool:
    return _equal_edges(basis) and abs(_basis_angle(basis) - 90) < SAME_ANGLE


def _is_hexagonal(basis: np.ndarray) -> bool:
    return _equal_edges(basis) and abs(_basis_angle(basis) - 60) < SAME_ANGLE


def _is_oblique(basis: np.ndarray) -> bool:
    """Whether no two rows are at right angles."""
    rows = _rows(basis)
    return not any(True for row in rows[:5] for _ in _across(row, rows[:6]))


def _equal_edges(basis: np.ndarray) -> bool:
    one, two = np.hypot(*np.asarray(basis).T)
    return abs(one / two - 1) < SAME_PERIOD


def _basis_angle(basis: np.ndarray) -> float:
    """Between the vectors of a basis, 0 to 90 degrees."""
    one, two = basis
    cosine = abs(float(one @ two)) / math.hypot(*one) / math.hypot(*two)
    return math.degrees(math.acos(min(cosine, 1.0)))


def _net_rows(
    basis: np.ndarray, kinds: Sequence[tuple[float, Callable[[np.ndarray], bool]]]
) -> Iterator[tuple[float, _Row, _Row]]:
    """Cost and rows of a net of a kind, or of one twice as fine, whose further points are weak."""
    finer = [(FINER_COST, one) for one in sublattices(basis, 2)]
    for cost, net in ((0.0, basis), *finer):
        for angle, fits in kinds:
            if fits(net):
                for along, across in _nets(_rows(net), angle):
                    yield cost, along, across


def _nets(rows: Sequence[_Row], angle: float) -> Iterator[tuple[_Row, _Row]]:
    """Of a square or hexagonal net, which row is of the kind of a* and which of (110)."""
    shortest = rows[0]
    for other in rows[1:]:
        if abs(_angle(shortest, other) - angle) < SAME_ANGLE:
            yield shortest, other
            yield other, shortest
            return


def _cubic(bases, rows):
    """[111], [1-10], [001] of a cube, the longest diagonal's net a hexagonal one."""
    if not _is_hexagonal(bases[0]):
        return
    diagonal = rows[0][0]  # of the kind of (1-10)
    for net_cost, along, across in _net_rows(bases[2], ((45.0, _is_square),)):
        for c in rows[1]:
            for other in _across(c, rows[1]):
                cost = _alike(along, c) + _alike(diagonal, other)
                cost += _alike(along, diagonal, math.sqrt(2)) + _alike(across, other)
                yield cost + c.cost + other.cost + net_cost, (diagonal, c, along)


def _uniaxial(bases, rows):
    """[100], [1-10], [001] of a tetragonal or hexagonal cell."""
    kinds = ((45.0, _is_square), (30.0, _is_hexagonal))
    for net_cost, along, across in _net_rows(bases[2], kinds):
        for b in rows[0]:
            shared_b = _alike(along, b)
            if not math.isfinite(shared_b):
                continue
            for c in _across(b, rows[0]):
                for c_too in rows[1]:
                    for diagonal in _across(c_too, rows[1]):
                        cost = shared_b + _alike(c, c_too) + _alike(across, diagonal)
                        cost += b.cost + c.cost + c_too.cost + diagonal.cost + net_cost
                        yield cost, (b, c_too, along)


def _general(bases, rows):
    """[100], [010], [001] of any cell."""
    x, y, z = rows
    shared_a, shared_b, shared_c = _shared(y, z), _shared(x, z), _shared(x, y)
    for c, c_too, cost_c in shared_c:
        for b, b_too, cost_b in shared_b:
            if b is c:
                continue
            in_x = cost_c + cost_b + _oblique_cost(b, c)
            for a, a_too, cost_a in shared_a:
                if a is not c_too and a_too is not b_too:
                    cost = in_x + cost_a + _oblique_cost(a, c_too) + _oblique_cost(a_too, b_too)
                    yield cost, (b, c_too, a_too)


def _shared(one: Sequence[_Row], two: Sequence[_Row]) -> list[tuple[_Row, _Row, float]]:
    """Rows that two images may share, with what that costs."""
    pairs = []
    for row in one:
        for other in two:
            cost = _alike(row, other)
            if math.isfinite(cost):
                pairs.append((row, other, cost + row.cost + other.cost))
    return pairs


def _oblique_cost(one: _Row, two: _Row) -> float:
    return OBLIQUE_COST if _angle(one, two) < 90 - SAME_ANGLE else 0.0


FAMILIES = {
    "[111] [1-10] [001]": _cubic,
    "[100] [1-10] [001]": _uniaxial,
    "[100] [010] [001]": _general,
}
