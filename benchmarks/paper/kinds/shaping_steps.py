"""Shaping step by step by three rules, examples of it, and spot patterns beside them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from joined_nodes import JoinedNodes, join_pixels, join_spots
from materials import Material, find_materials
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray
from pictures import draw_image, frame, log_gray
from sklearn.base import clone
from task import Outcome, Task

from crystalsym import DiffractionSimulator, PatternShaper, SpotMerger
from crystalsym.diffraction import SpotPatterns
from crystalsym.plotting import shaped_to_rgb, view_titles
from crystalsym.plotting._palette import BLUE, RED
from crystalsym.plotting._shaping_steps import node_pixels
from crystalsym.spacegroups import symbol

FACTOR = 1.7
# Faintest nodes, as parts of the brightest: those of the published code and of the text's rule.
PIXEL_THRESHOLD, SPOT_THRESHOLD = 50 / 256, 1e-4


class Rule(NamedTuple):
    """A way of shaping, and the patterns that it shapes."""

    title: str
    simulator: DiffractionSimulator
    shaper: PatternShaper


class Shaped(NamedTuple):
    """One view of a crystal, step by step."""

    raw: Any  # (H, H), linear
    joined: JoinedNodes  # places in pixels of raw
    lines: Any  # (h, h)
    picture: Any  # (h, h, 3)


def rules(image_size: int) -> list[Rule]:
    """Name the rules: of the published code, of the text, and with weak reflections."""
    published = DiffractionSimulator.from_preset("tiong2020")
    text = DiffractionSimulator(views="cartesian")
    kept = {"channels": ("spots", "lines"), "image_size": image_size}
    pixels = PatternShaper.from_preset("tiong2020", image_size=image_size)
    spots = PatternShaper.from_preset("tiong2020-text", **kept)
    weak = PatternShaper("spots", intensity="log", distance_factor=FACTOR, **kept)
    return [
        Rule('"pixels"\npublished code', published, pixels),
        Rule('"spots"\nthe text', text, spots),
        Rule('"spots"\nweak ones kept', text, weak),
    ]


def make(task: Task) -> Outcome:
    """Shape the examples by every rule, and draw and count the steps."""
    settings = task.settings
    materials = find_materials(task, task.crystals(), [*settings["examples"], settings["stepped"]])
    ways = rules(settings["image_size"])
    shaped = {
        name: [shape(rule, material) for rule in ways] for name, material in materials.items()
    }
    rows = [
        _counts(materials[name], rule, view, one)
        for name, views_by_rule in shaped.items()
        for rule, views in zip(ways, views_by_rule, strict=True)
        for view, one in enumerate(views)
    ]
    view, stepped = settings["view"], materials[settings["stepped"]]
    examples = [materials[name] for name in settings["examples"]]
    chosen = [views[view] for views in shaped[stepped.name]]
    figures = {
        "steps": _steps_figure(ways, chosen, stepped, view),
        "examples": _examples_figure(ways, examples, [shaped[one.name] for one in examples]),
        "spot-patterns": _spots_figure(ways, examples, settings["image_size"]),
    }
    return Outcome(_paragraph(chosen, stepped, rows), figures, {"nodes-and-lines": rows})


def shape(rule: Rule, material: Material) -> list[Shaped]:
    """Shape the three views of a crystal, and say which nodes were joined."""
    raw = rule.simulator.transform([material.crystal])
    if rule.shaper.scheme == "pixels":
        shaped = np.asarray(rule.shaper.transform(raw)[0], dtype=float)
        nodes = [join_pixels(node_pixels(image, PIXEL_THRESHOLD), FACTOR) for image in raw[0]]
        lines = [
            (picture[..., view] > picture[..., (view + 1) % 3]).astype(float)
            for view, picture in enumerate(shaped)
        ]
    else:
        spots = clone(rule.simulator).set_params(output="spots").transform([material.crystal])
        shaped = np.asarray(rule.shaper.transform(spots)[0], dtype=float)
        nodes = [
            join_spots(spot_nodes(spots, view, raw.shape[-1]), FACTOR)
            for view in range(len(raw[0]))
        ]
        lines = list(shaped[..., 1])
    return [
        Shaped(image, joined, line, shaped_to_rgb(picture))
        for image, joined, line, picture in zip(raw[0], nodes, lines, shaped, strict=True)
    ]


def spot_nodes(spots: SpotPatterns, view: int, size: int) -> NDArray[np.float64]:
    """Place the spots of a view that are bright enough, and the beam, in pixels of an image."""
    pattern = spots.with_mates().pattern(0, view)
    bright = pattern.intensity >= SPOT_THRESHOLD * pattern.intensity.max(initial=0)
    places = np.concatenate([pattern.q[bright], np.zeros((1, 2))])
    return (places / pattern.q_max + 1) * (size - 1) / 2


def _counts(material: Material, rule: Rule, view: int, shaped: Shaped) -> dict[str, Any]:
    joined = shaped.joined
    return {
        "material_id": material.name,
        "space_group": material.space_group,
        "rule": rule.title.replace("\n", ", "),
        "view": view_titles(rule.simulator.views)[view],
        "nodes": len(joined.places),
        "smallest_distance_px": round(joined.smallest, 2),
        "reach_px": round(joined.reach, 2),
        "pairs_joined": len(joined.pairs),
        "lines_percent_of_picture": round(100 * float((shaped.lines > 0.05).mean()), 2),
    }


def _steps_figure(ways: list[Rule], chosen: list[Shaped], material: Material, view: int) -> Figure:
    titles = ("pattern (log)", "nodes", f"pairs within {FACTOR} x\nthe smallest distance",
              "lines drawn", "shaped")  # fmt: skip
    figure = Figure((10, 2.06 * len(ways) + 0.7), layout="constrained")
    axes = figure.subplots(len(ways), len(titles), squeeze=False)
    for row, rule, shaped in zip(axes, ways, chosen, strict=True):
        size, joined = len(shaped.raw), shaped.joined
        draw_image(row[0], log_gray(shaped.raw), cmap="gray")
        for ax in row[1:3]:
            ax.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5), aspect="equal")
            frame(ax)
        dot = float(np.clip(300 / (len(joined.places) or 1), 0.4, 8))
        row[1].scatter(*joined.places.T, s=dot, color=RED, linewidths=0)
        segments = joined.places[joined.pairs]
        width = float(np.clip(200 / (len(segments) or 1), 0.1, 0.7))
        row[2].add_collection(LineCollection(list(segments), colors=BLUE, linewidths=width))
        row[1].set_xlabel(f"{len(joined.places):,} nodes", fontsize=8)
        row[2].set_xlabel(f"{len(segments):,} pairs", fontsize=8)
        draw_image(row[3], np.sqrt(shaped.lines), cmap="gray")
        draw_image(row[4], shaped.picture)
        where = view_titles(rule.simulator.views)[view]
        row[0].set_ylabel(f"{rule.title}\n{where}", fontsize=8)
    for ax, title in zip(axes[0], titles, strict=True):
        ax.set_title(title, fontsize=9)
    figure.suptitle(material.title, x=0.01, ha="left", fontsize=10)
    return figure


def _examples_figure(
    ways: list[Rule], materials: list[Material], shaped: list[list[list[Shaped]]]
) -> Figure:
    shown = [0, len(ways) - 1]  # the published rule, and the one with weak reflections
    figure = Figure((10, 1.6 * len(materials) + 0.6), layout="constrained")
    axes = figure.subplots(len(materials), 3 * len(shown), squeeze=False)
    for row, material, by_rule in zip(axes, materials, shaped, strict=True):
        pictures = [one.picture for rule in shown for one in by_rule[rule]]
        for ax, picture in zip(row, pictures, strict=True):
            draw_image(ax, picture)
        row[0].set_ylabel(_name_of(material), fontsize=8)
    for column, ax in enumerate(axes[0]):
        rule = ways[shown[column // 3]]
        scheme = rule.title.split("\n")
        where = view_titles(rule.simulator.views)[column % 3]
        ax.set_title("\n".join([*(scheme if column % 3 == 0 else ("", "")), where]), fontsize=8)
    return figure


def _spots_figure(ways: list[Rule], materials: list[Material], size: int) -> Figure:
    simulator = ways[0].simulator
    raw = simulator.transform([one.crystal for one in materials])
    linear, weak = (
        SpotMerger(image_size=size, intensity=how).transform(raw) for how in ("linear", "log")
    )
    titles = (*view_titles(simulator.views), "merged, linear\n(the paper's)", "merged, log")
    figure = Figure((8.4, 1.6 * len(materials) + 0.6), layout="constrained")
    axes = figure.subplots(len(materials), len(titles), squeeze=False)
    for row, material, patterns, one, other in zip(axes, materials, raw, linear, weak, strict=True):
        for ax, pattern in zip(row, patterns, strict=False):
            draw_image(ax, log_gray(pattern, 4), cmap="gray")
        draw_image(row[3], one)
        draw_image(row[4], other)
        row[0].set_ylabel(_name_of(material), fontsize=8)
    for ax, title in zip(axes[0], titles, strict=True):
        ax.set_title(title, fontsize=9)
    return figure


def _name_of(material: Material) -> str:
    group = material.space_group
    return f"{material.crystal.formula}\n{group} {symbol(group)}\n{material.name}"


def _paragraph(chosen: list[Shaped], stepped: Material, rows: list[dict[str, Any]]) -> str:
    pixels, text, _ = chosen
    published = [row for row in rows if row["rule"].startswith('"pixels"')]
    everywhere = sum(row["reach_px"] == np.inf for row in published)
    groups = ", ".join(str(group) for group in dict.fromkeys(row["space_group"] for row in rows))
    return f"""
        The text of the paper joins spots that are up to {FACTOR} times the smallest distance apart;
        the published code joins bright pixels, never those in one row or column. In this view of
        {stepped.crystal.formula} the code has {len(pixels.joined.places):,} nodes and
        {len(pixels.joined.pairs):,} pairs, the text's rule {len(text.joined.places):,} nodes (spots
        of at least {SPOT_THRESHOLD:g} of the brightest, and the beam) and
        {len(text.joined.pairs):,} pairs. On the linear scale of the text most of these lines are
        too faint to be seen, for a line is as bright as the fainter of its ends; the third row
        keeps weak reflections by a logarithmic scale. Where few pixels are bright the code joins
        all pairs, whatever their distance: in {everywhere} of the {len(published)} patterns of
        these examples, of the groups {groups}.
    """
