"""The loss, the optimizer and the course of the learning rate."""

from __future__ import annotations

from typing import Any

import numpy as np

LEARNING_RATE_SCHEDULES = ("cosine", "linear", "constant")


def learning_rates(name: str, peak: float, total: int, warmup_fraction: float) -> Any:
    """Return a Keras schedule: the learning rate of every step.

    It rises linearly to the peak over the first ``warmup_fraction`` of all steps and then stays
    (``"constant"``), or falls to zero as a line (``"linear"``) or half a cosine (``"cosine"``).

    Parameters
    ----------
    name : {"cosine", "linear", "constant"}
    peak : float
    total : int
        Number of steps.
    warmup_fraction : float

    Examples
    --------
    >>> rates = learning_rates("cosine", 1.0, 100, 0.1)
    >>> [round(float(rates(step)), 3) for step in (0, 9, 10, 55, 99)]
    [0.1, 1.0, 1.0, 0.5, 0.0]
    """
    from keras import ops
    from keras.optimizers import schedules

    warmup = round(warmup_fraction * total)
    rest = max(total - warmup, 1)
    rising = schedules.PolynomialDecay(peak / max(warmup, 1), max(warmup - 1, 1), peak)
    then = {
        "constant": schedules.PolynomialDecay(peak, rest, peak),
        "linear": schedules.PolynomialDecay(peak, rest, 0.0),
        "cosine": schedules.CosineDecay(peak, rest),
    }[name]
    if warmup == 0:
        return then

    class WarmedUp(schedules.LearningRateSchedule):  # type: ignore[misc]
        """One schedule after the other: of Keras' own, CosineDecay alone has a warm-up."""

        def __call__(self, step: Any) -> Any:
            late = ops.maximum(step - warmup, 0)
            return ops.where(step < warmup, rising(step), then(late))

        def get_config(self) -> dict[str, Any]:
            return {"rising": rising.get_config(), "then": then.get_config()}

    return WarmedUp()


def make_optimizer(name: str, learning_rate: Any, weight_decay: float | None) -> Any:
    """Build a Keras optimizer by name; biases and normalization are left out of weight decay.

    Parameters
    ----------
    name : str
    learning_rate : float or keras.optimizers.schedules.LearningRateSchedule
    weight_decay : float or None

    Raises
    ------
    ValueError
        If Keras knows no optimizer of that name.
    """
    import keras

    config: dict[str, Any] = {"learning_rate": learning_rate}
    if weight_decay:
        config["weight_decay"] = weight_decay
    elif name.lower() == "adamw":  # its own default is not zero
        config["weight_decay"] = 0.0
    if name.lower() == "sgd":
        config.update(momentum=0.9, nesterov=True)
    try:
        optimizer = keras.optimizers.get({"class_name": name, "config": config})
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"optimizer={name!r} is not one that Keras knows by name (adamw, adam, sgd, ...)"
        ) from error
    if weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def compile_model(model: Any, optimizer: Any, label_smoothing: float) -> None:
    """Compile for training: the loss is the sum of the outputs' cross-entropies."""
    import keras

    losses = [
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=label_smoothing)
        for _ in model.outputs
    ]
    model.compile(
        optimizer=optimizer,
        loss=losses if len(losses) > 1 else losses[0],
        # XLA makes TensorFlow's convolutions several times slower on a CPU.
        jit_compile="auto" if keras.backend.backend() == "jax" else False,
    )


def total_weights(
    class_weight: dict[Any, float] | str | None,
    classes: np.ndarray,
    codes: np.ndarray,
    sample_weight: np.ndarray | None,
) -> np.ndarray | None:
    """Return the product of class and sample weights, scaled to mean 1, or None without any.

    Raises
    ------
    ValueError
        If class_weight names a class that is not in y.
    """
    if class_weight is None and sample_weight is None:
        return None
    weights = np.ones(len(codes)) if sample_weight is None else sample_weight
    if class_weight is not None:
        from sklearn.utils import compute_sample_weight

        if isinstance(class_weight, dict):
            unknown = sorted(set(class_weight) - set(classes.tolist()))
            if unknown:
                raise ValueError(f"class_weight names classes that are not in y: {unknown}")
        weights = weights * compute_sample_weight(class_weight, classes[codes])
    # Mean 1 keeps the loss, and with it the best learning rate, at its usual scale.
    return weights / weights.mean()


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Logarithm of the softmax along the last axis, float64."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def validation_scores(
    logits: np.ndarray, codes: np.ndarray, weights: np.ndarray | None
) -> dict[str, float]:
    """Loss and accuracies of validation rows.

    Parameters
    ----------
    logits : (n, n_outputs, n_classes) float
    codes : (n,) int
        Columns of the true classes.
    weights : (n,) float or None

    Returns
    -------
    dict
        ``val_loss`` (sum over the outputs), ``val_accuracy`` and ``val_top5``.
    """
    true = codes[:, None, None]
    losses = -np.take_along_axis(log_softmax(logits), true, axis=-1).sum(axis=(1, 2))
    summed = logits.astype(np.float64).sum(axis=1)
    own = np.take_along_axis(summed, codes[:, None], axis=-1)
    rank = (summed > own).sum(axis=-1)
    return {
        "val_loss": float(np.average(losses, weights=weights)),
        "val_accuracy": float(np.average(rank < 1, weights=weights)),
        "val_top5": float(np.average(rank < 5, weights=weights)),
    }
