"""Atoms between the others."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from crystalsym.crystals._cluster import Cluster
from crystalsym.crystals.defects._parameter_checks import (
    check_length,
    check_rate,
    element_number,
    known_lattice,
    read_vector,
)
from crystalsym.crystals.defects._structure_steps import ClusterStep

# Places tried for each atom before the block counts as full.
TRIES = 1000


class Interstitials(ClusterStep):
    """Put further atoms between the others at random.

    Parameters
    ----------
    element : str or int
        Symbol or atomic number.
    rate : float, default=0.05
        Probability of each cell to get one.
    site : array-like of shape (3,), optional
        Fractional coordinates of their place in the cell, for instance
        (1/2, 1/2, 1/2). By default anywhere in the cell that is far enough from all others.
    min_distance : float, default=1.2
        From every other atom, Å.
    random_state : int, RandomState instance or None, default=None
        A crystal's place in X fixes its draw.

    Examples
    --------
    >>> from crystalsym.crystals.defects import CrystalBlock, Interstitials
    >>> from crystalsym.datasets import example_crystals
    >>> blocks = CrystalBlock(4).transform([example_crystals()["W"]])
    >>> carbon = Interstitials("C", 0.5, site=(0.5, 0.5, 0), random_state=0).transform(blocks)[0]
    >>> len(blocks[0]), int((carbon.atomic_numbers == 6).sum())
    (128, 36)
    """

    def __init__(
        self,
        element: str | int,
        rate: float = 0.05,
        *,
        site: Any = None,
        min_distance: float = 1.2,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.element = element
        self.rate = rate
        self.site = site
        self.min_distance = min_distance
        self.random_state = random_state

    def _check(self) -> None:
        element_number(self.element, "element")
        check_rate(self.rate)
        check_length(self.min_distance, "min_distance")
        if self.site is not None and np.any(np.asarray(self.site, dtype=float)):
            read_vector(self.site, "site")

    def _draws(self) -> bool:
        return self.rate not in (0, 1) or self.site is None

    def _changed(self, structure: Any, rng: np.random.Generator) -> Cluster:
        lattice = known_lattice(structure, "a site in the cell")
        if structure.cells is None:
            raise ValueError("the cluster's number of cells is not known; Cluster(..., cells=)")
        corners = np.stack(np.meshgrid(*map(np.arange, structure.cells), indexing="ij"), axis=-1)
        corners = corners.reshape(-1, 3)[rng.random(int(np.prod(structure.cells))) < self.rate]
        tree = cKDTree(structure.positions)
        if self.site is None:
            added = self._free_places(corners, lattice, tree, rng)
        else:
            added = (corners + np.asarray(self.site, dtype=float)) @ lattice
            near = tree.query(added)[0] if len(added) else np.zeros(0)
            if len(near) and near.min() < self.min_distance:
                raise ValueError(
                    f"site={self.site!r} is {near.min():.2f} Å from another atom,"
                    f" min_distance={self.min_distance!r}"
                )
        number = element_number(self.element, "element")
        return structure.replace(
            positions=np.concatenate([structure.positions, added]),
            atomic_numbers=np.concatenate([structure.atomic_numbers, np.full(len(added), number)]),
            occupancies=np.concatenate([structure.occupancies, np.ones(len(added))]),
        )

    def _free_places(
        self, corners: np.ndarray, lattice: np.ndarray, tree: cKDTree, rng: np.random.Generator
    ) -> np.ndarray:
        """A place in each of these cells, far enough from atoms and from one another."""
        places = np.empty((0, 3))
        for corner in corners:
            trials = (corner + rng.random((TRIES, 3))) @ lattice
            free = tree.query(trials)[0] >= self.min_distance
            if len(places):
                free &= cKDTree(places).query(trials)[0] >= self.min_distance
            if not free.any():
                raise ValueError(
                    f"no place in cell {tuple(corner.tolist())} is min_distance="
                    f"{self.min_distance!r} Å from all atoms ({TRIES} tried)"
                )
            places = np.concatenate([places, trials[[int(free.argmax())]]])
        return places
