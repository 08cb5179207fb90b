"""The split of cards that name no ``split_rule``: their held-out figures are of these crystals.

Kept by hand and unchanged: another rule would evaluate a shipped model on crystals that it has
learned from. New trainings use :func:`near_duplicate_groups` and :func:`holdout_split`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from crystalsym.learning._grouping import cell_angles, cell_content, cell_edges


def former_near_duplicates(crystals: Any, labels: Any = None) -> np.ndarray:
    """Number crystals so that those whose rounded cells are equal share a number."""
    keys: dict[tuple, int] = {}
    numbers = np.empty(len(crystals), dtype=np.int64)
    for index in range(len(crystals)):
        crystal = crystals[index]
        key = (
            None if labels is None else int(labels[index]),
            cell_content(crystal),
            tuple(cell_edges(crystal).round(2).tolist()),
            tuple(cell_angles(crystal).round(1).tolist()),
        )
        numbers[index] = keys.setdefault(key, len(keys))
    return numbers


def former_holdout(
    groups: Any, test_fraction: float = 0.2, random_state: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Split as the shipped models were: the first part of the permuted groups is held out."""
    groups = np.asarray(groups)
    names = np.unique(groups)
    shuffled = np.random.default_rng(random_state).permutation(names)
    held_out = np.isin(groups, shuffled[: round(test_fraction * len(names))])
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
