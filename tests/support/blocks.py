"""Blocks of cells and their structure factors, written out."""

from __future__ import annotations

import numpy as np

from crystalsym.crystals import Cluster, Crystal
from crystalsym.scattering import scattering_factors

FACE_CENTERED = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
COPPER = Crystal(np.eye(3) * 3.6, FACE_CENTERED, [29] * 4, name="Cu")
# One atom in each cell: everything can be counted.
SIMPLE = Crystal(np.diag([3.0, 3.5, 4.0]), [[0, 0, 0]], [29], name="simple")
CSCL = Crystal(np.eye(3) * 4.1, [[0, 0, 0], [0.5, 0.5, 0.5]], [55, 17], name="CsCl")


def block(crystal: Crystal, cells=8) -> Cluster:
    return Cluster.from_crystal(crystal, cells)


def structure_factors_of(cluster: Cluster, hkl) -> np.ndarray:
    """Σ w f exp(2πi h·x) / N at any hkl of the cluster's lattice, whole or not."""
    hkl = np.atleast_2d(np.asarray(hkl, dtype=float))
    reciprocal = np.linalg.inv(cluster.lattice).T
    factors = scattering_factors(
        cluster.atomic_numbers, np.linalg.norm(hkl @ reciprocal, axis=1), "xray"
    )
    coords = cluster.positions @ np.linalg.inv(cluster.lattice)
    phases = np.exp(2j * np.pi * coords @ hkl.T)
    return (cluster.occupancies[:, None] * factors * phases).sum(axis=0) / np.prod(cluster.cells)


def intensities_of(cluster: Cluster, hkl) -> np.ndarray:
    return np.abs(structure_factors_of(cluster, hkl)) ** 2
