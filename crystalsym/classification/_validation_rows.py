"""Which rows a training learns from and which it is validated by."""

from __future__ import annotations

import numpy as np


def split_rows(
    codes: np.ndarray, fraction: float, seed: int, groups: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Split row numbers into learning and validation rows.

    Rows are shuffled, sorted by class and taken at even distances, so that each class gives in
    proportion, and classes with a single member are no obstacle. Rows of one number in ``groups``
    go the same way: then groups are taken like this, by the class of the first row and whatever
    their size, so that they are like those of a test. Learned from are those of a negative
    number, and a group larger than all validation rows together should be.
    """
    members = _Members(codes, groups)
    candidates = members.candidates(fraction)
    if fraction > 0 and len(candidates) == 0:
        candidates = members.smallest()
    n = len(candidates)
    n_validation = min(round(fraction * n), len(members.size) - 1)
    if fraction > 0 and n:
        n_validation = max(n_validation, 1)
    order = members.by_class(candidates, seed)
    places = ((np.arange(n_validation) + 0.5) * n / max(n_validation, 1)).astype(np.int64)
    return members.split(order[places])


def rotating_splits(
    codes: np.ndarray, n_parts: int, seed: int, groups: np.ndarray | None = None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Split row numbers into learning and validation rows in as many ways as there are parts.

    Each row is validated by in one of them; those that :func:`split_rows` would always learn from
    in none. The parts are of one size, and each class gives to them in proportion.

    Raises
    ------
    ValueError
        If there are fewer rows, or groups of rows, than parts.
    """
    members = _Members(codes, groups)
    order = members.by_class(members.candidates(1 / n_parts), seed)
    if len(order) < n_parts:
        what = "rows" if groups is None else "groups of rows that may be held out"
        raise ValueError(
            f"validation_rotation parts the rows in {n_parts}, as validation_fraction says, but "
            f"there are only {len(order)} {what}"
        )
    return [members.split(order[part::n_parts]) for part in range(n_parts)]


class _Members:
    """Rows as members of groups that are held out together or not at all."""

    def __init__(self, codes: np.ndarray, groups: np.ndarray | None):
        groups = np.arange(len(codes)) if groups is None else groups
        _, first, self.of, self.size = np.unique(
            groups, return_index=True, return_inverse=True, return_counts=True
        )
        self.label = codes[first]
        self.allowed = groups[first] >= 0

    def candidates(self, fraction: float) -> np.ndarray:
        """Groups that may be held out where this part of all rows is."""
        most = max(round(fraction * self.size[self.allowed].sum()), 1)
        small = (self.size <= most) & (self.size < len(self.of))
        return np.flatnonzero(self.allowed & small)

    def smallest(self) -> np.ndarray:
        """The smallest group, unless its class would be gone."""
        spare = 2 * self.size <= np.bincount(self.label, self.size)[self.label]
        small = np.flatnonzero(self.allowed & spare)
        return small[np.argsort(self.size[small], kind="stable")[:1]]

    def by_class(self, candidates: np.ndarray, seed: int) -> np.ndarray:
        """Groups shuffled, then sorted by class."""
        shuffled = np.random.default_rng([seed, 1]).random(len(candidates))
        return candidates[np.lexsort((shuffled, self.label[candidates]))]

    def split(self, held_out: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows of all other groups, and those of the groups held out."""
        chosen = np.zeros(len(self.size), dtype=bool)
        chosen[held_out] = True
        return np.flatnonzero(~chosen[self.of]), np.flatnonzero(chosen[self.of])
