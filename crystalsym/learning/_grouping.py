"""Numbers that crystals of a kind share: the ``groups`` of scikit-learn's splitters."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from crystalsym._progress import track
from crystalsym.crystals import as_crystal
from crystalsym.crystals._crystal import MAX_ATOMIC_NUMBER
from crystalsym.crystals._prototypes import prototype

# Near-duplicates agree to this in their edges (Å) and angles (degrees).
EDGE_TOLERANCE, ANGLE_TOLERANCE = 0.01, 0.1
# Of a tolerance: cells that differ by exactly as much are near-duplicates.
ROUNDING = 1e-6
# Crystals handed to a job at once.
CHUNK = 500


def near_duplicate_groups(
    crystals: Any,
    labels: Any = None,
    *,
    edge_tolerance: float = EDGE_TOLERANCE,
    angle_tolerance: float = ANGLE_TOLERANCE,
) -> np.ndarray:
    """Number crystals so that near-duplicates share a number.

    Two crystals are near-duplicates when they agree in the content of the cell, in the label, in
    every edge and in every angle within the tolerances; and so are all that a chain of such pairs
    joins. Coordinates, which depend on the choice of origin, do not count.

    Parameters
    ----------
    crystals : sequence of Crystal
        In their standard cells.
    labels : array-like of shape (n,), optional
        Crystals of different labels are never near-duplicates.
    edge_tolerance : float, default=0.01
        In Å.
    angle_tolerance : float, default=0.1
        In degrees.

    Returns
    -------
    ndarray of int, shape (n,)
        Numbered as they first appear, for use as ``groups`` of scikit-learn's splitters.

    Raises
    ------
    ValueError
        If a tolerance is not positive, or there is not one label for each crystal.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym import Crystal
    >>> from crystalsym.learning import near_duplicate_groups
    >>> cubes = [Crystal(np.eye(3) * a, [[0, 0, 0]], [84]) for a in (3.349, 3.351, 3.4)]
    >>> near_duplicate_groups(cubes)
    array([0, 0, 1])
    """
    for name, value in (("edge_tolerance", edge_tolerance), ("angle_tolerance", angle_tolerance)):
        if not value > 0:
            raise ValueError(f"{name} must be positive, got {value!r}")
    n = len(crystals)
    if labels is not None and len(labels) != n:
        raise ValueError(f"{len(labels)} labels for {n} crystals")
    alike: dict[Hashable, list[int]] = {}
    cells = np.empty((n, 6))
    for row in range(n):
        crystal = crystals[row]
        cells[row, :3] = cell_edges(crystal) / edge_tolerance
        cells[row, 3:] = cell_angles(crystal) / angle_tolerance
        key = (None if labels is None else int(labels[row]), cell_content(crystal))
        alike.setdefault(key, []).append(row)
    numbers = np.arange(n)
    for members in map(np.array, alike.values()):
        if len(members) > 1:
            pairs = cKDTree(cells[members]).query_pairs(
                1 + ROUNDING, p=np.inf, output_type="ndarray"
            )
            numbers[members] = members[_first_of_each(len(members), pairs)]
    return _numbered(numbers.tolist())


def twin_groups(crystals: Any, labels: Any = None) -> np.ndarray:
    """Number crystals so that near-duplicates share a number: a former name.

    .. deprecated:: 0.2
        To crystallographers twins are intergrown crystals; use :func:`near_duplicate_groups`.

    Parameters
    ----------
    crystals, labels
        As in :func:`near_duplicate_groups`.
    """
    warnings.warn(
        "twin_groups is now called near_duplicate_groups", DeprecationWarning, stacklevel=2
    )
    return near_duplicate_groups(crystals, labels)


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


def joined_groups(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Number the parts that two numberings hold together, directly or by others."""
    one, other = (np.unique(numbers, return_inverse=True)[1] for numbers in (one, other))
    n = one.max() + 1
    size = n + other.max() + 1
    links = coo_array((np.ones(len(one), dtype=np.int8), (one, other + n)), (size, size))
    return connected_components(links, directed=False)[1][one]


def cell_edges(crystal: Any) -> np.ndarray:
    """Return the lengths of a, b, c in Å."""
    return np.sqrt(np.diag(crystal.metric))


def cell_angles(crystal: Any) -> np.ndarray:
    """Return the angles of a cell in degrees."""
    edges = cell_edges(crystal)
    cosines = crystal.metric[[1, 0, 0], [2, 2, 1]] / (edges[[1, 0, 0]] * edges[[2, 2, 1]])
    return np.degrees(np.arccos(np.clip(cosines, -1, 1)))


def cell_content(crystal: Any) -> tuple[tuple[int, int], ...]:
    """Return the elements of a cell and how many atoms there are of each."""
    elements, counts = np.unique(crystal.atomic_numbers, return_counts=True)
    return tuple(zip(elements.tolist(), counts.tolist(), strict=True))


def _first_of_each(n: int, pairs: np.ndarray) -> np.ndarray:
    """For every one of n the first of those that chains of pairs join it to."""
    links = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), (n, n))
    parts = connected_components(links, directed=False)[1]
    return np.unique(parts, return_index=True)[1][parts]


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
