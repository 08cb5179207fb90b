"""Feature maps of two networks, and how much they repeat one another."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from materials import Material, find_materials
from matplotlib.figure import Figure
from systems import fitted
from task import Outcome, Task

from crystalsym.metrics import map_redundancy
from crystalsym.plotting import FeatureMapDisplay
from crystalsym.plotting._palette import BLUE, ORANGE

COLORS = (ORANGE, BLUE)
# Convolutions, and after a normalization what the next layer sees of them.
CONVOLUTION = re.compile(r"(?:^|/)(?:conv\d+|stem|block\d+_layer\d+_conv|transition\d+)$")
FIGURES = {
    "mean_correlation": "mean |correlation| of two maps",
    "components_per_map": "components for 95 % of the variance,\nper map",
}
DRAWN_MAPS = 8


def make(task: Task) -> Outcome:
    """Draw the maps of the named crystals, and measure those of a sample layer by layer."""
    settings, data = task.settings, task.crystals()
    names = settings["networks"]
    named = settings.get("materials", task.paper["materials"])
    materials = find_materials(task, data, named)
    sample = _batches(data.test, settings["batches"], settings["batch_crystals"])
    rows, drawn = [], {}
    for name in names:
        for seed in settings["seeds"]:
            system = fitted(task, name, seed)
            layers = spread(convolutions(system.classifier), settings["layers"])
            task.say(f"{name}, seed {seed}: {len(layers)} layers")
            for batch, crystals in enumerate(sample):
                patterns = system.patterns(data.crystals.take(crystals))
                where = {"network": name, "seed": seed, "batch": batch}
                rows += [
                    {**where, **row} for row in redundancies(system.classifier, patterns, layers)
                ]
            drawn.setdefault(name, (system, spread(layers, settings["drawn"])))
    figures: dict[str, Any] = {
        f"feature-maps-{one.name}": _maps_figure(one, drawn, settings["stream"])
        for one in materials.values()
    }
    by_layer = _by_layer(rows)
    figures["redundancy"] = _redundancy_figure(by_layer, names)
    means = {name: _network_means(rows, name) for name in names}
    tables = {"redundancy-by-layer": by_layer, "redundancy": list(means.values())}
    return Outcome(_paragraph(means, task), figures, tables)


def convolutions(classifier: Any) -> list[str]:
    """Name the layers of a network that show what its convolutions give, in its order."""
    layers = classifier.feature_map_layers()
    found = [name for name in layers if CONVOLUTION.search(name)]
    if not found:
        raise ValueError(f"the network has no layer of convolutions; it has {', '.join(layers)}")
    return [f"{name}_relu" if f"{name}_relu" in layers else name for name in found]


def spread(names: list[str], n: int) -> list[str]:
    """Take so many of a list, first and last among them."""
    if n >= len(names):
        return list(names)
    return [names[i] for i in np.linspace(0, len(names) - 1, n).round().astype(int)]


def redundancies(classifier: Any, patterns: Any, layers: list[str]) -> list[dict[str, Any]]:
    """Measure how much the maps of each layer repeat one another, over all patterns together."""
    shapes = classifier.feature_map_layers()
    rows = []
    for number, layer in enumerate(layers):
        found = map_redundancy(classifier.feature_maps(patterns, layer))
        height, _, n_maps = shapes[layer]
        rows.append(
            {
                "layer": layer,
                "depth": round(number / max(len(layers) - 1, 1), 3),
                "pixels": height,
                "maps": n_maps,
                "mean_correlation": found.mean_correlation,
                "components_per_map": found.n_components / n_maps,
                "dark_part": found.n_constant / n_maps,
            }
        )
    return rows


def _batches(rows: Any, n: int, size: int) -> list[Any]:
    order = np.random.default_rng(0).permutation(rows)
    return [np.sort(order[i * size : (i + 1) * size]) for i in range(n) if i * size < len(order)]


def _by_layer(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over seeds and batches, and the spread of these."""
    found = []
    for key in dict.fromkeys((row["network"], row["layer"]) for row in rows):
        of_it = [row for row in rows if (row["network"], row["layer"]) == key]
        line = {name: of_it[0][name] for name in ("network", "layer", "depth", "pixels", "maps")}
        for name in (*FIGURES, "dark_part"):
            line |= _mean_and_spread(name, [row[name] for row in of_it])
        found.append(line)
    return found


def _network_means(rows: list[dict[str, Any]], network: str) -> dict[str, Any]:
    """Means over the layers of each seed, and the spread of seeds (of batches if there is one)."""
    of_it = [row for row in rows if row["network"] == network]
    seeds = {row["seed"] for row in of_it}
    by = "seed" if len(seeds) > 1 else "batch"
    over = {"seed": "seeds", "batch": "batches"}[by]
    line = {"network": network, "seeds": len(seeds), "spread_over": over}
    for name in (*FIGURES, "dark_part"):
        of_one = [
            _finite([row[name] for row in of_it if row[by] == one]).mean()
            for one in sorted({row[by] for row in of_it})
        ]
        line |= _mean_and_spread(name, of_one)
    return line


def _finite(values: list[float]) -> Any:
    """Leave out layers with fewer than two maps to compare; NaN if there are no others."""
    found = np.asarray(values)
    return found[np.isfinite(found)] if np.isfinite(found).any() else np.array([np.nan])


def _mean_and_spread(name: str, values: list[float]) -> dict[str, float]:
    found = _finite(values)
    return {name: round(float(found.mean()), 4), f"{name}_spread": round(float(found.std()), 4)}


def _maps_figure(material: Material, drawn: dict[str, Any], stream: int) -> Figure:
    n_rows = max(len(layers) for _, layers in drawn.values())
    figure = Figure((11, 1.75 * n_rows + 0.3), layout="constrained")
    axes = figure.subplots(n_rows, len(drawn), squeeze=False)
    for column, (name, (system, layers)) in zip(axes.T, drawn.items(), strict=True):
        patterns = system.patterns([material.crystal])
        for ax, layer in zip(column, layers, strict=False):
            FeatureMapDisplay.from_estimator(
                system.classifier, patterns, layer, stream=stream, name=name.upper(),
                max_maps=DRAWN_MAPS, ax=ax,
            )  # fmt: skip
    figure.suptitle(material.title, x=0.01, ha="left", fontsize=10)
    return figure


def _redundancy_figure(rows: list[dict[str, Any]], names: list[str]) -> Figure:
    figure = Figure((10, 3.6), layout="constrained")
    axes = figure.subplots(1, len(FIGURES))
    for ax, (key, label) in zip(axes, FIGURES.items(), strict=True):
        for name, color, marker in zip(names, COLORS, "os", strict=False):
            of_it = [row for row in rows if row["network"] == name]
            ax.errorbar(
                [row["depth"] for row in of_it], [row[key] for row in of_it],
                yerr=[row[f"{key}_spread"] for row in of_it], color=color, marker=marker, ms=5,
                capsize=2, linewidth=1.2, label=name.upper(),
            )  # fmt: skip
        ax.set(xlabel="depth (first to last convolution measured)", ylabel=label)
        ax.set_ylim(bottom=0)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].legend(frameon=False)
    return figure


def _paragraph(means: dict[str, dict[str, Any]], task: Task) -> str:
    richer = task.paper["richer"]
    (other,) = (name for name in means if name != richer)
    one, two = means[richer], means[other]

    def both(key: str) -> str:
        return ", ".join(
            f"{line['network'].upper()} {line[key]:.3f} ± {line[f'{key}_spread']:.3f}"
            for line in (one, two)
        )

    def word(key: str, better: float) -> str:
        apart = better * (one[key] - two[key])
        limit = max(one[f"{key}_spread"], two[f"{key}_spread"])
        return "holds" if apart > limit else "does not hold" if apart < -limit else "is undecided"

    return (
        f"The paper finds the maps of {richer.upper()} richer and less redundant than those of "
        f"{other.upper()}. Mean absolute correlation of two maps of a layer, over the layers: "
        f"{both('mean_correlation')} (spread over {one['spread_over']}); less redundant: that "
        f"{word('mean_correlation', -1)} here. Principal components that hold 95 % of the "
        f"variance, for each map: {both('components_per_map')}; richer: that "
        f"{word('components_per_map', 1)} here. Dark maps: {both('dark_part')}."
    )
