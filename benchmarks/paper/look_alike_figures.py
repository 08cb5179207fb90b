"""Figures of crystals that look alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from judges import Verdict
from materials import Material, names_of
from matplotlib.figure import Figure
from pictures import draw_image, log_gray
from powder import powder_curve
from task import Task

from crystalsym import DiffractionSimulator, PatternShaper
from crystalsym.metrics import accuracy_interval
from crystalsym.plotting import ShapedPatternDisplay
from crystalsym.plotting._palette import BLUE
from crystalsym.spacegroups import symbol
from crystalsym.training import TrainingData

SHOWN_PAIRS = 5
PICTURE = 160  # pixels of a shaped pattern, more than networks see, for people
ROLES = (
    "", "", "nearest to the first of the\ncrystals learned from",
    "nearest to the second of the\ncrystals learned from",
)  # fmt: skip


def pair_figure(
    task: Task, materials: list[Material], verdicts: dict[str, dict[str, Verdict]]
) -> Figure:
    """Draw two crystals and the nearest learned from of each: patterns, powder curve, verdicts."""
    simulator = DiffractionSimulator(
        views="zone-axes", output="spots", q_max=task.settings["q_max"]
    )
    shaper = PatternShaper("spots", image_size=PICTURE)
    figure = Figure((9.6, 6.2), layout="constrained")
    axes = figure.subplots(3, len(materials), height_ratios=(0.95, 4.2, 0.9))
    for number, (column, material) in enumerate(zip(axes.T, materials, strict=True)):
        head, patterns, powder = column
        head.set_axis_off()
        lines = [ROLES[number]] if ROLES[number] else _said(verdicts[material.name])
        text = "\n".join([_title(material), *lines])
        head.text(0, 1, text, va="top", fontsize=7, transform=head.transAxes)
        ShapedPatternDisplay.from_estimator(
            shaper, [material.crystal], simulator=simulator, steps=False, ax=patterns
        )
        angle, curve = powder_curve(
            material.crystal, tuple(task.settings["two_theta"]), task.settings["peak_width"]
        )
        powder.plot(angle, curve, color=BLUE, linewidth=0.8)
        powder.set(xlim=task.settings["two_theta"], ylim=(0, 1.05), yticks=[])
        powder.set_xlabel("powder, 2θ of Cu Kα (°)", fontsize=8)
        powder.tick_params(labelsize=7)
        powder.spines[["top", "right"]].set_visible(False)
    return figure


def _title(material: Material) -> str:
    group = material.space_group
    return f"{material.name}: {material.crystal.formula}\n{group} {symbol(group)} ({material.part})"


def _said(verdicts: dict[str, Verdict]) -> list[str]:
    return [
        f"{who}: {one.space_group} {symbol(one.space_group)} ({100 * one.probability:.0f} %)"
        for who, one in verdicts.items()
    ]


def further_figure(task: Task, data: TrainingData, rows: list[dict[str, Any]]) -> Figure:
    """Draw the spot patterns of the closest pairs, one beside the other."""
    rows = rows[:SHOWN_PAIRS]
    index = {name: row for row, name in enumerate(names_of(data))}
    crystals = [data.crystals[index[row[f"material_{side}"]]] for row in rows for side in "ab"]
    q_max = task.settings["q_max"]
    images = DiffractionSimulator(views="zone-axes", q_max=q_max, image_size=128).transform(
        crystals
    )
    figure = Figure((10, 1.66 * len(rows) + 0.4), layout="constrained")
    grid = figure.subplots(len(rows), 6, squeeze=False)
    for number, (row, line) in enumerate(zip(rows, grid, strict=True)):
        for half, side in enumerate("ab"):
            for view, ax in enumerate(line[3 * half : 3 * half + 3]):
                draw_image(ax, log_gray(images[2 * number + half, view]), cmap="gray")
            crystal, group = crystals[2 * number + half], row[f"group_{side}"]
            line[3 * half].set_title(
                f"{row[f'material_{side}']}: {crystal.formula}, {group} {symbol(group)}",
                fontsize=8, loc="left",
            )  # fmt: skip
        line[0].set_ylabel(f"distance {row['distance']:.1g}", fontsize=8)
    for ax, title in zip(grid[-1], ("[100]", "[010]", "[001]") * 2, strict=True):
        ax.set_xlabel(title, fontsize=8)
    return figure


def closeness_figure(rows: list[dict[str, Any]]) -> Figure:
    """Draw how many answers are right, by the distance to the nearest of another group."""
    figure = Figure((5.6, 3.4), layout="constrained")
    ax = figure.subplots()
    percent = np.array([row["right_percent"] for row in rows])
    bounds = 100 * np.array(
        [accuracy_interval(np.arange(row["crystals"]) < row["right"]) for row in rows]
    )
    places = np.arange(len(rows))
    ax.errorbar(
        places, percent, yerr=np.abs(bounds.T - percent), fmt="o", color=BLUE, capsize=3, ms=6
    )
    ax.set_xticks(
        places, [f"{row['distance_from']:.3f}\nto {row['distance_to']:.3f}" for row in rows]
    )
    ax.set(
        xlabel="distance to the nearest crystal of another group (fifths of the crystals)",
        ylabel="right answers (%)", xlim=(-0.5, len(rows) - 0.5),
    )  # fmt: skip
    ax.grid(axis="y", color="#dddddd", linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    return figure
