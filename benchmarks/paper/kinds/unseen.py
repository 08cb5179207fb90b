"""Groups never trained on, by the likeness of feature vectors: figure 3f."""

from __future__ import annotations

from typing import Any

import numpy as np
from drawing import dots
from matplotlib.figure import Figure
from scores import budget_sentence, compared, cost, percent, seeds, spread, top_k, trainings
from systems import Scored, System, fitted
from task import Outcome, Task

from crystalsym import SimilarityClassifier
from crystalsym.learning import holdout_split
from crystalsym.training import TrainingData

# As in the paper: the most similar reference, cosines as they are; and the class's defaults.
WAYS = {
    "nearest": {"reference": "nearest", "center": False},
    "centroid": {"reference": "centroid", "center": True},
}
K_MAX = 5


def make(task: Task) -> Outcome:
    """Classify half of the crystals of each unseen group by the other half."""
    data = task.crystals("unseen30")
    known, asked = halves(data)
    rows: list[dict[str, Any]] = []
    found: dict[tuple[str, str], list[float]] = {}
    for name in compared(task):
        patterns = System(task, name).patterns_of("unseen", data.crystals)
        costs = cost(task, name)
        for way, parameters in WAYS.items():
            answers = [
                _answers(fitted(task, name, seed).classifier, parameters, patterns, data.labels,
                         known, asked)
                for seed in seeds(task)
            ]  # fmt: skip
            found[name, way] = [top_k(one) for one in answers]
            for k in range(1, K_MAX + 1):
                rows.append(
                    {"system": name, "references": way, "k": k, "reference_crystals": len(known),
                     "crystals_scored": len(asked), **spread([top_k(one, k) for one in answers]),
                     "seeds": len(answers), **costs}
                )  # fmt: skip
        task.say(f"{name}: {percent(spread(found[name, 'nearest']))} %")
    outcome = _paragraph(task, data, found, len(known), len(asked))
    return Outcome(outcome, {"figure-3f": _figure(task, found)}, {"unseen": rows})


def halves(data: TrainingData) -> tuple[np.ndarray, np.ndarray]:
    """Part the crystals of every group in halves, near-duplicates on one side.

    Returns
    -------
    known, asked : ndarray of int
    """
    known, asked = [], []
    for group in np.unique(data.labels):
        rows = np.flatnonzero(data.labels == group)
        first, second = holdout_split(data.kin[rows], 0.5, 0)
        known.append(rows[first])
        asked.append(rows[second])
    return np.concatenate(known), np.concatenate(asked)


def _answers(
    classifier: Any, parameters: dict[str, Any], patterns: np.ndarray, labels: np.ndarray,
    known: np.ndarray, asked: np.ndarray,
) -> Scored:  # fmt: skip
    similarity = SimilarityClassifier(classifier, **parameters)
    similarity.fit(patterns[known], labels[known])
    return Scored(similarity.predict_proba(patterns[asked]), labels[asked], similarity.classes_)


def _figure(task: Task, found: dict[tuple[str, str], list[float]]) -> Figure:
    names = compared(task)
    figure = Figure((7.5, 0.42 * len(names) + 1.2), layout="constrained")
    for axes, way in zip(figure.subplots(1, 2), WAYS, strict=True):
        values = {name: found[name, way] for name in names}
        limits = {name: (spread(one)["low"], spread(one)["high"]) for name, one in values.items()}
        dots(axes, values, limits)
        axes.set_title({"nearest": "most similar reference", "centroid": "mean of a group"}[way],
                       fontsize=9)  # fmt: skip
        axes.set_xlabel("top-1, %")
    return figure


def _paragraph(
    task: Task, data: TrainingData, found: dict[tuple[str, str], list[float]], known: int,
    asked: int,
) -> str:  # fmt: skip
    groups = len(np.unique(data.labels))
    most = np.bincount(data.labels).max() / len(data.labels)
    table = ["| system | most similar reference | mean of a group |", "|---|---|---|"]
    for name in compared(task):
        cells = [percent(spread(found[name, way])) for way in WAYS]
        table.append(f"| {name} | {' | '.join(cells)} |")
    seen = " At this size the groups are not unseen ones." if task.size == "tiny" else ""
    return "\n".join([
        f"Half of the crystals of {groups} groups, {known:,}, are references, the other "
        f"{asked:,} are given the group of the most similar one (cosines of the feature vectors, "
        "averaged over the streams; the paper's way), or of the most similar mean, all less their "
        f"common mean. The largest group holds {100 * most:.1f} %.{seen} Top-1 in percent, mean "
        f"and standard deviation of {trainings(task)}. {budget_sentence(task)}",
        "", *table,
    ])  # fmt: skip
