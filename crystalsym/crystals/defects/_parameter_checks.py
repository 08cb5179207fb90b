"""Parameters of defects, checked and read."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np

from crystalsym.crystals._atom_labels import atomic_number
from crystalsym.crystals._cluster import Cluster
from crystalsym.crystals._crystal import MAX_ATOMIC_NUMBER


def check_rate(value: Any, name: str = "rate") -> None:
    """Raise unless it is a number from 0 to 1."""
    check_number(value, name)
    if not 0 <= float(value) <= 1:
        raise ValueError(f"{name} must lie in [0, 1], got {value!r}")


def check_length(value: Any, name: str, *, positive: bool = False) -> None:
    """Raise unless it is a finite number from 0 up, or above 0."""
    check_number(value, name)
    if float(value) < 0 or (positive and float(value) == 0):
        raise ValueError(f"{name} must be {'above' if positive else 'at least'} 0, got {value!r}")


def check_number(value: Any, name: str) -> None:
    """Raise unless it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, Real) or not np.isfinite(float(value)):
        raise ValueError(f"{name} must be a finite number, got {value!r}")


def read_integers(value: Any, name: str) -> np.ndarray:
    """Three integers that are not all zero."""
    array = np.asarray(value, dtype=float)
    if array.shape != (3,) or not np.array_equal(array, np.round(array)) or not array.any():
        raise ValueError(f"{name} must be three integers, not all zero, got {value!r}")
    return array


def read_vector(value: Any, name: str) -> np.ndarray:
    """Three finite numbers that are not all zero."""
    array = np.asarray(value, dtype=float)
    if array.shape != (3,) or not np.isfinite(array).all() or not array.any():
        raise ValueError(f"{name} must be three finite numbers, not all zero, got {value!r}")
    return array


def element_number(value: Any, name: str) -> int:
    """Of an element's symbol or atomic number."""
    number = 0
    if isinstance(value, str):
        number = atomic_number(value)
    elif isinstance(value, Integral) and not isinstance(value, bool):
        number = int(value)
    if not 1 <= number <= MAX_ATOMIC_NUMBER:
        raise ValueError(
            f"{name} must be an element's symbol or atomic number, 1 to {MAX_ATOMIC_NUMBER},"
            f" got {value!r}"
        )
    return number


def element_numbers(elements: Any) -> list[int] | None:
    """Atomic numbers of one or several elements; None means all."""
    if elements is None:
        return None
    if isinstance(elements, (str, Integral)):
        elements = [elements]
    if not isinstance(elements, Iterable):
        raise ValueError(f"elements must be None, an element or a list of some, got {elements!r}")
    return [element_number(one, "elements") for one in elements]


def atoms_of(cluster: Cluster, elements: Any) -> np.ndarray:
    """Mask of the atoms of these elements.

    Raises
    ------
    ValueError
        If the cluster holds none of one of them.
    """
    numbers = element_numbers(elements)
    if numbers is None:
        return np.ones(len(cluster), dtype=bool)
    for number in numbers:
        if number not in cluster.atomic_numbers:
            there = ", ".join(str(n) for n in np.unique(cluster.atomic_numbers))
            raise ValueError(
                f"holds no atom of atomic number {number} (elements={elements!r}); it has {there}"
            )
    return np.isin(cluster.atomic_numbers, numbers)


def known_lattice(cluster: Cluster, why: str) -> np.ndarray:
    """The lattice of a cluster, without which ``why`` means nothing."""
    if cluster.lattice is None:
        raise ValueError(
            f"the cluster has no lattice, which {why} refers to; Cluster(..., lattice=) takes it"
        )
    return cluster.lattice
