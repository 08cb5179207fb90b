"""Which systems are compared, what each costs, and which learning rate was chosen for it."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure
from scores import budget_sentence, compared, cost, percent, seeds, spread, top_k
from systems import System, fitted, scored, system_settings
from task import Outcome, Task

from crystalsym.plotting._palette import MARKERS, SERIES


def make(task: Task) -> Outcome:
    """Train all systems, every seed."""
    rows, tried = [], []
    for name in [*compared(task), *system_settings(task.size)["beside"]]:
        accuracies, seconds = [], []
        for seed in seeds(task):
            accuracies.append(top_k(scored(task, name, seed)))
            seconds.append(fitted(task, name, seed).seconds)
        found = spread(accuracies)
        parameters = fitted(task, name).classifier.n_parameters_
        rows.append(
            {"system": name, **cost(task, name), "parameters": parameters, "top1": found["mean"],
             "top1_sd": found["sd"], "seconds_each": sum(seconds) / len(seconds)}
        )  # fmt: skip
        losses = System(task, name).rate()["losses"]
        tried += [{"system": name, "rate": rate, "validation_loss": loss} for rate, loss in losses]
        task.say(f"{name}: top-1 {percent(found)} %")
    lines = "\n".join(
        f"- {row['system']}: {row['multiplications'] / 1e6:.1f} million multiplications a crystal, "
        f"{row['passes']} passes, {row['spent']:.3g} in all; rate {row['learning_rate']:g}"
        for row in rows
    )
    paragraph = f"{budget_sentence(task)}\n\n{lines}"
    tables = {"systems": rows, "learning-rates": tried}
    return Outcome(paragraph, {"learning-rates": _figure(tried)}, tables)


def _figure(tried: list[dict[str, Any]]) -> Figure:
    figure = Figure((6, 3.8), layout="constrained")
    axes = figure.subplots()
    names = list(dict.fromkeys(row["system"] for row in tried))
    for i, name in enumerate(names):
        points = [
            (row["rate"], row["validation_loss"])
            for row in tried
            if row["system"] == name and row["validation_loss"] is not None
        ]
        style = {"color": SERIES[i % len(SERIES)], "marker": MARKERS[i % len(MARKERS)]}
        axes.plot(*zip(*points, strict=True), label=name, **style)
    axes.set(xscale="log", xlabel="learning rate", ylabel="validation loss")
    axes.legend(frameon=False, fontsize=8)
    return figure
