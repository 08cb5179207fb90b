"""AlexNet, in one column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crystalsym._keras import import_keras
from crystalsym.networks._common import (
    BATCH_NORM_MOMENTUM,
    check_number_of,
    check_sizes,
    concatenated_logits,
    convolution_relu,
    shared_features,
    stream_inputs,
    two_dense_layers,
)

if TYPE_CHECKING:
    import keras

# Kernel, stride, and whether overlapping pooling follows.
CONVOLUTIONS = ((11, 4, True), (5, 1, True), (3, 1, False), (3, 1, False), (3, 1, True))
POOLED = 3


def _trunk(
    image_size: int,
    channels: int,
    filters: tuple[int, ...],
    units: int,
    dropout: float,
    momentum: float | None,
) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((image_size, image_size, channels), name="image")
    x = inputs
    for i, (n, (kernel, strides, pooled)) in enumerate(
        zip(filters, CONVOLUTIONS, strict=True), start=1
    ):
        x = convolution_relu(x, n, kernel, f"conv{i}", momentum, strides)
        if pooled and x.shape[1] >= POOLED:  # maps of small images are too small to be pooled
            x = layers.MaxPooling2D(POOLED, strides=2, name=f"pool{i}")(x)
    x = layers.Flatten(name="flatten")(x)
    return keras.Model(inputs, two_dense_layers(x, units, dropout, momentum), name="trunk")


def alexnet(
    n_classes: int,
    image_size: int = 224,
    channels: int = 3,
    n_streams: int = 1,
    *,
    filters: tuple[int, ...] = (96, 256, 384, 384, 256),
    units: int = 4096,
    dropout: float = 0.5,
    normalization: bool = False,
) -> keras.Model:
    """Build AlexNet: five convolutions and two dense layers.

    The widths are those of the publication, in one column: every convolution sees all channels
    (the original had its second, fourth and fifth in two halves, on two graphics cards), and
    nothing is normalized unless asked for. At 1000 classes and 224 pixels it has 62,378,344
    parameters (60,965,224 with the halves). Maps smaller than 3x3, those of small images, are not
    pooled.

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
    normalization : bool, default=False
        Normalize over the batch after every convolution and dense layer, in place of biases; not
        as published, but such a network learns in a few passes.

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
    momentum = BATCH_NORM_MOMENTUM if normalization else None
    trunk = _trunk(image_size, channels, tuple(filters), units, dropout, momentum)
    x = shared_features(inputs, trunk)
    return keras.Model(inputs, concatenated_logits(x, n_classes, dropout), name="alexnet")
