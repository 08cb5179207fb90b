"""Lists of measured reflections: reading, averaging, symmetry, zero layers, evidence."""

from __future__ import annotations

import sys

from crystalsym._moved import FunctionBecomeRoom
from crystalsym.reflections._absences import AbsenceTest
from crystalsym.reflections._block import reflection_block
from crystalsym.reflections._centering import CenteringTest, find_centering
from crystalsym.reflections._equivalents import MergedReflections, merge_equivalents
from crystalsym.reflections._evidence import (
    AbsenceEvidence,
    Evidence,
    LaueEvidence,
    LayerCoverage,
)
from crystalsym.reflections._evidence_gathering import evidence
from crystalsym.reflections._found import ReflectionFileError
from crystalsym.reflections._group_likelihoods import GroupLikelihoods, group_likelihoods
from crystalsym.reflections._intensity_statistics import (
    IntensityStatistics,
    intensity_statistics,
    normalized_intensities,
)
from crystalsym.reflections._lattice_symmetry import LaueCandidate, laue_candidates
from crystalsym.reflections._laue import RotationScore
from crystalsym.reflections._reading import as_reflection_list, read_reflections
from crystalsym.reflections._reduction import Hypothesis, Reduction, reduce_reflections
from crystalsym.reflections._reflection_blocks import ReflectionBlocks
from crystalsym.reflections._reflection_list import ReflectionList
from crystalsym.reflections._reflection_sections import ReflectionSections
from crystalsym.reflections._sections import sections
from crystalsym.reflections._writing import write_hklf4, write_reflection_cif

__all__ = [
    "AbsenceEvidence",
    "AbsenceTest",
    "CenteringTest",
    "Evidence",
    "GroupLikelihoods",
    "Hypothesis",
    "IntensityStatistics",
    "LaueCandidate",
    "LaueEvidence",
    "LayerCoverage",
    "MergedReflections",
    "Reduction",
    "ReflectionBlocks",
    "ReflectionFileError",
    "ReflectionList",
    "ReflectionSections",
    "RotationScore",
    "as_reflection_list",
    "evidence",
    "find_centering",
    "group_likelihoods",
    "intensity_statistics",
    "laue_candidates",
    "merge_equivalents",
    "normalized_intensities",
    "read_reflections",
    "reduce_reflections",
    "reflection_block",
    "sections",
    "write_hklf4",
    "write_reflection_cif",
]

# crystalsym.reflections(crystal) was a function before it was a room.
sys.modules[__name__].__class__ = FunctionBecomeRoom
