"""Diffraction classes: the groups that kinematic diffraction cannot tell apart by symmetry."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import permutations, product

import gemmi
import numpy as np
from numpy.typing import NDArray

from crystalsym.spacegroups._facts import check_number, crystal_system, group_operations, is_absent

# Systematic absences and intensity symmetry are periodic in hkl: every screw axis and glide plane
# shows within |h| <= 6 (the longest period is that of 6_1).
_MAX_INDEX = 6


def diffraction_class(number: int, kind: str = "zone-axes") -> tuple[int, ...]:
    """Return all groups that kinematic diffraction cannot tell from this one by symmetry.

    Two groups share a class when the same reflections are systematically absent and the same
    reflections have equal intensity by symmetry (Friedel's law included), in axes that a standard
    setting of the lattice leaves open: the names a, b, c of an orthorhombic cell may be permuted.

    Parameters
    ----------
    number : int
        Space group, 1 to 230.
    kind : {"zone-axes", "full"}
        "zone-axes" counts reflections in the three layers 0kl, h0l and hk0 (97 classes), "full"
        all reflections (122 classes, the diffraction symbols).

    Returns
    -------
    tuple of int
        Sorted numbers of all the groups of the class, `number` among them.

    Examples
    --------
    >>> diffraction_class(62)
    (33, 62)
    >>> diffraction_class(225)
    (209, 216, 219, 225, 226)
    >>> diffraction_class(225, kind="full")
    (209, 216, 225)
    """
    return _class_table(_kind(kind))[check_number(number)]


def diffraction_classes(kind: str = "zone-axes") -> list[tuple[int, ...]]:
    """List all diffraction classes, sorted; see `diffraction_class`.

    Parameters
    ----------
    kind : {"zone-axes", "full"}, default="zone-axes"

    Examples
    --------
    >>> len(diffraction_classes()), len(diffraction_classes("full"))
    (97, 122)
    """
    return sorted(set(_class_table(_kind(kind)).values()))


def _kind(kind: str) -> str:
    if kind not in ("zone-axes", "full"):
        raise ValueError(f"kind of diffraction class is 'zone-axes' or 'full', got {kind!r}")
    return kind


@cache
def _class_table(kind: str) -> dict[int, tuple[int, ...]]:
    members: dict[tuple[str, bytes], list[int]] = {}
    signature = _signature_maker(kind)
    for number in range(1, 231):
        members.setdefault(signature(number), []).append(number)
    return {number: tuple(groups) for groups in members.values() for number in groups}


def _signature_maker(kind: str) -> Callable[[int], tuple[str, bytes]]:
    """A function of the group that is equal for groups of one class."""
    span = np.arange(-_MAX_INDEX, _MAX_INDEX + 1)
    hkl = np.array(list(product(span, repeat=3)), dtype=np.int32)
    if kind == "zone-axes":
        hkl = hkl[(hkl == 0).any(axis=1)]
    lookup = np.full((len(span),) * 3, -1)
    lookup[tuple((hkl + _MAX_INDEX).T)] = np.arange(len(hkl))

    @cache  # groups of one Laue class share it
    def first_equivalents(rotations: tuple[bytes, ...], order: tuple[int, ...]) -> bytes:
        original = _in_order(hkl, order)
        first = np.zeros(len(hkl), dtype=int)
        for rotation in rotations:
            image = (original @ np.frombuffer(rotation, np.int32).reshape(3, 3))[:, order]
            inside = (np.abs(image) <= _MAX_INDEX).all(axis=1)
            clipped = np.clip(image, -_MAX_INDEX, _MAX_INDEX) + _MAX_INDEX
            np.maximum(first, np.where(inside, lookup[tuple(clipped.T)], -1), out=first)
        return first.tobytes()

    def signature(number: int) -> tuple[str, bytes]:
        system = crystal_system(number)
        rotations = _laue_rotations(number)
        # Only in an orthorhombic lattice are the three axes alike up to their names.
        orders = list(permutations(range(3))) if system == "orthorhombic" else [(0, 1, 2)]
        # Trigonal and hexagonal lattices look alike; what differs shows in the intensities.
        family = "hexagonal" if system == "trigonal" else system
        return family, min(
            is_absent(number, _in_order(hkl, order)).tobytes() + first_equivalents(rotations, order)
            for order in orders
        )

    return signature


def _in_order(hkl: NDArray[np.int32], order: tuple[int, ...]) -> NDArray[np.int32]:
    """The same reflections where the axes have each other's names."""
    original = np.empty_like(hkl)
    original[:, order] = hkl
    return original


def _laue_rotations(number: int) -> tuple[bytes, ...]:
    """Rotation parts of the Laue group, int32 (3, 3); they act on rows hkl from the right."""
    unique = set()
    for op in group_operations(number).sym_ops:
        rotation = np.array(op.rot, dtype=np.int32) // gemmi.Op.DEN
        unique |= {rotation.tobytes(), (-rotation).tobytes()}  # Friedel's law
    return tuple(sorted(unique))
