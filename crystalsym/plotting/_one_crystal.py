"""One crystal out of what an estimator takes."""

from __future__ import annotations

from typing import Any

from crystalsym.datasets import CrystalTable
from crystalsym.diffraction import SpotPatterns


def one_row(X: Any) -> Any:
    """Return rows of which there is one: a structure by itself gets a list around it.

    Raises
    ------
    ValueError
        If there are more, or none.
    """
    many = isinstance(X, list | tuple | SpotPatterns | CrystalTable)
    # Arrays, and rows made on demand.
    if not many and not (hasattr(X, "shape") and hasattr(X, "dtype")):
        return [X]
    if len(X) != 1:
        raise ValueError(f"one crystal is drawn, X holds {len(X)}: pass one of them, X[i : i + 1]")
    return X
