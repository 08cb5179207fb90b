"""Crystal structures -> diffraction patterns: geometry, reflections, spots and images."""

from __future__ import annotations

from crystalsym.diffraction._block_spots import BlockSpots
from crystalsym.diffraction._geometry import Detector, View
from crystalsym.diffraction._orbits import with_orbits
from crystalsym.diffraction._peaks import SpotList, find_spots
from crystalsym.diffraction._projected_potential import ProjectedPotential
from crystalsym.diffraction._reflections import ReflectionTable, reflections
from crystalsym.diffraction._simulator import DiffractionSimulator
from crystalsym.diffraction._spot_patterns import Coverage, SpotPattern, SpotPatterns
from crystalsym.diffraction._view_families import resolve_views
from crystalsym.diffraction._zone_axes import (
    shortest_reflection,
    symmetry_directions,
    zone_axis_rotation,
)

__all__ = [
    "BlockSpots",
    "Coverage",
    "Detector",
    "DiffractionSimulator",
    "ProjectedPotential",
    "ReflectionTable",
    "SpotList",
    "SpotPattern",
    "SpotPatterns",
    "View",
    "find_spots",
    "reflections",
    "resolve_views",
    "shortest_reflection",
    "symmetry_directions",
    "with_orbits",
    "zone_axis_rotation",
]
