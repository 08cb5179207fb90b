"""Conventional standard cell, chosen the same whichever way the crystal was described.

The cell is the one of Setyawan & Curtarolo, Comput. Mater. Sci. 49, 299 (2010), as pymatgen
implements it with unique axis b; the frame has a ∥ x and b in the xy plane. What that convention
leaves open is settled in :mod:`crystalsym.crystals._cell_settings`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from crystalsym.crystals._cell_settings import (
    HIGH_SYSTEMS,
    IDENTITY,
    METRIC_TOLERANCE,
    canonical_setting,
    system_and_centering,
)
from crystalsym.crystals._coercion import as_crystal
from crystalsym.crystals._crystal import Crystal
from crystalsym.crystals._symmetry import find_symmetry
from crystalsym.crystals._unidealized import given_cell


def space_group_number(
    crystal: Any, symprec: float = 0.1, finder: str = "mixed", fallback: bool = True
) -> int:
    """Find the space group of a crystal.

    A crystal that was standardized with the same tolerance, and its standard cell, remember the
    answer.

    Parameters
    ----------
    crystal : Crystal or anything :func:`as_crystal` reads
    symprec : float, default=0.1
        Distance tolerance in Å.
    finder : {"mixed", "spglib", "moyo"}, default="mixed"
        As in :func:`standardize`.
    fallback : bool, default=True
        Where nothing is found within ``symprec``, try 0.05, 0.02 and 0.01 Å, and warn of the one
        that served.

    Returns
    -------
    int

    Raises
    ------
    SymmetryError
        If no symmetry is found, for instance because atoms overlap.

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
    crystal = as_crystal(crystal)
    known = crystal.__dict__.get("_group")
    if known is not None and known[0] == (float(symprec), finder):
        return known[1]
    return find_symmetry(crystal, symprec, finder, fallback).number


def standardize(
    crystal: Any, symprec: float = 0.1, idealize: bool = True, finder: str = "mixed"
) -> Crystal:
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
    finder : {"mixed", "spglib", "moyo"}, default="mixed"
        Who finds the symmetry. moyo is some five times as fast as spglib, and disagrees with it
        about one in a hundred crystals, those that are distorted by about the tolerance. "mixed"
        asks moyo about cubic lattices, on which spglib spends most of its time, believes it where
        its answer is the same at a fiftieth of the tolerance and at twice the tolerance, and asks
        spglib otherwise. Its cells are spglib's, up to the choice of an origin, which patterns do
        not show.

    Returns
    -------
    Crystal
        With ``standard=True``; such a crystal passes through unchanged. It keeps the
        ``notes``, with one more if a smaller tolerance was taken.

    Raises
    ------
    SymmetryError
        If no symmetry is found.

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
    found = find_symmetry(crystal, symprec, finder)
    ideal = found.atoms(found.coords)
    change = _change(found.number, found.lattice, *ideal)
    lattice, (coords, numbers, occupancies) = found.lattice, ideal
    if not idealize:  # the ideal crystal has chosen the axes
        lattice, sites = given_cell(found, crystal.lattice)
        coords = found.atoms(sites)[0]
    lattice, coords = _changed(lattice, coords, change)
    standard = Crystal.unchecked(
        lattice,
        coords,
        numbers,
        occupancies,
        name=crystal.name,
        standard=True,
        notes=(*crystal.notes, *found.notes),
    )
    standard.__dict__["_group"] = (float(symprec), finder), found.number
    return standard


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
    change = _change(number, lattice, coords, atomic_numbers, occupancies)
    return _changed(lattice, coords, change)


def _change(number, lattice, coords, atomic_numbers, occupancies) -> np.ndarray:
    """Rows: our axes in terms of the finder's."""
    transform = _axes(number, lattice)
    if transform is not IDENTITY:
        lattice = transform @ lattice
        coords = coords @ np.linalg.inv(transform)
    change = canonical_setting(number, lattice @ lattice.T, coords, atomic_numbers, occupancies)
    return transform if change is IDENTITY else change @ transform


def _changed(lattice, coords, change) -> tuple[np.ndarray, np.ndarray]:
    if change is not IDENTITY:
        lattice = change @ lattice
        coords = coords @ np.linalg.inv(change)
    return _oriented(lattice), coords - np.floor(coords + 1e-9)


def _axes(number: int, lattice: np.ndarray) -> np.ndarray:
    """Rows: the conventional axes in terms of the finder's."""
    system, centering = system_and_centering(number)
    if system in HIGH_SYSTEMS:
        return IDENTITY
    metric = (lattice @ lattice.T).tolist()
    if system == "triclinic":
        reduced = _lll(metric)
        return np.array(_all_acute_or_obtuse(reduced, lattice))
    lengths = [metric[0][0], metric[1][1], metric[2][2]]
    order, sign = [0, 1, 2], 1
    if system == "monoclinic":
        if centering == "P" and lengths[0] > lengths[2]:
            order = [2, 1, 0]
        if metric[0][2] > 0:
            sign = -1
    elif centering == "A":  # as a C cell
        order = [*sorted((1, 2), key=lengths.__getitem__), 0]
    elif centering == "C":
        order = [*sorted((0, 1), key=lengths.__getitem__), 2]
    else:
        order.sort(key=lengths.__getitem__)
    if order == [0, 1, 2] and sign == 1:
        return IDENTITY
    transform = IDENTITY[order]
    transform[0] *= sign
    return transform


def _lll(metric: list[list[float]], delta: float = 0.75) -> list[list[int]]:
    """Rows: Lenstra-Lenstra-Lovász reduced vectors in terms of the given ones."""
    rows = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    k = 1
    while k < 3:
        # Gram-Schmidt: rows = mu @ orthogonal
        mu, norms = _orthogonalized([[_product(metric, u, v) for v in rows] for u in rows])
        for j in range(k - 1, -1, -1):
            multiple = round(mu[k][j])
            rows[k] = [x - multiple * y for x, y in zip(rows[k], rows[j], strict=True)]
            mu[k] = [x - multiple * y for x, y in zip(mu[k], mu[j], strict=True)]
        if norms[k] >= (delta - mu[k][k - 1] ** 2) * norms[k - 1]:
            k += 1
        else:
            rows[k - 1], rows[k] = rows[k], rows[k - 1]
            k = max(k - 1, 1)
    return rows


def _product(metric: list[list[float]], u: list[int], v: list[int]) -> float:
    return sum(
        x * sum(g * y for g, y in zip(row, v, strict=True))
        for x, row in zip(u, metric, strict=True)
    )


def _orthogonalized(metric: list[list[float]]) -> tuple[list[list[float]], list[float]]:
    """Unit lower triangle L and squared lengths D with L D L^T = metric."""
    (aa, _, _), (ab, bb, _), (ac, bc, cc) = metric
    ba, ca = ab / aa, ac / aa
    b = bb - ba * ab
    cb = (bc - ca * ab) / b
    return [[1.0, 0.0, 0.0], [ba, 1.0, 0.0], [ca, cb, 1.0]], [aa, b, cc - ca * ac - cb * cb * b]


def _all_acute_or_obtuse(rows: list[list[int]], lattice: np.ndarray) -> list[list[int]]:
    """Those axes with signs that make the reciprocal angles all acute, or else all obtuse."""
    vectors = np.array(rows) @ lattice
    reciprocal = np.linalg.inv(vectors @ vectors.T).tolist()
    cosines = []
    for i, j in ((1, 2), (0, 2), (0, 1)):
        cosine = reciprocal[i][j] / math.sqrt(reciprocal[i][i] * reciprocal[j][j])
        # A right angle counts as acute, whichever side of it rounding leaves it on.
        cosines.append(0.0 if abs(cosine) < METRIC_TOLERANCE else cosine)
    chosen = (1, 1, 1)
    for signs in ((1, 1, 1), (-1, 1, -1), (-1, -1, 1), (1, -1, -1)):
        i, j, k = signs
        flipped = cosines[0] * j * k, cosines[1] * i * k, cosines[2] * i * j
        if min(flipped) >= 0:
            chosen = signs
            break
        if max(flipped) < 0:
            chosen = signs
    return [[sign * x for x in row] for sign, row in zip(chosen, rows, strict=True)]


def _oriented(lattice: np.ndarray) -> np.ndarray:
    """Same metric with a ∥ x and b in the xy plane, right-handed."""
    (aa, _, _), (ab, bb, _), (ac, bc, cc) = (lattice @ lattice.T).tolist()
    a = math.sqrt(aa)
    bx, cx = ab / a, ac / a
    b = math.sqrt(bb - bx * bx)
    cy = (bc - bx * cx) / b
    c = math.sqrt(cc - cx * cx - cy * cy)
    rows = [[a, 0.0, 0.0], [bx, b, 0.0], [cx, cy, c]]
    return np.array([[0.0 if abs(x) < 1e-12 else x for x in row] for row in rows])
