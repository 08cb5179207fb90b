"""Random unit cells that obey a space group, reduced as the symmetry finder reduces them."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np

from crystalsym import spacegroups

# Mean and spread of log(c / a), and how far ratios may go: what inorganic crystals show.
AXIAL_RATIO = {"tetragonal": (0.45, 0.55), "hexagonal": (0.45, 0.6), "rhombohedral": (0.9, 0.5)}
AXIS_SPREAD = 0.35
MAX_RATIO = 5.0
MONOCLINIC_ANGLE = (90.0, 128.0)
TRICLINIC_ANGLES = (62.0, 118.0)
PRIMITIVE_WITHOUT_GLIDE = (3, 4, 6, 10, 11)


def random_cell(number: int, rng: np.random.Generator) -> np.ndarray:
    """A random cell of unit volume in spglib's standard setting of a space group.

    Parameters
    ----------
    number : int
        Space group.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (3, 3)
        Lattice vectors as rows.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.crystals._random_cells import random_cell
    >>> cell = random_cell(166, np.random.default_rng(0))
    >>> a, b, c = np.linalg.norm(cell, axis=1)
    >>> bool(np.isclose(a, b)), bool(np.isclose(cell[0] @ cell[1], -a * b / 2))
    (True, True)
    """
    system = spacegroups.crystal_system(number)
    lattice = np.eye(3)
    if system in ("tetragonal", "trigonal", "hexagonal"):
        kind = "tetragonal" if system == "tetragonal" else "hexagonal"
        if spacegroups.symbol(number).startswith("R"):
            kind = "rhombohedral"
        lattice[2, 2] = _ratio(rng, *AXIAL_RATIO[kind])
        if kind != "tetragonal":
            lattice[1, :2] = -0.5, np.sqrt(0.75)
    elif system == "orthorhombic":
        lattice = np.diag([_ratio(rng, 0.0, AXIS_SPREAD) for _ in range(3)])
    elif system == "monoclinic":
        lattice = _monoclinic(number, rng)
    elif system == "triclinic":
        lattice = _triclinic(rng)
    return lattice / np.linalg.det(lattice) ** (1 / 3)


def _ratio(rng: np.random.Generator, mean: float, spread: float) -> float:
    return float(np.exp(np.clip(rng.normal(mean, spread), -np.log(MAX_RATIO), np.log(MAX_RATIO))))


def _monoclinic(number: int, rng: np.random.Generator) -> np.ndarray:
    a, b, c = (_ratio(rng, 0.0, AXIS_SPREAD) for _ in range(3))
    beta = np.radians(rng.uniform(*MONOCLINIC_ANGLE))
    plane = np.array([[a, 0.0], [c * np.cos(beta), c * np.sin(beta)]])
    # The shortest axes that serve the setting, at an obtuse angle.
    cells = _plane_changes(number) @ plane
    plane = cells[np.linalg.norm(cells, axis=2).sum(axis=1).argmin()]
    if plane[0] @ plane[1] > 0:
        plane[0] *= -1
    lattice = np.zeros((3, 3))
    lattice[np.ix_([0, 2], [0, 2])] = plane
    lattice[1, 1] = b * np.sign(np.linalg.det(plane))
    return lattice


@cache
def _plane_changes(number: int) -> np.ndarray:
    """Changes of a and c that keep centering and glide where they are."""
    m = np.array(list(product(range(-3, 4), repeat=4)), dtype=float).reshape(-1, 2, 2)
    m = m[np.abs(np.round(np.linalg.det(m))) == 1]
    if spacegroups.symbol(number).startswith("C"):  # (a + b) / 2 stays a translation
        m = m[m[:, 0, 1] % 2 == 0]
    elif number not in PRIMITIVE_WITHOUT_GLIDE:  # c / 2 stays the glide
        m = m[m[:, 1, 0] % 2 == 0]
    return m


def _triclinic(rng: np.random.Generator) -> np.ndarray:
    import spglib

    while True:
        edges = [_ratio(rng, 0.0, AXIS_SPREAD) for _ in range(3)]
        cosines = np.cos(np.radians(rng.uniform(*TRICLINIC_ANGLES, 3)))
        metric = np.eye(3)
        metric[[0, 0, 1], [1, 2, 2]] = metric[[1, 2, 2], [0, 0, 1]] = cosines
        if np.linalg.det(metric) > 0.2:  # no flat cell
            lattice = np.linalg.cholesky(metric * np.outer(edges, edges))
            return np.asarray(spglib.niggli_reduce(lattice))
