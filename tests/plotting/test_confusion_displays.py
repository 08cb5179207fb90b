"""Where answers went, by system and by group."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
from matplotlib import pyplot
from matplotlib.colors import to_rgba
from sklearn.dummy import DummyClassifier

from crystalsym.metrics import accuracy_interval
from crystalsym.plotting import GroupAccuracyDisplay, SystemConfusionDisplay, symbol_text
from crystalsym.plotting._palette import BLUE, ORANGE, SKY

TRUE = [225] * 10 + [2] * 4 + [14] * 2
ANSWERS = [225] * 5 + [216] * 3 + [221] * 1 + [139] + [2] * 4 + [14, 4]


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    pyplot.close("all")


def labels(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def test_the_matrix():
    display = SystemConfusionDisplay.from_predictions(TRUE, ANSWERS)
    assert display.systems_ == ("triclinic", "monoclinic", "cubic")
    assert display.answer_systems_ == ("monoclinic", "tetragonal", "cubic")
    expected = [[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.5, 0, 0.1, 0.4]]
    np.testing.assert_allclose(display.matrix_, expected)
    np.testing.assert_allclose(display.matrix_.sum(axis=1), 1)
    matrix = display.axes_[0]
    assert labels(matrix) == ["triclinic\n4", "monoclinic\n2", "cubic\n10"]
    heads = [label.get_text() for label in matrix.get_xticklabels()]
    assert heads == ["right\ngroup", "monoclinic", "tetragonal", "cubic"]
    told = {tuple(int(x) for x in text.get_position()): text.get_text() for text in matrix.texts}
    assert told == {
        (0, 0): "100.0", (0, 1): "50.0", (1, 1): "50.0", (0, 2): "50.0", (2, 2): "10.0",
        (3, 2): "40.0",
    }  # fmt: skip


def test_wrong_groups_of_the_right_system_are_framed():
    matrix = SystemConfusionDisplay.from_predictions(TRUE, ANSWERS).axes_[0]
    frames = [patch for patch in matrix.patches if not patch.get_fill()]
    middles = [(round(p.get_x() + p.get_width() / 2), round(p.get_y() + 0.46)) for p in frames]
    assert middles == [(1, 1), (3, 2)]


def test_the_pairs():
    pairs = SystemConfusionDisplay.from_predictions(TRUE, ANSWERS, max_pairs=3).axes_[1]
    assert [bar.get_width() for bar in pairs.patches] == [3, 1, 1]
    names = [(225, 216), (14, 4), (225, 139)]
    assert labels(pairs) == [f"{symbol_text(a)}  {a} → {symbol_text(b)}  {b}" for a, b in names]
    colors = [bar.get_facecolor() for bar in pairs.patches]
    assert colors == [to_rgba(BLUE), to_rgba(SKY), to_rgba(ORANGE)]
    assert pairs.get_title(loc="left") == "3 of 4 pairs true → answer,\n83 % of 6 wrong answers"
    told = [text.get_text() for text in pairs.get_legend().get_texts()]
    assert told == [
        "same diffraction class: 50 %", "same crystal system: 33 %", "other crystal system: 17 %",
    ]  # fmt: skip


def test_all_right_and_the_matrix_alone():
    display = SystemConfusionDisplay.from_predictions([2, 14], [2, 14])
    assert display.axes_[1].get_title(loc="left") == "no wrong answers"
    assert display.answer_systems_ == ()
    display.figure_.canvas.draw()
    assert SystemConfusionDisplay.from_predictions(TRUE, ANSWERS, max_pairs=0).axes_.shape == (1,)


def test_from_estimators():
    y = [225, 225, 2]
    classifier = DummyClassifier(strategy="most_frequent").fit(np.zeros((3, 1)), y)
    display = SystemConfusionDisplay.from_estimator(classifier, np.zeros((3, 1)), y)
    assert display.counts == {(225, 225): 2, (2, 225): 1}
    accuracy = GroupAccuracyDisplay.from_estimator(classifier, np.zeros((3, 1)), y)
    assert [bar.get_width() for bar in accuracy.ax_.patches] == [0, 100]


def test_wrong_pairs_by_classes_of_the_models_kind():
    """216 taken for 225 stays in its kinematic class and leaves its dynamical one."""
    X, y = np.zeros((4, 1)), [225, 225, 216, 221]
    classifier = DummyClassifier(strategy="most_frequent").fit(X, y)

    def told():
        pairs = SystemConfusionDisplay.from_estimator(classifier, X, y).axes_[1]
        return [text.get_text() for text in pairs.get_legend().get_texts()]

    assert told() == ["same diffraction class: 50 %", "same crystal system: 50 %"]
    step = {"step": "DiffractionSimulator", "engine": "bloch", "views": "symmetry-directions"}
    classifier.metadata_ = {"made_by": [step]}
    assert told() == ["same crystal system: 100 %"]
    # By symmetry 47 looks like 16 even there.
    display = SystemConfusionDisplay({(47, 16): 1}, dynamical_views="symmetry-directions").plot()
    (label,) = display.axes_[1].get_legend().get_texts()
    assert label.get_text() == "same dynamical class: 100 %"


@pytest.mark.parametrize(
    ("counts", "options", "reason"),
    [
        ({(2, 14): 1}, {"dynamical_views": "rotations"}, "'zone-axes', got 'rotations'"),
        ({}, {}, "no crystals"),
        ({(2, 14): 0}, {}, "no crystals"),
        ({(2, 14): -1}, {}, r"counts of \(2, 14\) are -1"),
        ({(2, 231): 1}, {}, "231"),
        ({(2, 14): 1}, {"max_pairs": -1}, "max_pairs must be an integer >= 0, got -1"),
        ({(2, 14): 1}, {"max_pairs": 1.5}, "max_pairs must be an integer >= 0, got 1.5"),
    ],
)
def test_bad_counts(counts, options, reason):
    with pytest.raises(ValueError, match=reason):
        SystemConfusionDisplay(counts, **options).plot()
    assert not pyplot.get_fignums()


def test_answers_that_do_not_belong_together():
    for display in (SystemConfusionDisplay, GroupAccuracyDisplay):
        with pytest.raises(ValueError, match=r"y_pred of shape \(1,\) for 2 rows"):
            display.from_predictions([2, 14], [2])


def test_bars_of_groups():
    display = GroupAccuracyDisplay.from_predictions(TRUE, ANSWERS)
    assert display.shown_.tolist() == [2, 14, 225]
    assert [bar.get_width() for bar in display.ax_.patches] == [100, 50, 50]
    assert labels(display.ax_) == [f"{symbol_text(g)}  {g}" for g in (2, 14, 225)]
    told = [text.get_text() for text in display.ax_.texts]
    assert told == ["100.0 %", "4", "50.0 %", "2", "50.0 %", "10", "crystals"]
    interval = display.ax_.lines[2].get_xdata()
    np.testing.assert_allclose(interval, 100 * np.array(accuracy_interval([1] * 5 + [0] * 5)))
    expected = "all 16 crystals 62.5 % (dashed), mean of groups 66.7 %"
    assert display.ax_.get_title(loc="left") == expected
    dashed = display.ax_.lines[-1]
    assert list(dashed.get_xdata()) == [62.5, 62.5]


@pytest.mark.parametrize(
    ("order", "shown", "told"),
    [
        ("number", [2, 225], "those with most crystals"),
        ("accuracy", [14, 225], "the least accurate"),
        ("support", [225, 2], "those with most crystals"),
    ],
)
def test_groups_that_do_not_fit_are_left_out_and_that_is_told(order, shown, told):
    display = GroupAccuracyDisplay.from_predictions(TRUE, ANSWERS, order=order, max_groups=2)
    assert display.shown_.tolist() == shown
    assert display.ax_.get_title(loc="left").endswith(f"2 of 3 groups: {told}")


def test_systems_are_named():
    display = GroupAccuracyDisplay.from_predictions(TRUE, ANSWERS)
    told = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert told == ["triclinic", "monoclinic", "cubic"]


@pytest.mark.parametrize(
    ("arguments", "options", "reason"),
    [
        (([2], [1], [1]), {"order": "name"}, "number, accuracy, support, got 'name'"),
        (([2], [1], [1]), {"max_groups": 0}, "max_groups must be an integer >= 1, got 0"),
        (([2, 14], [1], [1]), {}, r"one shape \(n_groups,\)"),
        (([], [], []), {}, r"one shape \(n_groups,\)"),
        (([2, 14], [1, 3], [1, 2]), {}, "group 14 has 3 right of 2 crystals"),
        (([0], [1], [1]), {}, "from 1 to 230, got 0"),
    ],
)
def test_bad_groups(arguments, options, reason):
    with pytest.raises(ValueError, match=reason):
        GroupAccuracyDisplay(*arguments, **options).plot()
    assert not pyplot.get_fignums()


def test_intervals_are_seen_in_a_dark_style():
    with pyplot.style.context("dark_background"):
        display = GroupAccuracyDisplay.from_predictions(TRUE, ANSWERS)
    assert {line.get_color() for line in display.ax_.lines[:3]} == {"white"}
