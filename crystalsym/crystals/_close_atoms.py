"""Atoms of a periodic cell that are close to each other."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

_FEW = 64  # up to here all differences are the quicker way


def close_pairs(
    lattice: np.ndarray, frac_coords: np.ndarray, radius: float
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of different atoms with images closer than ``radius``, each once.

    Parameters
    ----------
    lattice : ndarray of shape (3, 3)
        Rows, in Å.
    frac_coords : ndarray of shape (n_atoms, 3)
    radius : float
        In Å, less than half the distance of any two lattice planes that bound the cell.

    Returns
    -------
    first, second : ndarray of int
    """
    n = len(frac_coords)
    if n <= _FEW:
        away = frac_coords[:, None] - frac_coords
        away -= np.round(away)
        apart = away @ lattice
        close = np.einsum("ijk,ijk->ij", apart, apart) < radius * radius
        first, second = np.nonzero(close)
        return first[first < second], second[first < second]
    from scipy.spatial import cKDTree

    coords = frac_coords - np.floor(frac_coords)
    atoms = np.arange(n)
    margins = radius * np.linalg.norm(np.linalg.inv(lattice), axis=0)
    for axis, margin in enumerate(margins):  # what leaves the cell enters on the other side
        beyond = coords[:, axis] < margin
        copies = coords[beyond]
        copies[:, axis] += 1
        coords = np.concatenate([coords, copies])
        atoms = np.concatenate([atoms, atoms[beyond]])
    pairs = cKDTree(coords @ lattice).query_pairs(radius, output_type="ndarray")
    if not len(pairs):
        return pairs[:, 0], pairs[:, 1]
    found = np.sort(atoms[pairs], axis=1)
    found = np.unique(found[found[:, 0] != found[:, 1]], axis=0)
    return found[:, 0], found[:, 1]


def runs(values: np.ndarray) -> list[np.ndarray]:
    """Places of equal values, one array for each value in rising order."""
    order = np.argsort(values, kind="stable")
    edges = np.flatnonzero(np.diff(values[order])) + 1
    return [order[a:b] for a, b in pairwise([0, *edges, len(values)])]
