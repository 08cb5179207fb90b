"""Answers of more than one group: the best k, a set of given coverage, a diffraction class."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from crystalsym.classification._class_probabilities import dynamical_views_of, leading_classes
from crystalsym.classification._prediction_sets import (
    check_coverage,
    prediction_sets,
    set_threshold,
)
from crystalsym.classification._ranking import RankingMixin


class AnswersMixin(RankingMixin):
    """``predict_top_k``, ``predict_set`` and ``predict_diffraction_class`` of the classifier."""

    def _ranked(self: Any, X: Any) -> tuple[np.ndarray, np.ndarray]:
        probabilities = self.predict_proba(X)
        return probabilities, probabilities

    def predict_set(self: Any, X: Any, coverage: float = 0.95) -> list[np.ndarray]:
        """Return for every row as many groups as it takes to hold the true one so often.

        Parameters
        ----------
        X : array-like or lazy array, (n, S, H, W, C) or (n, H, W, C)
        coverage : float, default=0.95
            Part of all sets that hold the true group, at least, over rows like the validation
            rows. It holds on average and not for every group: rare and hard ones have less.

        Returns
        -------
        list of ndarray
            Most probable first, with the most probable group always among them; empty in rows
            that hold NaN.

        Raises
        ------
        ValueError
            If the classifier was fitted without validation rows, or they are too few for the
            coverage, or that is not between 0 and 1.

        Notes
        -----
        Split conformal prediction with the score 1 - p, or 0 for the most probable group. A
        :class:`crystalsym.pretrained.SpaceGroupPipeline` passes this method on, a plain
        scikit-learn Pipeline does not.

        References
        ----------
        M. Sadinle, J. Lei, L. Wasserman, J. Am. Stat. Assoc. 114, 223 (2019).
        """
        check_is_fitted(self)
        check_coverage(coverage)
        if self.set_scores_ is None:
            raise ValueError(
                "prediction sets need a classifier that was fitted with validation rows "
                "(validation_fraction > 0); recalibrate(X, y) finds them by other rows"
            )
        threshold = set_threshold(self.set_scores_, self.n_calibration_, coverage)
        return prediction_sets(self.predict_proba(X), self.classes_, threshold)

    def predict_diffraction_class(self: Any, X: Any) -> tuple[list[tuple[int, ...]], np.ndarray]:
        """Return the most probable diffraction class of every row and its probability.

        Groups of one class differ in nothing but intensity statistics in the three zone axes
        (:func:`crystalsym.spacegroups.diffraction_class`); the class is what the patterns prove.
        A classifier that learned from dynamical patterns of electrons gives their classes, which
        hold fewer groups (:func:`crystalsym.spacegroups.dynamical_class`).

        Parameters
        ----------
        X : array-like or lazy array, (n, S, H, W, C) or (n, H, W, C)

        Returns
        -------
        members : list of tuple of int
            All of the 230 groups that share the class; empty in rows that hold NaN.
        probabilities : ndarray (n,) float32
            Summed over those groups that are in ``classes_``.

        Raises
        ------
        ValueError
            If ``classes_`` are no space-group numbers.
        """
        check_is_fitted(self)
        return leading_classes(self.predict_proba(X), self.classes_, dynamical_views_of(self))
