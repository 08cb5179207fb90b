"""Two grains of a crystal that meet in a plane."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

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


class GrainBoundary(CrystalStep):
    """Fill a block of cells with two grains, one turned against the other.

    Parameters
    ----------
    cells : int or tuple of int, default=8
        The block's outline, in cells along a, b, c of the first grain.
    plane : array-like of int, shape (3,), default=(0, 0, 1)
        Indices hkl of the boundary, in the first grain.
    angle : float, default=10.0
        By which the second grain is turned, degrees.
    axis : array-like of int, shape (3,), optional
        Lattice direction [uvw] about which it is turned, through the middle of the block: within
        the plane for a tilt boundary. By default the plane's normal, a twist boundary.
    position : float, default=0.5
        Part of the block, along the normal, that the first grain has.
    min_distance : float, default=1.5
        Atoms of the second grain closer than this to one of the first are left out, Å.
    standardize : bool, default=True
        Take the standard conventional cell, to which ``plane`` and ``axis`` refer.

    Notes
    -----
    The boundary is not relaxed. The lattice of the result is that of the first grain.

    References
    ----------
    Sutton & Balluffi, Interfaces in Crystalline Materials, 1995, ch. 1.

    Examples
    --------
    >>> from crystalsym.crystals.defects import GrainBoundary
    >>> from crystalsym.datasets import example_crystals
    >>> twist = GrainBoundary(6, angle=22.6).transform([example_crystals()["Cu"]])[0]
    >>> 0.9 < len(twist) / (4 * 6**3) < 1.05
    True
    """

    def __init__(
        self,
        cells: int | tuple[int, int, int] = 8,
        *,
        plane: Any = (0, 0, 1),
        angle: float = 10.0,
        axis: Any = None,
        position: float = 0.5,
        min_distance: float = 1.5,
        standardize: bool = True,
    ):
        self.cells = cells
        self.plane = plane
        self.angle = angle
        self.axis = axis
        self.position = position
        self.min_distance = min_distance
        self.standardize = standardize

    def _check(self) -> None:
        cell_counts(self.cells)
        read_integers(self.plane, "plane")
        check_number(self.angle, "angle")
        if self.axis is not None:
            read_integers(self.axis, "axis")
        check_rate(self.position, "position")
        check_length(self.min_distance, "min_distance")

    def _changed(self, structure: Any, rng: np.random.Generator) -> Cluster:
        crystal: Crystal = standard_cell(structure) if self.standardize else structure
        cells = cell_counts(self.cells)
        normal = read_integers(self.plane, "plane") @ np.linalg.inv(crystal.lattice).T
        axis = normal
        if self.axis is not None:
            axis = read_integers(self.axis, "axis") @ crystal.lattice
        turn = Rotation.from_rotvec(
            self.angle * axis / np.linalg.norm(axis), degrees=True
        ).as_matrix()
        reach = read_integers(self.plane, "plane") * cells
        low, high = reach[reach < 0].sum(), reach[reach > 0].sum()
        height = low + self.position * (high - low)
        middle = np.array(cells) / 2 @ crystal.lattice
        grains = [
            Grain(np.eye(3), np.zeros(3), lambda places: places @ normal < height - EDGE),
            Grain(turn, middle - turn @ middle, lambda places: places @ normal >= height - EDGE),
        ]
        return fill_block(crystal, cells, grains, self.min_distance)
