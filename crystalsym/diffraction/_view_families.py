"""Families of views by name, and views as they are given."""

from __future__ import annotations

import math

import numpy as np

from crystalsym.diffraction._geometry import View
from crystalsym.diffraction._zone_axes import (
    PRINCIPAL,
    symmetry_directions,
    symmetry_rotation,
    zone_axis_rotation,
)

# How many views each family has.
VIEW_FAMILIES = {
    "zone-axes": 3,
    "symmetry-directions": 3,
    "cartesian": 3,
    "rotations": 3,
    "rotation-pairs": 6,
}


def resolve_views(views, lattice: np.ndarray | None) -> list[View]:
    """Find the views of one crystal.

    Parameters
    ----------
    views : str or array-like
        ``"zone-axes"`` (beam along [100], [010], [001]), ``"symmetry-directions"`` (see
        :func:`symmetry_directions`), ``"cartesian"`` (beam along the Cartesian x, y, z),
        ``"rotations"`` (crystal turned by +45° about x, y, z, beam along z), ``"rotation-pairs"``
        (by -45° and +45° about x, about y, about z: six views), integers [u, v, w] of shape
        (n, 3), or rotation matrices of shape (n, 3, 3).
    lattice : ndarray of shape (3, 3) or None
        Lattice vectors as rows, Å. Zone axes need it.

    Returns
    -------
    list of View

    Raises
    ------
    ValueError
        If the views are of no such kind, or zone axes without a lattice.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.diffraction import resolve_views
    >>> [view.zone for view in resolve_views("zone-axes", np.eye(3))]
    [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    """
    if isinstance(views, str):
        if views == "zone-axes":
            known = _known(lattice)
            return [View(zone_axis_rotation(known, zone), zone) for zone in PRINCIPAL]
        if views == "symmetry-directions":
            known = _known(lattice)
            return [
                View(symmetry_rotation(known, zone), zone) for zone in symmetry_directions(known)
            ]
        if views == "cartesian":
            return [View(np.roll(np.eye(3), -1 - axis, axis=0)) for axis in range(3)]
        if views == "rotations":
            return [View(_rotation_about(axis, math.pi / 4)) for axis in range(3)]
        if views == "rotation-pairs":
            turns = [(axis, sign * math.pi / 4) for axis in range(3) for sign in (-1, 1)]
            return [View(_rotation_about(axis, angle)) for axis, angle in turns]
        raise ValueError(
            f"views must be one of {tuple(VIEW_FAMILIES)}, an (n, 3) list of [u, v, w], or"
            f" (n, 3, 3) rotation matrices; got {views!r}"
        )
    array = np.asarray(views, dtype=float)
    if array.ndim == 3 and array.shape[1:] == (3, 3):
        for index, rotation in enumerate(array):
            if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-6):
                raise ValueError(f"views[{index}] is no rotation matrix: R Rᵀ differs from 1")
            if np.linalg.det(rotation) < 0:
                raise ValueError(f"views[{index}] is no rotation matrix: it mirrors (det R = -1)")
        return [View(rotation) for rotation in array]
    if array.ndim == 2 and array.shape[1] == 3 and len(array):
        if not np.allclose(array, np.round(array)) or not array.any(axis=1).all():
            raise ValueError("zone axes [u, v, w] must be integers and not all zero")
        zones = [(round(u), round(v), round(w)) for u, v, w in array.tolist()]
        return [View(zone_axis_rotation(_known(lattice), zone), zone) for zone in zones]
    if array.ndim == 0:
        raise ValueError(
            f"views must be one of {tuple(VIEW_FAMILIES)}, zone axes or rotation matrices, got"
            f" {views!r}; the number of pixels is image_size"
        )
    raise ValueError(f"views of shape {array.shape}: give (n, 3) zone axes or (n, 3, 3) rotations")


def _known(lattice: np.ndarray | None) -> np.ndarray:
    if lattice is None:
        raise ValueError(
            "a cluster without a lattice has no zone axes: give it one, or use views"
            ' "cartesian", "rotations" or rotation matrices'
        )
    return lattice


def _rotation_about(axis: int, angle: float) -> np.ndarray:
    i, j = (axis + 1) % 3, (axis + 2) % 3
    rotation = np.eye(3)
    rotation[i, i] = rotation[j, j] = math.cos(angle)
    rotation[i, j], rotation[j, i] = -math.sin(angle), math.sin(angle)
    return rotation
