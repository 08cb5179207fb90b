"""Which reflections span the zero-order layer of a view, for one crystal or many."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from crystalsym.diffraction._view_families import VIEW_FAMILIES
from crystalsym.diffraction._zone_axes import ALONG_X, shortest_reflection, symmetry_zones

Zone = tuple[int, int, int]
# The first vector lies along image +x and the second completes it, right-handed seen against the
# beam: b*, c*, a* for [100], [010], [001]; c* in the place of [010] for [1-10].
FIXED: dict[Zone, tuple[Zone, Zone]] = {
    (1, 0, 0): ((0, 1, 0), (0, 0, 1)),
    (0, 1, 0): ((0, 0, 1), (1, 0, 0)),
    (0, 0, 1): ((1, 0, 0), (0, 1, 0)),
}
OF_FAMILIES: dict[Zone, tuple[Zone, Zone]] = {
    **FIXED,
    (1, -1, 0): (ALONG_X[1, -1, 0], (-1, -1, 0)),
    (1, 1, 1): (ALONG_X[1, 1, 1], (-1, 1, 0)),
}


def zones_of(views: Any, lattices: np.ndarray) -> np.ndarray | None:
    """Find the zone axes of crystals, int of shape (n, n_views, 3); None if views are none.

    Parameters
    ----------
    views : str or ndarray
        As resolved by :func:`crystalsym.diffraction.resolve_views`.
    lattices : ndarray of shape (n, 3, 3)
    """
    if isinstance(views, str):
        if views == "zone-axes":
            return np.broadcast_to(np.eye(3, dtype=np.int16), (len(lattices), 3, 3))
        if views == "symmetry-directions":
            return symmetry_zones(lattices)
        assert views in VIEW_FAMILIES
        return None
    views = np.asarray(views)
    if views.ndim == 3:
        return None
    return np.broadcast_to(views.astype(np.int16), (len(lattices), *views.shape))


def layer_bases(views: Any, zones: np.ndarray, reciprocals: np.ndarray) -> np.ndarray:
    """Find two reflections that span each layer, int of shape (n, n_views, 2, 3).

    Parameters
    ----------
    views : str or ndarray
        Families have fixed vectors also for [1-10] and [111].
    zones : ndarray of int, shape (n, n_views, 3)
    reciprocals : ndarray of shape (n, 3, 3)
    """
    if isinstance(views, str):
        keys, vectors = _family_table()
        key = (zones.astype(np.int64) + 1) @ np.array([9, 3, 1])
        return vectors[np.searchsorted(keys, key)]
    out = np.empty((*zones.shape[:2], 2, 3), dtype=np.int16)
    for crystal, view in np.ndindex(*zones.shape[:2]):
        zone = tuple(int(i) for i in zones[crystal, view])
        out[crystal, view] = spanning_reflections(reciprocals[crystal], zone)  # type: ignore[arg-type]
    return out


def bases_in_image(bases: np.ndarray, reciprocals: np.ndarray) -> np.ndarray:
    """Place the spanning vectors in the image frame, 1/Å, (n, n_views, 2, 2)."""
    q = np.einsum("nvgi,nij->nvgj", bases.astype(np.float64), reciprocals)
    edge = np.sqrt(np.einsum("nvj,nvj->nv", q[:, :, 0], q[:, :, 0]))
    along = np.einsum("nvj,nvj->nv", q[:, :, 0], q[:, :, 1]) / edge
    square = np.einsum("nvj,nvj->nv", q[:, :, 1], q[:, :, 1])
    side = np.sign(np.linalg.det(reciprocals))[:, None]
    across = side * np.sqrt(np.maximum(square - along**2, 0))
    nothing = np.zeros_like(edge)
    return np.stack(
        [np.stack([edge, nothing], axis=-1), np.stack([along, across], axis=-1)], axis=-2
    )


@cache
def _family_table() -> tuple[np.ndarray, np.ndarray]:
    zones = sorted(OF_FAMILIES, key=lambda zone: int((np.array(zone) + 1) @ (9, 3, 1)))
    keys = np.array([int((np.array(zone) + 1) @ (9, 3, 1)) for zone in zones])
    return keys, np.array([OF_FAMILIES[zone] for zone in zones], dtype=np.int16)


def spanning_reflections(reciprocal: np.ndarray, zone: Zone) -> tuple[np.ndarray, np.ndarray]:
    """Find two reflections that span a zero-order layer, the first along image +x."""
    if zone in FIXED:
        first, second = FIXED[zone]
        return np.array(first), np.array(second)
    divisor = math.gcd(*zone)
    zone = (zone[0] // divisor, zone[1] // divisor, zone[2] // divisor)
    one = np.array(shortest_reflection(reciprocal, zone))
    # With u·first = 1 the cross product completes first to a basis: first x (zone x u) = zone.
    two = np.cross(zone, _bezout(one))
    q1, q2 = one @ reciprocal, two @ reciprocal
    return one, two - int(np.round((q1 @ q2) / (q1 @ q1))) * one


def _bezout(hkl: np.ndarray) -> np.ndarray:
    """Integers u with u·hkl = gcd(h, k, l)."""
    gcd, u = 0, np.zeros(3, dtype=int)
    for axis, index in enumerate(hkl):
        x, y, gcd = _extended_gcd(gcd, int(index))
        u = x * u
        u[axis] = y
    return u


def _extended_gcd(a: int, b: int) -> tuple[int, int, int]:
    """x, y and g = gcd(a, b) >= 0 with ax + by = g."""
    x, x_next, y, y_next = 1, 0, 0, 1
    while b:
        quotient = a // b
        a, b = b, a - quotient * b
        x, x_next = x_next, x - quotient * x_next
        y, y_next = y_next, y - quotient * y_next
    return (x, y, a) if a >= 0 else (-x, -y, -a)
