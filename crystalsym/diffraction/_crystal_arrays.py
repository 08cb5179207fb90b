"""The cells of many crystals in flat arrays, as the compiled sums take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from crystalsym.crystals import Crystal
from crystalsym.datasets import CrystalTable


class CrystalArrays(NamedTuple):
    """Cells and atoms; crystal i owns the atoms ``offsets[i]`` to ``offsets[i + 1]``.

    Atoms of one element stand side by side.
    """

    lattices: np.ndarray
    reciprocals: np.ndarray
    offsets: np.ndarray
    coords: np.ndarray
    numbers: np.ndarray
    occupancies: np.ndarray

    @classmethod
    def of(cls, crystals: Sequence[Crystal] | CrystalTable) -> CrystalArrays:
        """Gather some crystals, of which there is at least one."""
        if isinstance(crystals, CrystalTable):
            lattices = np.asarray(crystals.lattice, dtype=np.float64)
            counts = np.diff(crystals.site_offsets)
            coords = np.asarray(crystals.frac_coords, dtype=np.float64)
            numbers = np.asarray(crystals.atomic_numbers, dtype=np.int64)
            occupancies = np.ones(len(numbers))
        else:
            lattices = np.array([crystal.lattice for crystal in crystals])
            counts = np.array([len(crystal) for crystal in crystals])
            coords = np.concatenate([crystal.frac_coords for crystal in crystals])
            numbers = np.concatenate([crystal.atomic_numbers for crystal in crystals])
            occupancies = np.concatenate([crystal.occupancies for crystal in crystals])
        owner = np.repeat(np.arange(len(counts)), counts)
        order = np.lexsort((numbers, owner))
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        reciprocals = np.linalg.inv(lattices).transpose(0, 2, 1)
        return cls(
            lattices, reciprocals, offsets, coords[order], numbers[order], occupancies[order]
        )
