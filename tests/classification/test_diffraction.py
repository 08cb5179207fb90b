"""The diffraction class that probabilities of groups speak for."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline

from crystalsym.classification._class_probabilities import (
    dynamical_views_of,
    leading_classes,
)
from crystalsym.spacegroups import diffraction_class, dynamical_class


def test_class_of_largest_sum_need_not_hold_the_first_group():
    probabilities = np.array([[0.3, 0.25, 0.4, 0.05], [0.1, 0.1, 0.7, 0.1]], np.float32)
    members, total = leading_classes(probabilities, [33, 62, 14, 225])
    assert members == [diffraction_class(33), diffraction_class(14)]
    np.testing.assert_allclose(total, [0.55, 0.7], rtol=1e-6)
    assert total.dtype == np.float32


def test_classes_of_dynamical_patterns():
    probabilities = np.array([[0.3, 0.3, 0.4], [0.0, 0.9, 0.1]])
    members, total = leading_classes(probabilities, [16, 47, 62], "symmetry-directions")
    assert members == [(16, 47), (16, 47)]
    np.testing.assert_allclose(total, [0.6, 0.9], rtol=1e-6)
    for views in ("symmetry-directions", "zone-axes"):
        members, _ = leading_classes(np.array([[0.6, 0.4]]), [216, 225], views)
        assert members == [dynamical_class(216, views)]
    assert leading_classes(np.array([[0.6, 0.4]]), [216, 225])[0] == [diffraction_class(216)]


@pytest.mark.parametrize(
    ("steps", "views"),
    [
        ([{"step": "DiffractionSimulator", "engine": "bloch", "views": "zone-axes"}], "zone-axes"),
        (
            [{"step": "DiffractionSimulator", "engine": "multislice",
              "views": "symmetry-directions"}, {"step": "PatternShaper"}],
            "symmetry-directions",
        ),
        ([{"step": "DiffractionSimulator", "engine": "bragg", "views": "zone-axes"}], None),
        ([{"step": "DiffractionSimulator", "engine": "bloch", "views": [[1, 1, 1]]}], None),
        ([], None),
    ],
)  # fmt: skip
def test_views_of_dynamical_patterns_are_those_that_were_learned_from(steps, views):
    class Fitted:
        metadata_ = {"made_by": steps}  # noqa: RUF012

    assert dynamical_views_of(Fitted()) == views
    assert dynamical_views_of(object()) is None


def test_views_of_what_holds_a_classifier():
    step = {"step": "DiffractionSimulator", "engine": "bloch", "views": "zone-axes"}
    classifier = SimpleNamespace(metadata_={"made_by": [step]})
    pipeline = Pipeline([("scale", "passthrough"), ("classify", classifier)])
    assert dynamical_views_of(pipeline) == "zone-axes"
    assert dynamical_views_of(SimpleNamespace(best_estimator_=pipeline)) == "zone-axes"
    assert dynamical_views_of(SimpleNamespace(embedder_=classifier)) == "zone-axes"
    assert dynamical_views_of(Pipeline([("classify", DummyClassifier())])) is None


def test_a_sum_of_rounded_probabilities_is_not_above_one():
    assert leading_classes(np.array([[0.5000001, 0.5]]), [33, 62])[1] == 1.0


def test_rows_of_nan():
    members, total = leading_classes(np.array([[np.nan, np.nan], [0.2, 0.8]]), [2, 225])
    assert members == [(), diffraction_class(225)]
    assert np.isnan(total[0])


def test_of_the_classifier(fitted, images):
    X = images[0][:7]
    members, total = fitted.predict_diffraction_class(X)
    # The three groups are of three classes.
    np.testing.assert_allclose(total, fitted.predict_proba(X).max(axis=1), rtol=1e-5)
    assert members == [diffraction_class(int(group)) for group in fitted.predict(X)]


def test_labels_that_are_no_groups(fitted, images):
    other = copy.deepcopy(fitted)
    other.classes_ = np.array(["a", "b", "c"])
    with pytest.raises(ValueError, match="space-group numbers"):
        other.predict_diffraction_class(images[0][:2])
