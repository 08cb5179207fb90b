"""The transformer from reflection lists to three zero layers each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from crystalsym import _provenance
from crystalsym._images import ImageOutputMixin
from crystalsym.diffraction import SpotPatterns
from crystalsym.reflections._list_reducer import ListReducer
from crystalsym.reflections._reduction import Reduction
from crystalsym.reflections._sections import sections


class ReflectionSections(ImageOutputMixin, ListReducer):
    """Cut three zero layers out of each reflection list.

    Every list is reduced by itself: its centering and Laue class are the most probable ones, its
    axes those that cell, centering and Laue class choose, equivalents are averaged, and those not
    measured are filled in. Not measured is not absent: the patterns say what their lists cover.

    Parameters
    ----------
    tolerance : float, default=0.0175
        How far a cell may be from a lattice of higher symmetry, the largest relative change of
        its metric; 0.0175 is one degree.
    cell : sequence of 6 numbers, optional
        Of all lists, in place of those they bring.
    on_error : {"raise", "nan"}, default="raise"
        What becomes of a list that cannot be read or reduced: an error that names it, or a
        missing row and a warning.
    n_jobs : int, optional
        Parallel jobs.
    verbose : int, default=0
        Show progress when positive.

    Examples
    --------
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.measurement import ReflectionSimulator
    >>> from crystalsym.reflections import ReflectionSections
    >>> lists = ReflectionSimulator(random_state=0).transform([example_crystals()["TiO2-rutile"]])
    >>> patterns = ReflectionSections().transform(lists)
    >>> patterns.shape, patterns.pattern(0, 1).zone
    ((1, 3), (1, -1, 0))
    """

    def transform(self, X: Any) -> SpotPatterns:
        """Reduce every list and cut its layers.

        Parameters
        ----------
        X : list of ReflectionList
            Or of what :func:`crystalsym.reflections.as_reflection_list` takes: paths, gemmi
            objects, tuples of arrays.

        Returns
        -------
        SpotPatterns
            A row of three patterns for each list.

        Raises
        ------
        TypeError
            If X is one list instead of several.
        ValueError
            If a list cannot be reduced (``on_error="raise"``).
        """
        self.fit()
        rows = self._reduced(X)
        found = SpotPatterns.concatenate(rows) if rows else SpotPatterns.absent(0, 3)
        return replace(found, made_by=(_provenance.step(self),))

    def _row(self, reduction: Reduction) -> SpotPatterns:
        return sections(reduction.merged(0))

    def _missing(self) -> SpotPatterns:
        # Of the same columns as others.
        return replace(SpotPatterns.absent(1, 3), sigma=np.empty(0))
