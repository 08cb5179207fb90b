"""Electrons: wavelength from the voltage, factors, and what goes with them."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.crystals import NACL
from support.random_crystals import random_crystal

from crystalsym import DiffractionSimulator
from crystalsym.crystals import Cluster
from crystalsym.diffraction import reflections
from crystalsym.scattering._factors import (
    electron_wavelength,
    relativistic_mass,
    scattering_factors,
)

PLANCK, CHARGE, MASS, LIGHT_SPEED = 6.62607015e-34, 1.602176634e-19, 9.1093837015e-31, 299792458.0
BOHR = 0.529177210903  # Å
ELECTRON_MICROSCOPE = {"radiation": "electron", "voltage": 200}


@pytest.mark.parametrize(
    ("voltage", "wavelength"), [(300, 0.0196875), (200, 0.0250793), (100, 0.0370144)]
)
def test_wavelength_of_usual_microscopes(voltage, wavelength):
    assert electron_wavelength(voltage) == pytest.approx(wavelength, abs=5e-8)


@given(st.floats(0.01, 5000))
def test_wavelength_from_momentum_in_si_units(voltage):
    energy = 1e3 * voltage * CHARGE
    momentum = np.sqrt(2 * MASS * energy * (1 + energy / (2 * MASS * LIGHT_SPEED**2)))
    assert electron_wavelength(voltage) == pytest.approx(1e10 * PLANCK / momentum, rel=1e-8)
    # γ = 1 + eU/mc²
    assert relativistic_mass(electron_wavelength(voltage)) == pytest.approx(
        1 + energy / (MASS * LIGHT_SPEED**2), rel=1e-8
    )


@pytest.mark.parametrize("voltage", [0, -1, float("nan"), float("inf")])
def test_voltage_must_be_positive(voltage):
    with pytest.raises(ValueError, match="voltage must be a positive number"):
        electron_wavelength(voltage)
    with pytest.raises(ValueError, match="voltage must be a positive number"):
        DiffractionSimulator(radiation="electron", voltage=voltage).fit()


def test_voltage_sets_the_wavelength():
    by_voltage = DiffractionSimulator(**ELECTRON_MICROSCOPE, ewald="sphere", image_size=64)
    by_wavelength = DiffractionSimulator(
        radiation="electron", wavelength=electron_wavelength(200), ewald="sphere", image_size=64
    )
    assert by_voltage.detector().wavelength == electron_wavelength(200)
    assert by_voltage.detector() == by_wavelength.detector()
    crystal = random_crystal(14, np.random.default_rng(0))
    assert np.array_equal(by_voltage.transform([crystal]), by_wavelength.transform([crystal]))
    # q at the edge is what it was asked to be.
    assert by_voltage.q_per_pixel * 31.5 == pytest.approx(1.457)


def test_a_fixed_camera_sees_more_at_higher_voltage():
    camera = {"radiation": "electron", "pixel_size": 0.1, "detector_distance": 1000.0}
    low, high = (DiffractionSimulator(voltage=kv, **camera).q_per_pixel for kv in (100, 300))
    assert high / low == pytest.approx(0.0370144 / 0.0196875, rel=1e-5)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"voltage": 200}, "voltage=200 is for radiation=\"electron\", not 'xray'"),
        (
            {"voltage": 200, "radiation": "electron", "wavelength": 0.025},
            r"voltage=200 sets the wavelength: leave out wavelength=0\.025",
        ),
        (
            {"polarization": "horizontal", "radiation": "electron"},
            "polarization='horizontal' is for radiation=\"xray\"",
        ),
        ({"voltage": "200", "radiation": "electron"}, "voltage must be a positive number"),
    ],
)
def test_what_does_not_go_together(parameters, message):
    with pytest.raises(ValueError, match=message):
        DiffractionSimulator(**parameters).fit()


@pytest.mark.parametrize("number", [1, 6, 14, 29, 79, 92])
def test_factors_are_the_tabulated_gaussians(number):
    table = gemmi.Element(number).c4322
    q = np.linspace(0, 3, 13)
    expected = [table.calculate_sf((x / 2) ** 2) for x in q]
    assert np.allclose(scattering_factors([number], q, "electron")[0], expected, rtol=1e-6)


@pytest.mark.parametrize("number", [6, 14, 29, 79])
def test_factors_follow_from_those_of_x_rays(number):
    """Mott and Bethe: f_e = (Z - f_x) / (2π² a₀ q²)."""
    q = np.array([0.6, 1.0, 1.4])
    xray = scattering_factors([number], q)[0]
    expected = (number - xray) / (2 * np.pi**2 * BOHR * q**2)
    assert np.allclose(scattering_factors([number], q, "electron")[0], expected, rtol=0.05)


@pytest.mark.parametrize("engine", ["lattice", "atoms"])
def test_counts_of_one_atom(engine):
    """Electrons per pixel: fluence Ω (γ f)²."""
    atom = Cluster([[0, 0, 0]], [29], lattice=np.eye(3) * 3)
    crystal = NACL.replace(frac_coords=[[0, 0, 0]], atomic_numbers=[29], occupancies=[1.0])
    simulator = DiffractionSimulator(
        "cartesian",
        **ELECTRON_MICROSCOPE,
        engine=engine,
        cells=1,
        fluence=7.0,
        image_size=33,
        normalize=False,
        standardize=False,
        dtype="float64",
    )
    pattern = simulator.transform([atom if engine == "atoms" else crystal])[0, 0]
    detector = simulator.detector()
    q = np.linalg.norm(detector.scattering_vectors("flat"), axis=-1)
    factor = scattering_factors([29], q.ravel(), "electron").reshape(q.shape)
    gamma = 1 + 200 / 510.99895
    solid_angle = (detector.pixel_size / detector.distance) ** 2
    assert np.allclose(pattern, 7.0 * solid_angle * (gamma * factor) ** 2, rtol=1e-5)


def test_engines_agree_for_electrons():
    common = {**ELECTRON_MICROSCOPE, "image_size": 48, "cells": 3, "ewald": "sphere"}
    lattice, atoms = (
        DiffractionSimulator(engine=engine, **common).transform([NACL])
        for engine in ("lattice", "atoms")
    )
    assert np.abs(lattice - atoms).max() < 1e-6


def test_spots_are_those_of_the_electron_factors():
    simulator = DiffractionSimulator([[0, 0, 1]], radiation="electron", spot_sigma=3.0)
    pattern = simulator.transform([NACL])[0, 0]
    table = reflections(NACL, radiation="electron")
    intensity = dict(zip(map(tuple, table.hkl.tolist()), table.intensity, strict=True))
    step = 1 / 5.64 / simulator.q_per_pixel
    for h, k in [(2, 0), (2, 2), (4, 0), (4, 2), (6, 2)]:
        column, row = round(127.5 + h * step), round(127.5 + k * step)
        height = pattern[row - 1 : row + 2, column - 1 : column + 2].max()
        expected = intensity[h, k, 0] / intensity[0, 0, 0]
        assert height == pytest.approx(expected, rel=0.03)
        # X-rays differ by far more than that.
        xray = scattering_factors([11, 17], [0, np.hypot(h, k) / 5.64]).sum(axis=0)
        assert abs((xray[1] / xray[0]) ** 2 / expected - 1) > 0.1
