"""Crystals to start from: the bundled examples and compact tables of many structures."""

from __future__ import annotations

from .bundled import example_crystals, example_space_groups
from .table import CrystalTable

__all__ = ["CrystalTable", "example_crystals", "example_space_groups"]
