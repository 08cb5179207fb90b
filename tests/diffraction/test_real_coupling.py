"""Waves in real numbers: the fields that symmetry leaves, and the matrix of all beams."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm
from support.random_crystals import random_crystal

from crystalsym import Crystal
from crystalsym.diffraction import ProjectedPotential
from crystalsym.scattering import electron_wavelength

WAVELENGTH = electron_wavelength(200)


def potential(number, zone=(0, 0, 1), **parameters):
    crystal = random_crystal(number, np.random.default_rng(number), n_orbits=2)
    parameters = {"q_max": 0.6, "bandwidth": 0.8, "b_iso": 0.8, "dtype": "float64"} | parameters
    return ProjectedPotential(crystal, zone, WAVELENGTH, **parameters)


def by_matrix(one, vector, distance):
    """|exp(iAz)|² of the direct beam, A written out for all beams."""
    number = {tuple(index): v for index, v in zip(one._all_inner.tolist(), one._strong)}  # noqa: B905
    differences = one._inner[:, None] - one._inner[None]
    matrix = np.array([[number.get(tuple(d), 0) for d in row] for row in differences.tolist()])
    matrix += np.diag(one._axial - 2 * np.pi * WAVELENGTH * one.q @ vector)
    return np.abs(expm(1j * distance * matrix)[:, 0]) ** 2


@pytest.mark.parametrize("vector", [(0.0, 0.0), (0.3, -0.2)])
@pytest.mark.parametrize(("number", "zone"), [
    (1, (0, 0, 1)), (2, (0, 0, 1)), (3, (0, 0, 1)), (4, (1, 0, 1)), (25, (1, 0, 0)),
    (29, (0, 0, 1)), (143, (0, 0, 1)), (156, (1, 0, 0)), (168, (0, 0, 1)), (99, (1, 1, 0)),
])  # fmt: skip
def test_waves_are_those_of_the_matrix_of_all_beams(number, zone, vector):
    one = potential(number, zone)
    real = one._real
    vector = np.array(vector)
    along = -2 * np.pi * WAVELENGTH * one.q @ vector
    operator = real.tilted(along) if vector.any() else real.along_the_axis()
    found = one._carried(operator, np.array([30.0, 160.0]))
    for distance, row in zip((30.0, 160.0), found, strict=True):
        np.testing.assert_allclose(row, by_matrix(one, vector, distance), atol=2e-9)


def test_operator_for_the_axis_is_that_of_no_tilt():
    one = potential(33)
    none = np.zeros(len(one.indices))
    along, tilted = one._real.along_the_axis(), one._real.tilted(none)
    depths = np.array([100.0])
    expected = one._carried(tilted, depths)
    np.testing.assert_allclose(one._carried(along, depths), expected, atol=1e-9)


@pytest.mark.parametrize(
    ("number", "zone", "fields", "is_even"),
    [
        (1, (0, 0, 1), 4, False),
        (2, (0, 0, 1), 2, True),  # cos·cos and sin·sin
        (25, (0, 0, 1), 1, True),  # mirror lines along both edges
        (25, (1, 0, 0), 2, False),  # one of them, and polar along the other
        (143, (0, 0, 1), 4, False),
    ],
)
def test_symmetry_empties_fields(number, zone, fields, is_even):
    real = potential(number, zone)._real
    assert real.along_the_axis()._active.sum() == fields
    assert real.is_even == is_even


def test_restarts_of_thick_crystals():
    one = potential(1)
    found = one._carried(one._real.along_the_axis(), np.array([9000.0]))[0]
    np.testing.assert_allclose(found, by_matrix(one, np.zeros(2), 9000.0), atol=1e-6)
    tilted = one._real.tilted(-2 * np.pi * WAVELENGTH * one.q @ np.array([0.2, 0.1]))
    found = one._carried(tilted, np.array([9000.0]))[0]
    np.testing.assert_allclose(found, by_matrix(one, np.array([0.2, 0.1]), 9000.0), atol=1e-6)


def test_a_single_row_of_beams():
    """A field that holds no beam in one direction."""
    crystal = Crystal(np.diag([4.0, 1.2, 3.0]), [[0, 0, 0], [0.3, 0, 0]], [14, 8])
    one = ProjectedPotential(crystal, (0, 0, 1), WAVELENGTH, q_max=0.6, dtype="float64",
                             bandwidth=0.6)  # fmt: skip
    assert not one.indices[:, 1].any()
    np.testing.assert_allclose(
        one._carried(one._real.along_the_axis(), np.array([80.0]))[0],
        by_matrix(one, np.zeros(2), 80.0), atol=1e-9,
    )  # fmt: skip
