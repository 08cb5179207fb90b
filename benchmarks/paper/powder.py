"""Powder diffraction curves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crystalsym.crystals import Crystal

STEP = 0.05  # degrees


def powder_curve(
    crystal: Crystal, two_theta: tuple[float, float], width: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Simulate a powder curve with Cu K-alpha by pymatgen.

    Parameters
    ----------
    crystal : Crystal
        Fully occupied.
    two_theta : tuple of float
        First and last angle in degrees.
    width : float
        Full width of a peak at half its height, degrees.

    Returns
    -------
    angle, intensity : ndarray
        The highest point is 1.
    """
    from pymatgen.analysis.diffraction.xrd import XRDCalculator
    from pymatgen.core import Structure

    structure = Structure(
        crystal.lattice, list(map(int, crystal.atomic_numbers)), crystal.frac_coords
    )
    lines = XRDCalculator("CuKa").get_pattern(structure, two_theta_range=two_theta)
    angle = np.arange(two_theta[0], two_theta[1] + STEP / 2, STEP)
    sigma = width / np.sqrt(8 * np.log(2))
    curve = np.zeros_like(angle)
    for place, height in zip(lines.x, lines.y, strict=True):
        curve += height * np.exp(-0.5 * ((angle - place) / sigma) ** 2)
    return angle, curve / (curve.max() or 1)
