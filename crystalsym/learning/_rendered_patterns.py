"""Patterns rendered when they are asked for: training data of any number in little memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import clone

from crystalsym._bytes import concatenated

# Rendered together; small enough for the allocator to reuse the raw images' memory.
GROUP = 16


class RenderedPatterns:
    """A lazy array of what some transformers make of some structures.

    Stands in for the array ``transformers(structures)`` wherever rows are taken by index, as
    :meth:`crystalsym.SpaceGroupClassifier.fit` does: nothing but the rows asked for is ever held.

    Parameters
    ----------
    transformers : sequence of fitted transformers
        For instance ``pipeline[:-1]`` or ``[DiffractionSimulator(), PatternShaper()]``.
    structures : sequence of structures

    Examples
    --------
    >>> from crystalsym import DiffractionSimulator, PatternShaper
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.learning import RenderedPatterns
    >>> paths = list(example_crystals().values())
    >>> X = RenderedPatterns([DiffractionSimulator(), PatternShaper(image_size=64)], paths)
    >>> X.shape == (len(paths), 3, 64, 64, 2), X[[0, 5]].shape
    (True, (2, 3, 64, 64, 2))
    """

    def __init__(self, transformers: Sequence[Any], structures: Sequence[Any]):
        steps = getattr(transformers, "steps", None)
        self.transformers = [step for _, step in steps] if steps else list(transformers)
        self.structures = structures
        if len(structures) == 0:
            raise ValueError("no structures to render")
        sample = self[[0]]
        self.shape = (len(structures), *sample.shape[1:])
        self.dtype = sample.dtype

    @property
    def descriptor(self) -> str:
        """How the last transformer makes its images; a classifier remembers it."""
        return described(self.transformers[-1])

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __len__(self) -> int:
        return len(self.structures)

    def __getitem__(self, index: Any) -> np.ndarray:
        if isinstance(index, tuple):  # scikit-learn asks arrays for X[rows, ...]
            index = index[0]
        if isinstance(index, slice):
            index = range(*index.indices(len(self)))
        if isinstance(index, (int, np.integer)):
            return self[[index]][0]
        index = np.asarray(index)
        if index.dtype == bool:
            index = np.flatnonzero(index)
        parts = []
        for start in range(0, len(index), GROUP):
            rows: Any = [self.structures[int(i)] for i in index[start : start + GROUP]]
            for transformer in self.transformers:
                rows = transformer.transform(rows)
            parts.append(rows)
        return concatenated(parts)


def described(transformer: Any) -> str:
    """A transformer's parameters in one line, without those that change no image."""
    silent = {"n_jobs": None, "verbose": 0}
    known = transformer.get_params(deep=False)
    plain = clone(transformer).set_params(**{k: v for k, v in silent.items() if k in known})
    return " ".join(repr(plain).split())
