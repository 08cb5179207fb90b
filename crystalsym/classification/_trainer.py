"""The training loop: ordered, resumable steps with batches prepared one thread ahead."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crystalsym.classification._checkpoints import CheckpointFile, TrainingState
from crystalsym.classification._epoch_progress import Progress
from crystalsym.classification._image_rows import ImageRows
from crystalsym.classification._objectives import validation_scores
from crystalsym.classification._prediction import predict_outputs, prefetch


@dataclass(frozen=True)
class TrainingPlan:
    """The parameters of a training; see ``SpaceGroupClassifier`` for their meaning."""

    epochs: int
    batch_size: int
    learning_rate: float
    validation_fraction: float
    validation_rotation: int | None
    early_stopping: bool
    n_iter_no_change: int
    tol: float
    checkpoint_interval: float

    def part(self, epoch: int, n_parts: int) -> int:
        """Return which part of the rows an epoch is validated by."""
        if self.validation_rotation is None:
            return 0
        return epoch // self.validation_rotation % n_parts


def epoch_order(rows: np.ndarray, batch_size: int, seed: int, epoch: int) -> np.ndarray:
    """Return the rows of every step of an epoch, (n_steps, batch_size).

    A function of seed and epoch alone, so that a resumed training sees the same order. The last
    batch is filled up from the first, since a batch of another size would be compiled anew.
    """
    batch_size = min(batch_size, len(rows))
    order = rows[np.random.default_rng([seed, epoch]).permutation(len(rows))]
    n_steps = steps_of_epoch(len(rows), batch_size)
    return np.resize(order, n_steps * batch_size).reshape(n_steps, batch_size)


def steps_of_epoch(n_rows: int, batch_size: int) -> int:
    """Return how many steps an epoch has.

    Examples
    --------
    >>> steps_of_epoch(100, 30), steps_of_epoch(3, 30)
    (4, 1)
    """
    return -(-n_rows // min(batch_size, n_rows))


def total_steps(
    splits: Sequence[tuple[np.ndarray, np.ndarray]], plan: TrainingPlan, epochs: int
) -> int:
    """Return how many steps so many epochs have: parts that take turns may differ by a row."""
    steps = [steps_of_epoch(len(learning), plan.batch_size) for learning, _ in splits]
    return sum(steps[plan.part(epoch, len(splits))] for epoch in range(epochs))


class Trainer:
    """Train a compiled model and keep its state.

    The loop is our own and not ``Model.fit``: it goes on in the middle of an epoch, with the same
    order of samples.

    Parameters
    ----------
    model : keras.Model
        Compiled; its outputs are logits, and its optimizer follows a schedule of steps.
    rows : ImageRows
    codes : (n,) int
        Columns of the true classes.
    weights : (n,) float or None
        Weights of the samples.
    splits : sequence of two (m,) int
        Rows to learn from, and those to validate by; several take turns.
    plan : TrainingPlan
    rates : callable
        The schedule: learning rate of every step.
    state : TrainingState
        A new one, or one read from a checkpoint.
    train_step : callable
        Learns from a batch, see :func:`crystalsym.classification._distributing.make_train_step`.
    checkpoint : CheckpointFile or None
    verbose : int
    """

    def __init__(
        self,
        model: Any,
        rows: ImageRows,
        codes: np.ndarray,
        weights: np.ndarray | None,
        splits: Sequence[tuple[np.ndarray, np.ndarray]],
        plan: TrainingPlan,
        rates: Callable[[int], Any],
        state: TrainingState,
        train_step: Callable[[Any, Any, Any], float],
        checkpoint: CheckpointFile | None = None,
        verbose: int = 0,
    ):
        self.model = model
        self.rows = rows
        self.codes = codes
        self.weights = weights
        self.plan = plan
        self.rates = rates
        self.state = state
        self.checkpoint = checkpoint
        self.progress = Progress(verbose, plan.epochs)
        self.splits = splits
        self.n_classes = int(model.outputs[0].shape[-1])
        if plan.early_stopping and len(splits[0][1]) == 0:
            raise ValueError(
                "early_stopping needs validation rows, but validation_fraction="
                f"{plan.validation_fraction} leaves none: the rows' validation_groups are too large"
            )
        self.train_step = train_step
        self._restore()

    def run(self) -> TrainingState:
        """Train to the end of the plan and leave the resulting weights in the model."""
        state, plan = self.state, self.plan
        if state.variables and not state.finished:
            self.progress.resume(state.epoch, state.step)
        while not state.finished:
            self._run_epoch()
            exhausted = plan.early_stopping and state.stale >= plan.n_iter_no_change
            state.finished = exhausted or state.epoch >= plan.epochs
            self._write_checkpoint()
        if plan.early_stopping and state.best:
            _assign(self.model.variables, state.best)
        return state

    def unseen_rows(self) -> np.ndarray:
        """Return the rows that were never learned from."""
        parts = {self._part(entry["epoch"] - 1) for entry in self.state.history}
        return self.splits[parts.pop()][1] if len(parts) == 1 else np.empty(0, dtype=np.int64)

    def _part(self, epoch: int) -> int:
        return self.plan.part(epoch, len(self.splits))

    def _run_epoch(self) -> None:
        state, plan = self.state, self.plan
        started = time.perf_counter() - state.seconds
        self.rows.set_epoch(state.epoch)
        learning_rows = self.splits[self._part(state.epoch)][0]
        order = epoch_order(learning_rows, plan.batch_size, state.seed, state.epoch)
        n_steps = len(order)
        saved = time.perf_counter()
        self.progress.begin(state.epoch, state.step, n_steps, order.shape[1])
        batches = prefetch(self._prepare, order[state.step :])
        try:
            for x, y, w in batches:
                loss = self.train_step(x, y, w)
                if not np.isfinite(loss):
                    raise FloatingPointError(
                        f"the loss became {loss} in epoch {state.epoch + 1}, step "
                        f"{state.step + 1}: try a lower learning_rate than {plan.learning_rate}"
                    )
                state.loss_sum += loss
                state.step += 1
                self.progress.step(state.step, state.loss_sum / state.step)
                now = time.perf_counter()
                if self.checkpoint and now - saved >= plan.checkpoint_interval:
                    state.seconds = now - started
                    self._write_checkpoint()
                    saved = time.perf_counter()
        finally:
            batches.close()  # type: ignore[attr-defined]
            self.progress.close()
        self._end_epoch(n_steps, started)

    def _end_epoch(self, n_steps: int, started: float) -> None:
        state = self.state
        entry: dict[str, Any] = {"epoch": state.epoch + 1, "loss": state.loss_sum / n_steps}
        self.rows.set_epoch(None)  # scores are those of unchanged patterns
        part = self._part(state.epoch)
        entry.update(self._validate(self.splits[part][1]))
        if self.plan.validation_rotation is not None:
            entry["validation_group"] = part + 1
        steps = total_steps(self.splits, self.plan, state.epoch + 1)
        entry["learning_rate"] = float(self.rates(steps - 1))
        entry["seconds"] = round(time.perf_counter() - started, 3)
        state.history.append(entry)
        self.progress.end(entry)
        self._keep_best(entry)
        state.epoch, state.step, state.loss_sum, state.seconds = state.epoch + 1, 0, 0.0, 0.0

    def _keep_best(self, entry: dict[str, Any]) -> None:
        # Not keras.callbacks.EarlyStopping: its best loss moves only by more than min_delta, so
        # that it may hand back other weights than the best, and its state cannot be resumed.
        if not self.plan.early_stopping:
            return
        state = self.state
        loss, best = entry["val_loss"], state.best_loss
        state.stale = 0 if best is None or loss < best - self.plan.tol else state.stale + 1
        if best is None or loss < best:
            state.best_loss = loss
            state.best = _values(self.model.variables)

    def _prepare(self, index: np.ndarray) -> tuple[Any, Any, Any]:
        x = self.rows.batch(index)
        # float32 one-hot targets: label smoothing needs them, and every backend takes them.
        y: Any = np.zeros((len(index), self.n_classes), np.float32)
        y[np.arange(len(index)), self.codes[index]] = 1.0
        w: Any = None if self.weights is None else self.weights[index].astype(np.float32)
        n_outputs = len(self.model.outputs)
        if n_outputs > 1:
            y = [y] * n_outputs
            w = None if w is None else [w] * n_outputs
        return (x if len(x) > 1 else x[0]), y, w

    def _validate(self, index: np.ndarray) -> dict[str, float]:
        if len(index) == 0:
            return {}
        logits = predict_outputs(self.model, self.rows, index)
        weights = None if self.weights is None else self.weights[index]
        if weights is not None and weights.sum() == 0:
            weights = None
        return validation_scores(logits, self.codes[index], weights)

    def _restore(self) -> None:
        self.model.optimizer.build(self.model.trainable_variables)
        if self.state.variables:
            _assign(self.model.variables, self.state.variables)
            _assign(self.model.optimizer.variables, self.state.optimizer)

    def _write_checkpoint(self) -> None:
        if self.checkpoint is None:
            return
        self.state.variables = _values(self.model.variables)
        self.state.optimizer = _values(self.model.optimizer.variables)
        self.checkpoint.write(self.state)


def _values(variables: list[Any]) -> list[np.ndarray]:
    import keras

    return [np.array(keras.ops.convert_to_numpy(v)) for v in variables]


def _assign(variables: list[Any], values: list[np.ndarray]) -> None:
    if len(variables) != len(values):
        raise ValueError(f"{len(values)} arrays were stored for {len(variables)} variables")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
