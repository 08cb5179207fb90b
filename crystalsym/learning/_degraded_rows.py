"""Rows of patterns that fall short in another way in every epoch."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from crystalsym import _provenance
from crystalsym.diffraction import SpotPatterns
from crystalsym.learning._augmentation import from_behind
from crystalsym.learning._lazy_rows import LazyRows

CHUNK = 256


class DegradedRows(LazyRows):
    """Draw the measurement of patterns anew for every epoch, and shape what was measured.

    Parameters
    ----------
    variants : sequence of SpotPatterns
        The patterns of the same n crystals, seen in other ways that leave their groups alone
        (other settings, other elements); an epoch shows one of them.
    degradation : Degradation
        Drawn by ``random_state``, the epoch and the crystal's number.
    shaper : PatternShaper
    random_state : int, default=0
    n_jobs : int, optional
        Threads.
    validation_groups : array-like of int, optional
        As in :class:`~crystalsym.learning.PatternRows`.
    mirrored : bool, default=True
        Show each pattern of an epoch as it is or as seen from behind, at random.

    Examples
    --------
    >>> from crystalsym import DiffractionSimulator, PatternShaper
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.learning import DegradedRows
    >>> from crystalsym.measurement import Degradation
    >>> paths = list(example_crystals().values())[:4]
    >>> spots = DiffractionSimulator(output="spots").transform(paths)
    >>> X = DegradedRows([spots], Degradation(), PatternShaper("indices"))
    >>> X.set_epoch(3)
    >>> X[[0, 2]].shape
    (2, 3, 17, 17, 4)
    """

    def __init__(
        self,
        variants: Sequence[SpotPatterns],
        degradation: Any,
        shaper: Any,
        random_state: int = 0,
        n_jobs: int | None = None,
        validation_groups: Any = None,
        *,
        mirrored: bool = True,
    ):
        self.variants = list(variants)
        if not self.variants or len({len(spots) for spots in self.variants}) > 1:
            raise ValueError("variants must be one or more SpotPatterns of the same crystals")
        self.degradation = degradation
        self.shaper = shaper
        self.random_state = random_state
        self.validation_groups = validation_groups
        self.mirrored = mirrored
        steps = (degradation, shaper)
        self.made_by = (*self.variants[0].made_by, *(_provenance.step(one) for one in steps))
        super().__init__(len(self.variants[0]), CHUNK, n_jobs)
        self._epoch: int | None = None
        self._behind: np.ndarray | None = None
        self._measure()

    def set_epoch(self, epoch: int | None) -> None:
        """Draw an epoch's measurement; None is one that belongs to no epoch, of the first variant.

        Parameters
        ----------
        epoch : int or None
        """
        self._epoch = epoch
        self._behind = None
        if epoch is not None and self.mirrored:
            rng = np.random.default_rng([self.random_state, epoch, 1])
            self._behind = rng.random((len(self), self.shape[1])) < 0.5

    def digest(self) -> str:
        """Hash the patterns, and how rows are made of them."""
        found = hashlib.sha256(repr((self.made_by, self.random_state, self.mirrored)).encode())
        for spots in self.variants:
            for column in (spots.starts, spots.intensity, spots.indices):
                found.update(np.ascontiguousarray(column).data)
        return found.hexdigest()

    def _make(self, rows: np.ndarray) -> np.ndarray:
        epoch = self._epoch
        spots = self.variants[0 if epoch is None else epoch % len(self.variants)][rows]
        number = -1 if epoch is None else epoch
        measured = self.degradation.degrade(spots, (self.random_state, number + 1), rows)
        images = self.shaper.transform(measured)
        if self._behind is not None:
            images = from_behind(images, self._behind[rows])
        return images
