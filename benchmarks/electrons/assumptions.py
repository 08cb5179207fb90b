"""What a wrong assumption costs: another voltage, and atoms that move less or more.

    python benchmarks/electrons/assumptions.py --structures materials_project.npz --cache FOLDER \
        --patterns DIR --model 72-electron

The same held-out crystals, those of at most ``--largest`` atoms, aligned, their thicknesses drawn
once from 50 to 300 Å, are shown as each of CONDITIONS has them. The first is what "72-electron" has
learned from. ``DIR/split.npz`` says which crystals are held out, and is made if it is not there.
Writes ``assumptions.csv``.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np
from patterns import THICKNESS, order, split
from sklearn.base import clone

from crystalsym.bundles import find_model
from crystalsym.metrics import accuracy_interval
from crystalsym.metrics._figures import ranks as metrics_ranks
from crystalsym.pretrained import load_pipeline

# kV and Å².
CONDITIONS = (
    (200.0, 0.5), (120.0, 0.5), (300.0, 0.5), (200.0, 0.0), (200.0, 1.5), (120.0, 1.5), (300.0, 0.0)
)  # fmt: skip
COLUMNS = ("model", "voltage", "b_iso", "crystals", "top1", "low", "high", "top5")


def ranks(pipeline: Any, crystals: Any, labels: np.ndarray, **conditions: float) -> np.ndarray:
    """Rank of the true group of every crystal, from 0, as patterns of some conditions show it.

    ``conditions`` are parameters of the pipeline's simulator; draws are the same for all.
    """
    simulator = clone(pipeline[0]).set_params(thickness=THICKNESS, random_state=0, **conditions)
    shaped = pipeline[1:-1].transform(simulator.transform(crystals))
    classes = pipeline[-1].classes_
    found = metrics_ranks(np.asarray(labels), pipeline[-1].predict_proba(shaped), classes)
    return np.minimum(found, len(classes))


def row(found: np.ndarray) -> tuple:
    """Crystals, top-1 with its 95 % interval (Wilson), top-5."""
    first = found == 0
    shares = (first.mean(), *accuracy_interval(first), (found < 5).mean())
    return (len(found), *(round(float(share), 4) for share in shares))


def main() -> None:
    """Ask, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--structures", type=Path, required=True, help="table of crystals, .npz")
    parser.add_argument("--cache", type=Path, required=True, help="where standard cells are kept")
    parser.add_argument("--patterns", type=Path, required=True, help="folder of split.npz")
    parser.add_argument("--model", nargs="+", default=["72-electron"], help="weights, or folders")
    parser.add_argument("--crystals", type=int, default=500)
    parser.add_argument("--largest", type=int, default=30, help="atoms of a cell")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    args = parser.parse_args()
    data = split(args.structures, args.cache, args.patterns / "split.npz")
    rows = order(data)
    rows = rows[np.diff(data.crystals.site_offsets)[rows] <= args.largest][: args.crystals]
    crystals, labels = [data.crystals[int(one)] for one in rows], data.labels[rows]
    lines = []
    for model in args.model:
        pipeline = load_pipeline(find_model(model))
        for voltage, b_iso in CONDITIONS:
            found = ranks(pipeline, crystals, labels, voltage=voltage, b_iso=b_iso)
            lines.append((Path(model).name, voltage, b_iso, *row(found)))
            print(*lines[-1], flush=True)
    args.output.mkdir(parents=True, exist_ok=True)
    with open(args.output / "assumptions.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *lines])


if __name__ == "__main__":
    main()
