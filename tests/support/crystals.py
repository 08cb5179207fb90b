"""Small crystals with known answers."""

from __future__ import annotations

import gemmi
import numpy as np

from crystalsym.crystals import Crystal


def lattice_of(a, b, c, alpha=90.0, beta=90.0, gamma=90.0) -> np.ndarray:
    """Rows a ∥ x, b in the xy plane, Å and degrees."""
    return np.array(gemmi.UnitCell(a, b, c, alpha, beta, gamma).orth.mat.tolist()).T


def cell_of(lattice: np.ndarray) -> np.ndarray:
    """Edges (Å) and angles (degrees) of a lattice, shape (6,)."""
    edges = np.linalg.norm(lattice, axis=1)
    unit = lattice / edges[:, None]
    cosines = [unit[1] @ unit[2], unit[0] @ unit[2], unit[0] @ unit[1]]
    return np.concatenate([edges, np.degrees(np.arccos(cosines))])


def one_atom(lattice, number: int = 26) -> Crystal:
    """One atom at the origin: every reflection is present."""
    return Crystal(np.asarray(lattice, dtype=float), [[0.0, 0.0, 0.0]], [number])


def turned(rng: np.random.Generator) -> np.ndarray:
    """A random proper rotation."""
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return q * np.sign(np.linalg.det(q))


NACL = Crystal(
    np.eye(3) * 5.64,
    np.array(
        [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]
    )
    / 2,
    [11] * 4 + [17] * 4,
    name="NaCl",
)
