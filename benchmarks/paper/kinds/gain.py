"""What shaping adds and what the network: one factor at a time, over the same crystals."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from drawing import dots
from matplotlib.figure import Figure
from scipy import stats
from scores import answered, budget_sentence, cost, of_all_seeds, percent, spread, top_k, trainings
from systems import Scored
from task import Outcome, Task

SHAPING = ("spots", "shaped")
NETWORKS = {"image": "one image", "streams": "streams"}
LEVEL = 0.95


def make(task: Task) -> Outcome:
    """Train every combination, and compare them pair by pair."""
    settings = task.settings
    cells = {
        (intensity, shaping, network): cell(intensity, shaping, network)
        for intensity, shaping, network in product(
            settings["intensities"], SHAPING, settings["networks"]
        )
    }
    pairs = _pairs(task, cells)
    names = dict.fromkeys([*cells.values(), *(name for pair in pairs for name in pair[1:])])
    answers = {name: of_all_seeds(task, name) for name in names}
    rows = [
        {"system": name, **spread([top_k(one) for one in answers[name]]),
         "seeds": len(answers[name]), **cost(task, name)}
        for name in names
    ]  # fmt: skip
    differences = [
        {"question": question, "system": system, "against": against,
         **paired(answers[system], answers[against])}
        for question, system, against in pairs
    ]  # fmt: skip
    tables = {"accuracies": rows, "differences": differences}
    paragraph = _paragraph(task, rows, differences, len(answers[next(iter(names))][0].labels))
    return Outcome(paragraph, {"gain": _figure(answers, differences)}, tables)


def cell(intensity: str, shaping: str, network: str) -> str:
    """Name the system of one combination; one of them is msdn itself.

    Examples
    --------
    >>> cell("linear", "shaped", "streams"), cell("log", "spots", "image")
    ('msdn', 'image-spots-log')
    """
    name = f"{network}-{shaping}{'-log' if intensity == 'log' else ''}"
    return "msdn" if name == "streams-shaped" else name


def paired(ones: list[Scored], others: list[Scored]) -> dict[str, Any]:
    """Compare two systems over the same crystals, seed by seed.

    Returns
    -------
    dict
        ``mean``, ``sd``, ``low`` and ``high`` of the differences of accuracy over the seeds;
        ``crystals_low`` and ``crystals_high``, the 95 % interval of other crystals, by the
        differences of each crystal's mean over the seeds.

    Raises
    ------
    ValueError
        If the crystals are not the same.
    """
    right = []
    for answers in (ones, others):
        if any(not np.array_equal(one.labels, ones[0].labels) for one in answers):
            raise ValueError("paired systems have to be scored on the same crystals")
        right.append(np.array([answered(one) == one.labels for one in answers], dtype=float))
    by_seed = spread((right[0].mean(axis=1) - right[1].mean(axis=1)).tolist())
    by_crystal = right[0].mean(axis=0) - right[1].mean(axis=0)
    half = float(stats.norm.ppf((1 + LEVEL) / 2)) * by_crystal.std() / np.sqrt(len(by_crystal))
    return {
        **by_seed,
        "crystals_low": by_seed["mean"] - half,
        "crystals_high": by_seed["mean"] + half,
        "seeds": len(ones),
    }


def _pairs(task: Task, cells: dict[tuple[str, str, str], str]) -> list[tuple[str, str, str]]:
    """Question, system, and what it is compared with."""
    intensities, networks = task.settings["intensities"], task.settings["networks"]
    pairs = [
        (f"lines, {intensity}, {NETWORKS[network]}", cells[intensity, "shaped", network],
         cells[intensity, "spots", network])
        for intensity, network in product(intensities, networks)
    ]  # fmt: skip
    if len(networks) > 1:
        pairs += [
            (f"streams, {intensity}, {shaping}", cells[intensity, shaping, "streams"],
             cells[intensity, shaping, "image"])
            for intensity, shaping in product(intensities, SHAPING)
        ]  # fmt: skip
    if len(intensities) > 1:
        pairs += [
            (f"weak reflections, {shaping}, {NETWORKS[network]}", cells["log", shaping, network],
             cells["linear", shaping, network])
            for shaping, network in product(SHAPING, networks)
        ]  # fmt: skip
    return pairs + [tuple(pair) for pair in task.settings["further"]]


def _figure(answers: dict[str, list[Scored]], differences: list[dict[str, Any]]) -> Figure:
    figure = Figure((10, 0.36 * max(len(answers), len(differences)) + 1.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1))
    values = {name: [top_k(one) for one in of] for name, of in answers.items()}
    limits = {name: (spread(one)["low"], spread(one)["high"]) for name, one in values.items()}
    dots(left, values, limits)
    left.set_xlabel("top-1, %")
    dots(
        right,
        {row["question"]: [row["mean"]] for row in differences},
        {row["question"]: (row["low"], row["high"]) for row in differences},
    )
    right.axvline(0, color="black", lw=0.8)
    right.set_xlabel("difference, points")
    return figure


def verdict(row: dict[str, Any]) -> str:
    """Say whether a difference is one.

    Examples
    --------
    >>> verdict({"low": 0.01, "high": 0.02, "crystals_low": 0.01, "crystals_high": 0.02})
    'yes'
    >>> verdict({"low": -0.01, "high": 0.02, "crystals_low": 0.01, "crystals_high": 0.02})
    'not told apart'
    """
    lows, highs = (row["low"], row["crystals_low"]), (row["high"], row["crystals_high"])
    if all(low > 0 for low in lows):  # a single seed has NaN, of which neither holds
        return "yes"
    return "no, the reverse" if all(high < 0 for high in highs) else "not told apart"


def _plainly(differences: list[dict[str, Any]]) -> list[str]:
    """Answer what the paper's readers ask."""
    sentences = []
    for row in differences:
        points = f"{100 * row['mean']:+.1f} points ({verdict(row)})"
        if row["question"].startswith("lines, log, "):
            where = row["question"].removeprefix("lines, log, ")
            sentences.append(
                f"- Do lines still help when spots keep their weak reflections ({where})? {points}"
            )
        elif row["question"].startswith("DenseNet against VGG"):
            sentences.append(f"- Does DenseNet beat VGG on merged patterns? {points}")
    return [*sentences, ""] if sentences else []


def _paragraph(
    task: Task, rows: list[dict[str, Any]], differences: list[dict[str, Any]], crystals: int
) -> str:
    paper = task.paper
    table = [
        "| system | top-1, % | passes | million multiplications a crystal |",
        "|---|---|---|---|",
    ]
    for row in rows:
        table.append(
            f"| {row['system']} | {percent(row)} | {row['passes']} | "
            f"{row['multiplications'] / 1e6:.1f} |"
        )
    answers = ["| what is added | points | better? |", "|---|---|---|"]
    for row in differences:
        answers.append(f"| {row['question']} | {percent(row)} | {verdict(row)} |")
    return "\n".join([
        f"The paper has shaping add {paper['shaping']} points and the network {paper['network']}. "
        f"Here, on {crystals:,} crystals, mean and standard deviation of {trainings(task)}; "
        "a difference counts where neither the interval over the seeds nor that over "
        f"the crystals holds 0. {budget_sentence(task)}",
        "", *_plainly(differences), *answers, "", *table,
    ])  # fmt: skip
