"""Lists of structures as the estimators take them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from crystalsym.crystals._cluster import Cluster
from crystalsym.crystals._crystal import Crystal


def structure_list(X: Any) -> Any:
    """X itself if it is a sequence of structures.

    Raises
    ------
    TypeError
        If X is a single structure or no sequence. Nothing is converted to an array: numpy would
        take a list of structures apart into sites.
    """
    refuse_single(X)
    if not (hasattr(X, "__len__") and hasattr(X, "__getitem__")):
        raise TypeError(f"structures must come as a list, got {type(X).__name__}")
    return X


def refuse_single(X: Any) -> None:
    """Raise TypeError, with advice, if X is one structure or a collection of another kind."""
    single = (
        isinstance(X, (Crystal, Cluster, str, bytes))
        or hasattr(X, "__fspath__")
        or hasattr(X, "sites")
        or hasattr(X, "get_scaled_positions")
    )
    if single:
        raise TypeError(
            f"got a single {type(X).__name__}: put it in a list, [structure], and take row 0"
        )
    if isinstance(X, tuple) and len(X) == 3 and _is_matrix(X[0]):
        raise TypeError("got a single (lattice, frac_coords, atomic_numbers): put it in a list")
    if isinstance(X, Mapping):
        raise TypeError("got a dictionary: its values are list(X.values())")
    if hasattr(X, "columns") and hasattr(X, "iloc"):
        raise TypeError("got a table: pass its column of structures, X['structure'] or the like")


def _is_matrix(obj: Any) -> bool:
    try:
        return isinstance(obj, list | tuple | np.ndarray) and np.shape(obj) == (3, 3)
    except ValueError:  # parts of several shapes
        return False


def grouped(items: Iterable[Any], size: int) -> Iterator[Any]:
    """Parts of ``size`` items, the last maybe shorter: slices of a sequence, lists of others."""
    if isinstance(items, Sequence):
        for start in range(0, len(items), size):
            yield items[start : start + size]
        return
    group: list[Any] = []
    for item in items:
        group.append(item)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group
