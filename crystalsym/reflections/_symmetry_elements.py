"""Screw axes and glide planes by name, with the reflections that each forbids."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import product
from math import gcd, lcm

import numpy as np

from crystalsym.crystals._metric_settings import CENTERINGS, allowed_by_centering
from crystalsym.reflections._conditions import (
    extinction_groups,
    forbidden,
    group_settings,
    is_special,
)

_AXES: dict[tuple[int, ...], str] = {(1, 0, 0): "a", (0, 1, 0): "b", (0, 0, 1): "c"}
# Whole vectors of a lattice up to here are tried as translations.
REACH = 2
# Elements show within these indices: the longest period is that of 6_1.
_PROBE = 6

Translation = tuple[Fraction, ...]


@dataclass(frozen=True, eq=False)
class SymmetryElement:
    """Hold a screw axis or a glide plane in one orientation, with those equivalent to it.

    Attributes
    ----------
    kind : {"screw axis", "glide plane"}
    name : str
        Such as "2_1 along b" or "n glide normal to b".
    condition : str
        Which reflections of which row or zone are allowed, such as "0k0: k = 2n".
    operations : tuple of (ndarray of int of shape (3, 3), tuple of 3 Fraction)
        Rotation, or mirror, and translation along it, of all equivalent elements.
    """

    kind: str
    name: str
    condition: str
    operations: tuple[tuple[np.ndarray, Translation], ...]

    def concerns(self, hkl: np.ndarray) -> np.ndarray:
        """Tell which reflections lie in its row or zone, bool of shape (n,)."""
        found = np.zeros(len(hkl), dtype=bool)
        for rotation, _ in self.operations:
            found |= (hkl @ rotation == hkl).all(axis=1)
        return found

    def forbids(self, hkl: np.ndarray) -> np.ndarray:
        """Tell which reflections are absent if the crystal has it, bool of shape (n,)."""
        found = np.zeros(len(hkl), dtype=bool)
        for rotation, translation in self.operations:
            common = lcm(*(part.denominator for part in translation))
            whole = np.array([int(part * common) for part in translation])
            found |= (hkl @ rotation == hkl).all(axis=1) & ((hkl @ whole) % common != 0)
        return found


def symmetry_elements(
    laue: str, centering: str, operations: np.ndarray, settings: list[np.ndarray]
) -> tuple[SymmetryElement, ...]:
    """Name the screw axes and glide planes that groups of a Laue class may have.

    Those are left out that no group has in any open setting, and those that forbid nothing, or
    nothing but what the centering or another element of the same direction forbids.

    Parameters
    ----------
    laue : str
    centering : str
        Of the cell.
    operations : ndarray of int, shape (m, 3, 3)
        Rotations of the Laue class in the basis of the cell, h' = h W.
    settings : list of ndarray of shape (3, 3)
        Open ones, from that basis.

    Returns
    -------
    tuple of SymmetryElement
        Screw axes before glide planes.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.reflections._symmetry_elements import symmetry_elements
    >>> turns = np.array([np.eye(3, dtype=int), np.diag([-1, 1, -1])])
    >>> exchanged = np.array([[0, 0, 1], [0, -1, 0], [1, 0, 0]])
    >>> for element in symmetry_elements("2/m", "P", turns, [np.eye(3), exchanged]):
    ...     print(element.name, "|", element.condition)
    2_1 along b | 0k0: k = 2n
    a glide normal to b | h0l: h = 2n
    c glide normal to b | h0l: l = 2n
    """
    return _elements(
        laue,
        centering,
        np.asarray(operations, dtype=np.int64).tobytes(),
        tuple(np.asarray(change, dtype=float).tobytes() for change in settings),
    )


@cache
def _elements(
    laue: str, centering: str, operations: bytes, settings: tuple[bytes, ...]
) -> tuple[SymmetryElement, ...]:
    rotations = [w.copy() for w in np.frombuffer(operations, dtype=np.int64).reshape(-1, 3, 3)]
    changes = [np.frombuffer(change).reshape(3, 3) for change in settings]
    axis = np.arange(-_PROBE, _PROBE + 1)
    probe = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    probe = probe[allowed_by_centering(probe, centering) & is_special(probe)]
    of_groups = [
        mask
        for alike in extinction_groups(laue)
        for mask, _ in forbidden(alike, probe, centering, group_settings(laue, changes))
    ]
    vectors = _lattice_vectors(centering)
    found: dict[bytes, SymmetryElement] = {}
    for element in (*_screws(rotations, vectors), *_glides(rotations, vectors)):
        mask = element.forbids(probe)
        known = mask.tobytes() in found or not mask.any()
        if not known and any(not (mask & ~of_group).any() for of_group in of_groups):
            found[mask.tobytes()] = element
    return tuple(found.values())


def _screws(rotations: list[np.ndarray], vectors: list[Translation]) -> list[SymmetryElement]:
    found = []
    for rotation, order in _highest_axes(rotations):
        along = [v for v in vectors if _moved(rotation, v) == v]
        shortest = min(along, key=_size)
        for part in range(1, order // 2 + 1):
            shift = tuple(Fraction(part, order) * x for x in shortest)
            direction = _direction(shortest)
            other = f" ({order}_{order - part})" if 2 * part != order else ""
            name = f"{order}_{part}{other} along {_named(direction)}"
            row = _kept_reflections(rotation, 1)
            found.append(_element("screw axis", name, row, (rotation, shift), rotations))
    return found


def _glides(rotations: list[np.ndarray], vectors: list[Translation]) -> list[SymmetryElement]:
    found = []
    for rotation, _ in _axes_of_order_2(rotations):
        mirror = -rotation
        normal = _direction(min((v for v in vectors if _moved(rotation, v) == v), key=_size))
        within = sorted((v for v in vectors if _moved(mirror, v) == v), key=_size)
        halves: dict[Translation, Translation] = {}
        for vector in within:
            half = tuple(x / 2 for x in vector)
            halves.setdefault(tuple(x % 1 for x in half), half)
        zone = _kept_reflections(mirror, 2)
        for half in sorted(
            halves.values(), key=lambda half: ("abcnd".index(_letter(half)), _size(half))
        ):
            letter = _letter(half)
            name = f"{letter} glide normal to {_named(normal)}"
            found.append(_element("glide plane", name, zone, (mirror, half), rotations))
    return found


def _element(
    kind: str,
    name: str,
    reflections: list[tuple[int, ...]],
    operation: tuple[np.ndarray, Translation],
    rotations: list[np.ndarray],
) -> SymmetryElement:
    """An element with its equivalents."""
    own, shift = operation
    operations: dict[tuple[bytes, Translation], tuple[np.ndarray, Translation]] = {}
    for turn in rotations:
        back = np.round(np.linalg.inv(turn)).astype(np.int64)
        image = turn @ own @ back
        moved = _moved(turn, shift)
        operations.setdefault((image.tobytes(), moved), (image, moved))
    condition = f"{_pattern(reflections)}: {_condition(reflections, shift)}"
    return SymmetryElement(kind, name, condition, tuple(operations.values()))


def _highest_axes(rotations: list[np.ndarray]) -> list[tuple[np.ndarray, int]]:
    """One axis of each set of equivalent directions, with its highest order."""
    best: dict[tuple[int, ...], tuple[np.ndarray, int]] = {}
    for rotation in rotations:
        order = _order(rotation)
        if order > 1:
            direction = _axis(rotation)
            if order > best.get(direction, (rotation, 0))[1]:
                best[direction] = rotation, order
    return _one_of_equivalents(best, rotations)


def _axes_of_order_2(rotations: list[np.ndarray]) -> list[tuple[np.ndarray, int]]:
    twofold = {_axis(w): (w, 2) for w in rotations if _order(w) == 2}
    return _one_of_equivalents(twofold, rotations)


def _one_of_equivalents(
    axes: dict[tuple[int, ...], tuple[np.ndarray, int]], rotations: list[np.ndarray]
) -> list[tuple[np.ndarray, int]]:
    """The axis of fewest and simplest indices of each set."""
    left = sorted(axes, key=lambda d: (np.abs(d).sum(), [-abs(x) for x in d], d))
    chosen = []
    while left:
        first = left[0]
        chosen.append(axes[first])
        images = {_primitive(w @ np.array(first)) for w in rotations}
        left = [direction for direction in left if direction not in images]
    return chosen


def _order(rotation: np.ndarray) -> int:
    power, order = rotation, 1
    while not (power == np.eye(3)).all():
        power, order = power @ rotation, order + 1
    return order


def _axis(rotation: np.ndarray) -> tuple[int, ...]:
    """Direction that a rotation keeps, x = W x."""
    total, power = np.eye(3, dtype=np.int64), rotation
    while not (power == np.eye(3)).all():
        total, power = total + power, power @ rotation
    column = total[:, np.flatnonzero(np.abs(total).sum(axis=0))[0]]
    return _primitive(column)


def _primitive(vector: np.ndarray) -> tuple[int, ...]:
    """Without a common factor, the first index positive; the last in 00l, as always."""
    whole = [int(x) for x in vector]
    whole = [x // gcd(*whole) for x in whole]
    first = next(x for x in whole if x)
    return tuple(x if first > 0 else -x for x in whole)


def _direction(vector: Translation) -> tuple[int, ...]:
    common = lcm(*(x.denominator for x in vector))
    return _primitive(np.array([int(x * common) for x in vector]))


def _named(direction: tuple[int, ...]) -> str:
    return _AXES.get(direction) or "[" + "".join(str(x) for x in direction) + "]"


def _letter(half: Translation) -> str:
    """Name of a glide by its translation."""
    if any(x.denominator == 4 for x in half):
        return "d"
    full = tuple(2 * x for x in half)
    if all(x.denominator == 1 for x in full) and sum(abs(x) for x in full) == 1:
        return _AXES[tuple(abs(int(x)) for x in full)]
    return "n"


def _moved(matrix: np.ndarray, vector: Translation) -> Translation:
    return tuple(sum((int(m) * x for m, x in zip(row, vector, strict=True)), Fraction(0))
                 for row in matrix)  # fmt: skip


def _size(vector: Translation) -> tuple:
    return (
        max(abs(x) for x in vector), sum(abs(x) for x in vector),
        sum(x < 0 for x in vector), [-x for x in vector],
    )  # fmt: skip


def _lattice_vectors(centering: str) -> list[Translation]:
    points = [tuple(Fraction(x).limit_denominator(6) for x in p) for p in CENTERINGS[centering]]
    shifts = product(range(-REACH, REACH + 1), repeat=3)
    return [
        vector
        for shift, point in product(shifts, points)
        if any(vector := tuple(s + x for s, x in zip(shift, point, strict=True)))
    ]


def _kept_reflections(matrix: np.ndarray, n: int) -> list[tuple[int, ...]]:
    """Reflections that generate the row (n = 1) or the zone (n = 2) of h = h W."""
    candidates = sorted(
        (h for h in product((0, 1, -1, 2, -2), repeat=3) if any(h)),
        key=lambda h: (sum(abs(x) for x in h), sum(x < 0 for x in h), [-x for x in h]),
    )
    kept = [h for h in candidates if (np.array(h) @ matrix == h).all()]
    basis = [kept[0]]
    for h in kept[1:]:
        if len(basis) < n and np.any(np.cross(basis[0], h)):
            basis.append(h)
    return sorted(basis, key=_first_place)


def _first_place(reflection: tuple[int, ...]) -> int:
    return next(i for i, x in enumerate(reflection) if x)


def _pattern(reflections: list[tuple[int, ...]]) -> str:
    """How the row or zone that some reflections generate is written: 0k0, h0l, hhl."""
    written = []
    for place in range(3):
        terms = ""
        for reflection in reflections:
            factor, letter = reflection[place], "hkl"[_first_place(reflection)]
            if factor:
                sign = "-" if factor < 0 else "+" if terms else ""
                terms += f"{sign}{'' if abs(factor) == 1 else abs(factor)}{letter}"
        written.append(terms or "0")
    plain = all(len(term.lstrip("-")) == 1 for term in written)
    return "".join(written) if plain else ", ".join(written)


def _condition(reflections: list[tuple[int, ...]], shift: Translation) -> str:
    """Which of these a translation lets pass, such as k+l = 4n."""
    values = [
        sum((h * x for h, x in zip(reflection, shift, strict=True)), Fraction(0)) % 1
        for reflection in reflections
    ]
    common = lcm(*(value.denominator for value in values))
    terms = ""
    for reflection, value in zip(reflections, values, strict=True):
        factor = int(value * common)
        if 2 * factor > common:
            factor -= common
        if factor:
            sign = "-" if factor < 0 else "+" if terms else ""
            terms += f"{sign}{'' if abs(factor) == 1 else abs(factor)}"
            terms += "hkl"[_first_place(reflection)]
    return f"{terms} = {common}n" if terms else "all"
