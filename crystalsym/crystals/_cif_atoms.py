"""The asymmetric unit of a CIF block: cell, atoms, occupancies, stated content."""

from __future__ import annotations

import re
from collections.abc import Sequence

import gemmi
import numpy as np

from crystalsym.crystals._atom_labels import atomic_number, elements
from crystalsym.crystals._cif_block import CifBlock, Number, known
from crystalsym.crystals._expansion import MOST_OCCUPIED, SiteAtom
from crystalsym.crystals._notes import listed

FRACT = tuple(f"_atom_site_fract_{axis}" for axis in "xyz")
CARTN = tuple(f"_atom_site_Cartn_{axis}" for axis in "xyz")
_EDGES = ("_cell_length_a", "_cell_length_b", "_cell_length_c")
_ANGLES = ("_cell_angle_alpha", "_cell_angle_beta", "_cell_angle_gamma")


def holds_structure(block: CifBlock) -> bool:
    """Are there atoms with coordinates, readable or not?"""
    return bool(block.column(*FRACT, *CARTN))


def read_cell(block: CifBlock, notes: list[str]) -> gemmi.UnitCell:
    """Edges and angles.

    Raises
    ------
    ValueError
        If one is missing or impossible.
    """
    values = []
    for item in _EDGES:
        edge = block.number(item)
        if edge is None:
            raise ValueError(f"{block.where(item)} is missing, needs a length in Å")
        if not edge.value > 0:
            raise ValueError(f"{block.where(item)} is {edge.value:g}, needs a positive length")
        values.append(edge.value)
    missing = []
    for item in _ANGLES:
        angle = block.number(item)
        if angle is None:
            missing.append(item.removeprefix("_cell_angle_"))
        elif not 0 < angle.value < 180:
            raise ValueError(f"{block.where(item)} is {angle.value:g}, needs 0 to 180 degrees")
        values.append(90.0 if angle is None else angle.value)
    if missing:
        notes.append(f"cell angle {', '.join(missing)} not given, taken as 90°")
    if values == [1, 1, 1, 90, 90, 90]:
        raise ValueError(f"{block.where('_cell_length_a')}: 1 x 1 x 1 Å stands for no crystal")
    cell = gemmi.UnitCell(*values)
    if not (np.isfinite(cell.volume) and cell.volume > 1e-3):
        raise ValueError(
            f"{block.where('_cell_angle_alpha')}: angles {values[3]:g}, {values[4]:g},"
            f" {values[5]:g} close no cell"
        )
    stated = block.text("_cell_volume")
    if stated:
        volume = block.as_number(stated, "_cell_volume").value
        if abs(volume - cell.volume) > 0.02 * cell.volume:
            notes.append(
                f"_cell_volume {volume:g} is not that of the edges and angles, {cell.volume:.5g} Å³"
            )
    return cell


def read_atoms(block: CifBlock, cell: gemmi.UnitCell, notes: list[str]) -> list[SiteAtom]:
    """Atoms of the asymmetric unit.

    Raises
    ------
    ValueError
        If an atom cannot be read; names it and the item.
    """
    tags = FRACT if block.column(*FRACT) else CARTN
    columns = [block.column(tag) for tag in tags]
    n_atoms = max(map(len, columns))
    for tag, column in zip(tags, columns, strict=True):
        if len(column) != n_atoms:
            raise ValueError(f"{block.where(tag)} has {len(column)} values for {n_atoms} atoms")
    labels = _labels(block, n_atoms)
    rows = _located(block, tags, columns, labels, notes)
    types = _column(block, n_atoms, "?", "_atom_site_type_symbol")
    numbers = elements(
        [labels[i] for i in rows],
        [types[i] for i in rows],
        stated_formula(block),
        block.where,
        notes,
    )
    occupancies = _occupancies(block, labels, rows, notes)
    to_fractions = None if tags is FRACT else _to_fractions(block, cell)
    edges = np.array([cell.a, cell.b, cell.c])
    atoms = []
    for i, z in zip(rows, numbers, strict=True):
        if occupancies[i] == 0:
            continue
        written = [
            block.as_number(column[i], f"{tag} of atom {labels[i]!r}")
            for tag, column in zip(tags, columns, strict=True)
        ]
        place = np.array([number.value for number in written])
        unit = _unit(written)
        if to_fractions is not None:
            matrix, shift = to_fractions
            place, unit = matrix @ place + shift, unit / edges.max()
        atoms.append(SiteAtom(labels[i], z, occupancies[i], place, unit))
    if not atoms:
        raise ValueError(f"{block.where(tags[0])}: no atom has coordinates and an occupancy")
    return atoms


def stated_formula(block: CifBlock) -> dict[int, float]:
    """Atoms of each element in a formula unit; empty if the file does not say or is unclear."""
    text = block.text("_chemical_formula_sum")
    pieces = re.findall(r"([A-Z][a-z]?)\s*(\d*\.?\d*)(?:\(\d+\))?", text)
    rest = re.sub(r"([A-Z][a-z]?)\s*(\d*\.?\d*)(?:\(\d+\))?", "", text).strip(" ,'\"")
    formula: dict[int, float] = {}
    for symbol, count in pieces:
        z = atomic_number(symbol)
        if not z or count == ".":
            return {}
        formula[z] = formula.get(z, 0.0) + (float(count) if count else 1.0)
    return {} if rest else formula


def _column(block: CifBlock, n_atoms: int, default: str, *names: str) -> list[str]:
    column = block.column(*names)
    return column if len(column) == n_atoms else [default] * n_atoms


def _labels(block: CifBlock, n_atoms: int) -> list[str]:
    labels = _column(
        block, n_atoms, "?", "_atom_site_label", "_atom_site_label_atom_id", "_atom_site_id",
        "_atom_site_type_symbol",
    )  # fmt: skip
    return [label if known(label) else f"#{row}" for row, label in enumerate(labels, start=1)]


def _located(
    block: CifBlock,
    tags: Sequence[str],
    columns: Sequence[Sequence[str]],
    labels: Sequence[str],
    notes: list[str],
) -> list[int]:
    """Rows of the atoms to read; the others are named in the notes."""
    n_atoms = len(labels)
    flags = _column(block, n_atoms, "?", "_atom_site_calc_flag")
    models = _column(block, n_atoms, "1", "_atom_site_pdbx_PDB_model_num")
    rows, nowhere, dummies = [], [], []
    for i, place in enumerate(zip(*columns, strict=True)):
        if models[i] != models[0]:
            continue
        given = [known(value) for value in place]
        if flags[i].lower() in ("dum", "dummy"):
            dummies.append(labels[i])
        elif not any(given):
            nowhere.append(labels[i])
        elif not all(given):
            lacking = tags[given.index(False)]
            raise ValueError(
                f"{block.where(lacking)} of atom {labels[i]!r} is"
                f" {place[given.index(False)]!r}, needs a number"
            )
        else:
            rows.append(i)
    if nowhere:
        notes.append(f"{listed(nowhere)}: without coordinates, left out")
    if dummies:
        notes.append(f"{listed(dummies)}: dummy atoms, left out")
    if len(set(models)) > 1:
        notes.append(f"the first of {len(set(models))} models is read")
    return rows


def _occupancies(
    block: CifBlock, labels: Sequence[str], rows: Sequence[int], notes: list[str]
) -> list[float]:
    item = "_atom_site_occupancy"
    texts = _column(block, len(labels), ".", item)
    occupancies = [1.0] * len(labels)
    unknown, empty, over = [], [], []
    for i in rows:
        if not known(texts[i]):  # "." is the dictionary's default, which is 1
            if texts[i] == "?":
                unknown.append(labels[i])
            continue
        value = block.as_number(texts[i], f"{item} of atom {labels[i]!r}").value
        if not 0 <= value <= MOST_OCCUPIED:
            raise ValueError(
                f"{block.where(item)} of atom {labels[i]!r} is {value:g}, needs 0 to 1"
            )
        if value == 0:
            empty.append(labels[i])
        if value > 1:
            over.append(f"{labels[i]} ({value:g})")
        occupancies[i] = min(value, 1.0)
    if unknown:
        notes.append(f"{listed(unknown)}: occupancy unknown, taken as 1")
    if empty:
        notes.append(f"{listed(empty)}: occupancy 0, left out")
    if over:
        notes.append(f"{listed(over)}: occupied more than once, taken as 1")
    return occupancies


def _unit(written: Sequence[Number]) -> float:
    """What the coarsest last digit is worth, of coordinates that are not exact as written.

    Eighths are: who writes 0.5 or 0.25 beside four digits means just that.
    """
    units = [n.unit for n in written if abs(8 * n.value - round(8 * n.value)) > 1e-9]
    return max(units, default=0.0)


def _to_fractions(block: CifBlock, cell: gemmi.UnitCell) -> tuple[np.ndarray, np.ndarray]:
    """Matrix and shift from Cartesian coordinates: the file's own, or of the usual frame."""
    for name in (
        "_atom_sites_fract_transf_matrix[{}][{}]",
        "_atom_sites_fract_tran_matrix_{}{}",
    ):
        items = [name.format(i, j) for i in (1, 2, 3) for j in (1, 2, 3)]
        if all(block.text(item) for item in items):
            matrix = np.array([block.as_number(block.text(item), item).value for item in items])
            shifts = []
            for i in (1, 2, 3):
                for item in (f"_atom_sites_fract_transf_vector[{i}]",
                             f"_atom_sites_fract_tran_vector_{i}"):  # fmt: skip
                    if text := block.text(item):
                        shifts.append(block.as_number(text, item).value)
                        break
            return matrix.reshape(3, 3), np.array(shifts if len(shifts) == 3 else [0.0] * 3)
    return np.array(cell.frac.mat.tolist()), np.zeros(3)
