"""Trunks from ``keras.applications``, of any width."""

from __future__ import annotations

from typing import Any

from crystalsym._keras import without_values
from crystalsym.networks._common import (
    BATCH_NORM_MOMENTUM,
    check_sizes,
    concatenated_logits,
    normalized_relu,
    shared_features,
    stream_inputs,
)

# They halve an image five times.
SMALLEST_IMAGE = 32
# Of ResNet and DenseNet: what lies between two changes of the maps' size.
N_STAGES = 4


def application_trunk(
    family: str,
    depths: tuple[int, ...],
    depth: int,
    image_size: int,
    channels: int,
    width: float,
    last: str = "",
    normalization: bool = False,
) -> Any:
    """Build the convolutions of a network that Keras holds, without its head and weights.

    Parameters
    ----------
    family : str
        Its name but for the number of layers, say ``"ResNet"``.
    depths : tuple of int
        The numbers of layers there are.
    depth : int
        One of them.
    image_size, channels : int
    width : float
        Factor of the channels of every convolution.
    last : str, optional
        What the name of the last layer that is kept begins with; by default all are.
    normalization : bool, default=False
        Normalize over the batch after every convolution, in place of its bias.

    Raises
    ------
    ValueError
        If there is no network of that depth, or the width leaves a convolution no channel.
    """
    import keras

    if isinstance(depth, bool) or depth not in depths:
        raise ValueError(f"depth must be one of {', '.join(map(str, depths))}, got {depth!r}")
    make = getattr(keras.applications, f"{family}{depth}")
    # By its tensor: a shape would have to be that of a photograph.
    image = keras.Input((image_size, image_size, channels), name="image")
    options = {"include_top": False, "weights": None, "input_tensor": image}
    if width == 1 and not last and not normalization:
        trunk = make(**options)
    else:
        with without_values():  # the pattern of what is built
            whole = make(**options)
        end = [layer for layer in whole.layers if layer.name.startswith(last)][-1]
        trunk = keras.models.clone_model(
            keras.Model(image, end.output),
            clone_function=lambda layer: _narrowed(layer, width, normalization),
            call_function=_then_normalized if normalization else None,
        )
    for layer in trunk.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = BATCH_NORM_MOMENTUM
    return trunk


def averaged_network(
    family: str,
    depths: tuple[int, ...],
    depth: int,
    sizes: tuple[int, int, int, int],
    width: float,
    stages: int,
    last: str,
) -> Any:
    """Build a network whose features are the averages of its trunk's maps.

    Parameters
    ----------
    family, depths, depth, width
        As :func:`application_trunk` takes them.
    sizes : tuple of int
        n_classes, image_size, channels and n_streams.
    stages : int
    last : str
        What the last layer's name begins with, ``{}`` for the number of the next stage.
    """
    import keras
    from keras import layers

    n_classes, image_size, channels, n_streams = sizes
    check_sizes(image_size, channels, n_streams, n_classes, SMALLEST_IMAGE)
    _check_stages(stages)
    last = last.format(stages + 1) if stages < N_STAGES else ""
    trunk = application_trunk(family, depths, depth, image_size, channels, width, last)
    x = layers.GlobalAveragePooling2D(name="pool")(trunk.output)
    trunk = keras.Model(trunk.inputs, x, name="trunk")
    inputs = stream_inputs(image_size, channels, n_streams)
    x = shared_features(inputs, trunk)
    return keras.Model(inputs, concatenated_logits(x, n_classes), name=family.lower())


def _check_stages(stages: int) -> None:
    """Raise ValueError unless there are so many stages in a network."""
    if isinstance(stages, bool) or stages not in range(1, N_STAGES + 1):
        raise ValueError(f"stages must be an integer from 1 to {N_STAGES}, got {stages!r}")


def _then_normalized(layer: Any, x: Any, **options: Any) -> Any:
    """What a layer gives, and what batch normalization and ReLU make of it if it convolves."""
    y = layer(x, **options)
    return normalized_relu(y, layer.name, BATCH_NORM_MOMENTUM) if hasattr(layer, "filters") else y


def _narrowed(layer: Any, width: float, normalization: bool) -> Any:
    """A new layer like another, with as many times its channels."""
    config = layer.get_config()
    if "filters" in config and normalization:
        config |= {"activation": "linear", "use_bias": False}
    if "filters" in config:
        config["filters"] = round(width * config["filters"])
        if config["filters"] < 1:
            raise ValueError(
                f"width={width!r} leaves the layer {layer.name} no channel: it has {layer.filters}"
            )
    return layer.__class__.from_config(config)
