"""What the networks cost: parameters, multiplications, time and size of weights."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter
from task import Outcome, Task

from crystalsym import networks
from crystalsym.plotting._palette import BLUE, ORANGE

IMAGE_SIZE, CHANNELS = 224, 3
STREAMS = {"three streams": 3, "merged image": 1}
REFERENCE = "msdn"
BYTES = 4  # float32
# What of a row is drawn, and against whose value.
DRAWN = {
    "parameters": "parameters (million)",
    "multiplications": "multiplications for one crystal (million)",
    "time_ratio": "time of one crystal (MSDN = 1)",
}


def make(task: Task) -> Outcome:
    """Build every network, count it, and run it and MSDN by turns."""
    wanted = task.settings["networks"]
    if REFERENCE not in [one["name"] for one in wanted]:
        raise ValueError(f"networks: {REFERENCE!r} is missing, which all are compared with")
    first, *groups = task.settings["groups"]
    reference = _runner(_built(next(n for n in wanted if n["name"] == REFERENCE), first))
    rows = []
    for one in wanted:
        task.say(one["name"])
        model = _built(one, first)
        ratios = [1.0]
        if one["name"] != REFERENCE:
            ratios = time_ratios(_runner(model), reference, task.settings["repeats"])
        rows.append(_row(one, first, model, ratios))
        rows += [_row(one, n, _built(one, n), []) for n in groups]
    _against_the_paper(rows, task.paper)
    figure = _figure([row for row in rows if row["groups"] == first])
    return Outcome(_paragraph(rows, task), {"complexity": figure}, {"complexity": rows})


def time_ratios(run: Callable[[], Any], reference: Callable[[], Any], repeats: int) -> list[float]:
    """Time two functions by turns, so that a busy machine slows both; ratios of their times."""
    for function in (run, reference):
        function()  # compilation
    ratios = []
    for _ in range(repeats):
        before = _seconds(reference)
        own = _seconds(run)
        after = _seconds(reference)
        ratios.append(own / ((before + after) / 2))
    return ratios


def _seconds(function: Callable[[], Any]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def _built(one: dict[str, Any], n_classes: int) -> Any:
    size, streams = one.get("image_size", IMAGE_SIZE), STREAMS[one["sees"]]
    return networks.get(one["name"])(n_classes, size, CHANNELS, streams)


def _runner(model: Any) -> Callable[[], Any]:
    """A forward pass of one crystal."""
    rng = np.random.default_rng(0)
    images = [rng.random((1, *x.shape[1:])).astype(np.float32) for x in model.inputs]
    return lambda: model.predict_on_batch(images)


def _row(one: dict[str, Any], n_classes: int, model: Any, ratios: list[float]) -> dict[str, Any]:
    parameters = model.count_params()
    row = {
        "network": one["name"],
        "sees": one["sees"],
        "image_size": one.get("image_size", IMAGE_SIZE),
        "groups": n_classes,
        "parameters": parameters,
        "multiplications": networks.multiplications(model),
        "weights_mb": round(BYTES * parameters / 1e6, 2),
    }
    if ratios:
        row["time_ratio"] = round(float(np.median(ratios)), 3)
        row["time_ratio_least"] = round(min(ratios), 3)
        row["time_ratio_most"] = round(max(ratios), 3)
    return row


def _against_the_paper(rows: list[dict[str, Any]], paper: dict[str, Any]) -> None:
    for row in rows:
        if row["groups"] == paper["groups"] and row["network"] in paper["parameters"]:
            row["paper_parameters"] = int(paper["parameters"][row["network"]])
            row["paper_flops"] = int(paper["flops"][row["network"]])


def _figure(rows: list[dict[str, Any]]) -> Figure:
    figure = Figure((10, 0.8 + 0.34 * len(rows)), layout="constrained")
    axes = figure.subplots(1, len(DRAWN), sharey=True)
    places = np.arange(len(rows))
    for ax, (key, label) in zip(axes, DRAWN.items(), strict=True):
        unit = 1 if key == "time_ratio" else 1e6
        values = np.array([row[key] for row in rows]) / unit
        ax.plot(values, places, "o", color=BLUE, ms=7)
        starts = ends = values
        if key == "time_ratio":
            starts, ends = (
                np.array([row[f"time_ratio_{end}"] for row in rows]) for end in ("least", "most")
            )
            ax.errorbar(
                values, places, xerr=(values - starts, ends - values), fmt="none", color=BLUE
            )
        for place, value, end in zip(places, values, ends, strict=True):
            text = f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"
            ax.annotate(
                text, (end, place), (8, 0), textcoords="offset points", va="center", fontsize=8
            )
        ax.set(xscale="log", xlabel=label, xlim=(starts.min() / 2, ends.max() * 4))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.grid(axis="y", color="#dddddd", linewidth=0.6)
        ax.spines[["top", "right"]].set_visible(False)
    for place, row in zip(places, rows, strict=True):
        if "paper_parameters" in row:
            label = None if axes[0].get_legend_handles_labels()[0] else "paper"
            count = row["paper_parameters"] / 1e6
            axes[0].plot(count, place, "D", color=ORANGE, ms=11, mfc="none", mew=1.6, label=label)
    axes[0].set_yticks(places, [row["network"] for row in rows])
    axes[0].set_ylim(len(rows) - 0.5, -0.5)
    if axes[0].get_legend_handles_labels()[0]:
        axes[0].legend(frameon=False, fontsize=8, loc="lower right")
    return figure


def _paragraph(rows: list[dict[str, Any]], task: Task) -> str:
    paper = task.paper
    found = {row["network"]: row for row in rows if row["groups"] == paper["groups"]}
    text = ["At {groups} groups the paper gives".format(**paper)]
    sentences = []
    for name, parameters in paper["parameters"].items():
        if name in found:
            row = found[name]
            flops = paper["flops"][name]
            sentences.append(
                f"{name.upper()} {parameters / 1e6:.2f} million parameters and "
                f'{flops / 1e6:.2f} million "FLOPS"; built here it has {row["parameters"]:,} '
                f"parameters and makes {row['multiplications'] / 1e6:,.0f} million multiplications "
                f"of one crystal, {row['multiplications'] / flops:,.0f} times those FLOPS, which "
                f"are {flops / parameters:.1f} times the parameters"
            )
    text.append("; ".join(sentences) + ".")
    text.append(
        "A convolution uses each of its weights at every pixel, so a count near that of the "
        "parameters cannot be its cost."
    )
    if {"msdn", "msvgg"} <= set(found):
        parameters, multiplied, took = (found["msvgg"][key] / found["msdn"][key] for key in DRAWN)
        row = found["msvgg"]
        text.append(
            f"MSVGG has {parameters:.0f} times MSDN's parameters, {multiplied:.1f} times its "
            f"multiplications and takes {took:.1f} times as long for one crystal (median of "
            f"{task.settings['repeats']} repeats by turns; {row['time_ratio_least']:.1f} to "
            f"{row['time_ratio_most']:.1f})."
        )
    return " ".join(text)
