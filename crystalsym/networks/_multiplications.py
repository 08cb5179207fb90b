"""What a network costs: multiplications for one crystal."""

from __future__ import annotations

import math
import random
from typing import Any

from crystalsym._keras import import_keras, without_values


def multiplications(model: Any) -> int:
    """Count the multiplications that a network makes of one crystal.

    Those of convolutions and dense layers, each with an addition; biases, normalization,
    activations and pooling, which make one of every value at most, are left out. A layer that is
    used several times, as a trunk that all streams share, counts every time.

    Parameters
    ----------
    model : keras.Model
        A functional or sequential model, as the builders return or a classifier has fitted; such
        models inside it are followed.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If a layer has a matrix of weights and is neither convolution nor dense layer, or a model
        has a ``call`` of its own, whose layers nobody can follow.

    Examples
    --------
    >>> from crystalsym.networks import multiplications, strided
    >>> f"{multiplications(strided(72)):,}"     # three streams of 33 million
    '98,930,688'
    """
    keras = import_keras()
    layers = keras.layers
    count = 0

    def copied(layer: Any) -> Any:
        if isinstance(layer, keras.Model):
            return layer
        return layer.__class__.from_config(layer.get_config())

    def called(layer: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal count
        if isinstance(layer, keras.Model):
            return followed(layer, args[0])(*args, **kwargs)
        output = layer(*args, **kwargs)
        if isinstance(layer, layers.Conv1D | layers.Conv2D | layers.Conv3D | layers.Dense):
            count += math.prod(output.shape) * math.prod(layer.kernel.shape[:-1])
        elif any(len(weight.shape) > 1 for weight in getattr(layer, "weights", ())):
            raise ValueError(
                f"the layer {layer.name} is a {type(layer).__name__}: multiplications of "
                "convolutions and dense layers alone are counted"
            )
        return output

    def graph(part: Any) -> Any:
        """The layers of a model alone: a copy of a compiled one would make variables, compiled."""
        if isinstance(part, keras.Sequential):
            return keras.Model(part.inputs[0], part.outputs[0])
        if not hasattr(part, "operations"):
            raise ValueError(
                f"the model {part.name} is of the class {type(part).__name__}: the layers of "
                "functional and sequential models alone can be followed"
            )
        return keras.Model(part.input, part.output)

    def followed(part: Any, tensors: Any) -> Any:
        """Call every layer of a model anew, for as many images as ``tensors`` hold."""
        part = graph(part)
        inputs = [
            keras.Input(batch_shape=x.shape, dtype=x.dtype) for x in keras.tree.flatten(tensors)
        ]
        return keras.models.clone_model(
            part,
            input_tensors=keras.tree.pack_sequence_as(part.input, inputs),
            clone_function=copied,
            call_function=called,
        )

    one = [keras.KerasTensor((1, *x.shape[1:]), dtype=x.dtype) for x in model.inputs]
    state = random.getstate()  # what new layers draw their seeds from
    try:
        with without_values():  # shapes tell all
            followed(model, one)
    finally:
        random.setstate(state)
    return count
