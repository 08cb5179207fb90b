"""The sum over atoms on the Ewald sphere: a few flat transforms of weighted atoms.

The sphere is a graph over the plane: with Q = (q_x, q_y), q_z and |q| are functions of Q² alone.
So is what depends on an atom besides its place (x, y),

    f_e(|q|) exp(-2πi q_z z) ≈ f(|q|) Σ_k u_k(Q²) v_k(e, z), f² the mean of f_e² of all atoms,

few terms of which, real v_k, are found by singular values: as many as the sphere's sag times the
thickness asks for. F / f = Σ_k u_k(Q²) Σ_atoms v_k exp(-2πi Q·(x, y)) then takes one flat transform
a term: atoms are spread onto a grid (all terms at once), which fast transforms take to a grid of
Q finer than the block demands. The pixels, a little off any even grid there, are interpolated,
first along x, then along y.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.fft
from numba import njit
from numpy.polynomial.chebyshev import chebvander
from scipy.interpolate import CubicSpline

from crystalsym.crystals import Cluster
from crystalsym.diffraction._geometry import Detector
from crystalsym.diffraction._gridding import (
    FINER,
    REACH,
    SURPLUS,
    WIDTH,
    interpolated,
    spread,
    spreading_transform,
)
from crystalsym.scattering._factors import scattering_factors

TOLERANCE = 2e-6  # of the terms, in parts of all atoms together
CLOUD = 3.0  # what the elements' electrons differ by in radius, Å
PIECES = 1024  # of u_k, cubic in Q²
LANES = 4  # terms are filled up to a multiple of this: floats of half a vector register
GRID_BYTES = 2**26  # of the terms that are spread at once
AT_ONCE = 8  # terms that are transformed at once
ATOMS = 2**16  # spread at once
LARGEST = 2048  # edge of a grid beyond which this way takes too much memory


class _Sampling(NamedTuple):
    """Even grids of Q, by their reach about zero, and of places."""

    step: float
    """Between two Q, 1/Å; its inverse is the period of places."""
    half: tuple[int, int]
    """Largest multiples of the step along x and y."""
    size: tuple[int, int]
    """Points of a period of places."""


def sphere_amplitudes(
    cluster: Cluster, places: np.ndarray, detector: Detector, radiation: str
) -> np.ndarray | None:
    """Sum the atoms at every pixel, on the Ewald sphere.

    Parameters
    ----------
    cluster : Cluster
    places : ndarray of shape (n, 3)
        Of its atoms in the frame of the detector, about their middle.
    detector : Detector
    radiation : {"xray", "electron"}

    Returns
    -------
    ndarray of complex64, shape (size, size), or None
        None where the block is so large, or the sphere so curved, that the grid would be too.
    """
    q = detector.scattering_vectors("sphere")
    sampling = _sampling(q, places, detector.wavelength)
    if sampling is None:
        return None
    numbers, counts = np.unique(cluster.atomic_numbers, return_counts=True)

    def mean_factor(factors: np.ndarray) -> np.ndarray:
        mean: np.ndarray = np.sqrt(counts @ factors**2 / counts.sum())
        return mean

    found = _on_the_grid(cluster, places, numbers, mean_factor, detector, radiation, sampling)
    length = np.linalg.norm(q, axis=-1).ravel()
    factors = mean_factor(scattering_factors(numbers, length, radiation))
    at_pixels: np.ndarray = _at_pixels(found, q, detector, sampling)
    return at_pixels * factors.astype(np.float32).reshape(at_pixels.shape)


def _on_the_grid(
    cluster: Cluster,
    places: np.ndarray,
    numbers: np.ndarray,
    mean_factor: Callable[[np.ndarray], np.ndarray],
    detector: Detector,
    radiation: str,
    sampling: _Sampling,
) -> np.ndarray:
    """F / f on the grid of Q, complex64."""
    depth = np.abs(places[:, 2]).max() + 1e-3
    # Beyond the sphere's edge there are no pixels.
    edge = (1 - 1e-9) / detector.wavelength**2
    # Q² at the corner of the grid, and a little beyond the last pixel: farther out, values have
    # small weights in the interpolation.
    most, exact = (
        min(sum(((half - margin) * sampling.step) ** 2 for half in sampling.half), edge)
        for margin in (0, REACH - 4)
    )
    left, right = _terms(numbers, mean_factor, depth, (exact, most), detector.wavelength, radiation)
    n_terms = left.shape[2]
    found = np.zeros([2 * half + 1 for half in sampling.half], dtype=np.complex64)
    batch = max(LANES, GRID_BYTES // (4 * math.prod(sampling.size)) // LANES * LANES)
    for first in range(0, n_terms, batch):
        part = slice(first, first + batch)
        grid = _atoms_on_a_grid(cluster, places, numbers, depth, right[:, :, part], sampling)
        # Few terms at a time stay in the processor's cache.
        for of_grid in range(0, grid.shape[2], AT_ONCE):
            spectrum = _transformed(grid[..., of_grid : of_grid + AT_ONCE], places, sampling)
            terms = slice(first + of_grid, first + of_grid + spectrum.shape[2])
            _add_terms(
                found, spectrum.view(np.float32), left.real[..., terms].copy(),
                left.imag[..., terms].copy(), PIECES / most * sampling.step**2,
            )  # fmt: skip
    for axis, (half, size) in enumerate(zip(sampling.half, sampling.size, strict=True)):
        m = np.arange(-half, half + 1)
        # Places begin half a period before the middle.
        factor = np.where(m % 2, -1, 1) / spreading_transform(m / size)
        found *= np.expand_dims(factor.astype(np.float32), 1 - axis)
    return found


def _sampling(q: np.ndarray, places: np.ndarray, wavelength: float) -> _Sampling | None:
    spread = np.abs(places).max(axis=0)
    reach = [float(max(-q[..., axis].min(), q[..., axis].max())) for axis in (0, 1)]
    edge = min(math.hypot(*reach) * wavelength, 0.999)
    slope = edge / math.sqrt(1 - edge**2)  # of the sphere
    # Along Q the phase turns by x + z dq_z/dQ, and in the first pass of two a little by y.
    extent = spread[:2].max() * (1 + slope**2) + spread[2] * slope + CLOUD
    step = 1 / (SURPLUS * 2 * extent)
    half = [math.ceil(one / step) + REACH + 1 for one in reach]
    size = [scipy.fft.next_fast_len(math.ceil(FINER * (2 * one + 1)), real=True) for one in half]
    size = [one + one % 2 for one in size]
    if max(size) > LARGEST:
        return None
    return _Sampling(step, (half[0], half[1]), (size[0], size[1]))


def _terms(
    numbers: np.ndarray,
    mean_factor: Callable[[np.ndarray], np.ndarray],
    depth: float,
    reach: tuple[float, float],
    wavelength: float,
    radiation: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Cubics (piece, power, k) of u_k, by the part of a piece in Q², and v_k's of Chebyshev in z.

    They are as good as ``TOLERANCE`` up to the first of ``reach``, Q², and go to the second.
    """
    exact, most = reach
    turn = 2 * np.pi * depth * (1 - math.sqrt(1 - most * wavelength**2)) / wavelength
    n = int(turn) + 24
    angles = np.pi * (np.arange(n) + 0.5) / n
    z = depth * np.cos(angles)

    def kernel(square: np.ndarray) -> np.ndarray:
        q_z = (np.sqrt(1 - square * wavelength**2) - 1) / wavelength
        factors = scattering_factors(numbers, np.sqrt(square + q_z**2), radiation)
        phases = np.exp(-2j * np.pi * np.outer(q_z, z))
        ratios = (factors / mean_factor(factors)).T
        whole: np.ndarray = (ratios[:, :, None] * phases[:, None]).reshape(len(square), -1)
        return whole

    squares = exact * (1 - np.cos(np.linspace(0, np.pi, 2 * n + 64))) / 2
    samples = kernel(squares)
    # An intensity is wrong by 2 f² |F / f| times the error of F / f.
    falloff = mean_factor(scattering_factors(numbers, np.sqrt(squares), radiation)) ** 2
    samples *= (falloff / falloff.max() / np.abs(samples).max())[:, None]
    stacked = np.concatenate([samples.real, samples.imag])
    basis = np.linalg.svd(stacked, full_matrices=False)[2]
    k = LANES
    while np.abs(stacked - stacked @ basis[:k].T @ basis[:k]).max() > TOLERANCE:
        k += LANES
    basis = basis[:k]
    knots = np.linspace(0, most, PIECES + 1)
    # By the numbers of the pieces, so that powers are of parts of one.
    cubics = CubicSpline(np.arange(PIECES + 1), kernel(knots) @ basis.T).c
    to_coefficients = 2 / n * np.cos(np.outer(np.arange(n), angles))
    to_coefficients[0] /= 2
    right = np.einsum("cz,kez->eck", to_coefficients, basis.reshape(len(basis), len(numbers), n))
    filled = -len(basis) % LANES
    left = np.pad(cubics.transpose(1, 0, 2), ((0, 0), (0, 0), (0, filled)))
    return left.astype(np.complex64), np.pad(right, ((0, 0), (0, 0), (0, filled)))


def _atoms_on_a_grid(
    cluster: Cluster,
    places: np.ndarray,
    numbers: np.ndarray,
    depth: float,
    right: np.ndarray,
    sampling: _Sampling,
) -> np.ndarray:
    """The terms of all atoms on a grid of places, shape (*size, n_terms)."""
    grid = np.zeros((*sampling.size, right.shape[2]), dtype=np.float32)
    scale = np.array(sampling.size) * sampling.step
    kinds = np.searchsorted(numbers, cluster.atomic_numbers)
    where = places[:, :2] * scale + np.array(sampling.size) / 2
    # Neighbors share what is in the processor's cache.
    strip = kinds * sampling.size[0] + where[:, 0].astype(np.int64) // WIDTH
    order = np.argsort(strip * sampling.size[1] + where[:, 1].astype(np.int64))
    bounds = np.cumsum([0, *np.bincount(kinds)])
    for kind, of_kind in enumerate(right):
        coefficients = of_kind.astype(np.float32)
        for first in range(bounds[kind], bounds[kind + 1], ATOMS):
            atoms = order[first : min(first + ATOMS, bounds[kind + 1])]
            heights = (places[atoms, 2] / depth).astype(np.float32)
            values = chebvander(heights, len(coefficients) - 1) @ coefficients
            values *= cluster.occupancies[atoms, None].astype(np.float32)
            spread(grid, where[atoms], values.astype(np.float32, copy=False))
    return grid


def _transformed(grid: np.ndarray, places: np.ndarray, sampling: _Sampling) -> np.ndarray:
    """Half of the spectrum of a grid, x not negative or not, y from 0 to what is needed."""
    reach = int(np.abs(places[:, 0]).max() * sampling.size[0] * sampling.step) + WIDTH // 2 + 1
    middle = sampling.size[0] // 2
    rows = slice(max(middle - reach, 0), middle + reach + 1)  # others are empty
    half = sampling.half[1] + 1
    out = np.zeros((sampling.size[0], half, grid.shape[2]), dtype=np.complex64)
    out[rows] = scipy.fft.rfft(grid[rows], axis=1)[:, :half]
    spectrum: np.ndarray = scipy.fft.fft(out, axis=0, overwrite_x=True)
    return spectrum


def _at_pixels(
    found: np.ndarray, q: np.ndarray, detector: Detector, sampling: _Sampling
) -> np.ndarray:
    """Interpolate values on the grid of Q at the pixels, shape (size, size)."""
    size, wavelength = detector.size, detector.wavelength
    x = detector.q_per_pixel * (np.arange(size) - detector.beam[0])
    q_y = sampling.step * np.arange(-sampling.half[1], sampling.half[1] + 1)
    # A column of pixels, X, crosses q_y where q_x = X cos 2θ, by which
    # cos² 2θ = (1 - λ² q_y²) / (1 + λ² X²).
    cosine = np.sqrt(
        np.clip(1 - (wavelength * q_y) ** 2, 0, None)[:, None] / (1 + (wavelength * x) ** 2)
    )
    # Rows of both inputs are lines of the axis along which is interpolated.
    columns = interpolated(
        np.ascontiguousarray(found.T), x * cosine / sampling.step + sampling.half[0]
    )
    rows = q[..., 1].T / sampling.step + sampling.half[1]
    return interpolated(np.ascontiguousarray(columns.T), np.ascontiguousarray(rows)).T


@njit(cache=True, nogil=True, fastmath=True)
def _add_terms(found, spectrum, real, imaginary, per_square):
    """Add Σ u F to ``found``, both of each pair ±Q from half of the spectrum (n, m, 2 terms)."""
    half_x, half_y = found.shape[0] // 2, found.shape[1] // 2
    n_terms, n_pieces = real.shape[2], real.shape[0]
    for m in range(-half_x, half_x + 1):
        row = m if m >= 0 else m + spectrum.shape[0]
        for j in range(half_y + 1):
            if j == 0 and m < 0:
                continue
            place = per_square * (m * m + j * j)
            piece = min(int(place), n_pieces - 1)
            t = np.float32(min(place - piece, 1.0))
            c_r, c_i = real[piece], imaginary[piece]
            f = spectrum[row, j]
            rr = ii = ri = ir = np.float32(0)
            for k in range(n_terms):
                u_r = ((c_r[0, k] * t + c_r[1, k]) * t + c_r[2, k]) * t + c_r[3, k]
                u_i = ((c_i[0, k] * t + c_i[1, k]) * t + c_i[2, k]) * t + c_i[3, k]
                f_r, f_i = f[2 * k], f[2 * k + 1]
                rr += u_r * f_r
                ii += u_i * f_i
                ri += u_r * f_i
                ir += u_i * f_r
            found[half_x + m, half_y + j] += complex(rr - ii, ri + ir)
            if m != 0 or j != 0:
                found[half_x - m, half_y - j] += complex(rr + ii, ir - ri)
