"""Anything a user has -> :class:`Crystal`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from crystalsym._quiet import without_warnings
from crystalsym.crystals._crystal import Crystal


def as_crystal(obj: Any, name: str | None = None) -> Crystal:
    """Read one crystal.

    Parameters
    ----------
    obj : Crystal, pymatgen Structure, ASE Atoms, path or tuple
        A path may name any file pymatgen reads (CIF, POSCAR, ...). A tuple is
        ``(lattice, frac_coords, atomic_numbers)`` as for spglib. Ions and deuterium count as
        their elements.
    name : str, optional
        Name for messages; taken from the path or the formula otherwise.

    Returns
    -------
    Crystal

    Raises
    ------
    FileNotFoundError
        If a path does not exist.
    ValueError
        If a file holds no readable structure, or the content is impossible.
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
        return _read_file(Path(obj), name)
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


def _read_file(path: Path, name: str | None) -> Crystal:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    from pymatgen.core import Structure

    try:
        with without_warnings():
            # Two atoms on one place are the caller's business elsewhere; in a file they are
            # symmetry images that the parser has to merge.
            structure = Structure.from_file(path)
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{path}: no readable crystal structure ({reason[:200]})") from error
    return _from_pymatgen(structure, name or str(path))


def _from_pymatgen(structure: Any, name: str | None) -> Crystal:
    label = name or structure.composition.reduced_formula
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
    if not np.all(atoms.get_pbc()) and not np.all(np.any(np.asarray(atoms.get_cell()), axis=1)):
        raise ValueError(f"{label}: is not periodic in three directions")
    return Crystal(
        np.asarray(atoms.get_cell()),
        atoms.get_scaled_positions(wrap=False),
        atoms.get_atomic_numbers(),
        name=label,
    )
