"""Dynamical classes: the groups that zero layers of electrons cannot tell apart by symmetry.

Along a zone axis the zero-order layer is scattered by the projected potential, whose symmetry is
one of the 17 plane groups. Its operations come from those of the space group that keep the zone
axis or turn it round, and they alone make spots equal (without Friedel's law) or dark. Dark at
exact incidence are the absences of the plane group: those of centering and of glide planes across
the beam, and, in rows, those of glide planes along the beam and of twofold screw axes across it
(Gjønnes & Moodie, Acta Cryst. 19, 65, 1965). Other screw axes leave no spot dark: 00l with l = 2
of a 4_1 axis is reached by way of others.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import permutations, product

import gemmi
import numpy as np
from numpy.typing import NDArray

from crystalsym.spacegroups._facts import check_number, crystal_system, group_operations

Zone = tuple[int, int, int]
# Glides and twofold screw axes show within this; further zones need some room.
_MAX_INDEX = 6
_PRINCIPAL: tuple[Zone, ...] = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
_OF_SYSTEMS: dict[str, tuple[Zone, ...]] = {
    "cubic": ((1, 1, 1), (1, -1, 0), (0, 0, 1)),
    **dict.fromkeys(("tetragonal", "trigonal", "hexagonal"), ((1, 0, 0), (1, -1, 0), (0, 0, 1))),
}


def dynamical_class(
    number: int,
    views: str = "symmetry-directions",
    further: Sequence[Zone] = (),
) -> tuple[int, ...]:
    """Return all groups that dynamical zero layers cannot tell from this one by symmetry.

    Two groups share a class when, in every view, the same spots are dark at exact incidence and
    the same spots have equal intensity by symmetry, Friedel's law not among it. Patterns are
    compared spot by spot within each of them and not with each other, for their thicknesses may
    differ; the axes of an orthorhombic cell may be permuted.

    Parameters
    ----------
    number : int
        Space group, 1 to 230.
    views : {"symmetry-directions", "zone-axes"}, default="symmetry-directions"
        Zone axes as those of :class:`crystalsym.DiffractionSimulator`, by the crystal system.
    further : sequence of tuple of int, default=()
        More zone axes [uvw], in the standard cell.

    Returns
    -------
    tuple of int
        Sorted numbers of all the groups of the class, `number` among them.

    Raises
    ------
    ValueError
        If the number is no space group's, or the views or zone axes are none.

    Examples
    --------
    Principal axes show F-43m as Fm-3m; the diagonals tell them apart, and a view along no symmetry
    direction tells P222 from Pmmm:

    >>> from crystalsym.spacegroups import dynamical_class
    >>> 225 in dynamical_class(216, "zone-axes"), 225 in dynamical_class(216)
    (True, False)
    >>> dynamical_class(16), dynamical_class(16, further=[(1, 2, 3)])
    ((16, 47), (16,))
    """
    return _class_table(_known_views(views), _known_zones(further))[check_number(number)]


def dynamical_classes(
    views: str = "symmetry-directions", further: Sequence[Zone] = ()
) -> list[tuple[int, ...]]:
    """List all dynamical classes, sorted; see `dynamical_class`.

    Parameters
    ----------
    views : {"symmetry-directions", "zone-axes"}, default="symmetry-directions"
    further : sequence of tuple of int, default=()

    Examples
    --------
    >>> from crystalsym.spacegroups import diffraction_classes, dynamical_classes
    >>> len(diffraction_classes()) < len(dynamical_classes()) < 230
    True
    """
    return sorted(set(_class_table(_known_views(views), _known_zones(further)).values()))


def _known_views(views: str) -> str:
    if views not in ("symmetry-directions", "zone-axes"):
        raise ValueError(f"views are 'symmetry-directions' or 'zone-axes', got {views!r}")
    return views


def _known_zones(further: Sequence[Zone]) -> tuple[Zone, ...]:
    zones = np.asarray(further)
    if zones.size == 0:
        return ()
    if zones.ndim != 2 or zones.shape[1] != 3 or not np.equal(zones, np.rint(zones)).all():
        raise ValueError(f"further zone axes are integers [u, v, w], got {further!r}")
    if not zones.any(axis=1).all():
        raise ValueError("a zone axis cannot be [0, 0, 0]")
    return tuple((int(u), int(v), int(w)) for u, v, w in zones)


@cache
def _class_table(views: str, further: tuple[Zone, ...]) -> dict[int, tuple[int, ...]]:
    members: dict[tuple[str, bytes], list[int]] = {}
    for number in range(1, 231):
        members.setdefault(_signature(number, views, further), []).append(number)
    return {number: tuple(groups) for groups in members.values() for number in groups}


def _signature(number: int, views: str, further: tuple[Zone, ...]) -> tuple[str, bytes]:
    """What is equal for groups of one class."""
    system = crystal_system(number)
    zones = _OF_SYSTEMS.get(system, _PRINCIPAL) if views == "symmetry-directions" else _PRINCIPAL
    operations = _operations(number)
    # As for kinematic classes: axes of an orthorhombic lattice are alike up to their names, and
    # trigonal and hexagonal lattices look alike.
    orders = list(permutations(range(3))) if system == "orthorhombic" else [(0, 1, 2)]
    family = "hexagonal" if system == "trigonal" else system
    return family, min(
        b"".join(_of_layer(renamed, zone) for zone in (*zones, *further))
        for renamed in (_renamed(operations, order) for order in orders)
    )


Operations = tuple[NDArray[np.int64], NDArray[np.int64]]


def _operations(number: int) -> Operations:
    """Rotation parts (n, 3, 3) and translations (n, 3), these in 1/24, centering included."""
    group = group_operations(number)
    centering = np.array(group.cen_ops, dtype=np.int64)
    rotations = np.array([op.rot for op in group.sym_ops], dtype=np.int64) // gemmi.Op.DEN
    shifts = np.array([op.tran for op in group.sym_ops], dtype=np.int64)
    together = (shifts[:, None] + centering[None]).reshape(-1, 3)
    return np.repeat(rotations, len(centering), axis=0), together


def _renamed(operations: Operations, order: tuple[int, ...]) -> Operations:
    """The same operations where axis i is called what was axis order[i]."""
    rotations, shifts = operations
    take = list(order)
    return rotations[:, take][:, :, take], shifts[:, take]


def _of_layer(operations: Operations, zone: Zone) -> bytes:
    """For each spot of the layer the first of its equivalents, or -1 where it is dark."""
    rotations, shifts = operations
    hkl, lookup = _layer(zone)
    images_of_zone = rotations @ np.array(zone)
    keeps = (images_of_zone == zone).all(axis=1) | (images_of_zone == -np.array(zone)).all(axis=1)
    dark = np.zeros(len(hkl), dtype=bool)
    first = np.arange(len(hkl))
    for rotation, shift in zip(rotations[keeps], shifts[keeps], strict=True):
        image = hkl @ rotation
        dark |= (image == hkl).all(axis=1) & ((hkl @ shift) % gemmi.Op.DEN != 0)
        inside = (np.abs(image) <= _MAX_INDEX).all(axis=1)
        places = lookup[tuple((np.where(inside[:, None], image, 0) + _MAX_INDEX).T)]
        np.maximum(first, np.where(inside, places, -1), out=first)
    return np.where(dark, -1, first).astype(np.int32).tobytes()


@cache
def _layer(zone: Zone) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Reflections of the zero-order layer, 000 left out, and the number of each by its indices."""
    span = np.arange(-_MAX_INDEX, _MAX_INDEX + 1)
    hkl = np.array(list(product(span, repeat=3)), dtype=np.int64)
    hkl = hkl[(hkl @ np.array(zone) == 0) & hkl.any(axis=1)]
    lookup = np.full((len(span),) * 3, -1)
    lookup[tuple((hkl + _MAX_INDEX).T)] = np.arange(len(hkl))
    return hkl, lookup
