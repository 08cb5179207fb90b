"""The multi-stream VGG (MSVGG) that Tiong et al. compare their network with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crystalsym._keras import import_keras
from crystalsym.networks._common import (
    check_number_of,
    check_sizes,
    seeded_dropout,
    shared_features,
    stream_inputs,
)

if TYPE_CHECKING:
    import keras

N_CONVOLUTIONS = 8
POOLED_AFTER = (1, 2, 4, 6, 8)


def _trunk(
    image_size: int, channels: int, filters: tuple[int, ...], units: int, dropout: float
) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((image_size, image_size, channels), name="image")
    x = inputs
    for i, n in enumerate(filters, start=1):
        x = layers.Conv2D(
            n,
            3,
            padding="same",
            activation="relu",
            kernel_initializer="he_normal",
            name=f"conv{i}",
        )(x)
        if i in POOLED_AFTER:
            x = layers.MaxPooling2D(2, padding="same", name=f"pool{i}")(x)
    x = layers.Flatten(name="flatten")(x)
    for i in (1, 2):
        x = layers.Dense(
            units, activation="relu", kernel_initializer="he_normal", name=f"dense{i}"
        )(x)
        x = seeded_dropout(dropout, f"dropout{i}")(x)
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
    x = shared_features(inputs, _trunk(image_size, channels, tuple(filters), units, dropout))
    x = layers.Dense(n_classes, dtype="float32", name="logits")(x)
    logits = [
        layers.Identity(dtype="float32", name=f"logits_{i}")(x[:, i]) for i in range(n_streams)
    ]
    return keras.Model(inputs, logits if n_streams > 1 else logits[0], name="msvgg")
