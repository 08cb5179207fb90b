"""Wyckoff positions of the 230 space groups, computed from their operations.

The fixed points of an operation form flats (points, lines, planes) and so do their intersections.
Modulo the lattice a flat is ``{x : W x = c (mod 1)}`` with an integer matrix W whose rows generate
all integer normals of the flat; the Hermite normal form of W then names it uniquely. All of this is
exact integer arithmetic. Settings and origins are those of :mod:`spglib`'s standard cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import numpy as np

from crystalsym.spacegroups._facts import check_number

# Translations and offsets are kept as integers in this unit of the cell edge.
UNIT = 576
# The groups that hold every rotation of a lattice of their system.
HOLOHEDRY = {
    "triclinic": 2,
    "monoclinic": 10,
    "orthorhombic": 47,
    "tetragonal": 123,
    "trigonal": 191,
    "hexagonal": 191,
    "cubic": 221,
}

Matrix = tuple[tuple[int, ...], ...]
Vector = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class WyckoffPosition:
    """Hold one kind of site of a space group.

    Attributes
    ----------
    multiplicity : int
        Sites in the conventional cell.
    dimension : int
        Free coordinates: 0 for a point, 3 for the general position.
    origin : ndarray of shape (3,)
        A point of the representative flat.
    directions : ndarray of shape (dimension, 3)
        Lattice vectors along the flat.
    rotations, translations : ndarray of shapes (multiplicity, 3, 3) and (multiplicity, 3)
        Operations that lead from the representative to each site; the first is the identity.

    Examples
    --------
    >>> from crystalsym.crystals import wyckoff_positions
    >>> [(site.multiplicity, site.dimension) for site in wyckoff_positions(225)][:3]
    [(4, 0), (4, 0), (8, 0)]
    """

    multiplicity: int
    dimension: int
    origin: np.ndarray
    directions: np.ndarray
    rotations: np.ndarray
    translations: np.ndarray

    def orbit(self, free=()) -> np.ndarray:
        """List all sites for given free coordinates.

        Parameters
        ----------
        free : array-like of shape (dimension,), default=()
            Coordinates along ``directions``.

        Examples
        --------
        >>> from crystalsym.crystals import wyckoff_positions
        >>> wyckoff_positions(225)[0].orbit().tolist()
        [[0.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]]
        """
        site = self.origin + np.asarray(free, dtype=float) @ self.directions
        return np.mod(self.rotations @ site + self.translations, 1.0)


@cache
def wyckoff_positions(number: int) -> tuple[WyckoffPosition, ...]:
    """Wyckoff positions of a space group by rising multiplicity, the general one last.

    The order of positions of one multiplicity is that of dimension and place, which is not
    always that of the letters in International Tables.

    Parameters
    ----------
    number : int
        Space group.

    Returns
    -------
    tuple of WyckoffPosition

    Examples
    --------
    A cubic perovskite fills both points of multiplicity one and one of the next two:

    >>> from crystalsym.crystals import wyckoff_positions
    >>> [position.multiplicity for position in wyckoff_positions(221)]
    [1, 1, 3, 3, 6, 6, 8, 12, 12, 12, 24, 24, 24, 48]
    """
    number = check_number(number)
    rotations, shifts = _integer_operations(number)
    positions = [_position(flat, rotations, shifts) for flat in _flats(rotations, shifts)]
    positions.sort(key=lambda p: (p.multiplicity, p.dimension, p.origin.tolist()))
    return tuple(positions)


@cache
def standard_operations(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Operations of a group in spglib's standard setting, modulo the cell.

    Parameters
    ----------
    number : int
        Space group.

    Returns
    -------
    rotations : ndarray of int, shape (n, 3, 3)
    translations : ndarray of shape (n, 3)

    Examples
    --------
    >>> from crystalsym.crystals._wyckoff import standard_operations
    >>> len(standard_operations(225)[0])
    192
    """
    import spglib

    database: Any = spglib.get_symmetry_from_database(_hall_numbers()[check_number(number)])
    return np.array(database["rotations"], dtype=np.int64), np.array(database["translations"])


@cache
def laue_rotations(number: int) -> np.ndarray:
    """Proper rotations of the Laue class of a group in the same setting, int of shape (n, 3, 3).

    Parameters
    ----------
    number : int
        Space group.

    Examples
    --------
    >>> from crystalsym.crystals._wyckoff import laue_rotations
    >>> [len(laue_rotations(number)) for number in (1, 7, 62, 225)]
    [1, 2, 4, 24]
    """
    rotations = standard_operations(number)[0]
    signs = np.round(np.linalg.det(rotations)).astype(np.int64)
    proper = np.unique(rotations * signs[:, None, None], axis=0)
    proper.setflags(write=False)
    return proper


def centering_vectors(number: int) -> np.ndarray:
    """Pure translations of a group within its conventional cell, zero included."""
    rotations, translations = standard_operations(number)
    return translations[(rotations == np.eye(3)).all(axis=(1, 2))]


def lattice_rotations(system: str) -> np.ndarray:
    """Rotations, proper or not, of a lattice of a crystal system; hexagonal for trigonal."""
    return np.unique(standard_operations(HOLOHEDRY[system])[0], axis=0)


@cache
def _hall_numbers() -> dict[int, int]:
    """The setting spglib standardizes to: the first one listed of every group."""
    import spglib

    first: dict[int, int] = {}
    for hall in range(1, 531):
        kind: Any = spglib.get_spacegroup_type(hall)
        first.setdefault(kind.number, hall)
    return first


def _integer_operations(number: int) -> tuple[list[Matrix], list[Vector]]:
    rotations, translations = standard_operations(number)
    shifts = np.round(translations * UNIT).astype(int) % UNIT
    # The identity comes first, so that every orbit starts with the representative.
    order = np.argsort(np.abs(rotations - np.eye(3)).sum(axis=(1, 2)) + 1e-3 * shifts.any(axis=1))
    matrices = [tuple(map(tuple, m)) for m in rotations[order].tolist()]
    return matrices, [tuple(s) for s in shifts[order].tolist()]


def _flats(rotations: list[Matrix], shifts: list[Vector]) -> list[tuple[Matrix, Vector]]:
    """One flat (normals, offsets) of every Wyckoff position."""
    everything: tuple[Matrix, Vector] = ((), ())
    chosen, seen = [everything], {everything}
    for normals, offsets in chosen:  # grows
        if len(normals) == 3:
            continue
        for rotation, shift in zip(rotations, shifts, strict=True):
            for flat in _intersections(normals, offsets, rotation, shift):
                if flat not in seen:
                    chosen.append(flat)
                    seen.update(_images(flat, rotations, shifts))
    return chosen


def _intersections(normals: Matrix, offsets: Vector, rotation: Matrix, shift: Vector):
    """Flats in which a flat meets the fixed points of an operation."""
    left, divisors, reduced = _fixed_points(normals, rotation)
    target = [_dot(row, offsets + shift) for row in left]
    rank = len(divisors)
    if any(value % UNIT for value in target[rank:]):
        return
    for turns in product(*map(range, divisors)):
        sums = [t + UNIT * k for t, k in zip(target, turns, strict=False)]
        solution = [s // d for s, d in zip(sums, divisors, strict=True)]
        if any(s % d for s, d in zip(sums, divisors, strict=True)):
            raise ArithmeticError("an offset is no multiple of the unit")  # pragma: no cover
        basis, change = reduced
        yield basis, tuple(_dot(row, solution) % UNIT for row in change)


@cache
def _fixed_points(normals: Matrix, rotation: Matrix):
    """Solve ``[normals; 1 - R] x = [offsets; shift] (mod 1)`` but for the right side."""
    rows = [list(row) for row in normals]
    rows += [[int(i == j) - rotation[i][j] for j in range(3)] for i in range(3)]
    left, divisors, right = _smith(rows)
    # Rows of the inverse of the right factor: new normals, one per divisor.
    inverse = np.round(np.linalg.inv(np.array(right))).astype(int).tolist()
    return left, divisors, _hermite(tuple(map(tuple, inverse[: len(divisors)])))


def _images(flat: tuple[Matrix, Vector], rotations: list[Matrix], shifts: list[Vector]):
    normals, offsets = flat
    for rotation, shift in zip(rotations, shifts, strict=True):
        turned, (basis, change) = _turned(normals, rotation)
        moved = [c + _dot(row, shift) for c, row in zip(offsets, turned, strict=True)]
        yield basis, tuple(_dot(row, moved) % UNIT for row in change)


@cache
def _turned(normals: Matrix, rotation: Matrix):
    if not normals:
        return (), ((), ())
    inverse = np.round(np.linalg.inv(np.array(rotation))).astype(int)
    turned = tuple(map(tuple, (np.array(normals) @ inverse).tolist()))
    return turned, _hermite(turned)


def _position(
    flat: tuple[Matrix, Vector], rotations: list[Matrix], shifts: list[Vector]
) -> WyckoffPosition:
    normals, offsets = flat
    left, divisors, right = _smith([list(row) for row in normals])
    along = np.array(right).T[len(divisors) :]
    solution = [_dot(row, offsets) for row in left]
    place = np.array(right)[:, : len(divisors)] @ np.array(solution, dtype=int).reshape(-1)
    turns, moves = np.array(rotations), np.array(shifts)
    keys = np.concatenate(
        [(turns @ along.T).reshape(len(turns), -1), (turns @ place + moves) % UNIT], axis=1
    )
    first = np.sort(np.unique(keys, axis=0, return_index=True)[1])
    return WyckoffPosition(
        len(first), len(along), place % UNIT / UNIT, along, turns[first], moves[first] / UNIT
    )


def _dot(one, two) -> int:
    return sum(a * b for a, b in zip(one, two, strict=True))


def _smith(rows: list[list[int]]):
    """``left @ rows @ right`` is diagonal; returns left, the divisors that are not zero, right."""
    height = len(rows)
    m = [list(row) for row in rows]
    left = [[int(i == j) for j in range(height)] for i in range(height)]
    right = [[int(i == j) for j in range(3)] for i in range(3)]
    rank = 0
    while rank < 3:
        entries = [
            (abs(m[i][j]), i, j) for i in range(rank, height) for j in range(rank, 3) if m[i][j]
        ]
        if not entries:
            break
        _, i, j = min(entries)
        m[rank], m[i] = m[i], m[rank]
        left[rank], left[i] = left[i], left[rank]
        for row in (*m, *right):
            row[rank], row[j] = row[j], row[rank]
        pivot = m[rank][rank]
        for i in range(rank + 1, height):
            q = m[i][rank] // pivot
            if q:
                m[i] = [a - q * b for a, b in zip(m[i], m[rank], strict=True)]
                left[i] = [a - q * b for a, b in zip(left[i], left[rank], strict=True)]
        for j in range(rank + 1, 3):
            q = m[rank][j] // pivot
            if q:
                for row in (*m, *right):
                    row[j] -= q * row[rank]
        if all(m[i][rank] == 0 for i in range(rank + 1, height)) and not any(m[rank][rank + 1 :]):
            if pivot < 0:
                m[rank] = [-a for a in m[rank]]
                left[rank] = [-a for a in left[rank]]
            rank += 1
    return left, [m[i][i] for i in range(rank)], right


@cache
def _hermite(rows: Matrix) -> tuple[Matrix, Matrix]:
    """Hermite normal form of independent rows, and the change that leads to it."""
    height = len(rows)
    m = [list(row) + [int(i == j) for j in range(height)] for i, row in enumerate(rows)]
    top = 0
    for column in range(3):
        while True:
            entries = [(abs(m[i][column]), i) for i in range(top, height) if m[i][column]]
            if not entries:
                break
            _, i = min(entries)
            m[top], m[i] = m[i], m[top]
            pivot = m[top][column]
            for i in range(height):
                if i != top:
                    q = m[i][column] // pivot
                    m[i] = [a - q * b for a, b in zip(m[i], m[top], strict=True)]
            if all(m[i][column] == 0 for i in range(top + 1, height)):
                break
        if entries:
            if m[top][column] < 0:
                m[top] = [-a for a in m[top]]
            for i in range(top):
                q = m[i][column] // m[top][column]
                m[i] = [a - q * b for a, b in zip(m[i], m[top], strict=True)]
            top += 1
    return tuple(tuple(r[:3]) for r in m), tuple(tuple(r[3:]) for r in m)
