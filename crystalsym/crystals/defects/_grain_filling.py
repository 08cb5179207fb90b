"""Blocks filled by a crystal in several positions, each in a part of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from crystalsym.crystals._cluster import Cluster
from crystalsym.crystals._crystal import Crystal

EDGE = 1e-6  # fractions of an edge; atoms on a face belong to the side toward the origin
BATCH = 20_000  # cells laid out at once, so that memory stays bounded


class Grain(NamedTuple):
    """A part of a block, and how the crystal lies in it: r -> rotation r + shift."""

    rotation: np.ndarray
    shift: np.ndarray
    inside: Callable[[np.ndarray], np.ndarray]


def fill_block(
    crystal: Crystal, cells: tuple[int, int, int], grains: list[Grain], min_distance: float
) -> Cluster:
    """Fill the outline of a block of cells.

    Parameters
    ----------
    crystal : Crystal
    cells : tuple of int
        The block's outline, in cells of the crystal as it stands.
    grains : list of Grain
    min_distance : float
        Å; atoms of a grain that are closer to one of those before it are left out.

    Returns
    -------
    Cluster
        With the lattice of the crystal as it stands.
    """
    positions, atoms = np.empty((0, 3)), np.empty(0, dtype=int)
    for grain in grains:
        places, which = _atoms_within(crystal, cells, grain)
        if len(positions) and len(places):
            free = cKDTree(positions).query(places)[0] >= min_distance
            places, which = places[free], which[free]
        positions, atoms = np.concatenate([positions, places]), np.concatenate([atoms, which])
    return Cluster(
        positions,
        crystal.atomic_numbers[atoms],
        crystal.occupancies[atoms],
        lattice=crystal.lattice,
        name=crystal.name,
        cells=cells,
        standard=crystal.standard,
    )


def _atoms_within(
    crystal: Crystal, cells: tuple[int, int, int], grain: Grain
) -> tuple[np.ndarray, np.ndarray]:
    """Places of the atoms of one grain, and which atoms of the cell they are."""
    to_cells = np.linalg.inv(crystal.lattice)
    corners = np.stack(np.meshgrid(*([0, n] for n in cells), indexing="ij"), axis=-1)
    corners = corners.reshape(-1, 3) @ crystal.lattice
    reached = (corners - grain.shift) @ grain.rotation @ to_cells
    low, high = np.floor(reached.min(axis=0)) - 1, np.ceil(reached.max(axis=0)) + 1
    spans = [np.arange(int(a), int(b) + 1) for a, b in zip(low, high, strict=True)]
    origins = np.stack(np.meshgrid(*spans, indexing="ij"), axis=-1).reshape(-1, 3)
    found, which = [], []
    for start in range(0, len(origins), BATCH):
        coords = origins[start : start + BATCH, None] + crystal.frac_coords
        places = coords.reshape(-1, 3) @ crystal.lattice @ grain.rotation.T + grain.shift
        coords = places @ to_cells
        kept = ((coords >= -EDGE) & (coords < np.array(cells) - EDGE)).all(axis=1)
        kept[kept] = grain.inside(places[kept])
        found.append(places[kept])
        which.append(np.flatnonzero(kept) % len(crystal))
    return np.concatenate(found), np.concatenate(which)
