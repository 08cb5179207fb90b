"""The figures as scikit-learn scorers, and what they make of odd input."""

from __future__ import annotations

import pickle

import joblib
import numpy as np
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import UndefinedMetricWarning, UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import check_scoring, make_scorer, top_k_accuracy_score
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.metadata_routing import get_routing_for_object

from crystalsym import metrics
from crystalsym.metrics import (
    Scorer,
    crystal_system_scorer,
    diffraction_class_scorer,
    macro_scorer,
    summary_scorer,
    top_k_scorer,
)

GROUPS = np.array([2, 12, 216, 225])
SCORERS = {
    "top1": top_k_scorer(1),
    "top3": top_k_scorer(3),
    "macro": macro_scorer,
    "class": diffraction_class_scorer,
    "cubic": crystal_system_scorer("cubic"),
}


class Answers(ClassifierMixin, BaseEstimator):
    """X holds the probabilities."""

    def __init__(self, classes=GROUPS):
        self.classes_ = np.array(classes)

    def predict_proba(self, X):
        return np.asarray(X, dtype=float)

    def predict(self, X):
        if np.isnan(X).any():
            raise ValueError("no group can be predicted")
        return self.classes_[np.argmax(X, axis=1)]


@pytest.fixture(scope="module")
def table():
    """Features that tell the groups imperfectly."""
    rng = np.random.default_rng(0)
    codes = np.arange(120) % 4
    return np.eye(4)[codes] + 0.7 * rng.normal(size=(120, 4)), GROUPS[codes]


def test_scorers_give_the_figures(table):
    X, y = table
    model = LogisticRegression().fit(X, y)
    probabilities, answers = model.predict_proba(X), model.predict(X)
    given = (y, probabilities, model.classes_)
    assert top_k_scorer(2)(model, X, y) == metrics.top_k_accuracy(*given, k=2)
    assert top_k_scorer(1)(model, X, y) == model.score(X, y)
    assert top_k_scorer(2)(model, X, y) == top_k_accuracy_score(y, probabilities, k=2)
    assert macro_scorer(model, X, y) == pytest.approx(metrics.macro_accuracy(y, answers))
    assert diffraction_class_scorer(model, X, y) == metrics.diffraction_class_accuracy(*given)
    by_system = metrics.crystal_system_accuracy(y, answers)
    for system, accuracy in by_system.items():
        assert crystal_system_scorer(system)(model, X, y) == accuracy
    figures = summary_scorer(model, X, y)
    assert figures == {k: v for k, v in metrics.summary(*given).items() if isinstance(v, float)}
    assert {"top1", "top5", "macro", "diffraction_class"} <= set(figures)
    # 216 and 225 are one class to diffraction.
    assert diffraction_class_scorer(model, X, y) > top_k_scorer(1)(model, X, y)


def test_as_scoring_of_scikit_learn(table):
    model = make_pipeline(StandardScaler(), LogisticRegression())
    one = cross_validate(model, *table, scoring=top_k_scorer(2), cv=3, error_score="raise")
    assert (one["test_score"] > 0.5).all()
    several = cross_validate(model, *table, scoring=SCORERS, cv=3, error_score="raise")
    np.testing.assert_array_less(several["test_top1"], several["test_top3"] + 1e-9)
    figures = cross_validate(model, *table, scoring=summary_scorer, cv=3, error_score="raise")
    np.testing.assert_allclose(figures["test_top1"], several["test_top1"])
    np.testing.assert_allclose(figures["test_macro"], several["test_macro"])
    assert check_scoring(model, macro_scorer) is macro_scorer


def test_in_a_grid_search(table):
    grid = {"C": [1e-4, 1.0]}
    search = GridSearchCV(LogisticRegression(), grid, scoring=diffraction_class_scorer, cv=3)
    assert search.fit(*table).best_params_ == {"C": 1.0}
    search = GridSearchCV(LogisticRegression(), grid, scoring=SCORERS, refit="top3", cv=3)
    assert set(SCORERS) == {name[10:] for name in search.fit(*table).cv_results_ if
                            name.startswith("mean_test_")}  # fmt: skip
    search = GridSearchCV(LogisticRegression(), grid, scoring=summary_scorer, refit="macro", cv=3)
    assert 0.5 < search.fit(*table).best_score_ <= 1
    assert 0.5 < macro_scorer(search, *table) <= 1


def test_in_parallel_and_pickled(table):
    with joblib.parallel_config(backend="threading"):
        scores = cross_validate(LogisticRegression(), *table, scoring=SCORERS, cv=2, n_jobs=2)
    again = cross_validate(
        LogisticRegression(), *table, scoring=pickle.loads(pickle.dumps(SCORERS)), cv=2
    )
    for name in SCORERS:
        np.testing.assert_array_equal(scores[f"test_{name}"], again[f"test_{name}"])


def test_without_probabilities(table):
    X, y = table
    model = RidgeClassifier().fit(X, y)
    assert 0.5 < top_k_scorer(2)(model, X, y) <= 1
    assert macro_scorer(model, X, y) == pytest.approx(metrics.macro_accuracy(y, model.predict(X)))
    two = y > 200
    model.fit(X[two], y[two])
    assert model.decision_function(X[two]).ndim == 1
    assert top_k_scorer(1)(model, X[two], y[two]) == model.score(X[two], y[two])
    with pytest.raises(TypeError, match="RidgeClassifier has no predict_proba"):
        diffraction_class_scorer(model, X, y)
    with pytest.raises(TypeError, match="Scaler has neither predict_proba nor decision_function"):
        top_k_scorer(2)(StandardScaler().fit(X), X, y)


@given(st.integers(0, 2**32 - 1))
def test_weights_are_repetitions(seed):
    rng = np.random.default_rng(seed)
    y = rng.choice([*GROUPS, 194], 15)
    P = rng.dirichlet(np.ones(4), 15)
    weights = rng.integers(0, 3, 15)
    weights[0] = 1
    weighted = metrics.summary(y, P, GROUPS, weights)
    repeated = metrics.summary(np.repeat(y, weights), np.repeat(P, weights, axis=0), GROUPS)
    assert weighted.pop("by_crystal_system") == pytest.approx(repeated.pop("by_crystal_system"))
    for name, value in repeated.items():
        if name not in ("crystals", "groups"):
            assert weighted[name] == pytest.approx(value), name


def test_scorers_take_weights(table):
    X, y = table
    model = LogisticRegression().fit(X, y)
    right = model.predict(X) == y
    for name in ("top1", "top3", "macro", "cubic"):
        assert SCORERS[name](model, X, y, sample_weight=right) == 1
    assert diffraction_class_scorer(model, X, y, sample_weight=right) > 0.9
    assert top_k_scorer(1)(model, X, y, sample_weight=~right) == 0


def test_metadata_routing(table):
    X, y = table
    weights = np.random.default_rng(1).random(len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        model = LogisticRegression().set_fit_request(sample_weight=True)
        scoring = {
            "weighted": macro_scorer.set_score_request(sample_weight=True),
            "even": macro_scorer.set_score_request(sample_weight=False),
            "other": top_k_scorer(1).set_score_request(sample_weight="trust"),
        }
        given = {"sample_weight": weights, "trust": (y > 200).astype(float)}
        scores = cross_validate(
            model, X, y, scoring=scoring, params=given, cv=3, error_score="raise"
        )
        assert (scores["test_weighted"] != scores["test_even"]).any()
        search = GridSearchCV(model, {"C": [0.1, 1]}, scoring=scoring["weighted"], cv=3)
        assert 0 < search.fit(X, y, sample_weight=weights).best_score_ < 1
        with pytest.raises(UnsetMetadataPassedError):
            cross_validate(model, X, y, scoring=macro_scorer, params={"sample_weight": weights})
        # The shared object is never changed.
        assert get_routing_for_object(macro_scorer).score.requests["sample_weight"] is None
        assert get_routing_for_object(scoring["other"]).score.requests == {"sample_weight": "trust"}
        assert repr(scoring["weighted"]) == "macro_scorer"
    with pytest.raises(RuntimeError, match="only available when metadata routing is enabled"):
        macro_scorer.set_score_request(sample_weight=True)


def test_several_scorers_ask_once(table):
    """Simulating and shaping a thousand crystals for every one of them would take long."""
    calls = []

    class Probable(LogisticRegression):
        def predict_proba(self, X):
            calls.append(len(X))
            return super().predict_proba(X)

    class Decided(RidgeClassifier):
        def decision_function(self, X):
            calls.append(len(X))
            return super().decision_function(X)

    cross_validate(Probable(), *table, scoring=SCORERS, cv=3, error_score="raise")
    assert calls == [40] * 3
    calls.clear()
    ranks = {"one": top_k_scorer(1), "two": top_k_scorer(2)}
    cross_validate(Decided(), *table, scoring=ranks, cv=3, error_score="raise")
    assert calls == [40] * 3


def test_weights_without_routing(table):
    X, y = table
    model = LogisticRegression().fit(X, y)
    right = (model.predict(X) == y).astype(float)
    scorers = check_scoring(model, SCORERS)
    assert scorers(model, X, y, sample_weight=right)["macro"] == 1
    assert scorers(model, X, y)["macro"] < 1


def test_a_figure_of_ones_own(table):
    X, y = table
    model = LogisticRegression().fit(X, y)
    scorer = Scorer("calibration", metrics.calibration_error, {"n_bins": 5})
    expected = metrics.calibration_error(y, model.predict_proba(X), model.classes_, n_bins=5)
    assert scorer(model, X, y) == expected
    assert repr(pickle.loads(pickle.dumps(scorer))) == "calibration(n_bins=5)"


def test_folds_that_lack_groups(table):
    """What scorers of make_scorer cannot do: they know the groups of y, not those of columns."""
    X, y = table
    model = LogisticRegression().fit(X, y)
    few = y > 200
    assert top_k_scorer(2)(model, X[few], y[few]) == metrics.top_k_accuracy(
        y[few], model.predict_proba(X[few]), model.classes_, k=2
    )
    scorer = make_scorer(top_k_accuracy_score, response_method="predict_proba", k=2)
    with pytest.raises(ValueError, match="labels"):
        scorer(model, X[few], y[few])


def test_names_and_options():
    assert repr(top_k_scorer(3)) == "top_k_scorer(k=3)"
    assert repr(macro_scorer) == "macro_scorer"
    full = diffraction_class_scorer.with_options(kind="full", average="macro")
    assert repr(full) == "diffraction_class_scorer(kind='full', average='macro')"
    assert 0 <= full(Answers(), [[0.1, 0.2, 0.3, 0.4]], [225]) <= 1
    assert diffraction_class_scorer.options == {}


def test_dynamical_classes_where_they_are_asked_for():
    """216 taken for 225 is right in kinematic classes and wrong in dynamical ones."""
    y = np.array([216, 225])
    X = np.array([[0, 0, 0.3, 0.7], [0, 0, 0.2, 0.8]])
    views = {"dynamical_views": "symmetry-directions"}
    dynamical = diffraction_class_scorer.with_options(**views)
    assert diffraction_class_scorer(Answers(), X, y) == 1.0
    assert dynamical(Answers(), X, y) == 0.5
    assert repr(dynamical) == ("diffraction_class_scorer(dynamical_views='symmetry-directions')")
    with pytest.raises(ValueError, match="kinematic"):
        dynamical.with_options(kind="full")(Answers(), X, y)
    figures = summary_scorer.with_options(**views)(Answers(), X, y)
    assert figures["dynamical_class"] == figures["dynamical_class_macro"] == 0.5
    assert "diffraction_class" not in figures
    assert summary_scorer(Answers(), X, y)["diffraction_class"] == 1.0


def test_dynamical_classes_in_a_search(table):
    X, y = table
    search = GridSearchCV(
        LogisticRegression(), {"C": [0.1, 1.0]}, cv=3, refit="dynamical_class",
        scoring=summary_scorer.with_options(dynamical_views="symmetry-directions"),
    ).fit(X, y)  # fmt: skip
    assert (search.cv_results_["mean_test_dynamical_class"] > 0).all()


def test_macro_average_of_diffraction_classes():
    P = np.eye(4)[[0, 0, 2, 3, 3]]
    y = [2, 12, 225, 225, 225]
    assert metrics.diffraction_class_accuracy(y, P, GROUPS) == 0.8
    macro = metrics.diffraction_class_accuracy(y, P, GROUPS, average="macro")
    assert macro == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="average must be one of micro, macro"):
        metrics.diffraction_class_accuracy(y, P, GROUPS, average="mean")


def test_group_without_a_column_is_never_found():
    P = [[0.1, 0.2, 0.3, 0.4]] * 2
    assert metrics.top_k_accuracy([194, 225], P, GROUPS, k=4) == 0.5
    assert metrics.top_k_accuracy([194, 225], P, GROUPS, k=100) == 0.5
    assert top_k_scorer(9)(Answers(), P, [194, 225]) == 0.5
    assert macro_scorer(Answers(), P, [194, 225]) == 0.5
    # 1 has no column but shares a diffraction class with 2.
    assert metrics.diffraction_class_accuracy([1, 194], [[1, 0, 0, 0]] * 2, GROUPS) == 0.5
    figures = metrics.summary([194, 225], P, GROUPS)
    assert figures["by_crystal_system"] == {"hexagonal": 0.0, "cubic": 1.0}


def test_one_class():
    X, y = np.zeros((3, 1)), np.full(3, 225)
    model = DummyClassifier().fit(X, y)
    for scorer in SCORERS.values():
        assert scorer(model, X, y) == 1
    figures = summary_scorer(model, X, y)
    assert figures["top1"] == figures["top5"] == 1
    assert figures["calibration_error"] == 0


def test_rows_without_an_answer():
    P = np.array([[0, 0, 0.1, 0.9], [np.nan] * 4, [0.7, 0.1, 0.1, 0.1], [0.7, 0.1, 0.1, np.nan]])
    y = np.array([225, 225, 2, 2])
    assert metrics.top_k_accuracy(y, P, GROUPS, k=4) == 0.5
    assert metrics.diffraction_class_accuracy(y, P, GROUPS) == 0.5
    assert metrics.calibration_error(y, P, GROUPS) == pytest.approx(0.2)
    assert np.isnan(metrics.calibration_error(y, np.full((4, 4), np.nan), GROUPS))
    figures = metrics.summary(y, P, GROUPS)
    assert figures["top1"] == figures["top5"] == figures["macro"] == 0.5
    assert figures["by_crystal_system"] == {"triclinic": 0.5, "cubic": 0.5}
    for scorer in SCORERS.values():
        assert scorer(Answers(), P, y) == 0.5


def test_nothing_to_score():
    nothing = (np.empty(0, int), np.empty((0, 4)), GROUPS)
    for figure in (
        metrics.top_k_accuracy,
        metrics.diffraction_class_accuracy,
        metrics.calibration_error,
        metrics.summary,
    ):
        with pytest.raises(ValueError, match="no rows to score"):
            figure(*nothing)
    for figure in (metrics.macro_accuracy, metrics.crystal_system_accuracy):
        with pytest.raises(ValueError, match="no rows to score"):
            figure([], [])


def test_system_that_is_not_there():
    scorer = crystal_system_scorer("trigonal")
    with pytest.warns(UndefinedMetricWarning, match="no trigonal group"):
        assert np.isnan(scorer(Answers(), [[0, 0, 0, 1]], [225]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: top_k_scorer(0), "k must be an integer >= 1, got 0"),
        (lambda: top_k_scorer(1.5), "k must be an integer >= 1"),
        (lambda: metrics.top_k_accuracy([2], [[1.0]], [2], k=0), "k must be an integer >= 1"),
        (lambda: crystal_system_scorer("quintic"), "system must be one of triclinic"),
        (lambda: metrics.top_k_accuracy([2], [[1.0, 0.0]], [2]), r"shape \(1, 2\) for 1 rows"),
        (lambda: metrics.macro_accuracy([2], [2, 2]), r"y_pred of shape \(2,\) for 1 rows"),
        (lambda: metrics.macro_accuracy([[2]], [[2]]), r"y_true must have shape \(n,\)"),
        (lambda: metrics.macro_accuracy([2], [2], [0.0]), "not all zero"),
        (lambda: metrics.macro_accuracy([2], [2], [1.0, 1.0]), r"must have shape \(1,\)"),
        (lambda: metrics.crystal_system_accuracy([231], [2]), "231"),
    ],
)
def test_faults_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
