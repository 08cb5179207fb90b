"""A pipeline without a network in the place of the bundled "72", and crystals to ask it about."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline

from crystalsym import DiffractionSimulator, PatternShaper
from crystalsym.crystals import Crystal, StructureWarning
from crystalsym.identification import _identifying

CLASSES = [1, 2, 14, 33, 62, 166, 194, 216, 221, 225]


class PlainClassifier(ClassifierMixin, BaseEstimator):
    """Probabilities by fixed weights: repeatable, and each crystal has its own."""

    def fit(self, X, y=None):
        self.classes_ = np.array(CLASSES)
        return self

    def predict_proba(self, X):
        flat = np.asarray(X, dtype=np.float64).reshape(len(X), -1)
        weights = np.random.default_rng(0).normal(size=(flat.shape[1], len(CLASSES)))
        odds = np.exp(np.einsum("ij,jk->ik", flat, weights))
        return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)

    def predict_set(self, X, coverage):
        if coverage > 0.98:
            raise ValueError("too few validation rows")
        order = np.argsort(-self.predict_proba(X), axis=1)
        return [self.classes_[row[:2]] for row in order]


@pytest.fixture(scope="session")
def pipeline():
    """Structures in, probabilities out."""
    steps = [
        ("simulate", DiffractionSimulator(output="spots")),
        ("shape", PatternShaper()),
        ("classify", PlainClassifier().fit(None)),
    ]
    return Pipeline(steps)


@pytest.fixture
def plain_model(monkeypatch, pipeline):
    """Have "72" mean the plain pipeline, in this process."""
    monkeypatch.setattr(_identifying, "_loaded", lambda *path: pipeline)
    return pipeline


@pytest.fixture(scope="session")
def crystals():
    """Seven crystals that differ; the sixth's atoms lie on top of each other."""
    cells = [
        Crystal(np.diag([4.0, 4.0, 4.0 + 0.2 * k]), [[0, 0, 0], [0.5, 0.5, 0.4]], [55, 17],
                name=f"crystal-{k}")
        for k in range(7)
    ]  # fmt: skip
    with pytest.warns(StructureWarning, match="0 Å apart"):
        cells[5] = cells[5].replace(frac_coords=[[0, 0, 0], [0, 0, 0]], atomic_numbers=[55, 55])
    return cells
