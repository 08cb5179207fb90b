"""The learning rate of a system: that of the lowest loss on validation crystals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence


def choose(
    losses: dict[float, float],
    rates: Sequence[float],
    loss_of: Callable[[float], float],
    extensions: int = 1,
) -> float:
    """Choose among learning rates; one at the end of the row is left only for better reasons.

    Parameters
    ----------
    losses : dict of float to float
        Loss by rate; known ones are not found again, new ones are added.
    rates : sequence of float
        Rising, by equal factors.
    loss_of : callable
        Trains with a rate and returns the loss on the validation crystals, NaN where the training
        diverged.
    extensions : int, default=1
        How many more rates are tried where the best is the lowest or the highest one.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If there are fewer than three rates, or every training diverged.

    Examples
    --------
    >>> losses = {}
    >>> choose(losses, [0.001, 0.01, 0.1], lambda rate: abs(math.log10(rate) + 3.6))
    0.001
    >>> sorted(losses)
    [0.0001, 0.001, 0.01, 0.1]
    """
    if len(rates) < 3:
        raise ValueError(f"rates must be at least three to choose from, got {list(rates)}")
    row, factor = sorted(rates), max(rates) / sorted(rates)[-2]
    for extension in range(extensions + 1):
        for rate in row:
            if rate not in losses:
                losses[rate] = loss_of(rate)
        finite = {rate: losses[rate] for rate in row if math.isfinite(losses[rate])}
        if not finite:
            raise ValueError(f"the training diverged at every learning rate of {row}")
        best = min(finite, key=finite.__getitem__)
        if best not in (row[0], row[-1]) or extension == extensions:
            break
        further = best / factor if best == row[0] else best * factor
        row = sorted([*row, float(f"{further:.3g}")])
    return best
