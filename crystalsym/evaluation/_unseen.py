"""Groups never trained on, told by the likeness to reference crystals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from crystalsym import metrics
from crystalsym.classification import SimilarityClassifier
from crystalsym.classification._class_probabilities import dynamical_views_of
from crystalsym.evaluation._evaluation import Evaluation, rendered
from crystalsym.learning import holdout_split, near_duplicate_groups


def unseen_groups(
    pipeline: Any,
    crystals: Any,
    labels: np.ndarray,
    references: Sequence[str] = ("nearest", "centroid"),
    random_state: int = 0,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> dict[str, Evaluation]:
    """Classify half of the crystals by the likeness of their features to the other half's.

    Parameters
    ----------
    pipeline : Pipeline
        Its classifier makes the features.
    crystals : CrystalTable
        Standardized; near-duplicates come to one side.
    labels : ndarray of int, shape (n,)
    references : sequence of str
        As ``reference`` of :class:`crystalsym.SimilarityClassifier`.
    random_state : int, default=0
    n_jobs, verbose : int, optional

    Returns
    -------
    dict
        From the kind of references to the :class:`Evaluation`.
    """
    rows = rendered(pipeline, crystals, n_jobs)
    with rows.progress("unseen groups", verbose):
        vectors = pipeline[-1].embed(rows)
    known, test = holdout_split(near_duplicate_groups(crystals, labels), 0.5, random_state)
    results = {}
    for reference in references:
        classifier = SimilarityClassifier(_Embedded(vectors), reference=reference)
        classifier.fit(_Numbers(known), labels[known])
        probabilities = classifier.predict_proba(_Numbers(test))
        views = dynamical_views_of(pipeline)
        figures = metrics.summary(
            labels[test], probabilities, classifier.classes_, dynamical_views=views
        )
        figures["references"] = len(known)
        results[reference] = Evaluation(
            crystals.take(test), labels[test], probabilities, classifier.classes_, figures, views
        )
    return results


class _Numbers:
    """Stands in for the patterns of some crystals, which have been embedded before."""

    def __init__(self, numbers: np.ndarray):
        self.numbers = numbers
        self.shape = (len(numbers), 1, 1, 1, 1)
        self.dtype = np.dtype(np.float32)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: Any) -> np.ndarray:
        raise NotImplementedError("these patterns are not there any more")


class _Embedded(BaseEstimator):
    """An embedder that has seen all there is."""

    def __init__(self, vectors: np.ndarray):
        self.vectors = vectors

    def fit(self, X: Any = None, y: Any = None) -> _Embedded:
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def embed(self, X: _Numbers, layer: str = "features") -> np.ndarray:
        return self.vectors[X.numbers]
