"""Scattering factors against gemmi and against what is known of them."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

from crystalsym.scattering._factors import N_TERMS, RADIATIONS, coefficients, scattering_factors

ALL_ELEMENTS = range(1, 99)


@pytest.mark.parametrize("radiation", RADIATIONS)
def test_factors_equal_gemmi_for_all_elements(radiation):
    q = np.array([0.0, 0.3, 1.0, 1.457])
    ours = scattering_factors(list(ALL_ELEMENTS), q, radiation)
    for row, z in zip(ours, ALL_ELEMENTS, strict=True):
        element = gemmi.Element(z)
        table = element.it92 if radiation == "xray" else element.c4322
        assert np.allclose(row, [table.calculate_sf(x * x / 4) for x in q], rtol=1e-6)


def test_forward_xray_factor_is_the_number_of_electrons():
    forward = scattering_factors(list(ALL_ELEMENTS), [0.0])[:, 0]
    # The table is of neutral atoms and rounds its constants.
    assert np.allclose(forward, list(ALL_ELEMENTS), atol=0.08)


def test_factors_are_positive_and_fall_with_q():
    q = np.linspace(0, 2, 81)
    for radiation in RADIATIONS:
        factors = scattering_factors(list(ALL_ELEMENTS), q, radiation)
        assert np.all(np.diff(factors, axis=1) < 1e-3)
        if radiation == "electron":
            assert np.all(factors > 0)


def test_coefficients_have_one_shape_and_cannot_be_changed():
    for radiation in RADIATIONS:
        a, b = coefficients(26, radiation)
        assert a.shape == b.shape == (N_TERMS,)
        with pytest.raises(ValueError, match="read-only"):
            a[0] = 0


def test_unknown_radiation_is_named():
    with pytest.raises(ValueError, match="'neutron'"):
        coefficients(6, "neutron")


def test_element_without_a_factor_is_named():
    with pytest.raises(ValueError, match="atomic number 112"):
        coefficients(112)
