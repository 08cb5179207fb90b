"""ResNet, from ``keras.applications``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalsym._keras import import_keras
from crystalsym.networks._keras_application import N_STAGES, averaged_network

if TYPE_CHECKING:
    import keras

DEPTHS = (50, 101, 152)


def resnet(
    n_classes: int,
    image_size: int = 224,
    channels: int = 3,
    n_streams: int = 1,
    *,
    depth: int = 50,
    width: float = 1.0,
    stages: int = N_STAGES,
) -> keras.Model:
    """Build ResNet: a residual network of 50 or more layers.

    The network of ``keras.applications``, with random weights, up to its global average pooling.
    At 1000 classes it has 25,636,712 parameters (depth 101: 44,707,176; 152: 60,419,944).

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
    depth : {50, 101, 152}, default=50
        Number of layers with weights, as the publication counts them.
    width : float, default=1.0
        Factor of the channels of all convolutions.
    stages : int, default=4
        How many of its four stages there are; the last has maps of 2x2 for images of 64 pixels.

    Returns
    -------
    keras.Model
        Inputs: S tensors (B, H, W, C) in [0, 1]. Output: logits (B, n_classes), float32. The
        layer ``"features"`` gives (B, S, F), F = 2048 at full width.

    Raises
    ------
    ValueError
        If a size is not a positive integer, images are smaller than 32 pixels, Keras holds no
        network of that depth, or there is no such stage.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, Proc. IEEE Conf. Computer Vision and Pattern Recognition, 770
    (2016).

    Examples
    --------
    >>> from crystalsym.networks import resnet
    >>> model = resnet(20, image_size=32, width=0.0625, stages=1)
    >>> model.get_layer("features").output.shape, model.output.shape
    ((None, 1, 16), (None, 20))
    """
    import_keras()
    sizes = (n_classes, image_size, channels, n_streams)
    return averaged_network("ResNet", DEPTHS, depth, sizes, width, stages, "conv{}_")
