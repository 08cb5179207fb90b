"""What networks learn from: rows made when they are asked for, changed crystals, splits."""

from __future__ import annotations

from crystalsym.learning._augmentation import Augmentation
from crystalsym.learning._degraded_rows import DegradedRows
from crystalsym.learning._folds import ChemicalSystemKFold, PrototypeKFold, ValidationRotation
from crystalsym.learning._former_rows import LatticePatterns, PatternStore, RenderedPatterns
from crystalsym.learning._grouping import (
    chemical_system_groups,
    near_duplicate_groups,
    prototype_groups,
    twin_groups,
)
from crystalsym.learning._holdout import holdout_split
from crystalsym.learning._lazy_rows import LazyRows
from crystalsym.learning._learning_rows import learning_rows
from crystalsym.learning._pattern_rows import PatternRows

__all__ = [
    "Augmentation",
    "ChemicalSystemKFold",
    "DegradedRows",
    "LatticePatterns",
    "LazyRows",
    "PatternRows",
    "PatternStore",
    "PrototypeKFold",
    "RenderedPatterns",
    "ValidationRotation",
    "chemical_system_groups",
    "holdout_split",
    "learning_rows",
    "near_duplicate_groups",
    "prototype_groups",
    "twin_groups",
]
