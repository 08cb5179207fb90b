"""Facts about the 230 space groups, and the label sets of Tiong et al. (2020).

Everything is derived from :mod:`gemmi`'s tables, in the standard (reference) setting of each group:
unique axis b and cell choice 1 for monoclinic groups, hexagonal axes for rhombohedral ones. Nothing
here depends on a choice of origin.
"""

from __future__ import annotations

from crystalsym.spacegroups._diffraction_classes import diffraction_class, diffraction_classes
from crystalsym.spacegroups._dynamical_classes import dynamical_class, dynamical_classes
from crystalsym.spacegroups._facts import (
    SpaceGroup,
    crystal_system,
    enantiomorph,
    is_absent,
    is_centrosymmetric,
    laue_class,
    point_group,
    space_group,
    symbol,
)
from crystalsym.spacegroups._label_sets import PAPER_COUNTS, label_set

__all__ = [
    "PAPER_COUNTS",
    "SpaceGroup",
    "crystal_system",
    "diffraction_class",
    "diffraction_classes",
    "dynamical_class",
    "dynamical_classes",
    "enantiomorph",
    "is_absent",
    "is_centrosymmetric",
    "label_set",
    "laue_class",
    "point_group",
    "space_group",
    "symbol",
]
