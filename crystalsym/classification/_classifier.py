"""The estimator: shaped patterns in, ranked space groups out."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from crystalsym._presets import PresetMixin
from crystalsym.classification._answers import AnswersMixin
from crystalsym.classification._calibration import Calibration, calibrate
from crystalsym.classification._classifier_parameters import (
    PRESETS,
    RUN_PARAMETERS,
    check_parameters,
)
from crystalsym.classification._feature_maps import FeatureMapsMixin
from crystalsym.classification._fitted_network import FittedNetworkMixin
from crystalsym.classification._fitting import train
from crystalsym.classification._image_rows import (
    ImageRows,
    check_labels,
    check_row_shape,
    check_weights,
    known_codes,
    warn_of_absent,
)
from crystalsym.classification._objectives import log_softmax, total_weights
from crystalsym.classification._prediction import predict_outputs
from crystalsym.classification._ranking import refuse_absent
from crystalsym.classification._saving import SavingMixin

if TYPE_CHECKING:
    from typing import Self


class SpaceGroupClassifier(
    PresetMixin,
    AnswersMixin,
    FittedNetworkMixin,
    FeatureMapsMixin,
    SavingMixin,
    ClassifierMixin,
    BaseEstimator,
):
    """Classify shaped diffraction patterns by space group with a convolutional network.

    Parameters
    ----------
    architecture : str or callable, default="msmlp"
        Name of a network in :mod:`crystalsym.networks`, or a function called as
        ``architecture(n_classes=..., image_size=..., channels=..., n_streams=...)`` that returns a
        functional Keras model with one input per stream and logits as output(s).
    architecture_options : dict, default=None
        Further keyword arguments of the network's builder.
    epochs : int, default=100
        Passes over the learning rows.
    batch_size : int, default=512
        Rows per step.
    optimizer : str, default="adamw"
        Name of a Keras optimizer. ``"sgd"`` has Nesterov momentum 0.9.
    learning_rate : float, default=4e-3
        Learning rate at its peak.
    weight_decay : float, default=2e-2
        Decoupled weight decay; biases and normalization are left out.
    learning_rate_schedule : {"cosine", "linear", "constant"}, default="cosine"
        Course of the learning rate after the warm-up.
    warmup_fraction : float, default=0.05
        Part of all steps over which the learning rate rises linearly.
    label_smoothing : float, default=0.0
        Probability spread evenly over all groups in the targets.
    class_weight : dict, "balanced" or None, default=None
        Weights of the groups, as in scikit-learn.
    validation_fraction : float, default=0.1
        Part of the rows held out, of each group about in proportion, and scored after every
        epoch; 0 holds out none.
    validation_rotation : int, default=None
        Epochs after which other rows are held out: the rows are parted into
        ``round(1 / validation_fraction)`` groups, of which each is held out once before the first
        is again. None holds out the same rows to the end.
    early_stopping : bool, default=False
        Stop when the validation loss no longer falls, and keep the weights of the best epoch.
    n_iter_no_change : int, default=5
        Epochs without improvement after which early stopping stops.
    tol : float, default=1e-4
        Fall of the validation loss that counts as improvement.
    calibrate : bool, default=True
        Divide the logits by one temperature, fitted to the validation rows after the training, so
        that probabilities are as large as they are often right. Once ``validation_rotation`` has
        changed them, no row is left that was not learned from: there is nothing to fit it to, nor
        are there ``set_scores_``, and :meth:`recalibrate` finds both by other rows.
    distribution : {"data"} or None, default=None
        ``"data"`` spreads every batch of the training over all devices there are. TensorFlow and
        PyTorch normalize each device's part by itself.
    precision : {"float32", "mixed_bfloat16", "mixed_float16"} or None, default=None
        Keras dtype policy of the training, None for Keras' current one. The fitted classifier
        always predicts in float32.
    checkpoint_dir : path-like, default=None
        Where the state of the training is stored; None stores nothing.
    checkpoint_interval : float, default=None
        Seconds between checkpoints, None for 120; there is one after every epoch in any case.
    resume : bool, default=True
        Go on from a checkpoint in ``checkpoint_dir`` with the same order of samples. With False
        it is overwritten. A finished training's checkpoint makes ``fit`` return its result.
    warm_start : bool, default=False
        Begin with the weights of the fit before (or those that were loaded) in place of random
        ones. Network and shape of the images must be the same, and the groups, or some of them;
        ``classes_`` stay.
    random_state : int, RandomState instance or None, default=None
        Fixes initial weights, held-out rows, the order of samples and dropout.
    verbose : int, default=0
        1 prints a line for every epoch and the pace once a minute, 2 the pace more often.

    Attributes
    ----------
    classes_ : ndarray (n_classes,)
        The groups, sorted; columns of ``predict_proba`` follow it.
    history_ : list of dict
        For every epoch: epoch, loss, val_loss, val_accuracy, val_top5, learning_rate, seconds;
        with ``validation_rotation`` also validation_group, which of the groups was held out,
        from 1.
    input_shape_ : tuple of int
        Shape of one row, (S, H, W, C) or (H, W, C).
    n_parameters_ : int
        Parameters of the network, moving statistics included.
    temperature_ : float
        What ``predict_proba`` divides the logits by; 1 without validation rows.
    n_calibration_ : int
        Rows that ``temperature_`` and ``set_scores_`` were found by.
    set_scores_ : ndarray (m,) or None
        What those rows tell ``predict_set``: sorted scores of their true groups, at most 1000.
    architecture_ : str or callable
        The network that was fitted; ``set_params`` after ``fit`` concerns the next ``fit`` alone.
    architecture_options_ : dict or None
        Its options.
    metadata_ : dict
        Free JSON values that are saved along. ``metadata_["made_by"]`` holds the steps that made
        the images, simulator included, as far as they are known; images made otherwise bring a
        warning. ``metadata_["descriptor"]`` says it in words, and is quoted where images do not
        fit.
    model_ : keras.Model
        The network. Weights that are changed in it are those that predict, are saved, pickled and
        copied from then on.

    Notes
    -----
    X is float in [0, 1] or uint8, either three streams (n, S, H, W, C) from ``PatternShaper`` or
    merged images (n, H, W, C) from ``SpotMerger``. It may be lazy: any object with ``shape``,
    ``dtype``, ``__len__`` and ``__getitem__(index_array)`` is asked for one batch at a time, in a
    background thread. If it has ``set_epoch(epoch)``, that is called before every epoch, and with
    None after it, so that validation sees the rows as they are; rows of the same number in its
    ``validation_groups`` are held out for validation together, those of a negative number never;
    if it has a ``descriptor``, that goes into ``metadata_`` and must be the same in predictions.

    A classifier with the network ``"msmlp"`` that was loaded or unpickled answers in NumPy, which
    agrees with Keras to 1e-5 in probabilities; no Keras backend is imported. Once ``model_`` was
    asked for, that answers, on the device that the backend takes.

    Rows that hold NaN (crystals that ``DiffractionSimulator(on_error="nan")`` could not simulate)
    are refused by ``fit`` and ``predict``. ``predict_proba``, ``decision_function`` and ``embed``
    return NaN for them and warn once.

    References
    ----------
    L. C. O. Tiong, J. Kim, S. S. Han, D. Kim, npj Computational Materials 6, 196 (2020).

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.classification import SpaceGroupClassifier
    >>> X = 0.3 * np.random.default_rng(0).random((64, 3, 16, 16, 2))
    >>> y = np.repeat([221, 225], 32)
    >>> X[:32, :, 4, 4] = X[32:, :, 8, 8] = 1.0
    >>> options = {"width": 8, "features": 8, "embedding": 16}
    >>> classifier = SpaceGroupClassifier("strided", options, epochs=6, batch_size=8,
    ...                                   learning_rate=0.01, random_state=0)
    >>> classifier.fit(X, y).predict(X[[0, 63]])
    array([221, 225])
    >>> groups, probabilities = classifier.predict_top_k(X[:1], k=2)
    >>> groups
    array([[221, 225]])
    """

    _presets = PRESETS

    _fitted_parameters: dict[str, Any]

    def __init__(
        self,
        architecture: str | Callable[..., Any] = "msmlp",
        architecture_options: dict[str, Any] | None = None,
        epochs: int = 100,
        batch_size: int = 512,
        optimizer: str = "adamw",
        learning_rate: float = 4e-3,
        weight_decay: float = 2e-2,
        learning_rate_schedule: str = "cosine",
        warmup_fraction: float = 0.05,
        label_smoothing: float = 0.0,
        class_weight: dict[int, float] | str | None = None,
        validation_fraction: float = 0.1,
        validation_rotation: int | None = None,
        early_stopping: bool = False,
        n_iter_no_change: int = 5,
        tol: float = 1e-4,
        calibrate: bool = True,
        distribution: str | None = None,
        precision: str | None = None,
        checkpoint_dir: str | os.PathLike[str] | None = None,
        checkpoint_interval: float | None = None,
        resume: bool = True,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        self.architecture = architecture
        self.architecture_options = architecture_options
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.learning_rate_schedule = learning_rate_schedule
        self.warmup_fraction = warmup_fraction
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.validation_fraction = validation_fraction
        self.validation_rotation = validation_rotation
        self.early_stopping = early_stopping
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.calibrate = calibrate
        self.distribution = distribution
        self.precision = precision
        self.checkpoint_dir = checkpoint_dir
        self.checkpoint_interval = checkpoint_interval
        self.resume = resume
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.non_deterministic = self.random_state is None
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like or lazy array, (n, S, H, W, C) or (n, H, W, C)
            float in [0, 1], or uint8.
        y : array-like (n,) of int
            Space-group numbers.
        sample_weight : array-like (n,), default=None
            Weights in the loss and in the validation's figures.

        Returns
        -------
        SpaceGroupClassifier
            Itself.

        Raises
        ------
        ValueError
            If a parameter, the images or the labels are not as described.
        CheckpointError
            If ``checkpoint_dir`` holds the checkpoint of another training (a ValueError).
        FloatingPointError
            If the loss becomes infinite or NaN.
        """
        check_parameters(self)
        rows = ImageRows(X)
        rows.check()
        classes, codes = check_labels(y, len(rows))
        if len(rows) < 2:
            raise ValueError("at least two rows are needed")
        weights = total_weights(
            self.class_weight, classes, codes, check_weights(sample_weight, len(rows))
        )
        former = getattr(self, "classes_", None) if self.warm_start else None
        if former is not None and set(classes) <= set(former):
            classes, codes = former, np.searchsorted(former, classes)[codes]
        model, history, calibration = train(self, rows, classes, codes, weights)
        self.classes_ = classes
        self.history_ = history
        self.input_shape_ = rows.shape
        self.metadata_: dict[str, Any] = {}
        if rows.descriptor is not None:
            self.metadata_["descriptor"] = rows.descriptor
        if rows.made_by:
            self.metadata_["made_by"] = rows.made_by
        self._remember_parameters()
        self._adopt(model)
        self._keep(calibration)
        return self

    def recalibrate(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Find the temperature and the scores of prediction sets anew, by rows of one's own.

        They should be rows the network has not learned from and that are like those to be
        predicted. Where close relatives of the validation rows were learned from, as a random
        split of crystals brings about, other rows give an honester coverage.

        Parameters
        ----------
        X : array-like or lazy array, (n, S, H, W, C) or (n, H, W, C)
        y : array-like (n,) of int
            Their groups, all in ``classes_``.
        sample_weight : array-like (n,), default=None
            Weights in the fit of the temperature.

        Returns
        -------
        SpaceGroupClassifier
            Itself.

        Raises
        ------
        ValueError
            If rows and labels do not fit together, or a row holds NaN.
        """
        check_is_fitted(self)
        rows = ImageRows(X)
        check_row_shape(rows, self.input_shape_, self.metadata_)
        codes = known_codes(y, self.classes_, len(rows))
        weights = check_weights(sample_weight, len(rows))
        logits = predict_outputs(self._network(), rows).sum(axis=1)
        self._keep(calibrate(logits, codes, weights, self.calibrate))
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the logits, summed over the network's outputs, float32 (n, n_classes).

        They are the network's own: the temperature is not in them.

        Of two groups alone, as scikit-learn has it, how far the second is above the first, (n,).

        Parameters
        ----------
        X : array-like of shape (n, S, H, W, C) or (n, H, W, C)
            As in :meth:`fit`.
        """
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of every group, float32 (n, n_classes).

        Columns follow ``classes_``.

        Parameters
        ----------
        X : array-like of shape (n, S, H, W, C) or (n, H, W, C)
            As in :meth:`fit`.
        """
        return np.exp(log_softmax(self._logits(X) / self.temperature_)).astype(np.float32)

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable group of every row, (n,).

        Parameters
        ----------
        X : array-like of shape (n, S, H, W, C) or (n, H, W, C)
            As in :meth:`fit`.

        Raises
        ------
        ValueError
            If a row holds NaN: no space group stands for "unknown".
        """
        outputs, absent = self._outputs(self._network(), X)
        refuse_absent(absent)
        return self.classes_[outputs.sum(axis=1).argmax(axis=1)]

    def _remember_parameters(self) -> None:
        """Keep what the network was fitted with, whatever ``set_params`` does later."""
        self.architecture_ = self.architecture
        self.architecture_options_ = copy.deepcopy(self.architecture_options)
        self._fitted_parameters = {
            name: copy.deepcopy(value)
            for name, value in self.get_params(deep=False).items()
            if name not in ("architecture", *RUN_PARAMETERS)
        }

    def _keep(self, calibration: Calibration) -> None:
        self.temperature_ = calibration.temperature
        self.n_calibration_ = calibration.n_rows
        self.set_scores_ = calibration.scores

    def _logits(self, X: Any) -> np.ndarray:
        outputs, absent = self._outputs(self._network(), X)
        warn_of_absent(absent)
        return outputs.sum(axis=1)
