"""Multiplications of a network, against sums made by hand."""

from __future__ import annotations

import random

import numpy as np
import pytest

from crystalsym import networks
from crystalsym._keras import without_values
from crystalsym.networks import multiplications


def convolutions(image_size, channels, filters, kernels, pooled_after):
    """Multiplications of convolutions that keep the size, and the values that they end in."""
    total, size, n = 0, image_size, channels
    for i, (m, kernel) in enumerate(zip(filters, kernels, strict=True), start=1):
        total += size * size * kernel * kernel * n * m
        n = m
        if i in pooled_after:
            size //= 2
    return total, size * size * n


@pytest.mark.parametrize("n_streams", [1, 3])
def test_every_use_of_a_shared_trunk_counts(n_streams):
    filters, kernels = (4, 5, 6, 7, 8, 9), (7, 5, 3, 3, 1, 3)
    model = networks.ziletti(10, 16, 2, n_streams, filters=filters, kernels=kernels, units=11)
    trunk, flat = convolutions(16, 2, filters, kernels, (2, 4))
    expected = n_streams * (trunk + flat * 11) + n_streams * 11 * 10
    assert multiplications(model) == expected


def test_a_head_that_streams_share_counts_for_each():
    filters = (2, 3, 4, 5, 6, 7, 8, 9)
    model = networks.msvgg(10, 32, 2, 3, filters=filters, units=11)
    trunk, flat = convolutions(32, 2, filters, (3,) * 8, (1, 2, 4, 6, 8))
    assert multiplications(model) == 3 * (trunk + flat * 11 + 11 * 11 + 11 * 10)


def test_counts_of_the_literature():
    """VGG-16 makes 15.5, ResNet-50 3.9 thousand million of them (He et al., 2016)."""
    with without_values():
        vgg, resnet = networks.vgg(1000), networks.resnet(1000)
    assert multiplications(vgg) == 15_470_264_320
    assert multiplications(resnet) == 3_857_973_248


def test_strides_and_channels_in_groups():
    import keras

    x = inputs = keras.Input((9, 9, 4))
    x = keras.layers.Conv2D(6, 3, strides=2, groups=2)(x)  # 4 x 4 places
    x = keras.layers.Dense(5)(x)  # at every place
    assert multiplications(keras.Model(inputs, x)) == 16 * 6 * 9 * 2 + 16 * 6 * 5


def test_the_model_is_left_as_it_was():
    model = networks.strided(4, 16, 1, 3, width=4, features=4, embedding=4)
    weights = [np.array(w) for w in model.get_weights()]
    random.seed(0)
    state = random.getstate()
    count = multiplications(model)
    assert random.getstate() == state
    assert multiplications(model) == count
    for one, other in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert model.get_layer("features").output.shape == (None, 3, 4)


def test_a_compiled_network_costs_what_it_did():
    import keras

    filters, kernels = (4, 5, 6, 7, 8, 9), (7, 5, 3, 3, 1, 3)
    model = networks.ziletti(10, 16, 2, 3, filters=filters, kernels=kernels, units=11)
    count = multiplications(model)
    trunk = next(layer for layer in model.layers if isinstance(layer, keras.Model))
    for part in (trunk, model):
        part.compile(optimizer="adam", loss="categorical_crossentropy")
        assert multiplications(model) == count
        assert part.compiled


def test_sequential_models_are_followed():
    import keras

    layers = keras.layers
    trunk = keras.Sequential([keras.Input((8, 8, 2)), layers.Conv2D(3, 3), layers.Flatten()])
    inputs = keras.Input((8, 8, 2))
    model = keras.Model(inputs, layers.Dense(5)(trunk(inputs)))
    assert multiplications(model) == 36 * 9 * 2 * 3 + 36 * 3 * 5
    assert multiplications(trunk) == 36 * 9 * 2 * 3


def test_models_that_nobody_can_follow_are_refused():
    import keras

    class Own(keras.Model):
        def call(self, x):
            return 2 * x

    inputs = keras.Input((8, 8, 2))
    with pytest.raises(ValueError, match="the model mine is of the class Own: the layers of func"):
        multiplications(keras.Model(inputs, Own(name="mine")(inputs)))


def test_what_cannot_be_counted_is_refused():
    import keras

    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, keras.layers.DepthwiseConv2D(3, name="apart")(inputs))
    with pytest.raises(ValueError, match="the layer apart is a DepthwiseConv2D"):
        multiplications(model)
