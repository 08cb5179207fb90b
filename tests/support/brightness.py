"""A classifier that learns in no time, where worker processes can import it."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


class Brightness(ClassifierMixin, BaseEstimator):
    """Tells groups apart by mean brightness: takes images and learns in no time."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        mean = X.reshape(len(X), -1).mean(axis=1)
        self.centers_ = np.array([mean[np.asarray(y) == c].mean() for c in self.classes_])
        return self

    def predict(self, X):
        mean = X.reshape(len(X), -1).mean(axis=1)
        return self.classes_[np.abs(mean[:, None] - self.centers_).argmin(axis=1)]
