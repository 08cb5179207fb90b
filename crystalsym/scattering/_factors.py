"""Atomic scattering factors, all from gemmi's tables, and the wavelength of fast electrons.

X-ray: four Gaussians and a constant (International Tables C, 1992, table 6.1.1.4). Electron:
five Gaussians (International Tables C, table 4.3.2.2; Peng, 1998).
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np

RADIATIONS = ("xray", "electron")
N_TERMS = 5
# CODATA 2018: hc in eV Å, the electron's rest energy in eV.
PLANCK_LIGHT_SPEED = 12398.419843320026
ELECTRON_REST_ENERGY = 510998.95


@cache
def coefficients(atomic_number: int, radiation: str = "xray") -> tuple[np.ndarray, np.ndarray]:
    """Gaussian expansion of one element, f(q) = Σ aᵢ exp(-bᵢ q² / 4).

    Parameters
    ----------
    atomic_number : int
    radiation : {"xray", "electron"}

    Returns
    -------
    a, b : ndarray of shape (5,)
        ``b`` in Å²; the constant term of the X-ray table is a Gaussian with b = 0.

    Raises
    ------
    ValueError
        If the table has no such element, or the radiation is unknown.

    Examples
    --------
    >>> from crystalsym.scattering import coefficients
    >>> a, b = coefficients(6)
    >>> round(float(a.sum()), 2)          # f(0) is the number of electrons
    6.0
    """
    import gemmi

    if radiation not in RADIATIONS:
        raise ValueError(f"radiation must be one of {RADIATIONS}, got {radiation!r}")
    element = gemmi.Element(int(atomic_number))
    xray, electron = element.it92, element.c4322
    if (xray if radiation == "xray" else electron) is None:
        raise ValueError(f"no {radiation} scattering factor for atomic number {atomic_number}")
    a, b = np.zeros(N_TERMS), np.zeros(N_TERMS)
    if radiation == "xray":
        a[:4], b[:4] = xray.a, xray.b
        a[4] = xray.c
    else:
        a[:], b[:] = electron.a, electron.b
    a.setflags(write=False)
    b.setflags(write=False)
    return a, b


def scattering_factors(
    atomic_numbers: np.ndarray, q: np.ndarray, radiation: str = "xray"
) -> np.ndarray:
    """Compute scattering factors at given lengths of the scattering vector.

    Parameters
    ----------
    atomic_numbers : array-like of int, shape (n_elements,)
    q : array-like of shape (n_q,)
        |q| = 1/d in 1/Å.
    radiation : {"xray", "electron"}

    Returns
    -------
    ndarray of shape (n_elements, n_q)
        Electrons for X-rays, Å for electrons.

    Examples
    --------
    >>> from crystalsym.scattering import scattering_factors
    >>> scattering_factors([11], [0.0, 1.0]).round(2)
    array([[10.99,  4.29]])
    """
    s2 = np.asarray(q, dtype=np.float64) ** 2 / 4
    out = np.empty((len(atomic_numbers), len(s2)))
    for row, z in enumerate(atomic_numbers):
        a, b = coefficients(int(z), radiation)
        out[row] = a @ np.exp(-np.multiply.outer(b, s2))
    return out


def electron_wavelength(voltage: float) -> float:
    """Relativistic wavelength of electrons, λ = hc / sqrt(E (E + 2mc²)) with E = eU.

    Parameters
    ----------
    voltage : float
        Accelerating voltage in kV.

    Returns
    -------
    float
        In Å.

    Raises
    ------
    ValueError
        If the voltage is not positive and finite.

    Examples
    --------
    >>> from crystalsym.scattering import electron_wavelength
    >>> [round(electron_wavelength(kv), 7) for kv in (100, 200, 300)]
    [0.0370144, 0.0250793, 0.0196875]
    """
    if not (math.isfinite(voltage) and voltage > 0):
        raise ValueError(f"voltage must be a positive number of kV, got {voltage!r}")
    energy = 1000.0 * voltage
    return PLANCK_LIGHT_SPEED / math.sqrt(energy * (energy + 2 * ELECTRON_REST_ENERGY))


def relativistic_mass(wavelength: float) -> float:
    """Compute the mass of fast electrons in units of their rest mass.

    The tabulated factors are those of the rest mass; amplitudes are this many times larger.

    Parameters
    ----------
    wavelength : float
        In Å.

    Examples
    --------
    >>> from crystalsym.scattering import relativistic_mass
    >>> round(relativistic_mass(0.0196875), 3)      # 300 kV: 1 + 300 / 511
    1.587
    """
    return math.hypot(1.0, PLANCK_LIGHT_SPEED / (wavelength * ELECTRON_REST_ENERGY))
