"""``crystalsym evaluate``: a model's figures on labelled crystals."""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from crystalsym.cli.messages import InputError, one_line
from crystalsym.cli.simulate import output_folder


def run(args: argparse.Namespace) -> int:
    """Evaluate, print a table or JSON, list the failures; returns the exit code."""
    from crystalsym import metrics
    from crystalsym.pretrained import load_pipeline, load_pretrained
    from crystalsym.streams import RenderedPatterns

    try:
        at = Path(args.model)
        pipeline = load_pipeline(at) if at.is_dir() else load_pretrained(args.model)
        crystals, labels, which = _crystals(args, at)
    except (ValueError, OSError) as problem:
        raise InputError(one_line(problem, args.structures)) from problem
    classes = pipeline[-1].classes_
    probabilities = pipeline[-1].predict_proba(RenderedPatterns(pipeline[:-1], crystals))
    figures = {"which": which, **metrics.summary(labels, probabilities, classes)}
    if args.output:
        folder = output_folder(args.output)
        (folder / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
        _write_failures(folder / "failures.csv", crystals, labels, probabilities, classes)
    print(json.dumps(figures, indent=2) if args.json else _table(figures))
    return 0


def _crystals(args: argparse.Namespace, model: Path) -> tuple[Any, np.ndarray, str]:
    """Standardised crystals, labels, and what they are."""
    from crystalsym.pretrained import model_card, read_description
    from crystalsym.training import DATA_DEFAULTS, TrainingConfig, load_data

    card = read_description(model)["metadata"] if model.is_dir() else model_card(args.model)
    settings = card.get("training", {}).get("config", {}).get("data")
    if settings is None and not args.all:
        raise ValueError("the model does not say how its crystals were split: use --all")
    data = {**DATA_DEFAULTS, **(settings or {}), "structures": args.structures}
    cache = Path(args.cache) if args.cache else Path(args.structures).parent
    config = replace(TrainingConfig("evaluation"), data=data)
    loaded = load_data(config, cache, args.jobs, verbose=0 if args.quiet else 1)
    rows = np.arange(len(loaded.labels)) if args.all else loaded.test
    which = "all crystals" if args.all else "held-out crystals"
    return loaded.crystals.take(rows), loaded.labels[rows], which


def _write_failures(path: Path, crystals, labels, probabilities, classes) -> None:
    """Every crystal whose most probable group is wrong, one a line."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["crystal", "formula", "group", "rank", "probability", "predicted",
                         "predicted_probability"])  # fmt: skip
        for row in np.flatnonzero(classes[order[:, 0]] != labels):
            crystal = crystals[int(row)]
            column = np.flatnonzero(classes == labels[row])
            rank = int(np.flatnonzero(order[row] == column[0])[0]) + 1 if len(column) else ""
            share = f"{probabilities[row, column[0]]:.4g}" if len(column) else ""
            best = order[row, 0]
            writer.writerow([crystal.name, crystal.formula, labels[row], rank, share,
                             classes[best], f"{probabilities[row, best]:.4g}"])  # fmt: skip


def _table(figures: dict[str, Any]) -> str:
    lines = [f"{figures['crystals']} {figures['which']}, {figures['groups']} groups"]
    names = {
        "top1": "top-1", "top2": "top-2", "top5": "top-5", "macro": "macro top-1",
        "diffraction_class": "diffraction class", "calibration_error": "calibration error",
    }  # fmt: skip
    lines += [f"  {name:18s} {100 * figures[key]:6.2f} %" for key, name in names.items()]
    lines += [f"  {system:18s} {100 * share:6.2f} %"
              for system, share in figures["by_crystal_system"].items()]  # fmt: skip
    return "\n".join(lines)
