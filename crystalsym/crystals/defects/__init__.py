"""Crystals as they are: finite blocks of cells with defects, made step by step."""

from __future__ import annotations

from crystalsym.crystals.defects._antisites import Antisites
from crystalsym.crystals.defects._average_cells import AverageCell
from crystalsym.crystals.defects._cell_blocks import CrystalBlock
from crystalsym.crystals.defects._dislocations import DislocationPairs
from crystalsym.crystals.defects._grain_boundaries import GrainBoundary
from crystalsym.crystals.defects._interstitials import Interstitials
from crystalsym.crystals.defects._stacking_faults import StackingFaults
from crystalsym.crystals.defects._strain import Strain
from crystalsym.crystals.defects._strain_fields import StrainField
from crystalsym.crystals.defects._substitution import Substitution
from crystalsym.crystals.defects._thermal_displacements import ThermalDisplacements
from crystalsym.crystals.defects._twin_domains import TwinDomains
from crystalsym.crystals.defects._vacancies import Vacancies

__all__ = [
    "Antisites",
    "AverageCell",
    "CrystalBlock",
    "DislocationPairs",
    "GrainBoundary",
    "Interstitials",
    "StackingFaults",
    "Strain",
    "StrainField",
    "Substitution",
    "ThermalDisplacements",
    "TwinDomains",
    "Vacancies",
]
