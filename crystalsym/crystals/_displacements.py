"""Random shifts of atoms that leave the space group as it is."""

from __future__ import annotations

import numpy as np

from crystalsym.crystals._cell_settings import canonical_setting
from crystalsym.crystals._coercion import as_crystal
from crystalsym.crystals._crystal import Crystal
from crystalsym.crystals._symmetry import find_symmetry


def symmetric_displacements(
    crystal,
    amplitude: float = 0.1,
    random_state: int | np.random.RandomState | None = None,
    symprec: float = 0.01,
) -> Crystal:
    """Move the atoms at random along their free coordinates.

    Every atom keeps its Wyckoff position, so that the crystal keeps its space group, unless the
    shifts happen to lead to a larger one.

    Parameters
    ----------
    crystal : Crystal or anything :func:`as_crystal` reads
    amplitude : float, default=0.1
        Root mean square shift, Å, of atoms on general positions; others move the less the fewer
        free coordinates they have.
    random_state : int, RandomState instance or None, default=None
    symprec : float, default=0.01
        Tolerance of the symmetry finder, Å.

    Returns
    -------
    Crystal
        A standard crystal stays one.

    Raises
    ------
    SymmetryError
        If no symmetry is found.

    Examples
    --------
    The oxygen of rutile may move along one line, titanium not at all:

    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.crystals import space_group_number, standardize, symmetric_displacements
    >>> rutile = standardize(example_crystals()["TiO2-rutile"])
    >>> moved = symmetric_displacements(rutile, amplitude=0.05, random_state=0)
    >>> shifts = np.abs(moved.frac_coords - rutile.frac_coords).max(axis=1)
    >>> (shifts > 1e-6).tolist() == (rutile.atomic_numbers == 8).tolist()
    True
    >>> space_group_number(moved, symprec=0.01)
    136
    """
    from sklearn.utils import check_random_state

    crystal = as_crystal(crystal)
    rng = check_random_state(random_state)
    found = find_symmetry(crystal, symprec)
    sites = found.sites
    first = np.unique(found.orbits)
    shifts = rng.normal(scale=amplitude / np.sqrt(3), size=(len(first), 3))
    shifts = shifts @ np.linalg.inv(crystal.lattice)
    # Each atom of an orbit takes the mean of what the operations that lead to it make of the
    # first one's shift; that leaves the part its site symmetry allows.
    images = np.einsum("gij,nj->gni", found.rotations, sites[first])
    images += found.translations[:, None]
    target = _nearest(images, sites, crystal.metric).ravel()
    moves = np.einsum("gij,nj->gni", found.rotations, shifts).reshape(-1, 3)
    total = np.zeros_like(sites)
    np.add.at(total, target, moves)
    mean = total / np.bincount(target, minlength=len(sites))[:, None]
    coords = crystal.frac_coords + mean[_nearest(crystal.frac_coords, sites, crystal.metric)]
    if crystal.standard:
        content = coords, crystal.atomic_numbers, crystal.occupancies
        # Which of equivalent settings ranks first may have changed; the lattice fits them all.
        change = canonical_setting(found.number, crystal.metric, *content)
        coords = coords @ np.linalg.inv(change)
    return crystal.replace(frac_coords=coords - np.floor(coords + 1e-9))


def _nearest(points: np.ndarray, sites: np.ndarray, metric: np.ndarray) -> np.ndarray:
    away = points[..., None, :] - sites
    away -= np.round(away)
    return np.einsum("...i,ij,...j->...", away, metric, away).argmin(axis=-1)
