"""Changes of a crystal that leave its space group alone, drawn anew for every epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from crystalsym.datasets import CrystalTable
from crystalsym.diffraction import SpotPatterns
from crystalsym.spacegroups import crystal_system

# Two elements closer than this in atomic number may look like one to X-rays.
LEAST_DIFFERENCE = 2
TRIES = 20
HEAVIEST, HEAVIEST_KNOWN = 94, 98
# Decimal logarithms of the faintest spots of dimmed patterns.
DIMMED = (-5.0, -3.0)
PERMUTATIONS = np.array([[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 2, 1], [2, 1, 0], [1, 0, 2]])
PERMUTED_SYSTEMS = ("triclinic", "monoclinic", "orthorhombic")


@dataclass(frozen=True)
class Augmentation:
    """Say how often and how much crystals are changed.

    Parameters
    ----------
    changed : float, default=0.6
        Part of the crystals that differ from the real ones in an epoch; what follows concerns
        these.
    exchanged : float, default=0.7
        Part of a changed crystal's elements that become others. Different ones stay different,
        so the group stays the same.
    scale : float, default=0.01
        Standard deviation of the logarithm of the cell's edges; equal edges stay equal.
    permuted : float, default=0.0
        Part of the changed orthorhombic and lower crystals whose axes change places.
    zone_axes : float, default=0.0
        Part of the changed crystals seen along [100], [010], [001] whatever their cell.
    dimmed : float, default=0.0
        Part of the changed crystals whose weak spots are lost, as in a short exposure: below
        10^-5 to 10^-3 of the strongest, at random.
    mirrored : bool, default=True
        Show each pattern of any crystal as it is or as seen from behind, at random.

    Examples
    --------
    >>> from crystalsym.learning import Augmentation
    >>> Augmentation(changed=0.5).mirrored
    True
    """

    changed: float = 0.6
    exchanged: float = 0.7
    scale: float = 0.01
    permuted: float = 0.0
    zone_axes: float = 0.0
    dimmed: float = 0.0
    mirrored: bool = True

    def __post_init__(self):
        for name in ("changed", "exchanged", "permuted", "zone_axes", "dimmed"):
            value = getattr(self, name)
            if isinstance(value, bool) or not 0 <= value <= 1:
                raise ValueError(f"{name} must be a number from 0 to 1, got {value!r}")
        if not 0 <= self.scale < 0.2:
            raise ValueError(f"scale must be a number from 0 to below 0.2, got {self.scale!r}")


@dataclass(frozen=True)
class Changes:
    """What is changed about each crystal of a table in one epoch.

    Attributes
    ----------
    changed : ndarray of bool, shape (n,)
    elements : ndarray of int, shape (n, 99)
        What each element of a crystal becomes.
    factors : ndarray of shape (n, 3)
        Of the edges.
    orders : ndarray of int, shape (n,)
        Rows of ``PERMUTATIONS``.
    along_axes : ndarray of bool, shape (n,)
        Seen along [100], [010], [001] whatever the cell.
    faintest : ndarray of shape (n,)
        Spots below this part of the strongest are lost.
    mirrored : ndarray of bool, shape (n, 3)
    """

    changed: np.ndarray
    elements: np.ndarray
    factors: np.ndarray
    orders: np.ndarray
    along_axes: np.ndarray
    faintest: np.ndarray
    mirrored: np.ndarray

    @classmethod
    def drawn(cls, how: Augmentation, table: CrystalTable, seed: Sequence[int]) -> Changes:
        """Draw the changes of every crystal of a table of standard cells."""
        rng = np.random.default_rng(seed)
        n = len(table)
        changed = rng.random(n) < how.changed
        kinds = kinds_of(table)
        drawn = kinds[changed]
        drawn = exchanged_elements(drawn, how.exchanged, element_weights(kinds), rng)
        elements = np.tile(np.arange(HEAVIEST_KNOWN + 1, dtype=np.uint8), (n, 1))
        rows = np.flatnonzero(changed)[:, None]
        elements[rows, kinds[changed]] = drawn
        elements[:, 0] = 0  # the filling of ``kinds`` is no element
        factors = np.ones((n, 3))
        factors[changed] = scaled_edges(np.asarray(table.lattice[changed], float), how.scale, rng)
        along_axes = changed & (rng.random(n) < how.zone_axes)
        orders = np.zeros(n, dtype=np.int64)
        permuted = changed & _low(table) & (rng.random(n) < how.permuted)
        orders[permuted] = rng.integers(1, len(PERMUTATIONS), permuted.sum())
        faintest = np.zeros(n)
        dimmed = changed & (rng.random(n) < how.dimmed)
        faintest[dimmed] = 10 ** rng.uniform(*DIMMED, dimmed.sum())
        mirrored = (rng.random((n, 3)) < 0.5) & how.mirrored
        return cls(changed, elements, factors, orders, along_axes | permuted, faintest, mirrored)

    def crystals(self, part: CrystalTable, rows: np.ndarray) -> CrystalTable:
        """Change some crystals, the given rows of the table."""
        owner = np.repeat(np.arange(len(rows)), np.diff(part.site_offsets))
        order = PERMUTATIONS[self.orders[rows]]
        lattice = np.asarray(part.lattice, dtype=np.float64) * self.factors[rows][:, :, None]
        return CrystalTable(
            np.take_along_axis(lattice, order[:, :, None], axis=1),
            part.site_offsets,
            np.take_along_axis(np.asarray(part.frac_coords), order[owner], axis=1),
            self.elements[rows[owner], part.atomic_numbers],
            standard=True,
        )

    def dim(self, spots: SpotPatterns, rows: np.ndarray) -> SpotPatterns:
        """Lose the faint spots of some crystals."""
        # An empty pattern takes the strongest of another, and has nothing to lose by it.
        strongest = np.maximum.reduceat(np.append(spots.intensity, 0), spots.starts[:-1])
        floor = strongest * self.faintest[rows].repeat(spots.n_views)
        lost = spots.intensity < floor.repeat(np.diff(spots.starts))
        return replace(spots, intensity=np.where(lost, 0, spots.intensity))

    def mirror(self, images: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Show some patterns (n, S, H, W, C) as seen from behind."""
        return from_behind(images, self.mirrored[rows])


def from_behind(images: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
    """Show, in place, the patterns (n, S, H, W, C) that ``mirrored`` (n, S) marks from behind."""
    crystal, view = np.nonzero(mirrored)
    images[crystal, view] = images[crystal, view, :, ::-1]
    return images


def kinds_of(table: CrystalTable) -> np.ndarray:
    """The elements of each crystal by atomic number, int of shape (n, k), filled with 0."""
    counts = np.diff(table.site_offsets)
    owner = np.repeat(np.arange(len(table)), counts)
    order = np.lexsort((table.atomic_numbers, owner))
    numbers = np.asarray(table.atomic_numbers)[order].astype(np.int64)
    new = np.ones(len(order), dtype=bool)
    new[1:] = (numbers[1:] != numbers[:-1]) | (owner[1:] != owner[:-1])
    rank = np.cumsum(new) - 1
    offsets = np.asarray(table.site_offsets, dtype=np.int64)
    kind = rank - rank[offsets[:-1]].repeat(counts)
    kinds = np.zeros((len(table), int(kind.max()) + 1), dtype=np.int64)
    kinds[owner, kind] = numbers
    return kinds


def _low(table: CrystalTable) -> np.ndarray:
    """Crystals of orthorhombic or lower symmetry; none where the group is not known."""
    if table.space_group is None:
        return np.zeros(len(table), dtype=bool)
    systems = [crystal_system(int(group)) for group in table.space_group]
    return np.isin(systems, PERMUTED_SYSTEMS)


def element_weights(kinds: np.ndarray) -> np.ndarray:
    """Probability of each atomic number, by how many crystals hold it.

    Parameters
    ----------
    kinds : ndarray of int, shape (n, k)
        Atomic numbers of each crystal's elements; 0 where it has fewer than k.
    """
    counts = np.bincount(kinds.ravel(), minlength=HEAVIEST + 1)[: HEAVIEST + 1].astype(float)
    counts[0] = 0
    return counts / counts.sum()


def exchanged_elements(
    kinds: np.ndarray, share: float, weights: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Other elements for some of the elements of each crystal.

    Parameters
    ----------
    kinds : ndarray of int, shape (n, k)
        Atomic numbers of each crystal's elements; 0 where it has fewer than k.
    share : float
        Part to be exchanged.
    weights : ndarray of shape (HEAVIEST + 1,)
        Probability of each element.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int, shape (n, k)
        Elements of a crystal differ by two or more in atomic number; crystals for which no such
        draw was found keep theirs.
    """
    out = kinds.copy()
    todo = np.arange(len(kinds))
    flipped = (rng.random(kinds.shape) < share) & (kinds > 0)
    for _ in range(TRIES):
        if not len(todo):
            break
        drawn = rng.choice(len(weights), size=(len(todo), kinds.shape[1]), p=weights)
        drawn = np.where(flipped[todo], drawn, kinds[todo])
        good = _all_differ(drawn)
        out[todo[good]] = drawn[good]
        todo = todo[~good]
    return out


def scaled_edges(lattice: np.ndarray, scale: float, rng: np.random.Generator) -> np.ndarray:
    """Factors of the edges a, b, c of each cell, shape (n, 3); the same for equal edges."""
    edges = np.sqrt(np.einsum("nij,nij->ni", lattice, lattice))
    factors = np.exp(scale * rng.standard_normal(edges.shape))
    for one, two in ((0, 1), (1, 2), (0, 2)):
        same = np.abs(edges[:, one] / edges[:, two] - 1) < 1e-3
        factors[same, two] = factors[same, one]
    return factors


def _all_differ(kinds: np.ndarray) -> np.ndarray:
    """Rows without two elements that are nearly the same; zeros are no elements."""
    filled = np.where(kinds > 0, kinds, -1000 * (1 + np.arange(kinds.shape[1])))
    ordered = np.sort(filled, axis=1)
    return np.all(np.diff(ordered, axis=1) >= LEAST_DIFFERENCE, axis=1)
