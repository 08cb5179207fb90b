"""The same crystals, changed in one respect."""

from __future__ import annotations

from typing import Any

import numpy as np
from joblib import Parallel, delayed

from crystalsym import spacegroups
from crystalsym._progress import track
from crystalsym.crystals import Crystal, SymmetryError, space_group_number, standardize
from crystalsym.datasets._table import CHUNK, CrystalTable

LOW_SYSTEMS = ("triclinic", "monoclinic", "orthorhombic")
PERMUTATIONS = np.array([[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
JITTER = 0.05


def permuted_axes(crystals: CrystalTable, labels: np.ndarray, random_state: int) -> CrystalTable:
    """Order the axes of orthorhombic and lower cells at random, a ∥ x and b in the xy plane.

    They count as standard, so that the simulator leaves their axes alone.
    """
    rng = np.random.default_rng(random_state)
    orders = PERMUTATIONS[rng.integers(len(PERMUTATIONS), size=len(crystals))]
    low = np.array([spacegroups.crystal_system(int(n)) in LOW_SYSTEMS for n in labels])
    orders[~low] = PERMUTATIONS[0]
    return _table((_with_axes(crystals[row], order) for row, order in enumerate(orders)), crystals)


def jittered_scale(crystals: CrystalTable, random_state: int) -> CrystalTable:
    """Make every cell larger or smaller by up to 5 %, its shape as it was."""
    rng = np.random.default_rng(random_state)
    scale = 1 + rng.uniform(-JITTER, JITTER, size=len(crystals))
    return CrystalTable(
        crystals.lattice * scale[:, None, None],
        crystals.site_offsets,
        crystals.frac_coords,
        crystals.atomic_numbers,
        crystals.names,
        crystals.space_group,
        crystals.standard,
    )


def found_at(
    original: CrystalTable,
    symprec: float,
    idealize: bool = True,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> tuple[CrystalTable, np.ndarray, np.ndarray]:
    """Find labels and standard cells by another tolerance of the symmetry finder.

    Returns
    -------
    crystals : CrystalTable
        Those in which some symmetry was found.
    labels : ndarray of int
    rows : ndarray of int
        Where they stand in ``original``.
    """
    crystals: list[Crystal] = []
    labels: list[int] = []
    with track(len(original), f"symmetry at {symprec:g} Å", verbose, unit="crystals") as advance:
        for part in Parallel(n_jobs=n_jobs, return_as="generator")(
            delayed(_find)(original[start : start + CHUNK], symprec, idealize)
            for start in range(0, len(original), CHUNK)
        ):
            for label, crystal in part:
                labels.append(label)
                crystals.append(crystal)
            advance(len(part))
    rows = np.flatnonzero(labels)
    table = CrystalTable.from_crystals((crystals[row] for row in rows), standard=True)
    return table, np.array(labels)[rows], rows


def _find(table: CrystalTable, symprec: float, idealize: bool) -> list[tuple[int, Any]]:
    found: list[tuple[int, Any]] = []
    for crystal in table:
        try:
            standard = standardize(crystal, symprec, idealize)
            found.append((space_group_number(crystal, symprec), standard))
        except SymmetryError:
            found.append((0, None))
    return found


def _with_axes(crystal: Crystal, order: np.ndarray) -> Crystal:
    change = np.eye(3)[order]
    # An odd order alone would show the mirror image.
    change *= np.round(np.linalg.det(change))
    lattice = change @ crystal.lattice
    coords = crystal.frac_coords @ change.T  # the inverse of such a change is its transpose
    return crystal.replace(
        lattice=np.linalg.cholesky(lattice @ lattice.T), frac_coords=coords - np.floor(coords)
    )


def _table(crystals: Any, like: CrystalTable) -> CrystalTable:
    return CrystalTable.from_crystals(crystals, like.space_group, like.standard)
