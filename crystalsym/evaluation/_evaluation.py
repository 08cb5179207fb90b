"""What a model answers on one set of crystals, the figures of it, and every failure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from crystalsym import metrics
from crystalsym.classification._class_probabilities import dynamical_views_of
from crystalsym.classification._prediction_sets import prediction_sets, set_threshold
from crystalsym.learning import PatternRows

COVERAGES = (0.9, 0.95)


@dataclass(frozen=True)
class Evaluation:
    """Hold a model's answers on one set of crystals.

    Attributes
    ----------
    crystals : sequence of Crystal
    labels : ndarray of int, shape (n,)
    probabilities : ndarray of shape (n, n_classes)
    classes : ndarray of int, shape (n_classes,)
        The group of each column.
    figures : dict
        :func:`crystalsym.metrics.summary`, plain numbers; with ``prediction_sets`` where the
        model gives such sets and ``left_out`` where crystals were.
    dynamical_views : str or None
        Views of the dynamical patterns that the model learned from, in whose classes the figures
        are (``dynamical_class``); None if it learned from others.

    Examples
    --------
    >>> from crystalsym import load_pretrained
    >>> from crystalsym.datasets import CrystalTable, example_crystals
    >>> from crystalsym.evaluation import evaluate_rows
    >>> table = CrystalTable.from_crystals([example_crystals()["NaCl"], example_crystals()["Cu"]])
    >>> result = evaluate_rows(load_pretrained("72"), table, [225, 225], [])["held-out"]
    >>> result.figures["crystals"], result.probabilities.shape, list(result.failures())
    (2, (2, 72), [])
    """

    crystals: Sequence[Any]
    labels: np.ndarray
    probabilities: np.ndarray
    classes: np.ndarray
    figures: dict[str, Any] = field(repr=False)
    dynamical_views: str | None = None

    def failures(self) -> Iterator[dict[str, Any]]:
        """List every crystal whose most probable group is wrong, with what was thought of it.

        Yields
        ------
        dict
            ``crystal``, ``formula``, ``group``, its ``rank`` and ``probability`` (None for a
            group the model does not know), ``predicted`` and ``predicted_probability``.
        """
        order = np.argsort(-self.probabilities, axis=1, kind="stable")
        best = order[:, 0]
        for row in np.flatnonzero(self.classes[best] != self.labels).tolist():
            crystal = self.crystals[row]
            column = np.flatnonzero(self.classes == self.labels[row])
            known = len(column) > 0
            yield {
                "crystal": crystal.name,
                "formula": crystal.formula,
                "group": int(self.labels[row]),
                "rank": int(np.flatnonzero(order[row] == column[0])[0]) + 1 if known else None,
                "probability": float(self.probabilities[row, column[0]]) if known else None,
                "predicted": int(self.classes[best[row]]),
                "predicted_probability": float(self.probabilities[row, best[row]]),
            }


def evaluate(
    pipeline: Any, crystals: Sequence[Any], labels: Any, n_jobs: int | None = None
) -> dict[str, Any]:
    """Measure a fitted pipeline on labeled structures, in bounded memory.

    Parameters
    ----------
    pipeline : Pipeline
        Simulator, shaper and classifier, fitted.
    crystals : sequence of structures
    labels : array-like of int, shape (n,)
    n_jobs : int, optional
        Threads that render.

    Returns
    -------
    dict
        As ``Evaluation.figures``.

    Examples
    --------
    >>> from crystalsym import load_pretrained
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.evaluation import evaluate
    >>> figures = evaluate(load_pretrained("72"), [example_crystals()["NaCl"]], [225])
    >>> figures["crystals"], figures["top1"]
    (1, 1.0)
    """
    return answers(pipeline, crystals, labels, n_jobs).figures


def answers(
    pipeline: Any,
    crystals: Sequence[Any],
    labels: Any,
    n_jobs: int | None = None,
    verbose: int = 0,
    name: str = "evaluating",
) -> Evaluation:
    """Collect a pipeline's answers on crystals that are rendered once."""
    rows = rendered(pipeline, crystals, n_jobs)
    with rows.progress(name, verbose):
        probabilities = pipeline[-1].predict_proba(rows)
    labels, classes = np.asarray(labels), pipeline[-1].classes_
    views = dynamical_views_of(pipeline)
    figures = metrics.summary(labels, probabilities, classes, dynamical_views=views)
    sets = set_figures(pipeline[-1], labels, probabilities)
    if sets:
        figures["prediction_sets"] = sets
    return Evaluation(crystals, labels, probabilities, classes, figures, views)


def rendered(pipeline: Any, crystals: Sequence[Any], n_jobs: int | None = None) -> PatternRows:
    """Render what the classifier of a pipeline gets to see, by threads when it asks for it."""
    rows = PatternRows(pipeline[:-1], crystals, n_jobs=n_jobs)
    rows.made_by = ()  # other patterns than those learned from are shown on purpose
    return rows


def set_figures(classifier: Any, labels: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    """Measure coverage and mean size of the prediction sets, by the coverage asked for.

    They are those of ``classifier.predict_set``, from probabilities that are known already;
    empty for a classifier without such sets.
    """
    figures: dict[str, Any] = {}
    scores = getattr(classifier, "set_scores_", None)
    if scores is None:
        return figures
    for coverage in COVERAGES:
        try:
            threshold = set_threshold(scores, classifier.n_calibration_, coverage)
        except ValueError:  # too few validation rows for this one
            continue
        sets = prediction_sets(probabilities, classifier.classes_, threshold)
        figures[f"{coverage:g}"] = {
            "coverage": metrics.set_coverage(labels, sets),
            "mean_size": metrics.mean_set_size(sets),
        }
    return figures
