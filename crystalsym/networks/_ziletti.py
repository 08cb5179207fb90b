"""The convolutional network of Ziletti et al."""

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

N_CONVOLUTIONS = 6
POOLED_AFTER = (2, 4)


def _trunk(
    image_size: int,
    channels: int,
    filters: tuple[int, ...],
    kernels: tuple[int, ...],
    units: int,
    dropout: float,
) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((image_size, image_size, channels), name="image")
    x = inputs
    for i, (n, kernel) in enumerate(zip(filters, kernels, strict=True), start=1):
        x = layers.Conv2D(
            n,
            kernel,
            padding="same",
            activation="relu",
            kernel_initializer="orthogonal",
            name=f"conv{i}",
        )(x)
        if i in POOLED_AFTER:
            x = layers.MaxPooling2D(2, name=f"pool{i}")(x)
    x = seeded_dropout(dropout, "dropout")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(units, activation="relu", name="dense")(x)
    x = layers.BatchNormalization(name="dense_norm")(x)
    return keras.Model(inputs, x, name="trunk")


def ziletti(
    n_classes: int,
    image_size: int = 64,
    channels: int = 3,
    n_streams: int = 1,
    *,
    filters: tuple[int, ...] = (32, 32, 16, 16, 8, 8),
    kernels: tuple[int, ...] = (7, 7, 7, 7, 7, 7),
    units: int = 128,
    dropout: float = 0.25,
) -> keras.Model:
    """Build the network of Ziletti et al. for fingerprints of 64x64 pixels.

    Six convolutions with ReLU, 2x2 maximum pooling after the second and the fourth, dropout, a
    dense layer with ReLU and batch normalization. Everything is as in the network whose weights
    were published with the article (the repository ai4materials, ``ziletti_et_2018_rgb``): all
    kernels are 7x7, and it has 365,719 parameters at 7 classes.

    Parameters
    ----------
    n_classes : int
        Number of space groups told apart.
    image_size : int, default=64
        Side H = W of the images in pixels.
    channels : int, default=3
        Channels C of an image.
    n_streams : int, default=1
        Number of images S of one crystal.
    filters : tuple of int, default=(32, 32, 16, 16, 8, 8)
        Channels of the six convolutions.
    kernels : tuple of int, default=(7, 7, 7, 7, 7, 7)
        Sides of their kernels.
    units : int, default=128
        Length of the dense layer, F.
    dropout : float, default=0.25
        Rate of dropout before the dense layer.

    Returns
    -------
    keras.Model
        Inputs: S tensors (B, H, W, C) in [0, 1]. Output: logits (B, n_classes), float32. The
        layer ``"features"`` gives (B, S, F).

    Raises
    ------
    ValueError
        If a size is not a positive integer, images are smaller than 8 pixels, or there are not
        six ``filters`` and six ``kernels``.

    References
    ----------
    A. Ziletti, D. Kumar, M. Scheffler, L. M. Ghiringhelli, Nature Communications 9, 2775 (2018).

    Examples
    --------
    >>> from crystalsym.networks import ziletti
    >>> model = ziletti(7)
    >>> model.count_params()
    365719
    >>> model.get_layer("features").output.shape
    (None, 1, 128)
    """
    keras = import_keras()

    check_sizes(image_size, channels, n_streams, n_classes)
    check_number_of("filters", filters, N_CONVOLUTIONS)
    check_number_of("kernels", kernels, N_CONVOLUTIONS)
    inputs = stream_inputs(image_size, channels, n_streams)
    trunk = _trunk(image_size, channels, tuple(filters), tuple(kernels), units, dropout)
    x = shared_features(inputs, trunk)
    return keras.Model(inputs, concatenated_logits(x, n_classes), name="ziletti")
