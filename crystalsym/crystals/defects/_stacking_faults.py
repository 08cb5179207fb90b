"""Planes across which the crystal goes on shifted."""

from __future__ import annotations

from typing import Any

import numpy as np

from crystalsym.crystals._cluster import Cluster
from crystalsym.crystals.defects._parameter_checks import (
    check_rate,
    known_lattice,
    read_integers,
    read_vector,
)
from crystalsym.crystals.defects._structure_steps import ClusterStep

LONGEST_PERIOD = 12


class StackingFaults(ClusterStep):
    """Shift everything beyond randomly chosen lattice planes.

    Parameters
    ----------
    rate : float, default=0.1
        Probability of each plane to hold a fault, one independent of the other.
    plane : array-like of int, shape (3,), default=(1, 1, 1)
        Indices hkl; planes lie d(hkl) apart. With (2, 2, 2), for instance, there are twice as
        many as with (1, 1, 1).
    shift : array-like of shape (3,), default=(1/6, 1/6, -1/3)
        Fault vector in fractions of the cell's edges, within the plane. The defaults are the
        intrinsic (deformation) faults of a face-centered cubic metal.
    random_state : int, RandomState instance or None, default=None
        A crystal's place in X fixes its draw.

    Notes
    -----
    A fault R changes the phase of what lies beyond it by 2π q·R. Where q·R is whole nothing
    changes, everything else is drawn out along the plane's normal: in the face-centered cube,
    reflections with h + k - 2l = 6n are sharp (in hexagonal axes h - k = 3n), all others are
    streaks. Planes are cut where the layers of atoms are the farthest apart, so faults come
    before displacements.

    References
    ----------
    Warren, X-Ray Diffraction, 1969, ch. 13.

    Examples
    --------
    >>> from crystalsym.crystals.defects import CrystalBlock, StackingFaults
    >>> from crystalsym.datasets import example_crystals
    >>> block = CrystalBlock(6).transform([example_crystals()["Cu"]])[0]
    >>> faulted = StackingFaults(0.2, random_state=1).transform([block])[0]
    >>> steps = np.abs(faulted.positions - block.positions).max(axis=1)
    >>> bool(0 < (steps > 0.1).mean() < 1)
    True
    """

    def __init__(
        self,
        rate: float = 0.1,
        *,
        plane: Any = (1, 1, 1),
        shift: Any = (1 / 6, 1 / 6, -1 / 3),
        random_state: int | np.random.RandomState | None = None,
    ):
        self.rate = rate
        self.plane = plane
        self.shift = shift
        self.random_state = random_state

    def _check(self) -> None:
        check_rate(self.rate)
        across = float(read_integers(self.plane, "plane") @ read_vector(self.shift, "shift"))
        if abs(across) > 1e-6:
            raise ValueError(
                f"shift={self.shift!r} leaves the plane {self.plane!r}: hu + kv + lw is"
                f" {across:.3g}, not 0"
            )

    def _draws(self) -> bool:
        return self.rate not in (0, 1)

    def _changed(self, structure: Any, rng: np.random.Generator) -> Cluster:
        lattice = known_lattice(structure, "the plane of a fault")
        shift = read_vector(self.shift, "shift")
        height = structure.positions @ np.linalg.inv(lattice) @ read_integers(self.plane, "plane")
        layer = np.floor(height - widest_gap(height)).astype(int)
        layer -= layer.min()
        faults = np.cumsum(rng.random(layer.max() + 1) < self.rate)
        # The lowest layer stays; whole lattice vectors change nothing but the block's outline.
        number = (faults - faults[0])[layer] % _period(shift)
        return structure.replace(positions=structure.positions + np.outer(number, shift @ lattice))


def widest_gap(height: np.ndarray) -> float:
    """Where in [0, 1) the fractional parts of heights leave the widest gap: its middle."""
    parts = np.sort(np.round(height % 1, 9) % 1)
    gaps = np.diff(parts, append=parts[0] + 1)
    widest = int(gaps.argmax())
    return float((parts[widest] + gaps[widest] / 2) % 1)


def _period(shift: np.ndarray) -> int:
    """How many shifts make a lattice vector; more than there are planes if none do."""
    for n in range(1, LONGEST_PERIOD + 1):
        if np.allclose(n * shift, np.round(n * shift), atol=1e-6):
            return n
    return np.iinfo(np.int64).max
