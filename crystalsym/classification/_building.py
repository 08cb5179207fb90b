"""Networks from parameters: reproducible, under a given precision, and their weights."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from crystalsym import networks
from crystalsym._keras import import_keras
from crystalsym.networks._numpy_network import check_weight_shapes, numpy_network

EMBEDDING_LAYERS = ("features", "embedding")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
# Held while a network is built: what seeds it is one for the whole process.
BUILDING = threading.RLock()


@contextlib.contextmanager
def precision_scope(precision: str | None) -> Iterator[None]:
    """Set Keras' dtype policy for the layers made inside; None leaves it alone."""
    keras = import_keras()
    before = keras.config.dtype_policy()
    if precision is not None:
        keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextlib.contextmanager
def _seeded(seed: int | None) -> Iterator[None]:
    # Keras draws the seeds of initializers and dropout from Python's global generator.
    with BUILDING:
        before = random.getstate()
        if seed is not None:
            random.seed(seed)
        try:
            yield
        finally:
            random.setstate(before)


def build_model(
    architecture: str | Callable[..., Any],
    options: dict[str, Any] | None,
    n_classes: int,
    input_shape: tuple[int, ...],
    precision: str | None = "float32",
    seed: int | None = None,
) -> Any:
    """Build a network for rows of an input shape and check that it is of the agreed form.

    Parameters
    ----------
    architecture : str or callable
        Name of a builder in ``crystalsym.networks``, or a builder.
    options : dict or None
        Further keyword arguments of the builder.
    n_classes : int
    input_shape : tuple of int
        (S, H, W, C) or (H, W, C).
    precision : str or None
        Keras dtype policy.
    seed : int or None
        Fixes the initial weights and dropout.

    Raises
    ------
    ValueError
        If there is no such network, or its inputs or outputs are not as agreed.
    """
    n_streams = input_shape[0] if len(input_shape) == 4 else 1
    size, channels = input_shape[-2], input_shape[-1]
    builder = architecture if callable(architecture) else networks.get(architecture)
    with precision_scope(precision), _seeded(seed):
        model = builder(
            n_classes=n_classes,
            image_size=size,
            channels=channels,
            n_streams=n_streams,
            **(options or {}),
        )
    import keras

    if keras.backend.backend() != "jax":
        # XLA makes TensorFlow's convolutions several times slower on a CPU.
        model.jit_compile = False
    shapes = [tuple(x.shape) for x in model.inputs]
    if shapes != [(None, size, size, channels)] * n_streams:
        raise ValueError(
            f"architecture must give a model with {n_streams} input(s) of shape "
            f"{(None, size, size, channels)}, got {shapes}"
        )
    if any(tuple(x.shape) != (None, n_classes) for x in model.outputs):
        raise ValueError(
            f"architecture must give a model whose outputs are logits of shape (None, {n_classes})"
            f", got {[tuple(x.shape) for x in model.outputs]}"
        )
    return model


def trained_network(
    architecture: str | Callable[..., Any],
    options: dict[str, Any] | None,
    n_classes: int,
    input_shape: tuple[int, ...],
    weights: list[np.ndarray],
) -> Any:
    """Build a network of given weights: one that runs in NumPy if there is one, else Keras'.

    Raises
    ------
    TypeError, ValueError
        If there is no such network, or options or weights do not fit it.
    """
    network = numpy_network(architecture, options, n_classes, input_shape, weights)
    if network is not None:
        return network
    model = build_model(architecture, options, n_classes, input_shape)
    set_weights(model, weights)
    return model


def layer_model(model: Any, name: str) -> Any:
    """Return the part of a network up to one of its layers.

    Raises
    ------
    ValueError
        If the network has no such layer, or its output is not made of vectors: (B, S, F) for
        ``"features"``, that or (B, F) for any other.
    """
    import keras

    try:
        features = model.get_layer(name).output
    except ValueError:
        named = [known for known in EMBEDDING_LAYERS if _has_layer(model, known)]
        raise ValueError(
            f"embed needs a network with a layer named {name!r}; the architecture of this "
            f"classifier has {' and '.join(map(repr, named)) or 'none'}"
        ) from None
    allowed = (3,) if name == "features" else (2, 3)
    if len(features.shape) not in allowed:
        raise ValueError(
            f"the layer {name!r} must give (B, S, F){' or (B, F)' * (2 in allowed)}, "
            f"got {features.shape}"
        )
    return keras.Model(model.inputs, features)


def _has_layer(model: Any, name: str) -> bool:
    return any(layer.name == name for layer in model.layers)


def get_weights(model: Any) -> list[tuple[str, np.ndarray]]:
    """Return path and value of every weight, in the model's order."""
    import keras

    return [(w.path, np.array(keras.ops.convert_to_numpy(w))) for w in model.weights]


def set_weights(model: Any, weights: list[np.ndarray]) -> None:
    """Set every weight, in the model's order.

    Raises
    ------
    ValueError
        If number or shapes do not match.
    """
    check_weight_shapes([tuple(w.shape) for w in model.weights], weights)
    for variable, value in zip(model.weights, weights, strict=True):
        variable.assign(value)
