"""Numbers that crystals of a kind share: the ``groups`` of scikit-learn's splitters."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from crystalsym._progress import track
from crystalsym.crystals import as_crystal
from crystalsym.crystals._crystal import MAX_ATOMIC_NUMBER
from crystalsym.crystals._prototypes import prototype

# Edges (Å) and angles (degrees) are compared to this many decimals.
EDGE_DECIMALS, ANGLE_DECIMALS = 2, 1
# Crystals handed to a job at once.
CHUNK = 500


def twin_groups(crystals: Any, labels: Any = None) -> np.ndarray:
    """Number crystals so that near-duplicates share a number.

    Two crystals are twins when they agree in cell content, in the cell's edges to 0.01 Å and
    angles to 0.1°, and in the label.

    Parameters
    ----------
    crystals : sequence of Crystal
        In their standard cells.
    labels : array-like of shape (n,), optional

    Returns
    -------
    ndarray of int, shape (n,)
        For use as ``groups`` of scikit-learn's splitters.
    """
    keys: dict[tuple, int] = {}
    numbers = np.empty(len(crystals), dtype=np.int64)
    for index in range(len(crystals)):
        crystal = crystals[index]
        edges = np.sqrt(np.diag(crystal.metric))
        cosines = crystal.metric[[1, 0, 0], [2, 2, 1]] / (edges[[1, 0, 0]] * edges[[2, 2, 1]])
        angles = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
        content = np.unique(crystal.atomic_numbers, return_counts=True)
        key = (
            None if labels is None else int(labels[index]),
            tuple(content[0].tolist()),
            tuple(content[1].tolist()),
            tuple(edges.round(EDGE_DECIMALS).tolist()),
            tuple(angles.round(ANGLE_DECIMALS).tolist()),
        )
        numbers[index] = keys.setdefault(key, len(keys))
    return numbers


def chemical_system_groups(crystals: Any) -> np.ndarray:
    """Number crystals so that those of the same elements share a number.

    NaCl and a sodium chloride of any other composition or structure are one chemical system.

    Parameters
    ----------
    crystals : sequence of Crystal or anything :func:`crystalsym.as_crystal` reads

    Returns
    -------
    ndarray of int, shape (n,)
        Numbered as they first appear.

    Raises
    ------
    TypeError
        If ``crystals`` is a single structure.

    Examples
    --------
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.learning import chemical_system_groups
    >>> crystals = example_crystals()
    >>> names = ("CaCO3-calcite", "CaCO3-aragonite", "Cu")
    >>> chemical_system_groups([crystals[name] for name in names])
    array([0, 0, 1])
    """
    crystals = _sequence(crystals)
    return _numbered(_elements(crystals[i]) for i in range(len(crystals)))


def prototype_groups(
    crystals: Any, symprec: float = 0.1, n_jobs: int | None = None, verbose: int = 0
) -> np.ndarray:
    """Number crystals so that those of the same prototype share a number.

    A prototype is here a space group, enantiomorphs counting as one, together with the
    multiplicities of the occupied sites of each element, elements being exchangeable; the
    anonymous formula follows from these. Wyckoff letters, which depend on the choice of origin,
    and free coordinates do not count, so this is coarser than the prototypes of AFLOW: it joins
    some of them, and separates none.

    Parameters
    ----------
    crystals : sequence of Crystal or anything :func:`crystalsym.as_crystal` reads
    symprec : float, default=0.1
        Distance tolerance of the symmetry finder in Å.
    n_jobs : int, optional
        Jobs, as in joblib. The symmetry finder takes about 2 ms a crystal.
    verbose : int, default=0
        1 reports progress on standard error.

    Returns
    -------
    ndarray of int, shape (n,)
        Numbered as they first appear.

    Raises
    ------
    SymmetryError
        Naming the crystal that has no symmetry within ``symprec`` (a ValueError).
    TypeError
        If ``crystals`` is a single structure.

    Examples
    --------
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.learning import prototype_groups
    >>> crystals = example_crystals()
    >>> prototype_groups([crystals[name] for name in ("NaCl", "MgO-periclase", "CsCl", "Cu")])
    array([0, 0, 1, 2])
    """
    crystals = _sequence(crystals)
    n = len(crystals)
    chunks = (
        [crystals[i] for i in range(start, min(start + CHUNK, n))] for start in range(0, n, CHUNK)
    )
    keys: list[Hashable] = []
    with track(n, "finding prototypes", verbose, unit="crystals") as advance:
        jobs = (delayed(_prototypes)(chunk, symprec) for chunk in chunks)
        for part in Parallel(n_jobs=n_jobs, return_as="generator")(jobs):
            keys += part
            advance(len(part))
    return _numbered(keys)


def _elements(crystal: Any) -> tuple[int, ...]:
    if hasattr(crystal, "sites"):
        # Converting a pymatgen structure would take a hundred times as long.
        found = {getattr(kind, "Z", 0) for site in crystal.sites for kind in site.species}
        if found and all(1 <= z <= MAX_ATOMIC_NUMBER for z in found):
            return tuple(sorted(found))
    return tuple(np.unique(as_crystal(crystal).atomic_numbers).tolist())


def _prototypes(crystals: list[Any], symprec: float) -> list[Hashable]:
    return [prototype(crystal, symprec) for crystal in crystals]


def _sequence(crystals: Any) -> Any:
    from crystalsym.crystals._lists import structure_list

    return structure_list(crystals)


def _numbered(keys: Iterable[Hashable]) -> np.ndarray:
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)
