"""Crystals: anything a user has, as one frozen record in a known setting."""

from __future__ import annotations

from crystalsym.crystals._cluster import Cluster, as_structure
from crystalsym.crystals._coercion import as_crystal
from crystalsym.crystals._crystal import Crystal
from crystalsym.crystals._displacements import symmetric_displacements
from crystalsym.crystals._metric_settings import (
    LAUE_CLASSES,
    canonical_setting,
    in_metric_setting,
    open_settings,
)
from crystalsym.crystals._notes import StructureWarning
from crystalsym.crystals._prototypes import prototype
from crystalsym.crystals._standardization import space_group_number, standardize
from crystalsym.crystals._symmetry import FINDERS, SymmetryError
from crystalsym.crystals._wyckoff import WyckoffPosition, wyckoff_positions

__all__ = [
    "FINDERS",
    "LAUE_CLASSES",
    "Cluster",
    "Crystal",
    "StructureWarning",
    "SymmetryError",
    "WyckoffPosition",
    "as_crystal",
    "as_structure",
    "canonical_setting",
    "in_metric_setting",
    "open_settings",
    "prototype",
    "space_group_number",
    "standardize",
    "symmetric_displacements",
    "wyckoff_positions",
]
