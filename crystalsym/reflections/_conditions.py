"""Reflections that each space group forbids, in every setting that a cell leaves open to it."""

from __future__ import annotations

from functools import cache
from itertools import permutations

import numpy as np

from crystalsym.crystals._metric_settings import (
    LAUE_CLASSES,
    allowed_by_centering,
    oriented_laue_class,
)
from crystalsym.spacegroups import is_absent, symbol

# Absences of any group show within these indices.
GRID = 6
_MULTIPLICITY = {"P": 1, "A": 2, "B": 2, "C": 2, "I": 2, "F": 4, "R": 3}


@cache
def groups_of(laue: str) -> tuple[int, ...]:
    """All space groups of a Laue class."""
    if laue not in LAUE_CLASSES:
        raise ValueError(f"laue must be one of {LAUE_CLASSES}, got {laue!r}")
    return tuple(number for number in range(1, 231) if oriented_laue_class(number) == laue)


@cache
def extinction_groups(laue: str) -> tuple[tuple[int, ...], ...]:
    """Groups of a Laue class by what they forbid in their standard settings, alike ones together.

    Examples
    --------
    >>> from crystalsym.reflections._conditions import extinction_groups
    >>> extinction_groups("2/m")[:3]
    ((3, 6, 10), (4, 11), (5, 8, 12))
    """
    axis = np.arange(-GRID, GRID + 1)
    hkl = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    alike: dict[bytes, list[int]] = {}
    for number in groups_of(laue):
        alike.setdefault(np.packbits(is_absent(number, hkl)).tobytes(), []).append(number)
    return tuple(tuple(numbers) for numbers in alike.values())


def group_settings(laue: str, settings: list[np.ndarray]) -> list[np.ndarray]:
    """Settings in which the groups of a Laue class are tried.

    Those that a cell leaves open and, of orthorhombic cells, all orders of the axes: the standard
    setting of a group may call its centered face A.
    """
    if laue != "mmm":
        return settings
    orders = [np.eye(3, dtype=int)[list(order)] for order in permutations(range(3))]
    return [order if np.linalg.det(order) > 0 else -order for order in orders]


def forbidden(
    numbers: tuple[int, ...], hkl: np.ndarray, centering: str, settings: list[np.ndarray]
) -> list[tuple[np.ndarray, float]]:
    """Tell what groups of one extinction class forbid, in each setting their centering fits.

    Parameters
    ----------
    numbers : tuple of int
    hkl : ndarray of int, shape (n, 3)
        Allowed by the centering, in the canonical setting.
    centering : str
        Of that setting.
    settings : list of ndarray of shape (3, 3)

    Returns
    -------
    list of (bool ndarray of shape (n,), float)
        Different ones only, each with its share of the settings; none if the group has another
        centering.
    """
    letter = symbol(numbers[0])[0]
    if _MULTIPLICITY[letter] != _MULTIPLICITY[centering]:
        return []
    found: dict[bytes, tuple[np.ndarray, int]] = {}
    probe = _probe(centering)
    for change in settings:
        # The lattice must be the group's own in this setting.
        if not allowed_by_centering(np.round(probe @ change.T).astype(int), letter).all():
            continue
        absent = is_absent(numbers[0], np.round(hkl @ change.T).astype(np.int32))
        _, count = found.get(absent.tobytes(), (absent, 0))
        found[absent.tobytes()] = absent, count + 1
    total = sum(count for _, count in found.values())
    return [(mask, count / total) for mask, count in found.values()]


@cache
def _probe(centering: str) -> np.ndarray:
    """Some reflections that a centering allows, enough to tell it from every other."""
    axis = np.arange(-2, 3)
    hkl = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    return hkl[allowed_by_centering(hkl, centering)]


def is_special(hkl: np.ndarray) -> np.ndarray:
    """Reflections in the zones and rows that glide planes and screw axes concern."""
    return in_special_places(*np.asarray(hkl).T)


def in_special_places(h: np.ndarray, k: np.ndarray, m: np.ndarray) -> np.ndarray:
    """Tell the same of indices that are broadcast."""
    i = -(h + k)
    return (
        (h == 0) | (k == 0) | (m == 0) | (i == 0)
        | (np.abs(h) == np.abs(k)) | (np.abs(k) == np.abs(m)) | (np.abs(h) == np.abs(m))
        | (h == i) | (k == i)
    )  # fmt: skip
