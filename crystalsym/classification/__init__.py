"""Classification of shaped patterns: the estimator, its training and its saved form."""

from __future__ import annotations

from crystalsym.classification.checkpoints import CheckpointError
from crystalsym.classification.classifier import SpaceGroupClassifier
from crystalsym.classification.saving import SavedModelError
from crystalsym.classification.similarity import SimilarityClassifier

__all__ = ["CheckpointError", "SavedModelError", "SimilarityClassifier", "SpaceGroupClassifier"]
