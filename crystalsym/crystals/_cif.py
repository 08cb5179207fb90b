"""Crystals from CIF and mmCIF files: read whole, or refused with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from crystalsym.crystals._cif_atoms import holds_structure, read_atoms, read_cell, stated_formula
from crystalsym.crystals._cif_block import CifBlock
from crystalsym.crystals._cif_symmetry import Reading, Symmetry, read_symmetry
from crystalsym.crystals._cif_text import read_document
from crystalsym.crystals._close_atoms import close_pairs
from crystalsym.crystals._crystal import TOO_CLOSE, Crystal
from crystalsym.crystals._expansion import Expanded, SiteAtom, expand
from crystalsym.crystals._notes import listed

CONTENT_MISFIT = 0.05  # of all atoms but hydrogen, which many files leave out


def read_cif(path: Path, block: str | int | None = None, name: str | None = None) -> Crystal:
    """Read one block of a CIF or mmCIF file.

    Parameters
    ----------
    path : Path
    block : str or int, optional
        Name of a block, or its place (from 1) among those that hold atoms; the first of these by
        default, with a note if there are others.
    name : str, optional
        Name of the crystal; the path by default.

    Returns
    -------
    Crystal
        With all that was guessed or put right in its ``notes``.

    Raises
    ------
    ValueError
        If it cannot be read; names block, item and what would be right.
    """
    notes: list[str] = []
    chosen = _chosen(read_document(path, notes), block, notes)
    cell = read_cell(chosen, notes)
    atoms = read_atoms(chosen, cell, notes)
    symmetry = read_symmetry(chosen, cell, notes)
    lattice = np.array(cell.orth.mat.tolist()).T
    content = _StatedContent(chosen)
    try:
        reading, expanded = _best(symmetry, atoms, lattice, content)
    except ValueError as error:
        raise ValueError(f"{chosen.where('_atom_site')} {error}") from error
    if symmetry.disputed:
        notes.append(f"{symmetry.disputed}; {reading.words} fits best and is used")
    notes += expanded.notes
    if difference := content.difference(expanded):
        notes.append(difference)
    return Crystal(
        lattice,
        expanded.places,
        expanded.atomic_numbers,
        expanded.occupancies,
        name=name or str(path),
        notes=tuple(dict.fromkeys(notes)),
    )


def _chosen(document, wanted: str | int | None, notes: list[str]) -> CifBlock:
    """The block asked for, or the first with atoms."""
    if len(document) == 0:
        raise ValueError("there is no data block; a CIF file has lines such as data_NaCl")
    names = [block.name.strip() for block in document]
    if isinstance(wanted, str):
        places = [i for i, name in enumerate(names) if name.lower() == wanted.lower()]
        if not places and not wanted.isdecimal():
            raise ValueError(f"there is no block {wanted!r}, but {listed(names)}")
        if places:
            return CifBlock(document[places[0]])
        wanted = int(wanted)
    with_atoms = [i for i, block in enumerate(document) if _atoms_in(block)]
    if not with_atoms:
        raise ValueError(
            f"block {names[0]!r}: no atom has coordinates (_atom_site_fract_x, _y, _z)"
        )
    if wanted is None:
        if len(with_atoms) > 1:
            others = listed(names[i] for i in with_atoms[1:])
            notes.append(
                f"block {names[with_atoms[0]]!r} is read, the first of {len(with_atoms)};"
                f" others: {others}"
            )
        return CifBlock(document[with_atoms[0]])
    if not 1 <= wanted <= len(with_atoms):
        raise ValueError(f"there is no block {wanted}, {len(with_atoms)} hold atoms")
    return CifBlock(document[with_atoms[wanted - 1]])


def _atoms_in(block) -> bool:
    try:
        return holds_structure(CifBlock(block))
    except ValueError:  # which is said when the block is read
        return True


class _StatedContent:
    """What a file says the cell holds: formula, and units of it."""

    def __init__(self, block: CifBlock) -> None:
        self.formula = stated_formula(block)
        stated = block.text("_cell_formula_units_Z")
        self.units = float(stated) if stated.isdecimal() and int(stated) > 0 else None

    def misfit(self, expanded: Expanded) -> float:
        """Share of atoms too many or too few, hydrogen aside; 0 where nothing is stated."""
        stated, found = self._counts(expanded)
        return sum(abs(stated[z] - found[z]) for z in stated) / (sum(stated.values()) or 1.0)

    def difference(self, expanded: Expanded) -> str:
        """What to note about cell and formula, or nothing."""
        if self.misfit(expanded) <= CONTENT_MISFIT:
            return ""
        stated, found = self._counts(expanded)
        return f"the cell holds {_formula(found)}, but {_formula(stated)} by the formula stated"

    def _counts(self, expanded: Expanded) -> tuple[dict[int, float], dict[int, float]]:
        """Atoms of each element, stated and found, in the cell."""
        if not self.formula:
            return {}, {}
        numbers = sorted({*self.formula, *expanded.atomic_numbers.tolist()} - {1})
        found = {
            z: float(expanded.occupancies[expanded.atomic_numbers == z].sum()) for z in numbers
        }
        total = sum(self.formula.get(z, 0.0) for z in numbers)
        # Without Z the proportions remain.
        units = self.units or max(1, round(sum(found.values()) / (total or 1.0)))
        return {z: units * self.formula.get(z, 0.0) for z in numbers}, found


def _formula(counts: dict[int, float]) -> str:
    import gemmi

    return " ".join(f"{gemmi.Element(z).name}{n:.4g}" for z, n in counts.items())


def _best(
    symmetry: Symmetry,
    atoms: Sequence[SiteAtom],
    lattice: np.ndarray,
    content: _StatedContent,
) -> tuple[Reading, Expanded]:
    """The reading whose atoms fit the stated content and keep their distance.

    Of two origins, the one that puts atoms on special positions gives fewer of them.

    Raises
    ------
    ValueError
        What is wrong with the likeliest reading, if each of them is impossible.
    """
    if len(symmetry.readings) == 1:
        return symmetry.readings[0], expand(atoms, symmetry.readings[0].operations, lattice)
    found = []
    problem: ValueError | None = None
    for place, reading in enumerate(symmetry.readings):
        try:
            expanded = expand(atoms, reading.operations, lattice)
        except ValueError as error:
            problem = problem or error
            continue
        unfit = content.misfit(expanded) > CONTENT_MISFIT
        n_atoms = len(expanded.places) if reading.open_origin else 0
        rank = (unfit, _overlaps(lattice, expanded), n_atoms, place)
        found.append((rank, reading, expanded))
    if not found:
        assert problem is not None
        raise problem
    _, reading, expanded = min(found, key=lambda entry: entry[0])
    return reading, expanded


def _overlaps(lattice: np.ndarray, expanded: Expanded) -> bool:
    first, second = close_pairs(lattice, expanded.places, TOO_CLOSE)
    return bool(np.any(expanded.occupancies[first] + expanded.occupancies[second] > 1.05))
