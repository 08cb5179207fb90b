"""The choice among equivalent settings that the conventional cell leaves open.

Where the affine normaliser of a group holds a rotation that the Laue class lacks (a turn about
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
from crystalsym.scattering._factors import scattering_factors

# Equal within this (relative to the squared edges) means equal: far above rounding, far below
# what any structure determination resolves.
METRIC_TOLERANCE = 1e-5
LAYER_INDEX = 8
# So many reflections settle the choice.
TELLING = 48
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
        Rows: the chosen axes in terms of the given ones.
    """
    candidates = equivalent_settings(number, metric)
    if len(candidates) == 1:
        return candidates[0]
    layers = _layer_reflections()
    if spacegroups.crystal_system(number) in HIGH_SYSTEMS:
        layers = _telling_reflections(number)
        if len(layers) == 0:  # the layers look the same in all settings
            return candidates[0]
    # Covariant indices: h' = M h, so the reflection called h' is h = M^-1 h' in the given axes.
    indices = np.concatenate([layers @ np.linalg.inv(m).T for m in candidates])
    intensity = _intensities(indices, metric, coords, atomic_numbers, occupancies)
    # Any fixed weights without symmetry of their own would do.
    weights = np.cos(1.0 + 0.7 * np.arange(len(layers)) ** 1.5)
    scores = intensity.reshape(len(candidates), -1) @ weights
    best = scores.max()
    return candidates[int(np.argmax(scores >= best - 1e-7 * np.abs(scores).max()))]


def equivalent_settings(number: int, metric: np.ndarray) -> list[np.ndarray]:
    """Changes of axes that keep the cell and the conventions, the identity first.

    Changes that only turn the crystal onto itself (or onto its Friedel image) are left out
    where that is known beforehand.
    """
    system = spacegroups.crystal_system(number)
    if system in HIGH_SYSTEMS:
        return list(_normaliser_cosets(number))
    if system == "orthorhombic":
        changes = _axis_permutations()
    elif system == "monoclinic":
        changes = _turns_about_b()
    else:
        changes = _unimodular()
    moved = changes @ metric @ changes.transpose(0, 2, 1)
    edges = np.sqrt(np.diag(metric))
    scale = np.multiply.outer(edges, edges)
    keeps = np.all(np.abs(moved - metric) <= METRIC_TOLERANCE * scale, axis=(1, 2))
    centring = spacegroups.symbol(number)[0]
    if centring in "AC":  # A cells arrive turned into C cells
        keeps &= _keeps_c_centring(changes)
    return list(changes[keeps])


def _intensities(indices, metric, coords, atomic_numbers, occupancies) -> np.ndarray:
    reciprocal = np.linalg.inv(metric)
    q = np.sqrt(np.einsum("ni,ij,nj->n", indices, reciprocal, indices))
    elements, which = np.unique(atomic_numbers, return_inverse=True)
    amplitude = np.zeros(len(indices), dtype=complex)
    factors = scattering_factors(elements, q)
    for element in range(len(elements)):
        chosen = which == element
        phase = np.exp(2j * np.pi * (indices @ coords[chosen].T))
        amplitude += factors[element] * (phase @ occupancies[chosen])
    return np.abs(amplitude) ** 2


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
    changes = [np.linalg.inv(m) for m in _normaliser_cosets(number)]
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


def _keeps_c_centring(changes: np.ndarray) -> np.ndarray:
    """Is (a' + b') / 2 again a lattice vector of a C-centred cell?"""
    sums = np.round(changes[:, 0] + changes[:, 1]).astype(int)
    return (sums[:, 0] % 2 == 1) & (sums[:, 1] % 2 == 1) & (sums[:, 2] % 2 == 0)


@cache
def _normaliser_cosets(number: int) -> tuple[np.ndarray, ...]:
    """Rotations of the lattice that keep the group but are not in its Laue class."""
    laue = _laue_operations(number)
    matrices = [np.array(key).reshape(3, 3) for key in laue]
    box = np.array(list(product(range(-4, 5), repeat=3)), dtype=int)
    absent = spacegroups.is_absent(number, box)
    metric = _typical_metric(spacegroups.crystal_system(number))
    chosen: list[np.ndarray] = []
    changes = _unimodular()
    keeps = np.isclose(changes @ metric @ changes.transpose(0, 2, 1), metric).all(axis=(1, 2))
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
