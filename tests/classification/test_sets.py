"""Prediction sets: never empty, as often right as asked, and small."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalsym.classification import SpaceGroupClassifier
from crystalsym.classification._calibration import calibrate
from crystalsym.classification._objectives import log_softmax
from crystalsym.classification._prediction_sets import (
    compact,
    prediction_sets,
    set_scores,
    set_threshold,
)
from crystalsym.metrics import mean_set_size, set_coverage

from .conftest import GROUPS, SMALL, make_classifier
from .test_calibration import draw


def adaptive_sets(calibration, coverage, probabilities, classes):
    """Deterministic adaptive prediction sets, for comparison."""
    p, codes = calibration
    down = -np.sort(-p, axis=1)
    rank = (p > p[np.arange(len(codes)), codes][:, None]).sum(axis=1)
    scores = np.sort(down.cumsum(axis=1)[np.arange(len(codes)), rank])
    threshold = scores[int(np.ceil((len(codes) + 1) * coverage)) - 1]
    order = np.argsort(-probabilities, axis=1)
    sums = np.take_along_axis(probabilities, order, axis=1).cumsum(axis=1)
    sizes = np.maximum((sums <= threshold).sum(axis=1), 1)
    return [classes[row[:size]] for row, size in zip(order, sizes, strict=True)]


@pytest.mark.parametrize("coverage", [0.6, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("sharpness", [3.0, 12.0])
def test_coverage_is_what_was_asked_for(sharpness, coverage):
    classes = np.arange(20) + 100
    found = calibrate(*draw(20_000, sharpness=sharpness), None)
    logits, codes = draw(20_000, sharpness=sharpness, seed=1)
    probabilities = np.exp(log_softmax(logits / found.temperature))
    threshold = set_threshold(found.scores, found.n_rows, coverage)
    sets = prediction_sets(probabilities, classes, threshold)
    accuracy = (probabilities.argmax(axis=1) == codes).mean()
    # Never empty, they hold the true class at least as often as the first guess is right.
    assert set_coverage(classes[codes], sets) == pytest.approx(max(coverage, accuracy), abs=0.02)
    assert min(map(len, sets)) == 1
    for row, groups in zip(probabilities, sets, strict=True):
        np.testing.assert_array_equal(groups, classes[np.argsort(-row)[: len(groups)]])


def test_smaller_than_adaptive_sets():
    classes = np.arange(20)
    logits, codes = draw(4000, sharpness=12.0)
    calibration = np.exp(log_softmax(logits)), codes
    scores = compact(set_scores(*calibration))
    logits, codes = draw(4000, sharpness=12.0, seed=1)
    probabilities = np.exp(log_softmax(logits))
    ours = prediction_sets(probabilities, classes, set_threshold(scores, 4000, 0.95))
    theirs = adaptive_sets(calibration, 0.95, probabilities, classes)
    assert set_coverage(codes, ours) == pytest.approx(0.95, abs=0.02)
    assert mean_set_size(ours) < mean_set_size(theirs)


@given(
    scores=st.lists(st.floats(0, 1), min_size=1, max_size=3000),
    coverage=st.floats(0.001, 0.999),
)
def test_threshold_is_the_right_order_statistic(scores, coverage):
    kept, n = compact(np.array(scores)), len(scores)
    rank = int(np.ceil(round((n + 1) * coverage, 9)))
    if rank > n:
        with pytest.raises(ValueError, match="needs at least"):
            set_threshold(kept, n, coverage)
        return
    threshold = set_threshold(kept, n, coverage)
    ordered = np.sort(scores)
    assert threshold >= ordered[rank - 1]
    # Not above it by more than what 1000 of the scores resolve, and the rounding.
    assert threshold <= ordered[min(rank - 1 + n // 1000, n - 1)] + 1.1e-7


def test_least_number_of_rows_is_named():
    for n in (18, 19):
        scores = compact(np.linspace(0, 1, n))
        if n == 18:
            with pytest.raises(ValueError, match=r"coverage=0.95 needs at least 19 .* had 18"):
                set_threshold(scores, n, 0.95)
        else:
            assert set_threshold(scores, n, 0.95) == 1.0


def test_compact_scores():
    kept = compact(np.random.default_rng(0).random(5000))
    assert len(kept) == 1000
    assert (np.diff(kept) >= 0).all()
    np.testing.assert_array_equal(kept, np.round(kept, 7))
    assert compact(np.array([0.5, 0.0])).tolist() == [0.0, 0.5]


@pytest.fixture
def with_scores(fitted):
    """The fitted classifier with sets of two groups where the second has 10 % or more."""
    import copy

    classifier = copy.deepcopy(fitted)
    classifier.n_calibration_, classifier.set_scores_ = 100, compact(np.full(100, 0.9))
    return classifier


def test_predict_set(with_scores, images):
    X = images[0][:20]
    sets = with_scores.predict_set(X, coverage=0.9)
    assert len(sets) == 20
    for row, groups in zip(with_scores.predict_proba(X), sets, strict=True):
        order = np.argsort(-row)
        expected = GROUPS[order][(1 - row[order].astype(float) <= 0.9) | (order == order[0])]
        np.testing.assert_array_equal(groups, expected)
        assert groups.dtype == GROUPS.dtype
    assert all(len(groups) == 3 for groups in _everything(with_scores, X))


def _everything(classifier, X):
    classifier.set_scores_ = np.ones(100)
    return classifier.predict_set(X)


def test_rows_without_a_pattern_have_empty_sets(with_scores, images):
    X = images[0][:4].copy()
    X[2] = np.nan
    with pytest.warns(UserWarning, match="row 2"):
        sets = with_scores.predict_set(X, 0.9)
    assert [len(groups) > 0 for groups in sets] == [True, True, False, True]
    assert set_coverage(GROUPS[[0, 1, 2, 0]], sets) <= 0.75


def test_sets_survive_saving(images, tmp_path):
    X, y = images
    classifier = make_classifier(epochs=1, validation_fraction=0.4).fit(X, y)
    classifier.save(tmp_path / "m.zip")
    again = SpaceGroupClassifier.load(tmp_path / "m.zip")
    assert again.temperature_ == classifier.temperature_
    assert again.n_calibration_ == classifier.n_calibration_ == 38
    np.testing.assert_array_equal(again.set_scores_, classifier.set_scores_)
    for ours, theirs in zip(again.predict_set(X), classifier.predict_set(X), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("coverage", [0, 1, -0.1, 95, float("nan"), True])
def test_impossible_coverage(fitted, images, coverage):
    with pytest.raises(ValueError, match="coverage must be between 0 and 1"):
        fitted.predict_set(images[0][:1], coverage)


def test_too_few_validation_rows(fitted, images):
    with pytest.raises(ValueError, match=r"needs at least 19 validation rows.* had 10"):
        fitted.predict_set(images[0][:1], 0.95)


def test_without_validation_rows(images):
    classifier = make_classifier(**SMALL, epochs=1, validation_fraction=0).fit(*images)
    with pytest.raises(ValueError, match="validation_fraction > 0"):
        classifier.predict_set(images[0][:1])
