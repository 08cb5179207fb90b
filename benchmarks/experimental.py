"""The bundled crystals, experimental structures, for every model: learned from, or not?

    python benchmarks/experimental.py --structures materials_project.npz --cache FOLDER

finds each of the 81 in the table (``learned_from.matches``), sorts them for each model into those
that its weights have learned from and the others, and asks the pipeline. Right is what a symmetry
finder says at 0.1 Å. ``--models`` takes names and folders, ``NAME=FOLDER`` to tell them apart;
figures of models that are not named stay in the file. Writes ``experimental.json`` beside itself.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from learned_from import matches, model_rows

from crystalsym import space_group_number
from crystalsym.bundles import find_model
from crystalsym.datasets import example_crystals
from crystalsym.metrics import accuracy_interval
from crystalsym.pretrained import available, load_pipeline
from crystalsym.training._data import DATA_DEFAULTS, standard_table

SYMPREC = 0.1
FILE = Path(__file__).with_name("experimental.json")


def main() -> None:
    """Match, ask every model, write and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--structures", type=Path, required=True, help="table of crystals, .npz")
    parser.add_argument("--cache", type=Path, required=True, help="where standard cells are kept")
    parser.add_argument("--models", nargs="+", default=available(), metavar="[NAME=]MODEL")
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args()
    examples = example_crystals()
    paths = list(examples.values())
    groups = [space_group_number(path, SYMPREC) for path in paths]
    settings = {**DATA_DEFAULTS, "structures": str(args.structures), "symprec": SYMPREC}
    cells = standard_table(settings, args.cache, args.jobs, 1)
    found = matches(paths, groups, cells, SYMPREC)
    result: dict[str, Any] = json.loads(FILE.read_text()) if FILE.is_file() else {"models": {}}
    result["crystals"] = {
        name: {"group": group, "matches": [{k: v for k, v in m.items() if k != "row"} for m in of]}
        for name, group, of in zip(examples, groups, found, strict=True)
    }
    splits: dict[str, Any] = {}
    for spec in args.models:
        name, _, model = spec.rpartition("=")
        rows = model_rows(model, args.structures, args.cache, args.jobs, splits)
        pipeline = load_pipeline(find_model(model))
        answers, _ = pipeline.predict_top_k(paths, 5)
        known = [where(of, rows) for of in found]
        asked = np.isin(groups, pipeline[-1].classes_)
        result["models"][name or model] = judged(list(examples), groups, known, asked, answers)
    FILE.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(table(result["models"]))


def where(found: list[dict], rows: Any) -> str:
    """Tell what the weights know of a crystal by the rows that it matches."""
    numbers = [match["row"] for match in found]
    if np.isin(numbers, rows.learned).any():
        return "learned"
    if np.isin(numbers, rows.held_out).any():
        return "held out"
    return "of other groups" if numbers else "not in the table"


def judged(
    names: list[str], groups: list[int], known: list[str], asked: np.ndarray, answers: np.ndarray
) -> dict[str, Any]:
    """Figures of one model: of what it learned from, of the others, of all."""
    truth = np.array(groups)
    ranks = [np.flatnonzero(row == group) for row, group in zip(answers, truth, strict=True)]
    place = np.array([int(r[0]) + 1 if r.size else 0 for r in ranks])  # 0: not among the five
    learned = np.array([one == "learned" for one in known])
    sets = {"learned": learned, "not learned": ~learned, "all": np.ones(len(truth), bool)}
    return {
        "sets": {name: figures(place[chosen & asked]) for name, chosen in sets.items()},
        "groups it does not know": [names[i] for i in np.flatnonzero(~asked)],
        "not learned": {names[i]: known[i] for i in np.flatnonzero(~learned)},
        "wrong": {
            names[i]: {"group": groups[i], "answers": answers[i].tolist(), "known": known[i]}
            for i in np.flatnonzero((place != 1) & asked)
        },
    }


def figures(place: np.ndarray) -> dict[str, Any]:
    """Accuracies by where the right group ranks, with intervals of 95 %."""
    out: dict[str, Any] = {"crystals": len(place)}
    if len(place):
        for name, k in (("top1", 1), ("top5", 5)):
            right = (place > 0) & (place <= k)
            out[name] = round(float(right.mean()), 4)
            out[f"{name}_right"] = int(right.sum())
            out[f"{name}_interval"] = [round(end, 4) for end in accuracy_interval(right)]
    return out


def table(models: dict[str, Any]) -> str:
    """Write the figures as a Markdown table."""
    lines = ["| weights | crystals | | top-1 | top-5 |", "|---|---|---|---|---|"]
    for name, found in models.items():
        for which, of in found["sets"].items():
            cells = [
                f"{of[f'{k}_right']} ({100 * of[k]:.0f} %, {100 * low:.0f} to {100 * high:.0f})"
                for k in ("top1", "top5")
                if k in of
                for low, high in [of[f"{k}_interval"]]
            ]
            lines.append(" | ".join([f"| {name}", which, str(of["crystals"]), *cells]) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
