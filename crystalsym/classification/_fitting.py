"""From a classifier's parameters to a trained network."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_random_state

from crystalsym.classification._building import build_model, get_weights, set_weights
from crystalsym.classification._calibration import Calibration, calibrate
from crystalsym.classification._checkpoints import CheckpointFile, TrainingState
from crystalsym.classification._distributing import check_batch, distributed, make_train_step
from crystalsym.classification._image_rows import ImageRows
from crystalsym.classification._objectives import compile_model, learning_rates, make_optimizer
from crystalsym.classification._prediction import predict_outputs
from crystalsym.classification._trainer import Trainer, TrainingPlan, total_steps
from crystalsym.classification._validation_rows import rotating_splits, split_rows

if TYPE_CHECKING:
    from crystalsym.classification._classifier import SpaceGroupClassifier

CHECKPOINT_INTERVAL = 120.0
# Parameters that say how to train, not what: a checkpoint may be resumed with others.
_NOT_OF_THE_RESULT = (
    "calibrate", "checkpoint_dir", "checkpoint_interval", "distribution", "resume", "verbose",
    "warm_start",
)  # fmt: skip


def train(
    estimator: SpaceGroupClassifier,
    rows: ImageRows,
    classes: np.ndarray,
    codes: np.ndarray,
    weights: np.ndarray | None,
) -> tuple[Any, list[dict[str, Any]], Calibration]:
    """Train as the estimator's parameters say.

    Returns
    -------
    model : keras.Model
        In float32, whatever the precision of the training.
    history : list of dict
    calibration : Calibration
        By the validation rows.
    """
    p = estimator
    start = _weights_to_start_from(p, rows, classes)
    checkpoint = _checkpoint_file(p, rows, classes, codes, weights, start)
    state = checkpoint.read() if checkpoint is not None and p.resume else None
    if state is None:
        seed = int(check_random_state(p.random_state).randint(2**31 - 1))
        state = TrainingState(seed=seed)
    plan = TrainingPlan(
        epochs=int(p.epochs),
        batch_size=int(p.batch_size),
        learning_rate=float(p.learning_rate),
        validation_fraction=float(p.validation_fraction or 0.0),
        validation_rotation=p.validation_rotation and int(p.validation_rotation),
        early_stopping=bool(p.early_stopping),
        n_iter_no_change=int(p.n_iter_no_change),
        tol=float(p.tol),
        checkpoint_interval=(
            CHECKPOINT_INTERVAL if p.checkpoint_interval is None else float(p.checkpoint_interval)
        ),
    )
    network = (p.architecture, p.architecture_options, len(classes), rows.shape)
    with distributed(p.distribution):
        build = partial(build_model, *network, p.precision, seed=state.seed)
        model = build()
        if start is not None:
            set_weights(model, start)
        splits = _splits(plan, codes, state.seed, rows.validation_groups)
        steps = total_steps(splits, plan, plan.epochs)
        rates = learning_rates(
            p.learning_rate_schedule, plan.learning_rate, steps, float(p.warmup_fraction)
        )
        optimizer = make_optimizer(p.optimizer, rates, p.weight_decay)
        compile_model(model, optimizer, p.label_smoothing)
        step = make_train_step(model, build)
        trainer = Trainer(
            model, rows, codes, weights, splits, plan, rates, state, step, checkpoint,
            int(p.verbose),
        )  # fmt: skip
        check_batch(min(plan.batch_size, *(len(learning) for learning, _ in splits)))
        history = trainer.run().history
        trained = [value for _, value in get_weights(model)]
    # A network of its own for predictions: in float32 they agree under every backend, and the
    # optimizer's memory is let go.
    result = build_model(*network, "float32", seed=state.seed)
    set_weights(result, trained)
    held_out = trainer.unseen_rows()
    if len(held_out) == 0:
        return result, history, Calibration()
    rows.set_epoch(None)  # the rows as they are, also where nothing was left to train
    logits = predict_outputs(result, rows, held_out).sum(axis=1)
    weights = None if weights is None else weights[held_out]
    return result, history, calibrate(logits, codes[held_out], weights, bool(p.calibrate))


def _splits(
    plan: TrainingPlan, codes: np.ndarray, seed: int, groups: np.ndarray | None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows to learn from and to validate by: one split, or those that take turns."""
    if plan.validation_rotation is None:
        return [split_rows(codes, plan.validation_fraction, seed, groups)]
    return rotating_splits(codes, round(1 / plan.validation_fraction), seed, groups)


def _weights_to_start_from(
    estimator: SpaceGroupClassifier, rows: ImageRows, classes: np.ndarray
) -> list[np.ndarray] | None:
    """Those of the fit before, if ``warm_start`` wants them and there was one."""
    if not estimator.warm_start or not hasattr(estimator, "classes_"):
        return None
    for name, now, before in (
        ("groups in y", classes.tolist(), estimator.classes_.tolist()),
        ("shape of a row of X", tuple(rows.shape), tuple(estimator.input_shape_)),
        ("architecture", estimator.architecture, estimator.architecture_),
        (
            "architecture_options",
            estimator.architecture_options or {},
            estimator.architecture_options_ or {},
        ),
    ):
        if now != before:
            raise ValueError(
                f"warm_start=True goes on from the fit before, which had another {name}: {before}, "
                f"now {now}; warm_start=False begins anew"
            )
    return [np.asarray(value) for _, value in estimator._current_weights()]


def _checkpoint_file(
    estimator: SpaceGroupClassifier,
    rows: ImageRows,
    classes: np.ndarray,
    codes: np.ndarray,
    weights: np.ndarray | None,
    start: list[np.ndarray] | None,
) -> CheckpointFile | None:
    if estimator.checkpoint_dir is None:
        return None
    parameters = estimator.get_params(deep=False)
    parts = {n: v for n, v in parameters.items() if n not in _NOT_OF_THE_RESULT}
    if estimator.validation_rotation is None:
        del parts["validation_rotation"]  # checkpoints of before it was there are gone on from
    if callable(estimator.architecture):
        parts["architecture"] = _named(estimator.architecture)
    if isinstance(estimator.random_state, np.random.RandomState):
        parts["random_state"] = "RandomState"  # its seed, once drawn, is in the checkpoint
    parts.update(
        input_shape=rows.shape,
        descriptor=rows.descriptor,
        rows=rows.digest(),
        validation_groups=rows.validation_groups,
        n_samples=len(rows),
        classes=classes,
        labels=codes.astype(np.int64),
        sample_weight=weights,
    )
    if start is not None:
        parts["start"] = np.concatenate([np.ravel(value) for value in start])
    return CheckpointFile(estimator.checkpoint_dir, parts)


def _named(builder: Callable[..., Any]) -> str:
    """Name of a network's builder and, where Python can find it, a hash of its source."""
    if isinstance(builder, partial):
        return f"{_named(builder.func)} with {builder.args} {builder.keywords}"
    owner = builder if hasattr(builder, "__qualname__") else type(builder)
    name = f"{owner.__module__}.{owner.__qualname__}"
    try:
        source = inspect.getsource(owner)
    except (OSError, TypeError):
        return name
    return f"{name} {hashlib.sha256(source.encode()).hexdigest()[:16]}"
