"""Train on dynamical patterns made on a GPU, and ask about those of crystals held out.

    python benchmarks/electrons/train.py benchmarks/train-72-electron.toml \\
        --layers layers.npz --output runs [--device cuda]

``layers.npz`` is what layers.py writes. :mod:`store` makes the patterns; several configurations
learn from the same. In each epoch every crystal is shown aligned, tilted or by a precessing beam,
each pattern at one of its thicknesses, as seen from before or behind, and turned by half a turn or
not: which side of a zone axis the beam came from, and which way its axes point, nobody knows. Some
are shown as they may be measured, weak spots lost and others off by some per cent.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from asking import center_auc
from multislice import Layers
from sklearn.base import clone
from sklearn.utils import check_random_state
from store import MODES, VOLTAGES, PatternStore, StoredRows

from crystalsym import _provenance, metrics
from crystalsym.classification._class_probabilities import dynamical_views_of
from crystalsym.classification._validation_rows import split_rows
from crystalsym.pretrained import save_pipeline
from crystalsym.training import TrainingConfig
from crystalsym.training._data import file_digest

# Rows of a group that has fewer crystals, and how often one is shown at most in an epoch.
LEAST, MOST_COPIES = 300, 6
# Of the crystals seen by precessing beams: a group of n counts as n to this power.
BALANCE = 0.5


def sides(layers: Layers, config: TrainingConfig) -> np.ndarray:
    """Whether the crystals of a file are learned from (0), held out (1) or neither (2)."""
    held = layers.file["held_72" if config.data["groups"] == "72" else "held_230"].copy()
    # Random crystals of groups that have few real ones.
    held[held == 3] = 0 if config.data["groups"] == "all" else 2
    held[layers.too_large.reshape(-1, 3).any(axis=1)] = 2
    return held


def precessing(layers: Layers, held: list[np.ndarray], n_learned: int, n_asked: int) -> np.ndarray:
    """Crystals to be seen by a precessing beam: of those learned from, rare groups come early."""
    rng = np.random.default_rng(2)
    counts = np.bincount(layers.groups, minlength=231)[layers.groups]
    clocks = rng.exponential(size=len(counts)) * counts**BALANCE
    learned = np.logical_or.reduce([side == 0 for side in held])
    clocks[~learned] = np.inf
    chosen = np.argsort(clocks)[: min(n_learned, learned.sum())]
    asked_of = [rng.permutation(np.flatnonzero(side == 1))[:n_asked] for side in held]
    return np.unique(np.concatenate([chosen, *asked_of]))


def repeated(rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The same rows, those of groups that have few of them several times."""
    counts = np.bincount(labels[rows], minlength=231)[labels[rows]]
    return np.repeat(rows, np.clip(LEAST // counts, 1, MOST_COPIES))


def validation_rows(classifier: Any, labels: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The rows that a fit has kept out of learning."""
    seed = int(check_random_state(classifier.random_state).randint(2**31 - 1))
    codes = np.searchsorted(classifier.classes_, labels)
    return split_rows(codes, classifier.validation_fraction, seed, groups)[1]


def epochs_within(classifier: Any, rows: Any, labels: np.ndarray, seconds: float) -> int:
    """As many epochs as the classifier is to have, or those for which there is time."""
    if not np.isfinite(seconds):
        return int(classifier.epochs)
    tried = clone(classifier).set_params(epochs=2).fit(rows, labels)
    longest = max(tried.history_[1]["seconds"], 1e-3)
    return int(np.clip(seconds / longest, 1, classifier.epochs))


def learned(
    config: TrainingConfig, store: PatternStore, folder: Path, digest: str, args: argparse.Namespace
) -> None:
    """Train one configuration on a store, ask about what is held out, and save."""
    layers = store.layers
    held = sides(layers, config)[store.crystals]
    groups = layers.file["kin"][store.crystals]
    labels = layers.groups[store.crystals]
    made = layers.file["rows"][store.crystals] < 0
    rows = repeated(np.flatnonzero(held == 0), labels)
    pipeline = config.pipeline()
    classifier = pipeline["classify"].set_params(verbose=1)
    shares = dict(zip(MODES, args.shares, strict=True))
    learning = StoredRows(store, rows, groups[rows], shares)
    learning.made_by = tuple(_provenance.step(pipeline[name]) for name in ("simulate", "shape"))
    classifier.set_params(
        epochs=epochs_within(classifier, learning, labels[rows], args.train_seconds)
    )
    classifier.fit(learning, labels[rows])
    unseen = validation_rows(classifier, labels[rows], groups[rows])
    # Each once, so that groups are as frequent as they are.
    unseen = np.setdiff1d(rows[unseen], np.flatnonzero(made))
    classifier.recalibrate(StoredRows(store, unseen, groups[unseen], shares), labels[unseen])
    held_out = {}
    for mode in MODES:
        rows = np.flatnonzero((held == 1) & (store.where >= 0 if mode == "precessing" else True))
        if not len(rows):
            continue
        asked_about = StoredRows(store, rows, groups[rows], {mode: 1.0}, seed=1)
        given = classifier.predict_proba(asked_about)
        guesses = classifier.classes_[given.argmax(axis=1)]
        held_out[mode] = {
            **metrics.summary(
                labels[rows],
                given,
                classifier.classes_,
                dynamical_views=dynamical_views_of(classifier),
            ),
            "top1_interval": list(metrics.accuracy_interval(guesses == labels[rows])),
            "center_auc": center_auc(labels[rows], given, classifier.classes_),
        }
        print(config.name, mode, json.dumps(held_out[mode]), flush=True)
    result = {
        "name": config.name,
        "held_out": held_out["aligned"],
        "otherwise": {name: one for name, one in held_out.items() if name != "aligned"},
        "learning_crystals": int((held == 0).sum()),
        "rows": len(learning),
        "of_which_validation": classifier.n_calibration_,
        "rounds": store.n_rounds,
        "depths": store.n_depths,
        "shares": shares,
        "precessing": int((store.where >= 0).sum()),
        "parameters": classifier.n_parameters_,
        "history": classifier.history_,
        "config": {
            table: getattr(config, table) for table in ("data", "simulate", "shape", "classify")
        },
        "layers": {"sha256": digest},
        "crystals": {"sha256": str(layers.file["table"])},
    }
    result["config"]["classify"] = {**config.classify, "epochs": classifier.epochs}
    result["config"]["data"] = {**config.data, "structures": Path(config.data["structures"]).name}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "figures.json").write_text(json.dumps(result, indent=1, default=str) + "\n")
    classifier.set_params(verbose=0)
    classifier.metadata_["voltages"] = list(VOLTAGES)
    headline = {key: round(held_out["aligned"][key], 4) for key in ("top1", "top5", "macro")}
    card = {"name": config.name, **config.card, **headline, "training": result}
    pipeline["simulate"].fit()
    save_pipeline(pipeline, folder / "model", metadata=card, dtype="float16")


def main() -> None:
    """Make patterns, and train, ask and save each configuration."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configs", type=Path, nargs="+")
    parser.add_argument("--layers", type=Path, required=True, help="what layers.py has written")
    parser.add_argument("--device", default="cuda", help="of PyTorch (%(default)s)")
    parser.add_argument("--rounds", type=int, default=8, help="of patterns (%(default)s)")
    parser.add_argument("--seconds", type=float, default=1e9, help="no new round after them")
    parser.add_argument(
        "--train-seconds", type=float, default=np.inf, help="fewer epochs where they take longer"
    )
    parser.add_argument("--depths", type=int, default=6, help="thicknesses of a pattern")
    parser.add_argument(
        "--shares", type=float, nargs=3, default=(0.25, 0.6, 0.15), metavar="SHARE",
        help="parts of an epoch seen aligned, tilted and precessing (%(default)s)",
    )  # fmt: skip
    parser.add_argument("--precessing", type=int, default=14000, help="crystals learned from")
    parser.add_argument("--precessing-held-out", type=int, default=1500)
    parser.add_argument("--crystals", type=int, help="take a sample alone, to try it out")
    parser.add_argument("--epochs", type=int, help="instead of those configured")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    configs = [TrainingConfig.read(path, None) for path in args.configs]
    layers = Layers(args.layers, args.device)
    held = [sides(layers, config) for config in configs]
    crystals = np.flatnonzero(np.logical_or.reduce([side < 2 for side in held]))
    if args.crystals:
        crystals = np.sort(np.random.default_rng(0).choice(crystals, args.crystals, replace=False))
    store = PatternStore(layers, crystals, args.depths)
    chosen = precessing(
        layers, [np.where(np.isin(np.arange(len(side)), crystals), side, 2) for side in held],
        args.precessing, args.precessing_held_out,
    )  # fmt: skip
    store.fill(args.rounds, args.seconds)
    begun = time.perf_counter()
    store.precess(np.searchsorted(crystals, chosen))
    print(f"{len(chosen)} precessing: {time.perf_counter() - begun:.1f} s", flush=True)
    digest = file_digest(args.layers)
    for config in configs:
        if args.epochs:
            config.classify["epochs"] = args.epochs
        learned(config, store, args.output / config.name, digest, args)


if __name__ == "__main__":
    main()
