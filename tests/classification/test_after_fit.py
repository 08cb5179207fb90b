"""What was fitted stays fitted, whatever is set or changed later, and goes wherever copies go."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from support.networks import without_graphs

from crystalsym.classification import SpaceGroupClassifier

from .conftest import FITTED, make_classifier


@pytest.fixture(autouse=True)
def _uncompiled():
    """Each copy predicts once, of a network that was not compiled before."""
    with without_graphs():
        yield


# Another value for every parameter of the constructor.
OTHERS = {
    "architecture": "msdn",
    "architecture_options": {"width": 24},
    "epochs": 1,
    "batch_size": 7,
    "optimizer": "nosuch",
    "learning_rate": -1.0,
    "weight_decay": 0.5,
    "learning_rate_schedule": "nosuch",
    "warmup_fraction": 7.0,
    "label_smoothing": 0.2,
    "class_weight": "nosuch",
    "validation_fraction": 0.0,
    "validation_rotation": -3,
    "early_stopping": "no",
    "n_iter_no_change": 99,
    "tol": float("nan"),
    "calibrate": "no",
    "distribution": "data",
    "precision": "mixed_float16",
    "checkpoint_dir": "elsewhere",
    "checkpoint_interval": 1.0,
    "resume": False,
    "warm_start": True,
    "random_state": 9,
    "verbose": 2,
}


def copies(classifier, folder):
    """The classifier by every way that a fitted one travels."""
    classifier.save(folder / "saved.zip")
    yield "save", SpaceGroupClassifier.load(folder / "saved.zip")
    yield "copy", copy.copy(classifier)
    yield "deepcopy", copy.deepcopy(classifier)


def test_every_parameter_is_tried():
    assert OTHERS.keys() == SpaceGroupClassifier().get_params().keys()


@pytest.mark.parametrize("name", OTHERS)
def test_set_params_after_fit_changes_nothing_fitted(name, fitted, images, tmp_path):
    X = images[0][:6]
    expected = fitted.predict_proba(X)
    classifier = copy.copy(fitted).set_params(**{name: OTHERS[name]})
    np.testing.assert_array_equal(classifier.predict_proba(X), expected)
    for way, again in copies(classifier, tmp_path):
        np.testing.assert_array_equal(again.predict_proba(X), expected, err_msg=way)
    again = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(again.predict_proba(X), expected)
    assert repr(again.get_params()[name]) == repr(OTHERS[name])
    # What is saved are the parameters that made the weights.
    again = SpaceGroupClassifier.load(tmp_path / "saved.zip")
    assert again.get_params() == fitted.get_params()


def test_options_that_are_changed_in_place(fitted, images):
    options = {"width": 8, "features": 8, "embedding": 16}
    classifier = make_classifier(architecture_options=options, epochs=1).fit(*images)
    expected = classifier.predict_proba(images[0][:4])
    options["width"] = 24
    again = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(again.predict_proba(images[0][:4]), expected)


def test_weights_changed_in_the_network_go_wherever_it_goes(fitted, images, tmp_path):
    X = images[0][:6]
    classifier = pickle.loads(pickle.dumps(fitted))
    for variable in classifier.model_.weights[-2:]:
        variable.assign(np.flip(np.asarray(variable.numpy()), axis=-1))
    expected = classifier.predict_proba(X)
    assert np.abs(expected - fitted.predict_proba(X)).max() > 0.01
    for way, again in copies(classifier, tmp_path):
        np.testing.assert_array_equal(again.predict_proba(X), expected, err_msg=way)
    again = pickle.loads(pickle.dumps(classifier))
    # A copy of a copy whose network was never built.
    for way, further in copies(pickle.loads(pickle.dumps(again)), tmp_path):
        np.testing.assert_array_equal(further.predict_proba(X), expected, err_msg=way)
    # The one it was made of has kept its own.
    assert np.abs(expected - fitted.predict_proba(X)).max() > 0.01


def test_a_clone_is_not_fitted(fitted):
    again = clone(fitted)
    assert not [name for name in vars(again) if name.endswith("_") or name.startswith("_")]
    assert FITTED["epochs"] == again.epochs
