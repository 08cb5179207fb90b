"""The crystals that all systems learn from, choose by and are scored on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crystalsym.learning import holdout_split
from crystalsym.training import TrainingData

PARTS = ("learning", "validation", "scoring")


@dataclass(frozen=True)
class Sample:
    """Hold rows of the table, and their groups.

    Attributes
    ----------
    rows, labels : ndarray of int
    """

    rows: np.ndarray
    labels: np.ndarray


def draw(
    data: TrainingData, settings: dict[str, Any], groups: Sequence[int] | None = None
) -> dict[str, Sample]:
    """Draw the three samples, the same for all systems.

    Learning and validation crystals are of the learning side; no near-duplicates of one another
    are on both. Scoring crystals are held-out ones, those of fewer groups a part of those of all.

    Parameters
    ----------
    data : TrainingData
    settings : dict
        ``learning_crystals``, ``validation_crystals`` and ``scoring_crystals``, how many at most,
        and ``validation_part``, the part of the learning side that the second are taken from.
    groups : sequence of int, optional
        Crystals of these alone.

    Returns
    -------
    dict of str to Sample
        By the names in ``PARTS``.
    """
    learned, chosen_by = holdout_split(data.kin[data.train], settings["validation_part"], 0)
    sides = {
        "learning": data.train[learned],
        "validation": data.train[chosen_by],
        "scoring": data.test,
    }
    samples = {}
    for number, (part, rows) in enumerate(sides.items()):
        rows = rows[np.random.default_rng([0, number]).permutation(len(rows))]
        wanted = settings[f"{part}_crystals"]
        if part == "scoring":
            rows = rows[:wanted]
        if groups is not None:
            rows = rows[np.isin(data.labels[rows], groups)]
        rows = rows[:wanted]
        samples[part] = Sample(rows, data.labels[rows])
    return samples
