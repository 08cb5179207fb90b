"""What is written of a classifier beside its weights, and the way back."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from crystalsym import networks
from crystalsym.bundles import (
    SavedFiles,
    model_folder,
    pack_classifier,
    read_saved,
    unpack_classifier,
    write_files,
)
from crystalsym.bundles._bundled_models import CLASSIFIER, FILES
from crystalsym.bundles._saved_files import refusing
from crystalsym.classification import _building as building
from crystalsym.classification._calibration import Calibration
from crystalsym.classification._classifier_parameters import RUN_PARAMETERS, check_parameters
from crystalsym.classification._json_values import plain
from crystalsym.classification._tensorflow1 import read_msdn

if TYPE_CHECKING:
    from crystalsym.classification._classifier import SpaceGroupClassifier

# No size of a network or an image is larger.
MAX_NUMBER = 1 << 16


def describe(classifier: SpaceGroupClassifier) -> dict[str, Any]:
    """Return the configuration of a fitted classifier as JSON values.

    Raises
    ------
    ValueError
        If a parameter or ``metadata_`` cannot be written as JSON.
    """
    architecture = classifier.architecture_
    parameters = dict(classifier._fitted_parameters)
    # A generator's state cannot be written.
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
    parameters = stored_parameters(config["parameters"], cls)
    classifier = cls(architecture=architecture if name is None else name, **parameters)
    options = classifier.architecture_options
    if name is not None:
        if not isinstance(name, str):
            raise ValueError(f"its architecture is {name!r}, not a name")
        check_options(networks.get(name), options)
    check_parameters(classifier)
    classes = np.array(config["classes"])
    if classes.ndim != 1 or classes.dtype.kind not in "iuU" or len(classes) < 2:
        raise ValueError("its classes are not two or more numbers or names")
    input_shape = tuple(int(s) for s in config["input_shape"])
    if len(input_shape) not in (3, 4) or not all(1 <= s <= MAX_NUMBER for s in input_shape):
        raise ValueError(f"its input_shape is {config['input_shape']}")
    network = building.trained_network(
        classifier.architecture, options, len(classes), input_shape, weights
    )
    classifier.classes_ = classes
    classifier.input_shape_ = input_shape
    classifier.history_ = list(config["history"])
    classifier.metadata_ = dict(config["metadata"])
    classifier._remember_parameters()
    classifier._adopt(network)
    classifier._keep(_calibration(config))
    return classifier


def stored_parameters(stored: dict[str, Any], cls: type) -> dict[str, Any]:
    """Return constructor parameters from what was stored of them.

    Raises
    ------
    ValueError
        If one is unknown, or says where files lie.
    """
    parameters = dict(stored)
    if parameters.get("checkpoint_dir") is not None:
        raise ValueError("checkpoint_dir belongs to a run and has no place in a saved classifier")
    known = cls._get_param_names()  # type: ignore[attr-defined]
    if unknown := sorted(parameters.keys() - {*known} | parameters.keys() & {"architecture"}):
        raise ValueError(f"it has unknown parameters: {', '.join(unknown[:5])}")
    for name in RUN_PARAMETERS:  # 0.1.0 wrote them
        parameters.pop(name, None)
    if isinstance(parameters["class_weight"], list):
        parameters["class_weight"] = {k: v for k, v in parameters["class_weight"]}
    options = parameters["architecture_options"]
    if options is not None:
        # JSON has lists only; builders take tuples.
        options = {k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}
        parameters["architecture_options"] = options
    return parameters


def check_options(builder: Callable[..., Any], options: dict[str, Any] | None) -> None:
    """Raise ValueError unless options are plain values that a network's builder has."""
    known = inspect.signature(builder).parameters.keys()
    for name, value in (options or {}).items():
        if name not in known:
            raise ValueError(f"its network has no option {name!r}; it has {', '.join(known)}")
        for item in value if isinstance(value, tuple) else (value,):
            plain_item = item is None or isinstance(item, bool | int | float | str)
            small = not isinstance(item, int | float) or abs(item) <= MAX_NUMBER
            if not (plain_item and small):
                raise ValueError(f"its option {name} is {value!r}")


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


def rebuild(
    cls: type,
    path: Any,
    config: dict[str, Any],
    weights: list[np.ndarray],
    architecture: Callable[..., Any] | None = None,
) -> Any:
    """Do what :func:`restore` does for what was read at a path, which its errors name.

    Raises
    ------
    SavedModelError
        If configuration and weights do not fit together.
    """
    with refusing(path, "cannot be rebuilt"):
        return restore(cls, config, weights, architecture)


class SavingMixin:
    """``save``, ``load`` and the other ways to a fitted classifier."""

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
        write_files(path, self._packed(dtype))

    def _packed(self: Any, dtype: str) -> dict[str, bytes]:
        """The files of the fitted classifier by name."""
        check_is_fitted(self)
        return pack_classifier(describe(self), self._current_weights(), dtype)

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
        return rebuild(cls, path, config, weights, architecture)

    @classmethod
    def from_pretrained(cls, name: str | int = "72") -> SpaceGroupClassifier:
        """Return a bundled classifier without the simulator and shaper that belong to it.

        Parameters
        ----------
        name : str or int, default="72"
            One of :func:`crystalsym.bundles.available`.
        """
        folder = model_folder(name)
        config, weights = unpack_classifier(SavedFiles(folder, FILES), f"{CLASSIFIER}/")
        return rebuild(cls, folder, config, weights)  # type: ignore[no-any-return]

    @classmethod
    def from_tensorflow1(
        cls,
        path: str | os.PathLike[str],
        classes: Iterable[int] | None = None,
        *,
        image_size: int = 224,
    ) -> SpaceGroupClassifier:
        """Read the checkpoint of the network MSDN that the paper's authors saved.

        Needs TensorFlow, whatever backend Keras has. The result is as any fitted classifier:
        ``save`` writes it for all backends.

        Parameters
        ----------
        path : path-like
            The checkpoint's name without what its files' names end in, one of these files, or
            their folder.
        classes : iterable of int, optional
            The groups that it tells apart. Their order does not matter: the heads have them in
            the order of their numbers written out, 1, 10, 107, 11. By default the label set of as
            many groups as the heads have.
        image_size : int, default=224
            Pixels of the images it will be given; the network takes any size.

        Returns
        -------
        SpaceGroupClassifier
            With the parameters of the preset ``"tiong2020"``, ``classes_`` sorted as numbers and
            no calibration.

        Raises
        ------
        ImportError
            If there is no TensorFlow.
        FileNotFoundError
            If no checkpoint is there.
        SavedModelError
            If it cannot be read, or variables are missing or of another shape; they are named
            (a ValueError).
        ValueError
            If the groups are not known, or not as many as the heads have.

        Warns
        -----
        UserWarning
            If there are further variables that are no memory of the optimizer, no counters and no
            moving averages.

        Notes
        -----
        The variables are ``MSDN/conv1/{w,biases}``,
        ``MSDN/dense_blockN/denseN_dense_i/layer{1,2}/conv/{w,biases}``,
        ``MSDN/dense_blockN/conv/{w,biases}`` and ``output_{1,2,3}/{matrix,bias}``, with N from 1
        and i from 0. They do not say by which stride the stem goes, where maps are averaged and in
        which order they are concatenated: :func:`crystalsym.networks.msdn` says what was chosen.

        Examples
        --------
        >>> from crystalsym import SpaceGroupClassifier
        >>> SpaceGroupClassifier.from_tensorflow1("pretrained model")
        Traceback (most recent call last):
            ...
        FileNotFoundError: pretrained model.index: no such file, so there is no checkpoint ...
        """
        options, groups, model = read_msdn(path, classes, image_size)
        classifier = cls.from_preset("tiong2020", architecture_options=options)  # type: ignore[attr-defined]
        classifier.classes_ = groups
        classifier.input_shape_ = (len(model.inputs), *model.inputs[0].shape[1:])
        classifier.history_ = []
        classifier.metadata_ = {"source": f"TensorFlow 1 checkpoint {Path(path).name}"}
        classifier._remember_parameters()
        classifier._adopt(model)
        classifier._keep(Calibration())
        return classifier  # type: ignore[no-any-return]
