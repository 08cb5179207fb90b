"""Classification of shaped patterns: the estimator, its training and its saved form."""

from __future__ import annotations

from crystalsym._provenance import PatternMismatchWarning
from crystalsym.bundles import SavedModelError
from crystalsym.classification._checkpoints import CheckpointError
from crystalsym.classification._classifier import SpaceGroupClassifier
from crystalsym.classification._similarity import SimilarityClassifier

__all__ = [
    "CheckpointError",
    "PatternMismatchWarning",
    "SavedModelError",
    "SimilarityClassifier",
    "SpaceGroupClassifier",
]
