"""Homogeneous strain, and strain that changes evenly along a direction."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from crystalsym.crystals._cluster import Cluster
from crystalsym.crystals.defects._parameter_checks import read_vector
from crystalsym.crystals.defects._structure_steps import ClusterStep


class Strain(ClusterStep):
    """Strain each block evenly, or the more the farther along a direction.

    Parameters
    ----------
    strain : float or array-like of shape (3, 3), default=0.0
        Symmetric tensor ε in the Cartesian frame of the block, or a number for the same relative
        elongation in all directions. The lattice is strained as well.
    gradient : array-like of shape (3,), optional
        Vector d, 1/Å: every Å along ``along``, n, adds the distortion d nᵀ, so that
        u = d (n·r)² / 2 about the middle of the block. Along n it is a gradient of elongation,
        across n the bending of lattice planes. Its mean is zero; the lattice stays as it is.
    along : array-like of shape (3,), optional
        Cartesian direction n of the gradient; by default that of ``gradient``.

    Examples
    --------
    >>> from crystalsym.crystals.defects import CrystalBlock, Strain
    >>> from crystalsym.datasets import example_crystals
    >>> block = CrystalBlock(4).transform([example_crystals()["NaCl"]])[0]
    >>> strained = Strain(0.01).transform([block])[0]
    >>> (strained.lattice[0, 0] / block.lattice[0, 0]).round(6).item()
    1.01
    """

    def __init__(self, strain: Any = 0.0, *, gradient: Any = None, along: Any = None):
        self.strain = strain
        self.gradient = gradient
        self.along = along

    def _check(self) -> None:
        self._tensor()
        if self.gradient is not None:
            read_vector(self.gradient, "gradient")
        if self.along is not None:
            read_vector(self.along, "along")
            if self.gradient is None:
                raise ValueError(f"along={self.along!r} is the direction of a gradient: give one")

    def _tensor(self) -> np.ndarray:
        tensor = np.asarray(self.strain, dtype=float)
        if isinstance(self.strain, Real) and not isinstance(self.strain, bool):
            tensor = float(self.strain) * np.eye(3)
        if tensor.shape != (3, 3) or not np.isfinite(tensor).all():
            raise ValueError(
                f"strain must be a finite number or a (3, 3) tensor, got {self.strain!r}"
            )
        if not np.allclose(tensor, tensor.T, atol=1e-12):
            raise ValueError(
                f"strain must be symmetric, got {self.strain!r}; the rest is a rotation"
            )
        if np.linalg.eigvalsh(tensor).min() <= -1:
            raise ValueError(f"strain={self.strain!r} leaves no volume")
        return tensor

    def _changed(self, structure: Any, rng: np.random.Generator) -> Cluster:
        distortion = np.eye(3) + self._tensor()
        middle = structure.positions.mean(axis=0)
        places = structure.positions - middle
        moved = places @ distortion
        if self.gradient is not None:
            gradient = read_vector(self.gradient, "gradient")
            normal = gradient if self.along is None else read_vector(self.along, "along")
            away = places @ (normal / np.linalg.norm(normal))
            moved = moved + 0.5 * np.outer(away**2, gradient)
        lattice = None if structure.lattice is None else structure.lattice @ distortion
        return structure.replace(positions=moved + middle, lattice=lattice)
