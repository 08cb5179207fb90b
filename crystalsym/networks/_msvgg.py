"""The multi-stream VGG (MSVGG) that Tiong et al. compare their network with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crystalsym._keras import import_keras
from crystalsym.networks._common import (
    BATCH_NORM_MOMENTUM,
    check_number_of,
    check_sizes,
    convolution_relu,
    seeded_dropout,
    shared_features,
    stream_inputs,
    two_dense_layers,
)

if TYPE_CHECKING:
    import keras

N_CONVOLUTIONS = 8
POOLED_AFTER = (1, 2, 4, 6, 8)


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
    for i, n in enumerate(filters, start=1):
        x = convolution_relu(x, n, 3, f"conv{i}", momentum)
        if i in POOLED_AFTER:
            x = layers.MaxPooling2D(2, padding="same", name=f"pool{i}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = two_dense_layers(x, units, dropout, momentum)
    x = seeded_dropout(dropout, "dropout2")(x)
    return keras.Model(inputs, x, name="trunk")


def msvgg(
    n_classes: int,
    image_size: int = 224,
    channels: int = 3,
    n_streams: int = 3,
    *,
    filters: tuple[int, ...] = (64, 128, 256, 256, 512, 512, 512, 512),
    units: int = 4096,
    dropout: float = 0.5,
    normalization: bool = False,
) -> keras.Model:
    """Build the multi-stream VGG: convolutions, dense layers and head shared by all streams.

    Eight 3x3 convolutions with ReLU (those of VGG-11) with 2x2 maximum pooling after the first,
    second, fourth, sixth and eighth, two dense layers, and one output layer: 128,848,276
    parameters at 20 classes and 224 pixels, the 128.85 M of the paper's complexity table, which
    leaves no room for heads of their own. So every stream goes through all of it and has logits,
    as in :func:`msdn`, and what is joint is the loss.

    Parameters
    ----------
    n_classes : int
        Number of space groups told apart.
    image_size : int, default=224
        Side H = W of the images in pixels.
    channels : int, default=3
        Channels C of an image.
    n_streams : int, default=3
        Number of images S of one crystal.
    filters : tuple of int, default=(64, 128, 256, 256, 512, 512, 512, 512)
        Channels of the eight convolutions.
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
        Inputs: S tensors (B, H, W, C) in [0, 1]. Outputs: S tensors of logits (B, n_classes),
        float32, one for each stream. The layer ``"features"`` gives (B, S, F). The loss is the
        sum of the outputs' cross-entropies, the prediction the softmax of their sum.

    Raises
    ------
    ValueError
        If a size is not a positive integer, images are smaller than 8 pixels, or there are not
        eight ``filters``.

    References
    ----------
    L. C. O. Tiong, J. Kim, S. S. Han, D. Kim, npj Computational Materials 6, 196 (2020),
    supplementary table 4. K. Simonyan, A. Zisserman, arXiv:1409.1556 (2014).

    Examples
    --------
    >>> from crystalsym.networks import msvgg
    >>> model = msvgg(20, image_size=32, filters=(8, 8, 16, 16, 16, 16, 16, 16), units=32)
    >>> [output.shape for output in model.outputs]
    [(None, 20), (None, 20), (None, 20)]
    """
    keras = import_keras()
    from keras import layers

    check_sizes(image_size, channels, n_streams, n_classes)
    check_number_of("filters", filters, N_CONVOLUTIONS)
    inputs = stream_inputs(image_size, channels, n_streams)
    momentum = BATCH_NORM_MOMENTUM if normalization else None
    trunk = _trunk(image_size, channels, tuple(filters), units, dropout, momentum)
    x = shared_features(inputs, trunk)
    x = layers.Dense(n_classes, dtype="float32", name="logits")(x)
    logits = [
        layers.Identity(dtype="float32", name=f"logits_{i}")(x[:, i]) for i in range(n_streams)
    ]
    return keras.Model(inputs, logits if n_streams > 1 else logits[0], name="msvgg")
