"""CameraDegradation: each shortcoming does what its formula says, as rendered images show it."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from sklearn.base import clone

from crystalsym.diffraction import SpotPatterns
from crystalsym.measurement import CameraDegradation, CameraImages, SpotFinder
from crystalsym.measurement._camera_degradation import CAMERA_SHARES
from crystalsym.scattering import electron_wavelength

WEAK = ("thickness", "tilt", "precession", "background", "beam_stop", "field", "scale_error")
Q_MAX = 1.0


def layers(n=6, edges=(0.1, 0.12, 0.14), halved=True):
    """Three rectangular layers, half of each, intensities exponentially distributed."""
    a, b, c = edges
    pairs = np.array(
        [(i, j) for i in range(11) for j in range(-10, 11) if i > 0 or j > 0], dtype=np.int16
    )
    basis = np.array([[[b, 0], [0, c]], [[c, 0], [0, a]], [[a, 0], [0, b]]])
    parts = [pairs @ one for one in basis]
    inside = [np.hypot(*q.T) < Q_MAX for q in parts]
    q = np.concatenate([one[kept] for one, kept in zip(parts, inside, strict=True)])
    counts = [int(kept.sum()) for kept in inside]
    rng = np.random.default_rng(0)
    return SpotPatterns(
        q=np.tile(q, (n, 1)),
        intensity=rng.exponential(size=n * len(q)) + 0.01,
        starts=np.concatenate([[0], np.cumsum(np.tile(counts, n))]),
        q_min=np.zeros((n, 3)),
        q_max=np.full((n, 3), Q_MAX),
        indices=np.tile(np.concatenate([pairs[kept] for kept in inside]), (n, 1)),
        halved=halved,
    )


def only(shares=None, **strengths):
    """Nothing but what is named, for every crystal, in as good as endless light."""
    nothing = {name: None for name in WEAK if name not in strengths}
    happens = dict.fromkeys(strengths.keys() & CAMERA_SHARES.keys(), 1.0)
    settings = {"counts": 1e14, "significance": 0.0, **nothing, **strengths}
    return CameraDegradation(**settings, shares={**happens, **(shares or {})}, random_state=0)


def test_nothing_happens_where_nothing_is_asked_for():
    spots = layers()
    seen = only().transform(spots)
    np.testing.assert_allclose(seen.intensity, spots.intensity, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(seen.q, spots.q)
    np.testing.assert_array_equal(seen.starts, spots.starts)


def test_spots_off_the_sphere_fade_by_sinc_squared():
    spots = layers()
    seen = only(thickness=100.0, voltage=200.0).transform(spots)
    s = electron_wavelength(200.0) / 2 * (spots.q**2).sum(axis=1)
    np.testing.assert_allclose(
        seen.intensity, spots.intensity * np.sinc(100 * s) ** 2, rtol=1e-3, atol=1e-5
    )


def test_a_wavelength_takes_the_place_of_a_voltage():
    spots = layers()
    by_voltage = only(thickness=90.0, voltage=100.0).transform(spots)
    by_length = only(thickness=90.0, wavelength=electron_wavelength(100.0)).transform(spots)
    np.testing.assert_array_equal(by_voltage.intensity, by_length.intensity)
    flat = only(thickness=90.0, wavelength=1e-9).transform(spots)
    np.testing.assert_allclose(flat.intensity, spots.intensity, rtol=1e-4, atol=1e-6)


def test_tilt_favors_a_side_and_a_spot_is_the_mean_of_its_mates():
    spots = layers(1)
    part = slice(spots.starts[1])  # the first image: the others' draws come after its noise

    def kept(halved, **how):
        seen = only(thickness=200.0, tilt=0.4, **how).transform(layers(1, halved=halved))
        return seen.intensity[part] / spots.intensity[part]

    # Flat, the mates of a tilted pattern are equally far from the sphere.
    flat = {"wavelength": 1e-9}
    np.testing.assert_allclose(kept(True, **flat), kept(False, **flat), rtol=1e-3, atol=1e-6)
    seen = kept(True, voltage=60.0)
    assert np.abs(seen - kept(False, voltage=60.0)).max() > 0.1
    q = spots.q[part]  # the direction of its tilt explains all spots
    angles = np.radians(np.arange(0, 360, 1.0))
    slope = math.tan(math.radians(0.4))
    half_wave = electron_wavelength(60.0) / 2
    off = []
    for toward in angles:
        along = slope * q @ [math.cos(toward), math.sin(toward)]
        square = half_wave * (q**2).sum(axis=1)
        expected = [np.sinc(200 * (sign * along - square)) ** 2 for sign in (1, -1)]
        off.append(np.abs(np.mean(expected, axis=0) - seen).max())
    assert min(off) < 0.02


def test_precession_is_the_mean_over_a_cone():
    spots = layers(1)
    seen = only(thickness=80.0, wavelength=1e-9, precession=0.5).transform(spots)
    azimuth = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    swing = math.tan(math.radians(0.5)) * np.hypot(*spots.q.T)
    expected = (np.sinc(80 * swing[:, None] * np.cos(azimuth)) ** 2).mean(axis=1)
    np.testing.assert_allclose(seen.intensity / spots.intensity, expected, atol=0.01)


def test_what_the_stop_or_the_edge_hides_is_gone_and_told():
    spots = layers()
    seen = only(beam_stop=0.21, field=0.8).transform(spots)
    lengths = np.hypot(*seen.q.T)
    assert lengths.min() >= 0.21
    assert lengths.max() <= 0.8
    assert (seen.q_min == 0.21).all()
    assert (seen.q_max == 0.8).all()
    inside = np.hypot(*spots.q.T)
    assert seen.n_spots == ((inside >= 0.21) & (inside <= 0.8)).sum()  # mates stand beside the bar


def test_a_wrong_scale_is_one_for_a_crystal():
    spots = layers(8)
    seen = only(scale_error=0.04).transform(spots)
    ratio = np.hypot(*spots.q.T) / np.hypot(*seen.q.T)
    per_crystal = np.split(ratio, spots.starts[3:-1:3])
    factors = {round(float(np.mean(one)), 6) for one in per_crystal}
    assert factors == {0.96, 1.04}
    assert all(np.ptp(one) < 1e-6 for one in per_crystal)


def test_places_err_and_strays_have_no_indices():
    spots = layers()
    moved = only(position_error=0.003).transform(spots)
    assert np.std(moved.q - spots.q) == pytest.approx(0.003, rel=0.1)
    more = only(impurity_spots=(2, 4)).transform(spots)
    assert 2 * 18 <= more.n_spots - spots.n_spots <= 4 * 18
    assert more.indices is None
    counts = np.diff(more.starts) - np.diff(spots.starts)
    assert ((counts >= 2) & (counts <= 4)).all()


def test_weak_spots_drown_as_in_a_rendered_image():
    camera = dict(background=0.02, spot_sigma=1.5, counts=3e3)
    spots = layers(4, edges=(0.11, 0.13, 0.15))
    images = CameraImages(512, Q_MAX, random_state=0, **camera).render(spots)
    found = SpotFinder(q_max=Q_MAX, significance=4.0).transform(images)
    shares = {name: 0.0 for name in WEAK} | {"background": 1.0}
    seen = CameraDegradation(**camera, shares=shares, random_state=0).transform(spots)
    assert seen.n_spots == pytest.approx(found.n_spots, rel=0.06)
    relative = [
        np.median(
            one.sigma / np.maximum.reduceat(one.intensity, one.starts[:-1])[one.pattern_of_spot]
        )
        for one in (seen, found)
    ]
    assert relative[0] == pytest.approx(relative[1], rel=0.2)


def test_perfect_crystals_stay_as_they_are():
    spots = layers(40)
    seen = CameraDegradation(shares={"perfect": 0.5}, random_state=1).transform(spots)
    counts = np.diff(spots.starts[::3]), np.diff(seen.starts[::3])
    same = np.array([
        a == b and np.array_equal(spots[i].intensity, seen[i].intensity)
        for i, (a, b) in enumerate(zip(*counts, strict=True))
    ])  # fmt: skip
    assert 8 < same.sum() < 32
    assert (seen.sigma > 0).all()


def test_draws_depend_on_seed_and_number_alone():
    spots, degradation = layers(10), CameraDegradation()
    whole = degradation.degrade(spots, (3, 1), np.arange(10))
    part = degradation.degrade(spots[[7, 2]], (3, 1), np.array([7, 2]))
    np.testing.assert_array_equal(part.intensity, whole[[7, 2]].intensity)
    other = degradation.degrade(spots, (3, 2), np.arange(10))
    assert other.n_spots != whole.n_spots
    np.testing.assert_array_equal(
        CameraDegradation(random_state=5).transform(spots).intensity,
        CameraDegradation(random_state=5).transform(spots).intensity,
    )


def test_is_an_estimator():
    degradation = only(thickness=(40.0, 60.0))
    assert repr(clone(degradation)) == repr(degradation)
    back = pickle.loads(pickle.dumps(degradation)).transform(layers(2))
    np.testing.assert_array_equal(back.intensity, degradation.transform(layers(2)).intensity)
    empty = layers(2)[:0]
    assert len(degradation.transform(empty)) == 0


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"thickness": (300.0, 50.0)}, "thickness must be None, a number from 0 on or a rising"),
        ({"counts": None}, "counts must be a number above 0"),
        ({"voltage": 0.0}, "voltage must be a number above 0"),
        ({"tilt": "0.1"}, "tilt must be"),
        ({"shares": {"glare": 0.1}}, "shares has no 'glare'"),
        ({"shares": {"tilt": 1.2}}, "must lie in"),
        ({"significance": -1.0}, "significance must be"),
    ],
)
def test_bad_parameters_are_named(bad, reason):
    with pytest.raises(ValueError, match=reason):
        CameraDegradation(**bad).fit()


def test_images_are_not_taken_for_spots():
    with pytest.raises(TypeError, match="CameraDegradation takes SpotPatterns, got ndarray"):
        CameraDegradation().transform(np.zeros((1, 3, 8, 8)))
