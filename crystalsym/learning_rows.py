"""What a training learns from: patterns of real crystals, and of more where there are few."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from crystalsym.augmentation import Augmentation
from crystalsym.datasets.random_crystals import random_crystals
from crystalsym.datasets.table import CrystalTable
from crystalsym.lattice_patterns import LatticePatterns
from crystalsym.stores import PatternStore
from crystalsym.streams import RenderedPatterns

# Settings of the table [augment] that concern rows; the others are those of Augmentation.
ROW_DEFAULTS = {"least": 0, "random": 0}


def learning_rows(
    pipeline: Any,
    crystals: CrystalTable,
    labels: np.ndarray,
    augment: dict[str, Any],
    folder: Path,
    seed: int = 0,
    n_jobs: int | None = None,
) -> tuple[Any, np.ndarray]:
    """Lazy patterns and their labels.

    Parameters
    ----------
    pipeline : Pipeline
        Its first two steps make the patterns.
    crystals : CrystalTable
        Standardised.
    labels : ndarray of int, shape (n,)
    augment : dict
        Parameters of :class:`~crystalsym.augmentation.Augmentation`, and ``least``: groups with
        fewer crystals are repeated until they have so many rows (changed anew each time), and
        ``random``: so many random crystals of each group are added
        (:func:`~crystalsym.datasets.random_crystals`). Neither kind serves for validation.
        Needs the scheme "lattice".
    folder : Path
        Where rendered images are kept (other schemes).
    seed : int, default=0
    n_jobs : int, optional

    Returns
    -------
    X : LatticePatterns, PatternStore or RenderedPatterns
    y : ndarray of int

    Raises
    ------
    ValueError
        If crystals of another scheme were to be changed, or a setting is unknown.
    """
    known = {*ROW_DEFAULTS, *(field.name for field in fields(Augmentation))}
    if stray := set(augment) - known:
        raise ValueError(f"[augment] has no {min(stray)!r}; it has {', '.join(sorted(known))}")
    how = {key: augment.get(key, value) for key, value in ROW_DEFAULTS.items()}
    changes = {key: value for key, value in augment.items() if key not in ROW_DEFAULTS}
    if pipeline[1].scheme != "lattice":
        if augment:
            raise ValueError('[augment] needs the shaper\'s scheme = "lattice"')
        rendered = RenderedPatterns(pipeline[:-1], crystals)
        if rendered.dtype == np.uint8:
            return PatternStore(rendered, folder), labels
        return rendered, labels
    counts = np.bincount(labels, minlength=231)
    copies = np.maximum(-(-int(how["least"]) // np.maximum(counts, 1)), 1)[labels]
    rows = np.repeat(np.arange(len(labels)), copies)
    y, may_validate = labels[rows], copies[rows] == 1
    table = crystals.take(rows)
    if how["random"]:
        groups = np.repeat(np.unique(labels), int(how["random"]))
        table = CrystalTable.concatenate([table, random_crystals(groups, seed, n_jobs=n_jobs)])
        y = np.concatenate([y, groups])
        may_validate = np.concatenate([may_validate, np.zeros(len(groups), dtype=bool)])
    augmentation = Augmentation(**changes) if augment else None
    patterns = LatticePatterns(
        pipeline[:-1], table, augmentation, seed, n_jobs, may_validate=may_validate
    )
    return patterns, y
