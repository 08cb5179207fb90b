"""Reflection lists of exactly one Laue class: an intensity drawn for each set of equivalents."""

from __future__ import annotations

import numpy as np

from crystalsym.crystals._cell_parameters import cell_of, lattice_of
from crystalsym.crystals._metric_settings import allowed_by_centering
from crystalsym.crystals._wyckoff import standard_operations
from crystalsym.reflections import ReflectionList
from crystalsym.reflections._equivalents import canonical_keys
from crystalsym.reflections._lattice_symmetry import primitive_basis

TRICLINIC = (5.1, 6.3, 7.2, 83.0, 97.0, 104.0)
MONOCLINIC = (6.1, 5.3, 7.4, 90.0, 101.0, 90.0)
ORTHORHOMBIC = (5.2, 6.3, 7.7, 90.0, 90.0, 90.0)
TETRAGONAL = (5.6, 5.6, 7.7, 90.0, 90.0, 90.0)
HEXAGONAL = (5.9, 5.9, 7.7, 90.0, 90.0, 120.0)
CUBIC = (6.6, 6.6, 6.6, 90.0, 90.0, 90.0)

# Laue class, centering: a group of it whose axes are those of the cell, and the cell.
KINDS = {
    ("-1", "P"): (2, TRICLINIC), ("2/m", "P"): (10, MONOCLINIC), ("2/m", "C"): (12, MONOCLINIC),
    ("mmm", "P"): (47, ORTHORHOMBIC), ("mmm", "C"): (65, ORTHORHOMBIC),
    ("mmm", "I"): (71, ORTHORHOMBIC), ("mmm", "F"): (69, ORTHORHOMBIC),
    ("4/m", "P"): (83, TETRAGONAL), ("4/m", "I"): (87, TETRAGONAL),
    ("4/mmm", "P"): (123, TETRAGONAL), ("4/mmm", "I"): (139, TETRAGONAL),
    ("-3", "P"): (147, HEXAGONAL), ("-3", "R"): (148, HEXAGONAL),
    ("-3m1", "P"): (164, HEXAGONAL), ("-3m1", "R"): (166, HEXAGONAL),
    ("-31m", "P"): (162, HEXAGONAL), ("6/m", "P"): (175, HEXAGONAL),
    ("6/mmm", "P"): (191, HEXAGONAL), ("m-3", "P"): (200, CUBIC), ("m-3", "I"): (204, CUBIC),
    ("m-3", "F"): (202, CUBIC), ("m-3m", "P"): (221, CUBIC), ("m-3m", "I"): (229, CUBIC),
    ("m-3m", "F"): (225, CUBIC),
}  # fmt: skip


def rotations_of(group: int) -> np.ndarray:
    """Proper rotations of a group's Laue class."""
    found = np.unique(standard_operations(group)[0], axis=0)
    return found[np.round(np.linalg.det(found)) == 1].astype(int)


def orbit_list(
    laue: str,
    centering: str = "P",
    *,
    cell: tuple[float, ...] | None = None,
    d_min: float = 0.8,
    error: float = 0.02,
    missing: float = 0.0,
    merged: bool = False,
    leak: float = 0.0,
    seed: int = 0,
) -> ReflectionList:
    """A list of the whole sphere, or of one of each set of equivalents (``merged``)."""
    rng = np.random.default_rng(seed)
    group, usual = KINDS[laue, centering]
    lattice = lattice_of(usual if cell is None else cell)
    spans = np.floor(np.linalg.norm(lattice, axis=1) / d_min).astype(int)
    hkl = np.stack(np.meshgrid(*(np.arange(-s, s + 1) for s in spans), indexing="ij"), axis=-1)
    hkl = hkl.reshape(-1, 3)
    q = np.linalg.norm(hkl @ np.linalg.inv(lattice).T, axis=1)
    hkl = hkl[(q > 0) & (q <= 1 / d_min)]
    _, first, orbit = np.unique(
        canonical_keys(hkl, rotations_of(group)), return_index=True, return_inverse=True
    )
    true = rng.exponential(size=len(first))
    allowed = allowed_by_centering(hkl, centering)
    dark = leak * rng.exponential(size=len(first))
    values = np.where(allowed, true[orbit], dark[orbit])
    if merged:
        hkl, values = hkl[first], values[first]
    sigma = error * (0.3 + values)
    values = values + sigma * rng.standard_normal(len(values))
    kept = rng.random(len(values)) >= missing
    return ReflectionList(
        hkl[kept], values[kept], sigma[kept], cell_of(lattice), radiation="xray",
        name=f"{laue} {centering}",
    )  # fmt: skip


def in_other_axes(given: ReflectionList, change: np.ndarray, centering: str = "P"):
    """The same measurements, rows shuffled, in axes of a primitive cell changed again.

    Parameters
    ----------
    change : ndarray of int, shape (3, 3)
        Of determinant 1.
    centering : str
        Of the list's cell; with "P" nothing but ``change`` is applied.
    """
    lattice = lattice_of(given.cell)
    kept = given[allowed_by_centering(given.hkl, centering)]
    if centering != "P":
        change = change @ primitive_basis(lattice, centering)
    order = np.random.default_rng(len(kept)).permutation(len(kept))
    return ReflectionList(
        np.round(kept.hkl @ change.T).astype(int)[order], kept.intensity[order],
        kept.sigma[order], cell_of(change @ lattice), radiation=kept.radiation,
        coverage=kept.coverage, name=kept.name,
    )  # fmt: skip


def unimodular(rng: np.random.Generator, steps: int = 4) -> np.ndarray:
    """A change between bases of one lattice, drawn."""
    change = np.eye(3, dtype=int)
    for _ in range(steps):
        one, two = rng.permutation(3)[:2]
        change[one] += rng.integers(-1, 2) * change[two]
    change = change[rng.permutation(3)]
    return change if np.linalg.det(change) > 0 else -change
