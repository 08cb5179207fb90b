"""How accuracy follows thickness, tilt and size of the cell, and how a kinematic model does.

    python benchmarks/electrons/accuracy.py --structures materials_project.npz --cache FOLDER \\
        --patterns DIR --kinematic benchmarks/models/72

asks "72-electron" (or ``--model``) about the held-out patterns that patterns.py computed
(``DIR/held-out``, and all folders ``DIR/held-out-*``), and ``--kinematic``, weights that have not
learned from these crystals, about the same patterns. ``--groups all`` is for "230-electron".
Writes ``accuracy-72.csv``, ``.png`` and ``.json``, or ``accuracy-230``.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
from asking import Answers, Pictures, answered, asked, figures, held_out_folders, pictures
from patterns import load, split

from crystalsym.bundles import find_model
from crystalsym.pretrained import load_pipeline

HERE = Path(__file__).parent
COLUMNS = ("model", "patterns", "by", "from", "to", "crystals", "top1", "top5")
ATOMS = (1, 5, 11, 21, 41, 81, 121, 201, 1001)
TILTS = (0.0, 0.1, 0.15, 0.18, 0.2, 0.3, 0.4)


def ranks(answers: Answers) -> np.ndarray:
    """Rank of the true group of every crystal, from 0."""
    order = answers.classes[np.argsort(-answers.probabilities, axis=1)]
    right = order == answers.found["labels"][:, None]
    # A group that the model does not know comes after all others.
    return np.where(right.any(axis=1), right.argmax(axis=1), len(answers.classes))


def by_thickness(classifier: Any, found: dict, images: np.ndarray) -> list[tuple]:
    """(from, to, ranks) where all three patterns are of one of the ranges of thickness."""
    rows = []
    for depth in range(images.shape[1]):
        part = Pictures(images[:, depth : depth + 1], found["rows"])
        answers = answered(classifier, found, part)
        thickness = found["thickness"][:, :, depth]
        rows.append((thickness.min(), thickness.max(), ranks(answers)))
    return rows


def by_value(values: np.ndarray, edges: Any, found: np.ndarray) -> list[tuple]:
    """(from, to, ranks) of crystals whose value lies between two edges."""
    parts = [
        (low, high, found[(values >= low) & (values < high)])
        for low, high in itertools.pairwise(edges)
    ]
    return [part for part in parts if len(part[2])]


def measured(name: str, pipeline: Any, folder: Path, atoms: np.ndarray) -> tuple[list, dict]:
    """Rows of the table, and the figures of each folder of held-out patterns."""
    rows, summary = [], {}
    shaper, classifier = pipeline["shape"], pipeline["classify"]
    for which, places in held_out_folders(folder).items():
        found = load(*places)
        answers = asked(classifier, found, shaper)
        summary[which] = figures(answers)
        print(name, which, {k: summary[which][k] for k in ("crystals", "top1", "top5")})
        parts = {"all": [(0, 0, ranks(answers))]}
        if which == "held-out":
            parts["thickness"] = by_thickness(classifier, found, pictures(found, shaper))
            parts["atoms"] = by_value(atoms[found["rows"]], ATOMS, ranks(answers))
        elif found["tilt"][..., 0].any():
            largest = found["tilt"][..., 0].max(axis=1)
            parts["tilt"] = by_value(largest, TILTS, ranks(answers))
        for by, values in parts.items():
            for low, high, found_ranks in values:
                top1, top5 = (found_ranks == 0).mean(), (found_ranks < 5).mean()
                row = (name, which, by, round(float(low), 2), round(float(high), 2))
                rows.append((*row, len(found_ranks), round(top1, 4), round(top5, 4)))
    return rows, summary


def draw(rows: list[tuple], path: Path) -> None:
    """Accuracy against thickness, tilt and atoms of the cell."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), sharey=True, layout="constrained")
    labels = ("thickness (Å)", "largest tilt of the three (°)", "atoms in the cell")
    for axis, by, label in zip(axes, ("thickness", "tilt", "atoms"), labels, strict=True):
        for name in dict.fromkeys(row[0] for row in rows):
            chosen = [row for row in rows if row[0] == name and row[2] == by]
            if not chosen:
                continue
            middle = [(row[3] + row[4]) / 2 for row in chosen]
            order = np.argsort(middle)
            x, y = np.array(middle)[order], 100 * np.array([row[6] for row in chosen])[order]
            axis.plot(x, y, "o-", label=name)
        axis.set(xlabel=label)
    axes[0].set(ylabel="group ranks first (%)")
    axes[2].set_xscale("log")
    axes[0].legend(frameon=False)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Ask, print, write and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patterns", type=Path, required=True)
    parser.add_argument("--model", help="by default the bundled one")
    parser.add_argument("--kinematic", help="weights that know X-rays, to be asked the same")
    parser.add_argument("--groups", choices=("72", "all"), default="72", help="of the split")
    parser.add_argument("--structures", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=HERE / "results")
    args = parser.parse_args()
    table = split(args.structures, args.cache, args.patterns / "split.npz", args.groups).crystals
    atoms = np.diff(table.site_offsets)
    args.output.mkdir(parents=True, exist_ok=True)
    rows: list[tuple] = []
    summaries = {}
    label = {"72": "72", "all": "230"}[args.groups]
    models = {f"{label}-electron": args.model or f"{label}-electron"}
    if args.kinematic:
        models[f"{label}, kinematic"] = args.kinematic
    for name, model in models.items():
        pipeline = load_pipeline(find_model(model))
        found, summaries[name] = measured(name, pipeline, args.patterns, atoms)
        rows += found
    with open(args.output / f"accuracy-{label}.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    (args.output / f"accuracy-{label}.json").write_text(json.dumps(summaries, indent=1) + "\n")
    draw(rows, args.output / f"accuracy-{label}.png")


if __name__ == "__main__":
    main()
