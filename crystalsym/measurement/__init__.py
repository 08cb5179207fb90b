"""Image files of diffraction patterns: reading, writing and bringing to a model's geometry.

Patterns are written as 16-bit grey TIFF or PNG files that carry their own q scale, so that a
file read back is the pattern that was written. Intensities are linear throughout: the classifiers
live on weak spots, which eight bits of linear grey cannot hold.
"""

from __future__ import annotations

from crystalsym.measurement._pattern import Pattern
from crystalsym.measurement._pattern_files import SUFFIXES, read_pattern, write_pattern
from crystalsym.measurement._resampling import resample_pattern

__all__ = [
    "SUFFIXES",
    "Pattern",
    "read_pattern",
    "resample_pattern",
    "write_pattern",
]
