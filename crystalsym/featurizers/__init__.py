"""Space groups as columns of a table."""

from __future__ import annotations

from crystalsym.featurizers._space_group_featurizer import SpaceGroupFeaturizer

__all__ = [
    "SpaceGroupFeaturizer",
]
