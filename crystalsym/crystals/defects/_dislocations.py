"""Pairs of straight dislocations of opposite sign."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np

from crystalsym.crystals._cluster import Cluster
from crystalsym.crystals.defects._parameter_checks import (
    check_length,
    check_number,
    known_lattice,
    read_integers,
    read_vector,
)
from crystalsym.crystals.defects._structure_steps import ClusterStep

CORE = 1.0  # Å; closer to a line elasticity theory is not asked


class DislocationPairs(ClusterStep):
    """Shift atoms by the elastic field of pairs of opposite dislocations.

    Parameters
    ----------
    burgers : array-like of shape (3,)
        Burgers vector of the first of each pair in fractions of the cell's edges, a lattice
        vector as a rule, for instance (1/2, 1/2, 0). The second has its negative.
    line : array-like of int, shape (3,), default=(0, 0, 1)
        Lattice direction [uvw] of the lines. Along ``burgers`` they are screws, across it
        edges.
    pairs : int, default=1
        In each block, at random places across the line.
    separation : float, default=20.0
        Of the two lines, Å: along the edge part of ``burgers``, in the slip plane; for screws
        along any direction across the line.
    poisson : float, default=0.3
        Poisson's ratio of the isotropic medium.
    random_state : int, RandomState instance or None, default=None
        A crystal's place in X fixes its draw.

    Notes
    -----
    The shifts are those of one dislocation, Volterra's, less those of the other. They jump
    by the Burgers vector across the strip of slip plane between the lines and nowhere else, and
    fall off as 1/r. Edges have their slip plane across them, so no atom is put in or taken out.

    References
    ----------
    Hirth & Lothe, Theory of Dislocations, 1982, ch. 3.

    Examples
    --------
    >>> from crystalsym.crystals.defects import CrystalBlock, DislocationPairs
    >>> from crystalsym.datasets import example_crystals
    >>> block = CrystalBlock(10).transform([example_crystals()["Cu"]])[0]
    >>> screws = DislocationPairs((0, 0, 1), random_state=0).transform([block])[0]
    >>> shifts = screws.positions - block.positions
    >>> bool(np.allclose(shifts[:, :2], 0)), float(np.abs(shifts[:, 2]).max()) < 1.81
    (True, True)
    """

    def __init__(
        self,
        burgers: Any,
        *,
        line: Any = (0, 0, 1),
        pairs: int = 1,
        separation: float = 20.0,
        poisson: float = 0.3,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.burgers = burgers
        self.line = line
        self.pairs = pairs
        self.separation = separation
        self.poisson = poisson
        self.random_state = random_state

    def _check(self) -> None:
        read_vector(self.burgers, "burgers")
        read_integers(self.line, "line")
        check_length(self.separation, "separation", positive=True)
        check_number(self.poisson, "poisson")
        if not -1 < self.poisson < 0.5:
            raise ValueError(f"poisson must lie between -1 and 0.5, got {self.poisson!r}")
        if isinstance(self.pairs, bool) or not isinstance(self.pairs, Integral) or self.pairs < 0:
            raise ValueError(f"pairs must be an integer from 0 up, got {self.pairs!r}")

    def _changed(self, structure: Any, rng: np.random.Generator) -> Cluster:
        lattice = known_lattice(structure, "a Burgers vector")
        burgers = read_vector(self.burgers, "burgers") @ lattice
        frame = line_frame(burgers, read_integers(self.line, "line") @ lattice)
        places = structure.positions @ frame.T
        low, high = places[:, :2].min(axis=0), places[:, :2].max(axis=0)
        shifts = np.zeros_like(places)
        for _ in range(self.pairs):
            middle = rng.uniform(low, high)
            half = np.array([rng.choice([-1, 1]) * self.separation / 2, 0])
            shifts += pair_field(
                places[:, :2], middle - half, middle + half, frame @ burgers, self.poisson
            )
        return structure.replace(positions=structure.positions + shifts @ frame)


def line_frame(burgers: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Rows x, y, z: the edge part of the Burgers vector, the slip plane's normal, the line."""
    z = line / np.linalg.norm(line)
    x = burgers - (burgers @ z) * z
    if np.linalg.norm(x) < 1e-6 * np.linalg.norm(burgers):  # a screw: no slip plane is its own
        x = np.eye(3)[np.abs(z).argmin()]
        x = x - (x @ z) * z
    x = x / np.linalg.norm(x)
    return np.array([x, np.cross(z, x), z])


def pair_field(
    places: np.ndarray, first: np.ndarray, second: np.ndarray, burgers: np.ndarray, poisson: float
) -> np.ndarray:
    """Shifts about lines at ``first`` and ``second``, of opposite sign.

    Parameters
    ----------
    places : ndarray of shape (n, 2)
        Across the line, the first axis along the edge part of the Burgers vector, Å.
    first, second : ndarray of shape (2,)
    burgers : ndarray of shape (3,)
        Of the first: edge part, zero, screw part, Å.
    poisson : float

    Returns
    -------
    ndarray of shape (n, 3)
    """
    x1, y1 = (places - first).T
    x2, y2 = (places - second).T
    # The angle between the lines as a point sees them is cut just where it reaches 180°.
    angle = np.angle((x1 + 1j * y1) * (x2 - 1j * y2))
    square1, square2 = (np.maximum(x * x + y * y, CORE**2) for x, y in ((x1, y1), (x2, y2)))
    edge, screw = burgers[0] / (2 * np.pi), burgers[2] / (2 * np.pi)
    along = angle + (x1 * y1 / square1 - x2 * y2 / square2) / (2 * (1 - poisson))
    across = (1 - 2 * poisson) * np.log(square1 / square2)
    across += (x1**2 - y1**2) / square1 - (x2**2 - y2**2) / square2
    return np.column_stack([edge * along, -edge * across / (4 * (1 - poisson)), screw * angle])
