"""The figures as scikit-learn scorers: ``scorer(estimator, X, y) -> float``."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from crystalsym.metrics import _figures as figures


@dataclass(frozen=True, eq=False)
class Scorer:
    """A figure of merit for the ``scoring`` of scikit-learn's searches and validations.

    Called as ``scorer(estimator, X, y, sample_weight=None)``; the estimator is a fitted
    classifier of space groups or a pipeline that ends in one. Larger is better.

    Parameters
    ----------
    name : str
    figure : callable
        Called as ``figure(estimator, X, y, sample_weight=..., **options)``.
    options : dict
        Keyword arguments of the figure.
    sample_weight_request : bool, str or None
        Whether to ask scikit-learn's metadata routing for ``sample_weight``.
    """

    name: str
    figure: Callable[..., Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    sample_weight_request: bool | str | None = None

    def __call__(self, estimator: Any, X: Any, y_true: Any, sample_weight: Any = None) -> Any:
        return self.figure(estimator, X, y_true, sample_weight=sample_weight, **self.options)

    def __repr__(self) -> str:
        options = ", ".join(f"{key}={value!r}" for key, value in self.options.items())
        return f"{self.name}({options})" if options else self.name

    def with_options(self, **options: Any) -> Scorer:
        """Copy with other options, e.g. ``diffraction_class_scorer.with_options(kind="full")``."""
        return replace(self, options={**self.options, **options})

    def set_score_request(self, *, sample_weight: bool | str | None) -> Scorer:
        """Copy that asks for sample weights when metadata routing is enabled, or does not.

        Unlike scikit-learn's own scorers this one is not changed itself.
        """
        return replace(self, sample_weight_request=sample_weight)

    def get_metadata_routing(self) -> Any:
        """What the scorer asks scikit-learn's metadata routing for."""
        from sklearn.utils.metadata_routing import MetadataRequest

        request = MetadataRequest(owner=self)
        request.score.add_request(param="sample_weight", alias=self.sample_weight_request)
        return request


def top_k_scorer(k: int = 5) -> Scorer:
    """Scorer: part of the rows whose true group is among the first k.

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
    return Scorer("top_k_scorer", _top_k, {"k": int(k)})


def crystal_system_scorer(system: str) -> Scorer:
    """Scorer: accuracy over the rows whose true group is of one crystal system.

    NaN, with a warning, where y holds no such group.

    Parameters
    ----------
    system : str
        ``"triclinic"``, ``"monoclinic"``, ``"orthorhombic"``, ``"tetragonal"``, ``"trigonal"``,
        ``"hexagonal"`` or ``"cubic"``.
    """
    if system not in figures.SYSTEMS:
        raise ValueError(f"system must be one of {', '.join(figures.SYSTEMS)}, got {system!r}")
    return Scorer("crystal_system_scorer", _crystal_system, {"system": system})


def _top_k(estimator: Any, X: Any, y: Any, k: int, sample_weight: Any = None) -> float:
    return figures.top_k_accuracy(y, *_ranking(estimator, X), k=k, sample_weight=sample_weight)


def _macro(estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
    y, right, weights = _answers(estimator, X, y, sample_weight)
    return figures.mean_by(y, right, weights)


def _crystal_system(
    estimator: Any, X: Any, y: Any, system: str, sample_weight: Any = None
) -> float:
    found = figures.by_system(*_answers(estimator, X, y, sample_weight))
    if system not in found:
        from sklearn.exceptions import UndefinedMetricWarning

        warnings.warn(
            f"y holds no {system} group: the accuracy over them is undefined",
            UndefinedMetricWarning,
            stacklevel=3,
        )
    return found.get(system, float("nan"))


def _diffraction_class(estimator: Any, X: Any, y: Any, **options: Any) -> float:
    return figures.diffraction_class_accuracy(y, *_probabilities(estimator, X), **options)


def _summary(estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> dict[str, float]:
    found = figures.summary(y, *_probabilities(estimator, X), sample_weight)
    # The numbers of every fold must have the same names, and systems come and go.
    return {name: value for name, value in found.items() if isinstance(value, float)}


def _answers(
    estimator: Any, X: Any, y: Any, sample_weight: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True groups, whether the first answer is right, and weights."""
    y, weights = figures.rows(y, sample_weight)
    if not hasattr(estimator, "predict_proba"):
        return y, np.asarray(estimator.predict(X)) == y, weights
    # Here predict would refuse the rows that have no answer.
    return y, figures.ranks(y, *_probabilities(estimator, X)) < 1, weights


def _ranking(estimator: Any, X: Any) -> tuple[np.ndarray, np.ndarray]:
    if hasattr(estimator, "predict_proba"):
        return _probabilities(estimator, X)
    if not hasattr(estimator, "decision_function"):
        raise TypeError(
            f"{type(estimator).__name__} has neither predict_proba nor decision_function to rank "
            "groups by"
        )
    scores = np.asarray(estimator.decision_function(X))
    if scores.ndim == 1:  # scikit-learn's own, of two classes
        scores = np.stack([-scores, scores], axis=1)
    return scores, estimator.classes_


def _probabilities(estimator: Any, X: Any) -> tuple[np.ndarray, np.ndarray]:
    if not hasattr(estimator, "predict_proba"):
        raise TypeError(f"{type(estimator).__name__} has no predict_proba")
    return np.asarray(estimator.predict_proba(X)), estimator.classes_


macro_scorer = Scorer("macro_scorer", _macro)
"""Scorer: mean over the groups of y of the part found."""

diffraction_class_scorer = Scorer("diffraction_class_scorer", _diffraction_class)
"""Scorer: part of the rows whose most probable diffraction class holds the true group."""

summary_scorer = Scorer("summary_scorer", _summary)
"""Scorer of all figures of :func:`summary` at once, predicting only once.

``cross_validate`` and ``GridSearchCV`` (with ``refit="top1"``, say) take it as they take several
scorers.
"""
