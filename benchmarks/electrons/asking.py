"""Ask a model about dynamical patterns that patterns.py has computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from patterns import spots
from sklearn.metrics import roc_auc_score

from crystalsym import metrics
from crystalsym.classification._class_probabilities import dynamical_views_of
from crystalsym.learning import LazyRows
from crystalsym.spacegroups import is_centrosymmetric

PART = 256


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
    names = sorted(place.name for place in folder.glob("held-out*"))
    large = [name for name in names if name.endswith("-large")]
    found = {name: [folder / name] for name in names if name not in large}
    for name in large:
        found[name.removesuffix("-large")].append(folder / name)
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
    dynamical_views : str or None
        Views of the dynamical patterns that the model learned from.
    """

    found: dict[str, np.ndarray]
    depths: np.ndarray
    probabilities: np.ndarray
    classes: np.ndarray
    dynamical_views: str | None


def asked(classifier: Any, found: dict[str, np.ndarray], shaper: Any) -> Answers:
    """Ask a classifier about patterns."""
    return answered(classifier, found, Pictures(pictures(found, shaper), found["rows"]))


def answered(classifier: Any, found: dict[str, np.ndarray], rows: Pictures) -> Answers:
    """Ask a classifier about pictures of patterns."""
    given = classifier.predict_proba(rows)
    views = dynamical_views_of(classifier)
    return Answers(found, rows.depths, given, classifier.classes_, views)


def figures(answers: Answers) -> dict[str, Any]:
    """Figures, those too in which crystals that were too large to be simulated count as wrong.

    Diffraction classes are those of the model.
    """
    labels, left_out = answers.found["labels"], len(answers.found["left_out"])
    given = metrics.summary(
        labels, answers.probabilities, answers.classes, dynamical_views=answers.dynamical_views
    )
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
