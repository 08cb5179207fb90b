"""Figures of merit from true groups and a model's answers."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

import numpy as np

from crystalsym import spacegroups
from crystalsym.spacegroups._indistinguishable import indistinguishable

AVERAGES = ("micro", "macro")
SYSTEMS = (
    "triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic",
)  # fmt: skip
# Rank of a group that is not among the columns, or of any group in a row without an answer.
# Names of a summary's figure of diffraction classes.
KINEMATIC, DYNAMICAL = "diffraction_class", "dynamical_class"
UNRANKED = np.iinfo(np.int64).max


def top_k_accuracy(
    y_true: Any, probabilities: Any, classes: Any, k: int = 1, sample_weight: Any = None
) -> float:
    """Return the part of the rows whose true group is among the k most probable.

    Parameters
    ----------
    y_true : array-like of int, shape (n,)
        A group that has no column is never found, however large k is.
    probabilities : array-like of shape (n, n_classes)
        Or any other scores that rank the groups. A row with NaN counts as not found.
    classes : array-like of int, shape (n_classes,)
        The group of each column.
    k : int, default=1
    sample_weight : array-like of shape (n,), optional
        Weights of the rows.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the shapes do not fit together, there are no rows, or k is not a positive integer.

    Examples
    --------
    >>> from crystalsym.metrics import top_k_accuracy
    >>> top_k_accuracy([225, 216], [[.2, .8], [.4, .6]], [216, 225], k=1)
    0.5
    """
    if int(k) != k or k < 1:
        raise ValueError(f"k must be an integer >= 1, got {k!r}")
    y_true, weights = rows(y_true, sample_weight)
    return _mean(ranks(y_true, probabilities, classes) < k, weights)


def macro_accuracy(y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
    """Average over the groups present in ``y_true`` the part found.

    Parameters
    ----------
    y_true, y_pred : array-like of int, shape (n,)
    sample_weight : array-like of shape (n,), optional
        Weights of the rows within their group; every group counts the same. A group whose rows
        all weigh nothing does not count.

    Examples
    --------
    >>> from crystalsym.metrics import macro_accuracy
    >>> macro_accuracy([225, 225, 225, 2], [225, 225, 225, 1])
    0.5
    """
    y_true, weights = rows(y_true, sample_weight)
    return mean_by(y_true, y_true == _as_long_as(y_true, y_pred), weights)


def crystal_system_accuracy(
    y_true: Any, y_pred: Any, sample_weight: Any = None
) -> dict[str, float]:
    """Return the accuracy within each crystal system present in ``y_true``.

    Parameters
    ----------
    y_true, y_pred : array-like of int, shape (n,)
    sample_weight : array-like of shape (n,), optional

    Returns
    -------
    dict
        From crystal systems, by rising symmetry, to accuracies.

    Raises
    ------
    ValueError
        If a label is no space-group number.

    Examples
    --------
    >>> from crystalsym.metrics import crystal_system_accuracy
    >>> crystal_system_accuracy([225, 216, 2], [225, 225, 2])
    {'triclinic': 1.0, 'cubic': 0.5}
    """
    y_true, weights = rows(y_true, sample_weight)
    return by_system(y_true, y_true == _as_long_as(y_true, y_pred), weights)


def diffraction_class_accuracy(
    y_true: Any,
    probabilities: Any,
    classes: Any,
    kind: str = "zone-axes",
    average: str = "micro",
    sample_weight: Any = None,
    dynamical_views: str | None = None,
) -> float:
    """Return the part of the rows whose most probable diffraction class holds the true group.

    Probabilities are summed over the groups of a class: groups that diffraction cannot tell apart
    by symmetry count as one. A group that has no column is found if another of its class is.

    Parameters
    ----------
    y_true : array-like of int, shape (n,)
    probabilities : array-like of shape (n, n_classes)
        A row with NaN counts as not found.
    classes : array-like of int, shape (n_classes,)
        The group of each column.
    kind : {"zone-axes", "full"}, default="zone-axes"
        Of kinematic classes, as in :func:`crystalsym.spacegroups.diffraction_class`.
    average : {"micro", "macro"}, default="micro"
        Over the rows, or over the diffraction classes present in ``y_true``.
    sample_weight : array-like of shape (n,), optional
    dynamical_views : {"symmetry-directions", "zone-axes"}, optional
        Count classes of dynamical patterns in these views
        (:func:`crystalsym.spacegroups.dynamical_class`), which models of such patterns answer in.
        Default: kinematic classes.

    Raises
    ------
    ValueError
        If the shapes do not fit together, there are no such views, kind or average, a label is no
        space-group number, or dynamical classes are to be of a kind.

    Examples
    --------
    >>> from crystalsym.metrics import diffraction_class_accuracy
    >>> diffraction_class_accuracy([216, 2], [[.4, .5, .1], [.9, 0, .1]], [2, 216, 225])
    1.0

    Taking 216 for 225 is right for X-rays and wrong for electrons that scatter many times:

    >>> given = [216], [[.2, .8]], [216, 225]
    >>> diffraction_class_accuracy(*given)
    1.0
    >>> diffraction_class_accuracy(*given, dynamical_views="symmetry-directions")
    0.0
    """
    if average not in AVERAGES:
        raise ValueError(f"average must be one of {', '.join(AVERAGES)}, got {average!r}")
    y_true, weights = rows(y_true, sample_weight)
    probabilities, classes = _columns(y_true, probabilities, classes)
    members, column_class = _diffraction_classes(classes, dynamical_views, kind)
    summed = np.stack(
        [probabilities[:, column_class == c].sum(axis=1) for c in range(len(members))], axis=1
    )
    best = summed.argmax(axis=1)
    true_members, true_class = _diffraction_classes(y_true, dynamical_views, kind)
    number = {member: c for c, member in enumerate(true_members)}
    right = np.array([number.get(member, -1) for member in members])[best] == true_class
    right &= ~np.isnan(probabilities).any(axis=1)
    return mean_by(true_class, right, weights) if average == "macro" else _mean(right, weights)


def calibration_error(
    y_true: Any, probabilities: Any, classes: Any, n_bins: int = 15, sample_weight: Any = None
) -> float:
    """Estimate the expected calibration error of the top-1 probability.

    Parameters
    ----------
    y_true : array-like of int, shape (n,)
    probabilities : array-like of shape (n, n_classes)
        Rows with NaN are left out; NaN is the result if all hold it.
    classes : array-like of int, shape (n_classes,)
    n_bins : int, default=15
        Bins of equal width.
    sample_weight : array-like of shape (n,), optional

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, ICML 2017.

    Examples
    --------
    >>> from crystalsym.metrics import calibration_error
    >>> round(calibration_error([225, 216], [[.3, .7], [.3, .7]], [216, 225]), 6)
    0.2
    """
    y_true, weights = rows(y_true, sample_weight)
    probabilities, classes = _columns(y_true, probabilities, classes)
    kept = ~np.isnan(probabilities).any(axis=1) & (weights > 0)
    if not kept.any():
        return float("nan")
    probabilities, weights = probabilities[kept], weights[kept]
    confidence = probabilities.max(axis=1)
    right = classes[probabilities.argmax(axis=1)] == y_true[kept]
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    gaps = np.bincount(bins, weights * (right - confidence), minlength=n_bins)
    return float(np.abs(gaps).sum() / weights.sum())


def summary(
    y_true: Any,
    probabilities: Any,
    classes: Any,
    sample_weight: Any = None,
    dynamical_views: str | None = None,
) -> dict[str, Any]:
    """Compute all figures of one model on one set of rows, as plain numbers.

    Parameters
    ----------
    y_true : array-like of int, shape (n,)
    probabilities : array-like of shape (n, n_classes)
        Rows with NaN, crystals without an answer, count as wrong.
    classes : array-like of int, shape (n_classes,)
    sample_weight : array-like of shape (n,), optional
    dynamical_views : {"symmetry-directions", "zone-axes"}, optional
        As in :func:`diffraction_class_accuracy`.

    Returns
    -------
    dict
        ``crystals`` and ``groups`` in y_true; ``top1``, ``top2``, ``top5``, ``macro``,
        ``diffraction_class``, ``diffraction_class_macro``, ``calibration_error``; and
        ``by_crystal_system``, a dict. With ``dynamical_views`` the two of diffraction classes are
        named ``dynamical_class`` and ``dynamical_class_macro``.

    Examples
    --------
    >>> from crystalsym.metrics import summary
    >>> figures = summary([225, 2], [[.1, .9], [.6, .4]], [2, 225])
    >>> figures["top1"], figures["by_crystal_system"]
    (1.0, {'triclinic': 1.0, 'cubic': 1.0})
    """
    y_true, weights = rows(y_true, sample_weight)
    place = ranks(y_true, probabilities, classes)
    given = (y_true, probabilities, classes)
    key = KINEMATIC if dynamical_views is None else DYNAMICAL
    of_class = partial(
        diffraction_class_accuracy, *given, sample_weight=weights, dynamical_views=dynamical_views
    )
    return {
        "crystals": len(y_true),
        "groups": len(np.unique(y_true)),
        "top1": _mean(place < 1, weights),
        "top2": _mean(place < 2, weights),
        "top5": _mean(place < 5, weights),
        "macro": mean_by(y_true, place < 1, weights),
        key: of_class(),
        f"{key}_macro": of_class(average="macro"),
        "calibration_error": calibration_error(*given, sample_weight=weights),
        "by_crystal_system": by_system(y_true, place < 1, weights),
    }


def rows(y_true: Any, sample_weight: Any) -> tuple[np.ndarray, np.ndarray]:
    """Check true groups and weights."""
    y_true = np.asarray(y_true)
    if y_true.ndim != 1:
        raise ValueError(f"y_true must have shape (n,), got {y_true.shape}")
    if len(y_true) == 0:
        raise ValueError("there are no rows to score: y_true is empty")
    if sample_weight is None:
        return y_true, np.ones(len(y_true))
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != y_true.shape:
        raise ValueError(f"sample_weight must have shape ({len(y_true)},), got {weights.shape}")
    if not (np.isfinite(weights).all() and weights.min() >= 0 and weights.max() > 0):
        raise ValueError("sample_weight must be finite, not negative and not all zero")
    return y_true, weights


def _as_long_as(y_true: np.ndarray, y_pred: Any) -> np.ndarray:
    y_pred = np.asarray(y_pred)
    if y_pred.shape != y_true.shape:
        raise ValueError(f"y_pred of shape {y_pred.shape} for {len(y_true)} rows")
    return y_pred


def _columns(y_true: np.ndarray, probabilities: Any, classes: Any) -> tuple[np.ndarray, np.ndarray]:
    probabilities, classes = np.asarray(probabilities), np.asarray(classes)
    if probabilities.shape != (len(y_true), len(classes)):
        raise ValueError(
            f"probabilities of shape {probabilities.shape} for {len(y_true)} rows"
            f" and {len(classes)} classes"
        )
    return probabilities, classes


def class_figure(found: Collection[str]) -> str:
    """Tell by the names of figures whose diffraction classes they count."""
    return DYNAMICAL if DYNAMICAL in found else KINEMATIC


def ranks(y_true: np.ndarray, probabilities: Any, classes: Any) -> np.ndarray:
    """Count the columns that come before the true one; UNRANKED where it has none."""
    probabilities, classes = _columns(y_true, probabilities, classes)
    order = np.argsort(-probabilities, axis=1, kind="stable")
    hits = classes[order] == y_true[:, None]
    found = hits.any(axis=1) & ~np.isnan(probabilities).any(axis=1)
    return np.where(found, hits.argmax(axis=1), UNRANKED)


def _diffraction_classes(
    groups: np.ndarray, dynamical_views: str | None, kind: str
) -> tuple[list[tuple[int, ...]], np.ndarray]:
    """The distinct diffraction classes of groups, and the number of that of each group."""
    distinct, codes = np.unique(groups, return_inverse=True)
    members = [indistinguishable(group, dynamical_views, kind) for group in distinct.tolist()]
    names = sorted(set(members))
    return names, np.array([names.index(member) for member in members])[codes]


def _mean(right: np.ndarray, weights: np.ndarray) -> float:
    return float(np.average(right, weights=weights))


def mean_by(keys: np.ndarray, right: np.ndarray, weights: np.ndarray) -> float:
    """Average over the keys the weighted part that is right."""
    _, codes = np.unique(keys, return_inverse=True)
    total = np.bincount(codes, weights)
    found = np.bincount(codes, weights * right)
    return float(np.mean(found[total > 0] / total[total > 0]))


def by_system(y_true: np.ndarray, right: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """Return the weighted part that is right within each crystal system present."""
    groups, codes = np.unique(y_true, return_inverse=True)
    systems = np.array([spacegroups.crystal_system(group) for group in groups.tolist()])[codes]
    inside = {system: (systems == system) & (weights > 0) for system in SYSTEMS}
    return {
        system: _mean(right[chosen], weights[chosen])
        for system, chosen in inside.items()
        if chosen.any()
    }
