"""PatternShaper as a transformer: shapes, types, parameters, parallel work."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from support.crystals import NACL

from crystalsym import DiffractionSimulator, PatternShaper


@pytest.fixture(scope="module")
def patterns():
    crystals = [NACL, NACL.replace(lattice=NACL.lattice * 1.3)]
    return DiffractionSimulator(image_size=64).transform(crystals)


def test_shape_and_range(patterns):
    for scheme, channels in [("spots", 2), ("pixels", 3)]:
        shaped = PatternShaper(scheme, image_size=48).fit_transform(patterns)
        assert shaped.shape == (2, 3, 48, 48, channels)
        assert shaped.dtype == np.float32
        assert shaped.min() >= 0
        assert 0.5 < shaped.max() <= 1


def test_default_size_is_224(patterns):
    assert PatternShaper("spots", intensity="linear").transform(patterns[:1]).shape == (
        1,
        3,
        224,
        224,
        2,
    )


def test_any_number_of_views_and_crystals(patterns):
    shaper = PatternShaper("spots", intensity="linear", image_size=32)
    assert shaper.transform(patterns[:, :1]).shape == (2, 1, 32, 32, 2)
    assert shaper.transform(patterns[:0]).shape == (0, 3, 32, 32, 2)


def test_bytes_are_the_rounded_floats(patterns):
    for scheme in ("spots", "pixels"):
        floats = PatternShaper(scheme, image_size=48).transform(patterns)
        whole = PatternShaper(scheme, image_size=48, dtype="uint8").transform(patterns)
        assert whole.dtype == np.uint8
        assert np.array_equal(whole, np.round(floats * 255))


def test_every_view_is_shaped_on_its_own(patterns):
    shaper = PatternShaper("spots", intensity="linear", image_size=48)
    together = shaper.transform(patterns)
    for crystal in range(2):
        for view in range(3):
            alone = shaper.transform(patterns[crystal : crystal + 1, view : view + 1])
            assert np.array_equal(together[crystal, view], alone[0, 0])


def test_jobs_do_not_change_the_result(patterns):
    many = np.concatenate([patterns] * 40)
    for dtype in ("float32", "uint8"):
        shaper = PatternShaper("spots", intensity="linear", image_size=24, dtype=dtype)
        expected = shaper.transform(many)
        assert np.array_equal(shaper.set_params(n_jobs=2).transform(many), expected)


def test_input_is_left_alone(patterns):
    before = patterns.copy()
    for scheme in ("spots", "pixels"):
        PatternShaper(scheme, image_size=24).transform(patterns)
    assert np.array_equal(patterns, before)


def test_read_only_and_strided_input(patterns):
    frozen = patterns.copy()
    frozen.setflags(write=False)
    shaper = PatternShaper("spots", intensity="linear", image_size=24)
    expected = shaper.transform(patterns)
    assert np.array_equal(shaper.transform(frozen), expected)
    assert np.array_equal(shaper.transform(np.asfortranarray(patterns)), expected)
    assert np.array_equal(shaper.transform(patterns.tolist()), expected)


@pytest.mark.parametrize("scheme", ["spots", "pixels"])
def test_rows_with_nan_stay_rows_with_nan(patterns, scheme):
    broken = np.concatenate([patterns, patterns])
    broken[1, 2, 5, 5] = np.nan
    shaped = PatternShaper(scheme, image_size=24).transform(broken)
    assert np.isnan(shaped[1]).all()
    good = [0, 2, 3]
    assert np.array_equal(
        shaped[good], PatternShaper(scheme, image_size=24).transform(broken[good])
    )


def test_bytes_with_a_missing_row_become_floats(patterns):
    broken = patterns.copy()
    broken[0] = np.nan
    shaped = PatternShaper("spots", intensity="linear", image_size=24, dtype="uint8").transform(
        broken
    )
    assert shaped.dtype == np.float32
    assert np.isnan(shaped[0]).all()
    expected = PatternShaper("spots", intensity="linear", image_size=24, dtype="uint8").transform(
        patterns
    )[1]
    assert np.allclose(shaped[1], expected / 255, atol=1e-6)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((3, 64, 64)), r"shape \(n, n_views, H, H\), got \(3, 64, 64\).*np.newaxis"),
        (np.zeros((1, 3, 64, 32)), r"got \(1, 3, 64, 32\)"),
        (np.zeros((1, 3, 4, 4)), "too small"),
        (np.zeros((1, 3, 8, 8), complex), "real numbers, got dtype complex128"),
        (np.full((1, 3, 8, 8), "a"), "real numbers"),
        (
            np.stack([np.zeros((3, 8, 8)), np.full((3, 8, 8), np.inf)]),
            "pattern 1 holds an infinite",
        ),
        ([NACL], "simulate the structures first"),
    ],
)
def test_impossible_input_is_refused(X, message):
    with pytest.raises(ValueError, match=message):
        PatternShaper("spots", intensity="linear").transform(X)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"scheme": "dots"}, "scheme must be one of.*'dots'"),
        ({"intensity": "cubic"}, "intensity must be one of.*'cubic'"),
        ({"distance_factor": 0.5}, "distance_factor must be at least 1"),
        ({"distance_factor": float("nan")}, "distance_factor must be"),
        ({"threshold": 0}, "threshold must lie between 0 and 1"),
        ({"threshold": 1.0}, "threshold must lie between 0 and 1"),
        ({"image_size": 0}, "image_size must be a positive integer"),
        ({"image_size": 22.5}, "image_size must be a positive integer"),
        ({"max_spots": -1}, "max_spots must be a positive integer"),
        ({"channels": ()}, "channels must be chosen"),
        ({"channels": ("spots", "spots")}, "channels must be chosen"),
        ({"channels": ("dots",)}, "channels must be chosen"),
        ({"field": 0}, r"field must lie in \(0, 1\]"),
        ({"field": 1.5}, r"field must lie in \(0, 1\]"),
        ({"spot_sigma": 0}, "spot_sigma must be positive"),
        ({"line_width": -1}, "line_width must be positive"),
        ({"beam_radius": -1}, "beam_radius must not be negative"),
        ({"center": 3}, r"center must be \(column, row\)"),
        ({"dtype": "float64"}, "dtype must be one of"),
    ],
)
def test_impossible_parameters_are_refused(patterns, parameters, message):
    for call in ("fit", "transform"):
        with pytest.raises(ValueError, match=message):
            getattr(
                PatternShaper(**{"scheme": "spots", "intensity": "linear", **parameters}), call
            )(patterns)


def test_constructor_only_stores():
    parameters = {"scheme": 1, "distance_factor": "x", "channels": None, "dtype": 5}
    assert (
        PatternShaper(**{"scheme": "spots", "intensity": "linear", **parameters})
        .get_params()
        .items()
        >= parameters.items()
    )


def test_clone_pickle_and_set_params(patterns):
    shaper = PatternShaper("pixels", image_size=40, dtype="uint8", distance_factor=2.0)
    expected = shaper.transform(patterns)
    for copy in (clone(shaper), pickle.loads(pickle.dumps(shaper))):
        assert copy.get_params() == shaper.get_params()
        assert np.array_equal(copy.transform(patterns), expected)
    assert clone(shaper).set_params(image_size=20).transform(patterns).shape[2] == 20


def test_needs_no_fitting_and_sits_in_a_pipeline(patterns):
    pipeline = make_pipeline(
        DiffractionSimulator(image_size=64),
        PatternShaper("spots", intensity="linear", image_size=32),
    )
    shaped = pipeline.fit([NACL]).transform([NACL])
    assert np.array_equal(
        shaped, PatternShaper("spots", intensity="linear", image_size=32).transform(patterns[:1])
    )


def test_progress_is_shown_on_request(patterns, capsys):
    PatternShaper("spots", intensity="linear", image_size=16, verbose=1).transform(patterns)
    assert "shaping: 100% 2/2" in capsys.readouterr().err
    PatternShaper("spots", intensity="linear", image_size=16).transform(patterns)
    assert capsys.readouterr().err == ""
