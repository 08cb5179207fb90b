"""Loaded classifiers answer without Keras, and answer the same with it."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

from crystalsym import _blas_threads as blas
from crystalsym.bundles import available
from crystalsym.classification import SimilarityClassifier, SpaceGroupClassifier
from crystalsym.classification._prediction import NUMPY_BATCH_ROWS

from .conftest import make_classifier, make_images

BACKENDS = ("keras", "tensorflow", "jax", "torch")
OPTIONS = {"width": 16, "features": 8, "joint": 16, "embedding": 8}


def backends_after(code):
    code = textwrap.dedent(code) + "\nimport sys\nprint([m for m in %r if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code % (BACKENDS,)], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[-1]


def sparse_images(n, shape, seed=0):
    """Bright spots on dark ground, as shaped patterns are."""
    rng = np.random.default_rng(seed)
    density = rng.random((n, *[1] * len(shape)))
    return np.where(rng.random((n, *shape)) < density, rng.random((n, *shape)), 0).astype(
        np.float32
    )


@pytest.fixture(scope="module")
def images():
    return make_images(size=13)


@pytest.fixture(scope="module")
def fitted(images):
    """A classifier that must not be changed."""
    return make_classifier("msmlp", architecture_options=OPTIONS, epochs=2).fit(*images)


@pytest.fixture
def loaded(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    return SpaceGroupClassifier.load(tmp_path / "model")


def test_a_pretrained_pipeline_answers_without_keras():
    code = """
        from crystalsym import SimilarityClassifier, load_pretrained
        from crystalsym.datasets import example_crystals

        crystals = [example_crystals()[name] for name in ("NaCl", "Si")]
        pipeline = load_pretrained("72")
        assert pipeline.predict_proba(crystals).shape == (2, 72)
        assert pipeline.predict(crystals).shape == (2,)
        rows = pipeline[:-1].transform(crystals)
        assert pipeline[-1].embed(rows).shape == (2, 3, 256)
        assert len(pipeline[-1].predict_set(rows)) == 2
        similar = SimilarityClassifier("72").fit(rows, [225, 227])
        assert similar.predict(rows).tolist() == [225, 227]
    """
    assert backends_after(code) == "[]"


def test_similarity_saving_and_copies_need_no_keras(tmp_path):
    code = f"""
        import copy, pickle
        import numpy as np
        from crystalsym import SimilarityClassifier, SpaceGroupClassifier

        rows = np.random.default_rng(0).random((4, 3, 13, 13, 2))
        for layer in ("features", "embedding"):
            model = SimilarityClassifier("72-small", layer=layer).fit(rows, [1, 1, 2, 2])
            assert model.predict_proba(rows).shape == (4, 2)
        classifier = model.embedder_
        for again in (copy.deepcopy(classifier), pickle.loads(pickle.dumps(classifier))):
            assert (again.predict_proba(rows) == classifier.predict_proba(rows)).all()
        classifier.recalibrate(rows, classifier.classes_[:4]).save({str(tmp_path / "again")!r})
        SpaceGroupClassifier.load({str(tmp_path / "again")!r}).predict(rows)
    """
    assert backends_after(code) == "[]"


@pytest.mark.parametrize("name", sorted(set(available()) - {"72-shaped"}))  # has convolutions
def test_bundled_models_agree_with_keras(name):
    classifier = SpaceGroupClassifier.from_pretrained(name)
    X = sparse_images(300, classifier.input_shape_)
    probabilities = classifier.predict_proba(X)
    logits = classifier.decision_function(X)
    vectors = {layer: classifier.embed(X, layer) for layer in ("features", "embedding")}
    assert classifier._model is None
    assert classifier.model_.count_params() == classifier.n_parameters_
    np.testing.assert_allclose(classifier.predict_proba(X), probabilities, rtol=0, atol=1e-5)
    assert np.ptp(probabilities.max(axis=1)) > 0.5  # sure and unsure rows
    np.testing.assert_allclose(classifier.decision_function(X), logits, rtol=0, atol=1e-4)
    for layer, expected in vectors.items():
        assert expected.dtype == np.float32
        np.testing.assert_allclose(
            classifier.embed(X, layer), expected, rtol=0, atol=1e-5 * np.abs(expected).max()
        )


def test_a_loaded_classifier_agrees_with_the_fitted_one(fitted, loaded, images):
    X = images[0]
    assert fitted._model is not None
    np.testing.assert_allclose(loaded.predict_proba(X), fitted.predict_proba(X), atol=1e-5)
    for layer in ("features", "embedding"):
        np.testing.assert_allclose(loaded.embed(X, layer), fitted.embed(X, layer), atol=1e-5)
    assert loaded.predict(X).tolist() == fitted.predict(X).tolist()
    assert loaded._model is None
    assert loaded.n_parameters_ == fitted.n_parameters_


def test_other_layers_are_left_to_keras(loaded, images):
    with pytest.raises(ValueError, match="has 'features' and 'embedding'"):
        loaded.embed(images[0], "nosuch")
    assert loaded.embed(images[0][:2], "logits").shape == (2, 3)


def test_weights_changed_in_the_network_count(loaded, images, tmp_path):
    X = images[0][:8]
    before = loaded.predict_proba(X)
    kernel, bias = loaded.model_.get_layer("logits").weights
    kernel.assign(0 * loaded.model_.get_layer("logits").get_weights()[0])
    for values in ([0.0, 5.0, 0.0], [0.0, 0.0, 5.0]):  # each time anew
        bias.assign(values)
        changed = loaded.predict_proba(X)
        assert np.abs(changed - before).max() > 0.1
        assert changed.argmax(axis=1).tolist() == [np.argmax(values)] * 8
    loaded.save(tmp_path / "changed")
    for again in (
        pickle.loads(pickle.dumps(loaded)),
        copy.deepcopy(loaded),
        SpaceGroupClassifier.load(tmp_path / "changed"),
    ):
        np.testing.assert_allclose(again.predict_proba(X), changed, atol=1e-6)


def test_a_loaded_classifier_fits_anew(loaded, images):
    X, y = images
    loaded.predict_proba(X)
    loaded.set_params(epochs=1).fit(X[:32], y[:32])
    expected = loaded.model_.predict_on_batch([X[:4, s] for s in range(3)])
    np.testing.assert_allclose(loaded.decision_function(X[:4]), np.asarray(expected), atol=1e-6)


def test_many_rows_keep_their_order_and_their_gaps(loaded):
    n = 2 * NUMPY_BATCH_ROWS[1] + 77
    X = sparse_images(n, loaded.input_shape_)
    X[[3, n - 1]] = np.nan
    with (
        blas._controller().limit(limits=2),
        pytest.warns(UserWarning, match=f"rows 3, {n - 1} "),
    ):
        found = loaded.predict_proba(X)
    assert np.flatnonzero(np.isnan(found).any(axis=1)).tolist() == [3, n - 1]
    with pytest.warns(UserWarning, match="row 2 "):
        part = loaded.predict_proba(X[1:4])
    np.testing.assert_allclose(found[1:3], part[:2], atol=1e-6)
    np.testing.assert_allclose(found[-60:-1], loaded.predict_proba(X[-60:-1]), atol=1e-6)


def test_threads_do_not_change_the_last_digit(loaded):
    X = sparse_images(3 * NUMPY_BATCH_ROWS[0] + 5, loaded.input_shape_)
    found = []
    for n_threads in (1, 2, 3):
        with blas._controller().limit(limits=n_threads):
            found.append(loaded.decision_function(X))
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])


def test_bad_rows_are_named_and_leave_no_thread(loaded):
    X = sparse_images(600, loaded.input_shape_)
    X[555, 0, 0, 0, 0] = 2.0
    before = threading.active_count()
    with blas._controller().limit(limits=2):
        with pytest.raises(ValueError, match="row 555 of X has values from 0 to 2"):
            loaded.predict_proba(X)
        assert blas.n_blas_threads() == 2
    assert threading.active_count() == before


def test_matrix_products_get_their_threads_back():
    with blas._controller().limit(limits=2):  # whatever the machine has
        outer, inner = blas.single_blas_thread(), blas.single_blas_thread()
        assert outer.__enter__() == 2
        assert inner.__enter__() == 2
        outer.__exit__(None, None, None)  # the first to come goes first, as with two threads
        assert blas.n_blas_threads() == 1
        inner.__exit__(None, None, None)
        assert blas.n_blas_threads() == 2


def test_similarity_agrees_with_keras(loaded, images):
    X, y = images
    alone = SimilarityClassifier(loaded).fit(X, y).predict_proba(X)
    assert loaded.model_ is not None
    np.testing.assert_allclose(
        SimilarityClassifier(loaded).fit(X, y).predict_proba(X), alone, atol=1e-5
    )
