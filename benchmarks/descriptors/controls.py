"""Crystals prepared otherwise, to see what the network really reads.

Each function takes standardized crystals, the source's own crystals and the labels, and returns
the crystals and labels to work with; a label of 0 leaves the crystal out.
"""

from __future__ import annotations

import numpy as np
from joblib import Parallel, delayed

from crystalsym.crystals import Crystal, SymmetryError, space_group_number, standardize
from crystalsym.datasets import CrystalTable

SEED = 5
LAST_ORTHORHOMBIC = 74
SCALE = 0.05
TIGHT = 0.01
CHUNK = 250
# Even permutations as they are; odd ones with the last axis reversed, so that cells stay
# right-handed.
PERMUTATIONS = ((0, 1, 2), (1, 2, 0), (2, 0, 1), (1, 0, 2), (0, 2, 1), (2, 1, 0))

Prepared = tuple[CrystalTable, np.ndarray]


def standard(crystals: CrystalTable, source: CrystalTable, labels: np.ndarray) -> Prepared:
    """As they are."""
    return crystals, labels


def permuted(crystals: CrystalTable, source: CrystalTable, labels: np.ndarray) -> Prepared:
    """Axes of orthorhombic and lower cells in random order: a setting must not tell the group."""
    rng = np.random.default_rng(SEED)
    lattice, coords = crystals.lattice.copy(), crystals.frac_coords.copy()
    for row, choice in enumerate(rng.integers(len(PERMUTATIONS), size=len(crystals))):
        if labels[row] > LAST_ORTHORHOMBIC:
            continue
        order = list(PERMUTATIONS[choice])
        signs = np.array([1, 1, 1 if choice < 3 else -1])
        sites = slice(crystals.site_offsets[row], crystals.site_offsets[row + 1])
        lattice[row] = lattice[row][order] * signs[:, None]
        coords[sites] = coords[sites][:, order] * signs
    return _like(crystals, lattice, coords), labels


def scaled(crystals: CrystalTable, source: CrystalTable, labels: np.ndarray) -> Prepared:
    """Every cell larger or smaller by a random factor."""
    factors = np.random.default_rng(SEED).uniform(1 - SCALE, 1 + SCALE, len(crystals))
    lattice = crystals.lattice * factors[:, None, None]
    return _like(crystals, lattice, crystals.frac_coords), labels


def unidealized(crystals: CrystalTable, source: CrystalTable, labels: np.ndarray) -> Prepared:
    """Standard axes, positions as the source has them."""
    return source.standardized(0.1, n_jobs=2, idealize=False), labels


def symprec_001(crystals: CrystalTable, source: CrystalTable, labels: np.ndarray) -> Prepared:
    """Standardized and labeled with a tolerance of 0.01 Å; groups of the task alone."""
    parts = Parallel(n_jobs=2)(
        delayed(_tight)(source[start : start + CHUNK]) for start in range(0, len(source), CHUNK)
    )
    table = CrystalTable.from_crystals((c for part, _ in parts for c in part), standard=True)
    found = np.array([number for _, numbers in parts for number in numbers])
    return table, np.where(np.isin(found, np.unique(labels)), found, 0)


def _like(crystals: CrystalTable, lattice: np.ndarray, coords: np.ndarray) -> CrystalTable:
    return CrystalTable(
        lattice,
        crystals.site_offsets,
        coords,
        crystals.atomic_numbers,
        crystals.names,
        crystals.space_group,
        standard=True,
    )


def _tight(table: CrystalTable) -> tuple[list[Crystal], list[int]]:
    crystals, numbers = [], []
    for crystal in table:
        try:
            crystals.append(standardize(crystal, TIGHT))
            numbers.append(space_group_number(crystal, TIGHT))
        except SymmetryError:
            crystals.append(standardize(crystal))
            numbers.append(0)
    return crystals, numbers
