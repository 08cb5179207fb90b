"""Rendered images: each effect is what it says."""

from __future__ import annotations

import numpy as np
import pytest

from crystalsym.diffraction import SpotPatterns
from crystalsym.measurement import CameraImages
from crystalsym.scattering import electron_wavelength

Q = np.array([[0.3, 0.0], [-0.3, 0.0], [0.1, 0.4], [-0.1, -0.4]])
SPOTS = SpotPatterns(
    q=Q, intensity=np.array([4.0, 4.0, 1.0, 1.0]), starts=np.array([0, 4]),
    q_min=np.zeros((1, 1)), q_max=np.ones((1, 1)),
)  # fmt: skip


def render(**how):
    return CameraImages(129, 1.0, **{"poisson": False, **how}).render(SPOTS)[0][0]


def pixel(image, q):
    column, row = np.rint(np.array(q) * 64 + 64).astype(int)
    return image.image[row, column]


def test_counts_scale_and_places():
    image = render(spot_sigma=1.0)
    assert image.q_per_pixel == pytest.approx(1 / 64)
    # Its center is 0.4 pixels off the pixel's, along either axis.
    assert pixel(image, [0.1, 0.4]) == pytest.approx(2500 * np.exp(-0.16), abs=1)
    peak = np.unravel_index(image.image.argmax(), image.image.shape)
    assert abs(peak[1] - 64) == 19  # 0.3 x 64 = 19.2
    assert image.center is None
    assert image.bit_depth == 16


def test_poisson_counts_have_their_variance():
    image = render(poisson=True, background=0.05).image
    corner = image[:40, :40].astype(float)
    smooth = render(background=0.05).image[:40, :40]
    assert np.var(corner - smooth) == pytest.approx(smooth.mean(), rel=0.1)


@pytest.mark.parametrize("mirror", [False, True])
def test_turned_mirrored_shifted_and_scaled_places_are_as_told(mirror):
    image = render(rotate=True, mirror=mirror, off_center=7.0, scale_error=0.03, spot_sigma=1.0)
    truth = image.metadata["rendered"]
    angle = np.radians(truth["angle"])
    q = Q * [1, -1 if truth["mirrored"] else 1]
    turned = q @ [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    places = turned * 64 / truth["scale"] + truth["center"]
    for column, row in np.rint(places).astype(int):
        assert image.image[row, column] > 1500
    assert np.hypot(*(np.array(truth["center"]) - 64)) == pytest.approx(7.0)
    assert truth["scale"] in (0.97, 1.03)


def test_stop_hides_the_beam_and_a_bar():
    image = render(background=0.1, beam_stop=10.0).image
    assert (image[58:71, 58:71] == 0).all()
    edges = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    assert 8 < (edges == 0).sum() < 25


def test_tilt_breaks_friedel_pairs_and_no_tilt_does_not():
    upright = render(thickness=100.0, spot_sigma=1.0)
    assert pixel(upright, Q[2]) == pytest.approx(pixel(upright, Q[3]), rel=0.01)
    tilted = render(thickness=200.0, tilt=0.6, spot_sigma=1.0)
    ratio = pixel(tilted, Q[0]) / pixel(tilted, Q[1])
    assert not 0.98 < ratio < 1.02


def test_saturation_hot_pixels_and_dead_rows():
    image = render(saturation=900.0, hot_pixels=5, dead_rows=1, background=0.01).image
    assert image.max() == 900
    assert (image == 0).all(axis=1).sum() == 1


def test_point_spread_keeps_the_light():
    sharp, spread = render(spot_sigma=1.0).image, render(spot_sigma=1.0, point_spread=1.0).image
    assert spread.max() < 0.7 * sharp.max()
    assert spread.sum() == pytest.approx(sharp.sum(), rel=0.05)


def test_draws_depend_on_seed_and_row_alone():
    camera = CameraImages(64, 1.0, rotate=True, background=0.01)
    two = SpotPatterns.concatenate([SPOTS, SPOTS])
    first, second = camera.render(two)
    np.testing.assert_array_equal(camera.render(SPOTS, [1])[0][0].image, second[0].image)
    assert (first[0].image != second[0].image).any()


def test_impurities_and_position_errors_change_the_places():
    clean = render(spot_sigma=1.0).image
    assert (render(spot_sigma=1.0, impurity_spots=6).image > clean).any()
    assert (render(spot_sigma=1.0, position_error=1.0).image != clean).any()


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"counts": 0}, "counts must be a positive number"),
        ({"tilt": (0.5, 0.2)}, "tilt must be a number from 0 on or a rising range"),
        ({"hot_pixels": 1.5}, "hot_pixels must be an integer from 0 on"),
    ],
)
def test_bad_parameters_are_named(how, reason):
    with pytest.raises(ValueError, match=reason):
        render(**how)


def test_a_pattern_without_spots_cannot_be_drawn():
    empty = SpotPatterns(
        q=np.empty((0, 2)), intensity=np.empty(0), starts=np.array([0, 0]),
        q_min=np.zeros((1, 1)), q_max=np.ones((1, 1)),
    )  # fmt: skip
    with pytest.raises(ValueError, match="pattern 0 of crystal 0 holds no spot"):
        CameraImages(64).render(empty)


@pytest.mark.parametrize(
    ("voltage", "wavelength"), [(100, 0.03701), (200, 0.02508), (300, 0.01969)]
)
def test_wavelengths_are_those_of_the_tables(voltage, wavelength):
    assert electron_wavelength(voltage) == pytest.approx(wavelength, abs=1e-5)
