"""The estimator: answers, input kinds, and scikit-learn's conventions."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import crystalsym
from crystalsym.classification import SpaceGroupClassifier

from .conftest import CONVENTIONS, FITTED, GROUPS, SMALL, LazyImages, make_classifier, make_images


def package_parent():
    return Path(crystalsym.__file__).parents[1]


def test_learns(fitted, images):
    X, y = images
    assert fitted.score(X, y) > 0.85
    assert fitted.classes_.tolist() == GROUPS.tolist()
    assert fitted.predict(X).dtype.kind == "i"
    assert fitted.input_shape_ == (3, 12, 12, 2)
    assert fitted.n_parameters_ == fitted.model_.count_params()
    keys = {"epoch", "loss", "val_loss", "val_accuracy", "val_top5", "learning_rate", "seconds"}
    assert [entry["epoch"] for entry in fitted.history_] == list(range(1, 13))
    assert all(set(entry) == keys for entry in fitted.history_)


def test_answers_agree_with_each_other(fitted, images):
    X = images[0][:9]
    logits = fitted.decision_function(X)
    probabilities = fitted.predict_proba(X)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(
        np.diff(np.log(probabilities), axis=1),
        np.diff(logits, axis=1) / fitted.temperature_,
        atol=1e-3,
    )
    groups, top = fitted.predict_top_k(X, k=2)
    assert groups.shape == top.shape == (9, 2)
    np.testing.assert_array_equal(groups[:, 0], fitted.predict(X))
    np.testing.assert_allclose(top, -np.sort(-probabilities, axis=1)[:, :2])
    assert (np.diff(top, axis=1) <= 0).all()
    features = fitted.embed(X)
    assert features.shape == (9, 3, 8)
    assert features.dtype == np.float32


@pytest.mark.parametrize("k", [0, 4, 1.5])
def test_top_k_out_of_range(fitted, images, k):
    with pytest.raises(ValueError, match="k must be an integer from 1 to 3"):
        fitted.predict_top_k(images[0][:1], k)


def test_score_with_weights(fitted, images):
    X, y = images
    wrong = np.where(np.arange(len(y)) < 48, y, np.roll(GROUPS, 1)[np.searchsorted(GROUPS, y)])
    weights = (np.arange(len(y)) < 48).astype(float)
    assert fitted.score(X, wrong, weights) == pytest.approx(fitted.score(X[:48], y[:48]))
    assert fitted.score(X, wrong, weights) > 0.8
    assert fitted.score(X, wrong, 1 - weights) < 0.2


def test_bytes_and_lazy_rows_give_the_same(fitted, images):
    X, _ = images
    as_bytes = np.round(X * 255).astype(np.uint8)
    np.testing.assert_allclose(
        fitted.predict_proba(as_bytes), fitted.predict_proba(as_bytes / 255), atol=1e-5
    )
    np.testing.assert_array_equal(fitted.predict_proba(LazyImages(X)), fitted.predict_proba(X))
    np.testing.assert_allclose(
        fitted.predict_proba(list(X[:4])), fitted.predict_proba(X)[:4], atol=1e-5
    )


@pytest.mark.parametrize("architecture", ["msdn", "strided"])
def test_merged_images(architecture):
    X, y = make_images(n_streams=1, channels=3)
    options = {
        "msdn": {"growth": 4, "bottleneck": 4, "blocks": (2, 1)},
        "strided": {"width": 8, "features": 8, "embedding": 8},
    }[architecture]
    classifier = make_classifier(
        architecture=architecture, architecture_options=options, epochs=2
    ).fit(X[:, 0], y)
    assert classifier.input_shape_ == (12, 12, 3)
    assert classifier.predict_proba(X[:, 0]).shape == (96, 3)
    assert classifier.embed(X[:2, 0]).shape[:2] == (2, 1)
    with pytest.raises(ValueError, match=r"takes images of shape \(12, 12, 3\)"):
        classifier.predict(X)


def test_msdn_learns_with_one_head_for_each_stream(images):
    X, y = images
    classifier = make_classifier(
        architecture="msdn",
        architecture_options={"growth": 8, "bottleneck": 8, "blocks": (1, 1), "dropout": 0.0},
        epochs=12,
        batch_size=8,
        learning_rate=5e-3,
    ).fit(X, y, sample_weight=np.ones(len(y)))
    assert len(classifier.model_.outputs) == 3
    # Three cross-entropies of three even guesses, to begin with.
    assert 2.0 < classifier.history_[0]["loss"] < 4.5
    assert classifier.history_[-1]["loss"] < 0.8 * classifier.history_[0]["loss"]
    outputs = classifier.model_.predict_on_batch([X[:4, s] for s in range(3)])
    np.testing.assert_allclose(
        classifier.decision_function(X[:4]), np.sum([np.asarray(o) for o in outputs], axis=0),
        atol=1e-4,
    )  # fmt: skip


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_and_leaves_keras_alone(images, precision):
    import keras

    X, y = images
    before = keras.config.dtype_policy().name
    classifier = make_classifier(precision=precision, **FITTED).fit(X, y)
    assert keras.config.dtype_policy().name == before
    assert classifier.score(X, y) > 0.7
    assert {layer.compute_dtype for layer in classifier.model_.layers} == {"float32"}


def test_same_seed_same_result(fitted, images):
    X, y = images
    again = make_classifier(**FITTED).fit(X, y)
    np.testing.assert_allclose(again.predict_proba(X), fitted.predict_proba(X), atol=1e-5)
    other = make_classifier(random_state=1, epochs=1).fit(X, y)
    assert np.abs(other.predict_proba(X) - fitted.predict_proba(X)).max() > 1e-3


def test_global_random_state_is_left_alone(images):
    import random

    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    expected = random.random(), np.random.random()  # noqa: NPY002
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    make_classifier(**SMALL, epochs=1).fit(*images)
    assert (random.random(), np.random.random()) == expected  # noqa: NPY002


def test_weights_matter(images):
    """Of two answers to the same images, the one that weighs more is learned."""
    X, y = images
    other = np.roll(GROUPS, 1)[np.searchsorted(GROUPS, y)]
    both = np.concatenate([X, X]), np.concatenate([y, other])
    weights = np.repeat([1.0, 1e-6], len(y))
    parameters = SMALL | {"epochs": 8, "validation_fraction": 0}
    forward, backward = (
        make_classifier(**parameters).fit(*both, sample_weight=w) for w in (weights, weights[::-1])
    )
    assert forward.score(X, y) > forward.score(X, other) + 0.3
    assert backward.score(X, other) > backward.score(X, y) + 0.3


def test_class_weights_are_sample_weights(images):
    X, y = images
    parameters = SMALL | {"epochs": 2, "validation_fraction": 0}
    weights = np.where(y == 225, 1.0, 1e-6)
    by_sample = make_classifier(**parameters).fit(X, y, sample_weight=weights)
    by_class = make_classifier(**parameters, class_weight={62: 1e-6, 221: 1e-6}).fit(X, y)
    np.testing.assert_allclose(by_class.predict_proba(X), by_sample.predict_proba(X), atol=1e-3)


def test_no_validation(images):
    history = make_classifier(**SMALL, epochs=1, validation_fraction=0).fit(*images).history_
    assert set(history[0]) == {"epoch", "loss", "learning_rate", "seconds"}


def test_labels_of_another_kind(images):
    X, y = images
    names = np.where(y == 62, "orthorhombic", "cubic")
    classifier = make_classifier(**SMALL, epochs=3).fit(X, names)
    assert set(classifier.predict(X)) <= {"cubic", "orthorhombic"}


def test_descriptor_of_images(images):
    X, y = images
    described = LazyImages(X)
    described.descriptor = {"image_size": 12, "channels": ("spots", "lines")}
    classifier = make_classifier(**SMALL, epochs=1).fit(described, y)
    classifier.predict(described)
    classifier.predict(X)  # plain arrays cannot say how they were made
    other = LazyImages(X)
    other.descriptor = {"image_size": 12, "channels": ("spots", "raw")}
    with pytest.raises(ValueError, match="got images described by"):
        classifier.predict(other)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"architecture": "nosuch"}, "no network named 'nosuch'"),
        ({"architecture_options": [1]}, "architecture_options must be a dict"),
        ({"epochs": 0}, "epochs must be an integer >= 1"),
        ({"batch_size": 2.5}, "batch_size must be an integer >= 1"),
        ({"learning_rate": 0}, "learning_rate must be a number > 0"),
        ({"weight_decay": -1}, "weight_decay must be a number >= 0"),
        ({"warmup_fraction": 2}, "warmup_fraction must be a number from 0 to 1"),
        ({"label_smoothing": 1}, "label_smoothing must be a number from 0 to below 1"),
        ({"validation_fraction": 1.0}, "validation_fraction must be"),
        ({"optimizer": 3}, "optimizer must be the name"),
        ({"optimizer": "nosuch"}, "optimizer='nosuch' is not one"),
        ({"learning_rate_schedule": "step"}, "one of cosine, linear, constant"),
        ({"calibrate": "yes"}, "calibrate must be True or False"),
        ({"distribution": "model"}, "distribution must be 'data' or None"),
        ({"precision": "float8"}, "precision must be None or one of"),
        ({"class_weight": "even"}, "class_weight must be None, 'balanced' or a dict"),
        ({"class_weight": {7: 1.0}}, r"classes that are not in y: \[7\]"),
        ({"early_stopping": True, "validation_fraction": 0}, "needs a validation_fraction"),
        ({"verbose": -1}, "verbose must be"),
        ({"checkpoint_interval": -1}, "checkpoint_interval must be"),
    ],
)
def test_bad_parameters_are_named_in_fit(images, parameters, message):
    classifier = make_classifier(**parameters)  # the constructor only stores
    with pytest.raises(ValueError, match=message):
        classifier.fit(*images)


def test_network_of_another_form_is_refused(images):
    def one_input(n_classes, image_size, channels, n_streams):
        import keras

        inputs = keras.Input((image_size, image_size, channels))
        return keras.Model(inputs, keras.layers.Dense(n_classes)(keras.layers.Flatten()(inputs)))

    def few_outputs(n_classes, image_size, channels, n_streams):
        return one_of_ours(n_classes + 1, image_size, channels, n_streams)

    from crystalsym.networks import strided as one_of_ours

    for architecture, message in [
        (one_input, r"3 input\(s\) of shape"),
        (few_outputs, r"logits of shape \(None, 3\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            make_classifier(architecture=architecture, architecture_options=None).fit(*images)


def test_bad_row_in_training_is_named(images):
    X, y = images
    broken = X.copy()
    broken[17, 0, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="row 17 of X contains NaN"):
        make_classifier(epochs=1, validation_fraction=0).fit(broken, y)


def test_unfitted(images):
    classifier = make_classifier()
    for method in ("predict", "predict_proba", "decision_function", "embed", "predict_top_k"):
        with pytest.raises(NotFittedError):
            getattr(classifier, method)(images[0])
    with pytest.raises(NotFittedError):
        classifier.save("nowhere.zip")


def test_clone_pickle_and_copy(fitted, images):
    X = images[0][:8]
    fresh = clone(fitted)
    assert fresh.get_params() == fitted.get_params()
    assert not hasattr(fresh, "classes_")
    for again in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
        np.testing.assert_array_equal(again.embed(X), fitted.embed(X))
        again.model_.weights[0].assign(0 * again.model_.get_weights()[0])
    assert np.abs(fitted.model_.get_weights()[0]).max() > 0  # copies have weights of their own
    assert "keras" not in str(pickle.loads(pickle.dumps(fitted)).__getstate__()["_model"])


def test_keras_is_not_imported_before_it_is_needed():
    code = "import sys, crystalsym.classification; sys.exit('keras' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=package_parent())


def test_set_params_and_repr():
    classifier = SpaceGroupClassifier().set_params(epochs=3, architecture="strided")
    assert repr(classifier) == "SpaceGroupClassifier(architecture='strided', epochs=3)"
    assert "SpaceGroupClassifier" in classifier._repr_html_()
    with pytest.raises(ValueError, match="Invalid parameter"):
        classifier.set_params(nosuch=1)


def test_pipeline_and_grid_search(images):
    X, y = images
    pipeline = make_pipeline(
        FunctionTransformer(lambda images: images / 255),
        make_classifier(**SMALL, batch_size=32),
    )
    name = "spacegroupclassifier"
    search = GridSearchCV(
        pipeline, {f"{name}__epochs": [1, 3]}, cv=2, refit=False, error_score="raise"
    )
    search.fit(np.round(X * 255), y)
    fits = search.cv_results_
    assert np.isfinite(fits["mean_test_score"]).all()
    assert len(fits["params"]) == 2


@pytest.mark.parametrize("check", CONVENTIONS, ids=lambda check: check.__name__)
def test_scikit_learn_checks(check):
    check("SpaceGroupClassifier", SpaceGroupClassifier())
