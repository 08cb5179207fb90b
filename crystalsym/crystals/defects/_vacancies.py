"""Atoms that are missing."""

from __future__ import annotations

from typing import Any

import numpy as np

from crystalsym.crystals._cluster import Cluster
from crystalsym.crystals.defects._parameter_checks import atoms_of, check_rate, element_numbers
from crystalsym.crystals.defects._structure_steps import ClusterStep


class Vacancies(ClusterStep):
    """Take out atoms at random.

    Parameters
    ----------
    rate : float, default=0.05
        Probability of each atom to be missing, one independent of the other.
    elements : str, int or list of these, optional
        Symbols or atomic numbers of the elements concerned; all by default.
    random_state : int, RandomState instance or None, default=None
        A crystal's place in X fixes its draw.

    Notes
    -----
    On one sublattice Bragg intensities fall to (1 - rate)², and
    N rate (1 - rate) f² of N atoms are spread evenly (Laue's monotonic scattering).

    References
    ----------
    Guinier, X-Ray Diffraction in Crystals, Imperfect Crystals, and Amorphous Bodies, 1963, ch. 7.

    Examples
    --------
    >>> from crystalsym.crystals.defects import CrystalBlock, Vacancies
    >>> from crystalsym.datasets import example_crystals
    >>> blocks = CrystalBlock(5).transform([example_crystals()["NaCl"]])
    >>> len(blocks[0]), len(Vacancies(0.05, random_state=0).transform(blocks)[0])
    (1000, 950)
    """

    def __init__(
        self,
        rate: float = 0.05,
        elements: Any = None,
        *,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.rate = rate
        self.elements = elements
        self.random_state = random_state

    def _check(self) -> None:
        check_rate(self.rate)
        element_numbers(self.elements)

    def _draws(self) -> bool:
        return self.rate not in (0, 1)

    def _changed(self, structure: Any, rng: np.random.Generator) -> Cluster:
        missing = atoms_of(structure, self.elements) & (rng.random(len(structure)) < self.rate)
        if missing.all():
            raise ValueError(f"no atom is left at rate={self.rate!r}")
        return structure[~missing]
