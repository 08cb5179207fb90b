"""A pipeline without a network, and a table of crystals."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline

from crystalsym import DiffractionSimulator, PatternShaper
from crystalsym.crystals import as_crystal
from crystalsym.datasets import CrystalTable, example_crystals, example_space_groups
from crystalsym.spacegroups import label_set

GROUPS = label_set("72")


class BrightnessClassifier(ClassifierMixin, BaseEstimator):
    """Probabilities and features from the mean brightness of blocks."""

    def __init__(self, groups=GROUPS):
        self.groups = groups
        self.seen = 0

    def fit(self, X=None, y=None):
        self.classes_ = np.array(self.groups)
        return self

    def embed(self, X, layer="features"):
        blocks = []
        for start in range(0, len(X), 8):
            images = np.asarray(X[np.arange(start, min(start + 8, len(X)))])
            self.seen += len(images)
            size = images.shape[2] // 8
            shape = (len(images), 3, 8, size, 8, size, -1)
            blocks.append(images.reshape(shape).mean(axis=(3, 5, 6)).reshape(len(images), 3, -1))
        return np.concatenate(blocks)

    def predict_proba(self, X):
        vectors = self.embed(X).reshape(len(X), -1)
        weights = np.random.default_rng(0).normal(size=(vectors.shape[1], len(self.groups)))
        odds = np.exp(3 * vectors @ weights)
        return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def pipeline():
    steps = [
        ("simulate", DiffractionSimulator(image_size=64)),
        ("shape", PatternShaper("spots", intensity="log", image_size=32)),
        ("classify", BrightnessClassifier().fit()),
    ]
    return Pipeline(steps)


@pytest.fixture(scope="session")
def original():
    """Every third of the bundled crystals of the 72 groups, slightly shaken, with labels."""
    rng = np.random.default_rng(0)
    groups, paths = example_space_groups(), example_crystals()
    names = [name for name in paths if groups[name] in label_set("72")][::3]
    crystals = []
    for name in names:
        crystal = as_crystal(paths[name])
        moves = rng.normal(scale=0.01, size=(len(crystal), 3)) @ np.linalg.inv(crystal.lattice)
        crystals.append(crystal.replace(frac_coords=crystal.frac_coords + moves))
    return CrystalTable.from_crystals(crystals, [groups[name] for name in names])


@pytest.fixture(scope="session")
def crystals(original):
    return original.standardized(0.1)


@pytest.fixture
def labels(original):
    return original.space_group
