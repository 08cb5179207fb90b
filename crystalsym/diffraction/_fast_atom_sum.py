"""The sum of engine ``"atoms"`` by non-uniform Fourier transforms, for large clusters.

On a flat Ewald surface pixels are a uniform grid of scattering vectors, and the sum over the atoms
of an element is one transform of type 1: F(X, Y) = f Σ exp(-2πi (X x + Y y)). Periods of the grid
do not matter, so neither the block's size nor the grid bounds the other. On the sphere
q = (X, Y, 0) + q_z (λX, λY, 1): the terms of ``_sphere_sum`` do it where the sphere is not too
curved for the block. Else, at a fixed q_z it is the same transform of stretched coordinates, and
along q_z F is a smooth function of each pixel, interpolated between nodes (Chebyshev's).
"""

from __future__ import annotations

from types import ModuleType

import numpy as np
from scipy.special import jv

from crystalsym.crystals import Cluster
from crystalsym.diffraction._geometry import Detector
from crystalsym.diffraction._sphere_sum import sphere_amplitudes
from crystalsym.scattering._factors import scattering_factors

TOLERANCE = 1e-6  # of each transform, and of the interpolation, in parts of all atoms together
ADVICE = (
    'summation="nufft" needs the package finufft (pip install finufft);'
    ' summation="direct" is the same sum without it'
)


def load_finufft() -> ModuleType:
    """Import finufft.

    Raises
    ------
    ImportError
        If it is not there; the message says what to install and what to do without it.
    """
    try:
        import finufft
    except ImportError as error:
        raise ImportError(f"{ADVICE} ({error})", name="finufft") from error
    module: ModuleType = finufft
    return module


def fast_atoms_pattern(
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
        Within 1e-5 of the strongest of :func:`atoms_pattern`, mostly 1e-6.

    Raises
    ------
    ImportError
        If finufft is not there.
    """
    finufft = load_finufft()
    low, high = cluster.positions.min(axis=0), cluster.positions.max(axis=0)
    places = (cluster.positions - (low + high) / 2) @ rotation.T
    places -= (places.min(axis=0) + places.max(axis=0)) / 2
    if ewald == "sphere":
        found = sphere_amplitudes(cluster, places, detector, radiation)
        if found is not None:
            return found.real.astype(np.float64) ** 2 + found.imag.astype(np.float64) ** 2
    q = detector.scattering_vectors(ewald).reshape(-1, 3)
    length = np.linalg.norm(q, axis=1)
    nodes = _nodes(q[:, 2], places, detector)
    weights = _interpolation(q[:, 2], nodes)
    total = np.zeros(len(q), dtype=np.complex128)
    for number in np.unique(cluster.atomic_numbers):
        chosen = cluster.atomic_numbers == number
        of_element = np.zeros(len(q), dtype=np.complex128)
        for node, weight in zip(nodes, weights, strict=True):
            of_element += weight * _plane_sum(
                finufft, places[chosen], cluster.occupancies[chosen], node, detector
            )
        total += scattering_factors(np.array([number]), length, radiation)[0] * of_element
    return (total.real**2 + total.imag**2).reshape(detector.size, detector.size)


def _plane_sum(
    finufft: ModuleType,
    places: np.ndarray,
    occupancies: np.ndarray,
    q_z: float,
    detector: Detector,
) -> np.ndarray:
    """Σ w exp(-2πi q·r) on the grid of pixels at one q_z, the rows one after the other."""
    size, step = detector.size, 2 * np.pi * detector.q_per_pixel
    stretch = 1 + detector.wavelength * q_z
    x, y = step * stretch * places[:, 0], step * stretch * places[:, 1]
    # Modes run from -(size // 2); what is left to the beam's pixel is a phase of each atom.
    columns, rows = (size // 2 - center for center in detector.beam)
    phase = columns * x + rows * y + 2 * np.pi * q_z * places[:, 2]
    strengths = occupancies * np.exp(-1j * phase)
    # One thread: sums of several round differently each time. The small oversampling has the
    # smaller grid, which counts for more than the wider kernel.
    found: np.ndarray = finufft.nufft2d1(
        y, x, strengths, (size, size), eps=TOLERANCE, isign=-1, upsampfac=1.25, nthreads=1
    )
    return found.ravel()


def _nodes(q_z: np.ndarray, places: np.ndarray, detector: Detector) -> np.ndarray:
    """Values of q_z between which the amplitude of any pixel can be interpolated."""
    low, high = q_z.min(), q_z.max()
    half = (high - low) / 2
    # Along q_z the phase of an atom turns by 2π (z + λ (X x + Y y)).
    spread = np.abs(places).max(axis=0)
    edge = detector.q_per_pixel * np.array(
        [max(center, detector.size - 1 - center) for center in detector.beam]
    )
    turn = 2 * np.pi * half * (spread[2] + detector.wavelength * (edge @ spread[:2]))
    # exp(i turn t) = Σ 2 iⁿ Jₙ(turn) Tₙ(t): as many nodes as terms that count.
    n = 1
    while 4 * np.abs(jv(np.arange(n, n + 60), turn)).sum() > TOLERANCE:
        n += 1
    return low + half * (1 + np.cos(np.pi * (np.arange(n) + 0.5) / n))


def _interpolation(q_z: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Weight of each Chebyshev node at each q_z, shape (n_nodes, n)."""
    n = len(nodes)
    if n == 1:
        return np.ones((1, len(q_z)))
    middle, half = (q_z.max() + q_z.min()) / 2, (q_z.max() - q_z.min()) / 2
    order = np.arange(n)
    at_places = np.cos(order[:, None] * np.arccos(np.clip((q_z - middle) / half, -1, 1)))
    at_nodes = np.cos(np.outer(order, np.pi * (np.arange(n) + 0.5) / n))
    at_nodes[0] /= 2
    weights: np.ndarray = 2 / n * at_nodes.T @ at_places
    return weights
