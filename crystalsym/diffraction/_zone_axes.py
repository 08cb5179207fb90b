"""Zone axes: those that show what three patterns of a cell can show, and how they are drawn."""

from __future__ import annotations

import math
from itertools import product

import numpy as np

# Edges equal to this part, angles to this many degrees, count as equal in choosing views. Looser
# ones take orthorhombic crystals for tetragonal ones (65 instead of 87 % right within 1 %).
EQUAL_EDGES, EQUAL_ANGLES = 0.0005, 0.5
# What lies along +x in views along diagonals: c* as in the view along [010] whose place [1-10]
# takes; of the equal ones in a cube one, so that no rounding decides.
ALONG_X = {(1, -1, 0): (0, 0, 1), (1, 1, 1): (1, 0, -1)}
PRINCIPAL = ((1, 0, 0), (0, 1, 0), (0, 0, 1))


def symmetry_directions(lattice: np.ndarray) -> list[tuple[int, int, int]]:
    """Find three zone axes that show what three patterns of such a cell can show.

    Where a and b are equal, [010] repeats or mirrors what [100] shows; the diagonals that the
    Hermann-Mauguin symbol names there show more. The cell's edges and angles alone decide, so
    that the choice tells no more of the symmetry than any pattern's spacings do.

    Parameters
    ----------
    lattice : ndarray of shape (3, 3)
        Vectors of the standard conventional cell as rows, Å.

    Returns
    -------
    list of tuple of int
        [100], [010], [001]; [100], [1-10], [001] if a = b (to 0.05 %), c is normal to both (to
        0.5°) and they make 90° or 120°; [111], [1-10], [001] if the cell is a cube.

    References
    ----------
    International Tables for Crystallography A, table 2.1.3.1: the lattice symmetry directions.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.diffraction import symmetry_directions
    >>> symmetry_directions(np.diag([3.0, 3.0, 5.0]))
    [(1, 0, 0), (1, -1, 0), (0, 0, 1)]
    """
    zones = symmetry_zones(np.asarray(lattice, dtype=float)[None])[0]
    return [(u, v, w) for u, v, w in zones.tolist()]


def symmetry_zones(lattices: np.ndarray) -> np.ndarray:
    """Find :func:`symmetry_directions` of many cells (n, 3, 3), int of shape (n, 3, 3)."""
    metric = lattices @ lattices.transpose(0, 2, 1)
    a, b, c = np.sqrt(np.einsum("nii->in", metric))
    alpha, beta, gamma = (
        np.degrees(np.arccos(np.clip(metric[:, i, j] / (one * other), -1, 1)))
        for i, j, one, other in ((1, 2, b, c), (0, 2, a, c), (0, 1, a, b))
    )
    normal = (np.abs(alpha - 90) < EQUAL_ANGLES) & (np.abs(beta - 90) < EQUAL_ANGLES)
    square, hexagonal = np.abs(gamma - 90) < EQUAL_ANGLES, np.abs(gamma - 120) < EQUAL_ANGLES
    equal = normal & (square | hexagonal) & (np.abs(a / b - 1) < EQUAL_EDGES)
    zones = np.tile(np.eye(3, dtype=np.int16), (len(lattices), 1, 1))
    zones[equal, 1] = (1, -1, 0)
    zones[equal & square & (np.abs(c / a - 1) < EQUAL_EDGES), 0] = (1, 1, 1)
    return zones


def symmetry_rotation(lattice: np.ndarray, zone: tuple[int, int, int]) -> np.ndarray:
    """Find the rotation that puts a symmetry direction along the beam, ``ALONG_X`` along +x."""
    if zone not in ALONG_X:
        return zone_axis_rotation(lattice, zone)
    reciprocal = np.linalg.inv(lattice).T
    return _frame(np.array(ALONG_X[zone]) @ reciprocal, np.asarray(zone) @ lattice)


def zone_axis_rotation(lattice: np.ndarray, zone: tuple[int, int, int]) -> np.ndarray:
    """Find the rotation that puts [uvw] along the beam.

    Image +x lies along b*, c*, a* for [100], [010], [001], else along the shortest reciprocal
    vector of the zone (ties: lexicographically largest hkl); +y = beam x (+x).

    Parameters
    ----------
    lattice : ndarray of shape (3, 3)
    zone : tuple of int

    Returns
    -------
    ndarray of shape (3, 3)

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.diffraction import zone_axis_rotation
    >>> zone_axis_rotation(np.diag([3.0, 4.0, 5.0]), (1, 0, 0)).tolist()     # +x along b*
    [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    reciprocal = np.linalg.inv(lattice).T
    if tuple(zone) in PRINCIPAL:
        axis = PRINCIPAL.index(tuple(zone))
        return _frame(reciprocal[(axis + 1) % 3], lattice[axis])
    along = np.asarray(shortest_reflection(reciprocal, zone)) @ reciprocal
    return _frame(along, np.asarray(zone) @ lattice)


def shortest_reflection(reciprocal: np.ndarray, zone: tuple[int, int, int]) -> tuple[int, int, int]:
    """Find the shortest hkl with hu + kv + lw = 0 (ties: lexicographically largest).

    Parameters
    ----------
    reciprocal : ndarray of shape (3, 3)
        Reciprocal vectors as rows, 1/Å.
    zone : tuple of int
        [uvw].

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.diffraction import shortest_reflection
    >>> shortest_reflection(np.diag([1 / 3, 1 / 4, 1 / 5]), (1, 1, 0))
    (0, 0, 1)
    """
    u, v, w = zone
    # Three vectors of the zone bound its shortest one, and so the box to search.
    known = [np.array(t) for t in ((v, -u, 0), (w, 0, -u), (0, w, -v)) if any(t)]
    bound = min(np.linalg.norm(t @ reciprocal) for t in known) * (1 + 1e-9)
    edges = np.linalg.norm(np.linalg.inv(reciprocal), axis=0)
    spans = [range(-int(bound * edge), int(bound * edge) + 1) for edge in edges]
    in_zone = [
        hkl for hkl in product(*spans) if any(hkl) and not hkl[0] * u + hkl[1] * v + hkl[2] * w
    ]
    lengths = np.linalg.norm(np.array(in_zone) @ reciprocal, axis=1)
    shortest = lengths <= lengths.min() + 1e-9 * bound
    h, k, index_l = max(hkl for hkl, short in zip(in_zone, shortest, strict=True) if short)
    return h, k, index_l


def _frame(along_x: np.ndarray, beam: np.ndarray) -> np.ndarray:
    x = along_x / math.sqrt(along_x @ along_x)
    z = beam / math.sqrt(beam @ beam)
    y = np.array([z[1] * x[2] - z[2] * x[1], z[2] * x[0] - z[0] * x[2], z[0] * x[1] - z[1] * x[0]])
    return np.array([x, y, z])
