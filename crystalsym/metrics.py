"""How good a ranking of space groups is."""

from __future__ import annotations

from typing import Any

import numpy as np

from crystalsym import spacegroups


def top_k_accuracy(y_true: Any, probabilities: Any, classes: Any, k: int = 1) -> float:
    """Part of the rows whose true group is among the k most probable.

    Parameters
    ----------
    y_true : array-like of int, shape (n,)
    probabilities : array-like of shape (n, n_classes)
    classes : array-like of int, shape (n_classes,)
        The group of each column.
    k : int, default=1

    Returns
    -------
    float

    Examples
    --------
    >>> from crystalsym.metrics import top_k_accuracy
    >>> top_k_accuracy([225, 216], [[.2, .8], [.4, .6]], [216, 225], k=1)
    0.5
    """
    return float(np.mean(_ranks(y_true, probabilities, classes) < k))


def macro_accuracy(y_true: Any, y_pred: Any) -> float:
    """Mean over the groups present in ``y_true`` of the part found."""
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    found = [np.mean(y_pred[y_true == group] == group) for group in np.unique(y_true)]
    return float(np.mean(found))


def crystal_system_accuracy(y_true: Any, y_pred: Any) -> dict[str, float]:
    """Accuracy within each crystal system present in ``y_true``."""
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    systems = np.array([spacegroups.crystal_system(int(group)) for group in y_true])
    right = y_true == y_pred
    order = ("triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal")
    return {
        system: float(right[systems == system].mean())
        for system in (*order, "cubic")
        if (systems == system).any()
    }


def diffraction_class_accuracy(
    y_true: Any, probabilities: Any, classes: Any, kind: str = "zone-axes"
) -> float:
    """Part of the rows whose most probable diffraction class holds the true group.

    Probabilities are summed over the groups of a class: groups that kinematic diffraction cannot
    tell apart count as one.
    """
    classes = np.asarray(classes)
    members = [spacegroups.diffraction_class(int(group), kind) for group in classes]
    names = sorted(set(members))
    column_class = np.array([names.index(member) for member in members])
    summed = np.stack(
        [np.asarray(probabilities)[:, column_class == c].sum(axis=1) for c in range(len(names))], 1
    )
    best = summed.argmax(axis=1)
    return float(
        np.mean([int(group) in names[b] for group, b in zip(y_true, best, strict=True)])
    )


def calibration_error(y_true: Any, probabilities: Any, classes: Any, n_bins: int = 15) -> float:
    """Expected calibration error of the top-1 probability (Guo et al., ICML 2017)."""
    probabilities = np.asarray(probabilities)
    confidence = probabilities.max(axis=1)
    right = np.asarray(classes)[probabilities.argmax(axis=1)] == np.asarray(y_true)
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    gap = sum(abs(np.sum(right[bins == b]) - np.sum(confidence[bins == b])) for b in range(n_bins))
    return float(gap / len(confidence))


def summary(y_true: Any, probabilities: Any, classes: Any) -> dict[str, Any]:
    """All figures of one model on one set of rows, as plain numbers."""
    y_true, probabilities = np.asarray(y_true), np.asarray(probabilities)
    classes = np.asarray(classes)
    y_pred = classes[probabilities.argmax(axis=1)]
    return {
        "crystals": len(y_true),
        "groups": len(np.unique(y_true)),
        "top1": top_k_accuracy(y_true, probabilities, classes, 1),
        "top2": top_k_accuracy(y_true, probabilities, classes, 2),
        "top5": top_k_accuracy(y_true, probabilities, classes, 5),
        "macro": macro_accuracy(y_true, y_pred),
        "diffraction_class": diffraction_class_accuracy(y_true, probabilities, classes),
        "calibration_error": calibration_error(y_true, probabilities, classes),
        "by_crystal_system": crystal_system_accuracy(y_true, y_pred),
    }


def _ranks(y_true: Any, probabilities: Any, classes: Any) -> np.ndarray:
    """How many columns are more probable than the true one; n_classes where it has none."""
    y_true, probabilities, classes = map(np.asarray, (y_true, probabilities, classes))
    if probabilities.shape != (len(y_true), len(classes)):
        raise ValueError(
            f"probabilities of shape {probabilities.shape} for {len(y_true)} rows"
            f" and {len(classes)} classes"
        )
    order = np.argsort(-probabilities, axis=1, kind="stable")
    hits = classes[order] == y_true[:, None]
    return np.where(hits.any(axis=1), hits.argmax(axis=1), len(classes))
