"""Incident beams on a circle, in a disk, and in a disk that goes round: the rule of the mean."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from support.random_crystals import random_crystal

from crystalsym import DiffractionSimulator
from crystalsym.diffraction import ProjectedPotential, _incident_directions
from crystalsym.diffraction._incident_directions import incidence, one_of_each, rings
from crystalsym.scattering import electron_wavelength

WAVELENGTH = electron_wavelength(200)
NOWHERE = np.zeros(2)


def potential(number, zone=(0, 0, 1), **parameters):
    crystal = random_crystal(
        number, np.random.default_rng(number), n_orbits=3 if number == 1 else 1
    )
    parameters = {"q_max": 0.7, "bandwidth": 0.9, "b_iso": 0.8, "dtype": "float64"} | parameters
    return ProjectedPotential(crystal, zone, WAVELENGTH, **parameters)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_rings_of_a_disk_are_exact_for_polynomials(n):
    radii, weights = rings(0.0, 0.3, n)
    for power in range(2 * n):  # the mean of r^(2p) over a disk is R^(2p) / (p + 1)
        mean = weights @ radii ** (2 * power)
        assert mean == pytest.approx(0.3 ** (2 * power) / (power + 1), rel=1e-12)


def test_rings_of_a_disk_that_goes_round_have_its_moments():
    radii, weights = rings(0.5, 0.2, 4)
    assert weights.sum() == pytest.approx(1, abs=1e-14)
    assert ((radii > 0.3) & (radii < 0.7)).all()
    # |c + d|² = c² + d² + 2 c·d: its mean, and that of its square.
    assert weights @ radii**2 == pytest.approx(0.25 + 0.02)
    squares = 0.25**2 + 2 * 0.25 * 0.02 + 0.2**4 / 3 + 2 * 0.25 * 0.02
    assert weights @ radii**4 == pytest.approx(squares)


def test_a_circle_alone_is_one_ring():
    radii, weights = rings(0.4, 0.0, 3)
    assert radii.tolist() == [0.4]
    assert weights.tolist() == [1]


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 4, 6])
def test_mean_over_the_disk_is_exact_for_polynomials_in_both_parts(degree):
    beams = incidence(np.array([0.1, -0.2]), 0.0, 0.3, 5.0)
    for i in range(degree + 1):
        found = beams.weights @ (beams.vectors[:, 0] ** i * beams.vectors[:, 1] ** (degree - i))
        # By a fine grid of its own.
        r, a = np.polynomial.legendre.leggauss(40)[0], np.arange(200) * np.pi / 100
        radii, shares = 0.15 * (r + 1), np.polynomial.legendre.leggauss(40)[1] * (r + 1)
        x = 0.1 + radii[:, None] * np.cos(a)
        y = -0.2 + radii[:, None] * np.sin(a)
        expected = (shares[:, None] * x**i * y ** (degree - i)).sum() / shares.sum() / len(a)
        assert found == pytest.approx(expected, abs=1e-12)


def test_one_of_each_keeps_the_weight_of_all():
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    fourfold = np.array([np.linalg.matrix_power(turn, i) for i in range(4)])
    beams = incidence(NOWHERE, 0.3, 0.1, 20.0, order=4)
    kept = one_of_each(beams, fourfold)
    assert 4 * len(kept.weights) == len(beams.weights)
    assert kept.weights.sum() == pytest.approx(1, abs=1e-13)


@pytest.mark.parametrize(
    ("number", "fewer"),
    [(1, 1), (2, 2), (3, 2), (25, 4), (32, 4), (35, 4), (75, 4), (99, 8), (143, 3), (156, 6),
     (157, 6), (168, 6), (183, 12)],
)  # fmt: skip
def test_symmetry_of_the_projection_saves_beams_and_changes_nothing(number, fewer):
    """Groups whose projections along c are all plane groups but three; 3 along its axis b's."""
    zone = (0, 0, 1) if number != 3 else (0, 1, 0)
    one = potential(number, zone)
    angles = {"precession": 0.4, "convergence": 0.1}
    beams, group = one._incident(0.0, 0.0, 0.4, 0.1, 150.0)
    kept = one_of_each(beams, group.in_plane(one._inner_basis))
    assert len(beams.weights) == fewer * len(kept.weights)
    expected = 0.0
    for vector, weight in zip(*beams, strict=True):
        tilt = math.degrees(math.asin(WAVELENGTH * np.hypot(*vector)))
        azimuth = math.degrees(math.atan2(vector[1], vector[0]))
        expected = expected + weight * one.intensities([50.0, 150.0], tilt=tilt, azimuth=azimuth)
    found = one.intensities([50.0, 150.0], **angles)
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_a_mirror_line_along_the_tilt_saves_half():
    one = potential(25)
    beams, group = one._incident(0.3, 90.0, 0.4, 0.0, 100.0)
    assert len(group.matrices) == 2
    assert len(beams.weights) == 2 * len(
        one_of_each(beams, group.in_plane(one._inner_basis)).weights
    )
    _, none = one._incident(0.3, 70.0, 0.4, 0.0, 100.0)
    assert len(none.matrices) == 1


def test_absorbing_crystals_save_as_many():
    one = potential(99, absorption=0.1)
    beams, group = one._incident(0.0, 0.0, 0.3, 0.0, 80.0)
    assert len(group.matrices) == 8
    expected = one._complex_waves.mean(np.array([80.0]), beams)
    np.testing.assert_allclose(one.intensities([80.0], precession=0.3), expected, atol=1e-9)


@pytest.mark.parametrize("angles", [
    {"convergence": 0.3},
    {"convergence": 0.2, "tilt": 0.3, "azimuth": 25.0},
    {"convergence": 0.15, "precession": 0.5, "tilt": 0.1, "azimuth": 200.0},
    {"precession": 0.6},
])  # fmt: skip
@pytest.mark.filterwarnings("ignore:convergence")
def test_as_many_beams_as_the_rule_takes_are_enough(angles, monkeypatch):
    """Many more change intensities by less than 3e-5 of the incident beam."""
    one = potential(33, q_max=1.457, bandwidth=1.8)
    found = one.intensities([50.0, 300.0], **angles)
    monkeypatch.setattr(_incident_directions, "AZIMUTHS", 30)
    monkeypatch.setattr(_incident_directions, "RINGS", 8)
    finer = one.intensities([50.0, 300.0], **angles)
    assert np.abs(found - finer).max() < 3e-5


def test_convergence_is_the_mean_over_directions_within_the_cone():
    one = potential(33)
    found = one.intensities(200.0, tilt=0.2, azimuth=30.0, convergence=0.1)
    middle = math.sin(math.radians(0.2)) * np.array([math.cos(math.pi / 6), 0.5])
    side = math.sin(math.radians(0.1))
    steps = (np.arange(25) - 12) / 12.5
    total, n = 0.0, 0
    for x, y in itertools.product(steps, steps):
        if x * x + y * y > 1:
            continue
        vector = middle + side * np.array([x, y])
        total = total + one.intensities(
            200.0, tilt=math.degrees(math.asin(np.hypot(*vector))),
            azimuth=math.degrees(math.atan2(vector[1], vector[0])),
        )  # fmt: skip
        n += 1
    assert n > 450
    assert np.abs(found - total / n).max() < 2e-4  # a grid's edge is no circle
    point = one.intensities(200.0, tilt=0.2, azimuth=30.0)
    assert np.abs(found - point).max() > 5e-3


def test_thin_crystals_do_not_mind_convergence():
    one = potential(33)
    still, wide = (one.intensities(0.5, convergence=c) for c in (0.0, 0.05))
    np.testing.assert_allclose(still, wide, atol=1e-3 * still[1:].max())


def test_disks_that_overlap_are_warned_of():
    one = potential(33)
    smallest = np.linalg.norm(one.q[1:], axis=1).min()
    bragg = math.degrees(math.asin(WAVELENGTH * smallest / 2))
    with pytest.warns(UserWarning, match="disks overlap"):
        one.intensities(100.0, convergence=1.01 * bragg)
    one.intensities(100.0, convergence=0.99 * bragg)


@pytest.mark.parametrize("engine", ["bloch", "multislice"])
def test_simulator_passes_the_angles_on(engine):
    crystal = random_crystal(33, np.random.default_rng(33), n_orbits=1)
    given = {"tilt": 0.1, "azimuth": 40.0, "precession": 0.2, "convergence": 0.05}
    spots = DiffractionSimulator(
        [[0, 0, 1]], engine=engine, radiation="electron", voltage=200, output="spots", q_max=0.7,
        thickness=100.0, normalize=False, standardize=False, bandwidth=0.9, **given,
    ).transform([crystal])  # fmt: skip
    one = ProjectedPotential(
        crystal, (0, 0, 1), WAVELENGTH, q_max=0.7, bandwidth=0.9, thickest=100.0, method=engine
    )
    expected = one.of_layer(one.intensities(100.0, **given))[1:]
    assert np.abs(np.sort(spots.intensity) - np.sort(expected)).max() < 1e-5


@pytest.mark.parametrize("convergence", [-0.1, 3, "0.1"])
def test_convergence_out_of_range_is_refused(convergence):
    simulator = DiffractionSimulator(
        engine="bloch", radiation="electron", voltage=200, convergence=convergence
    )
    with pytest.raises(ValueError, match="convergence must be a number from 0 to 2"):
        simulator.fit()
    with pytest.raises(ValueError, match=r'convergence=0\.1 is for engine="bloch"'):
        DiffractionSimulator(convergence=0.1).fit()
