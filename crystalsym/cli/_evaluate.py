"""``crystalsym evaluate``: a model's figures on labeled crystals."""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crystalsym.cli._messages import InputError, note, one_line, warn
from crystalsym.cli._simulate import output_folder

if TYPE_CHECKING:
    from crystalsym.datasets import CrystalTable
    from crystalsym.evaluation import Evaluation


def run(args: argparse.Namespace) -> int:
    """Evaluate, print a table or JSON, list the failures; returns the exit code."""
    from crystalsym.bundles import find_model
    from crystalsym.evaluation import VARIANTS, available_rows, check_rows, evaluate_rows
    from crystalsym.evaluation._report_rows import known_as
    from crystalsym.pretrained import load_pipeline, read_description

    try:
        at = find_model(args.model)
        pipeline = load_pipeline(at)
        classifier = pipeline[-1]
        possible = available_rows(classifier.classes_)
        further = [name.strip() for name in args.rows.split(",")] if args.rows else []
        if "all" in further:
            further = [name for name in possible if name in VARIANTS]
        check_rows(further, classifier.classes_)
        subsets = [name for name in possible if name not in VARIANTS]
        rows = list(dict.fromkeys([*subsets, *known_as(further)]))
    except (ValueError, OSError) as problem:
        raise InputError(one_line(problem)) from problem
    folder = output_folder(args.output) if args.output else None  # known before long work
    try:
        card = read_description(at)["metadata"]
        which = "all" if args.all else _which(args, card)
        crystals, labels, extra = _crystals(args, card, which, classifier.classes_, rows)
        results = evaluate_rows(
            pipeline, crystals, labels, rows, base=which, n_jobs=args.jobs,
            verbose=0 if args.quiet else 1, **extra,
        )  # fmt: skip
    except (ValueError, OSError) as problem:
        raise InputError(one_line(problem, args.structures)) from problem
    figures: dict[str, Any] = {"model": args.model, "which": f"{which} crystals"}
    if hasattr(classifier, "temperature_"):
        figures["temperature"] = float(classifier.temperature_)
    figures["rows"] = {name: result.figures for name, result in results.items()}
    if folder:
        (folder / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
        (folder / "figures.txt").write_text(_table(figures) + "\n", "utf-8")
        _write_failures(folder / "failures.csv", results)
    print(json.dumps(figures, indent=2) if args.json else _table(figures))
    return 0


def _which(args: argparse.Namespace, card: dict[str, Any]) -> str:
    """What to call the crystals of a table: held out from a training, learned from since, or all.

    Only the table that the model learned from has a held-out part. It is known by its digest.
    """
    from crystalsym.training._data import file_digest

    training = card.get("training", {})
    settings = training.get("config", {}).get("data")
    if settings is None:
        raise ValueError("the model does not say which crystals it learned from: use --all")
    held_out = "refitted-on" if "refitted" in card else "held-out"
    learned_from = training.get("crystals", {}).get("sha256")
    if learned_from is None:  # trained by version 0.1
        name = Path(settings["structures"]).name
        if Path(args.structures).name == name:
            warn(f"{args.structures}: taken by its name for the table that the model learned from")
            return held_out
    elif file_digest(args.structures) == learned_from:
        return held_out
    note(f"{args.structures}: not the table that the model learned from, so all its crystals"
         " are evaluated")  # fmt: skip
    return "all"


def _crystals(
    args: argparse.Namespace,
    card: dict[str, Any],
    which: str,
    classes: np.ndarray,
    rows: list[str],
) -> tuple[CrystalTable, np.ndarray, dict[str, Any]]:
    """Standardized crystals, their labels, and what further crystals some rows need."""
    from crystalsym.datasets import CrystalTable
    from crystalsym.evaluation._report_rows import NEED_ORIGINAL
    from crystalsym.spacegroups import label_set
    from crystalsym.training._data import of_a_card, standard_table
    from crystalsym.training._training import TrainingConfig, load_data

    settings = card.get("training", {}).get("config", {}).get("data", {})
    data = {**of_a_card(settings), "structures": args.structures}
    cache = Path(args.cache) if args.cache else Path(args.structures).parent
    verbose = 0 if args.quiet else 1
    if which == "all":
        table = standard_table(data, cache, args.jobs, verbose)
        chosen = _of_known_groups(args, table, classes)
    else:
        config = TrainingConfig("evaluation", data=data)
        split = load_data(config, cache, args.jobs, verbose)
        table = standard_table(data, cache, args.jobs, verbose)
        chosen = split.rows[split.test]
    chosen = _some(chosen, args.limit)
    if len(chosen) == 0:
        raise ValueError("there are no crystals to evaluate the model on")
    extra = {}
    if not set(rows).isdisjoint(NEED_ORIGINAL):
        extra["original"] = CrystalTable.load(args.structures).take(chosen)
    if "unseen-30" in rows:
        unseen = np.flatnonzero(np.isin(table.space_group, label_set("unseen30")))
        extra["unseen"] = table.take(_some(unseen, args.limit))
    crystals = table.take(chosen)
    return crystals, crystals.space_group.astype(np.int64), extra


def _of_known_groups(
    args: argparse.Namespace, table: CrystalTable, classes: np.ndarray
) -> np.ndarray:
    """Rows of the crystals whose groups the model knows; says how many there are beside them."""
    if table.space_group is None:
        raise ValueError("has no space_group column to compare the answers with")
    known = np.isin(table.space_group, classes)
    others = np.count_nonzero(~known)
    if others:
        note(f"{args.structures}: {others} of {len(table)} crystals are of groups the model does"
             " not know, and left out")  # fmt: skip
    return np.flatnonzero(known)


def _some(rows: np.ndarray, limit: int | None) -> np.ndarray:
    """At most so many rows, the same every time."""
    if limit is None or limit >= len(rows):
        return rows
    return np.sort(np.random.default_rng(0).permutation(rows)[:limit])


def _write_failures(path: Path, results: dict[str, Evaluation]) -> None:
    """Every crystal whose most probable group is wrong, one a line."""
    columns = ["row", "crystal", "formula", "group", "rank", "probability", "predicted",
               "predicted_probability"]  # fmt: skip
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for name, result in results.items():
            for failure in result.failures():
                for key in ("probability", "predicted_probability"):
                    share = failure[key]
                    failure[key] = "" if share is None else f"{share:.4g}"
                writer.writerow({"row": name, **failure})


def _table(figures: dict[str, Any]) -> str:
    """One line for each row, then what is known of the first row besides."""
    from crystalsym.metrics._figures import DYNAMICAL, class_figure

    rows = figures["rows"]
    of_class = class_figure(next(iter(rows.values())))  # all rows are of one model
    names = {"top1": "top-1", "top2": "top-2", "top5": "top-5", "macro": "macro",
             of_class: "class", "calibration_error": "calibr."}  # fmt: skip
    lines = [f"model {figures['model']}, {figures['which']}; figures in %"]
    lines.append(f"{'row':20s} crystals groups " + " ".join(f"{n:>7s}" for n in names.values()))
    for name, row in rows.items():
        shares = " ".join(f"{100 * row[key]:7.2f}" for key in names)
        note = f"  ({row['left_out']} left out)" if "left_out" in row else ""
        lines.append(f"{name:20s} {row['crystals']:8d} {row['groups']:6d} {shares}{note}")
    first, row = next(iter(rows.items()))
    for asked, sets in row.get("prediction_sets", {}).items():
        found, size = 100 * sets["coverage"], sets["mean_size"]
        lines.append(f"{first}, sets of {100 * float(asked):.0f} %: the true group in"
                     f" {found:.2f} %, {size:.2f} groups on average")  # fmt: skip
    systems = (f"{name} {100 * share:.2f}" for name, share in row["by_crystal_system"].items())
    if of_class == DYNAMICAL:
        lines.append("class: dynamical ones, for the model learned from dynamical patterns")
    lines.append(f"{first}, top-1 by crystal system: {', '.join(systems)}")
    return "\n".join(lines)
