"""Many crystals in few arrays: a compact table that reads like a list."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike

from crystalsym._progress import track
from crystalsym.crystals import Crystal, as_crystal, standardize
from crystalsym.datasets._table_checks import check_table

COLUMNS = ("lattice", "site_offsets", "frac_coords", "atomic_numbers")
CHUNK = 500
FAR = 8  # cells: in single precision 5e-7 of a cell


class CrystalTable(Sequence):
    """Hold fully occupied crystals, stored as concatenated arrays.

    Crystals are made when they are asked for, so 100,000 of them take 60 MB.

    Parameters
    ----------
    lattice : array-like of shape (n, 3, 3)
        Lattice vectors as rows, Å.
    site_offsets : array-like of int, shape (n + 1,)
        Crystal i owns sites ``site_offsets[i]`` to ``site_offsets[i + 1]``.
    frac_coords : array-like of shape (n_sites, 3)
    atomic_numbers : array-like of int, shape (n_sites,)
    names : array-like of str, shape (n,), optional
    space_group : array-like of int, shape (n,), optional
        Labels.
    standard : bool, default=False
        Whether the cells are standard ones already.

    Raises
    ------
    ValueError
        Naming the row, if the arrays disagree, offsets do not rise, a number is not finite, a
        cell has no volume or an atomic number is not one of 1 to 98.

    Examples
    --------
    >>> from crystalsym.datasets import CrystalTable, example_crystals
    >>> table = CrystalTable.from_crystals(list(example_crystals().values())[:3])
    >>> len(table), len(table[[0, 2]])
    (3, 2)
    """

    def __init__(
        self,
        lattice: ArrayLike,
        site_offsets: ArrayLike,
        frac_coords: ArrayLike,
        atomic_numbers: ArrayLike,
        names: ArrayLike | None = None,
        space_group: ArrayLike | None = None,
        standard: bool = False,
    ) -> None:
        self.lattice = np.asarray(lattice)
        self.site_offsets = np.asarray(site_offsets)
        self.frac_coords = np.asarray(frac_coords)
        self.atomic_numbers = np.asarray(atomic_numbers)
        self.names = None if names is None else np.asarray(names)
        self.space_group: Any = None if space_group is None else np.asarray(space_group)
        self.standard = bool(standard)
        check_table(self)

    def __repr__(self) -> str:
        kind = "standard cells" if self.standard else "crystals"
        return f"CrystalTable({len(self)} {kind}, {len(self.atomic_numbers)} sites)"

    def __len__(self) -> int:
        return len(self.lattice)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, (int, np.integer)):
            if not -len(self) <= index < len(self):
                raise IndexError(f"crystal {index} of {len(self)}")
            index = int(index) % len(self)
            sites = slice(self.site_offsets[index], self.site_offsets[index + 1])
            return Crystal(
                self.lattice[index],
                self.frac_coords[sites],
                self.atomic_numbers[sites],
                name=None if self.names is None else str(self.names[index]),
                standard=self.standard,
            )
        return self.take(np.arange(len(self))[index])

    def take(self, index: Any) -> CrystalTable:
        """Make a table of some rows.

        Parameters
        ----------
        index : array-like of int or bool
        """
        index = np.asarray(index)
        counts = np.diff(self.site_offsets)[index]
        offsets = np.concatenate([[0], np.cumsum(counts)])
        sites = np.repeat(self.site_offsets[index] - offsets[:-1], counts) + np.arange(offsets[-1])
        return CrystalTable(
            self.lattice[index],
            offsets,
            self.frac_coords[sites],
            self.atomic_numbers[sites],
            None if self.names is None else self.names[index],
            None if self.space_group is None else self.space_group[index],
            self.standard,
        )

    @classmethod
    def from_crystals(
        cls, crystals: Iterable[Any], space_group: Any = None, standard: bool = False
    ) -> CrystalTable:
        """Gather crystals into a table.

        Parameters
        ----------
        crystals : iterable
            Anything :func:`crystalsym.crystals.as_crystal` reads.
        space_group : array-like of int, optional
            The labels.
        standard : bool, default=False
            Whether they are standard cells already.

        Raises
        ------
        ValueError
            If a site is partly occupied: the table has no column for that.
        """
        lattice, counts, coords, numbers, names = [], [0], [], [], []
        for item in crystals:
            crystal = as_crystal(item)
            if not np.all(crystal.occupancies == 1):
                raise ValueError(f"{crystal.name or crystal.formula}: has partly occupied sites")
            lattice.append(crystal.lattice)
            counts.append(len(crystal))
            coords.append(_single(crystal.frac_coords))
            numbers.append(crystal.atomic_numbers.astype(np.uint8))
            names.append(crystal.name or crystal.formula)
        return cls(
            np.array(lattice).reshape(-1, 3, 3),
            np.cumsum(counts),
            np.concatenate(coords) if coords else np.empty((0, 3), np.float32),
            np.concatenate(numbers) if numbers else np.empty(0, np.uint8),
            np.array(names, dtype=str),
            space_group,
            standard,
        )

    @classmethod
    def concatenate(cls, tables: Sequence[CrystalTable]) -> CrystalTable:
        """Join the crystals of several tables in one, without their names.

        Parameters
        ----------
        tables : sequence of CrystalTable
        """
        groups = [table.space_group for table in tables]
        counts = np.concatenate([np.diff(table.site_offsets) for table in tables])
        return cls(
            np.concatenate([table.lattice for table in tables]),
            np.concatenate([[0], np.cumsum(counts)]),
            np.concatenate([table.frac_coords for table in tables]),
            np.concatenate([table.atomic_numbers for table in tables]),
            space_group=None if any(g is None for g in groups) else np.concatenate(groups),
            standard=all(table.standard for table in tables),
        )

    @classmethod
    def load(cls, path: str | os.PathLike) -> CrystalTable:
        """Read an ``.npz`` file with the columns of this class.

        Parameters
        ----------
        path : path-like

        Raises
        ------
        FileNotFoundError, ValueError
            If there is no such file, it lacks a column, or its content is no table of crystals.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such file")
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = {key: archive[key] for key in archive.files}
        except Exception as error:
            # What NumPy says of files that are none, on pickle, would mislead.
            reason = "" if "pickle" in str(error) else f" ({error})"
            raise ValueError(f"{path}: not a readable npz file{reason}") from error
        missing = [column for column in COLUMNS if column not in arrays]
        if missing:
            raise ValueError(f"{path}: no table of crystals, {missing[0]!r} is missing")
        lattice, offsets, coords, numbers = (arrays[column] for column in COLUMNS)
        names = arrays.get("material_id", arrays.get("names"))
        standard = bool(arrays.get("standard", False))
        groups = arrays.get("space_group")
        try:
            return cls(lattice, offsets, coords, numbers, names, groups, standard)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def save(self, path: str | os.PathLike) -> None:
        """Write an ``.npz`` file that :meth:`load` reads.

        Parameters
        ----------
        path : path-like
            Replaced if it is there.
        """
        arrays = {column: getattr(self, column) for column in COLUMNS}
        if self.names is not None:
            arrays["names"] = self.names
        if self.space_group is not None:
            arrays["space_group"] = self.space_group
        path = Path(path)
        # A cut leaves no half-written table under the name.
        partial = path.with_name(path.name + ".partial.npz")
        np.savez(partial, standard=np.array(self.standard), **arrays)
        os.replace(partial, path)

    def standardized(
        self,
        symprec: float = 0.1,
        n_jobs: int | None = None,
        verbose: int = 0,
        idealize: bool = True,
        finder: str = "mixed",
    ) -> CrystalTable:
        """Bring every crystal to its standard conventional cell.

        Parameters
        ----------
        symprec : float, default=0.1
            Distance tolerance of the symmetry finder in Å.
        n_jobs : int, optional
            Jobs, as in joblib. Processes serve, threads do not: the symmetry finders hold
            Python's lock.
        verbose : int, default=0
            1 reports progress on standard error.
        idealize : bool, default=True
        finder : {"mixed", "spglib", "moyo"}, default="mixed"
            As in :func:`crystalsym.crystals.standardize`.

        Returns
        -------
        CrystalTable
            This one, if it is standard already.

        Raises
        ------
        SymmetryError
            Naming the crystal that has no symmetry within ``symprec``.
        """
        if self.standard:
            return self
        parts: list[CrystalTable] = []
        with track(len(self), "standardizing", verbose, unit="crystals") as advance:
            for part in Parallel(n_jobs=n_jobs, return_as="generator")(
                delayed(_standardize_part)(self[start : start + CHUNK], symprec, idealize, finder)
                for start in range(0, len(self), CHUNK)
            ):
                parts.append(part)
                advance(len(part))
        return _joined(parts, self)


def _single(coords: np.ndarray) -> np.ndarray:
    """Bring coordinates to single precision, which those of far cells would not survive.

    Crystals far off are moved as a whole, and atoms that strayed from theirs one by one.
    """
    middle = coords.mean(axis=0)
    coords = coords - np.where(np.abs(middle) > FAR, np.floor(middle), 0)
    return np.where(np.abs(coords) > FAR, coords % 1, coords).astype(np.float32)


def _standardize_part(
    table: CrystalTable, symprec: float, idealize: bool, finder: str
) -> CrystalTable:
    crystals = [standardize(crystal, symprec, idealize, finder) for crystal in table]
    return CrystalTable(
        np.array([crystal.lattice for crystal in crystals]),
        np.cumsum([0, *map(len, crystals)]),
        np.concatenate([crystal.frac_coords for crystal in crystals]).astype(np.float32),
        np.concatenate([crystal.atomic_numbers for crystal in crystals]).astype(np.uint8),
        standard=True,
    )


def _joined(parts: Iterator[CrystalTable] | list[CrystalTable], like: CrystalTable) -> CrystalTable:
    parts = list(parts) or [like]
    counts = np.concatenate([np.diff(part.site_offsets) for part in parts])
    return CrystalTable(
        np.concatenate([part.lattice for part in parts]),
        np.concatenate([[0], np.cumsum(counts)]),
        np.concatenate([part.frac_coords for part in parts]),
        np.concatenate([part.atomic_numbers for part in parts]),
        like.names,
        like.space_group,
        standard=True,
    )
