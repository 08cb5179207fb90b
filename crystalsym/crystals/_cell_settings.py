"""The choice among equivalent settings that the conventional cell leaves open.

Where the affine normalizer of a group holds a rotation that the Laue class lacks (a turn about
[110] in 4/m, a half turn about c in -3m1, ...), or where cell edges happen to be equal, several
cells serve the convention equally well and the symmetry finder returns any of them. They show
different patterns. The one kept here is the one whose zone-axis patterns come first in a fixed
ranking, so that equivalent descriptions of a crystal end up the same.
"""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np

from crystalsym import spacegroups
from crystalsym.scattering import structure_factors

# Equal within this (relative to the squared edges) means equal: far above rounding, far below
# what any structure determination resolves.
METRIC_TOLERANCE = 1e-5
LAYER_INDEX = 8
# So many reflections settle the choice.
TELLING = 48
IDENTITY = np.eye(3)
IDENTITY.setflags(write=False)
NONE = np.empty((0, 3))
HIGH_SYSTEMS = ("tetragonal", "trigonal", "hexagonal", "cubic")


def canonical_setting(
    number: int,
    metric: np.ndarray,
    coords: np.ndarray,
    atomic_numbers: np.ndarray,
    occupancies: np.ndarray,
) -> np.ndarray:
    """Change of axes to the setting whose patterns rank first.

    Parameters
    ----------
    number : int
        Space group.
    metric : ndarray of shape (3, 3)
        Metric tensor of the conventional cell, Å².
    coords, atomic_numbers, occupancies : ndarray
        Cell content.

    Returns
    -------
    ndarray of shape (3, 3)
        Rows: the chosen axes in terms of the given ones; ``IDENTITY`` itself if they are the same.
    """
    if system_and_centering(number)[0] in HIGH_SYSTEMS:
        candidates = np.array(_normalizer_cosets(number))
        indices = _telling_images(number)
    else:
        candidates = equivalent_settings(number, metric)
        indices = _images(_layer_reflections(), candidates) if len(candidates) > 1 else NONE
    if len(indices) == 0:  # no choice, or the layers look the same in all settings
        return IDENTITY
    intensity = _intensities(indices, metric, coords, atomic_numbers, occupancies)
    intensity = intensity.reshape(len(candidates), -1)
    scores = intensity @ _weights(intensity.shape[1])
    best = scores.max()
    chosen = int(np.argmax(scores >= best - 1e-7 * np.abs(scores).max()))
    return candidates[chosen] if chosen else IDENTITY


def equivalent_settings(number: int, metric: np.ndarray) -> np.ndarray:
    """Changes of axes that keep the cell and the conventions, the identity first.

    Changes that only turn the crystal onto itself (or onto its Friedel image) are left out
    where that is known beforehand.
    """
    system, centering = system_and_centering(number)
    if system in HIGH_SYSTEMS:
        return np.array(_normalizer_cosets(number))
    changes, which = _low_changes(system, centering)
    edges = np.sqrt(metric.diagonal())
    # Few of the 27 short vectors are as long as an axis, so few changes are left to look at.
    vectors = _short_vectors()
    lengths = ((vectors @ metric) * vectors).sum(axis=1)
    fits = np.abs(lengths - metric.diagonal()[:, None]) <= METRIC_TOLERANCE * edges[:, None] ** 2
    fits = fits[0, which[:, 0]] & fits[1, which[:, 1]] & fits[2, which[:, 2]]
    changes = changes[fits]
    if len(changes) > 1:
        moved = changes @ metric @ changes.transpose(0, 2, 1)
        limits = METRIC_TOLERANCE * edges[:, None] * edges
        changes = changes[(np.abs(moved - metric) <= limits).all(axis=(1, 2))]
    return changes


@cache
def _low_changes(system: str, centering: str) -> tuple[np.ndarray, np.ndarray]:
    """Changes to look at, and where in :func:`_short_vectors` their rows are."""
    if system == "orthorhombic":
        changes = _axis_permutations()
    elif system == "monoclinic":
        changes = _turns_about_b()
    else:
        changes = _unimodular()
    if centering in "AC":  # A cells arrive turned into C cells
        changes = changes[_keeps_c_centering(changes)]
    return changes, ((changes + 1) @ [9, 3, 1]).astype(int)


@cache
def _short_vectors() -> np.ndarray:
    return np.array(list(product((-1.0, 0.0, 1.0), repeat=3)))


@cache
def system_and_centering(number: int) -> tuple[str, str]:
    """Crystal system and lattice letter of a group."""
    return spacegroups.crystal_system(number), spacegroups.symbol(number)[0]


def _images(layers: np.ndarray, changes: np.ndarray) -> np.ndarray:
    """What the reflections that have these indices after each change are called before it.

    Covariant indices: h' = M h, so the reflection called h' is h = M^-1 h' in the given axes.
    """
    return np.concatenate([layers @ np.linalg.inv(m).T for m in changes])


@cache
def _telling_images(number: int) -> np.ndarray:
    changes = _normalizer_cosets(number)
    telling = _telling_reflections(number) if len(changes) > 1 else NONE
    return NONE if len(telling) == 0 else _images(telling, np.array(changes))


@cache
def _weights(n: int) -> np.ndarray:
    # Any fixed weights without symmetry of their own would do.
    return np.cos(1.0 + 0.7 * np.arange(n) ** 1.5)


def _intensities(indices, metric, coords, atomic_numbers, occupancies) -> np.ndarray:
    q = np.sqrt(((indices @ np.linalg.inv(metric)) * indices).sum(axis=1))
    return np.abs(structure_factors(indices, q, coords, atomic_numbers, occupancies)) ** 2


@cache
def _layer_reflections() -> np.ndarray:
    """Reflections of the three zone-axis layers by rising index, one of each Friedel pair."""
    span = range(-LAYER_INDEX, LAYER_INDEX + 1)
    plane = [(i, j) for i, j in product(span, span) if (i, j) > (0, 0)]
    plane.sort(key=lambda ij: ij[0] ** 2 + ij[1] ** 2)
    return np.array([hkl for i, j in plane for hkl in ((0, i, j), (j, 0, i), (i, j, 0))], float)


@cache
def _telling_reflections(number: int) -> np.ndarray:
    """The first layer reflections that are present and differ between the settings of a group."""
    layers = _layer_reflections()
    laue = np.array([np.array(key).reshape(3, 3) for key in _laue_operations(number)])
    changes = [np.linalg.inv(m) for m in _normalizer_cosets(number)]
    present = ~spacegroups.is_absent(number, layers.astype(int))
    chosen = []
    for hkl in layers[present]:
        orbit = {_key(image) for image in laue @ hkl}
        if any(_key(change @ hkl) not in orbit for change in changes):
            chosen.append(hkl)
    return np.array(chosen[:TELLING])


@cache
def _unimodular() -> np.ndarray:
    """Integer matrices with entries -1, 0, 1 and determinant 1, the identity first."""
    entries = np.array(list(product((-1, 0, 1), repeat=9)), dtype=float).reshape(-1, 3, 3)
    proper = entries[np.round(np.linalg.det(entries)) == 1]
    order = np.argsort(np.abs(proper - np.eye(3)).sum(axis=(1, 2)), kind="stable")
    return proper[order]


@cache
def _axis_permutations() -> np.ndarray:
    """One proper change per permutation of the axes: signs do not matter to mmm."""
    changes = _unimodular()
    permutes = (np.abs(changes).sum(axis=(1, 2)) == 3) & np.all(
        np.abs(changes).sum(axis=2) == 1, axis=1
    )
    chosen, seen = [], set()
    for change in changes[permutes]:
        key = np.abs(change).tobytes()
        if key not in seen:
            seen.add(key)
            chosen.append(change)
    return np.array(chosen)


@cache
def _turns_about_b() -> np.ndarray:
    """Changes of a and c; b may turn over, which 2/m does not notice."""
    changes = _unimodular()
    keeps_b = (np.abs(changes[:, 1]) == [0, 1, 0]).all(axis=1)
    keeps_plane = (changes[:, [0, 2], 1] == 0).all(axis=1)
    return changes[keeps_b & keeps_plane]


def _keeps_c_centering(changes: np.ndarray) -> np.ndarray:
    """Is (a' + b') / 2 again a lattice vector of a C-centered cell?"""
    sums = np.round(changes[:, 0] + changes[:, 1]).astype(int)
    return (sums[:, 0] % 2 == 1) & (sums[:, 1] % 2 == 1) & (sums[:, 2] % 2 == 0)


@cache
def _normalizer_cosets(number: int) -> tuple[np.ndarray, ...]:
    """Rotations of the lattice that keep the group but are not in its Laue class."""
    laue = _laue_operations(number)
    metric = _typical_metric(spacegroups.crystal_system(number))
    changes = _unimodular()
    keeps = np.isclose(changes @ metric @ changes.transpose(0, 2, 1), metric).all(axis=(1, 2))
    if 2 * keeps.sum() == len(laue):  # all of the lattice's rotations, most groups
        return (IDENTITY,)
    matrices = [np.array(key).reshape(3, 3) for key in laue]
    box = np.array(list(product(range(-4, 5), repeat=3)), dtype=int)
    absent = spacegroups.is_absent(number, box)
    chosen: list[np.ndarray] = []
    for change in changes[keeps]:
        back = np.linalg.inv(change)
        if {_key(change @ m @ back) for m in matrices} != laue:
            continue
        if not np.array_equal(
            spacegroups.is_absent(number, np.round(box @ back.T).astype(int)), absent
        ):
            continue
        if not any(_key(back @ other) in laue for other in chosen):
            chosen.append(change)
    return tuple(chosen)


@cache
def _laue_operations(number: int) -> frozenset[tuple[int, ...]]:
    """Point operations as they act on indices, Friedel's inversion included."""
    import gemmi

    operations = set()
    for operation in gemmi.find_spacegroup_by_number(number).operations().sym_ops:
        turned = np.array(operation.rot, dtype=int).T // gemmi.Op.DEN
        operations |= {_key(turned), _key(-turned)}
    return frozenset(operations)


def _key(matrix: np.ndarray) -> tuple[int, ...]:
    return tuple(np.round(matrix).astype(int).ravel().tolist())


def _typical_metric(system: str) -> np.ndarray:
    metric = np.eye(3)
    if system != "cubic":
        metric[2, 2] = 1.37
    if system in ("trigonal", "hexagonal"):
        metric[0, 1] = metric[1, 0] = -0.5
    return metric
