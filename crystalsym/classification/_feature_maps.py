"""Feature maps of a network's inner layers, those within a shared trunk among them."""

from __future__ import annotations

import difflib
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from crystalsym.classification._image_rows import warn_of_absent

# Names that an error lists; a DenseNet has more than a hundred.
_NAMED = 12


class FeatureMapsMixin:
    """``feature_maps`` and ``feature_map_layers`` of the classifier."""

    _features: dict[str, Any] | None

    def feature_map_layers(self: Any) -> dict[str, tuple[int, int, int]]:
        """Name the layers whose output is maps, with height, width and number of the maps.

        Layers within a part of the network, such as the trunk that all streams share, are named
        after it: ``"trunk/stem"``. Layers that only rearrange their input are among them.

        Returns
        -------
        dict
            From names, in the network's order, to (h, w, n_maps).

        Examples
        --------
        >>> from crystalsym.pretrained import load_classifier
        >>> layers = load_classifier("230-lists").feature_map_layers()
        >>> layers["trunk/block1_layer1_relu"]
        (5, 9, 16)
        """
        return {name: shape for name, (_, _, shape) in _map_layers(self.model_).items()}

    def feature_maps(self: Any, X: Any, layer: str) -> np.ndarray:
        """Return the feature maps that a layer of the network makes of every row.

        Parameters
        ----------
        X : array-like or lazy array, (n, S, H, W, C) or (n, H, W, C)
            As in :meth:`fit`. All maps are held in memory.
        layer : str
            One of :meth:`feature_map_layers`, such as ``"trunk/block1_layer1_conv"``. Where a
            normalization follows the convolution, ``"..._relu"`` is what the next layer sees.

        Returns
        -------
        ndarray float32 (n, S, h, w, n_maps)
            S = 1 for merged images. NaN, with a warning, where rows hold it.

        Raises
        ------
        ValueError
            If the network has no such layer, or its output is no maps.
        """
        check_is_fitted(self)
        if self._features is None:
            self._features = {}
        key = f"maps of {layer}"
        if key not in self._features:
            self._features[key] = map_model(self.model_, layer)
        maps, absent = self._outputs(self._features[key], X)
        warn_of_absent(absent)
        return maps[:, 0]


def map_model(model: Any, name: str) -> Any:
    """Return the part of a network up to a layer of maps, as a model that gives (B, S, h, w, C).

    Parameters
    ----------
    model : keras.Model
    name : str
        ``"layer"``, or ``"part/layer"`` within a part of the network.

    Raises
    ------
    ValueError
        If there is no such layer, or its output is no maps; the message names those there are.
    """
    import keras
    from keras import ops

    layers = _map_layers(model)
    if name not in layers:
        close = difflib.get_close_matches(str(name), layers, n=_NAMED, cutoff=0.4)
        named = close or list(layers)[:_NAMED]
        more = len(layers) - len(named)
        known = ", ".join(named) or "none"
        raise ValueError(
            f"the network has no layer {name!r} of feature maps; it has {known}"
            + (f" and {more} more (feature_map_layers() names all)" if more > 0 else "")
        )
    part, layer, shape = layers[name]
    if part is None:
        outputs = [layer.output]
    else:
        # Keras has no public way to ask what a part of a network is applied to.
        inner = keras.Model(part.inputs, layer.output)
        outputs = [inner(node.input_tensors) for node in part._inbound_nodes]
    zeros = [np.zeros((1, *x.shape[1:]), dtype=np.float32) for x in model.inputs]
    maps = []
    for output in outputs:
        # Of one crystal, there are as many as streams where these were folded into the batch.
        one = keras.Model(model.inputs, output)(zeros)
        maps.append(ops.reshape(output, (-1, int(one.shape[0]), *shape)))
    return keras.Model(model.inputs, maps[0] if len(maps) == 1 else ops.concatenate(maps, axis=1))


def _map_layers(model: Any) -> dict[str, tuple[Any, Any, tuple[int, int, int]]]:
    """Name, part of the network it is in, the layer itself, and shape of its maps."""
    found = {}
    for layer in model.layers:
        inner = getattr(layer, "layers", None)
        if inner is None or not hasattr(layer, "inputs"):
            candidates = [(layer.name, None, layer)]
        else:
            candidates = [(f"{layer.name}/{one.name}", layer, one) for one in inner]
        for name, part, one in candidates:
            shape = _map_shape(one)
            if shape is not None:
                found[name] = (part, one, shape)
    return found


def _map_shape(layer: Any) -> tuple[int, int, int] | None:
    """Height, width and number of a layer's maps; None for an input or what gives no maps."""
    if type(layer).__name__ == "InputLayer":
        return None
    try:
        shape = layer.output.shape
    except (AttributeError, ValueError):  # several outputs, or none by itself
        return None
    if len(shape) != 4 or None in shape[1:]:
        return None
    return int(shape[1]), int(shape[2]), int(shape[3])
