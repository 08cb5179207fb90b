"""Splits that keep what is nearly the same crystal on one side."""

from __future__ import annotations

from crystalsym.splits.folds import ChemicalSystemKFold, PrototypeKFold, ValidationRotation
from crystalsym.splits.grouping import chemical_system_groups, prototype_groups, twin_groups
from crystalsym.splits.holdout import holdout_split

__all__ = [
    "ChemicalSystemKFold",
    "PrototypeKFold",
    "ValidationRotation",
    "chemical_system_groups",
    "holdout_split",
    "prototype_groups",
    "twin_groups",
]
