"""Incident beams of a microscope: one direction, a cone, a filled disk, or both.

A beam that precesses or converges is the mean of incoherent plane waves. Their wave vectors, seen
along the beam, lie evenly about the middle of a circle or disk, or of a disk whose middle goes
round on a circle, so that a mean is one over rings.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh_tridiagonal

# Azimuths and rings beyond those that oscillations of intensities ask for.
AZIMUTHS, RINGS = 3, 1
# The harmonics of a function that turns by x die off within some x^(1/3) beyond the x-th.
MARGIN = 2.5
# Points of a disk, along and around, from which rings of a disk on a circle are made.
FINE = (48, 96)


class Incidence(NamedTuple):
    """Parts of wave vectors across the zone axis, 1/Å, and how much each counts.

    Attributes
    ----------
    vectors : ndarray of shape (n, 2)
    weights : ndarray of shape (n,)
        Together one.
    """

    vectors: np.ndarray
    weights: np.ndarray


def rings(circle: float, disk: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Radii and weights of n rings: the mean over a disk whose middle goes round on a circle.

    The rule of Gauss in the square of the radius: with azimuths enough, exact for polynomials of
    degree 4n - 2 in the two parts of the wave vector.

    Parameters
    ----------
    circle, disk : float
        Radii.
    n : int
    """
    if not disk:
        return np.array([circle]), np.ones(1)
    points, shares = np.polynomial.legendre.leggauss(FINE[0])
    radii = disk * np.sqrt((points + 1) / 2)  # evenly in the square of the radius
    angles = 2 * np.pi * (np.arange(FINE[1] if circle else 1) + 0.5) / FINE[1]
    squares = circle**2 + radii[:, None] ** 2 + 2 * circle * radii[:, None] * np.cos(angles)
    shares = np.broadcast_to(shares[:, None] / 2 / len(angles), squares.shape).ravel()
    nodes, weights = _gauss(squares.ravel(), shares, n)
    return np.sqrt(np.maximum(nodes, 0)), weights


def _gauss(values: np.ndarray, shares: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The n values and weights that have the first 2n moments of many (Golub & Welsch, 1969)."""
    vectors = [np.sqrt(shares / shares.sum())]
    along, beside = [], []
    for _ in range(n):
        new = values * vectors[-1]
        along.append(float(new @ vectors[-1]))
        for _ in range(2):
            for vector in vectors:
                new = new - (new @ vector) * vector
        beside.append(float(np.linalg.norm(new)))
        if beside[-1] < 1e-12 * np.abs(values).max():
            break
        vectors.append(new / beside[-1])
    nodes, waves = eigh_tridiagonal(np.array(along), np.array(beside[: len(along) - 1]))
    return nodes, waves[0] ** 2


def incidence(
    middle: np.ndarray,
    circle: float,
    disk: float,
    turns: float,
    order: int = 1,
    mirror: float = 0.0,
) -> Incidence:
    """Choose wave vectors whose mean is that over a disk, or over a disk that goes round.

    Parameters
    ----------
    middle : ndarray of shape (2,)
        1/Å.
    circle, disk : float
        Radii of precession and convergence, 1/Å.
    turns : float
        Å: 2π times this, times a radius, is how far intensities turn within it.
    order : int
        Of the point group that takes azimuths to themselves.
    mirror : float
        Angle of one of its mirror lines, if it has any.
    """
    if not circle and not disk:
        return Incidence(middle[None], np.ones(1))
    spread = 2 * math.pi * turns * disk
    radii, shares = rings(circle, disk, math.ceil(spread / (2 if circle else 4)) + RINGS)
    vectors, weights = [], []
    for radius, share in zip(radii, shares, strict=True):
        turned = 2 * math.pi * turns * radius
        n = math.ceil((turned + MARGIN * turned ** (1 / 3) + AZIMUTHS) / order) * order
        angles = mirror + 2 * math.pi * (np.arange(n) + 0.5) / n
        vectors.append(middle + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1))
        weights.append(np.full(n, share / n))
    return Incidence(np.concatenate(vectors), np.concatenate(weights))


def one_of_each(beams: Incidence, rotations: np.ndarray) -> Incidence:
    """Keep one of the wave vectors that operations take to each other, with the weight of all.

    Parameters
    ----------
    beams : Incidence
        Which the operations take to themselves.
    rotations : ndarray of shape (n, 2, 2)
        k' = k @ rotation.
    """
    scale = np.abs(beams.vectors).max()
    if len(rotations) == 1 or not scale:
        return beams
    images = np.einsum("ni,mij->mnj", beams.vectors / scale, rotations)
    # Vectors by numbers that do not depend on rounding: of the highest image, x first.
    keys = np.rint(images * 1e6).astype(np.int64) @ np.array([2**24, 1])
    _, kept, which = np.unique(keys.max(axis=0), return_index=True, return_inverse=True)
    return Incidence(beams.vectors[kept], np.bincount(which, weights=beams.weights))
