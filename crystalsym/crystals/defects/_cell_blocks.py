"""A finite block of cells, which defects then change."""

from __future__ import annotations

from typing import Any

import numpy as np

from crystalsym.crystals._cluster import Cluster, cell_counts
from crystalsym.crystals._crystal import Crystal
from crystalsym.crystals._standardization import standardize as standard_cell
from crystalsym.crystals._symmetry import FINDERS
from crystalsym.crystals.defects._parameter_checks import check_length
from crystalsym.crystals.defects._structure_steps import CrystalStep


class CrystalBlock(CrystalStep):
    """Cut a block of whole cells out of each crystal.

    Parameters
    ----------
    cells : int or tuple of int, default=8
        Cells along a, b, c.
    edge : float, optional
        Edges of the block in Å, in place of ``cells``: as many cells as come closest, at least
        one.
    standardize : bool, default=True
        Take the standard conventional cell, the one that patterns and models refer to.
        Otherwise the crystal's own axes and Cartesian frame are used.
    symprec : float, default=0.1
        Distance tolerance of the symmetry finder, Å.
    finder : {"mixed", "spglib", "moyo"}, default="mixed"

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from crystalsym import DiffractionSimulator
    >>> from crystalsym.crystals.defects import CrystalBlock, ThermalDisplacements, Vacancies
    >>> from crystalsym.datasets import example_crystals
    >>> steps = make_pipeline(
    ...     CrystalBlock(3),
    ...     Vacancies(0.05, elements="O", random_state=0),
    ...     ThermalDisplacements(0.1, random_state=0),
    ...     DiffractionSimulator(engine="atoms", image_size=32),
    ... )
    >>> steps.transform([example_crystals()["TiO2-rutile"]]).shape
    (1, 3, 32, 32)
    """

    def __init__(
        self,
        cells: int | tuple[int, int, int] = 8,
        *,
        edge: float | None = None,
        standardize: bool = True,
        symprec: float = 0.1,
        finder: str = "mixed",
    ):
        self.cells = cells
        self.edge = edge
        self.standardize = standardize
        self.symprec = symprec
        self.finder = finder

    def _check(self) -> None:
        cell_counts(self.cells)
        if self.edge is not None:
            check_length(self.edge, "edge", positive=True)
        check_length(self.symprec, "symprec", positive=True)
        if self.finder not in FINDERS:
            raise ValueError(f"finder must be one of {FINDERS}, got {self.finder!r}")

    def _changed(self, structure: Any, rng: np.random.Generator) -> Cluster:
        crystal: Crystal = structure
        if self.standardize:
            crystal = standard_cell(crystal, self.symprec, finder=self.finder)
        cells = self.cells
        if self.edge is not None:
            edges = np.linalg.norm(crystal.lattice, axis=1)
            na, nb, nc = np.maximum(1, np.rint(self.edge / edges)).astype(int).tolist()
            cells = (na, nb, nc)
        return Cluster.from_crystal(crystal, cells)
