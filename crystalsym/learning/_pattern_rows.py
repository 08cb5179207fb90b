"""The rows a network learns from and is asked about: what its own transformers make of crystals."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import clone

from crystalsym import _provenance
from crystalsym.crystals import as_crystal
from crystalsym.datasets import CrystalTable
from crystalsym.diffraction import DiffractionSimulator, SpotPatterns
from crystalsym.learning._augmentation import Augmentation, Changes
from crystalsym.learning._lazy_rows import LazyRows
from crystalsym.learning._row_stores import DiskStore, MemoryStore

# Rows made together: lists of spots are small; of images the allocator is to reuse the memory.
CHUNK_OF_SPOTS, CHUNK_OF_IMAGES = 128, 16


class PatternRows(LazyRows):
    """Make what some transformers make of some structures, row by row as it is asked for.

    Stands in for the array ``transformers(structures)`` wherever rows are taken by index, as
    :meth:`crystalsym.SpaceGroupClassifier.fit` and ``predict_proba`` do, and changes the crystals
    anew for each epoch of a training if it is told to.

    Parameters
    ----------
    transformers : sequence of fitted transformers, or Pipeline
        For instance ``pipeline[:-1]`` or ``[DiffractionSimulator(), PatternShaper()]``.
    structures : sequence of structures
        Or of what else the first of the transformers takes, say images of
        :func:`crystalsym.datasets.load_published`.
    augmentation : Augmentation, optional
        Changes drawn for each epoch; ``set_epoch(None)`` shows the crystals as they are. Needs a
        standardized :class:`crystalsym.datasets.CrystalTable` and a simulator with
        ``output="spots"``.
    random_state : int, default=0
        With the epoch's number fixes the changes.
    n_jobs : int, optional
        Threads.
    validation_groups : array-like of int, optional
        Crystals of the same number are held out for validation together, those of a negative
        number never; each for itself by default.
    store : "memory", path-like or None, default=None
        Where rows that are not changed are kept once they were made: in memory, if they take no
        more than a gigabyte, or in a folder, where rows of other crystals or of other parameters
        are discarded.
    degradation : CameraDegradation or Degradation, optional
        What befalls the spots between the first of the transformers and the others, drawn anew for
        each epoch; ``set_epoch(None)`` shows one draw that belongs to no epoch. Needs a simulator
        with ``output="spots"``.

    Attributes
    ----------
    made_by : tuple of dict
        The steps that make the rows, each with its parameters.

    Raises
    ------
    ValueError
        If there are no structures, or these or the transformers do not suit the augmentation.

    Examples
    --------
    >>> from crystalsym import DiffractionSimulator, PatternShaper
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.learning import PatternRows
    >>> paths = list(example_crystals().values())
    >>> X = PatternRows([DiffractionSimulator(output="spots"), PatternShaper()], paths)
    >>> X.shape == (len(paths), 3, 13, 13, 2), X[[0, 5]].shape
    (True, (2, 3, 13, 13, 2))
    """

    def __init__(
        self,
        transformers: Any,
        structures: Sequence[Any],
        augmentation: Augmentation | None = None,
        random_state: int = 0,
        n_jobs: int | None = None,
        validation_groups: Any = None,
        *,
        store: str | os.PathLike | None = None,
        degradation: Any = None,
    ):
        steps = getattr(transformers, "steps", None)
        self.transformers = [step for _, step in steps] if steps else list(transformers)
        self.structures = structures
        self.degradation = degradation
        made_of = [*self.transformers[:1], degradation, *self.transformers[1:]]
        self.made_by = tuple(_provenance.step(one) for one in made_of if one is not None)
        self.augmentation = augmentation
        self.random_state = random_state
        self.validation_groups = validation_groups
        if len(structures) == 0:
            raise ValueError("no structures to make patterns of")
        if augmentation is not None:
            self._check_changeable()
            self._along_axes = clone(self.transformers[0]).set_params(views="zone-axes")
        of_spots = getattr(self.transformers[0], "output", None) == "spots"
        if degradation is not None and not of_spots:
            raise ValueError('a degradation needs a simulator with output="spots"')
        chunk = CHUNK_OF_SPOTS if of_spots else CHUNK_OF_IMAGES
        super().__init__(len(structures), chunk, n_jobs)
        self._changes: Changes | None = None
        self._epoch: int | None = None
        self._measure()
        self._store: MemoryStore | DiskStore | None = None
        if store == "memory":
            if MemoryStore.fits(self.shape, self.dtype):
                self._store = MemoryStore(self.shape, self.dtype)
        elif store is not None:
            self._store = DiskStore(store, self.shape, self.dtype, self.digest())

    def _check_changeable(self) -> None:
        if not (isinstance(self.structures, CrystalTable) and self.structures.standard):
            raise ValueError(
                "an augmentation needs a table of standard cells: give table.standardized()"
            )
        if getattr(self.transformers[0], "output", None) != "spots":
            raise ValueError('an augmentation needs a simulator with output="spots"')

    @property
    def keeps_rows(self) -> bool:
        """Whether rows that are not changed are made only once."""
        return self._store is not None

    @property
    def n_stored(self) -> int:
        """Rows kept so far."""
        return 0 if self._store is None else self._store.n_stored

    def flush(self) -> None:
        """Write kept rows out."""
        if self._store is not None:
            self._store.flush()

    def digest(self) -> str:
        """Hash the crystals, how rows are made of them, and how they are changed."""
        found = hashlib.sha256(repr(self.made_by).encode())
        found.update(repr((self.augmentation, self.random_state)).encode())
        table = self.structures
        if isinstance(table, CrystalTable):
            columns = (table.lattice, table.site_offsets, table.frac_coords, table.atomic_numbers)
            for column in columns:
                found.update(np.ascontiguousarray(column).tobytes())
            found.update(str(table.standard).encode())
        elif callable(own := getattr(table, "digest", None)):
            found.update(own().encode())
        else:
            for row in range(len(self)):
                found.update(_digest(table[row]).encode())
        return found.hexdigest()

    def set_epoch(self, epoch: int | None) -> None:
        """Draw an epoch's changes; None shows the crystals as they are.

        Parameters
        ----------
        epoch : int or None
        """
        self._epoch = epoch
        self._changes = None
        if epoch is not None and self.augmentation is not None:
            assert isinstance(self.structures, CrystalTable)
            self._changes = Changes.drawn(
                self.augmentation, self.structures, [self.random_state, epoch]
            )

    def _get(self, rows: np.ndarray) -> np.ndarray:
        changes = self._changes
        changed = np.zeros(len(rows), bool) if changes is None else changes.changed[rows]
        if self.degradation is not None and self._epoch is not None:
            changed = np.ones(len(rows), bool)
        if self._store is None:
            out = self._made(rows)
        else:
            out = self._from_store(rows, changed)
        if changes is not None:
            out = changes.mirror(out, rows)
        return out

    def _from_store(self, rows: np.ndarray, changed: np.ndarray) -> np.ndarray:
        assert self._store is not None
        wanted = np.unique(rows[~changed & ~self._store.has(rows)])
        if len(wanted):
            made = self._made(wanted)
            if made.dtype != self.dtype:
                bad = wanted[np.isnan(made.reshape(len(made), -1)).any(axis=1)].tolist()
                raise ValueError(f"rows {bad} of the patterns are NaN, which bytes cannot hold")
            self._store.put(wanted, made)
        out = np.empty((len(rows), *self.shape[1:]), self.dtype)
        out[~changed] = self._store.get(rows[~changed])
        if changed.any():
            out[changed] = self._made(rows[changed])
        return out

    def _make(self, rows: np.ndarray) -> np.ndarray:
        first, *others = self.transformers
        part: Any
        made: Any
        if isinstance(self.structures, CrystalTable):
            part = self.structures.take(rows)
        else:
            part = [self.structures[int(row)] for row in rows]
        changes = self._changes
        if changes is None and isinstance(first, DiffractionSimulator):
            made = first._transform(part, rows)  # messages name them by their numbers here
        elif changes is None:
            made = first.transform(part)
        else:
            made = self._changed_spots(changes.crystals(part, rows), rows, changes)
        if self.degradation is not None:
            draw = 0 if self._epoch is None else self._epoch + 1
            made = self.degradation.degrade(made, (self.random_state, draw), rows)
        for transformer in others:
            made = transformer.transform(made)
        return made

    def _changed_spots(
        self, part: CrystalTable, rows: np.ndarray, changes: Changes
    ) -> SpotPatterns:
        plain = changes.along_axes[rows]
        groups = []
        for flag in (False, True):
            chosen = np.flatnonzero(plain == flag)
            if len(chosen):
                one = self._along_axes if flag else self.transformers[0]
                groups.append((chosen, one.transform(part.take(chosen))))
        spots = SpotPatterns.concatenate([made for _, made in groups])
        order = np.argsort(np.concatenate([chosen for chosen, _ in groups]), kind="stable")
        return changes.dim(spots[order], rows)


def _digest(structure: Any) -> str:
    if isinstance(structure, np.ndarray):  # images
        return hashlib.sha256(np.ascontiguousarray(structure).tobytes()).hexdigest()
    try:
        return as_crystal(structure).digest()
    except (ValueError, TypeError, OSError) as error:  # its row will be missing
        return f"unreadable: {error}"
