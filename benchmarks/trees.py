"""The baseline: extremely randomized trees on indexed zone-axis intensities and the cell.

    python benchmarks/trees.py --structures materials_project.npz --output runs/trees

Of each crystal: log |F|² of 41 reflections (half of |h|, |k| <= 4, Friedel mates being equal) in
each of the layers 0kl, h0l and hk0, relative to the strongest, and a, b, c, α, β, γ: 129 numbers.
Each task writes one JSON when it is done and is skipped when that is there; ``results.json`` in
the output folder gathers them.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.ensemble import ExtraTreesClassifier

from crystalsym import metrics
from crystalsym.crystals import Crystal
from crystalsym.datasets import CrystalTable
from crystalsym.scattering import structure_factors
from crystalsym.training import DATA_DEFAULTS, TrainingConfig, TrainingData, load_data

MAX_INDEX = 4
FAINTEST = 1e-8
N_TREES, TREES_AT_ONCE = 200, 10
CHUNK = 500


@dataclass(frozen=True)
class Task:
    """Which groups, and how they are split."""

    name: str
    groups: str
    split: str = "random"
    test_fraction: float = 0.2


TASKS = (
    Task("72", "72"),
    Task("72-prototypes", "72", "prototypes"),
    Task("72-chemical-systems", "72", "chemical-systems"),
    Task("8", "8"),
    Task("20", "20"),
    Task("49", "49"),
    Task("unseen30", "unseen30", test_fraction=0.5),
    Task("all", "all"),
)


def layer_indices() -> np.ndarray:
    """Reflections of the three principal layers, (123, 3)."""
    n = MAX_INDEX
    pairs = [(h, k) for h in range(n + 1) for k in range(-n, n + 1) if h > 0 or k >= 0]
    layers = [np.insert(np.array(pairs), axis, 0, axis=1) for axis in range(3)]
    return np.concatenate(layers)


HKL = layer_indices()


def crystal_features(crystal: Crystal) -> np.ndarray:
    """The 129 numbers of one standardized crystal.

    The intensities' logarithms run from 0 for the strongest of the 123, 000 left out, down to
    log10 of FAINTEST.
    """
    q = np.linalg.norm(HKL @ crystal.reciprocal, axis=1)
    intensity = (
        np.abs(
            structure_factors(
                HKL, q, crystal.frac_coords, crystal.atomic_numbers, crystal.occupancies
            )
        )
        ** 2
    )
    strongest = intensity[q > 0].max()
    brightness = np.log10(np.maximum(intensity / strongest, FAINTEST))
    edges = np.sqrt(np.diag(crystal.metric))
    pairs = np.array([[1, 2], [0, 2], [0, 1]])
    cosines = crystal.metric[pairs[:, 0], pairs[:, 1]] / edges[pairs].prod(axis=1)
    angles = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    return np.concatenate([brightness, edges, angles]).astype(np.float32)


def features(crystals: CrystalTable) -> np.ndarray:
    """Features of many crystals."""

    def part(start: int) -> np.ndarray:
        stop = min(start + CHUNK, len(crystals))
        return np.stack([crystal_features(crystals[i]) for i in range(start, stop)])

    starts = range(0, len(crystals), CHUNK)
    return np.concatenate(Parallel(n_jobs=2)(delayed(part)(start) for start in starts))


def probabilities(learn: np.ndarray, labels: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Mean over all trees; a few are held at a time, as all of them would take many GB."""
    total = np.zeros((len(score), len(np.unique(labels))))
    for seed in range(0, N_TREES, TREES_AT_ONCE):
        forest = ExtraTreesClassifier(TREES_AT_ONCE, n_jobs=2, random_state=seed)
        total += forest.fit(learn, labels).predict_proba(score)
    return total / (N_TREES / TREES_AT_ONCE)


def read(task: Task, structures: Path, output: Path) -> TrainingData:
    """The crystals of a task, split as the networks' are."""
    config = {
        **DATA_DEFAULTS,
        "structures": str(structures),
        "groups": task.groups,
        "split": task.split,
        "split_rule": 1,
        "test_fraction": task.test_fraction,
    }
    return load_data(TrainingConfig(task.name, config), output / "data", n_jobs=2, verbose=1)


def perform(task: Task, data: TrainingData, X: np.ndarray) -> dict[str, Any]:
    """Grow the trees on one side, score them on the other."""
    start = time.monotonic()
    learn, test = data.train, data.test
    answers = probabilities(X[learn], data.labels[learn], X[test])
    return {
        "task": task.name,
        "split": task.split,
        "split_rule": 1,
        "learning_crystals": len(learn),
        "held_out": metrics.summary(data.labels[test], answers, np.unique(data.labels[learn])),
        "seconds": round(time.monotonic() - start),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--structures", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=Path("runs/trees"))
    parser.add_argument("--only", nargs="+", choices=[task.name for task in TASKS])
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    crystals = read(Task("all", "all"), args.structures, args.output).crystals
    stored = args.output / "features.npy"
    if not stored.is_file():
        start = time.monotonic()
        found = features(crystals)
        partial = stored.with_name("features.partial.npy")
        np.save(partial, found)
        partial.replace(stored)
        say(f"features of {len(crystals)} crystals in {time.monotonic() - start:.0f} s")
    X = np.load(stored)
    for task in TASKS:
        path = args.output / f"{task.name}.json"
        if path.is_file() or (args.only and task.name not in args.only):
            continue
        data = read(task, args.structures, args.output)
        result = perform(task, data, X[data.rows])
        write(path, result)
        held_out = result["held_out"]
        say(
            f"{task.name}: " + " ".join(f"{k} {held_out[k]:.4f}" for k in ("top1", "top5", "macro"))
        )
    done = [args.output / f"{task.name}.json" for task in TASKS]
    write(args.output / "results.json", [json.loads(p.read_text()) for p in done if p.is_file()])


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def write(path: Path, value: Any) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


if __name__ == "__main__":
    main()
