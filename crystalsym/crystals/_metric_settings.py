"""Settings of a cell that its metric, centering and Laue class decide, and those they leave open.

A space group never takes part: a list of reflections does not know it, and neither may the cells
that a network learns from. A change of basis P holds the new vectors in its rows, in terms of the
old: lattice' = P lattice, h' = h Pᵀ.
"""

from __future__ import annotations

from functools import cache
from itertools import permutations
from math import gcd, sqrt

import numpy as np

from crystalsym.crystals._crystal import Crystal
from crystalsym.spacegroups import laue_class, symbol
from crystalsym.spacegroups._facts import group_operations

LAUE_CLASSES = (
    "-1", "2/m", "mmm", "4/m", "4/mmm", "-3", "-3m1", "-31m", "6/m", "6/mmm", "m-3", "m-3m",
)  # fmt: skip
"""Laue classes; the two orientations of -3m on a hexagonal lattice count as two. On a
rhombohedral one it is -3m1."""

EXCHANGED = np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1]])
TURNED = np.diag([-1, -1, 1])
# Multiples of the reduced vectors of a plane that are tried.
NEAR = 2
# Scalar products up to this, in Å², are those of right angles.
ROUNDING = 1e-6


def canonical_setting(lattice: np.ndarray, centering: str, laue: str) -> np.ndarray:
    """Choose the setting of a conventional cell by its metric alone.

    Monoclinic cells (unique axis b) get the two shortest vectors of the plane as a <= c with beta
    >= 90°, centered ones are called C; orthorhombic ones a <= b <= c, those with one face centered
    are called C with a <= b; triclinic ones are reduced after Niggli. All others stay.

    Parameters
    ----------
    lattice : ndarray of shape (3, 3)
        Vectors of a conventional cell of that Laue class as rows.
    centering : {"P", "A", "B", "C", "I", "F", "R"}
    laue : str
        One of ``LAUE_CLASSES``.

    Returns
    -------
    ndarray of int, shape (3, 3)
        Of determinant 1.

    Raises
    ------
    ValueError
        If there is no such Laue class.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.crystals._metric_settings import canonical_setting
    >>> canonical_setting(np.diag([9.0, 4.0, 6.0]), "P", "mmm").tolist()
    [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
    """
    lattice = np.asarray(lattice, dtype=float)
    if laue not in LAUE_CLASSES:
        raise ValueError(f"laue must be one of {LAUE_CLASSES}, got {laue!r}")
    if laue == "-1":
        return _niggli(lattice)
    if laue == "2/m":
        return _monoclinic(lattice, centering)[0]
    if laue == "mmm":
        return _orthorhombic(lattice, centering)
    return np.eye(3, dtype=int)


def canonical_centering(centering: str, laue: str) -> str:
    """Name a cell's centering in its canonical setting, where one centered face is called C.

    Examples
    --------
    >>> from crystalsym.crystals._metric_settings import canonical_centering
    >>> [canonical_centering(*one) for one in (("A", "mmm"), ("I", "2/m"), ("I", "mmm"))]
    ['C', 'C', 'I']
    """
    one_face = laue in ("2/m", "mmm") and centering in ("A", "B", "C")
    return "C" if one_face or (laue == "2/m" and centering == "I") else centering


def open_settings(lattice: np.ndarray, centering: str, laue: str) -> list[np.ndarray]:
    """List the settings that metric, centering and Laue class leave open.

    Parameters
    ----------
    lattice : ndarray of shape (3, 3)
        Of a canonical setting.
    centering : str
    laue : str

    Returns
    -------
    list of ndarray of int, shape (3, 3)
        The identity comes first. Primitive monoclinic cells: each two of the three shortest
        vectors of the plane, in either order; orthorhombic ones: permutations of the axes that
        keep the centering's name; 4/m, 6/m and m-3: a and b exchanged; trigonal ones: turned
        about c, and exchanged in -3.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.crystals._metric_settings import open_settings
    >>> cube = np.eye(3)
    >>> [len(open_settings(cube, "P", laue)) for laue in ("-1", "2/m", "mmm", "4/m", "m-3m")]
    [1, 6, 6, 2, 1]
    """
    lattice = np.asarray(lattice, dtype=float)
    identity = np.eye(3, dtype=int)
    if laue == "2/m":
        return _monoclinic(lattice, centering)
    if laue == "mmm":
        fixed = "ABC".find(centering)
        return [
            _right_handed(np.eye(3, dtype=int)[list(order)])
            for order in permutations(range(3))
            if fixed < 0 or order[fixed] == fixed
        ]
    if laue in ("4/m", "6/m", "m-3") or (laue == "-3" and centering == "R"):
        return [identity, EXCHANGED]
    if laue == "-3":
        return [identity, EXCHANGED, TURNED, TURNED @ EXCHANGED]
    if laue in ("-3m1", "-31m") and centering != "R":
        return [identity, TURNED]
    return [identity]


def centering_of(vectors: np.ndarray) -> str:
    """Name the centering of a cell by all its lattice points in [0, 1).

    Parameters
    ----------
    vectors : ndarray of shape (n, 3)
        Fractions, the origin included.

    Returns
    -------
    str
        P, A, B, C, I, F, "R" (obverse), "R-" (reverse); "?" if it is none of these.
    """
    found = {tuple(np.round(v * 6).astype(int) % 6) for v in vectors}
    for name, points in CENTERINGS.items():
        if found == {tuple(np.round(np.array(p) * 6).astype(int) % 6) for p in points}:
            return name
    return "?"


_H, _T = 1 / 2, 1 / 3
CENTERINGS: dict[str, tuple[tuple[float, float, float], ...]] = {
    "P": ((0, 0, 0),),
    "A": ((0, 0, 0), (0, _H, _H)),
    "B": ((0, 0, 0), (_H, 0, _H)),
    "C": ((0, 0, 0), (_H, _H, 0)),
    "I": ((0, 0, 0), (_H, _H, _H)),
    "F": ((0, 0, 0), (0, _H, _H), (_H, 0, _H), (_H, _H, 0)),
    "R": ((0, 0, 0), (2 * _T, _T, _T), (_T, 2 * _T, 2 * _T)),
    "R-": ((0, 0, 0), (_T, 2 * _T, _T), (2 * _T, _T, 2 * _T)),
}
"""Lattice points of a centered cell."""


def allowed_by_centering(hkl: np.ndarray, centering: str) -> np.ndarray:
    """Tell which reflections a centering allows, bool of shape (n,)."""
    h, k, m = np.asarray(hkl).T
    return fits_centering(h, k, m, centering)


def fits_centering(h: np.ndarray, k: np.ndarray, m: np.ndarray, centering: str) -> np.ndarray:
    """Tell the same of indices that are broadcast."""
    if centering == "A":
        return (k + m) % 2 == 0
    if centering == "B":
        return (h + m) % 2 == 0
    if centering == "C":
        return (h + k) % 2 == 0
    if centering == "I":
        return (h + k + m) % 2 == 0
    if centering == "F":
        return ((h + k) % 2 == 0) & ((k + m) % 2 == 0)
    if centering == "R":
        return (-h + k + m) % 3 == 0
    if centering == "R-":
        return (h - k + m) % 3 == 0
    return np.ones(np.broadcast_shapes(h.shape, k.shape, m.shape), dtype=bool)


def _right_handed(change: np.ndarray) -> np.ndarray:
    return change if np.linalg.det(change) > 0 else -change


def _niggli(lattice: np.ndarray) -> np.ndarray:
    import spglib

    reduced = spglib.niggli_reduce(lattice)
    if reduced is None:
        return np.eye(3, dtype=int)
    # The reduced cell comes in a frame of its own where it is the same lattice.
    change = np.round(np.asarray(reduced) @ np.linalg.inv(lattice)).astype(int)
    if abs(round(np.linalg.det(change))) != 1:
        return np.eye(3, dtype=int)
    return _right_handed(change)


def _orthorhombic(lattice: np.ndarray, centering: str) -> np.ndarray:
    edges = np.linalg.norm(lattice, axis=1)
    special = "ABC".find(centering)
    order = sorted((axis for axis in range(3) if axis != special), key=lambda axis: edges[axis])
    if special >= 0:
        order.append(special)
    return _right_handed(np.eye(3, dtype=int)[order])


def _monoclinic(lattice: np.ndarray, centering: str) -> list[np.ndarray]:
    """The canonical setting first."""
    a, c = lattice[0], lattice[2]
    plane = _short_vectors(a, c)
    half = {"C": (1, 0), "A": (0, 1), "I": (1, 1)}.get(centering)
    if half is None:
        first = plane[0]
        second = next(m for m in plane if abs(first[0] * m[1] - first[1] * m[0]) == 1)
        if (first @ _metric(a, c) @ second) > ROUNDING:
            second = -second
        third = -(first + second)
        pairs = [
            (first, second), (second, first), (first, third), (third, first), (second, third),
            (third, second),
        ]  # fmt: skip
    else:
        first = next(m for m in plane if tuple(m % 2) == half)
        second = next(m for m in plane if abs(first[0] * m[1] - first[1] * m[0]) == 1)
        if (first @ _metric(a, c) @ second) > ROUNDING:
            second = -second
        pairs = [(first, second), (first, -(first + second))]
    return [_with_b(one, two) for one, two in pairs]


def _short_vectors(a: np.ndarray, c: np.ndarray) -> list[np.ndarray]:
    """Vectors of a plane lattice in terms of a and c, shortest first, one of each pair v, -v."""
    aa, ac, cc = float(a @ a), float(a @ c), float(c @ c)

    def product_of(one: tuple[int, int], two: tuple[int, int]) -> float:
        across = one[0] * two[1] + one[1] * two[0]
        return one[0] * two[0] * aa + across * ac + one[1] * two[1] * cc

    # Lagrange's reduction, however skewed the cell is.
    u, v = (1, 0), (0, 1)
    while True:
        if product_of(v, v) < product_of(u, u):
            u, v = v, u
        times = round(product_of(u, v) / product_of(u, u))
        if not times:
            break
        v = (v[0] - times * u[0], v[1] - times * u[1])
    near = [
        (i * u[0] + j * v[0], i * u[1] + j * v[1])
        for i in range(-NEAR, NEAR + 1)
        for j in range(-NEAR, NEAR + 1)
        if gcd(i, j) == 1
    ]
    found = [m for m in near if m > (0, 0)]
    found.sort(key=lambda m: (round(sqrt(product_of(m, m)), 6), -m[0], -m[1]))
    return [np.array(m) for m in found]


def _metric(a: np.ndarray, c: np.ndarray) -> np.ndarray:
    plane = np.array([a, c])
    return plane @ plane.T


def _with_b(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    change = np.zeros((3, 3), dtype=int)
    change[0, [0, 2]], change[2, [0, 2]] = one, two
    change[1, 1] = 1
    if np.linalg.det(change) < 0:
        change[1, 1] = -1
    return change


@cache
def oriented_laue_class(number: int) -> str:
    """Name a group's Laue class with the two orientations of -3m told apart.

    Parameters
    ----------
    number : int
        Space group.

    Examples
    --------
    >>> from crystalsym.crystals._metric_settings import oriented_laue_class
    >>> [oriented_laue_class(number) for number in (14, 152, 151, 167)]
    ['2/m', '-3m1', '-31m', '-3m1']
    """
    name = laue_class(number)
    if name != "-3m":
        return name
    if symbol(number).startswith("R"):
        return "-3m1"
    # A twofold axis along a, or a mirror plane across it, belongs to -3m1.
    along_a = {((1, -1, 0), (0, -1, 0), (0, 0, -1)), ((-1, 1, 0), (0, 1, 0), (0, 0, 1))}
    for op in group_operations(number).sym_ops:
        if tuple(tuple(value // op.DEN for value in row) for row in op.rot) in along_a:
            return "-3m1"
    return "-31m"


def centering_in_standard_cell(crystal: Crystal, number: int) -> str:
    """Name the centering of a crystal in its standard cell.

    It is the letter of the symbol, but for Amm2 and its like, whose standard cell here is
    C-centered and elsewhere A-centered: there the atoms tell.

    Parameters
    ----------
    crystal : Crystal
    number : int
        Its space group.

    Returns
    -------
    str
    """
    letter = symbol(number)[0]
    if letter != "A":
        return letter
    coords, kinds = np.asarray(crystal.frac_coords), np.asarray(crystal.atomic_numbers)
    other = kinds[:, None] != kinds
    apart = {}
    for name in "CAB":
        moved = coords + np.array(CENTERINGS[name][1])
        away = np.abs(np.mod(coords[:, None] - moved + 0.5, 1.0) - 0.5).max(axis=2)
        apart[name] = float(np.where(other, np.inf, away).min(axis=0).max())
    return min(apart, key=lambda name: apart[name])


def in_metric_setting(crystal: Crystal, number: int) -> Crystal:
    """Bring a standard cell to the setting that its metric alone would choose.

    Of the space group only centering and Laue class take part, so that the cell tells no more than
    one found by diffraction.

    Parameters
    ----------
    crystal : Crystal
        In the standard cell of its space group.
    number : int
        Its space group.

    Returns
    -------
    Crystal

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym import Crystal
    >>> from crystalsym.crystals import in_metric_setting
    >>> crystal = Crystal(np.diag([9.0, 4.0, 6.0]), [[0.1, 0.2, 0.3]], [6])
    >>> in_metric_setting(crystal, 16).frac_coords.round(1).tolist()
    [[0.2, 0.3, 0.1]]
    """
    centering = centering_in_standard_cell(crystal, number)
    change = canonical_setting(crystal.lattice, centering, oriented_laue_class(number))
    if (change == np.eye(3)).all():
        return crystal
    coords = crystal.frac_coords @ np.linalg.inv(change)
    return Crystal(
        change @ crystal.lattice,
        coords - np.floor(coords),
        crystal.atomic_numbers,
        crystal.occupancies,
        name=crystal.name,
        notes=crystal.notes,
    )
