"""Atoms of one element in the place of another."""

from __future__ import annotations

from typing import Any

import numpy as np

from crystalsym.crystals._cluster import Cluster
from crystalsym.crystals.defects._parameter_checks import atoms_of, check_rate, element_number
from crystalsym.crystals.defects._structure_steps import ClusterStep


class Substitution(ClusterStep):
    """Replace atoms of one element at random by those of another.

    Parameters
    ----------
    replaced, by : str or int
        Symbols or atomic numbers.
    rate : float, default=0.05
        Probability of each atom to be replaced, one independent of the other.
    random_state : int, RandomState instance or None, default=None
        A crystal's place in X fixes its draw.

    Examples
    --------
    >>> from crystalsym.crystals.defects import CrystalBlock, Substitution
    >>> from crystalsym.datasets import example_crystals
    >>> blocks = CrystalBlock(5).transform([example_crystals()["NaCl"]])
    >>> doped = Substitution("Na", by="K", rate=0.1, random_state=0).transform(blocks)[0]
    >>> [int((doped.atomic_numbers == z).sum()) for z in (11, 19, 17)]
    [455, 45, 500]
    """

    def __init__(
        self,
        replaced: str | int,
        by: str | int,
        rate: float = 0.05,
        *,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.replaced = replaced
        self.by = by
        self.rate = rate
        self.random_state = random_state

    def _check(self) -> None:
        element_number(self.replaced, "replaced")
        element_number(self.by, "by")
        check_rate(self.rate)

    def _draws(self) -> bool:
        return self.rate not in (0, 1)

    def _changed(self, structure: Any, rng: np.random.Generator) -> Cluster:
        chosen = atoms_of(structure, self.replaced) & (rng.random(len(structure)) < self.rate)
        numbers = np.where(chosen, element_number(self.by, "by"), structure.atomic_numbers)
        return structure.replace(atomic_numbers=numbers)
