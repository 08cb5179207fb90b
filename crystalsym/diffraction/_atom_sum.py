"""Engine ``"atoms"``: every atom of a finite cluster, exact at every pixel.

F(q) = Σ f(|q|) exp(-2πi q·r), without any use of order among the atoms. Phases are reduced to one
turn in float64 and then taken to sine and cosine in float32, which vectorizes fully.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from crystalsym.crystals import Cluster
from crystalsym.diffraction._geometry import Detector
from crystalsym.scattering._factors import scattering_factors

# Atoms summed in float32 before they join the float64 sum; their coordinates fit the L1 cache.
BLOCK = 1024
# Blocks are filled up to a multiple of this, so that no atoms are left for a scalar loop.
VECTOR = 64
# Least-squares polynomials in t², |t| <= 1/2 (error below 5e-8): sin(πt)/t and cos(πt).
S0, S1, S2, S3, S4 = (
    np.float32(c) for c in (3.1415927, -5.1677103, 2.5500774, -0.5982913, 0.07765766)
)
C0, C1, C2, C3, C4, C5 = (
    np.float32(c) for c in (1.0, -4.934802, 4.058709, -1.335212, 0.23493731, -0.024396325)
)


def atoms_pattern(
    cluster: Cluster,
    rotation: np.ndarray,
    detector: Detector,
    ewald: str = "sphere",
    radiation: str = "xray",
) -> np.ndarray:
    """Compute the squared amplitude |F|² of a cluster at every pixel.

    Parameters
    ----------
    cluster : Cluster
    rotation : ndarray of shape (3, 3)
        r_lab = R r_cluster.
    detector : Detector
    ewald : {"sphere", "flat"}
    radiation : {"xray", "electron"}

    Returns
    -------
    ndarray of shape (size, size), float64
    """
    q = np.ascontiguousarray(detector.scattering_vectors(ewald).reshape(-1, 3))
    length = np.linalg.norm(q, axis=1)
    real, imaginary = np.zeros(len(q)), np.zeros(len(q))
    # About the middle, phases are smallest and so most exact.
    positions = (cluster.positions - cluster.positions.mean(axis=0)) @ rotation.T
    kinds = np.stack([cluster.atomic_numbers, cluster.occupancies], axis=1)
    for number, occupancy in np.unique(kinds, axis=0):
        chosen = np.all(kinds == (number, occupancy), axis=1)
        of_kind = positions[chosen]
        factor = occupancy * scattering_factors(np.array([number]), length, radiation)[0]
        for start in range(0, len(of_kind), BLOCK):
            block = of_kind[start : start + BLOCK]
            # At the origin sin πt = 0: what is filled in adds nothing.
            filled = np.zeros((3, -(-len(block) // VECTOR) * VECTOR))
            filled[:, : len(block)] = block.T
            x, y, z = filled
            _add_atoms(q, x, y, z, len(block), factor, real, imaginary)
    return (real**2 + imaginary**2).reshape(detector.size, detector.size)


@njit(cache=True, nogil=True, fastmath=True)
def _add_atoms(q, x, y, z, n_atoms, factor, real, imaginary):
    """Add the first atoms, all of one kind, to the amplitude (conjugate: |F|² is the same)."""
    for pixel in range(len(q)):
        qx, qy, qz = q[pixel, 0], q[pixel, 1], q[pixel, 2]
        squares = np.float32(0)
        products = np.float32(0)
        for atom in range(len(x)):
            turns = qx * x[atom] + qy * y[atom] + qz * z[atom]
            t = np.float32(turns - np.rint(turns))
            u = t * t
            sine = t * (S0 + u * (S1 + u * (S2 + u * (S3 + u * S4))))
            cosine = C0 + u * (C1 + u * (C2 + u * (C3 + u * (C4 + u * C5))))
            # cos 2πt = 1 - 2 sin² πt and sin 2πt = 2 sin πt cos πt.
            squares += sine * sine
            products += sine * cosine
        real[pixel] += factor[pixel] * (n_atoms - 2 * np.float64(squares))
        imaginary[pixel] += factor[pixel] * 2 * np.float64(products)
