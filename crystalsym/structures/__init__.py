"""Crystals: anything a user has, as one frozen record in a known setting."""

from __future__ import annotations

from crystalsym.structures.cluster import Cluster, as_structure
from crystalsym.structures.coercion import as_crystal
from crystalsym.structures.crystal import Crystal
from crystalsym.structures.displacements import symmetric_displacements
from crystalsym.structures.standardization import (
    SymmetryError,
    space_group_number,
    standardize,
)
from crystalsym.structures.wyckoff import WyckoffPosition, wyckoff_positions

__all__ = [
    "Cluster",
    "Crystal",
    "SymmetryError",
    "WyckoffPosition",
    "as_crystal",
    "as_structure",
    "space_group_number",
    "standardize",
    "symmetric_displacements",
    "wyckoff_positions",
]
