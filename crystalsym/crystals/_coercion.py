"""Anything a user has -> :class:`Crystal`."""

from __future__ import annotations

import os
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np

from crystalsym._quiet import without_warnings
from crystalsym.crystals._atom_labels import atomic_number
from crystalsym.crystals._cif import read_cif
from crystalsym.crystals._crystal import Crystal
from crystalsym.crystals._notes import warn_of

_POSCAR_NAMES = ("*POSCAR*", "*CONTCAR*", "*.vasp")


def as_crystal(obj: Any, name: str | None = None, block: str | int | None = None) -> Crystal:
    """Read one crystal.

    Parameters
    ----------
    obj : Crystal, pymatgen Structure, ASE Atoms, path or tuple
        A path may name a CIF or mmCIF file or any other that pymatgen reads (POSCAR, ...). A tuple
        is ``(lattice, frac_coords, atomic_numbers)`` as for spglib. Ions and deuterium count as
        their elements.
    name : str, optional
        Name for messages; taken from the path or the formula otherwise.
    block : str or int, optional
        Which block of a CIF file: its name, or its place (from 1) among those with atoms. By
        default the first of these, and a warning if there are others.

    Returns
    -------
    Crystal
        Whatever was guessed, left out or put right stands in its ``notes``, and is a
        :class:`StructureWarning`.

    Raises
    ------
    FileNotFoundError
        If a path does not exist.
    ValueError
        If a file holds no readable structure, or the content is impossible. Names file, block and
        item.
    TypeError
        If the object is none of the above.

    Examples
    --------
    >>> from crystalsym.crystals import as_crystal
    >>> as_crystal(([[4, 0, 0], [0, 4, 0], [0, 0, 4]], [[0, 0, 0]], [84])).formula
    'Po1'
    """
    if isinstance(obj, Crystal):
        return obj
    if isinstance(obj, (str, os.PathLike)):
        return _read_file(Path(obj), name, block)
    if block is not None:
        raise ValueError(f"block={block!r} is for CIF files, not for {type(obj).__name__}")
    if hasattr(obj, "lattice") and hasattr(obj, "sites"):
        return _from_pymatgen(obj, name)
    if hasattr(obj, "get_scaled_positions") and hasattr(obj, "get_cell"):
        return _from_ase(obj, name)
    if isinstance(obj, (tuple, list)) and len(obj) == 3:
        try:
            return Crystal(obj[0], obj[1], obj[2], name=name)
        except TypeError as error:
            raise ValueError(f"{name or 'tuple'}: {error}") from error
    raise TypeError(
        f"cannot read a crystal from {type(obj).__name__}: give a pymatgen Structure, ASE Atoms,"
        " a path to a structure file, a Crystal, or (lattice, frac_coords, atomic_numbers)"
    )


def _read_file(path: Path, name: str | None, block: str | int | None) -> Crystal:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    is_cif = _is_cif(path)
    if block is not None and not is_cif:
        raise ValueError(f"{path}: block={block!r} is for CIF files")
    try:
        with without_warnings():  # parsers' own words; ours are in the notes
            crystal = read_cif(path, block, name) if is_cif else _read_by_pymatgen(path, name)
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{path}: no readable crystal structure ({reason[:300]})") from error
    warn_of(crystal.name or str(path), crystal.notes, stacklevel=4)
    return crystal


def _is_cif(path: Path) -> bool:
    """By its ending, as ``x.cif``, ``x.mcif``, ``x.mmcif`` or ``x.cif.gz``."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return any(suffix in (".cif", ".mcif", ".mmcif") for suffix in suffixes[-2:])


def _read_by_pymatgen(path: Path, name: str | None) -> Crystal:
    from pymatgen.core import Structure

    if any(fnmatch(path.name, pattern) for pattern in _POSCAR_NAMES):
        _refuse_without_names(path)
    return _from_pymatgen(Structure.from_file(path), name or str(path))


def _refuse_without_names(path: Path) -> None:
    """Raise ValueError if a POSCAR names no elements: a parser would take hydrogen, helium ..."""
    lines = path.read_text(errors="replace").splitlines()
    counts = lines[5].split() if len(lines) > 5 else []
    if not counts or not all(count.isdecimal() for count in counts):
        return
    atoms = [line.split() for line in lines[6:] if len(line.split()) >= 4]
    if not any(word.isalpha() and word not in "TF" for words in atoms for word in words[3:]):
        raise ValueError(
            "line 6: no element names, as VASP 4 wrote it; put a line such as 'Na Cl' before the"
            " numbers of atoms"
        )


def _from_pymatgen(structure: Any, name: str | None) -> Crystal:
    label = name or structure.composition.reduced_formula
    if not all(getattr(structure.lattice, "pbc", (True,))):
        raise ValueError(f"{label}: is not periodic in three directions")
    sites, numbers, occupancies = site_contents(structure, label)
    return Crystal(
        structure.lattice.matrix,
        np.array([site.frac_coords for site in sites]),
        numbers,
        occupancies,
        name=label,
    )


def site_contents(structure: Any, label: str) -> tuple[list[Any], np.ndarray, np.ndarray]:
    """Site, atomic number and occupancy of each atom of a pymatgen Structure or Molecule.

    Raises
    ------
    ValueError
        Beginning with ``label``, if there is no atom or a site holds no element.
    """
    sites, numbers, occupancies = [], [], []
    for index, site in enumerate(structure.sites):
        for species, occupancy in site.species.items():
            z = getattr(species, "Z", None)
            # The Z of a placeholder is a hash.
            if z is None or not 1 <= z <= 118:
                raise ValueError(f"{label}: site {index} holds {species}, which is no element")
            sites.append(site)
            numbers.append(int(z))
            occupancies.append(float(occupancy))
    if not sites:
        raise ValueError(f"{label}: holds no atoms")
    return sites, np.array(numbers), np.minimum(occupancies, 1.0)


def _from_ase(atoms: Any, name: str | None) -> Crystal:
    label = name or atoms.get_chemical_formula()
    if len(atoms) == 0:
        raise ValueError(f"{label}: holds no atoms")
    notes = []
    if not np.all(atoms.get_pbc()):
        if np.any(atoms.get_pbc()) or not np.all(np.any(np.asarray(atoms.get_cell()), axis=1)):
            raise ValueError(
                f"{label}: is not periodic in three directions; a crystal has pbc=True"
            )
        notes.append("is periodic in no direction (pbc=False) but has a cell, read as a crystal")
    places, numbers, occupancies = _ase_contents(atoms, label)
    warn_of(label, notes, stacklevel=4)
    return Crystal(
        np.asarray(atoms.get_cell()), places, numbers, occupancies, name=label, notes=tuple(notes)
    )


def _ase_contents(atoms: Any, label: str) -> tuple[np.ndarray, np.ndarray, Any]:
    """Places, atomic numbers and occupancies; ASE keeps shared sites beside the atoms."""
    places, numbers = atoms.get_scaled_positions(wrap=False), atoms.get_atomic_numbers()
    contents = atoms.info.get("occupancy")
    if not contents:
        return places, numbers, None
    kinds = atoms.arrays.get("spacegroup_kinds")
    if kinds is None:
        raise ValueError(
            f"{label}: info['occupancy'] tells of shared sites, but the array 'spacegroup_kinds'"
            " that says which atoms they are is missing"
        )
    by_kind = {str(kind): content for kind, content in contents.items()}
    rows, shared, occupancies = [], [], []
    for row, kind in enumerate(kinds):
        content = by_kind.get(str(kind))
        if not content:
            raise ValueError(f"{label}: info['occupancy'] has no entry for atom {row}, kind {kind}")
        for symbol, occupancy in content.items():
            number = atomic_number(symbol)
            if not number:
                raise ValueError(f"{label}: atom {row} holds {symbol!r}, which is no element")
            rows.append(row)
            shared.append(number)
            occupancies.append(float(occupancy))
    return places[rows], np.array(shared), np.array(occupancies)
