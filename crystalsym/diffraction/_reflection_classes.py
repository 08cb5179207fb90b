"""Classes of reflections of a plane that symmetry, or where atoms sit, may forbid as one.

Lattice centering and glide planes forbid reflections by a congruence of their two indices; screw
axes, and glide planes seen edge-on, by the order along a row through the beam; atoms at special
places by congruences of both kinds. A class is what one such condition would forbid.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

# (i mod m, j mod n): centering, axial glides, and both indices at once (close packing).
PAIRS = ((1, 2), (2, 1), (2, 2), (3, 2), (2, 3))
# (a i + b j) mod m: diagonal and diamond glides, obverse and reverse setting.
SUMS = ((1, 1, 2), (1, 1, 3), (1, 2, 3), (1, 1, 4), (1, 3, 4), (1, 2, 4), (2, 1, 4))
# Orders along rows modulo m: screw axes; and the largest index of such a row.
ORDERS = (2, 3, 4, 6)
ROW = 1
# A class of fewer reflections says nothing.
FEWEST = 3
# Below this part of the strongest, ground is rounding.
ROUNDING = 1e-20


def classes_of(indices: np.ndarray) -> Iterator[np.ndarray]:
    """Divide the reflections of a plane into classes, in one way after the other.

    Parameters
    ----------
    indices : ndarray of int, shape (n, 2)
        In two vectors that span the plane; not (0, 0).

    Yields
    ------
    ndarray of int, shape (n,)
        The number of each reflection's class; below 0 where it has none. Both of a Friedel pair
        are in one class.
    """
    i, j = np.asarray(indices, dtype=np.int64).reshape(-1, 2).T
    for m, n in PAIRS:
        yield np.minimum(i % m * n + j % n, -i % m * n + -j % n)
    for a, b, m in SUMS:
        rest = (a * i + b * j) % m
        yield np.minimum(rest, m - rest)
    order = np.gcd(i, j)
    along, across = i // order, j // order
    in_row = (np.abs(along) <= ROW) & (np.abs(across) <= ROW)
    # (1, 0) and (-1, 0) are one row; 3 is more than all they can be.
    row = np.abs(3 * along + across)
    for m in ORDERS:
        rest = np.minimum(order % m, -order % m)
        yield np.where(in_row & (rest > 0), row * m + rest, -1)


def times_ground(intensity: np.ndarray, ground: np.ndarray, strongest: float) -> np.ndarray:
    """Give intensities in parts of the ground, which is rounding far below the strongest."""
    return np.asarray(intensity / np.maximum(ground, ROUNDING * max(strongest, 1e-300)))


def in_dark_class(indices: np.ndarray, seen: np.ndarray, mean: float, alone: float) -> np.ndarray:
    """Tell which reflections belong to a class that does not stand out of the ground.

    Parameters
    ----------
    indices : ndarray of int, shape (n, 2)
        As in :func:`classes_of`.
    seen : ndarray of shape (n,)
        Intensity in parts of the ground around each reflection, of :func:`times_ground`.
    mean : float
        A class stands out if it has so much on average,
    alone : float
        or one of its reflections so much.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    dark = np.zeros(len(seen), dtype=bool)
    for numbers in classes_of(indices):
        members = numbers >= 0
        of = numbers[members]
        if not len(of):
            continue
        values = seen[members]
        count = np.bincount(of)
        strongest = np.zeros(len(count))
        np.maximum.at(strongest, of, values)
        faint = (np.bincount(of, values) < mean * count) & (strongest < alone)
        dark[members] |= (faint & (count >= FEWEST))[of]
    return dark
