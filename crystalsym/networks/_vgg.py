"""VGG, from ``keras.applications``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalsym._keras import import_keras
from crystalsym.networks._common import (
    BATCH_NORM_MOMENTUM,
    check_sizes,
    concatenated_logits,
    shared_features,
    stream_inputs,
    two_dense_layers,
)
from crystalsym.networks._keras_application import SMALLEST_IMAGE, application_trunk

if TYPE_CHECKING:
    import keras

DEPTHS = (16, 19)


def vgg(
    n_classes: int,
    image_size: int = 224,
    channels: int = 3,
    n_streams: int = 1,
    *,
    depth: int = 16,
    width: float = 1.0,
    units: int = 4096,
    dropout: float = 0.5,
    normalization: bool = False,
) -> keras.Model:
    """Build VGG: thirteen or more 3x3 convolutions and two dense layers.

    The convolutions are those of ``keras.applications``, with random weights; after them come two
    dense layers with ReLU and dropout. At 1000 classes and 224 pixels it has 138,357,544 parameters
    (depth 19: 143,667,240).

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
    depth : {16, 19}, default=16
        Number of layers with weights, as the publication counts them.
    width : float, default=1.0
        Factor of the channels of all convolutions.
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
        layer ``"features"`` gives (B, S, F), F = ``units``.

    Raises
    ------
    ValueError
        If a size is not a positive integer, images are smaller than 32 pixels, or Keras holds no
        network of that depth.

    References
    ----------
    K. Simonyan, A. Zisserman, arXiv:1409.1556 (2014).

    Examples
    --------
    >>> from crystalsym.networks import vgg
    >>> model = vgg(20, image_size=32, width=0.125, units=64)
    >>> model.get_layer("features").output.shape, model.output.shape
    ((None, 1, 64), (None, 20))
    """
    keras = import_keras()
    from keras import layers

    check_sizes(image_size, channels, n_streams, n_classes, SMALLEST_IMAGE)
    trunk = application_trunk(
        "VGG", DEPTHS, depth, image_size, channels, width, normalization=normalization
    )
    x = layers.Flatten(name="flatten")(trunk.output)
    momentum = BATCH_NORM_MOMENTUM if normalization else None
    x = two_dense_layers(x, units, dropout, momentum, "glorot_uniform")
    trunk = keras.Model(trunk.inputs, x, name="trunk")
    inputs = stream_inputs(image_size, channels, n_streams)
    x = shared_features(inputs, trunk)
    return keras.Model(inputs, concatenated_logits(x, n_classes, dropout), name="vgg")
