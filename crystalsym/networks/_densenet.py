"""DenseNet, from ``keras.applications``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalsym._keras import import_keras
from crystalsym.networks._keras_application import N_STAGES, averaged_network

if TYPE_CHECKING:
    import keras

DEPTHS = (121, 169, 201)


def densenet(
    n_classes: int,
    image_size: int = 224,
    channels: int = 3,
    n_streams: int = 1,
    *,
    depth: int = 121,
    width: float = 1.0,
    stages: int = N_STAGES,
) -> keras.Model:
    """Build DenseNet: a densely connected network of 121 or more layers.

    The network of ``keras.applications``, with random weights, up to its global average pooling.
    At 1000 classes it has 8,062,504 parameters (depth 169: 14,307,880; 201: 20,242,984).

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
    depth : {121, 169, 201}, default=121
        Number of layers with weights, as the publication counts them.
    width : float, default=1.0
        Factor of the channels of all convolutions.
    stages : int, default=4
        How many of its four stages there are; the last has maps of 2x2 for images of 64 pixels.

    Returns
    -------
    keras.Model
        Inputs: S tensors (B, H, W, C) in [0, 1]. Output: logits (B, n_classes), float32. The
        layer ``"features"`` gives (B, S, F), F = 1024 at depth 121 and full width.

    Raises
    ------
    ValueError
        If a size is not a positive integer, images are smaller than 32 pixels, Keras holds no
        network of that depth, or there is no such stage.

    References
    ----------
    G. Huang, Z. Liu, L. van der Maaten, K. Q. Weinberger, Proc. IEEE Conf. Computer Vision and
    Pattern Recognition, 4700 (2017).

    Examples
    --------
    >>> from crystalsym.networks import densenet
    >>> model = densenet(20, image_size=32, width=0.125, stages=1)
    >>> model.get_layer("features").output.shape, model.output.shape
    ((None, 1, 32), (None, 20))
    """
    import_keras()
    sizes = (n_classes, image_size, channels, n_streams)
    # A stage ends in the normalization before the transition to the next.
    return averaged_network("DenseNet", DEPTHS, depth, sizes, width, stages, "pool{}_relu")
