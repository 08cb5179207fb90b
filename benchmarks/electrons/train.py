"""Train on dynamical patterns that patterns.py has computed, and ask about those held out.

    python benchmarks/electrons/train.py benchmarks/train-72-electron.toml \
        --structures materials_project.npz --patterns DIR --output runs/72-electron

``DIR/learning`` holds the patterns to learn from, ``DIR/held-out`` those to ask about. Folders
``learning-large``, ``learning-tilt``, ``held-out-large`` (joined to ``held-out``) and other
``held-out-*`` take part where they exist. In each epoch every pattern is shown at one of its
thicknesses, as seen from before or behind, and turned by half a turn or not: which side of a zone
axis the beam came from, and which way its axes point, nobody knows. Some are shown as they may be
measured, weak spots lost and others off by some per cent. It may be interrupted and goes on from
its last checkpoint.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from patterns import load, split, spots
from sklearn.metrics import roc_auc_score

from crystalsym import _provenance, metrics
from crystalsym.learning import LazyRows
from crystalsym.learning._augmentation import from_behind
from crystalsym.pretrained import save_pipeline
from crystalsym.spacegroups import is_centrosymmetric
from crystalsym.training import TrainingConfig
from crystalsym.training._data import file_digest

PART = 256
# Decades of the logarithmic scale of brightness. Of the crystals in an epoch this part is shown
# with spots lost below 10^-5 to 10^-2.5 of the strongest, and others off by such a part (1 sigma).
DECADES, NOISY, FAINTEST, ERROR = 5, 0.4, (-5.0, -2.5), (0.003, 0.1)


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


def turned(images: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Turn, in place, the patterns (n, S, H, W, C) that ``which`` (n, S) marks by half a turn."""
    crystal, view = np.nonzero(which)
    images[crystal, view] = images[crystal, view, ::-1, ::-1]
    return images


def noisy(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Patterns (n, S, H, W, C), brightness on a scale of five decades, as they may be measured.

    A part of the crystals: spots below a part of the strongest are lost, and the others are
    brighter or fainter by some per cent, another part in each pattern.
    """
    images = images.astype(np.float32)
    brightness = images[..., 0]
    shape = (*brightness.shape[:2], 1, 1)
    chosen = rng.random((len(images), 1, 1, 1)) < NOISY
    error = np.exp(rng.uniform(*np.log(ERROR), shape)) / np.log(10) / DECADES
    floor = 1 + rng.uniform(*FAINTEST, shape) / DECADES
    changed = brightness + error * rng.standard_normal(brightness.shape)
    changed = np.where((brightness > 0) & (changed >= floor), np.minimum(changed, 1), 0)
    images[..., 0] = np.where(chosen, changed, brightness)
    return images


class Pictures(LazyRows):
    """Rows that show each pattern at one of its thicknesses, drawn anew in each epoch."""

    def __init__(self, images: np.ndarray, groups: np.ndarray, seed: int = 0):
        super().__init__(len(images), PART)
        self.made_by: tuple = ()
        self._images, self._seed = images, seed
        self.validation_groups = groups
        self.set_epoch(None)
        self._measure()

    def set_epoch(self, epoch: int | None) -> None:
        """Draw thicknesses and sides; None draws thicknesses once and for all."""
        n, depths, views = self._images.shape[:3]
        rng = np.random.default_rng([self._seed, 0 if epoch is None else epoch + 1])
        self._epoch = epoch
        self.depths = rng.integers(depths, size=(n, views))
        sides = rng.random((2, n, views)) < 0.5
        self._behind, self._turned = sides & (epoch is not None)

    def _make(self, rows: np.ndarray) -> np.ndarray:
        views = np.arange(self._images.shape[2])
        images = self._images[rows[:, None], self.depths[rows], views]
        images = turned(from_behind(images, self._behind[rows]), self._turned[rows])
        if self._epoch is None:
            return images
        return noisy(images, np.random.default_rng([self._seed, self._epoch, int(rows[0])]))


def held_out_folders(folder: Path) -> dict[str, list[Path]]:
    """Folders of patterns to ask about; those of large cells go with the others."""
    found = {place.name: [place] for place in sorted(folder.glob("held-out*"))}
    found["held-out"] += found.pop("held-out-large", [])
    return found


def gathered(folder: Path, part: str, shaper: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures, labels and rows of a part: of small cells, large ones, and tilted beams."""
    images, labels, rows = [], [], []
    for kind in ("", "-large", "-tilt"):
        place = folder / f"{part}{kind}"
        if place.is_dir():
            found = load(place)
            print(place.name, len(found["rows"]), "crystals", flush=True)
            images.append(pictures(found, shaper))
            labels.append(found["labels"])
            rows.append(found["rows"])
    most = max(one.shape[1] for one in images)
    images = [one[:, np.arange(most) % one.shape[1]] for one in images]
    return np.concatenate(images), np.concatenate(labels), np.concatenate(rows)


def natural(labels: np.ndarray, population: np.ndarray) -> np.ndarray:
    """Weights by which groups count as often as in the population, 1 on average."""
    ours, theirs = (np.bincount(one, minlength=231) for one in (labels, population))
    weights = (theirs / np.maximum(ours, 1))[labels]
    return weights / weights.mean()


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
        "center_auc": center_auc(answers),
    }


def center_auc(answers: Answers) -> float:
    """Area under the curve of the probability that a crystal has a center of inversion."""
    central = np.array([is_centrosymmetric(int(group)) for group in answers.classes])
    truth = np.array([is_centrosymmetric(int(group)) for group in answers.found["labels"]])
    return float(roc_auc_score(truth, answers.probabilities[:, central].sum(axis=1)))


def main() -> None:
    """Train, ask and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--structures", type=Path, required=True, help="table of crystals, .npz")
    parser.add_argument("--cache", type=Path, required=True, help="where standard cells are kept")
    parser.add_argument("--patterns", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    config = TrainingConfig.read(args.config, args.structures)
    pipeline = config.pipeline()
    shaper = pipeline["shape"]
    classifier = pipeline["classify"].set_params(
        checkpoint_dir=str(args.output / "checkpoints"), verbose=1
    )
    images, labels, rows = gathered(args.patterns, "learning", shaper)
    data = split(args.structures, args.cache, args.patterns / "split.npz")
    learning = Pictures(images, data.kin[rows])
    learning.made_by = tuple(_provenance.step(pipeline[name]) for name in ("simulate", "shape"))
    classifier.fit(learning, labels, sample_weight=natural(labels, data.labels[data.train]))
    held_out = {}
    for name, folders in held_out_folders(args.patterns).items():
        held_out[name] = figures(asked(classifier, load(*folders), shaper))
        print(name, json.dumps(held_out[name]), flush=True)
    result = {
        "name": config.name,
        "held_out": held_out["held-out"],
        "otherwise": {name: one for name, one in held_out.items() if name != "held-out"},
        "learning_crystals": len(np.unique(rows)),
        "of_which_validation": classifier.n_calibration_,
        "parameters": classifier.n_parameters_,
        "history": classifier.history_,
        "config": {
            table: getattr(config, table) for table in ("data", "simulate", "shape", "classify")
        },
        "crystals": {"sha256": file_digest(args.structures)},
    }
    result["config"]["data"] = {**config.data, "structures": args.structures.name}
    (args.output / "figures.json").write_text(json.dumps(result, indent=1, default=str) + "\n")
    classifier.set_params(checkpoint_dir=None, verbose=0)
    headline = {key: round(held_out["held-out"][key], 4) for key in ("top1", "top5", "macro")}
    card = {"name": config.name, **config.card, **headline, "training": result}
    pipeline["simulate"].fit()
    save_pipeline(pipeline, args.output / "model", metadata=card, dtype="float16")


if __name__ == "__main__":
    main()
