"""What views, dynamic range, shaping and network each buy: one factor at a time.

    python benchmarks/descriptors/run.py --structures materials_project.npz \
        --output runs/descriptors

Every run learns from the same 20,000 crystals of 72 groups and is scored on the same 8,000, both
from the learning part of the fixed 80/20 split. Each writes one JSON when it is done, and is
skipped when that is there, so the command may be cut and given again. ``report.py`` makes the
table and the figure.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import controls
import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))
import trees
from table import CLASSIFY, RUNS, SHAPE, SIMULATE, Run

from crystalsym import (
    DiffractionSimulator,
    PatternShaper,
    SpaceGroupClassifier,
    SpotMerger,
    metrics,
)
from crystalsym.datasets import CrystalTable
from crystalsym.learning._former_split import former_holdout, former_near_duplicates
from crystalsym.training import TrainingConfig, load_data

SEED = 0
CHUNK = 256
CHANNELS = ("spots", "lines")


@dataclass(frozen=True)
class Sample:
    """Crystals of one side: standardized, as the source has them, and their labels."""

    crystals: CrystalTable
    source: CrystalTable
    labels: np.ndarray


class RawStreams:
    """Raw patterns, resampled and brightened as SpotMerger does, as one-channel streams."""

    def __init__(self, **parameters: Any):
        self.merger = SpotMerger(**parameters)

    def __repr__(self) -> str:
        return f"RawStreams({self.merger!r})"

    def transform(self, X: np.ndarray) -> np.ndarray:
        return np.moveaxis(self.merger.transform(X), -1, 1)[..., None]


def samples(structures: Path, output: Path, n_learn: int, n_score: int) -> list[Sample]:
    """Draw the two samples, parted as those of ``results.json`` were."""
    data = {"structures": str(structures), "groups": "72", "split_rule": 1}
    config = TrainingConfig("descriptors", data)
    data = load_data(config, output / "data", n_jobs=2, verbose=1)
    crystals, labels = data.crystals.take(data.train), data.labels[data.train]
    source, source_rows = CrystalTable.load(structures), data.rows[data.train]
    rng = np.random.default_rng(SEED)
    chosen = []
    sides = former_holdout(former_near_duplicates(crystals, labels), 0.2, SEED)
    for side, n in zip(sides, (n_learn, n_score), strict=True):
        rows = np.sort(rng.permutation(side)[:n])
        chosen.append(Sample(crystals.take(rows), source.take(source_rows[rows]), labels[rows]))
    return chosen


def transformers(run: Run) -> list[Any]:
    """The simulator and what makes images of its patterns."""
    parallel = {"n_jobs": 2}
    if run.published:
        simulator = DiffractionSimulator.from_preset("tiong2020", dtype="uint8", **parallel)
    else:
        simulator = DiffractionSimulator(**{**SIMULATE, **run.simulate, **parallel})
    if run.image == "shaped":
        shape = {key: value for key, value in run.shape.items() if key != "channels"}
        return [simulator, PatternShaper(**{**SHAPE, **shape}, dtype="uint8", **parallel)]
    kept = {key: SHAPE[key] for key in ("intensity", "threshold", "image_size")}
    kind = RawStreams if run.image == "streams" else SpotMerger
    return [simulator, kind(**{**kept, **run.shape}, dtype="uint8")]


def render(steps: list[Any], crystals: CrystalTable) -> np.ndarray:
    """All images as bytes."""
    images = None
    for start in range(0, len(crystals), CHUNK):
        rows: Any = [crystals[i] for i in range(start, min(start + CHUNK, len(crystals)))]
        for step in steps:
            rows = step.transform(rows)
        if images is None:
            images = np.empty((len(crystals), *rows.shape[1:]), dtype=np.uint8)
        images[start : start + len(rows)] = rows
    assert images is not None
    return images


def grow(learn: Sample, score: Sample) -> dict[str, Any]:
    """The baseline: trees on true indices."""
    start = time.monotonic()
    X = [trees.features(side.crystals) for side in (learn, score)]
    rendered = time.monotonic()
    probabilities = trees.probabilities(X[0], learn.labels, X[1])
    classes = np.unique(learn.labels)
    answers = classes[probabilities.argmax(axis=1)]
    return {
        "name": "trees",
        "figures": metrics.summary(score.labels, probabilities, classes),
        "learning_crystals": len(learn.labels),
        "scored_crystals": len(score.labels),
        "parameters": None,
        "image_shape": list(X[0].shape[1:]),
        "seconds": {
            "render": round(rendered - start, 1),
            "fit": round(time.monotonic() - rendered, 1),
        },
        "right": marks(answers, score.labels),
    }


def marks(answers: np.ndarray, labels: np.ndarray) -> str:
    """A character a crystal: right or wrong."""
    return "".join("01"[int(a == b)] for a, b in zip(answers, labels, strict=True))


def perform(run: Run, learn: Sample, score: Sample, cache: dict[str, Any]) -> dict[str, Any]:
    """Train, score; the figures."""
    prepare = getattr(controls, run.crystals)
    steps = transformers(run)
    key = f"{run.crystals} {steps!r}"
    start = time.monotonic()
    if cache.get("key") != key:
        cache.clear()
        sides = [prepare(side.crystals, side.source, side.labels) for side in (learn, score)]
        known = [np.flatnonzero(labels > 0) for _, labels in sides]
        cache["labels"] = [labels[rows] for (_, labels), rows in zip(sides, known, strict=True)]
        cache["images"] = [
            render(steps, table.take(rows)) for (table, _), rows in zip(sides, known, strict=True)
        ]
        cache["key"] = key
    images, labels = cache["images"], cache["labels"]
    if "channels" in run.shape:  # drawn all at once, the channels do not depend on each other
        kept = [CHANNELS.index(name) for name in run.shape["channels"]]
        images = [part[..., kept] for part in images]
    rendered = time.monotonic()
    options = {**CLASSIFY, **run.classify}
    if options["architecture"] == "bn":
        from networks import normalized_msdn

        options["architecture"] = normalized_msdn
    classifier = SpaceGroupClassifier(**options, verbose=1)
    classifier.fit(images[0], labels[0])
    fitted = time.monotonic()
    probabilities = classifier.predict_proba(images[1])
    figures = metrics.summary(labels[1], probabilities, classifier.classes_)
    answers = classifier.classes_[probabilities.argmax(axis=1)]
    return {
        "name": run.name,
        "figures": figures,
        "loss": classifier.history_[-1]["loss"],
        "learning_crystals": len(labels[0]),
        "scored_crystals": len(labels[1]),
        "parameters": classifier.n_parameters_,
        "image_shape": list(images[0].shape[1:]),
        "seconds": {
            "render": round(rendered - start, 1),
            "fit": round(fitted - rendered, 1),
            "predict": round(time.monotonic() - fitted, 1),
        },
        "steps": [" ".join(repr(step).split()) for step in steps],
        "classify": {**CLASSIFY, **run.classify},
        "crystals": run.crystals,
        "right": marks(answers, labels[1]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--structures", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=Path("runs/descriptors"))
    parser.add_argument("--only", nargs="+", help="names of runs")
    parser.add_argument("--learn", type=int, default=20000)
    parser.add_argument("--score", type=int, default=8000)
    args = parser.parse_args()
    unknown = set(args.only or ()) - {run.name for run in RUNS}
    if unknown:
        parser.error(f"no run {sorted(unknown)}; there are {[run.name for run in RUNS]}")
    args.output.mkdir(parents=True, exist_ok=True)
    learn, score = samples(args.structures, args.output, args.learn, args.score)
    names = "\n".join([*learn.crystals.names.tolist(), "", *score.crystals.names.tolist()])
    digest = hashlib.sha256(names.encode()).hexdigest()[:16]
    say(f"{len(learn.labels)} crystals to learn from, {len(score.labels)} to score; {digest}")
    cache: dict[str, Any] = {}
    for run in RUNS:
        path = args.output / f"{run.name}.json"
        if path.is_file() or (args.only and run.name not in args.only):
            continue
        say(f"== {run.name}")
        try:
            made = grow(learn, score) if run.trees else perform(run, learn, score, cache)
            result = {**made, "sample": digest}
        except Exception:  # one run that the library cannot do must not stop the others
            traceback.print_exc()
            say(f"== {run.name}: NOT DONE")
            continue
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        partial.replace(path)
        top1, top5 = result["figures"]["top1"], result["figures"]["top5"]
        say(f"== {run.name}: top-1 {top1:.4f} top-5 {top5:.4f} {result['seconds']}")


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
