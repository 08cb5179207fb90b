"""Crystals by the names that the paper gives them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from task import Task

from crystalsym import space_group_number, spacegroups
from crystalsym.crystals import Crystal, as_crystal, standardize
from crystalsym.training import TrainingData

SOURCE = "https://next-gen.materialsproject.org/materials/"


@dataclass(frozen=True)
class Material:
    """Hold a crystal of the paper.

    Attributes
    ----------
    name : str
        Its number at the Materials Project.
    crystal : Crystal
        In its standard cell.
    space_group : int
    row : int or None
        Where it stands in the table; None if it comes from a file.
    part : {"learned from", "held out", "not in the table"}
    """

    name: str
    crystal: Crystal
    space_group: int
    row: int | None
    part: str

    @property
    def title(self) -> str:
        """Name, formula and group."""
        symbol = spacegroups.symbol(self.space_group)
        return f"{self.name}, {self.crystal.formula}, {self.space_group} {symbol}"


def find_materials(task: Task, data: TrainingData, names: Iterable[str]) -> dict[str, Material]:
    """Find crystals in the table, or else as CIF files in the folder ``cif_folder`` beside it.

    Raises
    ------
    FileNotFoundError
        Naming the crystal that is in neither, and where it can be had.
    """
    rows = {name: row for row, name in enumerate(names_of(data))}
    held_out = set(data.test.tolist())
    found = {}
    for name in dict.fromkeys(names):
        if name in rows:
            row = rows[name]
            part = "held out" if row in held_out else "learned from"
            found[name] = Material(name, data.crystals[row], int(data.labels[row]), row, part)
        else:
            crystal = standardize(as_crystal(str(_file_of(task, name))), 0.1)
            group = space_group_number(crystal, symprec=0.1)
            found[name] = Material(name, crystal, int(group), None, "not in the table")
    return found


def names_of(data: TrainingData) -> list[str]:
    """Name the rows of the table; those of a tiny run are numbered."""
    names: Any = data.crystals.names
    if names is None:
        names = [f"crystal-{row}" for row in range(len(data.labels))]
    return [str(name) for name in np.asarray(names)]


def _file_of(task: Task, name: str) -> Path:
    folder = Path(task.settings.get("cif_folder", "paper_crystals"))
    if task.structures is not None:
        folder = task.structures.parent / folder  # an absolute path stays as it is
    file = folder / f"{name}.cif"
    if not file.is_file():
        raise FileNotFoundError(
            f"{name} is neither in the table of crystals nor in {file}: save the CIF of "
            f"{SOURCE}{name} there, or name another folder as cif_folder in [settings]"
        )
    return file
