"""MSDN with batch normalization after every convolution, all else equal."""

from __future__ import annotations

from typing import Any


def normalized_msdn(n_classes: int, image_size: int, channels: int, n_streams: int) -> Any:
    """Like :func:`crystalsym.networks._msdn` without dropout, and normalized."""
    import keras
    from keras import layers

    from crystalsym.networks._common import shared_features, stream_inputs

    def conv(x: Any, filters: int, kernel: int) -> Any:
        x = layers.Conv2D(filters, kernel, padding="same", use_bias=False)(x)
        return layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(x))

    image = keras.Input((image_size, image_size, channels))
    x = layers.AveragePooling2D(2, padding="same")(conv(image, 32, 7))
    for block, n_layers in enumerate((3, 6, 12, 8)):
        if block:
            x = layers.AveragePooling2D(2, padding="same")(conv(x, x.shape[-1], 1))
        for _ in range(n_layers):
            x = layers.Concatenate()([x, conv(conv(x, 32, 1), 32, 3)])
    trunk = keras.Model(image, layers.GlobalAveragePooling2D()(x), name="trunk")
    inputs = stream_inputs(image_size, channels, n_streams)
    x = shared_features(inputs, trunk)
    heads = [layers.Dense(n_classes, dtype="float32")(x[:, i]) for i in range(n_streams)]
    return keras.Model(inputs, heads, name="normalized_msdn")
