"""What to start from: bundled and random crystals, tables of many, and published images."""

from __future__ import annotations

from crystalsym.datasets._bundled import example_crystals, example_space_groups
from crystalsym.datasets._published_images import PublishedImages, load_published
from crystalsym.datasets._random_crystals import random_crystals
from crystalsym.datasets._random_molecular_crystals import random_molecular_crystals
from crystalsym.datasets._table import CrystalTable

__all__ = [
    "CrystalTable",
    "PublishedImages",
    "example_crystals",
    "example_space_groups",
    "load_published",
    "random_crystals",
    "random_molecular_crystals",
]
