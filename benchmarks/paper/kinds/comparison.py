"""How often the systems find the group, among few groups or many: figures 3a to 3e."""

from __future__ import annotations

from typing import Any

import numpy as np
from drawing import dots
from matplotlib.figure import Figure
from scores import (
    budget_sentence,
    compared,
    cost,
    of_all_seeds,
    percent,
    restricted_to,
    seeds,
    spread,
    top_k,
    trainings,
)
from systems import Scored
from task import Outcome, Task

from crystalsym.plotting import TopKDisplay

K_MAX = 5
HOW = {
    False: "One training on 72 groups is scored on all; for fewer groups their crystals alone are "
    "scored, and the probabilities are restricted to these groups.",
    True: "Each set of groups has trainings of its own.",
}


def make(task: Task) -> Outcome:
    """Score every system on every set of groups, top-1 to top-5."""
    separate = bool(task.settings["separate"])
    costs = {name: cost(task, name) for name in compared(task)}
    rows, found, counts = [], {}, {}
    for name in compared(task):
        for groups in task.settings["label_sets"]:
            answers = _answers(task, name, groups, separate)
            counts[groups] = len(answers[0].labels)
            for k in range(1, K_MAX + 1):
                values = [top_k(one, k) for one in answers]
                found[name, groups, k] = values
                rows.append(
                    {"system": name, "label_set": groups, "k": k, "crystals_scored": counts[groups],
                     **spread(values), "seeds": len(values), **costs[name]}
                )  # fmt: skip
    figures = {
        "figure-3a-d": _by_label_set(task, found, counts),
        "figure-3e": _by_k(task, found, counts),
    }
    return Outcome(_paragraph(task, found, counts, separate), figures, {"accuracies": rows})


def _answers(task: Task, name: str, groups: str, separate: bool) -> list[Scored]:
    if separate:
        return of_all_seeds(task, name, groups)
    return [restricted_to(one, groups) for one in of_all_seeds(task, name)]


def _by_label_set(task: Task, found: dict[Any, list[float]], counts: dict[str, int]) -> Figure:
    names, sets = compared(task), task.settings["label_sets"]
    figure = Figure((2.6 * len(sets) + 1, 0.42 * len(names) + 1.2), layout="constrained")
    for axes, groups in zip(figure.subplots(1, len(sets), squeeze=False)[0], sets, strict=True):
        values = {name: found[name, groups, 1] for name in names}
        limits = {name: (spread(one)["low"], spread(one)["high"]) for name, one in values.items()}
        dots(axes, values, limits)
        axes.set_title(f"{groups} groups, {counts[groups]:,} crystals", fontsize=9)
        axes.set_xlabel("top-1, %")
        if groups != sets[0]:
            axes.set_yticklabels([])
    return figure


def _by_k(task: Task, found: dict[Any, list[float]], counts: dict[str, int]) -> Figure:
    last = task.settings["label_sets"][-1]
    accuracies, intervals = {}, {}
    for name in compared(task):
        spreads = [spread(found[name, last, k]) for k in range(1, K_MAX + 1)]
        accuracies[name] = [one["mean"] for one in spreads]
        if len(seeds(task)) > 1:
            intervals[name] = [(one["low"], one["high"]) for one in spreads]
    note = f"mean of {trainings(task)}" + (", 95 % intervals of it" if intervals else "")
    display = TopKDisplay(accuracies, intervals or None, n_crystals=counts[last], note=note)
    return display.plot().figure_


def _paragraph(
    task: Task, found: dict[Any, list[float]], counts: dict[str, int], separate: bool
) -> str:
    sets, paper = task.settings["label_sets"], task.paper
    names = sorted(compared(task), key=lambda name: -np.mean(found[name, sets[-1], 1]))
    head = " | ".join(f"{groups} groups" for groups in sets)
    table = [
        f"| system | {head} | {sets[-1]} groups, top-5 |",
        f"|---|{'---|' * (len(sets) + 1)}",
    ]
    for name in names:
        cells = [percent(spread(found[name, groups, 1])) for groups in sets]
        cells.append(percent(spread(found[name, sets[-1], K_MAX])))
        table.append(f"| {name} | {' | '.join(cells)} |")
    crystals = ", ".join(f"{counts[groups]:,} of {groups} groups" for groups in sets)
    lines = [
        f"Top-1 in percent, mean and standard deviation of {trainings(task)} "
        f"({crystals}). {HOW[separate]} {budget_sentence(task)} A standard error of the crystals "
        f"drawn comes on top, up to {50 / np.sqrt(counts[sets[-1]]):.1f} points at "
        f"{sets[-1]} groups; it is common to all systems.",
        "",
        *table,
        "",
        f"The paper: MSDN {paper['top1']} ± {paper['top1_spread']} % top-1 and about "
        f"{paper['top5']} % top-5 of 72 groups, its benchmarks {paper['behind'][0]} to "
        f"{paper['behind'][1]} points behind.",
        _behind(names, {name: spread(found[name, sets[-1], 1])["mean"] for name in names}),
    ]
    return "\n".join(lines)


def _behind(names: list[str], means: dict[str, float]) -> str:
    """Say who leads, and where msdn stands."""
    others = {name: 100 * (means["msdn"] - mean) for name, mean in means.items() if name != "msdn"}
    behind = ", ".join(f"{name} {-points:+.1f}" for name, points in others.items())
    return f"Here {names[0]} comes first; against msdn, in points: {behind}."
