"""The transformer from reflection lists to the block of reflections around the origin."""

from __future__ import annotations

from typing import Any

import numpy as np

from crystalsym._images import ImageOutputMixin
from crystalsym.diffraction import SpotPatterns
from crystalsym.reflections._block import HEIGHT, REACH, reflection_block
from crystalsym.reflections._list_reducer import ListReducer
from crystalsym.reflections._reduction import Reduction
from crystalsym.reflections._zone_lists import lists_of_zones

SHAPE = (HEIGHT, 2 * REACH + 1, 2 * REACH + 1, 3)


class ReflectionBlocks(ImageOutputMixin, ListReducer):
    """Lay out the reflections around the origin of each reflection list.

    Every list is reduced by itself, as :class:`ReflectionSections` does: the most probable
    centering and Laue class, the axes that follow from them, equivalents averaged and filled in.
    What is laid out then is not three zero layers but all places of small indices: lists that hold
    zones of any directions, as three images along known ones give, have little in zero layers.

    Parameters
    ----------
    tolerance : float, default=0.0175
        How far a cell may be from a lattice of higher symmetry, the largest relative change of
        its metric; 0.0175 is one degree.
    cell : sequence of 6 numbers, optional
        Of all lists, in place of those they bring.
    on_error : {"raise", "nan"}, default="raise"
        What becomes of a list that cannot be read or reduced: an error that names it, or a
        row of NaN and a warning.
    n_jobs : int, optional
        Parallel jobs.
    verbose : int, default=0
        Show progress when positive.

    See Also
    --------
    crystalsym.reflections.reflection_block : The same for a list that is reduced already.

    Examples
    --------
    >>> from crystalsym import DiffractionSimulator
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.reflections import ReflectionBlocks
    >>> simulator = DiffractionSimulator(views=[[1, 0, 1], [0, 1, 2], [1, 1, 0]], output="spots")
    >>> spots = simulator.transform([example_crystals()["TiO2-rutile"]])
    >>> blocks = ReflectionBlocks().transform(spots)
    >>> blocks.shape, blocks.dtype.name
    ((1, 7, 13, 13, 3), 'float32')
    """

    def transform(self, X: Any) -> np.ndarray:
        """Reduce every list and lay it out.

        Parameters
        ----------
        X : list of ReflectionList or SpotPatterns
            Or of what :func:`crystalsym.reflections.as_reflection_list` takes. Patterns have to
            know their indices, and to be of three different zones or more.

        Returns
        -------
        ndarray of float32, shape (n, 7, 13, 13, 3)
            Of the place [l, 6 + k, 6 + h] of each: intensity, whether measured, and |q|.

        Raises
        ------
        TypeError
            If X is one list instead of several.
        ValueError
            If a list cannot be reduced (``on_error="raise"``), or patterns are not indexed.
        """
        self.fit()
        lists = lists_of_zones(X) if isinstance(X, SpotPatterns) else X
        rows = self._reduced(lists)
        return np.stack(rows) if rows else np.empty((0, *SHAPE), dtype=np.float32)

    def _row(self, reduction: Reduction) -> np.ndarray:
        return reflection_block(reduction.merged(0))

    def _missing(self) -> np.ndarray:
        return np.full(SHAPE, np.nan, dtype=np.float32)
