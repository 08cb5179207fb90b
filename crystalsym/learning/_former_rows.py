"""Former names of :class:`crystalsym.learning.PatternRows`."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any

from sklearn.base import clone

from crystalsym.learning._augmentation import Augmentation
from crystalsym.learning._pattern_rows import PatternRows


def _warn(name: str, instead: str) -> None:
    warnings.warn(f"{name} is deprecated: use {instead}", DeprecationWarning, stacklevel=3)


def RenderedPatterns(transformers: Sequence[Any], structures: Sequence[Any]) -> PatternRows:
    """Make ``PatternRows(transformers, structures)``.

    .. deprecated:: 0.2

    Parameters
    ----------
    transformers : sequence of fitted transformers
    structures : sequence of structures
    """
    _warn("RenderedPatterns", "PatternRows")
    return PatternRows(transformers, structures)


def PatternStore(rendered: PatternRows, folder: str | os.PathLike) -> PatternRows:
    """Make the same rows kept in a folder, ``PatternRows(..., store=folder)``.

    .. deprecated:: 0.2

    Parameters
    ----------
    rendered : PatternRows
    folder : path-like
    """
    _warn("PatternStore", "PatternRows(..., store=folder)")
    return PatternRows(
        rendered.transformers,
        rendered.structures,
        rendered.augmentation,
        rendered.random_state,
        rendered.n_jobs,
        rendered.validation_groups,
        store=folder,
    )


def LatticePatterns(
    transformers: Sequence[Any],
    crystals: Any,
    augmentation: Augmentation | None = None,
    random_state: int = 0,
    n_jobs: int | None = None,
    validation_groups: Any = None,
) -> PatternRows:
    """Make rows straight from a table of standard cells, as float16.

    ``PatternRows`` of a simulator with ``output="spots"`` and a shaper with ``dtype="float16"``.

    .. deprecated:: 0.2

    Parameters
    ----------
    transformers : sequence of two transformers, or Pipeline
        A simulator and a shaper with ``scheme="lattice"``.
    crystals : CrystalTable
    augmentation, random_state, n_jobs, validation_groups
        As in :class:`PatternRows`.
    """
    _warn("LatticePatterns", 'PatternRows with output="spots"')
    steps = getattr(transformers, "steps", None)
    simulator, shaper = [step for _, step in steps] if steps else list(transformers)
    # Images hid what lay under the direct beam.
    q_min = shaper.beam_radius * 2 * simulator.q_max / (simulator.image_size - 1)
    spots = {"output": "spots", "dtype": "float64", "center": None, "q_min": q_min}
    return PatternRows(
        [
            clone(simulator).set_params(**spots).fit(),
            clone(shaper).set_params(dtype="float16", center=None).fit(),
        ],
        crystals,
        augmentation,
        random_state,
        n_jobs,
        validation_groups,
        store="memory",
    )
