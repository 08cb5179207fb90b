"""Finite arrangements of atoms, for what no unit cell describes: defects, surfaces, particles."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from crystalsym.crystals._coercion import as_crystal, site_contents
from crystalsym.crystals._crystal import Crystal, checked_atoms

# Parts of an edge within which atoms of several cells are on one place. Not a round number: ties
# would be those of coordinates such as 1/1024.
SAME_PLACE = np.sqrt(2) * 1e-8


@dataclass(frozen=True, eq=False)
class Cluster:
    """Hold a finite set of atoms, summed one by one by ``DiffractionSimulator(engine="atoms")``.

    Parameters
    ----------
    positions : array-like of shape (n_atoms, 3)
        Cartesian coordinates in Å. The origin does not matter to intensities.
    atomic_numbers : array-like of int, shape (n_atoms,)
        Atomic numbers, 1 to 98.
    occupancies : array-like of shape (n_atoms,), optional
        Weights in (0, 1]; all one by default.
    lattice : array-like of shape (3, 3), optional
        Vectors (rows, Å) of the lattice the cluster was cut from. Views along zone axes refer to
        it; without it only Cartesian views and rotation matrices can be had.
    name : str, optional
        What error messages call the cluster.
    cells : int or tuple of int, optional
        Cells of that lattice along a, b, c that the cluster takes up, atoms that are missing or
        too many included. :meth:`average_crystal` needs it.
    standard : bool, default=False
        The lattice is that of a standard cell, as :func:`crystalsym.crystals.standardize` makes
        them; so is then that of the average crystal.

    Raises
    ------
    ValueError
        If shapes disagree, a number is not finite, or an atomic number or occupancy is out of
        range.

    Examples
    --------
    A block of 3 x 3 x 3 cells of copper with a vacancy in the first place:

    >>> from crystalsym.crystals import Cluster, Crystal
    >>> cu = Crystal([[3.6, 0, 0], [0, 3.6, 0], [0, 0, 3.6]],
    ...              [[0, 0, 0], [0, .5, .5], [.5, 0, .5], [.5, .5, 0]], [29] * 4, name="Cu")
    >>> block = Cluster.from_crystal(cu, cells=3)
    >>> defective = block[1:]
    >>> len(block), len(defective)
    (108, 107)
    >>> from crystalsym import DiffractionSimulator
    >>> DiffractionSimulator(engine="atoms", image_size=32).transform([defective]).shape
    (1, 3, 32, 32)
    """

    positions: np.ndarray
    atomic_numbers: np.ndarray
    occupancies: np.ndarray = None  # type: ignore[assignment]
    lattice: np.ndarray | None = None
    name: str | None = None
    cells: tuple[int, int, int] | None = None
    standard: bool = False

    def __post_init__(self) -> None:
        label = self._label
        positions = np.array(self.positions, dtype=np.float64)
        if positions.ndim != 2 or positions.shape[1:] != (3,) or len(positions) == 0:
            raise ValueError(f"{label}: positions has shape {positions.shape}, needs (n_atoms, 3)")
        if not np.isfinite(positions).all():
            atom = int(np.flatnonzero(~np.isfinite(positions).all(axis=1))[0])
            raise ValueError(f"{label}: the position of atom {atom} is not finite")
        numbers, occupancies = checked_atoms(
            label, len(positions), self.atomic_numbers, self.occupancies
        )
        arrays = {
            "positions": positions,
            "atomic_numbers": numbers,
            "occupancies": occupancies,
        }
        if self.lattice is not None:
            lattice = np.array(self.lattice, dtype=np.float64)
            if lattice.shape != (3, 3) or not np.isfinite(lattice).all():
                raise ValueError(f"{label}: lattice must be three finite vectors, shape (3, 3)")
            if abs(np.linalg.det(lattice)) < 1e-3:
                raise ValueError(f"{label}: the lattice vectors span no volume")
            arrays["lattice"] = lattice
        if self.cells is not None:
            object.__setattr__(self, "cells", cell_counts(self.cells))
        for key, value in arrays.items():
            value.setflags(write=False)
            object.__setattr__(self, key, value)

    @classmethod
    def from_crystal(cls, crystal: Any, cells: int | tuple[int, int, int] = 10) -> Cluster:
        """Build a block of whole cells of a crystal.

        Parameters
        ----------
        crystal : Crystal or anything :func:`crystalsym.crystals.as_crystal` reads
            Its own cell and Cartesian frame are used; standardize it first if need be.
        cells : int or tuple of int, default=10
            Cells along a, b, c.

        Returns
        -------
        Cluster
            Cell by cell, the cells along c next to each other, each in the crystal's order.

        Raises
        ------
        ValueError
            If ``cells`` is not one or three positive integers.
        """
        crystal = as_crystal(crystal)
        counts = cell_counts(cells)
        spans = [np.arange(n) for n in counts]
        corners = np.stack(np.meshgrid(*spans, indexing="ij"), axis=-1)
        coords = corners.reshape(-1, 1, 3) + crystal.frac_coords
        n_cells = coords.shape[0]
        return cls(
            coords.reshape(-1, 3) @ crystal.lattice,
            np.tile(crystal.atomic_numbers, n_cells),
            np.tile(crystal.occupancies, n_cells),
            lattice=crystal.lattice,
            name=crystal.name,
            cells=counts,
            standard=crystal.standard,
        )

    def average_crystal(self) -> Crystal:
        """Fold all atoms into one cell, each with an occupancy of one part in all cells.

        This is the average structure. Its structure factor at whole hkl is that of the whole
        cluster divided by the number of cells, exactly, so that every engine and model for
        crystals sees the cluster's intensities at the places of the reflections. Atoms of one
        element that come to lie on one place become one.

        Returns
        -------
        Crystal

        Raises
        ------
        ValueError
            If the lattice or the number of cells is not known.

        Examples
        --------
        >>> from crystalsym.crystals import Cluster, standardize
        >>> from crystalsym.datasets import example_crystals
        >>> block = Cluster.from_crystal(standardize(example_crystals()["CsCl"]), cells=4)
        >>> average = block[1:].average_crystal()       # a cesium atom of 64 is missing
        >>> average.atomic_numbers.tolist(), average.occupancies.tolist()
        ([17, 55], [1.0, 0.984375])
        """
        if self.lattice is None or self.cells is None:
            missing = "lattice" if self.lattice is None else "cells"
            raise ValueError(
                f"{self._label}: has no {missing}, which its average cell needs; Cluster(...,"
                " lattice=, cells=) takes them, Cluster.from_crystal knows them"
            )
        coords = self.positions @ np.linalg.inv(self.lattice)
        coords -= np.floor(coords + SAME_PLACE)
        places = np.column_stack([self.atomic_numbers, np.rint(coords / SAME_PLACE)])
        order = np.lexsort(places.T[::-1])
        places, rows = places[order], np.column_stack([self.atomic_numbers, coords])[order]
        first = np.append(True, (places[1:] != places[:-1]).any(axis=1))
        sites, site_of = rows[first], np.cumsum(first) - 1
        occupancies = np.bincount(site_of, self.occupancies[order]) / np.prod(self.cells)
        crowded = int(occupancies.argmax())
        if occupancies[crowded] > 1 + 1e-6:
            raise ValueError(
                f"{self._label}: {occupancies[crowded]:.3g} atoms a cell of atomic number"
                f" {int(sites[crowded, 0])} share one place; are cells={self.cells} too few?"
            )
        return Crystal(
            self.lattice,
            sites[:, 1:],
            sites[:, 0].astype(np.int64),
            occupancies,
            name=self.name,
            standard=self.standard,
        )

    @property
    def _label(self) -> str:
        return f"cluster {self.name!r}" if self.name else "cluster"

    def __len__(self) -> int:
        return len(self.atomic_numbers)

    def __getitem__(self, index: Any) -> Cluster:
        """Take the atoms of a slice, a list of positions or a mask, as a cluster."""
        if isinstance(index, Integral):
            raise TypeError(f"one atom is no cluster: write cluster[[{index}]] or a slice")
        return self.replace(
            positions=self.positions[index],
            atomic_numbers=self.atomic_numbers[index],
            occupancies=self.occupancies[index],
        )

    def replace(self, **changes: Any) -> Cluster:
        """Return a copy with some fields changed.

        Parameters
        ----------
        **changes
            New values of fields.
        """
        return replace(self, **changes)

    def digest(self) -> str:
        """Hash the physical content (the name does not count)."""
        h = hashlib.sha256(b"cluster")
        for array in (self.positions, self.atomic_numbers, self.occupancies, self.lattice):
            h.update(b"-" if array is None else np.ascontiguousarray(array).tobytes())
        h.update(repr((self.cells, self.standard)).encode())
        return h.hexdigest()


def cell_counts(cells: Any) -> tuple[int, int, int]:
    """Read cells along a, b, c from one or three positive integers.

    Raises
    ------
    ValueError
        If ``cells`` is anything else.
    """
    counts = [cells] * 3 if np.ndim(cells) == 0 else list(cells)
    if len(counts) != 3 or not all(
        isinstance(n, Integral) and not isinstance(n, bool) and int(n) >= 1 for n in counts
    ):
        raise ValueError(f"cells must be one or three positive integers, got {cells!r}")
    return int(counts[0]), int(counts[1]), int(counts[2])


def is_molecule(obj: Any) -> bool:
    """Tell whether it looks like a pymatgen Molecule: sites, and no lattice."""
    return hasattr(obj, "sites") and not hasattr(obj, "lattice")


def as_structure(obj: Any) -> Crystal | Cluster:
    """Read a crystal or a finite cluster.

    Parameters
    ----------
    obj : object
        A :class:`Cluster`, a pymatgen Molecule, ASE Atoms without periodic directions (their
        cell, where they have one, becomes the lattice), an ``.xyz`` file, or a PDB (``.pdb``,
        ``.ent``) or macromolecular mmCIF file (``.mmcif``, ``.cif``) is a cluster; anything else
        is read by :func:`crystalsym.crystals.as_crystal`.

    Returns
    -------
    Crystal or Cluster

    Raises
    ------
    FileNotFoundError, ValueError, TypeError
        As ``as_crystal``.

    Examples
    --------
    >>> from crystalsym.crystals import as_structure
    >>> from pymatgen.core import Molecule
    >>> len(as_structure(Molecule(["C", "O"], [[0, 0, 0], [0, 0, 1.128]])))
    2
    """
    if isinstance(obj, Cluster):
        return obj
    if is_molecule(obj):
        return _from_molecule(obj, None)
    if isinstance(obj, (str, os.PathLike)):
        from crystalsym.crystals._coordinate_files import is_coordinate_file, read_coordinate_file

        path = Path(obj)
        if path.suffix.lower() == ".xyz":
            return _read_xyz(path)
        if is_coordinate_file(path):
            return read_coordinate_file(path)
    if hasattr(obj, "get_scaled_positions") and not np.all(obj.get_pbc()):
        return _from_ase(obj)
    return as_crystal(obj)


def _from_ase(atoms: Any) -> Cluster:
    label = atoms.get_chemical_formula()
    if np.any(atoms.get_pbc()):
        raise ValueError(
            f"{label}: is periodic in some directions only; set pbc=False for a finite cluster,"
            " or pbc=True for a crystal"
        )
    cell = np.asarray(atoms.get_cell())
    return Cluster(
        atoms.get_positions(),
        atoms.get_atomic_numbers(),
        lattice=cell if abs(np.linalg.det(cell)) > 1e-3 else None,
        name=label,
    )


def _read_xyz(path: Path) -> Cluster:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    from pymatgen.core import Molecule

    try:
        molecule = Molecule.from_file(path)
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{path}: no readable atoms ({reason[:200]})") from error
    return _from_molecule(molecule, str(path))


def _from_molecule(molecule: Any, name: str | None) -> Cluster:
    label = name or molecule.composition.formula
    sites, numbers, occupancies = site_contents(molecule, label)
    positions = np.array([site.coords for site in sites])
    return Cluster(positions, numbers, occupancies, name=label)
