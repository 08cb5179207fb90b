"""Accuracy by group and by crystal system, and where wrong answers went: figure 4."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scores import (
    answered,
    budget_sentence,
    compared,
    cost,
    of_all_seeds,
    percent,
    spread,
    top_k,
    trainings,
)
from systems import Scored
from task import Outcome, Task

from crystalsym import spacegroups
from crystalsym.plotting import GroupAccuracyDisplay, SystemConfusionDisplay
from crystalsym.plotting._palette import BLUE, ORANGE, SKY

METHOD = "msdn"
KINDS = ("same diffraction class", "same crystal system", "other crystal system")
COLORS = (BLUE, SKY, ORANGE)


def make(task: Task) -> Outcome:
    """Compare the errors of msdn with those of the best other system."""
    answers = {name: of_all_seeds(task, name) for name in compared(task)}
    found = {name: spread([top_k(one) for one in of]) for name, of in answers.items()}
    best = max((name for name in answers if name != METHOD), key=lambda name: found[name]["mean"])
    both = {name: answers[name] for name in (METHOD, best)}
    figures, kinds = {}, {}
    for name, letters in zip(both, ("ace", "bdf"), strict=True):
        first = both[name][0]
        pair = first.labels, answered(first)
        bars = GroupAccuracyDisplay.from_predictions(*pair, max_groups=task.settings["max_groups"])
        figures[f"figure-4{letters[0]}-{name}"] = bars.figure_
        confusion = SystemConfusionDisplay.from_predictions(*pair, max_pairs=12)
        figures[f"figure-4{letters[1]}-{name}"] = confusion.figure_
        kinds[name] = [wrong_kinds(one) for one in both[name]]
    figures["figure-4e-f"] = _figure(kinds)
    costs = [{"system": name, "top1": found[name]["mean"], "top1_sd": found[name]["sd"],
              **cost(task, name)} for name in both]  # fmt: skip
    tables = {
        "systems": costs,
        "by-group": _by(both, lambda group: group, "space_group"),
        "by-crystal-system": _by(both, spacegroups.crystal_system, "crystal_system"),
        "wrong-answers": _wrong(both),
        "kinds-of-wrong-answers": [
            {"system": name, "kind": kind, **spread([one[kind] for one in of])}
            for name, of in kinds.items()
            for kind in KINDS
        ],
    }
    return Outcome(_paragraph(task, found, best, both, kinds), figures, tables)


def wrong_kinds(answers: Scored) -> dict[str, float]:
    """Part the wrong answers by what they have in common with the truth.

    Examples
    --------
    >>> answers = Scored(np.eye(3)[[1, 2]], np.array([216, 216]), np.array([216, 225, 2]))
    >>> wrong_kinds(answers)
    {'same diffraction class': 0.5, 'same crystal system': 0.0, 'other crystal system': 0.5}
    """
    given = answered(answers)
    wrong = np.flatnonzero(given != answers.labels)
    counts = Counter(_kind(int(answers.labels[i]), int(given[i])) for i in wrong)
    return {kind: counts[kind] / max(len(wrong), 1) for kind in KINDS}


def _kind(true: int, answer: int) -> str:
    if answer in spacegroups.diffraction_class(true):
        return KINDS[0]
    same = spacegroups.crystal_system(true) == spacegroups.crystal_system(answer)
    return KINDS[1] if same else KINDS[2]


def _by(both: dict[str, list[Scored]], key: Any, column: str) -> list[dict[str, Any]]:
    """Accuracy within every group, or whatever else a group belongs to."""
    labels = next(iter(both.values()))[0].labels
    keys = np.array([key(int(group)) for group in labels])
    rows = []
    for value in dict.fromkeys(keys[np.argsort(labels, kind="stable")].tolist()):
        inside = keys == value
        row: dict[str, Any] = {column: value, "crystals": int(inside.sum())}
        for name, of in both.items():
            found = spread([float((answered(one) == one.labels)[inside].mean()) for one in of])
            row |= {f"{name}_mean": found["mean"], f"{name}_sd": found["sd"]}
        rows.append(row)
    return rows


def _wrong(both: dict[str, list[Scored]]) -> list[dict[str, Any]]:
    """Every wrong pair of true group and answer, how often over all seeds."""
    rows = []
    for name, of in both.items():
        counts: Counter[tuple[int, int]] = Counter()
        for one in of:
            pairs = zip(one.labels.tolist(), answered(one).tolist(), strict=True)
            counts.update(pair for pair in pairs if pair[0] != pair[1])
        total = max(sum(counts.values()), 1)
        rows += [
            {"system": name, "true": true, "answer": answer, "times": times,
             "part_of_wrong": times / total, "kind": _kind(true, answer)}
            for (true, answer), times in counts.most_common()
        ]  # fmt: skip
    return rows


def _figure(kinds: dict[str, list[dict[str, float]]]) -> Figure:
    figure = Figure((6.5, 2.2), layout="constrained")
    axes = figure.subplots()
    start = np.zeros(len(kinds))
    for kind, color in zip(KINDS, COLORS, strict=True):
        part = 100 * np.array([np.mean([one[kind] for one in of]) for of in kinds.values()])
        axes.barh(list(kinds), part, left=start, color=color, label=kind)
        start = start + part
    axes.invert_yaxis()
    axes.set_xlabel("of the wrong answers, %")
    axes.legend(frameon=False, fontsize=8, ncols=3, loc="lower left", bbox_to_anchor=(0, 1))
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _paragraph(
    task: Task, found: dict[str, dict[str, float]], best: str, both: dict[str, list[Scored]],
    kinds: dict[str, list[dict[str, float]]],
) -> str:  # fmt: skip
    parts = []
    for name in both:
        shares = ", ".join(
            f"{100 * np.mean([one[kind] for one in kinds[name]]):.0f} % {kind}" for kind in KINDS
        )
        parts.append(f"{name} ({percent(found[name])} % right): {shares}")
    systems = _by(both, spacegroups.crystal_system, "crystal_system")
    head = f"| crystal system | crystals | {METHOD} | {best} |"
    table = [
        f"| {row['crystal_system']} | {row['crystals']:,} | {100 * row[f'{METHOD}_mean']:.1f} | "
        f"{100 * row[f'{best}_mean']:.1f} |"
        for row in systems
    ]
    return "\n".join([
        f"{METHOD} beside {best}, on these crystals the best of the others. Where their wrong "
        f"answers went: {'; '.join(parts)}. Groups of one diffraction class differ by intensity "
        f"statistics alone. Figures show the first seed of {trainings(task)}, tables and "
        f"numbers their mean. {budget_sentence(task)}",
        "", "Groups recognized, in percent, by crystal system:", "", head, "|---|---|---|---|",
        *table,
    ])  # fmt: skip
