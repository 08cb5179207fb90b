"""Feature maps of inner layers: the right ones, of the right stream, under every backend."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from scipy.signal import correlate
from support.networks import without_graphs

from crystalsym.classification import SpaceGroupClassifier

from .conftest import OPTIONS, make_classifier, make_images

SMALL = {
    "msdn": {"growth": 4, "bottleneck": 4, "blocks": (1, 2)},
    "msdense": {"width": 8, "features": 4, "joint": 8, "embedding": 8, "growth": 3, "blocks": (1,)},
    "strided": OPTIONS,
}


@pytest.fixture(scope="module")
def images():
    return make_images(n=24, size=16)


@pytest.fixture(scope="module")
def densenet(images):
    return make_classifier("msdn", architecture_options=SMALL["msdn"], epochs=1).fit(*images)


def test_maps_of_the_stem_by_hand(densenet, images):
    """A convolution of each stream with the trunk's kernels, and ReLU."""
    X = images[0][:2]
    maps = densenet.feature_maps(X, "trunk/stem")
    assert maps.shape == (2, 3, 16, 16, 4)
    assert maps.dtype == np.float32
    kernel, bias = densenet.model_.get_layer("trunk").get_layer("stem").get_weights()
    for row in range(2):
        for stream in range(3):
            for number in range(4):
                padded = np.pad(X[row, stream], ((3, 3), (3, 3), (0, 0)))
                by_hand = correlate(padded, kernel[..., number], mode="valid")[..., 0]
                np.testing.assert_allclose(
                    maps[row, stream, :, :, number],
                    np.maximum(by_hand + bias[number], 0),
                    atol=1e-5,
                )


def test_means_of_the_last_maps_are_the_features(densenet, images):
    X = images[0][:5]
    maps = densenet.feature_maps(X, "trunk/block2_layer2_concat")
    np.testing.assert_allclose(maps.mean(axis=(2, 3)), densenet.embed(X), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "layer", "shape"),
    [
        ("msdn", "trunk/block1_layer1_conv", (8, 8, 4)),
        ("msdense", "trunk/block1_layer1_relu", (4, 8, 3)),
        ("strided", "trunk/stem_conv", (8, 8, 4)),
    ],
)
@pytest.mark.parametrize("row_shape", [(3, 16, 16, 2), (16, 16, 3)], ids=["streams", "merged"])
def test_every_convolutional_network(name, layer, shape, row_shape):
    X = np.random.default_rng(0).random((6, *row_shape)).astype(np.float32)
    classifier = make_classifier(
        name, architecture_options=SMALL[name], epochs=1, validation_fraction=0.0
    )
    with without_graphs():  # one step of training
        classifier.fit(X, [62, 194, 225] * 2)
    layers = classifier.feature_map_layers()
    assert layers[layer] == shape
    n_streams = row_shape[0] if len(row_shape) == 4 else 1
    assert classifier.feature_maps(X[:2], layer).shape == (2, n_streams, *shape)


def test_loaded_and_changed_weights(densenet, images, tmp_path):
    X = images[0][:2]
    densenet.save(tmp_path / "saved.zip")
    again = SpaceGroupClassifier.load(tmp_path / "saved.zip")
    expected = densenet.feature_maps(X, "trunk/transition1")
    np.testing.assert_allclose(again.feature_maps(X, "trunk/transition1"), expected, atol=1e-6)
    conv = again.model_.get_layer("trunk").get_layer("transition1")
    conv.set_weights([np.zeros_like(weight) for weight in conv.get_weights()])
    assert not again.feature_maps(X, "trunk/transition1").any()


def test_streams_that_were_not_folded(images):
    """A network of one's own may send the streams through its trunk one after the other."""

    def in_turn(n_classes, image_size, channels, n_streams):
        import keras
        from keras import layers

        inputs = [keras.Input((image_size, image_size, channels)) for _ in range(n_streams)]
        image = keras.Input((image_size, image_size, channels))
        inner = layers.Conv2D(5, 3, name="conv")(image)
        part = keras.Model(image, layers.GlobalMaxPooling2D()(inner), name="part")
        outer = layers.Conv2D(2, 3, name="only_first")(inputs[0])
        x = layers.Concatenate()([*map(part, inputs), layers.GlobalMaxPooling2D()(outer)])
        return keras.Model(inputs, layers.Dense(n_classes)(x))

    X, y = images
    classifier = make_classifier(in_turn, architecture_options=None, epochs=1).fit(X, y)
    assert classifier.feature_map_layers() == {"part/conv": (14, 14, 5), "only_first": (14, 14, 2)}
    maps = classifier.feature_maps(X[:3], "part/conv")
    assert maps.shape == (3, 3, 14, 14, 5)
    turned = classifier.feature_maps(X[:3, ::-1], "part/conv")
    np.testing.assert_allclose(maps, turned[:, ::-1], atol=1e-6)
    assert classifier.feature_maps(X[:3], "only_first").shape == (3, 1, 14, 14, 2)


def test_rows_without_patterns_have_no_maps(densenet, images):
    X = images[0][:3].copy()
    X[1] = np.nan
    with pytest.warns(UserWarning, match="X holds NaN in row 1"):
        maps = densenet.feature_maps(X, "trunk/stem")
    assert np.isnan(maps[1]).all()
    assert np.isfinite(maps[[0, 2]]).all()


def test_errors_name_the_layers_there_are(densenet, images):
    X = images[0][:1]
    with pytest.raises(ValueError, match=r"no layer 'stem' .* it has .*trunk/stem"):
        densenet.feature_maps(X, "stem")
    with pytest.raises(ValueError, match=r"more \(feature_map_layers\(\) names all\)"):
        densenet.feature_maps(X, "nowhere")
    for vectors in ("features", "trunk/pool", "trunk", None):
        with pytest.raises(ValueError, match="of feature maps"):
            densenet.feature_maps(X, vectors)


def test_a_network_without_maps():
    X = np.random.default_rng(0).random((6, 3, 13, 13, 2)).astype(np.float32)
    options = {"width": 16, "features": 8, "joint": 16, "embedding": 8}
    classifier = make_classifier("msmlp", architecture_options=options, epochs=1)
    with without_graphs():
        classifier.fit(X, [62, 194, 225] * 2)
    assert classifier.feature_map_layers() == {}
    with pytest.raises(ValueError, match="it has none"):
        classifier.feature_maps(X, "trunk/conv")


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_give_the_same_maps(densenet, images, backend, tmp_path):
    pytest.importorskip(backend)
    densenet.save(tmp_path / "saved.zip")
    np.save(tmp_path / "X.npy", images[0][:2])
    code = f"""
import numpy as np
from crystalsym import SpaceGroupClassifier
classifier = SpaceGroupClassifier.load({str(tmp_path / "saved.zip")!r})
maps = classifier.feature_maps(np.load({str(tmp_path / "X.npy")!r}), "trunk/block2_layer1_conv")
np.save({str(tmp_path / "maps.npy")!r}, maps)
"""
    environment = {**os.environ, "KERAS_BACKEND": backend}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    expected = densenet.feature_maps(images[0][:2], "trunk/block2_layer1_conv")
    np.testing.assert_allclose(np.load(tmp_path / "maps.npy"), expected, atol=1e-5)
