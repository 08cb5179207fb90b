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
from typing import Any, NamedTuple

import numpy as np
from multislice import Layers
from patterns import BALANCE, load, spots
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from store import MODES, PatternStore, StoredRows

from crystalsym import _provenance, metrics
from crystalsym.learning import LazyRows
from crystalsym.pretrained import save_pipeline
from crystalsym.spacegroups import is_centrosymmetric
from crystalsym.training import TrainingConfig
from crystalsym.training._data import file_digest

PART = 256
# Rows of a group that has fewer crystals, and how often one is shown at most in an epoch.
LEAST, MOST_COPIES = 300, 6


def pictures(found: dict[str, np.ndarray], shaper: Any) -> np.ndarray:
    """Shape all patterns at every thickness, (n, n_thicknesses, 3, H, W, C)."""
    n, depths = len(found["rows"]), len(found["intensity"])
    out = None
    for depth in range(depths):
        made = shaper.transform(spots(found, np.full((n, 3), depth)))
        if out is None:
            out = np.empty((n, depths, *made.shape[1:]), dtype=made.dtype)
        out[:, depth] = made
    assert out is not None
    return out


class Pictures(LazyRows):
    """Rows that show each pattern at one of its thicknesses, drawn once."""

    def __init__(self, images: np.ndarray, groups: np.ndarray, seed: int = 0):
        super().__init__(len(images), PART)
        self.made_by: tuple = ()
        self._images = images
        self.validation_groups = groups
        n, depths, views = images.shape[:3]
        self.depths = np.random.default_rng([seed, 0]).integers(depths, size=(n, views))
        self._measure()

    def _make(self, rows: np.ndarray) -> np.ndarray:
        return self._images[rows[:, None], self.depths[rows], np.arange(self._images.shape[2])]


def held_out_folders(folder: Path) -> dict[str, list[Path]]:
    """Folders of patterns to ask about; those of large cells go with the others."""
    found = {place.name: [place] for place in sorted(folder.glob("held-out*"))}
    found["held-out"] += found.pop("held-out-large", [])
    return found


class Answers(NamedTuple):
    """Probabilities of the groups for patterns of a folder, each at a thickness drawn once.

    Attributes
    ----------
    found : dict
        The patterns, as :func:`patterns.load` gives them.
    depths : ndarray of int, shape (n, 3)
        Number of the thickness of each.
    probabilities : ndarray of shape (n, n_classes)
    classes : ndarray of int
    """

    found: dict[str, np.ndarray]
    depths: np.ndarray
    probabilities: np.ndarray
    classes: np.ndarray


def asked(classifier: Any, found: dict[str, np.ndarray], shaper: Any) -> Answers:
    """Ask a classifier about patterns."""
    rows = Pictures(pictures(found, shaper), found["rows"])
    return Answers(found, rows.depths, classifier.predict_proba(rows), classifier.classes_)


def figures(answers: Answers) -> dict[str, Any]:
    """Figures, those too in which crystals that were too large to be simulated count as wrong."""
    labels, left_out = answers.found["labels"], len(answers.found["left_out"])
    given = metrics.summary(labels, answers.probabilities, answers.classes)
    guesses = answers.classes[answers.probabilities.argmax(axis=1)]
    asked_of = len(labels) / (len(labels) + left_out)
    return {
        **given,
        "top1_interval": list(metrics.accuracy_interval(guesses == labels)),
        "left_out": left_out,
        "top1_with_left_out": given["top1"] * asked_of,
        "top5_with_left_out": given["top5"] * asked_of,
        "center_auc": center_auc(labels, answers.probabilities, answers.classes),
    }


def center_auc(labels: np.ndarray, probabilities: np.ndarray, classes: np.ndarray) -> float:
    """Area under the curve of the probability that a crystal has a center of inversion."""
    central = np.array([is_centrosymmetric(int(group)) for group in classes])
    truth = np.array([is_centrosymmetric(int(group)) for group in labels])
    return float(roc_auc_score(truth, probabilities[:, central].sum(axis=1)))


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


def epochs_within(classifier: Any, rows: Any, labels: np.ndarray, seconds: float) -> int:
    """As many epochs as the classifier is to have, or those for which there is time."""
    if not np.isfinite(seconds):
        return int(classifier.epochs)
    tried = clone(classifier).set_params(epochs=2).fit(rows, labels)
    longest = max(tried.history_[1]["seconds"], 1e-3)
    return int(np.clip(seconds / longest, 1, classifier.epochs))


def learned(
    config: TrainingConfig, store: PatternStore, folder: Path, digest: str, seconds: float
) -> None:
    """Train one configuration on a store, ask about what is held out, and save."""
    layers = store.layers
    held = sides(layers, config)[store.crystals]
    groups = layers.file["kin"][store.crystals]
    labels = layers.groups[store.crystals]
    rows = repeated(np.flatnonzero(held == 0), labels)
    pipeline = config.pipeline()
    classifier = pipeline["classify"].set_params(verbose=1)
    learning = StoredRows(store, rows, groups[rows])
    learning.made_by = tuple(_provenance.step(pipeline[name]) for name in ("simulate", "shape"))
    classifier.set_params(epochs=epochs_within(classifier, learning, labels[rows], seconds))
    classifier.fit(learning, labels[rows])
    held_out = {}
    for mode in MODES:
        rows = np.flatnonzero((held == 1) & (store.where >= 0 if mode == "precessing" else True))
        if not len(rows):
            continue
        asked_about = StoredRows(store, rows, groups[rows], mode, seed=1)
        given = classifier.predict_proba(asked_about)
        guesses = classifier.classes_[given.argmax(axis=1)]
        held_out[mode] = {
            **metrics.summary(labels[rows], given, classifier.classes_),
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
        "precessing": int((store.where >= 0).sum()),
        "parameters": classifier.n_parameters_,
        "history": classifier.history_,
        "config": {
            table: getattr(config, table) for table in ("data", "simulate", "shape", "classify")
        },
        "layers": {"sha256": digest},
    }
    result["config"]["classify"] = {**config.classify, "epochs": classifier.epochs}
    result["config"]["data"] = {**config.data, "structures": Path(config.data["structures"]).name}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "figures.json").write_text(json.dumps(result, indent=1, default=str) + "\n")
    classifier.set_params(verbose=0)
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
    parser.add_argument("--precessing", type=int, default=30000, help="crystals learned from")
    parser.add_argument("--precessing-held-out", type=int, default=2048)
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
    store = PatternStore(layers, crystals)
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
        learned(config, store, args.output / config.name, digest, args.train_seconds)


if __name__ == "__main__":
    main()
