"""Atoms of two elements that have changed places."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from crystalsym.crystals._cluster import Cluster
from crystalsym.crystals.defects._parameter_checks import atoms_of, check_rate, element_numbers
from crystalsym.crystals.defects._structure_steps import ClusterStep


class Antisites(ClusterStep):
    """Let pairs of atoms of different elements change places at random.

    Parameters
    ----------
    rate : float, default=0.05
        Mean part of all atoms concerned that stand in another element's place; two of them make
        a pair. The composition does not change.
    elements : list of str or int, optional
        Symbols or atomic numbers of at least two elements that take part; all by default.
    random_state : int, RandomState instance or None, default=None
        A crystal's place in X fixes its draw.

    Notes
    -----
    Pairs of elements are drawn as often as pairs of their atoms occur. Of two elements in equal
    numbers the long-range order of Bragg and Williams is S = 1 - 2 rate, and the intensities of
    superlattice reflections fall to S².

    References
    ----------
    Warren, X-Ray Diffraction, 1969, ch. 12.

    Examples
    --------
    >>> from crystalsym.crystals.defects import Antisites, CrystalBlock
    >>> from crystalsym.datasets import example_crystals
    >>> block = CrystalBlock(5).transform([example_crystals()["CsCl"]])[0]
    >>> exchanged = Antisites(0.2, random_state=0).transform([block])[0]
    >>> int((exchanged.atomic_numbers != block.atomic_numbers).sum()), len(block)
    (44, 250)
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
        numbers = element_numbers(self.elements)
        if numbers is not None and len(set(numbers)) < 2:
            raise ValueError(f"elements must be at least two, got {self.elements!r}")

    def _draws(self) -> bool:
        return self.rate != 0

    def _changed(self, structure: Any, rng: np.random.Generator) -> Cluster:
        concerned = np.flatnonzero(atoms_of(structure, self.elements))
        numbers = structure.atomic_numbers
        there, counts = np.unique(numbers[concerned], return_counts=True)
        if len(there) < 2:
            raise ValueError(
                f"holds atoms of one element only, atomic number {there[0]}: none can change places"
            )
        n_pairs = round(rng.binomial(len(concerned), self.rate) / 2)
        pairs = list(combinations(range(len(there)), 2))
        weights = np.array([counts[i] * counts[j] for i, j in pairs], dtype=float)
        of_pair = rng.multinomial(n_pairs, weights / weights.sum())
        wanted = np.zeros(len(there), dtype=int)
        for (i, j), count in zip(pairs, of_pair, strict=True):
            wanted[[i, j]] += count
        short = int((wanted - counts).argmax())
        if wanted[short] > counts[short]:
            raise ValueError(
                f"rate={self.rate!r} asks for {wanted[short]} exchanges of the {counts[short]}"
                f" atoms of atomic number {there[short]}"
            )
        orders = [rng.permutation(concerned[numbers[concerned] == z]) for z in there]
        changed, used = numbers.copy(), np.zeros(len(there), dtype=int)
        for (i, j), count in zip(pairs, of_pair, strict=True):
            changed[orders[i][used[i] : used[i] + count]] = there[j]
            changed[orders[j][used[j] : used[j] + count]] = there[i]
            used[[i, j]] += count
        return structure.replace(atomic_numbers=changed)
