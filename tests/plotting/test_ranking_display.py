"""A ranking's bars, marks and words."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
from matplotlib import pyplot
from matplotlib.colors import to_rgba
from sklearn.base import BaseEstimator, ClassifierMixin

from crystalsym.identification import Identification, ReflectionIdentification
from crystalsym.plotting import RankingDisplay, symbol_text
from crystalsym.plotting._palette import BLUE, GRAY

GROUPS = [14, 62, 139, 205, 216, 221, 225]
SHARES = [0.05, 0.0002, 0.04, 0.01, 0.45, 0.1398, 0.31]


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    pyplot.close("all")


def labels(display):
    return [label.get_text() for label in display.ax_.get_yticklabels()]


def texts(display):
    return [text.get_text() for text in display.ax_.texts]


def legend(display):
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


def title(display):
    return display.ax_.get_title(loc="left")


def diamonds(display):
    return [int(line.get_ydata()[0]) for line in display.ax_.lines if line.get_marker() == "D"]


def test_bars_are_the_probabilities_in_order():
    display = RankingDisplay.from_predictions(GROUPS, SHARES, top=4)
    assert [bar.get_width() for bar in display.ax_.patches] == [0.45, 0.31, 0.1398, 0.05]
    assert labels(display) == [f"{symbol_text(g)}  {g}" for g in (216, 225, 221, 14)]
    assert texts(display) == ["45.0 %", "31.0 %", "14.0 %", "5.0 %"]
    assert display.ranking[0] == (216, 0.45)
    assert display.ax_.yaxis_inverted()


def test_the_leading_diffraction_class_has_a_color():
    """It may be another than that of the first group."""
    display = RankingDisplay.from_predictions(GROUPS, SHARES, top=3)
    colors = [bar.get_facecolor() for bar in display.ax_.patches]
    assert colors == [to_rgba(BLUE), to_rgba(BLUE), to_rgba(GRAY)]
    assert legend(display) == ["most probable diffraction class", "other groups"]
    split = RankingDisplay.from_predictions([2, 216, 225], [0.4, 0.3, 0.3])
    colors = [bar.get_facecolor() for bar in split.ax_.patches]
    assert colors == [to_rgba(GRAY), to_rgba(BLUE), to_rgba(BLUE)]


def test_groups_below_those_shown_count_for_the_class():
    display = RankingDisplay.from_predictions([2, 216, 225], [0.4, 0.3, 0.3], top=1)
    assert [bar.get_facecolor() for bar in display.ax_.patches] == [to_rgba(GRAY)]


def test_the_true_group_is_marked():
    display = RankingDisplay.from_predictions(GROUPS, SHARES, y_true=225, top=3)
    assert diamonds(display) == [1]
    assert "true group" in legend(display)
    assert len(display.ax_.patches) == 3


def test_a_true_group_from_far_below_has_a_row_of_its_own():
    display = RankingDisplay.from_predictions(GROUPS, SHARES, y_true=62, top=2)
    assert labels(display)[-1] == f"{symbol_text(62)}  62"
    assert texts(display)[-1] == "< 0.1 %, rank 7"
    assert diamonds(display) == [2]


def test_a_true_group_that_the_model_does_not_know():
    display = RankingDisplay.from_predictions(GROUPS, SHARES, y_true=1)
    assert title(display) == f"true group {symbol_text(1)} (1) is none of the model's"
    assert diamonds(display) == []
    assert "true group" not in legend(display)


def test_the_prediction_set_has_a_line():
    chosen = [216, 225, 62]
    display = RankingDisplay.from_predictions(GROUPS, SHARES, prediction_set=chosen, top=3)
    marks = [line for line in display.ax_.lines if np.ptp(line.get_xdata()) == 0]
    assert sorted(float(np.mean(line.get_ydata())) for line in marks) == [0.0, 1.0]
    assert title(display) == "prediction set: 3 groups, 1 not shown"
    assert "prediction set" in legend(display)
    one = RankingDisplay.from_predictions(GROUPS, SHARES, prediction_set=[216])
    assert title(one) == "prediction set: 1 group"


class Classifier(ClassifierMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.classes_ = np.array(GROUPS)
        return self

    def predict_proba(self, X):
        self.seen_ = X
        return np.tile(SHARES, (len(X), 1))

    def predict_set(self, X, coverage):
        return [np.array([216, 225])] * len(X)


def test_from_estimator():
    classifier = Classifier().fit(None)
    display = RankingDisplay.from_estimator(
        classifier, "salt.cif", 216, coverage=0.9, top=2, name="salt"
    )
    assert classifier.seen_ == ["salt.cif"]
    assert display.prediction_set == (216, 225)
    assert title(display) == "salt\nprediction set: 2 groups"
    with pytest.raises(ValueError, match="X holds 2"):
        RankingDisplay.from_estimator(classifier, ["a.cif", "b.cif"])
    assert not RankingDisplay.from_estimator(classifier, np.zeros((1, 3, 8, 8, 2))).y_true


def test_the_class_is_of_the_models_kind():
    """216 and 225 are one kinematic class, and two of dynamical patterns."""
    classifier = Classifier().fit(None)
    kinematic = RankingDisplay.from_estimator(classifier, "salt.cif", top=2)
    assert [bar.get_facecolor() for bar in kinematic.ax_.patches] == [to_rgba(BLUE)] * 2
    step = {"step": "DiffractionSimulator", "engine": "bloch", "views": "symmetry-directions"}
    classifier.metadata_ = {"made_by": [step]}
    dynamical = RankingDisplay.from_estimator(classifier, "salt.cif", top=2)
    assert dynamical.diffraction_class == (216,)
    assert [bar.get_facecolor() for bar in dynamical.ax_.patches] == [to_rgba(BLUE), to_rgba(GRAY)]
    told = RankingDisplay.from_predictions(GROUPS, SHARES, dynamical_views="symmetry-directions")
    assert told.diffraction_class == (216,)
    assert legend(told)[0] == "most probable"
    with pytest.raises(ValueError, match="'zone-axes', got 'rotations'"):
        RankingDisplay.from_predictions(GROUPS, SHARES, dynamical_views="rotations")


def test_from_an_answer():
    answer = Identification(
        "folder/salt.cif", finder_group=225, finder_group_known=True,
        ranking=((216, 0.6), (225, 0.4)), diffraction_class=(196, 216, 225),
        prediction_set=(216, 225),
    )  # fmt: skip
    display = RankingDisplay.from_identification(answer)
    assert title(display) == "salt.cif\nprediction set: 2 groups"
    assert diamonds(display) == [1]
    assert "symmetry finder" in legend(display)
    known = RankingDisplay.from_identification(answer, y_true=216)
    assert diamonds(known) == [0]
    assert "true group" in legend(known)


def test_an_answer_of_a_model_that_does_not_know_the_group():
    answer = Identification("a.cif", finder_group=1, finder_group_known=False, ranking=((2, 1.0),))
    display = RankingDisplay.from_identification(answer)
    assert f"symmetry finder {symbol_text(1)} (1) is none of the model's" in title(display)
    below = RankingDisplay.from_identification(answer, y_true=14)
    assert f"true group {symbol_text(14)} (14) is not among those shown" in title(below)


def test_a_refusal_is_told():
    answer = ReflectionIdentification("x.hkl", ranking=((14, 0.9), (4, 0.1)), refused="too few")
    display = RankingDisplay.from_identification(answer)
    assert title(display) == "x.hkl\nnot to be believed: too few"


def test_no_answer_is_no_ranking():
    with pytest.raises(ValueError, match=r"there is no ranking to draw: x\.cif: no such file"):
        RankingDisplay.from_identification(Identification("x", error="x.cif: no such file"))
    with pytest.raises(ValueError, match="it is empty"):
        RankingDisplay.from_identification(Identification("x"))
    assert not pyplot.get_fignums()


def test_a_long_name_and_signs_of_mathematics():
    display = RankingDisplay.from_predictions(GROUPS, SHARES, name="a" * 60 + "_$1.cif")
    display.figure_.canvas.draw()
    assert title(display).endswith("_\\$1.cif")
    assert len(title(display)) < 60


@pytest.mark.parametrize(
    ("arguments", "options", "reason"),
    [
        (([2, 14], [[0.5, 0.5]]), {}, r"probabilities of shape \(1, 2\)"),
        (([2, 14], [0.5]), {}, r"shape \(1,\) for classes of shape \(2,\)"),
        (([], []), {}, r"shape \(0,\)"),
        (([2, 14], [0.5, np.nan]), {}, "NaN"),
        (([2, 14], [0.5, 0.5]), {"top": 0}, "top must be an integer >= 1, got 0"),
        (([2, 14], [0.5, 1.5]), {}, "probability of group 14 is 1.5"),
        (([2, 231], [0.5, 0.5]), {}, "231"),
        (([2, 14], [0.5, 0.5]), {"y_true": 0}, "from 1 to 230, got 0"),
    ],
)
def test_bad_input_is_named_and_opens_no_figure(arguments, options, reason):
    with pytest.raises(ValueError, match=reason):
        RankingDisplay.from_predictions(*arguments, **options)
    assert not pyplot.get_fignums()


def test_bad_constructor_arguments():
    with pytest.raises(ValueError, match="ranking is empty"):
        RankingDisplay([]).plot()
    with pytest.raises(ValueError, match="ranks has 1 entries for 2 groups"):
        RankingDisplay([(2, 0.5), (14, 0.5)], ranks=[1]).plot()
