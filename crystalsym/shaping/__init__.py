"""What the spots of a pattern have in common, brought out: lines between them, or their indices."""

from __future__ import annotations

from crystalsym.shaping._merging import SpotMerger
from crystalsym.shaping._shaper import PatternShaper

__all__ = [
    "PatternShaper",
    "SpotMerger",
]
