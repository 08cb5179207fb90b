"""The standard cell as a crystal was given: no edge, angle or position made ideal."""

from __future__ import annotations

from itertools import product

import numpy as np

from crystalsym.crystals._symmetry import Symmetry

# A conventional axis is a sum of such fractions of the given cell's vectors, or the reverse.
MAX_DENOMINATOR = 64
TOLERANCE = 1e-3


def given_cell(found: Symmetry, lattice: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the finder's cell the lattice and positions it was found in.

    Parameters
    ----------
    found : Symmetry
    lattice : ndarray of shape (3, 3)
        What the finder was given.

    Returns
    -------
    lattice : ndarray of shape (3, 3)
        As ``found.lattice``, up to a rotation and the distortion.
    frac_coords : ndarray of shape (n, 3)
        In the order of ``found.coords``. If the given cell repeats itself within the
        finder's tolerance, the mean over its copies of an atom.
    """
    images = found.sites @ found.change.T + found.shift
    images = images[:, None] + _translations(found.change)
    ideal = np.asarray(found.coords)
    coords = np.empty_like(ideal)
    for kind in np.unique(found.parents):
        atoms = np.flatnonzero(found.parents == kind)
        copies = images[found.site_parents == kind].reshape(-1, 3)
        away = copies[:, None] - ideal[atoms]
        away -= np.round(away)
        distance = np.linalg.norm(away @ found.lattice, axis=2)
        nearest = distance.argmin(axis=1)
        for place, atom in enumerate(atoms):
            coords[atom] = ideal[atom] + away[nearest == place, place].mean(axis=0)
    return np.linalg.inv(found.change).T @ lattice, coords


def _translations(change: np.ndarray) -> np.ndarray:
    """The given lattice's vectors that the conventional cell holds, fractions of it."""
    repeats = []
    for column in change.T:
        multiples = np.arange(1, MAX_DENOMINATOR + 1)[:, None] * column
        whole = np.abs(multiples - np.round(multiples)).max(axis=1) < TOLERANCE
        repeats.append(int(whole.argmax()) + 1)
    vectors = np.array(list(product(*map(range, repeats))), dtype=float) @ change.T
    vectors -= np.floor(vectors + TOLERANCE)
    return np.unique(np.round(vectors, 6), axis=0)
