"""The network of a fitted classifier: by Keras where it is asked for, else in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from crystalsym.classification import _building as building
from crystalsym.classification._image_rows import ImageRows, check_row_shape, warn_of_absent
from crystalsym.classification._prediction import predict_with_gaps
from crystalsym.networks._numpy_network import NumpyNetwork, numpy_network


class FittedNetworkMixin:
    """The network of a classifier, kept as weights until it is built, and what it computes."""

    classes_: np.ndarray
    input_shape_: tuple[int, ...]
    metadata_: dict[str, Any]
    architecture_: Any
    architecture_options_: dict[str, Any] | None
    # The weights are those of the network, or kept in _weights until it is built.
    _model: Any
    _weights: list[tuple[str, np.ndarray]] | None
    _numpy: NumpyNetwork | None = None
    _features: dict[str, Any] | None

    @property
    def model_(self) -> Any:
        """The network, a ``keras.Model``; built on first use after loading or unpickling."""
        check_is_fitted(self)
        with building.BUILDING:  # several threads may be the first
            if self._model is None:
                model = building.build_model(
                    self.architecture_,
                    self.architecture_options_,
                    len(self.classes_),
                    self.input_shape_,
                )
                building.set_weights(model, [value for _, value in self._current_weights()])
                self._model, self._weights, self._numpy = model, None, None
        return self._model

    def _current_weights(self) -> list[tuple[str, np.ndarray]]:
        """Path and value of every weight, as ``model_`` has them now."""
        if self._model is not None:
            return building.get_weights(self._model)
        return self._weights or []

    def embed(self, X: Any, layer: str = "features") -> np.ndarray:
        """Return what a layer of the network makes of every row.

        Parameters
        ----------
        X : array-like or lazy array, (n, S, H, W, C) or (n, H, W, C)
        layer : str, default="features"
            ``"features"`` gives the feature vector of every stream, ``"embedding"``, where the
            network has it, the joint vector of all streams.

        Returns
        -------
        ndarray float32 (n, S, F) or (n, E)

        Raises
        ------
        ValueError
            If the network has no such layer.
        """
        check_is_fitted(self)
        features, absent = self._outputs(self._network(layer), X)
        warn_of_absent(absent)
        return features[:, 0]

    def _adopt(self, network: Any) -> None:
        self._model, self._weights, self._numpy, self._features = network, None, None, None
        if isinstance(network, NumpyNetwork):
            self._model, self._weights, self._numpy = None, network.weights, network
        self.n_parameters_ = sum(int(value.size) for _, value in self._current_weights())

    def _network(self, layer: str | None = None) -> Any:
        """What computes the logits, or a layer's output: in NumPy where that can be.

        Not once the Keras model is there, whose weights may have been changed.
        """
        check_is_fitted(self)
        network = self._numpy_network()
        if network is not None and layer is None:
            return network
        if network is not None and layer in network.layers:
            return network.up_to(layer)
        if layer is None:
            return self.model_
        if self._features is None:
            self._features = {}
        if layer not in self._features:
            self._features[layer] = building.layer_model(self.model_, layer)
        return self._features[layer]

    def _numpy_network(self) -> NumpyNetwork | None:
        with building.BUILDING:
            if self._model is None and self._numpy is None:
                self._numpy = numpy_network(
                    self.architecture_,
                    self.architecture_options_,
                    len(self.classes_),
                    self.input_shape_,
                    [value for _, value in self._current_weights()],
                )
            return self._numpy

    def _outputs(self, model: Any, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Outputs of a network for every row, and which rows hold NaN."""
        rows = ImageRows(X)
        check_row_shape(rows, self.input_shape_, self.metadata_)
        return predict_with_gaps(model, rows)

    def __getstate__(self) -> dict[str, Any]:
        # Weights travel as numpy arrays; the network itself is rebuilt where it is needed.
        state: dict[str, Any] = dict(super().__getstate__())  # type: ignore[call-overload]
        if "_model" in state:
            weights = self._current_weights()
            state.update(_model=None, _features=None, _numpy=None, _weights=weights)
        return state
