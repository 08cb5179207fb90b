"""The temperature: what it is fitted to, where it counts, and that it is kept."""

from __future__ import annotations

import numpy as np
import pytest

from crystalsym.classification._calibration import calibrate, fit_temperature
from crystalsym.classification._objectives import log_softmax
from crystalsym.metrics import calibration_error

from .conftest import FITTED, GROUPS, SMALL, make_classifier, make_images


def draw(n, n_classes=20, sharpness=6.0, seed=0):
    """Logits of a network that is right about its own probabilities, and true classes."""
    rng = np.random.default_rng(seed)
    logits = sharpness * rng.standard_normal((n, n_classes))
    return logits, (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)


@pytest.mark.parametrize("factor", [0.4, 1.0, 5.0])
def test_undoes_a_scale(factor):
    logits, codes = draw(4000)
    assert fit_temperature(factor * logits, codes) == pytest.approx(factor, rel=0.1)


def test_makes_the_error_small():
    logits, codes = draw(4000, seed=1)
    temperature = fit_temperature(4 * logits, codes)
    logits, codes = draw(4000, seed=2)
    classes = np.arange(20)
    before, after = (
        calibration_error(codes, np.exp(log_softmax(4 * logits / t)), classes)
        for t in (1.0, temperature)
    )
    assert before > 0.05
    assert after < 0.03


def test_weights_are_repetitions():
    logits, codes = draw(300)
    weights = np.resize([0, 1, 2], 300)
    rows = np.repeat(np.arange(300), weights)
    weighted = calibrate(logits, codes, weights)
    assert weighted.temperature == pytest.approx(fit_temperature(logits[rows], codes[rows]), 1e-2)
    assert weighted.n_rows == 200  # sets count rows, not weights


def test_few_rows_say_little():
    logits = np.array([[2.0, 0.0, 0.0]])
    assert 0.5 < fit_temperature(logits, np.array([0])) < 1
    assert 1 < fit_temperature(logits, np.array([1])) < 3
    assert fit_temperature(logits, np.array([0]), usual=0.1) == pytest.approx(0.1, rel=1e-3)


def test_stays_finite_where_all_rows_are_right():
    logits = 5 * np.eye(3)[[0, 1, 2, 0]]
    assert 0.1 < fit_temperature(logits, np.array([0, 1, 2, 0])) < 1
    assert 1 < fit_temperature(logits, np.array([1, 2, 0, 1])) < 150


def test_no_rows():
    nothing = calibrate(np.zeros((0, 3)), np.zeros(0, dtype=int), None)
    assert (nothing.temperature, nothing.n_rows, nothing.scores) == (1.0, 0, None)
    # As in the validation's figures, weights that are all zero count as none.
    assert calibrate(np.eye(3), np.arange(3), np.zeros(3)).n_rows == 3


def test_divides_the_logits_of_probabilities_alone(fitted, images):
    X = images[0][:6]
    assert fitted.temperature_ > 0
    assert fitted.temperature_ != 1.0
    logits = fitted.decision_function(X)
    np.testing.assert_allclose(
        np.log(fitted.predict_proba(X)), log_softmax(logits / fitted.temperature_), atol=1e-4
    )
    outputs = fitted.model_.predict_on_batch([X[:, s] for s in range(3)])
    np.testing.assert_allclose(logits, np.asarray(outputs), atol=1e-4)


def test_changes_neither_the_network_nor_its_history(fitted, images):
    plain = make_classifier(calibrate=False, **FITTED).fit(*images)
    assert plain.temperature_ == 1.0
    assert plain.set_scores_ is not None  # sets do without
    np.testing.assert_allclose(
        plain.decision_function(images[0]), fitted.decision_function(images[0]), atol=1e-4
    )
    for ours, theirs in zip(plain.history_, fitted.history_, strict=True):
        assert ours["val_loss"] == pytest.approx(theirs["val_loss"], abs=1e-4)


def test_is_fitted_to_the_validation_rows(images, monkeypatch):
    from crystalsym.classification import _fitting as training

    asked = []

    def spy(logits, codes, weights, temperature):
        asked.append((logits, codes, weights))
        return calibrate(logits, codes, weights, temperature)

    monkeypatch.setattr(training, "calibrate", spy)
    X, y = images
    classifier = make_classifier(**SMALL, epochs=1, class_weight="balanced").fit(X, y)
    ((logits, codes, weights),) = asked
    assert len(logits) == len(codes) == len(weights) == classifier.n_calibration_ == 10
    # Rows are told apart by their noise, so their logits say which they are.
    everything = classifier.decision_function(X)
    found = [np.abs(everything - row).max(axis=1).argmin() for row in logits]
    np.testing.assert_array_equal(GROUPS[codes], y[found])
    assert len(set(found)) == 10


def test_without_validation_rows(images):
    classifier = make_classifier(**SMALL, epochs=1, validation_fraction=0).fit(*images)
    assert (classifier.temperature_, classifier.n_calibration_) == (1.0, 0)
    assert classifier.set_scores_ is None


def test_recalibrate(fitted, images):
    classifier = make_classifier(**SMALL, epochs=1, validation_fraction=0).fit(*images)
    X, y = make_images(n=60, seed=5)
    logits = classifier.decision_function(X)
    assert classifier.recalibrate(X, y) is classifier
    expected = fit_temperature(logits, np.searchsorted(GROUPS, y))
    assert classifier.temperature_ == pytest.approx(expected, rel=1e-3)
    assert classifier.n_calibration_ == 60
    np.testing.assert_allclose(classifier.decision_function(X), logits, atol=1e-5)
    held = [group in found for group, found in zip(y, classifier.predict_set(X, 0.9), strict=True)]
    assert np.mean(held) >= 0.9  # they are the very rows it was calibrated by


def test_recalibrate_refuses(fitted, images):
    X, y = images
    with pytest.raises(ValueError, match=r"not in classes_: \[3\]"):
        fitted.recalibrate(X, np.where(y == 62, 3, y))
    with pytest.raises(ValueError, match="one label for each of 96 rows"):
        fitted.recalibrate(X, y[:5])
    with pytest.raises(ValueError, match="images of shape"):
        fitted.recalibrate(X[..., :1], y)
