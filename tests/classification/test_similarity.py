"""Groups a network never saw: equations, options, clones, and scikit-learn around it."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from crystalsym import SimilarityClassifier, pretrained
from crystalsym.classification import SpaceGroupClassifier
from crystalsym.classification._calibration import fit_temperature
from crystalsym.classification._likeness import leave_one_out

from .conftest import CONVENTIONS, LazyImages, make_classifier

UNSEEN = np.array([3, 200, 203])


def make_unseen(n=30, seed=1):
    """Spots at three places in the three streams; the conftest's groups have one in all."""
    rng = np.random.default_rng(seed)
    codes = np.arange(n) % len(UNSEEN)
    X = 0.3 * rng.random((n, 3, 12, 12, 2), dtype=np.float32)
    for i, code in enumerate(codes):
        for stream in range(3):
            place = 2 + 3 * ((code + stream) % 3)
            X[i, stream, place, place] = 1.0
    return X, UNSEEN[codes]


class Vectors(BaseEstimator):
    """An embedder whose feature vectors are the images' first pixels."""

    def __init__(self, n_streams=3, length=4):
        self.n_streams, self.length = n_streams, length

    def fit(self):
        return self

    def __sklearn_is_fitted__(self):
        return True

    def embed(self, X, layer="features"):
        return np.asarray(X)[:, : self.n_streams, 0, : self.length, 0]


def as_images(vectors):
    """Images that ``Vectors`` turns into these vectors (n, S, F)."""
    n, s, f = np.shape(vectors)
    X = np.zeros((n, s, 8, 8, 1))
    X[:, :, 0, :f, 0] = vectors
    return X


@pytest.fixture(scope="module")
def unseen():
    return make_unseen()


@pytest.mark.parametrize("reference", ["centroid", "nearest"])
@pytest.mark.parametrize("layer", ["features", "embedding"])
@pytest.mark.parametrize("center", [True, False])
def test_tells_groups_it_never_trained_on(fitted, unseen, reference, layer, center):
    classifier = SimilarityClassifier(fitted, reference, layer, center).fit(*unseen)
    X, y = make_unseen(seed=2)
    assert classifier.classes_.tolist() == UNSEEN.tolist()
    assert classifier.score(X, y) > 0.6  # a third by chance
    assert classifier.embedder_ is fitted
    rows = len(UNSEEN) if reference == "centroid" else len(unseen[1])
    vectors = (3, 8) if layer == "features" else (1, 16)
    assert classifier.references_.shape == (rows, *vectors)
    assert classifier.center_.shape == vectors
    assert classifier.reference_classes_.shape == (rows,)
    assert classifier.references_.dtype == np.float32
    assert bool(classifier.center_.any()) is center


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("reference", ["centroid", "nearest"])
def test_equations(reference, center):
    rng = np.random.default_rng(0)
    known, asked = rng.random((20, 3, 4)), rng.random((7, 3, 4))
    y = UNSEEN[rng.permutation(np.arange(20) % 3)]
    classifier = SimilarityClassifier(Vectors(), reference, center=center).fit(as_images(known), y)

    centroids = {group: known[y == group].mean(axis=0) for group in UNSEEN}
    origin = np.mean(list(centroids.values()), axis=0) if center else 0.0

    def similarity(a, b):
        a, b = a - origin, b - origin
        cosines = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
        return cosines.mean()

    expected = np.array(
        [
            [
                similarity(row, centroids[group])
                if reference == "centroid"
                else max(similarity(row, other) for other in known[y == group])
                for group in UNSEEN
            ]
            for row in asked
        ]
    )
    got = classifier.decision_function(as_images(asked))
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, atol=1e-5)
    np.testing.assert_array_equal(
        classifier.predict(as_images(asked)), UNSEEN[expected.argmax(axis=1)]
    )
    soft = np.exp(expected / classifier.temperature_)
    soft /= soft.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(classifier.predict_proba(as_images(asked)), soft, atol=1e-4)


def test_a_reference_is_like_itself(fitted, unseen):
    X, y = unseen
    classifier = SimilarityClassifier(fitted, "nearest").fit(X, y)
    own = classifier.decision_function(X)[np.arange(len(y)), np.searchsorted(UNSEEN, y)]
    np.testing.assert_allclose(own, 1.0, atol=1e-5)
    assert own.max() <= 1.0
    assert classifier.score(X, y) == 1.0


def test_scale_of_features_is_nothing():
    rng = np.random.default_rng(3)
    known, asked = rng.random((9, 3, 4)), rng.random((5, 3, 4))
    y = np.repeat(UNSEEN, 3)
    one = SimilarityClassifier(Vectors()).fit(as_images(known), y)
    half = SimilarityClassifier(Vectors()).fit(as_images(known / 2), y)
    np.testing.assert_allclose(
        one.decision_function(as_images(asked)),
        half.decision_function(as_images(asked / 2)),
        atol=1e-5,
    )


def test_many_rows_go_in_pieces(monkeypatch):
    rng = np.random.default_rng(4)
    X, y = as_images(rng.random((24, 3, 4))), np.repeat(UNSEEN, 8)
    classifier = SimilarityClassifier(Vectors(), "nearest").fit(X, y)
    whole = classifier.decision_function(X)
    monkeypatch.setattr("crystalsym.classification._likeness.MAX_SIMILARITIES", 24 * 5)
    np.testing.assert_allclose(classifier.decision_function(X), whole, atol=1e-6)


def test_probabilities_and_ranking(fitted, unseen):
    classifier = SimilarityClassifier(fitted).fit(*unseen)
    X = unseen[0][:7]
    probabilities = classifier.predict_proba(X)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    groups, top = classifier.predict_top_k(X, k=2)
    assert groups.shape == top.shape == (7, 2)
    np.testing.assert_array_equal(groups[:, 0], classifier.predict(X))
    np.testing.assert_allclose(top, -np.sort(-probabilities, axis=1)[:, :2])
    sharper = clone(classifier).set_params(temperature=0.01).fit(*unseen)
    assert (sharper.predict_proba(X).max(axis=1) >= probabilities.max(axis=1)).all()
    np.testing.assert_array_equal(sharper.predict(X), classifier.predict(X))
    with pytest.raises(ValueError, match="k must be an integer from 1 to 3"):
        classifier.predict_top_k(X, 4)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("reference", ["centroid", "nearest"])
def test_the_temperature_is_fitted_to_references_left_out(reference, center):
    rng = np.random.default_rng(6)
    vectors = rng.random((10, 3, 4)) / 2
    vectors += np.repeat(rng.random((3, 3, 4)) / 2, [4, 4, 2], axis=0)
    y = np.repeat(UNSEEN, [4, 4, 2])
    weights = rng.uniform(0.5, 2, size=10)
    how = {"reference": reference, "center": center}
    classifier = SimilarityClassifier(Vectors(), **how).fit(as_images(vectors), y, weights)

    def left_out(row):
        others = np.arange(10) != row
        rest = SimilarityClassifier(Vectors(), temperature=1, **how)
        rest.fit(as_images(vectors[others]), y[others], weights[others])
        return rest.decision_function(as_images(vectors[[row]]))[0]

    similarities = np.array([left_out(row) for row in range(10)])
    expected = fit_temperature(similarities, np.searchsorted(UNSEEN, y), weights, usual=0.05)
    assert classifier.temperature_ == pytest.approx(expected, rel=1e-3)


def test_the_temperature_of_lone_references():
    X = as_images(np.random.default_rng(7).random((3, 3, 4)))
    assert SimilarityClassifier(Vectors()).fit(X, UNSEEN).temperature_ == 0.05
    assert SimilarityClassifier(Vectors(), temperature=0.2).fit(X, UNSEEN).temperature_ == 0.2


def test_references_beyond_many_are_not_all_left_out(monkeypatch):
    vectors, y = np.random.default_rng(8).random((30, 3, 4)), np.repeat(UNSEEN, 10)
    monkeypatch.setattr("crystalsym.classification._likeness.MAX_LEFT_OUT", 7)
    similarities, rows = leave_one_out(
        vectors, np.searchsorted(UNSEEN, y), np.ones(30), centered=True, nearest=True
    )
    assert similarities.shape == (7, 3)
    assert len(set(y[rows])) == 3


def test_two_groups(fitted, unseen):
    X, y = unseen
    classifier = SimilarityClassifier(fitted).fit(X[y != 200], y[y != 200])
    margin = classifier.decision_function(X)
    assert margin.shape == (len(X),)
    np.testing.assert_array_equal(classifier.predict(X), np.where(margin > 0, 203, 3))


def test_lazy_rows_and_bytes(fitted, unseen):
    X, y = unseen
    expected = SimilarityClassifier(fitted).fit(X, y).predict_proba(X)
    lazy = SimilarityClassifier(fitted).fit(LazyImages(X), y)
    np.testing.assert_allclose(lazy.predict_proba(LazyImages(X)), expected, atol=1e-5)
    as_bytes = np.round(X * 255).astype(np.uint8)
    from_bytes = SimilarityClassifier(fitted).fit(as_bytes, y)
    np.testing.assert_allclose(
        from_bytes.predict_proba(as_bytes), from_bytes.predict_proba(as_bytes / 255), atol=1e-4
    )


@pytest.mark.parametrize("reference", ["centroid", "nearest"])
def test_weights_are_repetitions(fitted, unseen, reference):
    X, y = unseen
    weights = np.random.default_rng(0).integers(0, 3, len(y))
    weights[:3] = 1
    weighted = SimilarityClassifier(fitted, reference).fit(X, y, sample_weight=weights)
    repeated = SimilarityClassifier(fitted, reference).fit(
        np.repeat(X, weights, axis=0), np.repeat(y, weights)
    )
    np.testing.assert_allclose(
        weighted.decision_function(X), repeated.decision_function(X), atol=1e-5
    )
    assert weighted.temperature_ == pytest.approx(repeated.temperature_, rel=1e-3)
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize("reference", ["centroid", "nearest"])
def test_copies_do_not_tell_the_temperature(reference):
    """Every reference twice is each with weight 2, and is not told by the other with certainty."""
    rng = np.random.default_rng(9)
    vectors, y = rng.random((12, 3, 4)), np.repeat(UNSEEN, 4)
    once = SimilarityClassifier(Vectors(), reference).fit(as_images(vectors), y, np.full(12, 2))
    twice = SimilarityClassifier(Vectors(), reference)
    twice.fit(as_images(np.concatenate([vectors, vectors])), np.tile(y, 2))
    assert twice.temperature_ == pytest.approx(once.temperature_, rel=1e-5)
    lone = SimilarityClassifier(Vectors(), reference)
    lone.fit(as_images(np.repeat(vectors[::4], 2, axis=0)), np.repeat(UNSEEN, 2))
    assert lone.temperature_ == 0.05  # copies alone are no others


def test_group_without_weight_is_gone(fitted, unseen):
    X, y = unseen
    classifier = SimilarityClassifier(fitted).fit(X, y, sample_weight=(y != 200).astype(float))
    assert classifier.classes_.tolist() == [3, 203]


def test_clone_keeps_the_embedder_fitted(fitted, unseen):
    classifier = SimilarityClassifier(fitted, temperature=0.1).fit(*unseen)
    for again in (clone(classifier), clone(Pipeline([("similarity", classifier)]))[-1]):
        assert not hasattr(again, "references_")
        assert again.embedder is fitted
        assert again.temperature == 0.1
        assert again.fit(*unseen).score(*unseen) > 0.6
    assert clone(SimilarityClassifier("72")).embedder == "72"


def test_clone_keeps_metadata_requests(fitted):
    import sklearn

    with sklearn.config_context(enable_metadata_routing=True):
        classifier = SimilarityClassifier(fitted).set_fit_request(sample_weight=True)
        requests = clone(classifier).get_metadata_routing().fit.requests
    assert requests == {"sample_weight": True}


def test_pickle_and_copy(fitted, unseen):
    classifier = SimilarityClassifier(fitted).fit(*unseen)
    expected = classifier.predict_proba(unseen[0])
    for again in (pickle.loads(pickle.dumps(classifier)), copy.deepcopy(classifier)):
        np.testing.assert_array_equal(again.predict_proba(unseen[0]), expected)


def test_pipeline_and_searches(fitted, unseen):
    X, y = unseen
    pipeline = make_pipeline(
        FunctionTransformer(lambda images: images / 255), SimilarityClassifier(fitted)
    )
    name = "similarityclassifier"
    grid = {f"{name}__reference": ["centroid", "nearest"], f"{name}__layer": ["features"]}
    search = GridSearchCV(pipeline, grid, cv=3, error_score="raise").fit(np.round(X * 255), y)
    assert search.best_score_ > 0.6
    assert len(search.cv_results_["params"]) == 2
    assert search.best_estimator_[-1].embedder_ is fitted
    assert cross_val_score(pipeline, np.round(X * 255), y, cv=2, error_score="raise").min() > 0.5


def test_grid_over_embedders(fitted, images, unseen):
    other = make_classifier(epochs=1, random_state=1).fit(*images)
    grid = {"embedder": [FrozenEstimator(fitted), FrozenEstimator(other)]}
    search = GridSearchCV(SimilarityClassifier(fitted), grid, cv=2, error_score="raise")
    assert search.fit(*unseen).best_score_ > 0.5


def test_pretrained_name(fitted, unseen, monkeypatch):
    asked = []
    monkeypatch.setattr(
        SpaceGroupClassifier, "from_pretrained", lambda name: asked.append(name) or fitted
    )
    classifier = SimilarityClassifier().fit(*unseen)
    assert asked == ["72"]
    assert classifier.embedder_ is fitted
    assert classifier.embedder == "72"


def test_unknown_pretrained_name(unseen):
    with pytest.raises(ValueError, match="no pretrained model 'nosuch'"):
        SimilarityClassifier("nosuch").fit(*unseen)


@pytest.mark.skipif("72" not in pretrained.available(), reason="the weights are not in this tree")
def test_structures_through_the_pretrained_pipeline():
    from crystalsym.datasets import example_crystals, example_space_groups

    groups = example_space_groups()
    # Among the bundled crystals two or more of these groups each.
    wanted = {name: group for name, group in groups.items() if group in (62, 194, 225)}
    crystals = example_crystals()
    X, y = [crystals[name] for name in wanted], list(wanted.values())
    pipeline = make_pipeline(pretrained.load_pretrained("72")[:-1], SimilarityClassifier("72"))
    pipeline.fit(X, y)
    assert pipeline.classes_.tolist() == [62, 194, 225]
    assert pipeline.score(X, y) > 0.8


def test_rows_without_a_pattern(fitted, unseen):
    X, y = unseen[0].copy(), unseen[1]
    classifier = SimilarityClassifier(fitted).fit(X, y)
    X[4] = np.nan
    with pytest.warns(UserWarning, match="row 4"):
        probabilities = classifier.predict_proba(X)
    assert np.isnan(probabilities[4]).all()
    assert np.isfinite(np.delete(probabilities, 4, axis=0)).all()
    with pytest.warns(UserWarning, match="row 4"):
        groups, top = classifier.predict_top_k(X, 2)
    assert groups[4].tolist() == [0, 0]
    assert np.isnan(top[4]).all()
    with pytest.warns(UserWarning, match="NaN"), pytest.raises(ValueError, match="for row 4 of X"):
        classifier.predict(X)
    with pytest.raises(ValueError, match="4 of X contain"):
        SimilarityClassifier(fitted).fit(X, y)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"reference": "median"}, "reference must be one of centroid, nearest"),
        ({"layer": 3}, "layer must be the name of a layer"),
        ({"layer": "nosuch"}, "a layer named 'nosuch'.* has 'features' and 'embedding'"),
        ({"temperature": 0}, "temperature must be a number > 0"),
        ({"temperature": float("nan")}, "temperature must be a number > 0"),
        ({"temperature": "warm"}, "temperature must be a number > 0 or 'auto'"),
        ({"temperature": True}, "temperature must be a number > 0"),
    ],
)
def test_bad_parameters_are_named_in_fit(fitted, unseen, parameters, message):
    classifier = SimilarityClassifier(fitted, **parameters)
    with pytest.raises(ValueError, match=message):
        classifier.fit(*unseen)


def test_bad_embedders(fitted, unseen):
    with pytest.raises(NotFittedError, match="a SpaceGroupClassifier, is not fitted"):
        SimilarityClassifier(SpaceGroupClassifier()).fit(*unseen)
    with pytest.raises(TypeError, match=r"fitted SpaceGroupClassifier, got int"):
        SimilarityClassifier(72).fit(*unseen)
    with pytest.raises(TypeError, match="got Pipeline; pass its last step"):
        SimilarityClassifier(make_pipeline(fitted)).fit(*unseen)


def test_bad_references(fitted, unseen):
    X, y = unseen
    classifier = SimilarityClassifier(fitted)
    with pytest.raises(ValueError, match="the target y is None"):
        classifier.fit(X, None)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier.fit(X, y[:-1])
    with pytest.raises(ValueError, match="only one class"):
        classifier.fit(X, np.full(len(y), 3))
    with pytest.raises(ValueError, match="images of shape"):
        classifier.fit(X[..., :1], y)
    with pytest.raises(ValueError, match="sample_weight must have shape"):
        classifier.fit(X, y, sample_weight=[1.0])


def test_unfitted(fitted, unseen):
    for method in ("predict", "predict_proba", "decision_function", "predict_top_k"):
        with pytest.raises(NotFittedError):
            getattr(SimilarityClassifier(fitted), method)(unseen[0])


def test_embedding_layer_where_there_is_none(images):
    classifier = make_classifier(
        architecture="msdn",
        architecture_options={"growth": 4, "bottleneck": 4, "blocks": (1, 1)},
        epochs=1,
    ).fit(*images)
    X, y = make_unseen()
    assert SimilarityClassifier(classifier).fit(X, y).references_.shape[1] == 3
    with pytest.raises(ValueError, match=r"a layer named 'embedding'.* has 'features'"):
        SimilarityClassifier(classifier, layer="embedding").fit(X, y)


def test_repr_and_tags(fitted):
    assert repr(SimilarityClassifier(reference="nearest")) == (
        "SimilarityClassifier(reference='nearest')"
    )
    assert "SimilarityClassifier" in SimilarityClassifier(fitted)._repr_html_()
    assert SimilarityClassifier().__sklearn_tags__().input_tags.two_d_array is False


@pytest.mark.parametrize("check", CONVENTIONS, ids=lambda check: check.__name__)
def test_scikit_learn_checks(check):
    check("SimilarityClassifier", SimilarityClassifier())
