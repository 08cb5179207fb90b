"""Multistream perceptron: the network for patterns in the indices of their own lattice."""

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


def _dense(x: Any, units: int, name: str) -> Any:
    from keras import layers

    x = layers.Dense(units, use_bias=False, kernel_initializer="he_normal", name=name)(x)
    return normalized_relu(x, name, BATCH_NORM_MOMENTUM)


def _trunk(image_size: int, channels: int, width: int, features: int) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((image_size, image_size, channels), name="image")
    # Friedel's law: the other half of a pattern is the same.
    x = layers.Flatten(name="flatten")(inputs[:, image_size // 2 :])
    x = _dense(x, width, "trunk_1")
    x = _dense(x, features, "trunk_2")
    return keras.Model(inputs, x, name="trunk")


def msmlp(
    n_classes: int,
    image_size: int = 13,
    channels: int = 2,
    n_streams: int = 3,
    *,
    width: int = 2048,
    features: int = 256,
    joint: int = 4096,
    embedding: int = 512,
    dropout: float = 0.3,
) -> keras.Model:
    """Build the multistream perceptron: a shared trunk of dense layers and one joint head.

    In a pattern redrawn in its own lattice's indices (``PatternShaper(scheme="lattice")``) a pixel
    stands for one reflection, and nothing that moves over the image is the same elsewhere: dense
    layers suit it better than convolutions and cost a fiftieth. Every stream goes through one
    trunk; the streams' feature vectors are concatenated and classified together.

    Parameters
    ----------
    n_classes : int
        Number of space groups told apart.
    image_size : int, default=13
        Side H = W of the images in pixels, odd; only the lower half and the middle row are read.
    channels : int, default=2
        Channels C of an image.
    n_streams : int, default=3
        Number of images S of one crystal.
    width : int, default=2048
        Units of the trunk's first layer.
    features : int, default=256
        Length F of a stream's feature vector.
    joint : int, default=4096
        Units of the first layer over all streams.
    embedding : int, default=512
        Length of the crystal's joint vector, the output of the layer ``"embedding"``.
    dropout : float, default=0.3
        Rate of dropout before and after the joint vector.

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
    >>> from crystalsym.networks import msmlp
    >>> model = msmlp(72)
    >>> model.get_layer("features").output.shape
    (None, 3, 256)
    """
    keras = import_keras()
    from keras import layers

    check_sizes(image_size, channels, n_streams, n_classes)
    inputs = stream_inputs(image_size, channels, n_streams)
    x = shared_features(inputs, _trunk(image_size, channels, width, features))
    x = layers.Flatten(name="streams")(x)
    x = _dense(x, joint, "joint")
    x = seeded_dropout(dropout, "joint_dropout")(x)
    x = layers.Dense(embedding, use_bias=False, name="embedding_dense")(x)
    x = layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, name="embedding_norm")(x)
    x = layers.Activation("relu", name="embedding")(x)
    x = seeded_dropout(dropout, "dropout")(x)
    # float32 whatever the policy: softmax of bfloat16 logits would lose the small probabilities.
    logits = layers.Dense(n_classes, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="msmlp")
