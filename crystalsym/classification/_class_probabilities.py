"""From probabilities of groups to the diffraction class they are most likely of."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from crystalsym.spacegroups._indistinguishable import indistinguishable

# Engines whose patterns do not obey Friedel's law, and views whose dynamical classes are known.
_DYNAMICAL, _VIEWS = ("bloch", "multislice"), ("symmetry-directions", "zone-axes")


def dynamical_views_of(model: Any) -> str | None:
    """The views of dynamical patterns that a model learned from; None if they are others.

    Parameters
    ----------
    model : SpaceGroupClassifier, SimilarityClassifier, or a Pipeline or search that holds one
        Fitted; ``metadata_["made_by"]`` of the classifier says how patterns were made, if it is
        known. Of any other classifier nothing is known.
    """
    for held in ("best_estimator_", "embedder_"):
        if hasattr(model, held):
            return dynamical_views_of(getattr(model, held))
    if hasattr(model, "steps"):
        return dynamical_views_of(model.steps[-1][1])
    steps = (getattr(model, "metadata_", None) or {}).get("made_by") or ()
    for step in steps:
        if isinstance(step, dict) and step.get("engine") in _DYNAMICAL:
            views = step.get("views")
            return views if isinstance(views, str) and views in _VIEWS else None
    return None


@cache
def _columns(
    groups: tuple[int, ...], views: str | None
) -> tuple[list[tuple[int, ...]], np.ndarray]:
    """The classes of some groups, and which groups each holds, (n_groups, m)."""
    members = [indistinguishable(group, views) for group in groups]
    classes = sorted(set(members))
    return classes, np.array([[own == one for one in classes] for own in members], dtype=float)


def leading_classes(
    probabilities: np.ndarray, groups: Sequence[int] | np.ndarray, views: str | None = None
) -> tuple[list[tuple[int, ...]], np.ndarray]:
    """The diffraction class with the largest summed probability in every row, and that sum.

    Parameters
    ----------
    probabilities : (n, n_groups) float
    groups : sequence of int
        Space group of each column.
    views : str, optional
        Classes are those of dynamical patterns of these views
        (:func:`crystalsym.spacegroups.dynamical_class`), else those of kinematic ones.

    Returns
    -------
    members : list of tuple of int
        All of the 230 groups that share the class; empty in rows of NaN.
    probabilities : ndarray (n,) float32

    Raises
    ------
    ValueError
        If a column is no space-group number.

    Examples
    --------
    >>> members, total = leading_classes(np.array([[0.3, 0.3, 0.4]]), [33, 62, 14])
    >>> members, total.round(2)
    ([(33, 62)], array([0.6], dtype=float32))
    """
    names = np.asarray(groups)
    if names.dtype.kind not in "iu":
        raise ValueError("diffraction classes need classes_ that are space-group numbers")
    classes, holds = _columns(tuple(names.tolist()), views)
    sums = np.asarray(probabilities, dtype=np.float64) @ holds
    absent = np.isnan(sums).any(axis=1)
    best = np.where(absent, 0, sums.argmax(axis=1))
    total = np.minimum(np.take_along_axis(sums, best[:, None], axis=1)[:, 0], 1.0)
    members = [() if gone else classes[k] for k, gone in zip(best, absent, strict=True)]
    return members, total.astype(np.float32)
