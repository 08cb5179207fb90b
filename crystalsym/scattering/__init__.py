"""Atomic scattering factors, structure factors, and the wavelength of fast electrons."""

from __future__ import annotations

from crystalsym.scattering._factors import (
    RADIATIONS,
    coefficients,
    electron_wavelength,
    relativistic_mass,
    scattering_factors,
)
from crystalsym.scattering._structure_factors import structure_factors

__all__ = [
    "RADIATIONS",
    "coefficients",
    "electron_wavelength",
    "relativistic_mass",
    "scattering_factors",
    "structure_factors",
]
