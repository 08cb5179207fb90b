"""Atoms shifted at random, as by temperature, one by one or together with their neighbors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from crystalsym.crystals._cluster import Cluster
from crystalsym.crystals.defects._parameter_checks import check_length, element_number
from crystalsym.crystals.defects._random_waves import random_field
from crystalsym.crystals.defects._structure_steps import ClusterStep


class ThermalDisplacements(ClusterStep):
    """Shift atoms at random, by a normal distribution that is the same in all directions.

    Parameters
    ----------
    rms : float or dict, default=0.1
        Root mean square length of the shifts, Å, or one for each element (symbol or atomic
        number; the others stay). Along each axis it is rms / √3, and B = 8π² rms² / 3.
    correlation_length : float, default=0.0
        Distance ξ in Å over which shifts are alike: that of atoms r apart has the
        correlation exp(-r² / 2ξ²), as in long waves. By default each atom is by itself.
    random_state : int, RandomState instance or None, default=None
        A crystal's place in X fixes its draw.

    Notes
    -----
    Bragg intensities fall to exp(-4π² q² rms² / 3), the Debye-Waller factor, whatever the
    correlation; what they lose is diffuse, spread evenly without correlation and gathered within
    about 1 / (2π ξ) of the reflections with it. A correlated field is a sum of waves with normal
    wave vectors of standard deviation 1 / ξ.

    References
    ----------
    Willis & Pryor, Thermal Vibrations in Crystallography, 1975, ch. 4.

    Examples
    --------
    >>> from crystalsym.crystals.defects import CrystalBlock, ThermalDisplacements
    >>> from crystalsym.datasets import example_crystals
    >>> block = CrystalBlock(6).transform([example_crystals()["NaCl"]])[0]
    >>> warm = ThermalDisplacements(0.1, random_state=0).transform([block])[0]
    >>> shifts = warm.positions - block.positions
    >>> round(float(np.sqrt((shifts**2).sum(axis=1).mean())), 3)
    0.099
    """

    def __init__(
        self,
        rms: float | Mapping[str | int, float] = 0.1,
        *,
        correlation_length: float = 0.0,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.rms = rms
        self.correlation_length = correlation_length
        self.random_state = random_state

    def _check(self) -> None:
        check_length(self.correlation_length, "correlation_length")
        if not isinstance(self.rms, Mapping):
            check_length(self.rms, "rms")
            return
        for element, value in self.rms.items():
            element_number(element, "rms")
            check_length(value, f"rms[{element!r}]")

    def _draws(self) -> bool:
        return isinstance(self.rms, Mapping) or self.rms != 0

    def _changed(self, structure: Any, rng: np.random.Generator) -> Cluster:
        if self.correlation_length == 0:
            field = rng.normal(size=structure.positions.shape)
        else:
            field = random_field(structure.positions, self.correlation_length, rng)
        shifts = field * (self._of_atoms(structure) / np.sqrt(3))[:, None]
        return structure.replace(positions=structure.positions + shifts)

    def _of_atoms(self, cluster: Cluster) -> np.ndarray:
        """The rms of each atom."""
        if not isinstance(self.rms, Mapping):
            return np.full(len(cluster), float(self.rms))
        rms = np.zeros(len(cluster))
        for element, value in self.rms.items():
            concerned = cluster.atomic_numbers == element_number(element, "rms")
            if not concerned.any():
                raise ValueError(f"rms names {element!r}, of which there is no atom")
            rms[concerned] = value
        return rms
