"""Clusters folded into one cell, as crystals that everything else takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from crystalsym.crystals._crystal import Crystal
from crystalsym.crystals.defects._structure_steps import ClusterStep


class AverageCell(ClusterStep):
    """Fold each cluster into one cell of its lattice (:meth:`Cluster.average_crystal`).

    As the last step it hands a defective block to whatever takes crystals: the structure factors
    of the result are those of the block at the places of the average structure's reflections,
    diffuse scattering below them included.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from crystalsym import load_pretrained
    >>> from crystalsym.crystals.defects import AverageCell, CrystalBlock, Vacancies
    >>> from crystalsym.datasets import example_crystals
    >>> defective = make_pipeline(CrystalBlock(20), Vacancies(0.05, random_state=0), AverageCell())
    >>> load_pretrained("72").predict(defective.transform([example_crystals()["NaCl"]])).tolist()
    [225]
    """

    def _check(self) -> None:
        """There is no parameter."""

    def _changed(self, structure: Any, rng: np.random.Generator) -> Crystal:
        return structure.average_crystal()
