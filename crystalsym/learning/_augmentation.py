"""Changes of a crystal that leave its space group alone, drawn anew for every epoch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Two elements closer than this in atomic number may look like one to X-rays.
LEAST_DIFFERENCE = 2
TRIES = 20
HEAVIEST = 94
# Decimal logarithms of the faintest spots of dimmed patterns.
DIMMED = (-5.0, -3.0)


@dataclass(frozen=True)
class Augmentation:
    """How often and how much crystals are changed.

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
