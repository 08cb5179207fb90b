"""What weights have learned from: rows of the table, and crystals that are found among them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crystalsym.bundles import find_model
from crystalsym.crystals import Crystal, as_crystal, standardize
from crystalsym.datasets import CrystalTable
from crystalsym.learning import near_duplicate_groups
from crystalsym.pretrained import read_description
from crystalsym.training import TrainingConfig, load_data
from crystalsym.training._data import TrainingData, of_a_card


@dataclass(frozen=True)
class Rows:
    """Rows of the file, by what a model's weights know of them, and its held-out crystals.

    Attributes
    ----------
    learned, held_out : ndarray of int
        Rows of the file. Weights that were refitted have learned from all, and hold out none.
    data : TrainingData
        The split that the model's card tells, whatever was refitted.
    """

    learned: np.ndarray
    held_out: np.ndarray
    data: TrainingData


def model_rows(
    model: str,
    structures: Path,
    cache: Path,
    n_jobs: int,
    known: dict[str, TrainingData],
    split: str | None = None,
) -> Rows:
    """Split the table as a model's card says, or by another kind of split.

    ``known`` keeps splits from one call to the next.
    """
    card = read_description(find_model(model))["metadata"]
    settings = of_a_card(card["training"]["config"]["data"])
    settings["structures"] = str(structures)
    settings["split"] = split or settings["split"]
    key = json.dumps(settings, sort_keys=True)
    if key not in known:
        config = TrainingConfig("benchmark", data=settings)
        known[key] = load_data(config, cache, n_jobs, 1)
    data = known[key]
    if "refitted" in card:
        return Rows(data.rows, np.empty(0, dtype=int), data)
    return Rows(data.rows[data.train], data.rows[data.test], data)


def reduced_compositions(table: CrystalTable) -> np.ndarray:
    """Atoms of each element in the reduced formula, a row a crystal."""
    counts = np.zeros((len(table), 128), dtype=np.int64)
    owner = np.repeat(np.arange(len(table)), np.diff(table.site_offsets))
    np.add.at(counts, (owner, np.asarray(table.atomic_numbers, dtype=int)), 1)
    return counts // np.gcd.reduce(counts, axis=1)[:, None]


def matches(
    crystals: list[Any], groups: list[int], table: CrystalTable, symprec: float = 0.1
) -> list[list[dict[str, Any]]]:
    """Find crystals in a table of standard cells.

    A row is the same crystal if it has the same reduced formula and space group and is a
    near-duplicate (:func:`crystalsym.learning.near_duplicate_groups`), or pymatgen's
    ``StructureMatcher``, by its own tolerances, maps one structure on the other: computed cells are
    some per cent off.

    Parameters
    ----------
    crystals : list
        Anything :func:`crystalsym.as_crystal` reads.
    groups : list of int
        Their space groups.
    table : CrystalTable
        With space groups.

    Returns
    -------
    list of list of dict
        For every crystal the rows that match: their number and name, and how they were told.
    """
    from pymatgen.analysis.structure_matcher import StructureMatcher

    matcher = StructureMatcher()
    standard = [standardize(as_crystal(one), symprec) for one in crystals]
    wanted = reduced_compositions(CrystalTable.from_crystals(standard))
    present = reduced_compositions(table)
    found = []
    for crystal, group, formula in zip(standard, groups, wanted, strict=True):
        ours = _structure(crystal)
        of_one = []
        alike = (present == formula).all(axis=1) & (np.asarray(table.space_group) == group)
        for row in np.flatnonzero(alike):
            other: Crystal = table[int(row)]
            same_cell = near_duplicate_groups([crystal, other])[1] == 0
            if same_cell or matcher.fit(ours, _structure(other)):
                how = "near-duplicate" if same_cell else "structure matcher"
                of_one.append({"row": int(row), "id": other.name, "by": how})
        found.append(of_one)
    return found


def _structure(crystal: Crystal) -> Any:
    from pymatgen.core import Structure

    return Structure(crystal.lattice, crystal.atomic_numbers, crystal.frac_coords)
