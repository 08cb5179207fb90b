"""Crystals that cannot be simulated: rows of NaN that stay in their places to the end."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from support.estimators import (
    GROUPS,
    classifier_parameters,
    embedder,
    fitted_pipeline,
    images,
    patterns,
    structures,
)
from support.networks import without_compilation

from crystalsym import (
    DiffractionSimulator,
    PatternShaper,
    SimilarityClassifier,
    SpaceGroupClassifier,
    SpotMerger,
)
from crystalsym._bytes import to_floats
from crystalsym.learning import PatternRows

BROKEN = [0, 5, 11]


@pytest.fixture(scope="module", autouse=True)
def _uncompiled():
    with without_compilation():
        yield


def broken_structures():
    crystals, y = structures()
    for row in BROKEN:
        crystals[row] = f"no-such-file-{row}.cif"
    return crystals, y


def with_gaps(X):
    X = X.copy()
    X[BROKEN] = np.nan
    return X


def present(n=12):
    return np.setdiff1d(np.arange(n), BROKEN)


def recorded(ask, *args):
    """What is returned, and the warnings as text."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = ask(*args)
    return value, [str(w.message) for w in caught if issubclass(w.category, UserWarning)]


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_simulator_keeps_rows_in_place(n_jobs):
    crystals, _ = broken_structures()
    simulator = DiffractionSimulator(image_size=16, on_error="nan", n_jobs=n_jobs)
    raw, messages = recorded(simulator.transform, crystals)
    assert messages == [
        f"structure {row}: no-such-file-{row}.cif: no such file; its row is NaN" for row in BROKEN
    ]
    assert np.isnan(raw[BROKEN]).all()
    whole = DiffractionSimulator(image_size=16).transform(structures()[0])
    np.testing.assert_array_equal(raw[present()], whole[present()])


def test_simulator_of_integers_refuses_at_once():
    simulator = DiffractionSimulator(image_size=16, on_error="nan", dtype="uint16")
    with pytest.raises(ValueError, match=r'on_error="nan" needs a float dtype'):
        simulator.fit(structures()[0])


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("scheme", ["spots", "pixels"])
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_shaper(scheme, dtype, n_jobs):
    X = np.tile(patterns()[0], (4, 1, 1, 1))  # several chunks, one of them whole
    gaps = X.copy()
    gaps[BROKEN] = np.nan
    gaps[20, 1, 3, 3] = np.nan  # one pixel is enough
    shaper = PatternShaper(scheme, image_size=8, dtype=dtype, n_jobs=n_jobs)
    whole, shaped = shaper.transform(X), shaper.transform(gaps)
    missing = [*BROKEN, 20]
    assert whole.dtype == dtype
    assert shaped.dtype == np.float32
    assert np.isnan(shaped[missing]).all()
    rest = np.setdiff1d(np.arange(len(X)), missing)
    np.testing.assert_array_equal(shaped[rest], to_floats(whole)[rest])


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_merger(dtype):
    X, _ = patterns()
    gaps = with_gaps(X)
    gaps[3, 2, 0, 0] = np.nan
    merger = SpotMerger(image_size=8, dtype=dtype)
    whole, merged = merger.transform(X), merger.transform(gaps)
    missing = [*BROKEN, 3]
    assert np.isnan(merged[missing]).all()
    rest = np.setdiff1d(np.arange(12), missing)
    np.testing.assert_array_equal(merged[rest], to_floats(whole)[rest])


def test_merger_refuses_infinity():
    X, _ = patterns()
    X[4, 1, 2, 3] = np.inf
    with pytest.raises(ValueError, match="pattern 4 holds an infinite value"):
        SpotMerger().transform(X)


def test_bytes_and_their_floats_are_the_same_images():
    X, _ = images()
    as_bytes = np.round(X * 255).astype(np.uint8)
    np.testing.assert_array_equal(
        embedder().predict_proba(as_bytes), embedder().predict_proba(to_floats(as_bytes))
    )


@pytest.mark.parametrize("similarity", [False, True])
def test_classifiers(similarity):
    X, y = images()
    classifier = SimilarityClassifier(embedder()).fit(X, y) if similarity else embedder()
    gaps = with_gaps(X)
    named = r"X holds NaN in rows 0, 5, 11 (3 of 12 rows); what is returned there is NaN"
    for method in ("predict_proba", "decision_function", "embed"):
        if not hasattr(classifier, method):
            continue
        value, messages = recorded(getattr(classifier, method), gaps)
        assert messages == [named]
        assert np.isnan(value[BROKEN]).all()
        np.testing.assert_array_equal(
            value[present()], getattr(classifier, method)(X)[present()], err_msg=method
        )
    (groups, probabilities), messages = recorded(classifier.predict_top_k, gaps, 2)
    assert messages == [named]
    assert (groups[BROKEN] == 0).all()
    assert np.isnan(probabilities[BROKEN]).all()
    np.testing.assert_array_equal(groups[present()], classifier.predict_top_k(X, 2)[0][present()])
    with pytest.raises(ValueError, match=r"no group can be predicted for rows 0, 5, 11 of X"):
        classifier.predict(gaps)


@pytest.mark.parametrize("similarity", [False, True])
def test_fit_refuses_and_names_the_rows(similarity):
    X, y = images()
    classifier = SimilarityClassifier(embedder()) if similarity else clone(embedder())
    value, messages = recorded(_error_of, classifier.fit, with_gaps(X), y)
    assert value.startswith("rows 0, 5, 11 of X contain NaN")
    assert messages == []
    X[3, 0, 0, 0, 0] = np.nan
    assert _error_of(classifier.fit, X, y).startswith("row 3 of X contains NaN")


def _error_of(ask, *args):
    with pytest.raises(ValueError) as caught:
        ask(*args)
    return str(caught.value)


def test_many_rows_are_counted():
    X, y = images()
    X = np.tile(X, (4, 1, 1, 1, 1))
    X[::2] = np.nan
    with pytest.raises(ValueError, match=r"rows 0, 2, 4, 6, 8, 10, 12, 14 and 16 more of X"):
        clone(embedder()).fit(X, np.tile(y, 4))


def test_all_rows_missing():
    X, _ = images()
    value, messages = recorded(embedder().predict_proba, np.full_like(X, np.nan))
    assert np.isnan(value).all()
    assert len(messages) == 1


def test_a_bundled_pipeline_whose_shaper_makes_bytes():
    crystals, _ = broken_structures()
    pipeline = fitted_pipeline()
    expected = pipeline.predict_proba(structures()[0])
    assert pipeline[:-1].transform(structures()[0]).dtype == np.uint8
    try:
        tolerant = pipeline.set_params(simulate__on_error="nan")
        value, messages = recorded(tolerant.predict_proba, crystals)
        with pytest.raises(ValueError, match="no group can be predicted for rows 0, 5, 11"):
            recorded(tolerant.predict, crystals)
    finally:
        pipeline.set_params(simulate__on_error="raise")
    assert len(messages) == len(BROKEN) + 1
    assert messages[-1].startswith("X holds NaN in rows 0, 5, 11 (3 of 12 rows)")
    assert np.isnan(value[BROKEN]).all()
    np.testing.assert_array_equal(value[present()], expected[present()])
    with pytest.raises(FileNotFoundError, match=r"structure 0: no-such-file-0.cif: no such file"):
        pipeline.predict_proba(crystals)


def tolerant_rendering():
    return PatternRows(
        [
            DiffractionSimulator(image_size=16, on_error="nan"),
            PatternShaper("spots", intensity="log", image_size=8, dtype="uint8"),
        ],
        # 24: more than are rendered together.
        structures()[0] + broken_structures()[0],
    )


@pytest.mark.filterwarnings("ignore:structure .* its row is NaN")
def test_lazy_rows():
    lazy = tolerant_rendering()
    assert lazy.dtype == np.uint8
    images = lazy[np.arange(24)]
    assert images.dtype == np.float32
    missing = [12 + row for row in BROKEN]
    assert np.isnan(images[missing]).all()
    np.testing.assert_array_equal(images[:12], to_floats(lazy[np.arange(12)]))
    value, messages = recorded(fitted_pipeline()[-1].predict_proba, lazy)
    assert messages[-1].startswith("X holds NaN in rows 12, 17, 23 (3 of 24 rows)")
    assert (np.isnan(value).all(axis=1) == np.isin(np.arange(24), missing)).all()
    np.testing.assert_allclose(value[12 + present()], value[present()], atol=1e-5)


class Unreadable:
    """No crystal, but told apart as one."""


@pytest.mark.filterwarnings("ignore:structure .* its row is NaN")
def test_training_and_stores_refuse_lazy_rows(tmp_path):
    y = np.resize(GROUPS, 24)
    classifier = SpaceGroupClassifier(**classifier_parameters() | {"batch_size": 24})
    with pytest.raises(ValueError, match=r"of X contains? NaN"):
        classifier.fit(tolerant_rendering(), y)
    crystals, _ = structures()
    crystals[7] = Unreadable()
    store = PatternRows(tolerant_rendering().transformers, crystals, store=tmp_path)
    assert store[np.arange(6)].dtype == np.uint8
    with pytest.raises(ValueError, match=r"rows \[7\] of the patterns are NaN"):
        store[np.arange(12)]
    assert store.n_stored == 6
