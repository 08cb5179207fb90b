"""What is written of a classifier beside its weights, and the way back."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from crystalsym.bundles import classifier_folder
from crystalsym.bundles._saved_models import SavedModelError, read_saved, write_saved
from crystalsym.classification import _building as building
from crystalsym.classification._calibration import Calibration
from crystalsym.classification._json_values import plain

if TYPE_CHECKING:
    from crystalsym.classification._classifier import SpaceGroupClassifier


def describe(classifier: SpaceGroupClassifier) -> dict[str, Any]:
    """Return the configuration of a fitted classifier as JSON values.

    Raises
    ------
    ValueError
        If a parameter or ``metadata_`` cannot be written as JSON.
    """
    parameters = classifier.get_params(deep=False)
    architecture = parameters.pop("architecture")
    # Where checkpoints lay is nobody else's business, and a generator's state cannot be written.
    parameters["checkpoint_dir"] = None
    if isinstance(parameters["random_state"], np.random.RandomState):
        parameters["random_state"] = None
    if isinstance(parameters["class_weight"], dict):
        # JSON has no integer keys.
        parameters["class_weight"] = [[k, v] for k, v in parameters["class_weight"].items()]
    return {
        "architecture": None if callable(architecture) else architecture,
        "parameters": {name: plain(value, name) for name, value in parameters.items()},
        "classes": classifier.classes_.tolist(),
        "input_shape": list(classifier.input_shape_),
        "n_parameters": classifier.n_parameters_,
        "temperature": classifier.temperature_,
        "n_calibration": classifier.n_calibration_,
        "set_scores": plain(classifier.set_scores_, "set_scores_"),
        "history": plain(classifier.history_, "history_"),
        "metadata": plain(classifier.metadata_, "metadata_"),
    }


def restore(
    cls: type,
    config: dict[str, Any],
    weights: list[np.ndarray],
    architecture: Callable[..., Any] | None,
) -> Any:
    """Build a fitted classifier from configuration and weights.

    Raises
    ------
    ValueError
        If the network is the user's and ``architecture`` is not given, or if the weights do not
        fit the network.
    """
    name = config["architecture"]
    if name is None and architecture is None:
        raise ValueError(
            "it was made with a network of the user's own, which is not saved; pass the function "
            "that builds it as load(path, architecture=...)"
        )
    if name is not None and architecture is not None:
        raise ValueError(f"its network is {name!r}; architecture must not be given")
    parameters = dict(config["parameters"])
    if isinstance(parameters["class_weight"], list):
        parameters["class_weight"] = {k: v for k, v in parameters["class_weight"]}
    options = parameters["architecture_options"]
    if options is not None:
        # JSON has lists only; builders take tuples.
        options = {k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}
        parameters["architecture_options"] = options
    classifier = cls(architecture=architecture if name is None else name, **parameters)
    classes = np.array(config["classes"])
    input_shape = tuple(int(s) for s in config["input_shape"])
    network = building.trained_network(
        classifier.architecture, options, len(classes), input_shape, weights
    )
    classifier.classes_ = classes
    classifier.input_shape_ = input_shape
    classifier.history_ = list(config["history"])
    classifier.metadata_ = dict(config["metadata"])
    classifier._adopt(network)
    classifier._keep(_calibration(config))
    return classifier


def _calibration(config: dict[str, Any]) -> Calibration:
    """What was stored of it; older files have none."""
    temperature = float(config.get("temperature", 1.0))
    if not 0.0 < temperature < float("inf"):
        raise ValueError(f"its temperature is {temperature}")
    stored = config.get("set_scores")
    if stored is None:
        return Calibration(temperature)
    scores, n_rows = np.array(stored, dtype=np.float64), int(config["n_calibration"])
    fits = scores.ndim == 1 and 1 <= len(scores) <= n_rows
    if not (fits and 0 <= scores.min() <= scores.max() <= 1 and (np.diff(scores) >= 0).all()):
        raise ValueError("its set_scores are not sorted scores of validation rows")
    return Calibration(temperature, n_rows, scores)


class SavingMixin:
    """``save``, ``load`` and ``from_pretrained`` of the classifier."""

    def save(self: Any, path: str | os.PathLike[str], dtype: str = "float32") -> None:
        """Save to a folder, or to a zip file if path ends with ``.zip``.

        Parameters
        ----------
        path : path-like
        dtype : {"float32", "float16"}, default="float32"
            Type the weights are stored in; ``"float16"`` halves the file.

        Raises
        ------
        ValueError
            If a parameter or ``metadata_`` cannot be written as JSON.
        """
        check_is_fitted(self)
        write_saved(path, describe(self), self._current_weights(), dtype)

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], architecture: Callable[..., Any] | None = None
    ) -> Any:
        """Load what ``save`` wrote; nothing in the file is run.

        Parameters
        ----------
        path : path-like
        architecture : callable, default=None
            Needed where the classifier was made with a callable, which is not saved.

        Raises
        ------
        FileNotFoundError
            If there is nothing at that path.
        SavedModelError
            If the file is damaged, altered or not a saved classifier (a ValueError).
        """
        config, weights = read_saved(path)
        try:
            return restore(cls, config, weights, architecture)
        except (KeyError, TypeError, ValueError) as error:
            raise SavedModelError(f"{path} cannot be rebuilt: {error}") from error

    @classmethod
    def from_pretrained(cls, name: str = "72") -> SpaceGroupClassifier:
        """Return a bundled classifier without the simulator and shaper that belong to it."""
        return cls.load(classifier_folder(name))
