"""Outputs of a trained network in NumPy alone: Keras' backends take seconds to import."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np

from crystalsym.networks._common import check_sizes, departures
from crystalsym.networks._msdense import msdense
from crystalsym.networks._msmlp import msmlp

# Keras' default, which the builders leave as it is.
BATCH_NORM_EPSILON = 1e-3
_NORM_PARTS = ("gamma", "beta", "moving_mean", "moving_variance")


class NumpyNetwork:
    """Compute the outputs of a trained network.

    Attributes
    ----------
    layers : tuple of str
        Layers whose output can be asked for.
    weights : list of (str, ndarray)
        Path and value of every weight, in the Keras model's order.
    """

    layers: ClassVar[tuple[str, ...]] = ()
    weights: list[tuple[str, np.ndarray]]
    _layer: str | None = None

    def up_to(self, layer: str) -> Self:
        """Return the part of the network that computes the output of one of ``layers``."""
        part = copy.copy(self)
        part._layer = layer
        return part

    def __call__(self, streams: list[np.ndarray]) -> np.ndarray:
        """Compute the logits of a batch, (B, n_classes), or what the layer gives, (B, ...).

        Parameters
        ----------
        streams : list of S float32 arrays (B, H, W, C)
        """
        raise NotImplementedError


class _JointNetwork(NumpyNetwork):
    """What networks share whose trunk ends in dense layers and whose streams are joined by some."""

    layers = ("features", "embedding")

    def _take(
        self,
        weights: list[np.ndarray],
        convolutions: list[tuple[str, tuple[int, ...]]],
        n_inputs: int,
        n_streams: int,
        n_classes: int,
        sizes: dict[str, Any],
    ) -> None:
        """Check the weights and fold every batch normalization into the layer before it.

        Parameters
        ----------
        weights : list of ndarray
        convolutions : list of (str, tuple of int)
            Name and shape of the kernel of each, in the model's order.
        n_inputs : int
            Values that the trunk's first dense layer takes.
        n_streams, n_classes : int
        sizes : dict
            All options of the builder.
        """
        features = sizes["features"]
        # Name, inputs, outputs, name of the batch normalization.
        dense = (
            ("trunk_1", n_inputs, sizes["width"], "trunk_1_norm"),
            ("trunk_2", sizes["width"], features, "trunk_2_norm"),
            ("joint", n_streams * features, sizes["joint"], "joint_norm"),
            ("embedding_dense", sizes["joint"], sizes["embedding"], "embedding_norm"),
        )
        hidden = [(f"{name}_conv", shape, f"{name}_norm") for name, shape in convolutions]
        hidden += [(name, (n_in, n_out), norm) for name, n_in, n_out, norm in dense]
        due: list[tuple[str, tuple[int, ...]]] = []
        for name, shape, norm in hidden:
            due.append((f"{name}/kernel", shape))
            due.extend((f"{norm}/{part}", (shape[-1],)) for part in _NORM_PARTS)
        due.append(("logits/kernel", (sizes["embedding"], n_classes)))
        due.append(("logits/bias", (n_classes,)))
        check_weight_shapes([shape for _, shape in due], weights)
        self.weights = [(path, value) for (path, _), value in zip(due, weights, strict=True)]
        step = 1 + len(_NORM_PARTS)
        folded = [_fold(*weights[i : i + step]) for i in range(0, step * len(hidden), step)]
        self._convolutions = folded[: len(convolutions)]
        self._dense = folded[len(convolutions) :]
        self._logits = tuple(weights[-2:])

    def _through_dense(self, x: np.ndarray, n: int) -> np.ndarray:
        """What the dense layers make of the streams of n crystals, (n * S, n_inputs)."""
        n_streams = len(x) // n
        for i, (kernel, shift) in enumerate(self._dense):
            if i == 2:  # from here on the streams of a crystal go together
                if self._layer == "features":
                    return x.reshape(n, n_streams, -1)
                x = x.reshape(n, -1)
            x = x @ kernel
            x += shift
            np.maximum(x, 0.0, out=x)
        if self._layer == "embedding":
            return x
        kernel, bias = self._logits
        return x @ kernel + bias


def _seen(streams: list[np.ndarray], first: int) -> np.ndarray:
    """The rows of every picture from the first that is read, (B * S, h, W, C)."""
    seen = np.stack([images[:, first:] for images in streams], axis=1)
    return seen.reshape(-1, *seen.shape[2:])


class NumpyMsmlp(_JointNetwork):
    """Compute what :func:`crystalsym.networks.msmlp` computes outside of training.

    Parameters
    ----------
    n_classes, image_size, channels, n_streams : int
        As for the builder.
    weights : list of ndarray
        Values of the Keras model's weights, in its order.
    **options
        As for the builder.

    Raises
    ------
    TypeError
        If the builder has no such option.
    ValueError
        If a size is none a network can be built with, or the weights do not fit.
    """

    def __init__(
        self,
        n_classes: int,
        image_size: int,
        channels: int,
        n_streams: int,
        weights: list[np.ndarray],
        **options: Any,
    ):
        check_sizes(image_size, channels, n_streams, n_classes)
        sizes = _with_defaults(msmlp, options)
        self._first = image_size // 2 if sizes["half"] else 0
        n_inputs = (image_size - self._first) * image_size * channels
        self._symmetry = bool(sizes["symmetry"])
        if self._symmetry:
            n_inputs += 3 * (image_size - image_size // 2) * image_size
        self._take(weights, [], n_inputs, n_streams, n_classes, sizes)

    def __call__(self, streams: list[np.ndarray]) -> np.ndarray:
        seen = _seen(streams, self._first)
        x = seen.reshape(len(seen), -1)
        if self._symmetry:
            whole = seen if self._first == 0 else _seen(streams, 0)
            x = np.concatenate(
                [x, *(one.reshape(len(x), -1) for one in departures(whole, np))], axis=1
            )
        return self._through_dense(x, len(streams[0]))


class NumpyMsdense(_JointNetwork):
    """Compute what :func:`crystalsym.networks.msdense` computes outside of training.

    Parameters
    ----------
    n_classes, image_size, channels, n_streams : int
        As for the builder.
    weights : list of ndarray
        Values of the Keras model's weights, in its order.
    **options
        As for the builder.

    Raises
    ------
    TypeError
        If the builder has no such option.
    ValueError
        If a size is none a network can be built with, or the weights do not fit.
    """

    def __init__(
        self,
        n_classes: int,
        image_size: int,
        channels: int,
        n_streams: int,
        weights: list[np.ndarray],
        **options: Any,
    ):
        check_sizes(image_size, channels, n_streams, n_classes)
        sizes = _with_defaults(msdense, options)
        self._size, self._blocks = image_size, tuple(sizes["blocks"])
        self._first = first = image_size // 2 if sizes["half"] else 0
        columns = -(-(image_size + image_size // 2 % 2) // 2)
        rows = -(-(image_size - first) // 2) if first else columns
        n_channels = 4 * channels
        convolutions: list[tuple[str, tuple[int, ...]]] = []
        for b, n_layers in enumerate(self._blocks, start=1):
            for i in range(1, n_layers + 1):
                shape = (3, 3, n_channels, sizes["growth"])
                convolutions.append((f"block{b}_layer{i}", shape))
                n_channels += sizes["growth"]
            convolutions.append((f"transition{b}", (1, 1, n_channels, sizes["transition"])))
            n_channels = sizes["transition"]
        n_inputs = (image_size - first) * image_size * channels + rows * columns * n_channels
        self._take(weights, convolutions, n_inputs, n_streams, n_classes, sizes)

    def __call__(self, streams: list[np.ndarray]) -> np.ndarray:
        seen = _seen(streams, self._first)
        x = np.concatenate([seen.reshape(len(seen), -1), self._maps(seen)], axis=1)
        return self._through_dense(x, len(streams[0]))

    def _maps(self, seen: np.ndarray) -> np.ndarray:
        """What the dense blocks make of what is seen of the pictures, flattened."""
        x = by_parity(seen, self._size)
        folded = iter(self._convolutions)
        for n_layers in self._blocks:
            for _ in range(n_layers):
                x = np.concatenate([x, _convolved(x, *next(folded))], axis=-1)
            x = _convolved(x, *next(folded))
        return x.reshape(len(x), -1)


def by_parity(seen: np.ndarray, image_size: int) -> np.ndarray:
    """Even and odd indices of half or whole pictures as channels, (B, h/2, W/2, 4 C)."""
    odd_start = (image_size // 2) % 2
    rows, columns = seen.shape[1:3]
    odd_row = odd_start if rows == image_size else 0
    edges = (odd_row, (rows + odd_row) % 2), (odd_start, (columns + odd_start) % 2)
    seen = np.pad(seen, ((0, 0), *edges, (0, 0)))
    n, rows, columns, channels = seen.shape
    x = seen.reshape(n, rows // 2, 2, columns // 2, 2 * channels).transpose(0, 1, 3, 2, 4)
    return x.reshape(n, rows // 2, columns // 2, 4 * channels)


def _convolved(x: np.ndarray, kernel: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Convolution of stride 1 that keeps the size, and ReLU."""
    size = kernel.shape[0]
    if size > 1:
        edge = size // 2
        padded = np.pad(x, ((0, 0), (edge, edge), (edge, edge), (0, 0)))
        rows, columns = x.shape[1:3]
        x = np.concatenate(
            [padded[:, i : i + rows, j : j + columns] for i in range(size) for j in range(size)],
            axis=-1,
        )
    return np.maximum(x @ kernel.reshape(-1, kernel.shape[-1]) + shift, 0.0)


_NETWORKS: dict[str, Callable[..., NumpyNetwork]] = {"msdense": NumpyMsdense, "msmlp": NumpyMsmlp}


def numpy_network(
    architecture: Any,
    options: dict[str, Any] | None,
    n_classes: int,
    input_shape: tuple[int, ...],
    weights: list[np.ndarray],
) -> NumpyNetwork | None:
    """Return a trained network that runs in NumPy, None for one that needs Keras.

    Parameters
    ----------
    architecture : str or callable
        As ``SpaceGroupClassifier`` has it.
    options : dict or None
        Further keyword arguments of the network's builder.
    n_classes : int
    input_shape : tuple of int
        (S, H, W, C) or (H, W, C).
    weights : list of ndarray
        Values of the Keras model's weights, in its order.

    Raises
    ------
    TypeError
        If the builder has no such option.
    ValueError
        If the weights do not fit the network.
    """
    network = _NETWORKS.get(architecture) if isinstance(architecture, str) else None
    if network is None:
        return None
    n_streams = input_shape[0] if len(input_shape) == 4 else 1
    return network(
        n_classes, input_shape[-2], input_shape[-1], n_streams, weights, **(options or {})
    )


def check_weight_shapes(due: list[tuple[int, ...]], weights: list[np.ndarray]) -> None:
    """Raise ValueError if weights are not as many, or not of the shapes, that are due."""
    given = [tuple(w.shape) for w in weights]
    if due == given:
        return
    place = next((i for i, (a, b) in enumerate(zip(due, given, strict=False)) if a != b), None)
    detail = (
        f"{len(given)} arrays for {len(due)} weights"
        if place is None
        else f"array {place} has shape {given[place]} where {due[place]} is due"
    )
    raise ValueError(f"the weights do not fit the network: {detail}")


def _with_defaults(builder: Callable[..., Any], options: dict[str, Any]) -> dict[str, Any]:
    """All options of a builder, those that were not given as it has them."""
    known = {
        name: parameter.default
        for name, parameter in inspect.signature(builder).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise TypeError(
            f"{builder.__name__} has no option {unknown[0]!r}; it has {', '.join(known)}"
        )
    return known | options


def _fold(
    kernel: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and shift of a dense layer without bias and the batch normalization after it."""
    scale = gamma.astype(np.float64) / np.sqrt(variance.astype(np.float64) + BATCH_NORM_EPSILON)
    shift = beta - mean * scale
    return kernel * scale.astype(np.float32), shift.astype(np.float32)
