"""Rotations that a lattice allows, the Laue classes among them, and their conventional cells."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import combinations_with_replacement, product

import numpy as np

from crystalsym.crystals._metric_settings import (
    CENTERINGS,
    TURNED,
    canonical_setting,
    centering_of,
)

# Largest difference of the metric, in parts of |a_i| |a_j|, that a rotation may make: a degree.
TOLERANCE = 0.0175
# Primitive lattice points that reach all of a conventional cell.
_NEAR = np.array(list(product(range(-3, 4), repeat=3)))
_LAUE_OF_ROTATIONS = {
    "1": "-1", "2": "2/m", "222": "mmm", "4": "4/m", "422": "4/mmm", "3": "-3", "6": "6/m",
    "622": "6/mmm", "23": "m-3", "432": "m-3m",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class LaueCandidate:
    """Hold one Laue class in one orientation that a lattice allows.

    Attributes
    ----------
    laue : str
    operations : ndarray of int, shape (m, 3, 3)
        Its rotations, in the basis of the indices as they were given: h' = h W.
    change : ndarray of shape (3, 3)
        From that basis to the canonical conventional one.
    centering : str
        Of the conventional cell.
    lattice : ndarray of shape (3, 3)
        Of the conventional cell, idealized to what the Laue class demands.
    members : tuple of int
        Numbers of its rotations among those of the lattice.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.reflections import laue_candidates
    >>> _, found = laue_candidates(np.diag([5.0, 3.0, 4.0]), "P")
    >>> found[-1].laue, found[-1].lattice.diagonal().round(1).tolist()
    ('mmm', [3.0, 4.0, 5.0])
    """

    laue: str
    operations: np.ndarray
    change: np.ndarray
    centering: str
    lattice: np.ndarray
    members: tuple[int, ...] = field(default=())

    @property
    def own_operations(self) -> np.ndarray:
        """The rotations in the conventional basis."""
        back = np.linalg.inv(self.change)
        return np.round(back.T @ self.operations @ self.change.T).astype(int)


def primitive_basis(lattice: np.ndarray, centering: str) -> np.ndarray:
    """Change of basis from a centered cell to a reduced primitive one, of fractions."""
    import spglib

    points = [np.array(p) for p in CENTERINGS[centering]]
    vectors = [*np.eye(3), *(p for p in points if p.any())]
    best = np.eye(3)
    for trio in product(vectors, repeat=3):
        change = np.array(trio)
        volume = abs(np.linalg.det(change))
        if abs(volume - 1 / len(points)) < 1e-6:
            best = change
            break
    reduced = spglib.niggli_reduce(best @ lattice)
    if reduced is not None:
        best = np.round(np.asarray(reduced) @ np.linalg.inv(best @ lattice)) @ best
    return best if np.linalg.det(best) > 0 else -best


def lattice_rotations(lattice: np.ndarray, tolerance: float = TOLERANCE) -> np.ndarray:
    """Find the proper rotations of a reduced primitive lattice, int of shape (m, 3, 3).

    Parameters
    ----------
    lattice : ndarray of shape (3, 3)
    tolerance : float, default=0.0175
        Largest change of the metric, in parts of the lengths' products; 0.0175 is one degree.

    Returns
    -------
    ndarray of int, shape (m, 3, 3)
        Acting on fractions, x' = W x; the identity is the first. They are a group.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.reflections._lattice_symmetry import lattice_rotations
    >>> len(lattice_rotations(np.eye(3))), len(lattice_rotations(np.diag([3.0, 4.0, 5.0])))
    (24, 4)
    """
    metric = lattice @ lattice.T
    edges = np.sqrt(np.diag(metric))
    scale = np.outer(edges, edges)
    candidates = _unimodular()
    changed = np.einsum("nji,jk,nkl->nil", candidates, metric, candidates, optimize=True)
    off = (np.abs(changed - metric) / scale).max(axis=(1, 2))
    order = np.argsort(off, kind="stable")
    group = [np.eye(3, dtype=int)]
    known = {group[0].tobytes()}
    for number in order:
        if off[number] > tolerance:
            break
        if candidates[number].tobytes() in known:
            continue
        larger = _closed([*group, candidates[number]])
        # Near the tolerance, what two rotations generate may lie beyond it.
        if larger is not None and _largest(larger, metric, scale) <= 2 * tolerance:
            group, known = larger, {w.tobytes() for w in larger}
    return np.array(group)


def laue_candidates(
    lattice: np.ndarray, centering: str, tolerance: float = TOLERANCE
) -> tuple[np.ndarray, list[LaueCandidate]]:
    """Find every Laue class that a lattice allows, in every orientation.

    Parameters
    ----------
    lattice : ndarray of shape (3, 3)
        Of the cell as it was given.
    centering : str
        Of that cell.
    tolerance : float, default=0.0175

    Returns
    -------
    rotations : ndarray of int, shape (m, 3, 3)
        All rotations of the lattice, in the given basis (of a centered cell, maybe not whole).
    candidates : list of LaueCandidate
        By rising number of rotations.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.reflections import laue_candidates
    >>> _, found = laue_candidates(np.diag([3.0, 4.0, 5.0]), "P")
    >>> [candidate.laue for candidate in found]
    ['-1', '2/m', '2/m', '2/m', 'mmm']
    """
    to_primitive = primitive_basis(lattice, centering)
    primitive = to_primitive @ lattice
    rotations = lattice_rotations(primitive, tolerance)
    # x_given = Pᵀ x_primitive.
    given = np.array([to_primitive.T @ w @ np.linalg.inv(to_primitive.T) for w in rotations])
    found = []
    for members in _subgroups(rotations.astype(np.int64).tobytes()):
        candidate = _candidate(rotations[list(members)], members, primitive, to_primitive)
        if candidate is not None:
            found.append(candidate)
    return given, found


def _candidate(
    rotations: np.ndarray, members: tuple[int, ...], primitive: np.ndarray, to_primitive: np.ndarray
) -> LaueCandidate | None:
    known = _point_group(rotations.astype(np.int64).tobytes())
    if known is None:
        return None
    symbol, change = known
    lattice = _idealized(primitive, rotations)
    if symbol == "1":
        laue, change, centering = "-1", np.eye(3), "P"
    else:
        centering = _centering(change)
        if centering == "R-":
            change, centering = TURNED @ change, "R"
        laue = _LAUE_OF_ROTATIONS.get(symbol) or _threefold(symbol, rotations, change, centering)
    if centering == "?":
        return None
    change = canonical_setting(change @ lattice, centering, laue) @ change
    centering = _centering(change)
    back = np.linalg.inv(to_primitive.T)
    operations = np.array([to_primitive.T @ w @ back for w in rotations])
    return LaueCandidate(
        laue, operations, change @ to_primitive, centering, change @ lattice, members
    )


@lru_cache(maxsize=4096)
def _point_group(rotations: bytes) -> tuple[str, np.ndarray] | None:
    """Symbol of a group of rotations and the right-handed change to its conventional basis."""
    import spglib

    found = spglib.get_pointgroup(np.frombuffer(rotations, dtype=np.int64).reshape(-1, 3, 3))
    if found is None:
        return None
    change = np.asarray(found[2]).T.astype(float)
    return found[0].strip(), change if np.linalg.det(change) > 0 else -change


def _threefold(symbol: str, rotations: np.ndarray, change: np.ndarray, centering: str) -> str:
    """-3m1 has twofold axes along a, b; -31m between them."""
    if centering == "R":
        return "-3m1"
    back = np.linalg.inv(change.T)
    own = np.round([back @ w @ change.T for w in rotations]).astype(int)
    along_a = any(np.trace(w) == -1 and (w[:, 0] == (1, 0, 0)).all() for w in own)
    return "-3m1" if along_a else "-31m"


def _centering(change: np.ndarray) -> str:
    """Name of the centering of a cell whose vectors are whole numbers of primitive ones."""
    points = np.mod(_NEAR @ np.linalg.inv(change) + 1e-9, 1.0)
    sixths = np.unique(np.round(points * 6).astype(int) % 6, axis=0)
    return centering_of(sixths / 6)


def _idealized(lattice: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """The lattice with the mean metric of all its images."""
    metric = lattice @ lattice.T
    mean = np.mean([w.T @ metric @ w for w in rotations], axis=0)
    return np.linalg.cholesky(mean)


@cache
def _unimodular() -> np.ndarray:
    """Matrices of -1, 0, 1 that may be proper rotations of a reduced lattice."""
    everything = np.array(list(product((-1, 0, 1), repeat=9)), dtype=int).reshape(-1, 3, 3)
    proper = everything[np.round(np.linalg.det(everything)) == 1]
    kept = []
    for w in proper:
        power = w
        for _ in range(6):
            if (power == np.eye(3)).all():
                kept.append(w)
                break
            power = power @ w
    return np.array(kept)


def _closed(generators: list[np.ndarray], most: int = 24) -> list[np.ndarray] | None:
    group = {w.tobytes(): w for w in generators}
    members = list(group.values())
    grown = True
    while grown:
        grown = False
        for one, two in product(list(members), repeat=2):
            made = one @ two
            if made.tobytes() not in group:
                group[made.tobytes()] = made
                members.append(made)
                grown = True
                if len(members) > most or np.abs(made).max() > 2:
                    return None
    return members


def _largest(group: list[np.ndarray], metric: np.ndarray, scale: np.ndarray) -> float:
    return max(float((np.abs(w.T @ metric @ w - metric) / scale).max()) for w in group)


@lru_cache(maxsize=256)
def _subgroups(group: bytes) -> list[tuple[int, ...]]:
    """Every subgroup, as sorted numbers of its rotations, by rising order."""
    rotations = np.frombuffer(group, dtype=np.int64).reshape(-1, 3, 3)
    number = {w.tobytes(): i for i, w in enumerate(rotations)}
    table = [[number[(a @ b).tobytes()] for b in rotations] for a in rotations]
    found: set[frozenset[int]] = set()
    n = len(rotations)
    # Two rotations generate every group of them.
    for one, two in combinations_with_replacement(range(n), 2):
        members = {0, one, two}
        if frozenset(members) in found:
            continue
        fresh = members
        while fresh:
            fresh = {table[a][b] for a in members for b in members} - members
            members |= fresh
        found.add(frozenset(members))
    return sorted((tuple(sorted(members)) for members in found), key=lambda m: (len(m), m))
