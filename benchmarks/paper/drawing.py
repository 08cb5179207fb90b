"""Drawings that several kinds share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from crystalsym.plotting._palette import BLUE, GRAY


def dots(
    axes: Any, values: Mapping[str, Sequence[float]], limits: Mapping[str, tuple[float, float]]
) -> None:
    """Draw a line for each name: its values as rings, mean and interval beside them, in percent.

    Parameters
    ----------
    axes : matplotlib Axes
    values : mapping of str to sequence of float
        From the top.
    limits : mapping of str to (low, high)
        Intervals of the means; NaN where there is none.
    """
    for place, (name, found) in enumerate(values.items()):
        mean = float(np.mean(found))
        low, high = limits[name]
        axes.plot(100 * np.asarray(found), [place] * len(found), "o", mfc="none", mec=GRAY, ms=4)
        if np.isfinite(low):
            axes.plot([100 * low, 100 * high], [place + 0.22] * 2, color=BLUE, lw=1.6)
        axes.plot([100 * mean], [place + 0.22], "D", color=BLUE, ms=4)
    axes.set_yticks(range(len(values)), list(values))
    axes.set_ylim(len(values) - 0.4, -0.6)
    axes.grid(axis="x", alpha=0.3, lw=0.6)
    axes.spines[["top", "right"]].set_visible(False)
