"""Rendered images, found again, compared with what is true of them."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from sklearn.base import clone

from crystalsym.diffraction import SpotPatterns
from crystalsym.measurement import CameraImages, Pattern, PatternRefused, SpotFinder
from crystalsym.measurement._spot_integration import integrate_spots

SIZE, Q_MAX = 256, 1.0
WRONG = dict(spot_sigma=1.3, background=0.01, off_center=6.0, rotate=True, beam_stop=9.0)


def rectangle(a, b, seed, q_max=Q_MAX):
    """Half of the spots of a rectangular lattice, random intensities."""
    rng = np.random.default_rng(seed)
    h, k = np.meshgrid(np.arange(-30, 31), np.arange(-30, 31))
    indices = np.stack([h.ravel(), k.ravel()], axis=1)
    indices = indices[(indices[:, 1] > 0) | ((indices[:, 1] == 0) & (indices[:, 0] > 0))]
    q = indices * [a, b]
    inside = np.hypot(*q.T) < q_max
    q = q[inside]
    return q, (0.05 + rng.exponential(1, len(q))) * np.exp(-1.5 * (q**2).sum(axis=1))


def patterns(*layers, q_max=Q_MAX):
    parts = [rectangle(a, b, seed, q_max) for seed, (a, b) in enumerate(layers)]
    return SpotPatterns(
        q=np.concatenate([q for q, _ in parts]),
        intensity=np.concatenate([intensity for _, intensity in parts]),
        starts=np.cumsum([0] + [len(q) for q, _ in parts]),
        q_min=np.zeros((1, 3)),
        q_max=np.full((1, 3), q_max),
        halved=True,
    )


# Zones [100], [010], [001] of a* = 1/4, b* = 1/5, c* = 1/7.
CELL = patterns((1 / 5, 1 / 7), (1 / 7, 1 / 4), (1 / 4, 1 / 5))


def rendered(**how):
    return CameraImages(SIZE, Q_MAX, **{"spot_sigma": 1.3, **how}).render(CELL)


@pytest.fixture(scope="module")
def everything_wrong():
    images = rendered(**WRONG)
    return images[0], SpotFinder(q_max=Q_MAX).find(images)[0]


def test_beam_is_found_to_a_tenth_of_a_pixel_behind_a_stop(everything_wrong):
    images, found = everything_wrong
    for one, image in zip(found.images, images, strict=True):
        off = one.center.place - image.metadata["rendered"]["center"]
        assert math.hypot(*off) < 0.1
        assert image.image[tuple(np.rint(one.center.place).astype(int)[::-1])] == 0  # hidden


def test_width_lattice_and_spots_come_back(everything_wrong):
    _, found = everything_wrong
    assert found.refused is None
    for one, edges in zip(found.images, ((1 / 7, 1 / 5), (1 / 7, 1 / 4), (1 / 5, 1 / 4)),
                          strict=True):  # fmt: skip
        assert one.spot_sigma == pytest.approx(1.3, abs=0.1)
        np.testing.assert_allclose(np.hypot(*one.basis.T), edges, rtol=3e-3)
        assert one.lattice.explained.mean() > 0.95
        assert one.lattice.residual < 0.5


def test_intensities_are_those_rendered(everything_wrong):
    _, found = everything_wrong
    spots = SpotFinder(q_max=Q_MAX).spots(found)
    for view in range(3):
        true, seen = CELL.pattern(0, view), spots.pattern(0, view)
        # A mirror of a rectangular lattice is the lattice: either sign of y may be right.
        best = max(agreement(true, seen, sign) for sign in (1, -1))
        assert best > 0.98


def agreement(true, seen, sign):
    """Correlation of the intensities at places that both have."""
    off = np.hypot(*(true.q[:, None] - seen.q[None] * [1, sign]).transpose(2, 0, 1))
    nearest = off.argmin(axis=1)
    same = off[np.arange(len(true)), nearest] < 0.02
    assert same.sum() > 20
    return np.corrcoef(true.intensity[same], seen.intensity[nearest[same]])[0, 1]


@pytest.mark.parametrize("how", [{"rotate": True}, {"rotate": True, "mirror": True}])
def test_turned_and_mirrored_images_give_the_same_rows_along_x(how):
    spots = SpotFinder(q_max=Q_MAX).transform(rendered(**how, random_state=3))
    for view, period in enumerate((1 / 5, 1 / 7, 1 / 4)):  # b*, c*, a* along +x
        q = spots.pattern(0, view).q
        along = q[(np.abs(q[:, 1]) < 0.01) & (q[:, 0] > 0)]
        assert along[:, 0].min() == pytest.approx(period, rel=0.01)


def test_what_the_stop_hides_is_not_measured():
    images = rendered(background=0.01, beam_stop=20.0)
    spots = SpotFinder(q_max=Q_MAX).transform(images)
    pitch = images[0][0].q_per_pixel
    assert not spots.seen(0, 0, [[8 * pitch, 0.0], [0.0, 10 * pitch]]).any()
    assert spots.seen(0, 0, [[0.4, 0.5], [0.1, 0.6]]).all()


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.zeros((128, 128)), "the image is empty"),
        (np.random.default_rng(0).poisson(50.0, (128, 128)), "too few spots"),
        (np.add.outer(np.arange(128.0), np.arange(128.0)), "too few spots"),
        (np.eye(128)[::-1][:1].repeat(128, 0) * 0 + (np.arange(16384).reshape(128, 128) == 8000),
         "too few spots"),
        (np.random.default_rng(0).integers(0, 255, (64, 64, 3)), "a color picture"),
    ],
    ids=["zeros", "noise", "gradient", "one pixel", "color"],
)  # fmt: skip
def test_what_is_no_pattern_is_refused(image, reason):
    with pytest.raises(PatternRefused, match=f"crystal 0, image 0: {reason}"):
        SpotFinder(q_per_pixel=0.01).transform([[image] * 3])


def test_rings_are_refused():
    y, x = np.indices((256, 256)) - 127.5
    r = np.hypot(x, y)
    light = sum(60 * np.exp(-((r - radius) ** 2) / 4) for radius in (40, 57, 70, 90)) + 20
    image = np.random.default_rng(0).poisson(light)
    refused = SpotFinder(q_per_pixel=0.01).find([[image] * 3])[0].refused
    assert "rings" in refused


def test_two_crystals_in_one_image_are_refused():
    one = rendered()[0]
    other = CameraImages(SIZE, Q_MAX, spot_sigma=1.3, rotate=True, random_state=8)
    two = other.render(patterns((1 / 6.1, 1 / 8.3), (1 / 8.3, 1 / 5.4), (1 / 5.4, 1 / 6.1)))[0]
    overlaid = [Pattern(a.image + b.image, a.q_per_pixel) for a, b in zip(one, two, strict=True)]
    refused = SpotFinder().find([overlaid])[0].refused
    assert "more than one lattice" in refused or "no lattice found" in refused


def test_a_scale_that_puts_spots_where_no_atom_scatters_is_refused():
    (images,) = CameraImages(SIZE, Q_MAX, spot_sigma=1.3).render(
        patterns((1 / 8, 1 / 9), (1 / 9, 1 / 7), (1 / 7, 1 / 8))
    )
    scale = images[0].q_per_pixel
    assert SpotFinder(q_per_pixel=scale).find([images])[0].refused is None
    refused = SpotFinder(q_per_pixel=4.5 * scale).find([images])[0].refused
    assert "implausible scale: spots as far as" in refused


def test_strong_spots_off_the_lattice_are_told():
    (clean,), (strewn,) = rendered(), rendered(impurity_spots=16)
    first = SpotFinder(q_max=Q_MAX).find([clean])[0]
    assert not first.doubtful
    found = SpotFinder(q_max=Q_MAX).find([strewn])[0]
    assert found.refused is None
    assert found.doubtful
    assert any("off the lattice: a second crystal?" in note for note in found.notes)


def test_scales_that_no_crystal_has_are_refused():
    images = rendered()
    found = SpotFinder(q_per_pixel=images[0][0].q_per_pixel * 20).find(images)[0]
    assert "implausible scale" in found.refused


def test_the_flanks_of_overexposed_spots_tell_their_heights():
    y, x = np.mgrid[:48, :96]
    light = sum(h * np.exp(-((x - c) ** 2 + (y - 24) ** 2) / 8) for h, c in ((9, 20), (40, 60)))
    places = np.array([[20.0, 24.0], [60.0, 24.0]])
    for level, expected in ((10.0, 40.0), (2.0, np.nan)):  # four and twenty times overexposed
        saturated = light >= level
        recorded = np.minimum(light, level).astype(np.float32)
        ones = np.ones_like(recorded)
        found, _ = integrate_spots(recorded, ones, saturated, places, 2.0, saturated)
        np.testing.assert_allclose(found, [9.0, expected], rtol=0.02)
        # What a stop hides is not measured by what is left of it.
        hidden, _ = integrate_spots(recorded, ones, saturated, places, 2.0)
        assert np.isnan(hidden[1])


def test_a_hidden_row_through_the_beam_is_told():
    open_, crossed = (SpotFinder(q_max=Q_MAX).find(rendered(gaps=gaps))[0] for gaps in (0, 4))
    assert not any("row of the lattice through the beam" in note for note in open_.notes)
    assert sum("row of the lattice through the beam" in note for note in crossed.notes) == 3
    assert crossed.doubtful


def test_dense_spots_of_a_lattice_are_no_rings():
    # A long cell seen by a camera that spreads light: rows of spots nearly touch.
    dense = patterns((1 / 16, 1 / 17.3), (1 / 17.3, 1 / 19), (1 / 19, 1 / 16))
    images = CameraImages(512, Q_MAX, spot_sigma=2.0, point_spread=0.8).render(dense)
    assert SpotFinder(q_max=Q_MAX).find(images)[0].refused is None


def test_one_zone_of_a_small_cell_may_have_short_spacings_alone():
    # As in a metal of 3.6 Å, all faces centered, along [111].
    small = patterns((1 / 1.3, 1 / 1.3), (1 / 2.1, 1 / 1.3), (1 / 1.8, 1 / 1.8), q_max=3.0)
    (images,) = CameraImages(SIZE, 3.0, spot_sigma=1.3).render(small)
    assert SpotFinder(q_max=3.0).find([images])[0].refused is None
    shrunk = [Pattern(one.image, 1.45 * one.q_per_pixel) for one in images]
    refused = SpotFinder(q_max=3.0).find([shrunk])[0].refused
    assert "image 0: implausible scale: the longest spacing would be 0.897 Å" in refused
    shrunk = [Pattern(images[i].image, 1.45 * images[i].q_per_pixel) for i in (1, 1, 2)]
    refused = SpotFinder(q_max=3.0).find([shrunk])[0].refused
    assert "the longest spacings would be 1.45, 1.45, 1.24 Å" in refused


def test_a_field_without_spots_beyond_large_spacings_is_refused():
    images = [[Pattern(p.image, p.q_per_pixel * 0.2) for p in rendered()[0]]]
    assert "no spot beyond 0.2 1/Å" in SpotFinder().find(images)[0].refused


@pytest.mark.parametrize("mark", [-1.0, math.nan])
def test_gaps_of_a_detector_are_not_measured(mark):
    # Of this cell rows of spots do not fall into gaps together.
    cell = patterns((1 / 5.3, 1 / 7.4), (1 / 7.4, 1 / 4.4), (1 / 4.4, 1 / 5.3))
    how = {"spot_sigma": 1.3, "background": 0.01, "off_center": 5.0}
    (images,) = CameraImages(SIZE, Q_MAX, gaps=6, **how).render(cell)
    marked = [Pattern(np.where(p.image < 0, mark, p.image), p.q_per_pixel) for p in images]
    whole = SpotFinder(q_max=Q_MAX).transform(CameraImages(SIZE, Q_MAX, **how).render(cell))
    (found,) = SpotFinder(q_max=Q_MAX).find([marked])
    for one, image in zip(found.images, images, strict=True):
        assert any("count as not measured" in note for note in one.notes)
        assert one.bad[image.image < 0].all()
    seen = SpotFinder(q_max=Q_MAX).spots(found)
    assert 0.8 * whole.n_spots < seen.n_spots <= 1.02 * whole.n_spots
    for view in range(3):
        a, b = whole.pattern(0, view), seen.pattern(0, view)
        near = np.hypot(*np.moveaxis(a.q[:, None] - b.q[None], -1, 0))
        same = near.min(axis=1) < 0.01
        ratio = b.intensity[near.argmin(axis=1)[same]] / a.intensity[same]
        assert np.median(np.abs(np.log(ratio))) < 0.05


def test_dense_rows_of_spots_are_no_shade_no_rings_and_told_apart():
    # c = 32 Å: spots 4 pixels apart along c*, of a width of 1.3.
    crystal = patterns((1 / 5, 1 / 32), (1 / 32, 1 / 4), (1 / 4, 1 / 5))
    (images,) = CameraImages(SIZE, Q_MAX, spot_sigma=1.3, counts=3e4).render(crystal)
    (found,) = SpotFinder(q_max=Q_MAX).find([images])
    assert found.refused is None
    shortest = [np.hypot(*one.basis.T).min() for one in found.images]
    np.testing.assert_allclose(shortest, [1 / 32, 1 / 32, 1 / 5], rtol=0.01)


def test_refused_crystals_are_missing_rows_and_the_others_answered():
    images = [[np.zeros((64, 64))] * 3, *rendered()]
    finder = SpotFinder(q_per_pixel=rendered()[0][0].q_per_pixel, on_refusal="nan")
    with pytest.warns(UserWarning, match="crystal 0, image 0: the image is empty"):
        spots = finder.transform(images)
    assert spots.missing.tolist() == [True, False]


def test_inverted_gray_is_turned_round():
    images = rendered(background=0.01)[0]
    inverted = [Pattern(65535 - one.image, one.q_per_pixel) for one in images]
    found = SpotFinder(q_max=Q_MAX).find([inverted])[0]
    assert found.refused is None
    assert "image 0: inverted gray was turned round" in found.notes


def test_hot_pixels_and_dead_rows_change_nothing():
    finder = SpotFinder(q_max=Q_MAX)
    clean = finder.find(rendered(background=0.01))[0]
    bad = finder.find(rendered(background=0.01, hot_pixels=20, dead_rows=2))[0]
    for one, other in zip(clean.images, bad.images, strict=True):
        np.testing.assert_allclose(other.center.place, one.center.place, atol=0.05)
        np.testing.assert_allclose(np.abs(other.basis), np.abs(one.basis), rtol=5e-3, atol=1e-3)


def test_jobs_and_pickles_change_nothing():
    images = rendered()
    spots = SpotFinder(q_max=Q_MAX).transform(images)
    finder = pickle.loads(pickle.dumps(clone(SpotFinder(q_max=Q_MAX))))
    again = finder.transform(images)
    np.testing.assert_array_equal(spots.q, again.q)
    np.testing.assert_array_equal(spots.intensity, again.intensity)


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"q_per_pixel": -1}, "q_per_pixel must be a positive number"),
        ({"camera_length": 500.0}, "give all three, or q_per_pixel"),
        ({"camera_length": 5.0, "pixel_size": 1.0, "voltage": 200, "wavelength": 1},
         "one of wavelength and voltage"),
        ({"order": "zyy"}, "order must be one of"),
        ({"center": 7}, r"center must be \(column, row\)"),
        ({"on_refusal": "skip"}, 'must be "raise" or "nan"'),
        ({}, "crystal 0, image 0: its scale is not known"),
        ({"q_per_pixel": 0.1, "mask": np.ones((3, 3), bool)}, r"has shape \(64, 64\), the mask"),
    ],
)  # fmt: skip
def test_bad_parameters_are_named(parameters, reason):
    with pytest.raises(ValueError, match=reason):
        SpotFinder(**parameters).transform([[np.zeros((64, 64))] * 3])


def test_scale_from_camera_length():
    finder = SpotFinder(camera_length=500.0, pixel_size=0.05, voltage=200.0)
    assert finder._scale() == pytest.approx(0.05 / 500 / 0.0250793, rel=1e-4)


def test_two_images_are_too_few():
    with pytest.raises(ValueError, match="crystal 0 has 2 images, three are needed"):
        SpotFinder(0.1).transform([[np.zeros((64, 64))] * 2])


@pytest.mark.parametrize(
    ("image", "error", "reason"),
    [
        (np.zeros((64, 64), complex), TypeError, "must be real numbers, not complex128"),
        (np.zeros((8, 64)), ValueError, r"at least 32 pixels, got \(8, 64\)"),
        (np.zeros(64), ValueError, r"an image has shape \(H, W\)"),
    ],
)
def test_what_is_no_image_is_named(image, error, reason):
    good = np.eye(64)
    with pytest.raises(error, match=f"crystal 1, image 2: .*{reason}"):
        SpotFinder(0.1).transform([[good] * 3, [good, good, image]])


def test_logarithmic_gray_is_refused():
    images = CameraImages(SIZE, Q_MAX, spot_sigma=1.5, poisson=False).render(CELL)[0]
    pictures = [np.log1p(one.image) for one in images]
    refused = SpotFinder(images[0].q_per_pixel).find([pictures])[0].refused
    assert "logarithm" in refused
