"""What a training learns from: patterns of real crystals, and of more where there are few."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from crystalsym.datasets._random_crystals import random_crystals
from crystalsym.datasets._table import CrystalTable
from crystalsym.learning._augmentation import Augmentation
from crystalsym.learning._pattern_rows import PatternRows
from crystalsym.measurement import CameraDegradation

# Settings of the table [augment] that concern rows; the others are those of Augmentation.
ROW_DEFAULTS = {"least": 0, "random": 0}
# Number of crystals that do not serve for validation.
NEVER = -1


def learning_rows(
    pipeline: Any,
    crystals: CrystalTable,
    labels: np.ndarray,
    augment: dict[str, Any],
    folder: Path,
    seed: int = 0,
    n_jobs: int | None = None,
    kin: np.ndarray | None = None,
    degrade: dict[str, Any] | None = None,
) -> tuple[Any, np.ndarray]:
    """Make lazy patterns of crystals for a training, and their labels.

    Parameters
    ----------
    pipeline : Pipeline
        Its first two steps make the patterns.
    crystals : CrystalTable
        Standardized.
    labels : ndarray of int, shape (n,)
    augment : dict
        Parameters of :class:`~crystalsym.learning.Augmentation`, and ``least``: groups with
        fewer crystals are repeated until they have so many rows (changed anew each time), and
        ``random``: so many random crystals of each group are added
        (:func:`~crystalsym.datasets.random_crystals`). Neither kind serves for validation.
        Needs a simulator with ``output="spots"``.
    folder : Path
        Where patterns are kept that were shaped from images, or take more than a gigabyte.
    seed : int, default=0
    n_jobs : int, optional
    kin : ndarray of int, shape (n,), optional
        Crystals of the same number serve for validation together or not at all, as those of a
        test do; each for itself by default.
    degrade : dict, optional
        Parameters of :class:`crystalsym.measurement.CameraDegradation`, which then befalls the
        patterns in every epoch, and those that validate as well.

    Returns
    -------
    X : PatternRows
    y : ndarray of int

    Raises
    ------
    ValueError
        If crystals seen as images were to be changed, or a setting is unknown.

    Examples
    --------
    >>> from pathlib import Path
    >>> from crystalsym import recommended_pipeline
    >>> from crystalsym.datasets import CrystalTable, example_crystals
    >>> from crystalsym.learning import learning_rows
    >>> paths = [example_crystals()[name] for name in ("NaCl", "Cu", "CsCl")]
    >>> table = CrystalTable.from_crystals(paths, standard=False).standardized()
    >>> X, y = learning_rows(
    ...     recommended_pipeline(), table, np.array([225, 225, 221]), {"least": 2}, Path("unused"))
    >>> X.shape, y.tolist()
    ((4, 3, 13, 13, 2), [225, 225, 221, 221])
    """
    known = {*ROW_DEFAULTS, *(field.name for field in fields(Augmentation))}
    if stray := set(augment) - known:
        raise ValueError(f"[augment] has no {min(stray)!r}; it has {', '.join(sorted(known))}")
    how = {key: augment.get(key, value) for key, value in ROW_DEFAULTS.items()}
    changes = {key: value for key, value in augment.items() if key not in ROW_DEFAULTS}
    if pipeline[0].output != "spots":
        for name, given in (("augment", augment), ("degrade", degrade)):
            if given:
                raise ValueError(f'[{name}] needs the simulator\'s output = "spots"')
        rows_of_images = PatternRows(pipeline[:-1], crystals, None, seed, n_jobs, kin, store=folder)
        return rows_of_images, labels
    counts = np.bincount(labels, minlength=231)
    copies = np.maximum(-(-int(how["least"]) // np.maximum(counts, 1)), 1)[labels]
    rows = np.repeat(np.arange(len(labels)), copies)
    y = labels[rows]
    numbers = np.arange(len(labels)) if kin is None else kin
    numbers = np.where(copies > 1, NEVER, numbers)[rows]
    table = crystals.take(rows)
    if how["random"]:
        more = np.repeat(np.unique(labels), int(how["random"]))
        table = CrystalTable.concatenate([table, random_crystals(more, seed, n_jobs=n_jobs)])
        y = np.concatenate([y, more])
        numbers = np.concatenate([numbers, np.full(len(more), NEVER)])
    augmentation = Augmentation(**changes) if augment else None
    how_made = (pipeline[:-1], table, augmentation, seed, n_jobs, numbers)
    degradation = CameraDegradation(**degrade).fit() if degrade else None
    patterns = PatternRows(*how_made, store="memory", degradation=degradation)
    if not patterns.keeps_rows:  # too many for memory; making them anew would cost every epoch
        patterns = PatternRows(*how_made, store=folder, degradation=degradation)
    return patterns, y
