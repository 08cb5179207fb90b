"""How far the atoms of a crystal are from their nearest neighbors."""

from __future__ import annotations

from itertools import product

import numpy as np

from crystalsym.crystals._crystal import Crystal

# Entries as close as this share a place.
SAME_PLACE = 0.1


def neighbor_distances(crystal: Crystal) -> np.ndarray:
    """Measure how far every atom is from the nearest other atom, its own images among them.

    Parameters
    ----------
    crystal : Crystal

    Returns
    -------
    ndarray of shape (n_atoms,)
        In Å.
    """
    lattice = crystal.lattice
    # No neighbor is farther than the nearest image of an atom itself.
    farthest = np.linalg.norm(lattice, axis=1).min()
    planes = 1 / np.linalg.norm(np.linalg.inv(lattice), axis=0)
    spans = [range(-n, n + 1) for n in np.ceil(farthest / planes + 0.5).astype(int)]
    away = crystal.frac_coords[:, None] - crystal.frac_coords
    away -= np.round(away)
    nearest = np.full(len(away), farthest)
    for cell in product(*spans):
        distances = np.linalg.norm((away + np.array(cell)) @ lattice, axis=-1)
        distances[distances < SAME_PLACE] = np.inf
        np.minimum(nearest, distances.min(axis=1), out=nearest)
    return nearest
