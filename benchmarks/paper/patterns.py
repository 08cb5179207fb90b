"""What the systems see: patterns of crystals, made once and kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from files import one_at_a_time, written_whole
from sklearn.preprocessing import FunctionTransformer

from crystalsym import DiffractionSimulator, PatternShaper, SpotMerger

SHAPERS = {"PatternShaper": PatternShaper, "SpotMerger": SpotMerger}
CHUNK = 256


def transformers(definition: dict[str, Any], one_image: bool, n_jobs: int) -> list[Any]:
    """Make the transformers from crystals to patterns.

    Parameters
    ----------
    definition : dict
        ``shaper``, a name in ``SHAPERS``; ``simulate`` and ``shape``, parameters of simulator and
        shaper; or ``preset`` in their place, and then these on top.
    one_image : bool
        Put the streams into the channels of one image.
    n_jobs : int
    """
    shaper = SHAPERS[definition["shaper"]]
    simulate, shape = ({**definition.get(step, {})} for step in ("simulate", "shape"))
    if "preset" in definition:
        steps = [
            DiffractionSimulator.from_preset(definition["preset"], **simulate),
            shaper.from_preset(definition["preset"], **shape),
        ]
    else:
        steps = [DiffractionSimulator(**simulate), shaper(**shape)]
    for step in steps:
        if "n_jobs" in step.get_params():
            step.set_params(n_jobs=n_jobs)
    return [*steps, FunctionTransformer(as_one_image)] if one_image else steps


def as_one_image(streams: np.ndarray) -> np.ndarray:
    """Put the streams into the channels, (n, S, H, W, C) -> (n, H, W, S C).

    Examples
    --------
    >>> as_one_image(np.zeros((5, 3, 8, 8, 2))).shape
    (5, 8, 8, 6)
    """
    n, streams_, height, width, channels = streams.shape
    return np.moveaxis(streams, 1, 3).reshape(n, height, width, streams_ * channels)


def made(steps: list[Any], crystals: Any) -> np.ndarray:
    """Transform crystals, some at a time: raw images would fill the memory."""
    parts = []
    for start in range(0, len(crystals), CHUNK):
        part: Any = [crystals[i] for i in range(start, min(start + CHUNK, len(crystals)))]
        for step in steps:
            part = step.transform(part)
        parts.append(np.asarray(part))
    return np.concatenate(parts)


def kept(path: Path, steps: list[Any], crystals: Any) -> np.ndarray:
    """Transform crystals, or read what was made of them before.

    Parameters
    ----------
    path : Path
        An ``.npy`` file.
    steps : list
        Transformers.
    crystals : callable
        Gives the crystals, where they are needed.
    """
    with one_at_a_time(path.parent):
        if not path.is_file():
            rows = made(steps, crystals())
            with written_whole(path) as partial, open(partial, "wb") as file:
                np.save(file, rows)
    return np.load(path)
