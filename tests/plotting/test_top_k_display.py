"""Accuracies and intervals of systems are where their points and bars are."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
from matplotlib import pyplot
from sklearn.base import BaseEstimator, ClassifierMixin

from crystalsym.metrics import accuracy_interval, top_k_accuracy
from crystalsym.plotting import TopKDisplay

CLASSES = np.array([2, 14, 62, 225])


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    pyplot.close("all")


@pytest.fixture
def answers():
    rng = np.random.default_rng(0)
    truth = rng.choice(CLASSES, 120)
    return truth, rng.random((120, 4)) + 0.4 * (truth[:, None] == CLASSES)


def points(display, name):
    return np.array(display.lines_[name].lines[0].get_xydata())


def bars(display, name):
    (segments,) = display.lines_[name].lines[2]
    return np.array([segment[:, 1] for segment in segments.get_segments()])


def test_points_and_intervals(answers):
    truth, probabilities = answers
    display = TopKDisplay.from_predictions(truth, probabilities, CLASSES, k_max=3, name="net")
    by_hand = [100 * top_k_accuracy(truth, probabilities, CLASSES, k) for k in (1, 2, 3)]
    np.testing.assert_allclose(points(display, "net"), np.stack([[1, 2, 3], by_hand], axis=1))
    right = CLASSES[probabilities.argmax(axis=1)] == truth
    low, high = accuracy_interval(right)
    np.testing.assert_allclose(bars(display, "net")[0], [100 * low, 100 * high])
    assert [tick.get_text() for tick in display.ax_.get_xticklabels()] == ["1", "2", "3"]
    assert display.ax_.get_title(loc="left") == "120 crystals, 95 % intervals (wilson)"
    (entry,) = display.ax_.get_legend().get_texts()
    assert entry.get_text() == f"net: {by_hand[0]:.1f} %"


def test_several_systems_with_classes_of_their_own(answers):
    truth, probabilities = answers
    systems = {"all": probabilities, "two": probabilities[:, :2]}
    classes = {"all": CLASSES, "two": CLASSES[:2]}
    display = TopKDisplay.from_predictions(truth, systems, classes, interval=None, k_max=2)
    for name, scores in systems.items():
        expected = [100 * top_k_accuracy(truth, scores, classes[name], k) for k in (1, 2)]
        np.testing.assert_allclose(points(display, name)[:, 1], expected)
        assert display.lines_[name].lines[2] == ()
    aside = points(display, "two")[:, 0] - points(display, "all")[:, 0]
    assert (aside > 0.05).all()
    assert display.ax_.get_title(loc="left") == "120 crystals"


def test_bootstrap_by_groups_is_wider(answers):
    truth, probabilities = np.repeat(answers[0], 5), np.repeat(answers[1], 5, axis=0)
    prototypes = np.repeat(np.arange(120), 5)
    given = truth, probabilities, CLASSES
    alone, together = (
        bars(
            TopKDisplay.from_predictions(
                *given, k_max=1, interval="bootstrap", groups=groups, name="n"
            ),
            "n",
        )
        for groups in (None, prototypes)
    )
    assert np.ptp(together) > 1.5 * np.ptp(alone)


def test_twenty_systems_look_different():
    systems = {f"s{i}": [0.5, 0.6] for i in range(20)}
    display = TopKDisplay(systems).plot()
    looks = {
        (line.get_color(), line.get_marker(), line.get_linestyle())
        for line in (container.lines[0] for container in display.lines_.values())
    }
    assert len(looks) == 20


def test_shorter_and_missing_intervals():
    display = TopKDisplay(
        {"long": [0.5, 0.6, 0.7], "short": [0.9]}, {"short": [[0.8, 0.95]]}
    ).plot()
    assert display.ax_.get_xlim() == (0.5, 3.5)
    assert display.lines_["long"].lines[2] == ()
    np.testing.assert_allclose(bars(display, "short"), [[80, 95]])


class Constant(ClassifierMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.classes_ = CLASSES
        return self

    def predict_proba(self, X):
        return np.tile([0.4, 0.3, 0.2, 0.1], (len(X), 1))


def test_from_estimator():
    truth = [2, 14, 14, 62]
    one = TopKDisplay.from_estimator(Constant().fit(None), np.zeros(4), truth, k_max=2)
    np.testing.assert_allclose(one.accuracies["Constant"], [0.25, 0.75])
    fitted = {"a": Constant().fit(None), "b": Constant().fit(None)}
    two = TopKDisplay.from_estimator(
        fitted, {"a": np.zeros(4), "b": np.ones((4, 2))}, truth, k_max=1
    )
    assert list(two.accuracies) == ["a", "b"]
    assert list(TopKDisplay.from_estimator(fitted, np.zeros(4), truth).accuracies) == ["a", "b"]
    with pytest.raises(ValueError, match=r"X is a mapping of \['a'\]"):
        TopKDisplay.from_estimator(fitted, {"a": np.zeros(4)}, truth)


@pytest.mark.parametrize(
    ("accuracies", "intervals", "reason"),
    [
        ({}, None, "no system"),
        ({"a": [1.2]}, None, r"accuracies of 'a' must lie in \[0, 1\]"),
        ({"a": [[0.5]]}, None, r"accuracies of 'a' must have shape \(k_max,\)"),
        ({"a": [0.5, 0.6]}, {"a": [[0.4, 0.6]]}, r"intervals of 'a' must have shape \(2, 2\)"),
        ({"a": [0.5]}, {"b": [[0.4, 0.6]]}, r"intervals name \['b'\]"),
    ],
)
def test_bad_figures(accuracies, intervals, reason):
    with pytest.raises(ValueError, match=reason):
        TopKDisplay(accuracies, intervals).plot()
    assert not pyplot.get_fignums()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"k_max": 0}, "k_max must be an integer >= 1, got 0"),
        ({"interval": "wald"}, "wilson, bootstrap, got 'wald'"),
        ({"classes": {"other": CLASSES}}, r"classes lack \['system'\]"),
        ({"classes": CLASSES[:2]}, "2 classes"),
    ],
)
def test_bad_predictions(answers, options, reason):
    given = {"classes": CLASSES, **options}
    with pytest.raises(ValueError, match=reason):
        TopKDisplay.from_predictions(*answers, **given)
    assert not pyplot.get_fignums()
