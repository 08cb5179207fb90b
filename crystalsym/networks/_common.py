"""What the networks share: folding the streams into the batch, and checks of sizes."""

from __future__ import annotations

import random
from typing import Any

# Keras' own memory of 0.99 makes the statistics right only after some hundred steps; means over a
# batch of many pixels are precise, so a short one serves.
BATCH_NORM_MOMENTUM = 0.9


def check_sizes(
    image_size: int, channels: int, n_streams: int, n_classes: int, smallest: int = 8
) -> None:
    """Raise ValueError for sizes no network can be built with."""
    for name, value, least in (
        ("n_classes", n_classes, 2),
        ("image_size", image_size, smallest),
        ("channels", channels, 1),
        ("n_streams", n_streams, 1),
    ):
        if isinstance(value, bool) or int(value) != value or value < least:
            raise ValueError(f"{name} must be an integer >= {least}, got {value!r}")


def check_number_of(name: str, values: tuple[int, ...], n: int) -> None:
    """Raise ValueError unless there is one value for each of n layers."""
    if len(values) != n:
        raise ValueError(f"{name} must be {n} numbers, got {len(values)}")


def stream_inputs(image_size: int, channels: int, n_streams: int) -> list[Any]:
    """One Keras input of shape (image_size, image_size, channels) per stream."""
    import keras

    shape = (image_size, image_size, channels)
    return [keras.Input(shape, name=f"stream_{i}") for i in range(n_streams)]


def seeded_dropout(rate: float, name: str) -> Any:
    """A dropout layer with a seed of its own, drawn from Python's generator.

    Keras' PyTorch backend leaves a layer without one to PyTorch's global generator, which neither
    ``random_state`` nor a checkpoint knows of.
    """
    from keras import layers

    return layers.Dropout(rate, seed=random.randrange(1, 2**31), name=name)


def normalized_relu(x: Any, name: str, momentum: float) -> Any:
    """Batch normalization and ReLU."""
    from keras import layers

    x = layers.BatchNormalization(momentum=momentum, name=f"{name}_norm")(x)
    return layers.Activation("relu", name=f"{name}_relu")(x)


def convolution_relu(
    x: Any,
    filters: int,
    kernel: int,
    name: str,
    momentum: float | None,
    stride: int = 1,
    suffix: str = "",
) -> Any:
    """A convolution and ReLU, with bias, or with batch normalization if there is a momentum.

    The suffix belongs to the name of the convolution alone.
    """
    from keras import layers

    normalized = momentum is not None
    x = layers.Conv2D(
        filters,
        kernel,
        strides=stride,
        padding="same",
        activation=None if normalized else "relu",
        use_bias=not normalized,
        kernel_initializer="he_normal",
        name=name + suffix,
    )(x)
    return x if momentum is None else normalized_relu(x, name, momentum)


def two_dense_layers(
    x: Any, units: int, dropout: float, momentum: float | None, initializer: str = "he_normal"
) -> Any:
    """What ends AlexNet and VGG: two dense layers with ReLU, and dropout between them."""
    from keras import layers

    def dense(x: Any, name: str) -> Any:
        if momentum is not None:
            return dense_relu(x, units, name, momentum)
        return layers.Dense(units, activation="relu", kernel_initializer=initializer, name=name)(x)

    x = seeded_dropout(dropout, "dropout1")(dense(x, "dense1"))
    return dense(x, "dense2")


def dense_relu(x: Any, units: int, name: str, momentum: float) -> Any:
    """A dense layer without bias, batch normalization and ReLU."""
    from keras import layers

    x = layers.Dense(units, use_bias=False, kernel_initializer="he_normal", name=name)(x)
    return normalized_relu(x, name, momentum)


def concatenated_logits(x: Any, n_classes: int, dropout: float = 0.0) -> Any:
    """Logits of all streams' features (B, S, F) by one dense layer."""
    from keras import layers

    x = layers.Flatten(name="streams")(x)
    if dropout:
        x = seeded_dropout(dropout, "dropout")(x)
    return layers.Dense(n_classes, dtype="float32", name="logits")(x)


def joint_vector_logits(
    x: Any, n_classes: int, embedding: int, dropout: float, momentum: float
) -> Any:
    """Logits of all streams' features (B, S, F) by one normalized vector of the crystal."""
    from keras import layers

    x = layers.Flatten(name="streams")(x)
    x = layers.Dense(embedding, use_bias=False, name="joint")(x)
    x = layers.BatchNormalization(momentum=momentum, name="joint_norm")(x)
    return embedded_logits(x, n_classes, dropout)


# Differences of brightness that count as whole ones, in parts of the scale.
PART = 0.1


def departures(images: Any, xp: Any) -> list[Any]:
    """How far pictures depart from a twofold axis and two mirror lines through the beam.

    Parameters
    ----------
    images : tensor (B, H, W, C)
        Brightness in the first channel.
    xp : module
        ``keras.ops``, or ``numpy`` for arrays.

    Returns
    -------
    list of 3 tensors
        tanh |a - b| / 0.1 of each pixel a and its image b under half a turn (B, h, W), a mirror
        line along the columns (B, H, w), and one along the rows (B, h, W); a half of each, the
        beam's row or column included.
    """
    brightness = images[..., 0]
    from_below, from_right = xp.flip(brightness, axis=1), xp.flip(brightness, axis=2)
    turned = xp.flip(from_below, axis=2)
    row, column = images.shape[1] // 2, images.shape[2] // 2
    pairs = (
        (brightness[:, row:], turned[:, row:]),
        (brightness[:, :, column:], from_right[:, :, column:]),
        (brightness[:, row:], from_below[:, row:]),
    )
    return [xp.tanh(xp.abs(one - other) / PART) for one, other in pairs]


def joint_logits(
    x: Any, n_classes: int, joint: int, embedding: int, dropout: float, momentum: float
) -> Any:
    """Logits of all streams' features (B, S, F) together, by two dense layers."""
    from keras import layers

    x = layers.Flatten(name="streams")(x)
    x = dense_relu(x, joint, "joint", momentum)
    x = seeded_dropout(dropout, "joint_dropout")(x)
    x = layers.Dense(embedding, use_bias=False, name="embedding_dense")(x)
    x = layers.BatchNormalization(momentum=momentum, name="embedding_norm")(x)
    return embedded_logits(x, n_classes, dropout)


def embedded_logits(x: Any, n_classes: int, dropout: float) -> Any:
    """Logits of the crystal's normalized joint vector, which becomes the layer ``"embedding"``."""
    from keras import layers

    x = layers.Activation("relu", name="embedding")(x)
    x = seeded_dropout(dropout, "dropout")(x)
    # float32 whatever the policy: softmax of bfloat16 logits would lose the small probabilities.
    return layers.Dense(n_classes, dtype="float32", name="logits")(x)


def shared_features(inputs: list[Any], trunk: Any) -> Any:
    """Run one trunk over all streams at once.

    The streams are folded into the batch axis: one pass over fewer, larger convolutions is
    faster than one pass for each stream, and batch statistics are those of all streams.

    Parameters
    ----------
    inputs : list of S Keras tensors (B, H, W, C)
    trunk : keras.Model
        Takes (B, H, W, C), gives (B, F).

    Returns
    -------
    Keras tensor (B, S, F), the output of the layer named ``"features"``.
    """
    from keras import layers, ops

    n_streams = len(inputs)
    if n_streams == 1:
        x = trunk(inputs[0])
    else:
        x = ops.stack(inputs, axis=1)
        x = ops.reshape(x, (-1, *inputs[0].shape[1:]))
        x = trunk(x)
    x = ops.reshape(x, (-1, n_streams, x.shape[-1]))
    return layers.Identity(name="features")(x)
