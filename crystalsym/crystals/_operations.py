"""Sets of symmetry operations of a cell: parsed, completed to a group, compared."""

from __future__ import annotations

from collections.abc import Iterable

import gemmi
import numpy as np

GRID = gemmi.Op.DEN  # translations are counted in 24ths of an edge
MOST = 4096  # more operations than any cell of a real structure has
METRIC_MISFIT = 0.02  # relative
# An operation as one number: nine digits of the rotation, three of the translation.
_ROTATION_PLACES = 17 ** np.arange(9)
_SHIFT_PLACES = GRID ** np.arange(3)


class Operations:
    """Symmetry operations without repeats, translations within the cell.

    Parameters
    ----------
    rotations : array-like of int, shape (n, 3, 3)
    translations : array-like of int, shape (n, 3)
        In 24ths of an edge.
    """

    def __init__(self, rotations, translations) -> None:
        rotations = np.reshape(rotations, (-1, 9)).astype(np.int64)
        translations = np.mod(np.reshape(translations, (-1, 3)), GRID).astype(np.int64)
        keys = (rotations + 8) @ _ROTATION_PLACES * GRID**3 + translations @ _SHIFT_PLACES
        keys, first = np.unique(keys, return_index=True)
        first = np.sort(first)
        self.rotations = rotations[first].reshape(-1, 3, 3)
        self.translations = translations[first]
        self._keys = frozenset(keys.tolist())

    def __len__(self) -> int:
        return len(self.rotations)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Operations) and self._keys == other._keys

    def __lt__(self, other: Operations) -> bool:
        """Is every operation among the other's, which has more?"""
        return self._keys < other._keys

    def __hash__(self) -> int:
        return hash(self._keys)

    @classmethod
    def parsed(cls, ops: Iterable[gemmi.Op]) -> Operations:
        """From gemmi's operations."""
        pairs = [(np.array(op.rot) // GRID, op.tran) for op in ops]
        return cls([rotation for rotation, _ in pairs], [shift for _, shift in pairs])

    @classmethod
    def of_setting(cls, setting: gemmi.SpaceGroup) -> Operations:
        """Of a setting of the table."""
        return cls.parsed(setting.operations())

    def combined(self, other: Operations) -> Operations:
        """All products of an operation with one of the other's."""
        rotations = np.einsum("aij,bjk->abik", self.rotations, other.rotations)
        shifts = np.einsum("aij,bj->abi", self.rotations, other.translations)
        return Operations(rotations, shifts + self.translations[:, None])

    def closed(self) -> Operations | None:
        """The group that they generate; None if it has no end."""
        group = Operations([np.eye(3), *self.rotations], [np.zeros(3), *self.translations])
        while len(group) <= MOST:
            larger = group.combined(group)
            if len(larger) == len(group):
                return group
            group = larger
        return None

    def misfit(self, metric: np.ndarray) -> float:
        """By how much, relative to the edges, they change lengths and angles of a cell."""
        moved = np.einsum("nji,jk,nkl->nil", self.rotations, metric, self.rotations)
        edges = np.sqrt(np.diag(metric))
        return float(np.abs((moved - metric) / np.outer(edges, edges)).max())

    @property
    def number(self) -> int | None:
        """The space group they make up; None if they are no group."""
        import spglib

        shifts = self.translations / GRID
        try:
            kind = spglib.get_spacegroup_type_from_symmetry(self.rotations.astype("intc"), shifts)
        except spglib.SpglibError:
            return None
        return None if kind is None else int(kind.number)


def triclinic() -> Operations:
    """The identity alone."""
    return Operations([np.eye(3)], [np.zeros(3)])
