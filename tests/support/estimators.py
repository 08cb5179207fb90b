"""One list of all public estimators, each with parameters that make it quick and valid input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from crystalsym import (
    DiffractionSimulator,
    PatternShaper,
    SimilarityClassifier,
    SpaceGroupClassifier,
    SpotMerger,
)
from crystalsym.crystals import Crystal
from crystalsym.featurizers import SpaceGroupFeaturizer
from support.networks import tiny_network

GROUPS = np.array([62, 221, 225])
N = 12  # rows of the input


@dataclass(frozen=True)
class Case:
    """A public estimator and how to try it."""

    cls: type
    parameters: Callable[[], dict[str, Any]]
    input: Callable[[], tuple[Any, np.ndarray]]
    methods: tuple[str, ...]
    # Shape of a row and type of what each method returns.
    rows: dict[str, tuple[tuple[int, ...], str]] = field(default_factory=dict)
    learns: bool = False
    takes: str = "structures"  # or "patterns", "images"
    gives_images: bool = False

    def make(self, **changes: Any) -> Any:
        """The estimator, not fitted."""
        return self.cls(**(self.parameters() | changes))

    def fitted(self, **changes: Any) -> Any:
        X, y = self.input()
        return self.make(**changes).fit(X, y)


def make_crystals() -> list[Crystal]:
    """Small cubic, tetragonal and orthorhombic cells."""
    rng = np.random.default_rng(0)
    crystals = []
    for i in range(N):
        a, b, c = 4 + rng.random(3)
        edges = [(a, a, a), (a, a, c), (a, b, c)][i % 3]
        crystals.append(Crystal(np.diag(edges), [[0, 0, 0], [0.5, 0.5, 0.5]], [55, 17]))
    return crystals


def structures() -> tuple[list[Crystal], np.ndarray]:
    return make_crystals(), np.resize(GROUPS, N)


def patterns() -> tuple[np.ndarray, np.ndarray]:
    """(n, 3, 16, 16) float32 of a few spots each."""
    rng = np.random.default_rng(1)
    X = np.zeros((N, 3, 16, 16), dtype=np.float32)
    for image in X.reshape(-1, 16, 16):
        image[tuple(rng.integers(1, 15, (2, 6)))] = rng.random(6)
    return X, np.resize(GROUPS, N)


def images() -> tuple[np.ndarray, np.ndarray]:
    """(n, 3, 8, 8, 2) float32; the place of the brightest pixel is the group."""
    rng = np.random.default_rng(2)
    X = 0.3 * rng.random((N, 3, 8, 8, 2), dtype=np.float32)
    for i in range(N):
        X[i, :, 1 + 2 * (i % 3), 3] = 1.0
    return X, np.resize(GROUPS, N)


def classifier_parameters() -> dict[str, Any]:
    return {
        "architecture": tiny_network,
        "epochs": 2,
        "batch_size": 6,
        "learning_rate": 0.02,
        "random_state": 0,
    }


@cache
def embedder() -> SpaceGroupClassifier:
    return SpaceGroupClassifier(**classifier_parameters()).fit(*images())


def small_pipeline(**changes: Any) -> Pipeline:
    """Structures to groups, not fitted; the shaper makes bytes, as the bundled model's does."""
    pipeline = Pipeline(
        [
            ("simulate", DiffractionSimulator(image_size=16)),
            ("shape", PatternShaper("spots", intensity="log", image_size=8, dtype="uint8")),
            ("classify", SpaceGroupClassifier(**classifier_parameters())),
        ]
    )
    return pipeline.set_params(**changes)


@cache
def fitted_pipeline() -> Pipeline:
    return small_pipeline().fit(*structures())


CASES = [
    Case(
        DiffractionSimulator,
        lambda: {"image_size": 16},
        structures,
        ("transform",),
        {"transform": ((3, 16, 16), "float32")},
        gives_images=True,
    ),
    Case(
        PatternShaper,
        lambda: {"scheme": "spots", "image_size": 8},
        patterns,
        ("transform",),
        {"transform": ((3, 8, 8, 2), "float32")},
        takes="patterns",
        gives_images=True,
    ),
    Case(
        SpotMerger,
        lambda: {"image_size": 8},
        patterns,
        ("transform",),
        {"transform": ((8, 8, 3), "float32")},
        takes="patterns",
        gives_images=True,
    ),
    Case(
        SpaceGroupClassifier,
        classifier_parameters,
        images,
        ("predict", "predict_proba", "decision_function", "embed"),
        {
            "predict": ((), "int64"),
            "predict_proba": ((3,), "float32"),
            "decision_function": ((3,), "float32"),
            "embed": ((3, 8), "float32"),
        },
        learns=True,
        takes="images",
    ),
    Case(
        SimilarityClassifier,
        lambda: {"embedder": embedder()},
        images,
        ("predict", "predict_proba", "decision_function"),
        {
            "predict": ((), "int64"),
            "predict_proba": ((3,), "float32"),
            "decision_function": ((3,), "float32"),
        },
        learns=True,
        takes="images",
    ),
    Case(
        SpaceGroupFeaturizer,
        lambda: {"model": fitted_pipeline(), "top_k": 2},
        structures,
        ("transform",),
        {"transform": ((4,), "float64")},
    ),
]
