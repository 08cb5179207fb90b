"""AlexNet, in one column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crystalsym._keras import import_keras
from crystalsym.networks._common import (
    check_number_of,
    check_sizes,
    concatenated_logits,
    seeded_dropout,
    shared_features,
    stream_inputs,
)

if TYPE_CHECKING:
    import keras

# Kernel, stride, and whether overlapping pooling follows.
CONVOLUTIONS = ((11, 4, True), (5, 1, True), (3, 1, False), (3, 1, False), (3, 1, True))
POOLED = 3


def _trunk(
    image_size: int, channels: int, filters: tuple[int, ...], units: int, dropout: float
) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((image_size, image_size, channels), name="image")
    x = inputs
    for i, (n, (kernel, strides, pooled)) in enumerate(
        zip(filters, CONVOLUTIONS, strict=True), start=1
    ):
        x = layers.Conv2D(
            n,
            kernel,
            strides=strides,
            padding="same",
            activation="relu",
            kernel_initializer="he_normal",
            name=f"conv{i}",
        )(x)
        if pooled and x.shape[1] >= POOLED:  # maps of small images are too small to be pooled
            x = layers.MaxPooling2D(POOLED, strides=2, name=f"pool{i}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(units, activation="relu", kernel_initializer="he_normal", name="dense1")(x)
    x = seeded_dropout(dropout, "dropout1")(x)
    x = layers.Dense(units, activation="relu", kernel_initializer="he_normal", name="dense2")(x)
    return keras.Model(inputs, x, name="trunk")


def alexnet(
    n_classes: int,
    image_size: int = 224,
    channels: int = 3,
    n_streams: int = 1,
    *,
    filters: tuple[int, ...] = (96, 256, 384, 384, 256),
    units: int = 4096,
    dropout: float = 0.5,
) -> keras.Model:
    """Build AlexNet: five convolutions and two dense layers.

    The widths are those of the publication, in one column: every convolution sees all channels
    (the original had its second, fourth and fifth in two halves, on two graphics cards), and
    nothing is normalized. At 1000 classes and 224 pixels it has 62,378,344 parameters (60,965,224
    with the halves). Maps smaller than 3x3, those of small images, are not pooled.

    Parameters
    ----------
    n_classes : int
        Number of space groups told apart.
    image_size : int, default=224
        Side H = W of the images in pixels.
    channels : int, default=3
        Channels C of an image.
    n_streams : int, default=1
        Number of images S of one crystal.
    filters : tuple of int, default=(96, 256, 384, 384, 256)
        Channels of the five convolutions.
    units : int, default=4096
        Length of either dense layer, F.
    dropout : float, default=0.5
        Rate of dropout after each dense layer.

    Returns
    -------
    keras.Model
        Inputs: S tensors (B, H, W, C) in [0, 1]. Output: logits (B, n_classes), float32. The
        layer ``"features"`` gives (B, S, F).

    Raises
    ------
    ValueError
        If a size is not a positive integer, images are smaller than 8 pixels, or there are not
        five ``filters``.

    References
    ----------
    A. Krizhevsky, I. Sutskever, G. E. Hinton, Advances in Neural Information Processing
    Systems 25, 1097 (2012).

    Examples
    --------
    >>> from crystalsym.networks import alexnet
    >>> model = alexnet(20, image_size=64, filters=(8, 16, 16, 16, 16), units=32)
    >>> model.get_layer("features").output.shape, model.output.shape
    ((None, 1, 32), (None, 20))
    """
    keras = import_keras()

    check_sizes(image_size, channels, n_streams, n_classes)
    check_number_of("filters", filters, len(CONVOLUTIONS))
    inputs = stream_inputs(image_size, channels, n_streams)
    x = shared_features(inputs, _trunk(image_size, channels, tuple(filters), units, dropout))
    return keras.Model(inputs, concatenated_logits(x, n_classes, dropout), name="alexnet")
