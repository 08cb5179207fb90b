"""Crystals to start from: bundled examples, random ones and compact tables of many structures."""

from __future__ import annotations

from .bundled import example_crystals, example_space_groups
from .random_crystals import random_crystals
from .table import CrystalTable

__all__ = ["CrystalTable", "example_crystals", "example_space_groups", "random_crystals"]
