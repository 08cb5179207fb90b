"""Estimators together: pipelines, searches, metadata routing, joblib, lists of structures."""

from __future__ import annotations

import joblib
import numpy as np
import pytest
import sklearn
from joblib._parallel_backends import ThreadingBackend
from sklearn.base import clone
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from support.estimators import (
    classifier_parameters,
    embedder,
    fitted_pipeline,
    images,
    make_crystals,
    patterns,
    small_pipeline,
    structures,
)
from support.networks import tiny_network, without_compilation

from crystalsym import (
    DiffractionSimulator,
    PatternShaper,
    SimilarityClassifier,
    SpaceGroupClassifier,
    SpotMerger,
)
from crystalsym.crystals import Crystal
from crystalsym.datasets import example_crystals


@pytest.fixture(scope="module", autouse=True)
def _uncompiled():
    with without_compilation():
        yield


class Closed(list):
    """A list of structures that cannot be made an array."""

    def __array__(self, *args, **kwargs):
        raise AssertionError("structures must stay a list")


def test_structures_are_never_made_an_array():
    crystals, y = structures()
    pipeline = small_pipeline().fit(Closed(crystals), y)
    np.testing.assert_allclose(
        pipeline.predict_proba(Closed(crystals)),
        fitted_pipeline().predict_proba(crystals),
        atol=1e-5,
    )


def test_a_list_of_pymatgen_structures_goes_through_searches():
    from pymatgen.core import Lattice, Structure

    crystals, y = structures()
    X = [
        Structure(Lattice(c.lattice), ["Cs", "Cl"], c.frac_coords) for c in crystals
    ]  # 2 sites each: numpy would make (12, 2) of them
    search = GridSearchCV(
        small_pipeline(),
        {"shape__threshold": [1e-4, 1e-2], "classify__epochs": [1, 2]},
        cv=2,
        error_score="raise",
    ).fit(X, y)
    assert search.cv_results_["mean_test_score"].shape == (4,)
    assert search.predict(X).shape == (12,)
    assert len(search.best_estimator_[-1].history_) == search.best_params_["classify__epochs"]


def test_similarity_behind_a_pipeline():
    crystals, y = structures()
    pipeline = make_pipeline(fitted_pipeline()[:-1], SimilarityClassifier(fitted_pipeline()[-1]))
    assert cross_val_score(pipeline, crystals, y, cv=2, error_score="raise").shape == (2,)


def test_two_groups_can_be_scored_by_area_under_the_curve():
    X, y = images()
    X, y = X[y != 62], y[y != 62]
    for estimator in (
        SpaceGroupClassifier(**classifier_parameters()),
        SimilarityClassifier(embedder()),
    ):
        fitted = clone(estimator).fit(X, y)
        margin = fitted.decision_function(X)
        assert margin.shape == (8,)
        np.testing.assert_array_equal(fitted.classes_[(margin > 0).astype(int)], fitted.predict(X))
        scores = cross_val_score(estimator, X, y, cv=2, scoring="roc_auc", error_score="raise")
        assert np.isfinite(scores).all()


def test_weights_are_repetitions():
    X, y = images()
    weights = np.resize([0, 1, 2, 1], len(y))
    rows = np.repeat(np.arange(len(y)), weights)
    parameters = classifier_parameters() | {"batch_size": 64, "validation_fraction": 0}
    weighted = SpaceGroupClassifier(**parameters).fit(X, y, sample_weight=weights)
    repeated = SpaceGroupClassifier(**parameters).fit(X[rows], y[rows])
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-4)


class Recorder(SpaceGroupClassifier):
    """Remembers the weights it was given."""

    def fit(self, X, y, sample_weight=None):
        self.fit_weights_ = sample_weight
        return super().fit(X, y, sample_weight=sample_weight)

    def score(self, X, y, sample_weight=None):
        SCORED.append(sample_weight)
        return super().score(X, y, sample_weight=sample_weight)


SCORED: list = []


@pytest.mark.parametrize("own_score", [True, False])
def test_sample_weights_are_routed(own_score):
    crystals, y = structures()
    weights = np.arange(12) + 1.0
    SCORED.clear()
    with sklearn.config_context(enable_metadata_routing=True):
        classifier = Recorder(**classifier_parameters())
        classifier.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        pipeline = small_pipeline(classify=classifier)
        fitted = clone(pipeline).fit(crystals, y, sample_weight=weights)
        np.testing.assert_array_equal(fitted[-1].fit_weights_, weights)
        grid = {"shape__threshold": [1e-4, 1e-2]}
        scoring = None
        if not own_score:
            scoring = get_scorer("accuracy").set_score_request(sample_weight=False)
        search = GridSearchCV(pipeline, grid, cv=2, scoring=scoring, error_score="raise")
        search.fit(crystals, y, sample_weight=weights)
        np.testing.assert_array_equal(search.best_estimator_[-1].fit_weights_, weights)
    # The classifier's own score asked for them, the other scorer did not.
    assert [len(w) for w in SCORED] == ([6] * 4 if own_score else [])


def test_unrequested_weights_are_an_error():
    crystals, y = structures()
    with (
        sklearn.config_context(enable_metadata_routing=True),
        pytest.raises(sklearn.exceptions.UnsetMetadataPassedError, match="sample_weight"),
    ):
        small_pipeline().fit(crystals, y, sample_weight=np.ones(12))


def test_weights_reach_the_classifier_without_routing():
    crystals, y = structures()
    # Weight 0 for all but two groups: the third is not learned, and none of its rows count.
    weights = (y != 62).astype(float)
    pipeline = small_pipeline(classify__epochs=10, classify__learning_rate=0.1)
    pipeline.fit(crystals, y, classify__sample_weight=weights)
    assert 62 not in pipeline.predict(crystals)


class CountingBackend(ThreadingBackend):
    """Threads that count what they are given."""

    tasks = 0

    def submit(self, func, callback=None):
        type(self).tasks += 1
        return super().submit(func, callback)

    def apply_async(self, func, callback=None):
        type(self).tasks += 1
        return super().apply_async(func, callback)


joblib.register_parallel_backend("crystalsym-counting", CountingBackend)


@pytest.mark.parametrize(
    ("estimator", "X"),
    [
        (DiffractionSimulator(image_size=16), make_crystals() * 6),
        (
            PatternShaper("spots", intensity="linear", image_size=8),
            np.tile(patterns()[0], (6, 1, 1, 1)),
        ),
    ],
    ids=["DiffractionSimulator", "PatternShaper"],
)
def test_joblib_config_is_respected(estimator, X):
    expected = estimator.transform(X)
    CountingBackend.tasks = 0
    with joblib.parallel_config(backend="crystalsym-counting", n_jobs=2):
        np.testing.assert_array_equal(estimator.transform(X), expected)
    assert CountingBackend.tasks >= 2
    CountingBackend.tasks = 0
    with joblib.parallel_config(backend="crystalsym-counting", n_jobs=2):
        # The estimator's own number of jobs comes first.
        np.testing.assert_array_equal(clone(estimator).set_params(n_jobs=1).transform(X), expected)
    assert CountingBackend.tasks == 0


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_shaping_in_other_processes(dtype):
    X = np.tile(patterns()[0], (6, 1, 1, 1))
    X[40] = np.nan
    shaper = PatternShaper("spots", intensity="linear", image_size=8, dtype=dtype)
    with joblib.parallel_config(backend="loky", n_jobs=2):
        np.testing.assert_array_equal(shaper.transform(X), shaper.set_params(n_jobs=1).transform(X))


def lone_structures():
    from pymatgen.core import Lattice, Structure

    path = example_crystals()["NaCl"]
    structure = Structure(Lattice.cubic(4), ["Po"], [[0, 0, 0]])
    return [Crystal(np.eye(3) * 4, [[0, 0, 0]], [84]), structure, path, str(path)]


@pytest.mark.parametrize("X", lone_structures(), ids=lambda x: type(x).__name__)
def test_a_lone_structure_is_refused_with_advice(X):
    advice = rf"got a single {type(X).__name__}: put it in a list, \[structure\]"
    for ask in (
        DiffractionSimulator(image_size=16).fit,
        DiffractionSimulator(image_size=16).transform,
        fitted_pipeline().predict_proba,
        lambda X: list(DiffractionSimulator().iter_transform(X)),
    ):
        with pytest.raises(TypeError, match=advice):
            ask(X)


def test_lone_atoms_of_ase_are_refused():
    ase = pytest.importorskip("ase")
    atoms = ase.Atoms("Po", cell=[4, 4, 4], pbc=True)
    with pytest.raises(TypeError, match=r"got a single Atoms: put it in a list, \[structure\]"):
        fitted_pipeline().predict(atoms)
    for taker in (PatternShaper("spots", intensity="linear"), SpotMerger()):
        for X in (atoms, [atoms]):
            with pytest.raises(ValueError, match="takes patterns: simulate the structures first"):
                taker.transform(X)


def test_other_containers_are_refused_with_advice():
    pd = pytest.importorskip("pandas")
    crystals, _ = structures()
    simulator = DiffractionSimulator(image_size=16)
    expected = simulator.transform(crystals)
    column = pd.Series(crystals, index=range(12, 24))
    np.testing.assert_array_equal(simulator.transform(column), expected)
    np.testing.assert_array_equal(simulator.transform(tuple(crystals)), expected)
    crystal = crystals[0]
    parts = (crystal.lattice, crystal.frac_coords, crystal.atomic_numbers)
    np.testing.assert_array_equal(simulator.transform((parts, parts, parts)), expected[[0, 0, 0]])
    for X, message in [
        (parts, "got a single .lattice, frac_coords, atomic_numbers.: put it in a list"),
        (pd.DataFrame({"structure": crystals}), "got a table: pass its column"),
        (dict(enumerate(crystals)), r"its values are list\(X.values\(\)\)"),
        ((c for c in crystals), "must come as a list, got generator"),
        (None, "must come as a list, got NoneType"),
    ]:
        with pytest.raises(TypeError, match=message):
            simulator.transform(X)


@pytest.mark.parametrize(
    "taker",
    [PatternShaper("spots", intensity="linear"), SpotMerger()],
    ids=lambda t: type(t).__name__,
)
def test_structures_are_not_patterns(taker):
    for X in (make_crystals(), make_crystals()[0]):
        with pytest.raises(ValueError, match="takes patterns: simulate the structures first"):
            taker.transform(X)


def test_structures_are_not_images():
    from pymatgen.core import Lattice, Structure

    structure = Structure(Lattice.cubic(4), ["Po"], [[0, 0, 0]])
    for estimator in (embedder(), SimilarityClassifier(embedder()).fit(*images())):
        for X, name in [(structure, "a Structure"), ([structure], "a list of Structure")]:
            with pytest.raises(ValueError, match=f"shaped patterns of shape .* got {name}"):
                estimator.predict(X)


def test_a_user_network_survives_clone_and_search():
    classifier = SpaceGroupClassifier(**classifier_parameters())
    assert clone(classifier).architecture is tiny_network
    search = GridSearchCV(classifier, {"epochs": [1, 3]}, cv=2, error_score="raise")
    search.fit(*images())
    assert len(search.best_estimator_.history_) == search.best_params_["epochs"]
