"""Multistream DenseNet for layers of reciprocal space drawn in their indices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crystalsym._keras import import_keras
from crystalsym.networks._common import (
    check_sizes,
    convolution_relu,
    dense_relu,
    joint_logits,
    shared_features,
    stream_inputs,
)

if TYPE_CHECKING:
    import keras

BATCH_NORM_MOMENTUM = 0.95


def _conv(x: Any, filters: int, kernel: int, name: str) -> Any:
    return convolution_relu(x, filters, kernel, name, BATCH_NORM_MOMENTUM, suffix="_conv")


def _parities(seen: Any, image_size: int, channels: int) -> Any:
    """What is seen of a picture, even and odd indices as channels: (B, H, W, C) -> (B, h, w, 4 C).

    Half of a picture begins with the origin's row, a whole one and all columns at -(size // 2).
    """
    from keras import layers, ops

    rows, columns = seen.shape[1], seen.shape[2]
    odd_start = (image_size // 2) % 2
    odd_row = odd_start if rows == image_size else 0
    edges = (odd_row, (rows + odd_row) % 2), (odd_start, (columns + odd_start) % 2)
    seen = ops.pad(seen, ((0, 0), *edges, (0, 0)))
    rows, columns = seen.shape[1], seen.shape[2]
    x = layers.Reshape((rows // 2, 2, columns // 2, 2 * channels), name="split")(seen)
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
    half: bool,
) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((image_size, image_size, channels), name="image")
    seen = inputs[:, image_size // 2 :] if half else inputs
    x = _parities(seen, image_size, channels)
    for b, n_layers in enumerate(blocks, start=1):
        for i in range(1, n_layers + 1):
            y = _conv(x, growth, 3, f"block{b}_layer{i}")
            x = layers.Concatenate(name=f"block{b}_layer{i}_concat")([x, y])
        x = _conv(x, transition, 1, f"transition{b}")
    # What is absent is a matter of absolute place: the picture itself goes along.
    picture = layers.Flatten(name="picture")(seen)
    x = layers.Concatenate(name="everything")([picture, layers.Flatten(name="flatten")(x)])
    x = dense_relu(x, width, "trunk_1", BATCH_NORM_MOMENTUM)
    x = dense_relu(x, features, "trunk_2", BATCH_NORM_MOMENTUM)
    return keras.Model(inputs, x, name="trunk")


def msdense(
    n_classes: int,
    image_size: int = 17,
    channels: int = 4,
    n_streams: int = 3,
    *,
    growth: int = 16,
    blocks: tuple[int, ...] = (2, 2),
    transition: int = 16,
    width: int = 1024,
    features: int = 256,
    joint: int = 4096,
    embedding: int = 512,
    dropout: float = 0.3,
    half: bool = True,
) -> keras.Model:
    """Build the multistream DenseNet for layers of reciprocal space in their indices.

    In a picture of ``PatternShaper(scheme="indices")`` a pixel stands for one reflection. Even and
    odd indices, which absences tell apart, become channels of four interleaved lattices; blocks of
    densely connected 3x3 convolutions (each sees what all before it found) look for what is alike
    everywhere, and dense layers read their maps beside the picture itself, for what matters at one
    place. Every stream goes through one trunk; the streams' feature vectors are concatenated and
    classified together.

    Parameters
    ----------
    n_classes : int
        Number of space groups told apart.
    image_size : int, default=17
        Side H = W of the pictures in pixels.
    channels : int, default=4
        Channels C of a picture.
    n_streams : int, default=3
        Number of pictures S of one crystal.
    growth : int, default=16
        Channels that each convolution adds.
    blocks : tuple of int, default=(2, 2)
        Convolutions of the dense blocks.
    transition : int, default=16
        Channels between blocks and after the last.
    width : int, default=1024
        Units of the trunk's first dense layer.
    features : int, default=256
        Length F of a stream's feature vector.
    joint : int, default=4096
        Units of the first layer over all streams.
    embedding : int, default=512
        Length of the crystal's joint vector, the output of the layer ``"embedding"``.
    dropout : float, default=0.3
        Rate of dropout before and after the joint vector.
    half : bool, default=True
        Read the lower half of the pictures and the middle row alone: the other half is the same by
        Friedel's law. False reads all of them, for electrons that scatter many times.

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
    >>> from crystalsym.networks import msdense
    >>> model = msdense(230)
    >>> model.count_params(), model.get_layer("features").output.shape
    (7026278, (None, 3, 256))
    """
    keras = import_keras()
    check_sizes(image_size, channels, n_streams, n_classes)
    inputs = stream_inputs(image_size, channels, n_streams)
    trunk = _trunk(image_size, channels, growth, tuple(blocks), transition, width, features, half)
    x = shared_features(inputs, trunk)
    logits = joint_logits(x, n_classes, joint, embedding, dropout, BATCH_NORM_MOMENTUM)
    return keras.Model(inputs, logits, name="msdense")
