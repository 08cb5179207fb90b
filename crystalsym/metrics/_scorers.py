"""The figures as scikit-learn scorers: ``scorer(estimator, X, y) -> float``."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.base import is_classifier

# The class behind make_scorer, which itself cannot do: it hands a figure no classes_, without
# which columns are no groups where a fold lacks some, and cuts two columns down to one.
from sklearn.metrics._scorer import _BaseScorer

from crystalsym.metrics import _figures as figures

RANKS = ("predict_proba", "decision_function")
ANSWERS = ("predict_proba", "predict")
PROBABILITIES = ("predict_proba",)


class Scorer(_BaseScorer):
    """Score by a figure of merit, as the ``scoring`` of scikit-learn's searches and validations.

    Called as ``scorer(estimator, X, y, sample_weight=None)``; the estimator is a fitted
    classifier of space groups or a pipeline that ends in one. Larger is better. Several scorers
    at once ask the estimator only once, as those of :func:`sklearn.metrics.make_scorer` do, and
    like these it has ``set_score_request`` for metadata routing.

    Parameters
    ----------
    name : str
    figure : callable
        Called as ``figure(y_true, scores, classes, sample_weight=..., **options)``, such as
        :func:`top_k_accuracy`.
    options : dict, optional
        Keyword arguments of the figure.
    response_method : sequence of str, default=("predict_proba",)
        Methods of the estimator to get the scores by; the first it has is called. The answers of
        ``"predict"`` score 1 in their column and 0 elsewhere.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from crystalsym.metrics import Scorer, calibration_error
    >>> X, y = np.repeat(np.eye(3), 4, axis=0), np.repeat([2, 216, 225], 4)
    >>> error = Scorer("calibration", calibration_error, {"n_bins": 5})
    >>> error, error(LogisticRegression(C=1e4).fit(X, y), X, y) < 0.01
    (calibration(n_bins=5), True)
    """

    def __init__(
        self,
        name: str,
        figure: Callable[..., Any],
        options: Mapping[str, Any] | None = None,
        response_method: tuple[str, ...] = PROBABILITIES,
    ):
        super().__init__(figure, 1, dict(options or {}), response_method)
        self.name = name

    def __repr__(self) -> str:
        options = ", ".join(f"{key}={value!r}" for key, value in self.options.items())
        return f"{self.name}({options})" if options else self.name

    @property
    def options(self) -> dict[str, Any]:
        """Return the keyword arguments of the figure."""
        return dict(self._kwargs)

    def with_options(self, **options: Any) -> Scorer:
        """Copy the scorer with other options.

        Parameters
        ----------
        **options
            Keyword arguments of the figure.

        Examples
        --------
        >>> from crystalsym.metrics import diffraction_class_scorer
        >>> diffraction_class_scorer.with_options(kind="full")
        diffraction_class_scorer(kind='full')
        """
        changed = copy.copy(self)
        changed._kwargs = {**self._kwargs, **options}
        return changed

    def set_score_request(self, **requests: bool | str | None) -> Scorer:
        """Copy the scorer with a request for metadata, such as ``sample_weight=True``.

        Unlike scikit-learn's own scorers this one is not changed itself.

        Parameters
        ----------
        **requests
            As in scikit-learn's metadata routing.
        """
        changed = copy.copy(self)
        return super(Scorer, changed).set_score_request(**requests)

    def _score(
        self, method_caller: Callable[..., Any], estimator: Any, X: Any, y_true: Any, **given: Any
    ) -> Any:
        """Fetch the scores, through scikit-learn's memory of them where it can be, and judge."""
        method = next((name for name in self._response_method if hasattr(estimator, name)), None)
        if method is None:
            wanted = " nor ".join(self._response_method)
            lack = f"neither {wanted}" if "nor" in wanted else f"no {wanted}"
            raise TypeError(f"{type(estimator).__name__} has {lack} to rank groups by")
        classes = getattr(estimator, "classes_", None)
        if classes is not None and len(classes) > 2 and is_classifier(estimator):
            scores = method_caller(estimator, method, X)
        else:
            scores = getattr(estimator, method)(X)
        scores = np.asarray(scores)
        if method == "predict":
            classes = np.unique(scores) if classes is None else classes
            scores = (scores[:, None] == np.asarray(classes)).astype(float)
        elif scores.ndim == 1:  # a decision between two classes
            scores = np.stack([-scores, scores], axis=1)
        return self._score_func(y_true, scores, classes, **{**self._kwargs, **given})


def top_k_scorer(k: int = 5) -> Scorer:
    """Make a scorer: part of the rows whose true group is among the first k.

    Parameters
    ----------
    k : int, default=5

    Returns
    -------
    Scorer
        It ranks by ``predict_proba``, or by ``decision_function`` where there is no such method.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_val_score
    >>> from crystalsym.metrics import top_k_scorer
    >>> X, y = np.repeat(np.eye(3), 4, axis=0), np.repeat([2, 216, 225], 4)
    >>> cross_val_score(LogisticRegression(), X, y, scoring=top_k_scorer(2), cv=2)
    array([1., 1.])
    """
    if int(k) != k or k < 1:
        raise ValueError(f"k must be an integer >= 1, got {k!r}")
    return Scorer("top_k_scorer", figures.top_k_accuracy, {"k": int(k)}, RANKS)


def crystal_system_scorer(system: str) -> Scorer:
    """Make a scorer: accuracy over the rows whose true group is of one crystal system.

    NaN, with a warning, where y holds no such group.

    Parameters
    ----------
    system : str
        ``"triclinic"``, ``"monoclinic"``, ``"orthorhombic"``, ``"tetragonal"``, ``"trigonal"``,
        ``"hexagonal"`` or ``"cubic"``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from crystalsym.metrics import crystal_system_scorer
    >>> X, y = np.zeros((3, 1)), [2, 225, 225]
    >>> crystal_system_scorer("cubic")(DummyClassifier().fit(X, y), X, y)
    1.0
    """
    if system not in figures.SYSTEMS:
        raise ValueError(f"system must be one of {', '.join(figures.SYSTEMS)}, got {system!r}")
    return Scorer("crystal_system_scorer", _crystal_system, {"system": system}, ANSWERS)


# Rows without an answer, NaN, count as wrong by these ranks; predict would refuse them.
def _macro(y_true: Any, scores: Any, classes: Any, sample_weight: Any = None) -> float:
    y_true, weights = figures.rows(y_true, sample_weight)
    return figures.mean_by(y_true, figures.ranks(y_true, scores, classes) < 1, weights)


def _crystal_system(
    y_true: Any, scores: Any, classes: Any, system: str, sample_weight: Any = None
) -> float:
    y_true, weights = figures.rows(y_true, sample_weight)
    found = figures.by_system(y_true, figures.ranks(y_true, scores, classes) < 1, weights)
    if system not in found:
        from sklearn.exceptions import UndefinedMetricWarning

        warnings.warn(
            f"y holds no {system} group: the accuracy over them is undefined",
            UndefinedMetricWarning,
            stacklevel=3,
        )
    return found.get(system, float("nan"))


def _summary(
    y_true: Any,
    scores: Any,
    classes: Any,
    sample_weight: Any = None,
    dynamical_views: str | None = None,
) -> dict[str, float]:
    found = figures.summary(y_true, scores, classes, sample_weight, dynamical_views)
    # The numbers of every fold must have the same names, and systems come and go.
    return {name: value for name, value in found.items() if isinstance(value, float)}


macro_scorer = Scorer("macro_scorer", _macro, response_method=ANSWERS)
"""Scorer: mean over the groups of y of the part found."""

diffraction_class_scorer = Scorer("diffraction_class_scorer", figures.diffraction_class_accuracy)
"""Scorer: part of the rows whose most probable diffraction class holds the true group.

Classes are kinematic, whatever the estimator learned from;
``diffraction_class_scorer.with_options(dynamical_views="symmetry-directions")`` counts dynamical
ones.
"""

summary_scorer = Scorer("summary_scorer", _summary)
"""Scorer of all figures of :func:`summary` at once, predicting only once.

``cross_validate`` and ``GridSearchCV`` (with ``refit="top1"``, say) take it as they take several
scorers. Diffraction classes are kinematic; with
``summary_scorer.with_options(dynamical_views="symmetry-directions")`` the figures hold
``dynamical_class`` and ``dynamical_class_macro`` instead.
"""
