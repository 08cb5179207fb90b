"""A fit that goes on from the weights of the one before."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from crystalsym.classification import SpaceGroupClassifier
from crystalsym.classification._checkpoints import CheckpointError

from .conftest import GROUPS, SMALL, make_classifier, make_images

# So small a step that the weights hardly move.
STILL = {"epochs": 1, "learning_rate": 1e-9, "optimizer": "sgd", "weight_decay": None}


def test_goes_on_where_the_fit_before_ended(fitted, images):
    X, y = images
    again = copy.copy(fitted).set_params(warm_start=True, **STILL).fit(X, y)
    anew = copy.copy(fitted).set_params(warm_start=False, **STILL).fit(X, y)
    expected = fitted.decision_function(X)
    # Moving averages of batch normalization move, weights do not.
    assert np.mean(again.predict(X) == fitted.predict(X)) > 0.95
    assert (
        np.abs(anew.decision_function(X) - expected).mean()
        > 5 * np.abs(again.decision_function(X) - expected).mean()
    )
    assert len(again.history_) == 1


def test_goes_on_from_saved_weights(fitted, images, tmp_path):
    fitted.save(tmp_path / "a.zip")
    loaded = SpaceGroupClassifier.load(tmp_path / "a.zip").set_params(warm_start=True, **STILL)
    X, y = images
    assert np.mean(loaded.fit(X, y).predict(X) == fitted.predict(X)) > 0.95


def test_the_first_fit_is_as_without(images):
    one, two = (
        make_classifier(**SMALL, epochs=1, warm_start=warm).fit(*images).history_[0]["loss"]
        for warm in (False, True)
    )
    assert one == two


def test_some_of_the_groups_are_enough(fitted, images):
    X, y = images
    some = y != GROUPS[0]
    again = copy.copy(fitted).set_params(warm_start=True, class_weight="balanced", **STILL)
    again.fit(X[some], y[some])
    np.testing.assert_array_equal(again.classes_, GROUPS)
    assert np.mean(again.predict(X) == fitted.predict(X)) > 0.95


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"groups": 227}, "another groups in y"),
        ({"size": 16}, "another shape of a row of X"),
        ({"architecture_options": {"width": 12, "features": 8, "embedding": 16}}, "options"),
        ({"architecture": "msmlp"}, "another architecture"),
    ],
)
def test_what_does_not_fit_is_named(fitted, images, change, message):
    X, y = images
    if "size" in change:
        X, y = make_images(size=change.pop("size"))
    if "groups" in change:
        y = np.where(y == GROUPS[0], change.pop("groups"), y)
    classifier = copy.copy(fitted).set_params(warm_start=True, **change)
    with pytest.raises(ValueError, match=message):
        classifier.fit(X, y)
    assert (classifier.predict(images[0]) == fitted.predict(images[0])).all()


def test_a_checkpoint_that_began_elsewhere_is_refused(fitted, images, tmp_path):
    classifier = copy.copy(fitted).set_params(warm_start=True, checkpoint_dir=tmp_path, **STILL)
    classifier.fit(*images)
    with pytest.raises(CheckpointError, match="start"):
        copy.copy(classifier).fit(*images)
