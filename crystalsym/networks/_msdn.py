"""The multi-stream DenseNet (MSDN) of Tiong et al."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crystalsym._keras import import_keras
from crystalsym.networks._common import (
    BATCH_NORM_MOMENTUM,
    check_sizes,
    convolution_relu,
    dense_relu,
    joint_vector_logits,
    seeded_dropout,
    shared_features,
    stream_inputs,
)

if TYPE_CHECKING:
    import keras


def _trunk(
    image_size: int,
    channels: int,
    growth: int,
    bottleneck: int,
    blocks: tuple[int, ...],
    dropout: float,
    stem_stride: int,
    momentum: float | None,
    features: int | None,
) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((image_size, image_size, channels), name="image")
    x = convolution_relu(inputs, growth, 7, "stem", momentum, stem_stride)
    x = layers.AveragePooling2D(2, padding="same", name="stem_pool")(x)
    for b, n_layers in enumerate(blocks, start=1):
        for i in range(1, n_layers + 1):
            name = f"block{b}_layer{i}"
            y = convolution_relu(x, bottleneck, 1, f"{name}_narrow", momentum)
            y = convolution_relu(y, growth, 3, f"{name}_conv", momentum)
            y = seeded_dropout(dropout, f"{name}_dropout")(y)
            x = layers.Concatenate(name=f"{name}_concat")([x, y])
        if b < len(blocks):
            x = convolution_relu(x, x.shape[-1], 1, f"transition{b}", momentum)
            x = layers.AveragePooling2D(2, padding="same", name=f"transition{b}_pool")(x)
    if features is None:
        return keras.Model(inputs, layers.GlobalAveragePooling2D(name="pool")(x), name="trunk")
    x = layers.Flatten(name="flatten")(x)
    x = dense_relu(x, features, "projection", BATCH_NORM_MOMENTUM)
    return keras.Model(inputs, x, name="trunk")


def msdn(
    n_classes: int,
    image_size: int = 224,
    channels: int = 3,
    n_streams: int = 3,
    *,
    growth: int = 32,
    bottleneck: int = 32,
    blocks: tuple[int, ...] = (3, 6, 12, 8),
    dropout: float = 0.2,
    stem_stride: int = 1,
    normalization: bool = False,
    features: int | None = None,
    embedding: int | None = None,
) -> keras.Model:
    """Build the multi-stream DenseNet: a shared densely connected trunk, one head per stream.

    The published network: a 7x7 stem, four dense blocks of 3, 6, 12 and 8 layers (each a 1x1
    convolution to 32 and a 3x3 convolution to 32, with biases and ReLU, no batch normalization),
    1x1 transitions that keep the width, 2x2 average pooling between blocks. It has 1,542,424
    parameters at 72 classes. Where the published material leaves a choice, the stem has stride 1
    and is followed by 2x2 average pooling, and global average pooling ends the trunk.

    So it learns slowly. ``normalization``, ``stem_stride``, ``features`` and ``embedding`` make a
    DenseNet of the same blocks of it that learns in a few passes: what is absent is a matter of
    absolute place, which averaging forgets, and a head over all streams weighs one by the others.

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
    growth : int, default=32
        Channels that the stem has and each dense layer adds.
    bottleneck : int, default=32
        Channels of a dense layer's 1x1 convolution.
    blocks : tuple of int, default=(3, 6, 12, 8)
        Layers of the dense blocks.
    dropout : float, default=0.2
        Rate of dropout after each dense layer, and before the logits of an embedding.
    stem_stride : int, default=1
        Stride of the stem.
    normalization : bool, default=False
        Normalize over the batch after every convolution, in place of biases.
    features : int, optional
        Length F of a stream's feature vector, by a dense layer over the flattened maps; by
        default they are averaged, and F is their number.
    embedding : int, optional
        Length of the crystal's joint vector, the output of the layer ``"embedding"``, from which
        one head classifies; by default every stream has its own.

    Returns
    -------
    keras.Model
        Inputs: S tensors (B, H, W, C) in [0, 1]. Outputs: S tensors of logits (B, n_classes),
        float32, one for each stream, or a single one with an embedding. The layer ``"features"``
        gives (B, S, F), F = 960. The loss is the sum of the outputs' cross-entropies, the
        prediction the softmax of their sum.

    Raises
    ------
    ValueError
        If a size is not a positive integer, or images are smaller than 8 pixels.

    References
    ----------
    L. C. O. Tiong, J. Kim, S. S. Han, D. Kim, npj Computational Materials 6, 196 (2020).

    Examples
    --------
    >>> from crystalsym.networks import msdn
    >>> model = msdn(72, image_size=64)
    >>> model.count_params()
    1542424
    >>> [output.shape for output in model.outputs]
    [(None, 72), (None, 72), (None, 72)]
    """
    keras = import_keras()
    from keras import layers

    check_sizes(image_size, channels, n_streams, n_classes)
    inputs = stream_inputs(image_size, channels, n_streams)
    trunk = _trunk(
        image_size, channels, growth, bottleneck, tuple(blocks), dropout, stem_stride,
        BATCH_NORM_MOMENTUM if normalization else None, features,
    )  # fmt: skip
    x = shared_features(inputs, trunk)
    if embedding is not None:
        logits = joint_vector_logits(x, n_classes, embedding, dropout, BATCH_NORM_MOMENTUM)
        return keras.Model(inputs, logits, name="msdn")
    logits = [
        layers.Dense(n_classes, dtype="float32", name=f"logits_{i}")(x[:, i])
        for i in range(n_streams)
    ]
    return keras.Model(inputs, logits if n_streams > 1 else logits[0], name="msdn")
