"""Multistream DenseNet for layers of reciprocal space drawn in their indices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crystalsym._keras import import_keras
from crystalsym.networks._common import (
    check_sizes,
    normalized_relu,
    seeded_dropout,
    shared_features,
    stream_inputs,
)

if TYPE_CHECKING:
    import keras

BATCH_NORM_MOMENTUM = 0.95


def _conv(x: Any, filters: int, kernel: int, name: str) -> Any:
    from keras import layers

    x = layers.Conv2D(
        filters,
        kernel,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    return normalized_relu(x, name, BATCH_NORM_MOMENTUM)


def _dense(x: Any, units: int, name: str) -> Any:
    from keras import layers

    x = layers.Dense(units, use_bias=False, kernel_initializer="he_normal", name=name)(x)
    return normalized_relu(x, name, BATCH_NORM_MOMENTUM)


def _parities(image: Any, image_size: int, channels: int) -> Any:
    """Half of a picture, its even and odd indices as channels: (B, H/2, W, C) -> (B, h, w, 4 C)."""
    from keras import layers, ops

    half = image[:, image_size // 2 :]
    rows, columns = half.shape[1], half.shape[2]
    # The origin's row is the first: rows 0, 2, ... are even. Columns begin at -(size // 2).
    odd_start = (image_size // 2) % 2
    half = ops.pad(half, ((0, 0), (0, rows % 2), (odd_start, (columns + odd_start) % 2), (0, 0)))
    rows, columns = half.shape[1], half.shape[2]
    x = layers.Reshape((rows // 2, 2, columns // 2, 2 * channels), name="split")(half)
    x = layers.Permute((1, 3, 2, 4), name="parities")(x)
    return layers.Reshape((rows // 2, columns // 2, 4 * channels), name="by_parity")(x)


def _trunk(
    image_size: int,
    channels: int,
    growth: int,
    blocks: tuple[int, ...],
    transition: int,
    width: int,
    features: int,
) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((image_size, image_size, channels), name="image")
    x = _parities(inputs, image_size, channels)
    for b, n_layers in enumerate(blocks, start=1):
        for i in range(1, n_layers + 1):
            y = _conv(x, growth, 3, f"block{b}_layer{i}")
            x = layers.Concatenate(name=f"block{b}_layer{i}_concat")([x, y])
        x = _conv(x, transition, 1, f"transition{b}")
    x = layers.Concatenate(name="everything")([_parities_again(inputs, image_size), _flat(x)])
    x = _dense(x, width, "trunk_1")
    x = _dense(x, features, "trunk_2")
    return keras.Model(inputs, x, name="trunk")


def _flat(x: Any) -> Any:
    from keras import layers

    return layers.Flatten(name="flatten")(x)


def _parities_again(image: Any, image_size: int) -> Any:
    """The picture itself: what is absent is a matter of absolute place."""
    from keras import layers

    return layers.Flatten(name="picture")(image[:, image_size // 2 :])


def msdense(
    n_classes: int,
    image_size: int = 17,
    channels: int = 4,
    n_streams: int = 3,
    *,
    growth: int = 24,
    blocks: tuple[int, ...] = (3, 3),
    transition: int = 16,
    width: int = 1024,
    features: int = 256,
    joint: int = 4096,
    embedding: int = 512,
    dropout: float = 0.3,
) -> keras.Model:
    keras = import_keras()
    from keras import layers

    check_sizes(image_size, channels, n_streams, n_classes)
    inputs = stream_inputs(image_size, channels, n_streams)
    trunk = _trunk(image_size, channels, growth, tuple(blocks), transition, width, features)
    x = shared_features(inputs, trunk)
    x = layers.Flatten(name="streams")(x)
    x = _dense(x, joint, "joint")
    x = seeded_dropout(dropout, "joint_dropout")(x)
    x = layers.Dense(embedding, use_bias=False, name="embedding_dense")(x)
    x = layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, name="embedding_norm")(x)
    x = layers.Activation("relu", name="embedding")(x)
    x = seeded_dropout(dropout, "dropout")(x)
    logits = layers.Dense(n_classes, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="msdense")
