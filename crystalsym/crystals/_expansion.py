"""The atoms of a cell from those of its asymmetric unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from crystalsym.crystals._close_atoms import close_pairs
from crystalsym.crystals._notes import listed
from crystalsym.crystals._operations import GRID, Operations

SAME_PLACE = 1e-3  # Å, within which places differ by rounding alone
FARTHEST = 0.05  # Å, over which nothing is brought together
MOST_OCCUPIED = 1.05  # sums up to here are rounding or refinement


@dataclass(frozen=True)
class SiteAtom:
    """One atom of an asymmetric unit.

    ``unit`` is what one unit of its last written digit is worth, as a fraction of an edge.
    """

    label: str
    atomic_number: int
    occupancy: float
    place: np.ndarray
    unit: float = 0.0


@dataclass(frozen=True)
class Expanded:
    """All atoms of a cell, and what had to be brought together for it."""

    places: np.ndarray
    atomic_numbers: np.ndarray
    occupancies: np.ndarray
    notes: tuple[str, ...]


def expand(atoms: Sequence[SiteAtom], operations: Operations, lattice: np.ndarray) -> Expanded:
    """Apply symmetry operations to atoms, and bring together what is one atom.

    Images of one atom are one if the atom is within two units of its last written digit, and they
    within 0.05 Å. Different atoms within 0.05 Å share a site, or are one that is listed twice.

    Parameters
    ----------
    atoms : sequence of SiteAtom
    operations : Operations
    lattice : ndarray of shape (3, 3)
        Rows, in Å.

    Returns
    -------
    Expanded

    Raises
    ------
    ValueError
        If atoms are at one place that cannot be; names them.
    """
    notes: list[str] = []
    orders, moved, settled = [], [], []
    for atom in atoms:
        place, order, distance = _special(atom, operations, lattice)
        settled.append(replace(atom, place=place))
        orders.append(order)
        if distance > SAME_PLACE:
            moved.append((atom.label, distance))
    if moved:
        notes.append(
            f"{listed(label for label, _ in moved)}: moved by up to"
            f" {max(distance for _, distance in moved):.2g} Å to the special position that the"
            " digits written allow"
        )
    settled = _shared(settled, orders, operations, lattice, notes)
    orbits = [_orbit(atom.place, operations, lattice) for atom in settled]
    counts = [len(orbit) for orbit in orbits]
    return Expanded(
        np.concatenate(orbits),
        np.repeat([atom.atomic_number for atom in settled], counts),
        np.repeat([atom.occupancy for atom in settled], counts),
        tuple(notes),
    )


def _images(place: np.ndarray, operations: Operations) -> np.ndarray:
    return operations.rotations @ place + operations.translations / GRID


def _special(
    atom: SiteAtom, operations: Operations, lattice: np.ndarray
) -> tuple[np.ndarray, int, float]:
    """Place moved to the special position it is meant to be on, the order of its site symmetry,
    and the distance moved."""
    place = atom.place
    order = 1
    if len(operations) == 1:
        return place, order, 0.0
    for _ in range(3):  # the mean may complete the site symmetry
        away = _images(place, operations) - place
        away -= np.round(away)
        distance = np.linalg.norm(away @ lattice, axis=1)
        written = np.abs(away).max(axis=1) <= 4 * atom.unit * (1 + 1e-6)
        same = (distance < SAME_PLACE) | (written & (distance <= FARTHEST))
        if same.sum() == order:
            break
        order = int(same.sum())
        place = place + away[same].mean(axis=0)
    return place, order, float(np.linalg.norm((place - atom.place) @ lattice))


def _orbit(place: np.ndarray, operations: Operations, lattice: np.ndarray) -> np.ndarray:
    images = _images(place, operations)
    images -= np.floor(images + 1e-9)
    if len(operations) == 1:
        return images
    first, second = close_pairs(lattice, images, SAME_PLACE)
    kept = np.ones(len(images), dtype=bool)
    kept[np.maximum(first, second)] = False
    return images[kept]


def _shared(
    atoms: list[SiteAtom],
    orders: list[int],
    operations: Operations,
    lattice: np.ndarray,
    notes: list[str],
) -> list[SiteAtom]:
    """Atoms of one site put on one place, and once each."""
    orbits = [_orbit(atom.place, operations, lattice) for atom in atoms]
    owners = np.repeat(np.arange(len(atoms)), [len(orbit) for orbit in orbits])
    first, second = close_pairs(lattice, np.concatenate(orbits), FARTHEST)
    links = {
        (min(i, j), max(i, j))
        for i, j in zip(owners[first].tolist(), owners[second].tolist(), strict=True)
        if i != j
    }
    result: list[SiteAtom] = []
    twice: list[str] = []
    joined: list[str] = []
    scaled: list[str] = []
    for group in _groups(len(atoms), links):
        members = [atoms[i] for i in group]
        best = max(group, key=lambda i: (orders[i], atoms[i].occupancy, -i))
        if len(group) > 1:
            members, dropped = _once_each(members, lattice)
            twice += dropped
            off = [_distance(member.place, atoms[best], operations, lattice) for member in members]
            if max(off) > SAME_PLACE:
                joined.append(f"{'/'.join(m.label for m in members)} ({max(off):.2g} Å)")
        total = sum(member.occupancy for member in members)
        names = "/".join(member.label for member in members)
        if total > MOST_OCCUPIED:
            raise ValueError(
                f"{names}: one site ({', '.join(f'{x:.4g}' for x in atoms[best].place)}) is"
                f" occupied {total:.4g} times, needs at most 1 in all"
            )
        if total > 1 + 1e-9:
            scaled.append(f"{names} ({total:.5g})")
        for member in _of_one_element(members):
            occupancy = member.occupancy / max(total, 1.0)
            result.append(replace(member, place=atoms[best].place, occupancy=occupancy))
    if twice:
        why = "though symmetry gives them" if len(operations) > 1 else "twice"
        notes.append(f"{listed(twice)}: listed {why}, taken once")
    if joined:
        notes.append(f"{listed(joined)}: apart by less than {FARTHEST} Å, taken as one site")
    if scaled:
        notes.append(f"{listed(scaled)}: occupied more than once, scaled to 1")
    return result


def _groups(n: int, links: set[tuple[int, int]]) -> list[list[int]]:
    if not links:
        return [[i] for i in range(n)]
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows, columns = np.array(sorted(links)).T
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(n, n))
    _, labels = connected_components(graph, directed=False)
    groups: dict[int, list[int]] = {}
    for atom, group in enumerate(labels.tolist()):
        groups.setdefault(group, []).append(atom)
    return list(groups.values())


def _once_each(members: list[SiteAtom], lattice: np.ndarray) -> tuple[list[SiteAtom], list[str]]:
    """Members of a site without those that are an image, or a repeat, of one before them."""
    kept: list[SiteAtom] = []
    dropped = []
    full = sum(member.occupancy for member in members) > MOST_OCCUPIED
    for member in members:
        alike = [
            other
            for other in kept
            if other.atomic_number == member.atomic_number
            and abs(other.occupancy - member.occupancy) < 1e-6
        ]
        away = [member.place - other.place for other in alike]
        elsewhere = any(np.linalg.norm((d - np.round(d)) @ lattice) > FARTHEST for d in away)
        if alike and (full or elsewhere):
            dropped.append(member.label)
        else:
            kept.append(member)
    return kept, dropped


def _distance(
    place: np.ndarray, atom: SiteAtom, operations: Operations, lattice: np.ndarray
) -> float:
    away = _images(place, operations) - atom.place
    return float(np.linalg.norm((away - np.round(away)) @ lattice, axis=1).min())


def _of_one_element(members: list[SiteAtom]) -> list[SiteAtom]:
    """One entry an element: Fe 0.5 and Fe 0.5 at one place are Fe 1."""
    totals: dict[int, SiteAtom] = {}
    for member in members:
        before = totals.get(member.atomic_number)
        occupancy = member.occupancy + (before.occupancy if before else 0)
        totals[member.atomic_number] = replace(before or member, occupancy=occupancy)
    return list(totals.values())
