"""Held-out crystals for every model, and those among them whose prototype it never met.

    python benchmarks/held_out.py --structures materials_project.npz --cache FOLDER --prototypes

asks the pipelines about the crystals that their trainings held out. With ``--prototypes`` those are
told apart whose prototype no crystal has that was learned from
(:func:`crystalsym.learning.prototype_groups`, near-duplicates joined; some minutes, once): figures
of the very weights, while ``72-prototypes`` in the README of this folder is a training of its own.
``--models`` takes names and folders,
``NAME=FOLDER`` says whose figures they are: those of refitted models come from the weights before.
Figures of models that are not named stay in the file. Writes ``held-out.json`` beside itself.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from learned_from import model_rows

from crystalsym import metrics
from crystalsym.bundles import find_model
from crystalsym.evaluation._evaluation import answers
from crystalsym.metrics._figures import class_figure
from crystalsym.pretrained import load_pipeline

FILE = Path(__file__).with_name("held-out.json")
MODELS = (
    "72=benchmarks/models/72", "72-shaped", "72-small", "230=benchmarks/models/230", "230-lists",
)  # fmt: skip


def main() -> None:
    """Ask every model, write and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--structures", type=Path, required=True, help="table of crystals, .npz")
    parser.add_argument("--cache", type=Path, required=True, help="where standard cells are kept")
    parser.add_argument("--models", nargs="+", default=MODELS, metavar="[NAME=]MODEL")
    parser.add_argument("--prototypes", action="store_true")
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args()
    result: dict[str, Any] = json.loads(FILE.read_text()) if FILE.is_file() else {}
    known: dict[str, Any] = {}
    for spec in args.models:
        name, _, model = spec.rpartition("=")
        place = args.structures, args.cache, args.jobs, known
        split = model_rows(model, *place)
        if not len(split.held_out):
            raise SystemExit(f"{model}: was refitted on all crystals and holds out none")
        data, test = split.data, split.data.test
        pipeline, crystals = load_pipeline(find_model(model)), data.crystals.take(test)
        of_all = answers(pipeline, crystals, data.labels[test], args.jobs, 1)
        of_model = {"weights": model, "held out": figures(of_all, np.ones(len(test), bool))}
        if args.prototypes:
            kin = model_rows(model, *place, split="prototypes").data.kin
            of_model["unseen prototypes"] = figures(of_all, ~np.isin(kin[test], kin[data.train]))
        result[name or model] = of_model
        FILE.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(table(result))


def figures(evaluation: Any, chosen: np.ndarray) -> dict[str, Any]:
    """Figures of some of the crystals, with the interval of the first guess."""
    found = metrics.summary(
        evaluation.labels[chosen],
        evaluation.probabilities[chosen],
        evaluation.classes,
        dynamical_views=evaluation.dynamical_views,
    )
    guesses = evaluation.classes[evaluation.probabilities[chosen].argmax(axis=1)]
    interval = metrics.accuracy_interval(guesses == evaluation.labels[chosen])
    return rounded({**found, "top1_interval": list(interval)})


def rounded(value: Any) -> Any:
    """Four digits of every number."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value


def table(result: dict[str, Any]) -> str:
    """Write the figures as a Markdown table."""
    lines = [
        "| model | held-out crystals | number | top-1 | top-2 | top-5 | macro | class |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, found in result.items():
        for which in ("held out", "unseen prototypes"):
            if which not in found:
                continue
            of = found[which]
            keys = ("top1", "top2", "top5", "macro", class_figure(of))
            cells = [f"{100 * of[key]:.2f}" for key in keys]
            lines.append(" | ".join([f"| {name}", which, f"{of['crystals']:,}", *cells]) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
