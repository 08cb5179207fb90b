"""Raw patterns -> shaped patterns: neighbouring spots joined by lines."""

from __future__ import annotations

from crystalsym.shaping.shaper import PatternShaper

__all__ = ["PatternShaper"]
