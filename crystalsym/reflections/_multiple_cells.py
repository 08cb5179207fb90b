"""Cells that are a multiple of the crystal's: a doubled axis, a cell of no common centering."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product

import numpy as np

from crystalsym.crystals._cell_parameters import cell_of, lattice_of
from crystalsym.crystals._metric_settings import canonical_setting, centering_of
from crystalsym.reflections._reflection_list import ReflectionList, as_cell
from crystalsym.reflections._zone_planes import NONE

# Weak reflections of a superstructure are real, so that much less is forgiven than of centerings:
# mean intensity in parts of that of the others, or so many of its own standard errors.
DARK, STANDARD_ERRORS = 0.002, 3.0
# Part of them that noise alone lifts above 3 sigma, with some room.
LIFTED = 0.01
# And of the others: a list of nothing but noise has no cell at all.
BRIGHT = 0.05
# Fewest of the others.
FEWEST = 50
# Of these so many have to lie off the layer through the origin, or a list of few layers would do.
OFF_LAYER = 0.25
# Listed less often than this part, the others were left out on purpose.
LISTED = 0.02
# No crystal repeats itself within so many Å.
SHORTEST = 2.0
# Each step divides the cell by 2 or 3, or by more at once.
MOST_STEPS = 4


def without_multiple_cell(
    reflections: ReflectionList, hkl: np.ndarray, intensity: np.ndarray, sigma: np.ndarray,
    zones: np.ndarray = NONE,
) -> ReflectionList:  # fmt: skip
    """Bring a list to a smaller cell if the one given is a multiple of it.

    Parameters
    ----------
    reflections : ReflectionList
    hkl : ndarray of int, shape (n, 3)
        Its reflections, each once.
    intensity, sigma : ndarray of shape (n,)
        Theirs.
    zones : ndarray of int, shape (n, 3), optional
        Of whose planes the list is, if it is of a few alone. What these do not show says nothing
        of the cell, and those of a centered cell may obey more conditions than its centering's: a
        cell that a common centering explains is kept.

    Returns
    -------
    ReflectionList
        The same one if its cell is primitive or has a common centering; otherwise in a primitive
        cell, with a note.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.reflections import ReflectionList
    >>> from crystalsym.reflections._multiple_cells import without_multiple_cell
    >>> hkl = np.array([(h, k, l) for h in (2, 4, 6, 8) for k in range(-3, 4) for l in range(4)])
    >>> doubled = ReflectionList(hkl, np.ones(len(hkl)), cell=(10, 6, 7, 90, 100, 90))
    >>> without_multiple_cell(doubled, hkl, np.ones(len(hkl)), np.ones(len(hkl))).notes
    ('the cell is 2 times the one that all reflections of any intensity fit into: ...',)
    """
    found = reflections
    for _ in range(MOST_STEPS):
        points = _lattice_points(hkl, intensity, sigma, zones)
        if len(points) == 1 or centering_of(points) != "?":
            break
        if len(zones) and _explained(points, hkl):
            break
        lattice = lattice_of(found.known_cell())
        change = _basis(points)
        change = canonical_setting(change @ lattice, "P", "-1") @ change
        if np.linalg.norm(change @ lattice, axis=1).min() < SHORTEST:
            break
        cell = as_cell(cell_of(change @ lattice))
        kept = _whole(found.hkl, change)
        note = (
            f"the cell is {len(points)} times the one that all reflections of any intensity fit"
            f" into: {' '.join(f'{value:.5g}' for value in cell)}"
        )
        if not kept.all():
            note += f"; {np.count_nonzero(~kept)} dark reflections have no indices in it"
        moved = found[kept]
        found = replace(
            moved,
            hkl=np.round(moved.hkl @ change.T).astype(np.int32),
            cell=cell,
            notes=(*found.notes, note),
        )
        own = _whole(hkl, change)
        hkl = np.round(hkl[own] @ change.T).astype(np.int64)
        intensity, sigma = intensity[own], sigma[own]
    return found


def _explained(points: np.ndarray, hkl: np.ndarray) -> bool:
    """Whether a common centering forbids all that points do of some planes' reflections."""
    dark = ~_whole(hkl, points)
    for size in (4, 3, 2):
        for chosen in combinations(points[1:], size - 1):
            part = np.array([points[0], *chosen])
            if centering_of(part) != "?" and not (dark & _whole(hkl, part)).any():
                return True
    return False


def _lattice_points(
    hkl: np.ndarray, intensity: np.ndarray, sigma: np.ndarray, zones: np.ndarray
) -> np.ndarray:
    """All points in [0, 1) of the lattice whose reflections are not dark."""
    points = {(0, 0, 0)}  # in sixths
    for order in (2, 3):
        for vector in product(range(order), repeat=3):
            first = next((x for x in vector if x), 0)
            if first != 1:
                continue
            shown = _shown(np.array(vector), order, hkl, zones)
            if _is_translation(np.array(vector), order, hkl[shown], intensity[shown], sigma[shown]):
                step = np.array(vector) * (6 // order)
                points |= {
                    tuple(((np.array(p) + n * step) % 6).tolist())
                    for p in points
                    for n in range(1, order)
                }
    return np.array(sorted(points)) / 6


def _shown(vector: np.ndarray, order: int, hkl: np.ndarray, zones: np.ndarray) -> np.ndarray:
    """Reflections of those zones that hold places which vector / order would forbid."""
    if not len(zones):
        return np.ones(len(hkl), dtype=bool)
    # All h with h · z = 0 have h · v = 0 modulo the order if v is a multiple of z modulo it.
    same = [any(((vector - n * zone) % order == 0).all() for n in range(order)) for zone in zones]
    return np.asarray((hkl @ zones[~np.array(same)].T == 0).any(axis=1))


def _is_translation(
    vector: np.ndarray, order: int, hkl: np.ndarray, intensity: np.ndarray, sigma: np.ndarray
) -> bool:
    """Whether vector / order is a lattice vector by what it would forbid."""
    layer = hkl @ vector
    dark = layer % order != 0
    n_dark, n_bright = int(dark.sum()), int((~dark).sum())
    if n_bright < FEWEST or np.count_nonzero(layer[~dark]) < OFF_LAYER * n_bright:
        return False
    above = intensity > 3 * sigma
    if n_dark <= LISTED * (order - 1) * n_bright and n_dark < FEWEST:
        # Some that are listed may still be there by mistake; what is bright is not.
        return not above[dark].any()
    mean = float(intensity[~dark].mean())
    error = float(np.sqrt((sigma[dark] ** 2).sum())) / n_dark
    faint = intensity[dark].mean() <= max(DARK * mean, STANDARD_ERRORS * error)
    return bool(faint and above[dark].mean() <= LIFTED and above[~dark].mean() >= BRIGHT)


def _basis(points: np.ndarray) -> np.ndarray:
    """Rows of a right-handed primitive basis among a cell's edges and the points in it."""
    vectors = np.concatenate([np.eye(3), points[points.any(axis=1)]])
    trios = np.array(list(product(range(len(vectors)), repeat=3)))
    volumes = np.linalg.det(vectors[trios])
    return vectors[trios[np.argmin(np.abs(volumes - 1 / len(points)))]]


def _whole(hkl: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Which reflections have whole products with all vectors: new edges, or a lattice's points."""
    products = hkl @ vectors.T
    return np.asarray(np.abs(products - np.round(products)).max(axis=1) < 1e-3)
