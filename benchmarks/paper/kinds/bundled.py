"""The models that come with the library, in the tables of figure 3."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from samples import draw
from scores import restricted, restricted_to, top_k_rows
from systems import Scored, system_settings
from task import Outcome, Task

from crystalsym import spacegroups
from crystalsym.bundles import available, model_folder
from crystalsym.evaluation._evaluation import answers
from crystalsym.evaluation._unseen import unseen_groups
from crystalsym.plotting import TopKDisplay
from crystalsym.pretrained import load_pipeline
from crystalsym.pretrained._pipelines import read_description
from crystalsym.training import load_data
from crystalsym.training._data import of_a_card

# Weights that have not learned from the held-out fifth; those of the library may have since.
MODELS = Path(__file__).resolve().parents[2] / "models"


def make(task: Task) -> Outcome:
    """Score every model on held-out crystals, and on the groups none of them knows."""
    rows, scores = [], {}
    for name in task.settings["models"]:
        folder = find(name, may_be_refitted=task.size == "tiny")
        pipeline = load_pipeline(folder)
        crystals, labels = _held_out(task, folder)
        found = answers(pipeline, crystals, labels, task.n_jobs, task.verbose, name)
        scored = Scored(found.probabilities, labels, found.classes)
        scores[name] = scored
        for groups in task.settings["label_sets"]:
            rows += _rows(name, groups, _restricted(task, scored, groups))
        rows += _unseen(task, name, pipeline)
    figure = _figure({name: _restricted(task, one, "72") for name, one in scores.items()})
    return Outcome(_paragraph(task, rows), {"bundled": figure}, {"bundled": rows})


def find(name: str, may_be_refitted: bool = False) -> Path:
    """Find weights that have learned from no held-out crystal.

    Raises
    ------
    ValueError
        If there is no such model, or its weights have been refitted on all crystals.
    """
    if (MODELS / name).is_dir():
        return MODELS / name
    if name not in available():
        here = sorted(folder.name for folder in MODELS.iterdir() if folder.is_dir())
        raise ValueError(
            f"models: there is no {name!r}; benchmarks/models has {', '.join(here)}, the library "
            f"{', '.join(available())}"
        )
    folder = model_folder(name)
    if read_description(folder)["metadata"].get("refitted") and not may_be_refitted:
        raise ValueError(
            f"models: {name!r} has learned from the held-out crystals since; put the weights of "
            f"before into {MODELS}"
        )
    return folder


def _held_out(task: Task, folder: Path) -> tuple[Any, np.ndarray]:
    """Crystals that neither this model nor the systems compared have learned from.

    Those of all groups are split anew, so that what one model has held out another may have
    learned from.
    """
    data = task.crystals("72")
    rows = data.test
    if task.structures is not None:
        card = read_description(folder)["metadata"]["training"]["config"]["data"]
        settings = {**of_a_card(card), "structures": str(task.structures)}
        cache = task.folder.parents[1] / "data"
        own = load_data(SimpleNamespace(data=settings), cache, task.n_jobs, task.verbose)
        rows = rows[np.isin(data.rows[rows], own.rows[own.test])]
    wanted = task.settings["scoring_crystals"]
    common = draw(data, system_settings(task.size))["scoring"].rows  # these first
    others = np.random.default_rng(0).permutation(np.setdiff1d(rows, common))
    rows = np.concatenate([common[np.isin(common, rows)], others])[:wanted]
    return data.crystals.take(rows), data.labels[rows]


def _restricted(task: Task, scored: Scored, groups: str) -> Scored:
    if groups == "72":
        # A tiny run's groups are its own; a model of 230 has more columns than 72.
        known = np.unique(scored.labels) if task.size == "tiny" else spacegroups.label_set("72")
        return restricted(scored, known)
    return restricted_to(scored, groups)


def _rows(name: str, groups: str, scored: Scored) -> list[dict[str, Any]]:
    return [{"model": name, "label_set": groups, **row} for row in top_k_rows(scored)]


def _unseen(task: Task, name: str, pipeline: Any) -> list[dict[str, Any]]:
    data = task.crystals("unseen30")
    if task.size != "tiny" and np.isin(data.labels, pipeline[-1].classes_).any():
        return []  # it has learned from these groups
    found = unseen_groups(
        pipeline, data.crystals, data.labels, n_jobs=task.n_jobs, verbose=task.verbose
    )
    return [
        row
        for way, one in found.items()
        for row in _rows(name, f"unseen30, {way}", Scored(one.probabilities, one.labels,
                                                          one.classes))
    ]  # fmt: skip


def _figure(scores: dict[str, Scored]) -> Figure:
    rows = {name: top_k_rows(one) for name, one in scores.items()}
    accuracies = {name: [row["accuracy"] for row in of] for name, of in rows.items()}
    intervals = {name: [(row["low"], row["high"]) for row in of] for name, of in rows.items()}
    return TopKDisplay(accuracies, intervals, note="95 % intervals (Wilson)").plot().figure_


def _paragraph(task: Task, rows: list[dict[str, Any]]) -> str:
    sets = list(dict.fromkeys(row["label_set"] for row in rows))
    table = [f"| model | {' | '.join(sets)} |", f"|---|{'---|' * len(sets)}"]
    for model in task.settings["models"]:
        cells = []
        for groups in sets:
            of = [row for row in rows if (row["model"], row["label_set"]) == (model, groups)]
            last = of[-1]["accuracy"] if of else 0.0
            cells.append(
                f"{100 * of[0]['accuracy']:.1f} / {100 * last:.2f} ({of[0]['crystals_scored']:,})"
                if of else "learned from"
            )  # fmt: skip
        table.append(f"| {model} | {' | '.join(cells)} |")
    return "\n".join([
        "Top-1 and top-5 in percent, and how many held-out crystals, of models as they come with "
        "the library; weights that have not learned from the held-out crystals. Probabilities are "
        "restricted to the groups of each set. Their settings and compute are their own, and not "
        "those of the systems compared in figure 3. The paper has "
        f"{task.paper['top1']} ± {task.paper['top1_spread']} % top-1 and about "
        f"{task.paper['top5']} % top-5 of 72 groups.",
        "", *table,
    ])  # fmt: skip
