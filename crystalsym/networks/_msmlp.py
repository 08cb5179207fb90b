"""Multistream perceptron: the network for patterns in the indices of their own lattice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crystalsym._keras import import_keras
from crystalsym.networks._common import (
    check_sizes,
    dense_relu,
    departures,
    joint_logits,
    shared_features,
    stream_inputs,
)

if TYPE_CHECKING:
    import keras

BATCH_NORM_MOMENTUM = 0.95


def _trunk(
    image_size: int, channels: int, width: int, features: int, half: bool, symmetry: bool
) -> Any:
    import keras
    from keras import layers, ops

    inputs = keras.Input((image_size, image_size, channels), name="image")
    # Friedel's law: the other half of a pattern is the same.
    seen = inputs[:, image_size // 2 :] if half else inputs
    x = layers.Flatten(name="flatten")(seen)
    if symmetry:
        parts = [
            layers.Flatten(name=f"departures_{number}")(one)
            for number, one in enumerate(departures(inputs, ops))
        ]
        x = layers.Concatenate(name="with_departures")([x, *parts])
    x = dense_relu(x, width, "trunk_1", BATCH_NORM_MOMENTUM)
    x = dense_relu(x, features, "trunk_2", BATCH_NORM_MOMENTUM)
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
    half: bool = True,
    symmetry: bool = False,
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
        Side H = W of the images in pixels, odd.
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
    half : bool, default=True
        Read the lower half of the pictures and the middle row alone: the other half is the same by
        Friedel's law. False reads all of them, for electrons that scatter many times.
    symmetry : bool, default=False
        Read besides how far each picture departs from a twofold axis and from mirror lines along
        its rows and columns, small differences enlarged: tanh |a - b| / 0.1 of the first channel.

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
    check_sizes(image_size, channels, n_streams, n_classes)
    inputs = stream_inputs(image_size, channels, n_streams)
    x = shared_features(inputs, _trunk(image_size, channels, width, features, half, symmetry))
    logits = joint_logits(x, n_classes, joint, embedding, dropout, BATCH_NORM_MOMENTUM)
    return keras.Model(inputs, logits, name="msmlp")
