"""Crystals to start from: bundled examples, random ones and compact tables of many structures."""

from __future__ import annotations

from crystalsym.datasets._bundled import example_crystals, example_space_groups
from crystalsym.datasets._random_crystals import random_crystals
from crystalsym.datasets._random_molecular_crystals import random_molecular_crystals
from crystalsym.datasets._table import CrystalTable

__all__ = [
    "CrystalTable",
    "example_crystals",
    "example_space_groups",
    "random_crystals",
    "random_molecular_crystals",
]
