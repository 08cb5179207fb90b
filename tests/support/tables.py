"""Our estimators behind a table of numbers, which is what scikit-learn's checks feed.

Each row of the table becomes what the estimator takes: a crystal, three raw patterns, or an image.
Everything else is the estimator's own code, so that the checks try it, not the tables.
"""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import validate_data

from crystalsym import (
    DiffractionSimulator,
    PatternShaper,
    SimilarityClassifier,
    SpaceGroupClassifier,
    SpotMerger,
)
from crystalsym.crystals import Crystal
from crystalsym.featurizers import SpaceGroupFeaturizer

SIZE = 8


def _between_0_and_1(table: np.ndarray) -> np.ndarray:
    return 0.5 + np.arctan(table) / np.pi


def crystals(table: np.ndarray) -> list[Crystal]:
    """Orthorhombic cells with one atom, edges of 3 to 5 Å by the first three columns."""
    edges = 3 + 2 * _between_0_and_1(np.pad(table, [(0, 0), (0, 3)])[:, :3])
    return [Crystal(np.diag(row), [[0.0, 0.0, 0.0]], [29]) for row in edges]


def images(table: np.ndarray) -> np.ndarray:
    """(n, 8, 8, 8), one pixel for each column; each channel crosses 1/2 at another value."""
    pixels = np.full((len(table), SIZE * SIZE, SIZE), 0.5)
    table = table.astype(np.float64)[:, : SIZE * SIZE, None]
    pixels[:, : table.shape[1]] = _between_0_and_1(4 * (table - np.linspace(-1.5, 1.5, SIZE)))
    return pixels.reshape(-1, SIZE, SIZE, SIZE)


def patterns(table: np.ndarray) -> np.ndarray:
    """(n, 3, 8, 8): three of the image's channels."""
    return np.ascontiguousarray(images(table)[..., 2:5].transpose(0, 3, 1, 2))


class FromTable:
    """Mixin before an estimator: each row of a table becomes what the estimator takes."""

    @staticmethod
    def make_input(table):
        raise NotImplementedError

    def _input(self, X, reset=False):
        finite = "allow-nan" if self.__sklearn_tags__().input_tags.allow_nan else True
        return self.make_input(validate_data(self, X, reset=reset, ensure_all_finite=finite))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = False
        tags.no_validation = False
        return tags


class TransformsTable(FromTable):
    def fit(self, X, y=None):
        return super().fit(self._input(X, reset=True), y)

    def transform(self, X):
        return super().transform(self._input(X))


class ClassifiesTable(FromTable):
    make_input = staticmethod(images)

    def fit(self, X, y, sample_weight=None):
        return super().fit(self._input(X, reset=True), y, sample_weight=sample_weight)

    def decision_function(self, X):
        return super().decision_function(self._checked(X))

    def predict_proba(self, X):
        return super().predict_proba(self._checked(X))

    def predict(self, X):
        return super().predict(self._checked(X))

    def _checked(self, X):
        # One method of ours calls another: what is an image already stays.
        return X if isinstance(X, np.ndarray) and X.ndim == 4 else self._input(X)


class TableSimulator(TransformsTable, DiffractionSimulator):
    make_input = staticmethod(crystals)


class TableShaper(TransformsTable, PatternShaper):
    make_input = staticmethod(patterns)


class TableMerger(TransformsTable, SpotMerger):
    make_input = staticmethod(patterns)


class TableClassifier(ClassifiesTable, SpaceGroupClassifier):
    pass


class TableSimilarity(ClassifiesTable, SimilarityClassifier):
    pass


class TableFeaturizer(TransformsTable, SpaceGroupFeaturizer):
    make_input = staticmethod(crystals)
