"""Shaping takes lists of spots as it takes images."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from crystalsym import DiffractionSimulator, PatternShaper, standardize
from crystalsym.datasets import example_crystals
from crystalsym.diffraction import SpotPatterns

CRYSTALS = [standardize(path) for path in list(example_crystals().values())[::16]]
LISTED = DiffractionSimulator(output="spots")


@pytest.mark.parametrize("line_width", [None, "node"])
def test_joined_spots_are_those_of_the_image(line_width):
    shaper = PatternShaper("spots", image_size=128, line_width=line_width)
    listed = shaper.transform(LISTED.transform(CRYSTALS))
    drawn = shaper.transform(DiffractionSimulator(image_size=512).transform(CRYSTALS))
    radius = np.hypot(*(np.mgrid[:128, :128] - 63.5)) / 63.5
    inside = radius < 0.8  # images have corners, and lines that lead there
    differ = np.abs(listed - drawn)[:, :, inside]
    assert (differ < 0.05).mean() > 0.99
    assert listed[:, :, inside].max() > 0.9


def test_whole_and_halved_lists_give_the_same_picture():
    halved = LISTED.transform(CRYSTALS)
    for scheme in ("lattice", "spots"):
        shaper = PatternShaper(scheme)
        np.testing.assert_allclose(
            shaper.transform(halved.with_mates()), shaper.transform(halved), atol=1e-6
        )


@pytest.mark.parametrize("scheme", ["lattice", "spots", "pixels"])
def test_a_scheme_brings_its_own_sizes(scheme):
    """So that schemes can be searched over."""
    shaper = PatternShaper().set_params(scheme=scheme).fit()
    raw = DiffractionSimulator(image_size=64).transform(CRYSTALS[:1])
    size = {"lattice": 13, "spots": 224, "pixels": 224}[scheme]
    assert shaper.transform(raw).shape[2:4] == (size, size)


def test_missing_rows_are_nan_and_empty_patterns_dark():
    patterns = SpotPatterns.concatenate([LISTED.transform(CRYSTALS[:1]), SpotPatterns.absent(1, 3)])
    for scheme in ("lattice", "spots"):
        for dtype in ("float32", "float16", "uint8"):
            shaped = PatternShaper(scheme, dtype=dtype).transform(patterns)
            assert np.isnan(shaped[1].astype(float)).all()
            assert np.isfinite(shaped[0].astype(float)).all()
    nothing = SpotPatterns(
        np.empty((0, 2)), np.empty(0), np.zeros(4, int), np.zeros((1, 3)), np.ones((1, 3))
    )
    assert PatternShaper("spots").transform(nothing).max() == 0
    assert PatternShaper().transform(nothing)[..., 0].max() == 0


def test_what_spots_cannot_do_is_refused():
    patterns = LISTED.transform(CRYSTALS[:1])
    with pytest.raises(ValueError, match='output="images"'):
        PatternShaper("pixels").transform(patterns)
    with pytest.raises(ValueError, match="center"):
        PatternShaper(center=(3, 3)).transform(patterns)


def test_half_floats_are_the_floats_rounded():
    patterns = LISTED.transform(CRYSTALS)
    shaped = PatternShaper().transform(patterns)
    half = PatternShaper(dtype="float16").transform(patterns)
    np.testing.assert_array_equal(half, shaped.astype(np.float16))


def test_jobs_change_nothing():
    patterns = LISTED.transform(CRYSTALS * 12)
    one = PatternShaper().transform(patterns)
    np.testing.assert_array_equal(PatternShaper(n_jobs=2).transform(patterns), one)


def test_schemes_can_be_searched_over():
    simulate = DiffractionSimulator(image_size=64)
    pipeline = make_pipeline(simulate, PatternShaper(), DummyClassifier())
    grid = {"patternshaper__scheme": ["lattice", "spots", "pixels"]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise")
    search.fit(CRYSTALS[:4], [1, 2, 1, 2])
    assert len(search.cv_results_["params"]) == 3


def test_patterns_as_spots_can_be_searched_over():
    spots = LISTED.transform(CRYSTALS[:4])
    pipeline = make_pipeline(PatternShaper(), DummyClassifier())
    grid = {"patternshaper__scheme": ["lattice", "spots"], "patternshaper__threshold": [1e-4, 1e-2]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(spots, [1, 2, 1, 2])
    assert len(search.cv_results_["params"]) == 4
