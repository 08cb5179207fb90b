"""Answers to measured crystals and simulated lists, every case listed.

    python benchmarks/measured/run.py --measured FOLDER --output benchmarks/measured
    python benchmarks/measured/run.py --molecular 5000 --output benchmarks/measured
    python benchmarks/measured/run.py --structures materials_project.npz --limit 5000 ...

FOLDER holds one folder a crystal and INDEX.tsv (name, cell, space_group, verdict, files). A case is
right if the group, or its mirror image, ranks first; refused ones count as wrong, cases whose group
nobody verified are listed and not counted. Simulated lists are of crystals that no weights have
learned from: molecules drawn anew, and those held out from the table.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from rule import one_of_pair

from crystalsym.identification import identify_reflections
from crystalsym.metrics import accuracy_interval
from crystalsym.reflections import read_reflections
from crystalsym.spacegroups import diffraction_class

# What a list is called among the files of a crystal, before those beside it.
LISTS = (".hkl", ".cif_pets", ".mtz", ".cif")
# The seed of lists that nothing was fitted to.
SEED = 20_260


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measured", type=Path)
    parser.add_argument("--molecular", type=int, default=0, metavar="N")
    parser.add_argument("--structures", type=Path)
    parser.add_argument("--limit", type=int, default=5000)
    parser.add_argument("--model", default="230-lists")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/measured"))
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    args.output.mkdir(parents=True, exist_ok=True)
    if args.measured:
        _write(args.output / "measured.json", _measured(args))
    if args.molecular:
        _write(args.output / "molecular.json", _molecular(args))
    if args.structures:
        _write(args.output / "held-out.json", _held_out(args))
    return 0


def _measured(args: argparse.Namespace) -> dict[str, Any]:
    cases = []
    with open(args.measured / "INDEX.tsv", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    for row in rows:
        path = _list_file(args.measured / row["name"], row["files"].split())
        cell = [float(value) for value in row["cell"].split()]
        started = time.perf_counter()
        try:
            # The index is right where a file's cell is not, or there is none.
            reflections = read_reflections(path, cell=cell)
        except (ValueError, OSError) as problem:
            cases.append({"name": row["name"], "error": str(problem)})
            continue
        (answer,) = identify_reflections([reflections], args.model, evidence=False)
        cases.append(
            {
                "name": row["name"],
                "radiation": row["radiation"],
                "verdict": row["verdict"],
                **_judged(int(row["space_group"]), answer),
                "seconds": round(time.perf_counter() - started, 3),
            }
        )
        print(_line(cases[-1]), file=sys.stderr)
    counted = [case for case in cases if not case.get("verdict", "").startswith("UNVERIFIED")]
    return {"model": args.model, **_figures(counted), "cases": cases}


def _molecular(args: argparse.Namespace) -> dict[str, Any]:
    from crystalsym.datasets import random_molecular_crystals

    table = random_molecular_crystals(args.molecular, SEED, n_jobs=args.jobs)
    return {"model": args.model, **_of_table(table, np.asarray(table.space_group), args)}


def _held_out(args: argparse.Namespace) -> dict[str, Any]:
    from crystalsym.bundles import find_model
    from crystalsym.pretrained import read_description
    from crystalsym.training import TrainingConfig, load_data

    card = read_description(find_model(args.model))["metadata"]
    stored = card["training"]["config"]
    data = {**stored["data"], "structures": str(args.structures)}
    loaded = load_data(TrainingConfig("held out", data=data), args.output / "cache", args.jobs, 1)
    chosen = np.random.default_rng(SEED).permutation(loaded.test)[: args.limit]
    table, labels = loaded.crystals.take(chosen), loaded.labels[chosen]
    table.space_group = labels
    return {"model": args.model, **_of_table(table, labels, args)}


def _of_table(table: Any, groups: np.ndarray, args: argparse.Namespace) -> dict[str, Any]:
    from joblib import Parallel, delayed

    starts = range(0, len(table), 100)
    parts = Parallel(n_jobs=args.jobs)(
        delayed(_of_part)(table.take(np.arange(i, min(i + 100, len(table)))), groups[i : i + 100],
                          i, args.model)
        for i in starts
    )  # fmt: skip
    cases = [case for part in parts for case in part]
    wrong = [case for case in cases if not case["right"]]
    return {**_figures(cases), "wrong": [[case["group"], case["ranking"][:3]] for case in wrong]}


def _of_part(table: Any, groups: np.ndarray, start: int, model: str) -> list[dict[str, Any]]:
    from crystalsym.measurement import ReflectionSimulator

    warnings.simplefilter("ignore")
    lists = ReflectionSimulator(random_state=SEED + start).transform(table)
    answers = identify_reflections(lists, model, evidence=False)
    return [_judged(int(g), answer) for g, answer in zip(groups, answers, strict=True)]


def _list_file(folder: Path, files: list[str]) -> Path:
    for suffix in LISTS:
        for file in files:
            if file.endswith(suffix):
                return folder / file
    return folder / files[0]


def _judged(group: int, answer: Any) -> dict[str, Any]:
    """How an answer compares with the group of the crystal."""
    if answer.error is not None:
        return {"group": group, "error": answer.error, "right": False, "among_5": False,
                "class": False, "ranking": []}  # fmt: skip
    ranking = [(int(number), round(float(p), 4)) for number, p in answer.ranking]
    first, seen = ranking[0][0], [one_of_pair(number) for number, _ in ranking]
    refused = answer.refused is not None
    return {
        "group": group,
        "ranking": ranking,
        "laue": answer.laue_class,
        "reliability": round(answer.reliability, 4),
        "refused": answer.refused,
        "right": not refused and seen[0] == one_of_pair(group),
        "among_5": not refused and one_of_pair(group) in seen,
        "class": not refused
        and (group in diffraction_class(first) or seen[0] == one_of_pair(group)),
    }


def _figures(cases: Iterable[dict[str, Any]]) -> dict[str, Any]:
    cases = list(cases)
    n = len(cases)
    out: dict[str, Any] = {"n": n}
    for name in ("right", "among_5", "class"):
        count = sum(bool(case.get(name)) for case in cases)
        low, high = (round(end, 4) for end in accuracy_interval(np.arange(n) < count))
        out[name] = {"count": count, "part": round(count / n, 4), "95%": [low, high]}
    known = [case for case in cases if "reliability" in case]
    bins = []
    for lower in (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99):
        kept = [case for case in known if case["reliability"] >= lower]
        if kept:
            wrong = sum(not case["right"] for case in kept) / len(kept)
            bins.append([lower, round(len(kept) / n, 4), round(wrong, 4)])
    out["risk_coverage"] = bins  # reliability at least, part answered, part of these wrong
    return out


def _line(case: dict[str, Any]) -> str:
    mark = "right" if case["right"] else "WRONG"
    return f"{mark} {case['name']:24s} {case['group']:3d} {case['ranking'][:3]} {case['verdict']}"


def _write(path: Path, result: dict[str, Any]) -> None:
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    shown = {name: result[name] for name in ("n", "right", "among_5", "class")}
    print(path.name, json.dumps(shown))


if __name__ == "__main__":
    sys.exit(main())
