"""SpotMerger: three patterns as one color image."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from support.crystals import NACL

from crystalsym import DiffractionSimulator, SpotMerger


def dots(*places, size=64) -> np.ndarray:
    """One crystal's patterns with single pixels (view, column, row, height)."""
    raw = np.zeros((1, 3, size, size))
    for view, column, row, height in places:
        raw[0, view, row, column] = height
    return raw


def test_views_become_colors():
    raw = dots((0, 10, 20, 5.0), (1, 30, 40, 1.0), (2, 50, 60, 0.1))
    merged = SpotMerger(image_size=64).transform(raw)
    assert merged.shape == (1, 64, 64, 3)
    assert merged.dtype == np.float32
    # Each pattern is scaled to its own maximum.
    assert merged[0, 20, 10].tolist() == [1, 0, 0]
    assert merged[0, 40, 30].tolist() == [0, 1, 0]
    assert merged[0, 60, 50].tolist() == [0, 0, 1]
    assert merged.sum() == 3


@pytest.mark.parametrize(
    ("intensity", "expected"),
    [("linear", 0.04), ("root", 0.2), ("log", 1 - np.log(0.04) / np.log(1e-4))],
)
def test_brightness_follows_the_intensity(intensity, expected):
    merged = SpotMerger(image_size=64, intensity=intensity).transform(
        dots((0, 10, 10, 1.0), (0, 40, 40, 0.04))
    )
    assert merged[0, 10, 10, 0] == pytest.approx(1)
    assert merged[0, 40, 40, 0] == pytest.approx(expected, rel=1e-6)
    assert merged[0, 5, 5, 0] == 0


def test_log_is_black_at_the_threshold():
    raw = dots((0, 10, 10, 1.0), (0, 30, 30, 1e-2), (0, 40, 40, 1e-3))
    merged = SpotMerger(image_size=64, intensity="log", threshold=1e-2).transform(raw)
    assert merged[0, 30, 30, 0] == pytest.approx(0, abs=1e-6)
    assert merged[0, 40, 40, 0] == 0


@pytest.mark.parametrize("size", [24, 64, 96])
def test_no_spot_falls_between_two_pixels(size):
    rng = np.random.default_rng(0)
    for _ in range(50):
        column, row = rng.integers(0, 64, 2)
        merged = SpotMerger(image_size=size).transform(dots((1, column, row, 3.0)))
        # Reduced images keep the height, enlarged ones at least half in each direction.
        assert merged[..., 1].max() == 1 if size <= 64 else merged[..., 1].max() > 0.25
        y, x = np.unravel_index(merged[0, :, :, 1].argmax(), (size, size))
        assert abs(x / (size - 1) - column / 63) < 1.5 / (min(size, 64) - 1)
        assert abs(y / (size - 1) - row / 63) < 1.5 / (min(size, 64) - 1)


@given(st.floats(-30, 30), st.sampled_from(["linear", "root", "log"]))
def test_scale_does_not_matter(decades, intensity):
    raw = np.random.default_rng(0).random((1, 3, 16, 16)) ** 8
    merger = SpotMerger(image_size=12, intensity=intensity)
    expected = merger.transform(raw)
    assert np.allclose(merger.transform(raw * 10**decades), expected, atol=1e-5)


def test_patterns_beyond_three_are_added():
    rng = np.random.default_rng(0)
    raw = rng.random((2, 6, 16, 16))
    merger = SpotMerger(image_size=16)
    np.testing.assert_allclose(merger.transform(raw), merger.transform(raw[:, ::2] + raw[:, 1::2]))
    counts = rng.integers(200, 256, (1, 6, 16, 16)).astype(np.uint8)  # the sum does not fit
    expected = merger.transform(counts.astype(float))
    np.testing.assert_allclose(merger.transform(counts), expected)


def test_an_image_may_run_from_its_own_minimum_to_its_maximum():
    raw = 1 + dots((0, 10, 10, 4.0), (1, 20, 20, 2.0), (2, 30, 30, 1.0))
    merged = SpotMerger(image_size=64, normalize="image").transform(raw)[0]
    assert merged[10, 10].tolist() == [1, 0, 0]
    assert merged[20, 20].tolist() == [0, 0.5, 0]
    assert merged[30, 30].tolist() == [0, 0, 0.25]
    assert merged.sum() == pytest.approx(1.75)
    each = SpotMerger(image_size=64).transform(raw)[0]
    assert each[30, 30].tolist() == pytest.approx([1 / 5, 1 / 3, 1])


def test_a_ring_is_kept_without_its_bounds():
    raw = np.ones((1, 3, 61, 61))
    kept = SpotMerger(image_size=61, ring=(10, 30)).transform(raw)[0, ..., 0]
    row = kept[30]  # through the middle
    assert row[[0, 30 - 10, 30 + 10, 60]].tolist() == [0, 0, 0, 0]
    assert row[[1, 30 - 11, 30 + 11, 59]].tolist() == [1, 1, 1, 1]
    assert kept[30 + 6, 30 + 8] == 0  # 10 from the middle
    assert kept[30 + 7, 30 + 8] == 1
    # What is outside does not set the scale.
    raw[0, :, 30, 30] = 1e6
    np.testing.assert_array_equal(
        SpotMerger(image_size=61, ring=(10, 30)).transform(raw)[0, ..., 0], kept
    )


def test_published_presets():
    merger = SpotMerger.from_preset("ziletti2018")
    assert (merger.image_size, merger.ring, merger.normalize) == (64, (10.0, 30.0), "image")
    assert SpotMerger.from_preset("tiong2020-benchmarks").image_size == 224
    with pytest.raises(ValueError, match=r"no preset 'tiong2020'.*benchmarks.*ziletti2018"):
        SpotMerger.from_preset("tiong2020")


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32", "bool"])
def test_type_does_not_matter(dtype):
    raw = (np.random.default_rng(0).random((1, 3, 16, 16)) > 0.9).astype(dtype)
    merger = SpotMerger(image_size=16)
    assert np.array_equal(merger.transform(raw), merger.transform(raw.astype(float)))


def test_bytes_are_the_rounded_floats():
    raw = DiffractionSimulator(image_size=64).transform([NACL])
    floats = SpotMerger(image_size=48, intensity="root").transform(raw)
    whole = SpotMerger(image_size=48, intensity="root", dtype="uint8").transform(raw)
    assert whole.dtype == np.uint8
    assert np.array_equal(whole, np.round(floats * 255))
    assert whole.max() == 255


def test_black_stays_black():
    for raw in (np.zeros((2, 3, 16, 16)), -np.ones((2, 3, 16, 16)), np.zeros((2, 3, 16, 16), int)):
        assert not SpotMerger(image_size=8, intensity="log").transform(raw).any()


def test_rows_with_nan_stay_rows_with_nan():
    raw = np.random.default_rng(0).random((3, 3, 32, 32))
    raw[1, 2, 5, 5] = np.nan
    for size in (16, 32, 48):
        merged = SpotMerger(image_size=size).transform(raw)
        assert np.isnan(merged[1]).all()
        assert np.isfinite(merged[[0, 2]]).all()


def test_clone_pickle_and_no_fitting():
    raw = np.random.default_rng(0).random((2, 3, 16, 16))
    merger = SpotMerger(image_size=8, intensity="root", dtype="uint8")
    expected = merger.transform(raw)
    for copy in (clone(merger), pickle.loads(pickle.dumps(merger)), clone(merger).fit(raw)):
        assert np.array_equal(copy.transform(raw), expected)
    assert SpotMerger().transform(raw).shape == (2, 224, 224, 3)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((3, 16, 16)), r"shape \(n, 3, H, H\), got \(3, 16, 16\)"),
        (np.zeros((1, 2, 16, 16)), r"got \(1, 2, 16, 16\)"),
        (np.zeros((1, 4, 16, 16)), r"got \(1, 4, 16, 16\)"),
        (np.zeros((1, 0, 16, 16)), r"got \(1, 0, 16, 16\)"),
        (np.zeros((1, 3, 16, 8)), r"got \(1, 3, 16, 8\)"),
        (np.zeros((1, 3, 16, 16), complex), "real numbers"),
        (np.full((1, 3, 16, 16), np.inf), "pattern 0 holds an infinite"),
        ([NACL], "simulate the structures first"),
    ],
)
def test_impossible_input_is_refused(X, message):
    with pytest.raises(ValueError, match=message):
        SpotMerger().transform(X)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"image_size": 0}, "image_size must be a positive integer"),
        ({"intensity": "cubic"}, "intensity must be one of"),
        ({"threshold": 1}, "threshold must lie between 0 and 1"),
        ({"threshold": None}, "threshold must lie between 0 and 1"),
        ({"normalize": "pattern"}, "normalize must be one of"),
        ({"ring": 10}, "ring must be None or two radii"),
        ({"ring": (30, 10)}, "ring must be None or two radii"),
        ({"ring": (1, 2, 3)}, "ring must be None or two radii"),
        ({"ring": ("a", "b")}, "ring must be None or two radii"),
        ({"dtype": "float64"}, 'dtype must be "float32" or "uint8"'),
    ],
)
def test_impossible_parameters_are_refused(parameters, message):
    for call in ("fit", "transform"):
        with pytest.raises(ValueError, match=message):
            getattr(SpotMerger(**parameters), call)(np.zeros((1, 3, 16, 16)))
