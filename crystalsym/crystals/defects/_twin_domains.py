"""Domains that are twins of their neighbors."""

from __future__ import annotations

from functools import partial
from numbers import Integral
from typing import Any

import numpy as np

from crystalsym.crystals._cluster import Cluster, cell_counts
from crystalsym.crystals._crystal import Crystal
from crystalsym.crystals._standardization import standardize as standard_cell
from crystalsym.crystals.defects._grain_filling import EDGE, Grain, fill_block
from crystalsym.crystals.defects._parameter_checks import (
    check_length,
    check_number,
    check_rate,
    read_integers,
)
from crystalsym.crystals.defects._structure_steps import CrystalStep

OPERATIONS = ("reflection", "rotation")


class TwinDomains(CrystalStep):
    """Fill a block of cells with domains, each the twin of the one before it.

    Parameters
    ----------
    cells : int or tuple of int, default=8
        The block's outline, in cells along a, b, c of the first domain.
    plane : array-like of int, shape (3,), default=(1, 1, 1)
        Indices hkl of the twin plane, which is the boundary as well.
    domains : int, default=2
        How many, as equal in width as whole planes allow. Not used when ``rate`` is given.
    rate : float, optional
        Probability of each plane to be a boundary: growth twins.
    operation : {"reflection", "rotation"}, default="reflection"
        Across the plane, or by 180° about its normal through a lattice point in it.
    offset : float, default=0.0
        Where the planes lie: hx + ky + lz = n + offset.
    min_distance : float, default=0.7
        Atoms of a domain closer than this to one of those before it are left out, Å.
    standardize : bool, default=True
        Take the standard conventional cell, to which ``plane`` refers.
    random_state : int, RandomState instance or None, default=None
        A crystal's place in X fixes its draw.

    Notes
    -----
    The lattice of the result is that of the first domain. Every domain that is a twin of
    it has its reflections at their mirror images in the plane. With ``rate`` and one plane of
    atoms for each plane hkl, the probability that two neighbors of a layer are of one kind
    is 1 - rate: the growth faults of the face-centered cube.

    References
    ----------
    Hahn & Klapper, International Tables for Crystallography D, ch. 3.3.

    Examples
    --------
    Two mirrored halves of copper meet in a plane of atoms:

    >>> from crystalsym.crystals.defects import TwinDomains
    >>> from crystalsym.datasets import example_crystals
    >>> twin = TwinDomains(6).transform([example_crystals()["Cu"]])[0]
    >>> abs(len(twin) - 4 * 6**3) < 60
    True
    """

    def __init__(
        self,
        cells: int | tuple[int, int, int] = 8,
        *,
        plane: Any = (1, 1, 1),
        domains: int = 2,
        rate: float | None = None,
        operation: str = "reflection",
        offset: float = 0.0,
        min_distance: float = 0.7,
        standardize: bool = True,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.cells = cells
        self.plane = plane
        self.domains = domains
        self.rate = rate
        self.operation = operation
        self.offset = offset
        self.min_distance = min_distance
        self.standardize = standardize
        self.random_state = random_state

    def _check(self) -> None:
        cell_counts(self.cells)
        read_integers(self.plane, "plane")
        if self.operation not in OPERATIONS:
            raise ValueError(f"operation must be one of {OPERATIONS}, got {self.operation!r}")
        domains = self.domains
        if isinstance(domains, bool) or not isinstance(domains, Integral) or int(domains) < 1:
            raise ValueError(f"domains must be a positive integer, got {domains!r}")
        if self.rate is not None:
            check_rate(self.rate)
        check_number(self.offset, "offset")
        check_length(self.min_distance, "min_distance")

    def _draws(self) -> bool:
        return self.rate not in (None, 0, 1)

    def _changed(self, structure: Any, rng: np.random.Generator) -> Cluster:
        crystal: Crystal = standard_cell(structure) if self.standardize else structure
        cells = cell_counts(self.cells)
        normal = read_integers(self.plane, "plane") @ np.linalg.inv(crystal.lattice).T
        boundaries = self._boundaries(cells, rng)
        grains: list[Grain] = []
        rotation, shift = np.eye(3), np.zeros(3)
        edges = [-np.inf, *boundaries, np.inf]
        for number, low in enumerate(edges[:-1]):
            if number:
                turn, move = self._twin(normal, low, grains[-1], crystal.lattice)
                rotation, shift = turn @ rotation, turn @ shift + move
            inside = partial(_between, normal, low, edges[number + 1])
            grains.append(Grain(rotation, shift, inside))
        return fill_block(crystal, cells, grains, self.min_distance)

    def _boundaries(self, cells: tuple[int, int, int], rng: np.random.Generator) -> np.ndarray:
        """Heights hx + ky + lz of the boundaries, rising."""
        reach = read_integers(self.plane, "plane") * cells
        low, high = reach[reach < 0].sum() - self.offset, reach[reach > 0].sum() - self.offset
        planes = np.arange(np.floor(low) + 1, np.ceil(high)) + self.offset
        if self.rate is not None:
            return planes[rng.random(len(planes)) < self.rate]
        if self.domains > len(planes) + 1:
            raise ValueError(
                f"domains={self.domains!r} in a block with {len(planes)} planes {self.plane!r}"
            )
        wanted = np.arange(1, self.domains) / self.domains * len(planes)
        return planes[wanted.astype(int)]

    def _twin(
        self, normal: np.ndarray, height: float, grain: Grain, lattice: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The twin operation in the plane r·normal = height, as rotation and shift."""
        square = normal @ normal
        mirror = np.eye(3) - 2 * np.outer(normal, normal) / square
        if self.operation == "reflection":
            return mirror, 2 * height / square * normal
        axis = grain.rotation @ (self._lattice_point(height) @ lattice) + grain.shift
        return -mirror, axis + mirror @ axis

    def _lattice_point(self, height: float) -> np.ndarray:
        """Integers of a lattice point with hx + ky + lz = height."""
        plane = read_integers(self.plane, "plane")
        reach = np.arange(-int(np.abs(plane).max()), int(np.abs(plane).max()) + 1)
        points = np.stack(np.meshgrid(reach, reach, reach, indexing="ij"), axis=-1).reshape(-1, 3)
        heights = points @ plane
        lowest = heights[heights > 0].min()
        steps = height / lowest
        if not np.isclose(steps, round(steps)):
            raise ValueError(
                f'operation="rotation" turns about an axis through lattice points, and the plane'
                f" {self.plane!r} at {height:g} holds none: offset=0 and a plane without a common"
                " divisor have them"
            )
        found: np.ndarray = round(steps) * points[int(np.flatnonzero(heights == lowest)[0])]
        return found


def _between(normal: np.ndarray, low: float, high: float, places: np.ndarray) -> np.ndarray:
    height = places @ normal
    return (height >= low - EDGE) & (height < high - EDGE)
