"""All that the last step answers, asked of the pipeline."""

from __future__ import annotations

import copy
import pickle

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
from matplotlib import pyplot
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from support.estimators import structures

from crystalsym import (
    DiffractionSimulator,
    PatternShaper,
    SpaceGroupClassifier,
    load_pretrained,
    recommended_pipeline,
    standardize,
)
from crystalsym.datasets import example_crystals
from crystalsym.plotting import FeatureMapDisplay
from crystalsym.pretrained import SpaceGroupPipeline, save_pipeline

METHODS = ("predict_top_k", "predict_set", "predict_diffraction_class", "embed", "feature_maps",
           "feature_map_layers")  # fmt: skip


@pytest.fixture(scope="module")
def shaped(small):
    return small[:-1].transform(structures()[0])


def test_answers_are_those_of_the_last_step(small, shaped):
    crystals = structures()[0]
    for found, expected in zip(
        small.predict_top_k(crystals, k=2), small[-1].predict_top_k(shaped, k=2), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    for found, expected in zip(
        small.predict_set(crystals, coverage=0.4),
        small[-1].predict_set(shaped, coverage=0.4),
        strict=True,
    ):
        np.testing.assert_array_equal(found, expected)
    members, probabilities = small.predict_diffraction_class(crystals)
    expected = small[-1].predict_diffraction_class(shaped)
    assert members == expected[0]
    np.testing.assert_array_equal(probabilities, expected[1])
    np.testing.assert_array_equal(small.embed(crystals), small[-1].embed(shaped))


def test_feature_maps_are_those_of_the_last_step():
    crystals, groups = structures()
    options = {"width": 4, "features": 4, "embedding": 8}
    pipeline = SpaceGroupPipeline(
        [
            ("simulate", DiffractionSimulator(image_size=48)),
            ("shape", PatternShaper("spots", image_size=16)),
            ("classify", SpaceGroupClassifier("strided", options, epochs=1, calibrate=False)),
        ]
    ).fit(crystals, groups)
    assert pipeline.feature_map_layers() == pipeline[-1].feature_map_layers()
    layer = "trunk/stem_relu"
    maps = pipeline.feature_maps(crystals, layer)
    assert maps.shape == (len(crystals), 3, *pipeline.feature_map_layers()[layer])
    shaped = pipeline[:-1].transform(crystals)
    np.testing.assert_array_equal(maps, pipeline[-1].feature_maps(shaped, layer))
    display = FeatureMapDisplay.from_estimator(pipeline, crystals[0], layer, stream=1)
    np.testing.assert_allclose(display.maps, maps[0, 1], atol=1e-6)
    pyplot.close(display.figure_)


def test_they_are_there_where_the_last_step_has_them(small):
    assert all(hasattr(small, name) for name in METHODS)
    other = SpaceGroupPipeline([("classify", LogisticRegression())])
    for name in METHODS:
        assert not hasattr(other, name)
    with pytest.raises(AttributeError, match="predict_top_k"):
        _ = other.predict_top_k
    assert not hasattr(small[:-1], "predict_top_k")


def test_parts_and_copies_are_such_pipelines(small):
    crystals = structures()[0]
    expected = small.predict_top_k(crystals, k=2)[1]
    raw = small[:1].transform(crystals)
    assert isinstance(small, Pipeline)
    for part in (small[1:], pickle.loads(pickle.dumps(small))[1:], copy.deepcopy(small)[1:]):
        assert isinstance(part, SpaceGroupPipeline)
        np.testing.assert_allclose(part.predict_top_k(raw, k=2)[1], expected, atol=1e-6)
    fresh = clone(small)
    assert isinstance(fresh, SpaceGroupPipeline)
    with pytest.raises(NotFittedError):
        fresh.predict_top_k(crystals)


def test_steps_that_do_nothing(small, shaped):
    for nothing in (None, "passthrough"):
        tail = SpaceGroupPipeline([("shape", nothing), ("classify", small[-1])])
        np.testing.assert_array_equal(
            tail.predict_top_k(shaped, k=1)[0], small[-1].predict_top_k(shaped, k=1)[0]
        )


def test_loaded_and_recommended_ones_have_them():
    assert isinstance(load_pretrained("72-small"), SpaceGroupPipeline)
    assert isinstance(recommended_pipeline(), SpaceGroupPipeline)
    assert all(hasattr(recommended_pipeline(), name) for name in METHODS)


def test_a_plain_pipeline_can_be_saved_too(small, tmp_path):
    save_pipeline(Pipeline(small.steps), tmp_path / "model")


def test_many_structures_are_answered_part_by_part(monkeypatch):
    """Memory does not grow with their number; answers and the numbers in messages stay."""
    crystals = [standardize(path) for path in list(example_crystals().values())[:12]]
    many = crystals * 25
    pipeline = load_pretrained("72")
    sizes = []
    transform = type(pipeline["simulate"])._transform

    def watched(self, X, numbers=None):
        sizes.append(len(X))
        return transform(self, X, numbers)

    monkeypatch.setattr(type(pipeline["simulate"]), "_transform", watched)
    found = pipeline.predict_proba(many)
    assert max(sizes) <= 128 < sum(sizes)
    np.testing.assert_allclose(found[:12], pipeline.predict_proba(crystals), atol=1e-6)
    np.testing.assert_array_equal(found[12:24], found[:12])
    np.testing.assert_array_equal(pipeline.predict(many)[:12], pipeline.predict(crystals))
    with pytest.raises(FileNotFoundError, match=r"^structure 290: nowhere.cif"):
        pipeline.predict([*many[:290], "nowhere.cif", *many[:9]])
