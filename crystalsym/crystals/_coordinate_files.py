"""Read coordinate files of molecules, PDB and macromolecular mmCIF, as clusters."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from crystalsym.crystals._cluster import Cluster

SUFFIXES = (".pdb", ".ent", ".mmcif")


def is_coordinate_file(path: Path) -> bool:
    """Tell whether a file lists atoms in Å: by its ending, or as an mmCIF file by its items."""
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return True
    if suffix != ".cif" or not path.is_file():
        return False
    text = path.read_bytes().lower()
    # Structures of small cells may hold Cartesian coordinates, too, beside fractional ones.
    return b"_atom_site.cartn_x" in text and b"_atom_site.fract_x" not in text


def read_coordinate_file(path: Path) -> Cluster:
    """Read the atoms of a PDB or mmCIF file.

    All atoms of the first model count, waters and alternative places with the occupancies that
    the file gives them. The file's cell, where it has one, becomes the lattice.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Cluster

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it cannot be read, holds no atoms, or an atom is of no known element.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    import gemmi

    pdb = path.suffix.lower() in (".pdb", ".ent")
    try:
        kind = gemmi.CoorFormat.Pdb if pdb else gemmi.CoorFormat.Mmcif
        structure = gemmi.read_structure(str(path), format=kind)
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{path}: no readable atoms ({reason[:200]})") from error
    found = list(structure[0].all()) if len(structure) else []
    if not found:
        raise ValueError(f"{path}: holds no atoms")
    if len(structure) > 1:
        warnings.warn(
            f"{path}: holds {len(structure)} models; the first is taken", UserWarning, stacklevel=3
        )
    if pdb:
        _tell_of_elements(path)
    for place in found:
        if place.atom.element.atomic_number == 0:
            raise ValueError(f"{path}: atom {place} is of no known element")
    kept = [place for place in found if place.atom.occ > 0]
    if len(kept) < len(found):
        first = next(place for place in found if not place.atom.occ > 0)
        warnings.warn(
            f"{path}: atoms of occupancy 0 are left out, {len(found) - len(kept)} of them, the"
            f" first {first}",
            UserWarning,
            stacklevel=3,
        )
    if not kept:
        raise ValueError(f"{path}: all its atoms have occupancy 0")
    return Cluster(
        np.array([place.atom.pos.tolist() for place in kept]),
        np.array([place.atom.element.atomic_number for place in kept]),
        # gemmi keeps them in single precision; files have at most four digits.
        np.array([place.atom.occ for place in kept]).round(4),
        lattice=_lattice(structure.cell),
        name=str(path),
    )


def _lattice(cell: Any) -> np.ndarray | None:
    """Vectors of the cell as rows; None for the cell of 1 Å that stands for no crystal."""
    if not cell.is_crystal():
        return None
    vectors: np.ndarray = np.array(cell.orth.mat.tolist()).T
    return vectors


def _tell_of_elements(path: Path) -> None:
    """Warn if elements had to be taken from the atoms' names."""
    with path.open(encoding="latin-1") as lines:
        for line in lines:
            if line[:6] in ("ATOM  ", "HETATM") and not line[76:78].strip():
                warnings.warn(
                    f"{path}: names no element of atom {line[6:11].strip()}"
                    f" ({line[12:16].strip()}) and maybe others; it is taken from the atom's name",
                    UserWarning,
                    stacklevel=4,
                )
                return
