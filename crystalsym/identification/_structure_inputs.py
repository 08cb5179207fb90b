"""The structures that are asked about: files of folders, their names, what they are known by."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from crystalsym.crystals import Crystal, as_crystal
from crystalsym.crystals._lists import structure_list
from crystalsym.datasets import CrystalTable

SUFFIXES = frozenset({".cif", ".mcif", ".mmcif", ".vasp", ".poscar", ".cssr", ".xsf", ".res"})
VASP_NAMES = ("POSCAR", "CONTCAR")


def structure_files(paths: Iterable[str | os.PathLike]) -> list[str]:
    """List files, with those that a folder and its subfolders hold in place of the folder.

    Parameters
    ----------
    paths : iterable of path-like
        Files are taken as they are. In folders, structure files are known by their ending
        (.cif, .mcif, .mmcif, .vasp, .poscar, .cssr, .xsf, .res, also .gz of these) or the
        beginning of their name (POSCAR, CONTCAR); they come in alphabetical order.

    Returns
    -------
    list of str

    Raises
    ------
    FileNotFoundError
        If a folder holds no structure file.

    Examples
    --------
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.identification import structure_files
    >>> folder = example_crystals()["NaCl"].parent
    >>> len(structure_files([folder])) == len(example_crystals())
    True
    """
    found: list[str] = []
    for path in paths:
        if not os.path.isdir(path):
            found.append(os.fspath(path))
            continue
        files = sorted(str(file) for file in Path(path).rglob("*") if _is_structure(file))
        if not files:
            raise FileNotFoundError(
                f"{path}: the folder holds no structure files ({', '.join(sorted(SUFFIXES))},"
                " POSCAR)"
            )
        found.extend(files)
    return found


def _is_structure(file: Path) -> bool:
    suffixes = [suffix.lower() for suffix in file.suffixes]
    if suffixes[-1:] == [".gz"]:
        suffixes.pop()
    named = (suffixes[-1:] and suffixes[-1] in SUFFIXES) or file.name.startswith(VASP_NAMES)
    return bool(named) and file.is_file()


def listed(structures: Any) -> Any:
    """A table as it is, anything else as a list, so that a number means a place.

    Raises
    ------
    TypeError
        If it is one structure, or no sequence.
    """
    structures = structure_list(structures)
    return structures if isinstance(structures, CrystalTable) else list(structures)


def source_name(structures: Any, row: int) -> str | None:
    """Say what a row is called: its path as it was given, or a name; None if it has none."""
    if isinstance(structures, CrystalTable):
        return None if structures.names is None else str(structures.names[row])
    structure = structures[row]
    if isinstance(structure, (str, os.PathLike)):
        return os.fspath(structure)
    return structure.name if isinstance(structure, Crystal) else None


def with_full_paths(structures: Any) -> Any:
    """Make paths absolute, for readers that may stand in another folder."""
    if isinstance(structures, CrystalTable):
        return structures
    return [os.path.abspath(s) if isinstance(s, (str, os.PathLike)) else s for s in structures]


def inputs_digest(structures: Sequence[Any]) -> str:
    """Hash what the structures are known by, in their order.

    Files are known by their path, size and date of change; tables and objects by their content.
    """
    found = hashlib.sha256()
    if isinstance(structures, CrystalTable):
        columns = (structures.lattice, structures.site_offsets, structures.frac_coords,
                   structures.atomic_numbers)  # fmt: skip
        for column in columns:
            found.update(np.ascontiguousarray(column).data)
        if structures.names is not None:
            found.update("\n".join(map(str, structures.names)).encode())
        found.update(b"standard" if structures.standard else b"")
        return found.hexdigest()
    for row in range(len(structures)):
        found.update(_identity(structures[row]).encode() + b"\n")
    return found.hexdigest()


def _identity(structure: Any) -> str:
    if isinstance(structure, (str, os.PathLike)):
        path = os.fspath(structure)
        try:
            about = os.stat(path)
        except OSError:
            return f"{path!r} missing"
        return f"{path!r} {about.st_size} {about.st_mtime_ns}"
    try:
        crystal = as_crystal(structure)
    except Exception as problem:  # its row will say so
        return f"{type(structure).__name__} {problem}"
    return f"{crystal.name!r} {crystal.digest()}"
