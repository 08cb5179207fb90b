"""Whether a list holds the planes of a few zones alone, as a few images of a crystal do."""

from __future__ import annotations

import numpy as np

# Planes of so many zones, and fewest reflections that are told to lie in them alone.
MOST_ZONES, FEWEST = 3, 20
# Rows that zones are looked for in; all are compared with what these say.
SAMPLE = 48
NONE = np.empty((0, 3), dtype=np.int64)


def few_zones(hkl: np.ndarray) -> np.ndarray:
    """Find the few zones in whose planes all reflections lie.

    Of such a list most rotations take no reflection to another one, and reflections of a plane
    obey conditions that those of the whole crystal do not: neither tells what it would in a list
    of a part of the sphere.

    Parameters
    ----------
    hkl : ndarray of int, shape (n, 3)

    Returns
    -------
    ndarray of int, shape (n, 3)
        Three at most; none if they lie elsewhere, too, or are fewer than 20.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.reflections._zone_planes import few_zones
    >>> plane = np.array([(h, k, 0) for h in range(-4, 5) for k in range(1, 5)])
    >>> sorted(few_zones(np.concatenate([plane, plane[:, [2, 0, 1]]])).tolist())
    [[0, 0, 1], [1, 0, 0]]
    >>> few_zones(plane + [0, 0, 1]).tolist()  # one level up
    []
    """
    hkl = np.asarray(hkl, dtype=np.int64)
    if len(hkl) < FEWEST:
        return NONE
    left = hkl[np.linspace(0, len(hkl) - 1, SAMPLE).astype(int)]
    zones: list[np.ndarray] = []
    while len(left) and len(zones) < MOST_ZONES:
        axes = np.cross(left[:, None], left[None]).reshape(-1, 3)
        axes = axes[axes.any(axis=1)]
        # A single row lies in the plane of any zone across it.
        across = np.eye(3, dtype=np.int64)[np.abs(left[0]).argmin()]
        zone = _commonest(axes) if len(axes) else np.cross(left[0], across)
        zones.append(zone)
        left = left[left @ zone != 0]
    found = np.array(zones)
    return NONE if len(left) or (hkl @ found.T).all(axis=1).any() else found


def _commonest(axes: np.ndarray) -> np.ndarray:
    axes = axes // np.gcd.reduce(axes, axis=1)[:, None]
    first = np.take_along_axis(axes, (axes != 0).argmax(axis=1)[:, None], axis=1)
    found, counts = np.unique(axes * np.sign(first), axis=0, return_counts=True)
    return found[counts.argmax()]
