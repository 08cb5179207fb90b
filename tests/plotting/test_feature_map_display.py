"""Feature maps: the right ones, colored by their own scale, with their redundancy told."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
from matplotlib import pyplot
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from crystalsym import SpaceGroupClassifier
from crystalsym.plotting import FeatureMapDisplay, shaped_to_rgb


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def fitted():
    X = np.random.default_rng(0).random((6, 3, 16, 16, 2)).astype(np.float32)
    options = {"width": 8, "features": 8, "embedding": 16}
    classifier = SpaceGroupClassifier(
        "strided", options, epochs=1, batch_size=6, validation_fraction=0.0, random_state=0
    )
    return classifier.fit(X, [62, 194, 225] * 2), X


def picture(ax):
    return np.asarray(ax.images[0].get_array())


def test_maps_of_a_stream(fitted):
    classifier, X = fitted
    maps = classifier.feature_maps(X[:1], "trunk/stem_relu")[0]
    for stream in (0, 2):
        display = FeatureMapDisplay.from_estimator(
            classifier, X[:1], "trunk/stem_relu", stream=stream, name="NaCl"
        )
        assert len(display.axes_) == maps.shape[-1] == 4
        for number, ax in enumerate(display.axes_):
            np.testing.assert_allclose(picture(ax), maps[stream, ..., number])
            np.testing.assert_allclose(
                ax.images[0].get_clim(), (0, maps[stream, ..., number].max())
            )
        np.testing.assert_allclose(picture(display.image_ax_), shaped_to_rgb(X[0, stream]))
    title = display.figure_.get_suptitle().split("\n")
    assert title[0] == "NaCl, trunk/stem_relu"
    assert title[1] == "4 maps of 8 x 8"


def test_negative_maps_are_drawn_about_zero(fitted):
    classifier, X = fitted
    display = FeatureMapDisplay.from_estimator(classifier, X[:1], "trunk/stem_conv", scale="layer")
    limits = {ax.images[0].get_clim() for ax in display.axes_}
    ((low, high),) = limits
    assert low == -high == -np.abs(display.maps).max()


def test_a_pipeline(fitted):
    classifier, X = fitted
    pipeline = make_pipeline(FunctionTransformer(lambda x: 1 - x), classifier)
    display = FeatureMapDisplay.from_estimator(pipeline, 1 - X[:1], "trunk/stem_relu")
    direct = classifier.feature_maps(X[:1], "trunk/stem_relu")[0, 0]
    np.testing.assert_allclose(display.maps, direct, atol=1e-5)
    alone = FeatureMapDisplay.from_estimator(make_pipeline(classifier), X[:1], "trunk/stem_relu")
    np.testing.assert_allclose(alone.maps, direct)


def test_redundancy_is_told():
    spots = np.random.default_rng(0).random((8, 8))
    maps = np.stack([spots, 2 * spots, np.zeros((8, 8))], axis=-1)
    display = FeatureMapDisplay.from_maps(maps)
    assert display.redundancy_.mean_correlation == pytest.approx(1)
    assert display.figure_.get_suptitle() == (
        "3 maps of 8 x 8, 1 constant\n"
        "mean |correlation| 1.00; 1 of 2 components hold 95 % of the variance"
    )
    dark = FeatureMapDisplay.from_maps(np.zeros((8, 8, 2)))
    assert dark.figure_.get_suptitle().endswith("nothing to compare")
    dark.figure_.canvas.draw()


def test_maps_that_are_not_shown_count():
    maps = np.random.default_rng(0).random((8, 8, 40))
    display = FeatureMapDisplay.from_maps(maps)
    assert len(display.axes_) == 32
    assert display.redundancy_.n_maps == 40
    assert "40 maps of 8 x 8, the first 32 shown" in display.figure_.get_suptitle()
    assert len(FeatureMapDisplay.from_maps(maps, max_maps=100).axes_) == 40


def test_pictures_of_four_channels():
    image = np.random.default_rng(0).random((17, 17, 4))
    display = FeatureMapDisplay.from_maps(np.ones((8, 17, 3)), image=image)
    np.testing.assert_allclose(picture(display.image_ax_), shaped_to_rgb(image[..., :1]))
    assert FeatureMapDisplay.from_maps(np.ones((8, 17, 3))).image_ax_ is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"maps": np.zeros((8, 8))}, r"\(h, w, n_maps\), not \(8, 8\)"),
        ({"maps": np.full((8, 8, 2), np.nan)}, "NaN"),
        ({"image": np.zeros((8, 8))}, r"image must have shape \(H, W, C\)"),
        ({"max_maps": 0}, "max_maps must be an integer >= 1, got 0"),
        ({"max_maps": 2.5}, "max_maps must be an integer >= 1, got 2.5"),
        ({"scale": "none"}, "map, layer, got 'none'"),
    ],
)
def test_bad_input(change, reason):
    with pytest.raises(ValueError, match=reason):
        FeatureMapDisplay(**{"maps": np.ones((8, 8, 2)), **change}).plot()
    assert not pyplot.get_fignums()


def test_bad_estimators_layers_streams_and_crystals(fitted):
    classifier, X = fitted
    with pytest.raises(ValueError, match=r"no layer 'stem_conv' .* trunk/stem_conv"):
        FeatureMapDisplay.from_estimator(classifier, X[:1], "stem_conv")
    with pytest.raises(ValueError, match="stream must be an integer from 0 to 2, got 3"):
        FeatureMapDisplay.from_estimator(classifier, X[:1], "trunk/stem_conv", stream=3)
    with pytest.raises(ValueError, match="X holds 2"):
        FeatureMapDisplay.from_estimator(classifier, X[:2], "trunk/stem_conv")
    with pytest.raises(ValueError, match=r"must be a SpaceGroupClassifier .* got DummyClassifier"):
        FeatureMapDisplay.from_estimator(DummyClassifier(), X[:1], "trunk/stem_conv")


def test_the_title_stays_within_narrow_axes():
    figure, axes = pyplot.subplots(1, 2, figsize=(7, 3), layout="constrained")
    FeatureMapDisplay.from_maps(np.random.default_rng(0).random((8, 8, 6)), ax=axes[0])
    figure.canvas.draw()
    (title,) = [text for ax in figure.axes for text in ax.texts]
    assert "of the variance" in title.get_text().replace("\n", " ")
    assert title.get_window_extent().x1 < axes[1].get_window_extent().x0
