"""Conventional standard cell, chosen the same whichever way the crystal was described.

The cell is the one of Setyawan & Curtarolo, Comput. Mater. Sci. 49, 299 (2010), as pymatgen
implements it with unique axis b; the frame has a ∥ x and b in the xy plane. What that convention
leaves open is settled in :mod:`crystalsym.crystals._cell_settings`.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np

from crystalsym import spacegroups
from crystalsym.crystals._cell_settings import METRIC_TOLERANCE, canonical_setting
from crystalsym.crystals._close_atoms import runs
from crystalsym.crystals._coercion import as_crystal
from crystalsym.crystals._crystal import Crystal
from crystalsym.crystals._notes import StructureWarning
from crystalsym.crystals._unidealized import given_cell

# pymatgen and the Materials Project use this angle tolerance for their labels.
ANGLE_TOLERANCE = 5.0
# Two entries closer than this (fractional) share one site.
SHARED_SITE = 1e-4
# Tried in turn, in Å, where a larger tolerance finds nothing: split atoms are often this close.
SMALLER = (0.05, 0.02, 0.01)
# A cell of so many sites that nearly repeats itself takes the finder half a minute and more.
MANY_SITES = 500


class SymmetryError(ValueError):
    """The symmetry finder could not make sense of a crystal."""


def space_group_number(crystal, symprec: float = 0.1, fallback: bool = True) -> int:
    """Space group found by spglib.

    Parameters
    ----------
    crystal : Crystal or anything :func:`as_crystal` reads
    symprec : float, default=0.1
        Distance tolerance in Å.
    fallback : bool, default=True
        Where nothing is found within ``symprec``, try 0.05, 0.02 and 0.01 Å, and warn of the one
        that served.

    Returns
    -------
    int

    Raises
    ------
    SymmetryError
        If spglib finds no symmetry, for instance because atoms overlap.

    Warns
    -----
    StructureWarning
        If a smaller tolerance had to be taken, or the cell has very many atoms.

    Examples
    --------
    >>> from crystalsym.crystals import Crystal, space_group_number
    >>> space_group_number(Crystal([[4, 0, 0], [0, 4, 0], [0, 0, 4]], [[0, 0, 0]], [84]))
    221
    """
    return int(_dataset(as_crystal(crystal), symprec, fallback)[0].number)


def standardize(crystal, symprec: float = 0.1, idealize: bool = True) -> Crystal:
    """Bring a crystal to its standard conventional cell.

    Parameters
    ----------
    crystal : Crystal or anything :func:`as_crystal` reads
        Any cell: primitive, conventional or a supercell, any origin, any orientation.
    symprec : float, default=0.1
        Distance tolerance of the symmetry finder in Å. Where nothing is found, smaller ones are
        tried and named in a warning, as in :func:`space_group_number`.
    idealize : bool, default=True
        Move edges, angles and atoms onto the values that the symmetry asks for, within the
        tolerance. Otherwise axes and origin are chosen the same way, and the crystal stays as
        distorted as it was given.

    Returns
    -------
    Crystal
        With ``standard=True``; such a crystal passes through unchanged. It keeps the ``notes``.

    Raises
    ------
    SymmetryError
        If spglib finds no symmetry.

    References
    ----------
    Setyawan, W. & Curtarolo, S. (2010). Comput. Mater. Sci. 49, 299-312.

    Examples
    --------
    The two-atom primitive cell of silicon becomes the eight-atom cube:

    >>> from crystalsym.crystals import Crystal, standardize
    >>> a = 5.431 / 2
    >>> si = Crystal([[0, a, a], [a, 0, a], [a, a, 0]], [[0, 0, 0], [.25, .25, .25]], [14, 14])
    >>> cube = standardize(si)
    >>> len(cube), cube.lattice.round(3).tolist()
    (8, [[5.431, 0.0, 0.0], [0.0, 5.431, 0.0], [0.0, 0.0, 5.431]])

    A cube that is stretched by less than the tolerance becomes one, or stays stretched:

    >>> iron = Crystal([[2.87, 0, 0], [0, 2.87, 0], [0, 0, 2.9]], [[0, 0, 0], [.5] * 3], [26] * 2)
    >>> standardize(iron).lattice.diagonal().round(2).tolist()
    [2.88, 2.88, 2.88]
    >>> standardize(iron, idealize=False).lattice.diagonal().round(2).tolist()
    [2.87, 2.87, 2.9]
    """
    crystal = as_crystal(crystal)
    if crystal.standard:
        return crystal
    dataset, site_of, atoms_of = _dataset(crystal, symprec)
    number = int(dataset.number)
    ideal = _expand(dataset.std_positions, dataset.std_types, site_of, atoms_of, crystal)
    steps = _changes(number, np.asarray(dataset.std_lattice, dtype=float), *ideal)
    lattice, atoms = dataset.std_lattice, ideal
    if not idealize:  # the ideal crystal has chosen the axes
        sites = crystal.frac_coords if atoms_of is None else _merged_sites(crystal)[0]
        lattice, coords = given_cell(dataset, crystal.lattice, sites)
        atoms = _expand(coords, dataset.std_types, site_of, atoms_of, crystal)
    coords, numbers, occupancies = atoms
    lattice, coords = _changed(lattice, coords, steps)
    return Crystal(
        lattice,
        coords,
        numbers,
        occupancies,
        name=crystal.name,
        standard=True,
        notes=crystal.notes,
    )


def conventional_setting(
    number: int, lattice, coords, atomic_numbers, occupancies
) -> tuple[np.ndarray, np.ndarray]:
    """From spglib's standard cell to the one of :func:`standardize`.

    Parameters
    ----------
    number : int
        Space group.
    lattice, coords, atomic_numbers, occupancies : array-like
        Cell in spglib's standard setting.

    Returns
    -------
    lattice : ndarray of shape (3, 3)
    coords : ndarray of shape (n_atoms, 3)
    """
    lattice, coords = np.asarray(lattice, dtype=float), np.asarray(coords, dtype=float)
    steps = _changes(number, lattice, coords, atomic_numbers, occupancies)
    return _changed(lattice, coords, steps)


def _changes(number, lattice, coords, atomic_numbers, occupancies) -> tuple[np.ndarray, np.ndarray]:
    """Two changes of axes, one after the other, that lead from spglib's standard cell to ours."""
    transform = _axes(number, lattice)
    lattice = transform @ lattice
    coords = coords @ np.linalg.inv(transform)
    change = canonical_setting(number, lattice @ lattice.T, coords, atomic_numbers, occupancies)
    return transform, change


def _changed(lattice, coords, steps) -> tuple[np.ndarray, np.ndarray]:
    for step in steps:
        lattice = step @ lattice
        coords = coords @ np.linalg.inv(step)
    return _oriented(lattice), coords - np.floor(coords + 1e-9)


def _dataset(crystal: Crystal, symprec: float, fallback: bool = True):
    """What the finder says within ``symprec``, else within the largest tolerance that serves."""
    if len(crystal) >= MANY_SITES:
        warnings.warn(
            f"{crystal.name or crystal.formula}: with {len(crystal)} atoms in the cell, finding"
            " its symmetry may take minutes; a smaller cell, if there is one, is quicker",
            StructureWarning,
            stacklevel=1,  # one place, so that two calls say it once
        )
    try:
        return _dataset_within(crystal, symprec)
    except SymmetryError:
        for smaller in (s for s in SMALLER if fallback and s < symprec):
            try:
                found = _dataset_within(crystal, smaller)
            except SymmetryError:
                continue
            warnings.warn(
                f"{crystal.name or crystal.formula}: no symmetry found within {symprec:g} Å,"
                f" {smaller:g} Å is used",
                StructureWarning,
                stacklevel=1,
            )
            return found
        raise


def _dataset_within(crystal: Crystal, symprec: float):
    os.environ.setdefault("SPGLIB_WARNING", "OFF")  # its C code writes to standard error
    import spglib

    coords, types, atoms_of = crystal.frac_coords, crystal.atomic_numbers, None
    if not np.all(crystal.occupancies == 1):
        coords, types, atoms_of = _merged_sites(crystal)
    cell: Any = (crystal.lattice, coords, types)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = spglib.get_symmetry_dataset(
                cell, symprec=symprec, angle_tolerance=ANGLE_TOLERANCE
            )
        except spglib.SpglibError as error:
            raise SymmetryError(_failure(crystal, symprec, error)) from error
    if dataset is None:
        raise SymmetryError(_failure(crystal, symprec, None))
    return dataset, types, atoms_of


def _failure(crystal: Crystal, symprec: float, error: Exception | None) -> str:
    reason = f" ({error})" if error else ""
    return (
        f"{crystal.name or crystal.formula}: no symmetry found within {symprec} Å{reason};"
        " do atoms overlap, or is the tolerance larger than the distances between them?"
    )


def _merged_sites(crystal: Crystal):
    """Sites with their contents as type labels, since spglib knows no occupancy."""
    first = _first_on_site(crystal.frac_coords)
    groups = runs(first)
    sites = first[[group[0] for group in groups]]
    contents = [
        tuple(
            sorted(
                (int(crystal.atomic_numbers[i]), round(float(crystal.occupancies[i]), 6))
                for i in group
            )
        )
        for group in groups
    ]
    kinds = {content: kind for kind, content in enumerate(sorted(set(contents)), start=1)}
    types = np.array([kinds[content] for content in contents])
    return crystal.frac_coords[sites], types, list(kinds)


def _first_on_site(coords: np.ndarray) -> np.ndarray:
    """For each entry the first one within ``SHARED_SITE`` of it along each axis."""
    from scipy.spatial import cKDTree

    wrapped = coords - np.floor(coords)
    wrapped[wrapped >= 1] = 0  # of a rounding error below zero
    pairs = cKDTree(wrapped, boxsize=1).query_pairs(SHARED_SITE, p=np.inf, output_type="ndarray")
    first = np.arange(len(coords))
    np.minimum.at(first, pairs.max(axis=1), pairs.min(axis=1))
    return first


def _expand(coords, types, site_of, atoms_of, crystal):
    coords, types = np.asarray(coords), np.asarray(types)
    if atoms_of is None:
        return coords, types, np.ones(len(types))
    rows, numbers, occupancies = [], [], []
    for position, kind in zip(coords, types, strict=True):
        for z, occupancy in atoms_of[kind - 1]:
            rows.append(position)
            numbers.append(z)
            occupancies.append(occupancy)
    return np.array(rows), np.array(numbers), np.array(occupancies)


def _axes(number: int, lattice: np.ndarray) -> np.ndarray:
    """Rows: the conventional axes in terms of spglib's standard ones."""
    system = spacegroups.crystal_system(number)
    lengths = np.sqrt(np.einsum("ij,ij->i", lattice, lattice))
    if system == "orthorhombic":
        centring = spacegroups.symbol(number)[0]
        if centring == "A":  # as a C cell
            order = [*sorted((1, 2), key=lengths.__getitem__), 0]
        elif centring == "C":
            order = [*sorted((0, 1), key=lengths.__getitem__), 2]
        else:
            order = sorted(range(3), key=lengths.__getitem__)
        return np.eye(3)[order]
    if system == "monoclinic":
        order = [0, 1, 2]
        if spacegroups.symbol(number)[0] == "P" and lengths[0] > lengths[2]:
            order = [2, 1, 0]
        transform = np.eye(3)[order]
        if (transform @ lattice @ lattice.T @ transform.T)[0, 2] > 0:
            transform[0] *= -1
        return transform
    if system == "triclinic":
        reduced = _lll(lattice)
        return _all_acute_or_obtuse(reduced @ lattice) @ reduced
    return np.eye(3)


def _lll(lattice: np.ndarray, delta: float = 0.75) -> np.ndarray:
    """Rows: Lenstra-Lenstra-Lovász reduced vectors in terms of the given ones."""
    transform = np.eye(3)
    k = 1
    while k < 3:
        vectors = transform @ lattice
        # Gram-Schmidt: vectors = mu @ orthogonal
        r = np.linalg.cholesky(vectors @ vectors.T)
        mu, norms = r / np.diag(r), np.diag(r) ** 2
        for j in range(k - 1, -1, -1):
            multiple = np.round(mu[k, j])
            transform[k] -= multiple * transform[j]
            mu[k] -= multiple * mu[j]
        if norms[k] >= (delta - mu[k, k - 1] ** 2) * norms[k - 1]:
            k += 1
        else:
            transform[[k - 1, k]] = transform[[k, k - 1]]
            k = max(k - 1, 1)
    return transform


def _all_acute_or_obtuse(lattice: np.ndarray) -> np.ndarray:
    """Signs that make the reciprocal angles all acute, or else all obtuse."""
    reciprocal = np.linalg.inv(lattice @ lattice.T)
    edges = np.sqrt(np.diag(reciprocal))
    cosines = (reciprocal / np.outer(edges, edges))[[1, 0, 0], [2, 2, 1]]
    # A right angle counts as acute, whichever side of it rounding leaves it on.
    cosines[np.abs(cosines) < METRIC_TOLERANCE] = 0
    chosen = np.ones(3)
    for signs in ([1, 1, 1], [-1, 1, -1], [-1, -1, 1], [1, -1, -1]):
        s = np.array(signs, dtype=float)
        flipped = cosines * np.array([s[1] * s[2], s[0] * s[2], s[0] * s[1]])
        if np.all(flipped >= 0):
            return np.diag(s)
        if np.all(flipped < 0):
            chosen = s
    return np.diag(chosen)


def _oriented(lattice: np.ndarray) -> np.ndarray:
    """Same metric with a ∥ x and b in the xy plane, right-handed."""
    oriented = np.linalg.cholesky(lattice @ lattice.T)
    oriented[np.abs(oriented) < 1e-12] = 0.0
    return oriented
