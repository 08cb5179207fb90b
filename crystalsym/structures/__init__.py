"""Crystals: anything a user has, as one frozen record in a known setting."""

from __future__ import annotations

from crystalsym.structures.coercion import as_crystal
from crystalsym.structures.crystal import Crystal
from crystalsym.structures.standardization import (
    SymmetryError,
    space_group_number,
    standardize,
)

__all__ = ["Crystal", "SymmetryError", "as_crystal", "space_group_number", "standardize"]
