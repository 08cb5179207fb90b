"""Random crystals of molecules: learning data for what laboratories measure most."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal

import numpy as np
from joblib import Parallel, delayed
from numba import njit
from threadpoolctl import threadpool_limits

from crystalsym.crystals import Crystal, SymmetryError, space_group_number
from crystalsym.crystals._random_cells import random_cell
from crystalsym.crystals._standardization import conventional_setting
from crystalsym.crystals._wyckoff import standard_operations
from crystalsym.datasets._random_crystals import table_of
from crystalsym.datasets._table import CrystalTable
from crystalsym.spacegroups._facts import check_number

# Per cent of the Cambridge Structural Database in each space group (CSD space group statistics,
# CCDC: www.ccdc.cam.ac.uk, summary of 2016 and later alike).
MOLECULAR_GROUPS = {
    14: 34.5, 2: 24.7, 15: 8.4, 19: 7.1, 4: 5.1, 61: 3.2, 33: 1.4, 9: 1.1, 62: 1.1, 1: 1.0,
    60: 0.9, 5: 0.9, 148: 0.7, 29: 0.7, 13: 0.6, 12: 0.5, 11: 0.5, 56: 0.4, 7: 0.4, 43: 0.4,
    88: 0.4, 18: 0.4, 92: 0.3, 76: 0.3, 114: 0.2, 86: 0.2, 52: 0.2, 82: 0.2, 20: 0.2, 45: 0.2,
    64: 0.2, 63: 0.2, 58: 0.1, 85: 0.1, 54: 0.1, 57: 0.1, 41: 0.1, 55: 0.1, 147: 0.1, 161: 0.1,
    146: 0.1, 173: 0.1, 176: 0.1, 205: 0.1, 144: 0.1, 152: 0.1, 169: 0.1, 167: 0.1, 142: 0.1,
    110: 0.1, 122: 0.1, 130: 0.1, 96: 0.1, 78: 0.1, 70: 0.1, 36: 0.1, 166: 0.1, 165: 0.1,
    163: 0.1, 159: 0.1, 137: 0.1, 87: 0.1, 79: 0.1, 198: 0.1, 225: 0.1,
}  # fmt: skip
# Part of the draws that is spread evenly over all groups.
SPREAD = 0.03
# Relative numbers of the atoms of molecules that are not hydrogen; a metal is one atom at most.
LIGHT = {6: 74.0, 7: 9.0, 8: 12.0, 9: 1.5, 14: 0.4, 15: 1.0, 16: 1.6, 17: 1.6, 35: 0.5, 53: 0.2,
         5: 0.3}  # fmt: skip
METALS = (29, 30, 26, 27, 28, 46, 44, 25, 78, 50, 77, 45, 24, 42, 74, 3, 11, 19, 40, 22, 57, 64)
WITH_METAL = 0.3
HYDROGEN_ON_CARBON = 1.1
BOND, BOND_TO_METAL, BOND_TO_HYDROGEN = 1.42, 2.05, 0.98
# Å between a hydrogen and atoms it is not bound to, where they can be turned so far apart.
ROOM_OF_HYDROGEN = 1.6
TURNS = 8
# Å³ an atom, hydrogen counted.
VOLUME = (8.0, 15.0)
# Å between atoms of different molecules, hydrogen aside, that a draw aims at.
CONTACT = 2.6
OVERLAP = 1.1
PLACEMENTS, ATTEMPTS, CONFIRMATIONS = 8, 12, 50
CHUNK = 250


def random_molecular_crystals(
    n: int | Sequence[int] | np.ndarray,
    random_state: int | np.random.RandomState | None = None,
    *,
    groups: Literal["molecular", "even"] | Mapping[int, float] = "molecular",
    even_share: float = SPREAD,
    n_atoms: tuple[int, int] = (20, 300),
    volume_per_atom: tuple[float, float] = VOLUME,
    check: bool = False,
    n_jobs: int | None = None,
) -> CrystalTable:
    """Draw random crystals of molecules, each in the standard cell of its space group.

    A molecule is a random branching chain of C, N, O, halogens, S, P, Si and B with hydrogen
    around it, in three of ten cases at a metal; one stands in general position (now and then two,
    or one on a center of inversion), turned and shifted so that molecules do not run into each
    other where some tries find such a place. Special positions other than centers of inversion
    stay empty. The numbers are those of crystals in a database, the conformations are nobody's.

    Parameters
    ----------
    n : int, or sequence of int
        How many, of groups drawn by ``groups``, or the space group of each.
    random_state : int, RandomState instance or None, default=None
    groups : {"molecular", "even"} or mapping of int to float, default="molecular"
        Relative frequencies of the groups that are drawn: those of the Cambridge Structural
        Database, the same for all 230, or given ones.
    even_share : float, default=0.03
        Part of the draws that is spread evenly over all 230 groups whatever ``groups`` says.
        Given frequencies alone: 0.
    n_atoms : tuple of int, default=(20, 300)
        Fewest and most atoms in the conventional cell. Groups of many operations may have a few
        more.
    volume_per_atom : tuple of float, default=(8.0, 15.0)
        Smallest and largest, Å³.
    check : bool, default=False
        Have the symmetry finder confirm every crystal at 0.01 and 0.1 Å, and draw again what
        fails. Without, one in two hundred fails, one in thirty where groups of many
        operations are as frequent as others: hydrogens of neighbors come too close.
    n_jobs : int, optional
        Parallel jobs; the crystals do not depend on it.

    Returns
    -------
    CrystalTable
        Of standard cells, with ``space_group``.

    Raises
    ------
    ValueError
        If a number, a group, a frequency or a range is none; or if ``check`` finds no crystal of
        a group in many tries.

    Examples
    --------
    >>> from crystalsym.crystals import space_group_number
    >>> from crystalsym.datasets import random_molecular_crystals
    >>> table = random_molecular_crystals([14, 19, 61], random_state=0)
    >>> [space_group_number(crystal) for crystal in table]
    [14, 19, 61]
    """
    from sklearn.utils import check_random_state

    seed = int(check_random_state(random_state).randint(2**31 - 1))
    weights = _weights(groups, even_share)
    if isinstance(n, (int, float, np.number)):
        if isinstance(n, bool) or int(n) != n or int(n) < 0:
            raise ValueError(f"n must be a number of crystals or their space groups, got {n!r}")
        numbers = np.random.default_rng([seed, 1]).choice(231, size=int(n), p=weights)
    else:
        numbers = np.array([check_number(group) for group in n], dtype=np.int64)
    for name, (low, high) in (("n_atoms", n_atoms), ("volume_per_atom", volume_per_atom)):
        if not 0 < low <= high < math.inf:
            raise ValueError(f"{name} must be a range of positive numbers, got {(low, high)}")
    recipe = n_atoms, volume_per_atom, bool(check)
    parts = Parallel(n_jobs=n_jobs)(
        delayed(_draw_part)(numbers[start : start + CHUNK], recipe, [seed, start])
        for start in range(0, len(numbers), CHUNK)
    )
    return table_of([crystal for part in parts for crystal in part], numbers)


def _weights(groups: Any, even_share: float) -> np.ndarray:
    """How likely each group is, by its number."""
    if not 0 <= even_share <= 1:
        raise ValueError(f"even_share must lie in [0, 1], got {even_share!r}")
    even = np.full(231, 1 / 230)
    even[0] = 0
    if isinstance(groups, str):
        if groups not in ("molecular", "even"):
            raise ValueError(
                f'groups must be "molecular", "even" or frequencies by number, got {groups!r}'
            )
        if groups == "even":
            return even
        groups = MOLECULAR_GROUPS
    shares = np.zeros(231)
    for group, share in groups.items():
        if not 0 <= share < math.inf:
            raise ValueError(f"groups[{group!r}] must be a frequency from 0 on, got {share!r}")
        shares[check_number(group)] += share
    if shares.sum() <= 0:
        raise ValueError("groups must give one group at least a frequency above 0")
    weights = (1 - even_share) * shares / shares.sum() + even_share * even
    return weights / weights.sum()


def _draw_part(groups: np.ndarray, recipe: tuple, seed: list[int]) -> list[tuple]:
    rng = np.random.default_rng(seed)
    n_atoms, volume, check = recipe
    with threadpool_limits(1, user_api="blas"):
        return [_confirmed(int(group), n_atoms, volume, check, rng) for group in groups]


def _confirmed(
    group: int, n_atoms: Any, volume: Any, check: bool, rng: np.random.Generator
) -> tuple:
    for _ in range(CONFIRMATIONS):
        cell, coords, atoms = _apart(group, n_atoms, volume, rng)
        lattice, coords = conventional_setting(group, cell, coords, atoms, np.ones(len(atoms)))
        if not check or _shows(
            group, Crystal.unchecked(lattice, coords, atoms, np.ones(len(atoms)))
        ):
            return lattice, coords, atoms
    raise ValueError(
        f"no crystal of space group {group} in {CONFIRMATIONS} draws; allow more atoms or volume"
    )


def _shows(group: int, crystal: Crystal) -> bool:
    try:
        found = (space_group_number(crystal, tried, fallback=False) for tried in (0.01, 0.1))
        return all(number == group for number in found)
    except SymmetryError:
        return False


def _apart(group: int, n_atoms: Any, volume: Any, rng: np.random.Generator) -> tuple:
    """A draw in which no atoms coincide; the widest one of several, where all are crowded."""
    best: tuple = ()
    widest = -1.0
    for _ in range(ATTEMPTS):
        *crystal, closest = _draw(group, n_atoms, volume, rng)
        if closest > widest:
            best, widest = tuple(crystal), closest
        if closest >= OVERLAP:
            break
    return best


def _draw(group: int, n_atoms: Any, volume: Any, rng: np.random.Generator) -> tuple:
    """Lattice, coordinates, atomic numbers, shortest distance between molecules."""
    rotations, translations = _operations(group)
    order = len(rotations)
    total = np.exp(rng.uniform(np.log(n_atoms[0]), np.log(n_atoms[1])))
    wanted = max(int(total / order), 2 if order > 24 else 4)
    molecules = 2 if wanted > 16 and rng.random() < 0.1 else 1
    about_center = molecules == 1 and rng.random() < 0.15
    parts = [_molecule(max(wanted // molecules, 2), rng) for _ in range(molecules)]
    count = sum(len(atoms) for _, atoms in parts) * order
    cell = random_cell(group, rng) * (rng.uniform(*volume) * count) ** (1 / 3)
    inverse, metric = np.linalg.inv(cell), cell @ cell.T
    center = _center_of_inversion(group) if about_center else None
    coords = np.empty((0, 3))
    placed = np.empty((0, 3))  # what is not hydrogen
    closest = np.inf
    for places, atoms in parts:
        best, best_distance = places, -1.0
        heavy = atoms > 1
        for _ in range(PLACEMENTS):
            turned = places @ _rotation(rng)
            if center is None:
                fractions = turned @ inverse + rng.random(3)
            else:  # half of a molecule, its first atom beside the center
                start = rng.normal(size=3)
                start *= 0.5 * BOND / np.linalg.norm(start)
                fractions = (turned - turned[0] + start) @ inverse + center
            distance = _closest(
                fractions[heavy], placed, rotations, translations, metric, center is not None
            )
            if distance > best_distance:
                best, best_distance = fractions, distance
            if distance >= CONTACT:
                break
        closest = min(closest, best_distance)
        coords = np.concatenate([coords, best])
        placed = np.concatenate([placed, best[heavy]])
    atoms = np.concatenate([atoms for _, atoms in parts])
    images = np.einsum("gij,aj->gai", rotations, coords) + translations[:, None]
    images = images.reshape(-1, 3)
    return cell, images - np.floor(images), np.tile(atoms, order), closest


@cache
def _operations(group: int) -> tuple[np.ndarray, np.ndarray]:
    """Rotations and translations, the identity first."""
    rotations, translations = standard_operations(group)
    plain = (rotations == np.eye(3)).all(axis=(1, 2)) & (np.abs(translations) < 1e-6).all(axis=1)
    order = np.argsort(~plain, kind="stable")
    return rotations[order].astype(float), translations[order].astype(float)


@njit(cache=True, nogil=True)
def _closest(fractions, placed, rotations, translations, metric, bonded):
    """Shortest distance between atoms of different molecules, Å.

    Of the molecule to its own images, those a whole cell away included, and to the images of
    what was placed before.
    """
    least = np.inf
    away = np.empty(3)
    n, others = len(fractions), len(placed)
    for g in range(len(rotations)):
        for b in range(n + others):
            atom = fractions[b] if b < n else placed[b - n]
            image = rotations[g] @ atom + translations[g]
            for a in range(n):
                moved = False
                for k in range(3):
                    away[k] = fractions[a, k] - image[k]
                    whole = np.round(away[k])
                    moved |= whole != 0
                    away[k] -= whole
                if b < n and g == 0 and not moved:
                    continue
                if bonded and a == 0 and b == 0:
                    continue  # the first atom is bound to its own image
                square = 0.0
                for k in range(3):
                    for m in range(3):
                        square += away[k] * metric[k, m] * away[m]
                least = min(least, square)
    return np.sqrt(least)


def _molecule(n_atoms: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Places in Å and atomic numbers of about so many atoms, hydrogen last."""
    kinds, shares = np.array(list(LIGHT)), np.array(list(LIGHT.values()))
    n_heavy = max(round(n_atoms / (1 + 0.8 * rng.uniform(0.6, 1.2))), 1)
    atoms = rng.choice(kinds, size=n_heavy, p=shares / shares.sum())
    if rng.random() < WITH_METAL:
        atoms[0] = METALS[int(rng.integers(len(METALS)))]
    places = np.zeros((n_heavy, 3))
    flat = rng.uniform(0.05, 1.0)  # how far it leaves its plane
    for i in range(1, n_heavy):
        # Each atom is bound to one of the last few: chains that branch.
        to = int(rng.integers(max(i - 3, 0), i)) if rng.random() < 0.4 else i - 1
        length = BOND_TO_METAL if to == 0 and atoms[0] in METALS else BOND
        best, room = places[to], -1.0
        for _ in range(12):
            step = rng.normal(size=3) * (1, 1, flat)
            place = places[to] + step * (length / np.linalg.norm(step))
            away = float(((places[:i] - place) ** 2).sum(axis=1).min())
            if away > room:
                best, room = place, away
            if room > 1.3**2:
                break
        places[i] = best
    n_hydrogen = min(max(n_atoms - n_heavy, 0), round(HYDROGEN_ON_CARBON * n_heavy))
    if n_hydrogen:
        bearer = rng.integers(n_heavy, size=n_hydrogen)
        out = places[bearer] - places.mean(axis=0) + rng.normal(size=(n_hydrogen, 3))
        out *= BOND_TO_HYDROGEN / np.maximum(np.linalg.norm(out, axis=1), 1e-9)[:, None]
        places = np.concatenate([places, _spread(places, bearer, out)])
        atoms = np.concatenate([atoms, np.ones(n_hydrogen, dtype=atoms.dtype)])
    return places, atoms


def _spread(heavy: np.ndarray, bearer: np.ndarray, bonds: np.ndarray) -> np.ndarray:
    """Places of hydrogens, turned about what bears them until they have room."""
    for _ in range(TURNS):
        places = heavy[bearer] + bonds
        away = places[:, None] - np.concatenate([heavy, places])
        distance = np.sqrt((away**2).sum(axis=-1))
        rows = np.arange(len(bonds))
        distance[rows, bearer] = distance[rows, len(heavy) + rows] = np.inf
        short = np.maximum(ROOM_OF_HYDROGEN - distance, 0)
        if not short.any():
            break
        push = (away * (short / np.maximum(distance, 1e-3))[:, :, None]).sum(axis=1)
        bonds = bonds + 0.5 * push
        length = np.maximum(np.linalg.norm(bonds, axis=1), 1e-9)
        bonds = bonds * (BOND_TO_HYDROGEN / length)[:, None]
    return heavy[bearer] + bonds


def _rotation(rng: np.random.Generator) -> np.ndarray:
    """A random rotation, from a random unit quaternion."""
    w, x, y, z = (q := rng.normal(size=4)) / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


@cache
def _center_of_inversion(group: int) -> np.ndarray | None:
    """The first center of inversion of a group; None if it has none."""
    rotations, translations = standard_operations(group)
    found = np.flatnonzero((rotations == -np.eye(3)).all(axis=(1, 2)))
    return translations[found[0]] / 2 if len(found) else None
