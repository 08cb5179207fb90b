"""A plain strided network: the fast one, made for 64x64 shaped patterns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crystalsym._keras import import_keras
from crystalsym.networks._common import (
    BATCH_NORM_MOMENTUM,
    check_sizes,
    convolution_relu,
    joint_vector_logits,
    normalized_relu,
    shared_features,
    stream_inputs,
)

if TYPE_CHECKING:
    import keras

SMALLEST_MAP = 4


def _conv(x: Any, filters: int, kernel: int, strides: int, name: str) -> Any:
    return convolution_relu(x, filters, kernel, name, BATCH_NORM_MOMENTUM, strides, "_conv")


def _trunk(image_size: int, channels: int, width: int, depth: int, features: int) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((image_size, image_size, channels), name="image")
    x = _conv(inputs, max(width // 2, 1), 5, 2, "stem")
    stage = 0
    while x.shape[1] > SMALLEST_MAP:
        stage += 1
        filters = width if stage == 1 else 2 * width
        x = _conv(x, filters, 3, 2, f"stage{stage}_down")
        # At the coarsest maps the dense layer below mixes all places anyway.
        for i in range(depth - 1 if x.shape[1] > SMALLEST_MAP else 0):
            x = _conv(x, filters, 3, 1, f"stage{stage}_{i + 1}")
    # Flattened, not averaged: which reflections are missing is a matter of absolute place.
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(features, use_bias=False, name="projection")(x)
    x = normalized_relu(x, "projection", BATCH_NORM_MOMENTUM)
    return keras.Model(inputs, x, name="trunk")


def strided(
    n_classes: int,
    image_size: int = 64,
    channels: int = 2,
    n_streams: int = 3,
    *,
    width: int = 64,
    depth: int = 2,
    features: int = 256,
    embedding: int = 512,
    dropout: float = 0.3,
) -> keras.Model:
    """Build the strided network: a shared convolutional trunk and one joint head.

    The trunk (5x5 stride-2 stem, then stages of 3x3 convolutions that each begin with stride 2,
    down to maps of about 4x4) is applied to every stream; the streams' feature vectors are
    concatenated and classified together, so that the head can weigh a pattern by what the other
    two show. At the default sizes a stream costs 33 million multiplications.

    Parameters
    ----------
    n_classes : int
        Number of space groups told apart.
    image_size : int, default=64
        Side H = W of the images in pixels.
    channels : int, default=2
        Channels C of an image.
    n_streams : int, default=3
        Number of images S of one crystal.
    width : int, default=64
        Filters of the first stage; the stem has half, later stages twice as many.
    depth : int, default=2
        Convolutions in a stage, the strided one included.
    features : int, default=256
        Length F of a stream's feature vector.
    embedding : int, default=512
        Length of the crystal's joint vector, the output of the layer ``"embedding"``.
    dropout : float, default=0.3
        Rate of dropout before the logits.

    Returns
    -------
    keras.Model
        Inputs: S tensors (B, H, W, C) in [0, 1]. Output: logits (B, n_classes), float32. The
        layer ``"features"`` gives (B, S, F).

    Raises
    ------
    ValueError
        If a size is not a positive integer, or images are smaller than 8 pixels.

    Examples
    --------
    >>> from crystalsym.networks import strided
    >>> model = strided(72)
    >>> model.count_params()
    1385224
    >>> model.get_layer("features").output.shape
    (None, 3, 256)
    """
    keras = import_keras()

    check_sizes(image_size, channels, n_streams, n_classes)
    inputs = stream_inputs(image_size, channels, n_streams)
    x = shared_features(inputs, _trunk(image_size, channels, width, depth, features))
    logits = joint_vector_logits(x, n_classes, embedding, dropout, BATCH_NORM_MOMENTUM)
    return keras.Model(inputs, logits, name="strided")
