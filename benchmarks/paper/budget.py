"""Equal compute: how long a network of some cost may learn."""

from __future__ import annotations


def passes_within(budget: float, multiplications: int, crystals: int) -> tuple[int, int]:
    """Return how many passes over how many crystals a budget pays for.

    The crystals are all there are, and the passes rounded to whole ones, so that every network
    learns from the same crystals; one too costly for a single pass has one over fewer.

    Parameters
    ----------
    budget : float
        Multiplications of the network's forward passes, all together.
    multiplications : int
        Of one crystal.
    crystals : int
        At hand.

    Returns
    -------
    passes, crystals : int

    Raises
    ------
    ValueError
        If the budget does not pay for one crystal.

    Examples
    --------
    >>> passes_within(1000, 10, 40)  # 2.5 passes
    (2, 40)
    >>> passes_within(1000, 50, 40)
    (1, 20)
    """
    shown = budget / multiplications
    if shown < 1:
        raise ValueError(
            f"a budget of {budget:g} multiplications does not pay for one crystal, which costs "
            f"{multiplications:,}"
        )
    if shown < crystals:
        return 1, int(shown)
    return round(shown / crystals), crystals
