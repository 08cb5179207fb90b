"""Measured patterns: image files, their geometry, and how measurements fall short.

Patterns are written as 16-bit gray TIFF or PNG files that carry their own q scale, so that a
file read back is the pattern that was written. Intensities are linear throughout.
"""

from __future__ import annotations

from crystalsym.measurement._camera_degradation import CameraDegradation
from crystalsym.measurement._camera_images import CameraImages
from crystalsym.measurement._defect_degradation import DefectDegradation
from crystalsym.measurement._degradation import Degradation
from crystalsym.measurement._found_crystal import FoundCrystal
from crystalsym.measurement._found_pattern import FoundPattern
from crystalsym.measurement._gray_scale import (
    looks_logarithmic,
    profile_trend,
)
from crystalsym.measurement._image_refusals import PatternRefused
from crystalsym.measurement._pattern import (
    Pattern,
)
from crystalsym.measurement._pattern_files import (
    SUFFIXES,
    read_pattern,
    read_patterns,
    write_pattern,
)
from crystalsym.measurement._reflection_simulator import ReflectionSimulator
from crystalsym.measurement._resampling import (
    resample_pattern,
)
from crystalsym.measurement._spot_finder import SpotFinder
from crystalsym.measurement._zone_indexing import ZoneIndexing, index_zones

__all__ = [
    "SUFFIXES",
    "CameraDegradation",
    "CameraImages",
    "DefectDegradation",
    "Degradation",
    "FoundCrystal",
    "FoundPattern",
    "Pattern",
    "PatternRefused",
    "ReflectionSimulator",
    "SpotFinder",
    "ZoneIndexing",
    "index_zones",
    "looks_logarithmic",
    "profile_trend",
    "read_pattern",
    "read_patterns",
    "resample_pattern",
    "write_pattern",
]
