"""Training on several devices under PyTorch, for which Keras has no strategy of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np

THE_DEFAULT = ("",)

_devices: ContextVar[tuple[str, ...]] = ContextVar("devices", default=THE_DEFAULT)


def devices() -> tuple[str, ...]:
    """Where the parts of a batch go at present; one entry outside of :func:`scope`."""
    return _devices.get()


@contextlib.contextmanager
def scope() -> Iterator[None]:
    """Spread what is trained inside over all CUDA devices."""
    token = _devices.set(available_devices())
    try:
        yield
    finally:
        _devices.reset(token)


def available_devices() -> tuple[str, ...]:
    """Names of the CUDA devices; where there are none, what Keras takes by itself."""
    import torch

    return tuple(f"cuda:{i}" for i in range(torch.cuda.device_count())) or THE_DEFAULT


class TorchReplicas:
    """Steps of a model of which every device has a copy.

    The gradients of the parts of a batch are averaged on the first device, whose model takes the
    step; the copies take over its variables before the next one. Batch normalization sees one
    part at a time, and what it remembers is averaged too, as TensorFlow's ``MirroredStrategy``
    has it.

    Parameters
    ----------
    model : keras.Model
        Compiled, on the first device.
    build : callable
        Makes another model like it.
    """

    def __init__(self, model: Any, build: Callable[[], Any]):
        import keras

        self.devices = devices()
        self.models = [model]
        for device in self.devices[1:]:
            with keras.device(device):
                self.models.append(build())

    def __call__(self, x: Any, y: Any, sample_weight: Any) -> float:
        """Learn from one batch; return the loss before."""
        import keras
        import torch

        first = self.models[0]
        self._spread()
        parts = self._parts((x, y, sample_weight))
        losses = []
        for device, model, part in zip(self.devices, self.models, parts, strict=True):
            with keras.device(device):
                losses.append(_backward(first, model, *part))
        with torch.no_grad():
            self._average_memories()
            gradients = [
                _mean([variable.value.grad for variable in same])
                for same in self._same_variables("trainable_variables")
            ]
            first.optimizer.apply(gradients, first.trainable_variables)
        return float(np.mean([loss.item() for loss in losses]))

    def _parts(self, values: Any) -> list[Any]:
        """One tuple for each device, with its part of every array."""
        n = len(self.devices)
        if values is None:
            return [None] * n
        if isinstance(values, list | tuple):
            columns = [self._parts(value) for value in values]
            return [type(values)(column[i] for column in columns) for i in range(n)]
        return np.split(values, n)

    def _spread(self) -> None:
        # States of random generators too: a training that was resumed goes on as it would have.
        for source, *copies in self._same_variables("variables"):
            for copy in copies:
                copy.value.data.copy_(source.value.data)

    def _average_memories(self) -> None:
        for first, *copies in self._same_variables("non_trainable_variables"):
            if first.value.is_floating_point():
                first.assign(_mean([variable.value for variable in (first, *copies)]))

    def _same_variables(self, kind: str) -> Any:
        return zip(*(getattr(model, kind) for model in self.models), strict=True)


def _backward(compiled: Any, model: Any, x: Any, y: Any, sample_weight: Any) -> Any:
    """Leave the gradients of a part's loss in the model."""
    model.zero_grad()
    predicted = model(x, training=True)
    loss = compiled.compute_loss(
        x=x, y=y, y_pred=predicted, sample_weight=sample_weight, training=True
    )
    compiled.optimizer.scale_loss(loss).backward()
    return loss.detach()


def _mean(values: list[Any]) -> Any:
    first = values[0]
    if first is None:  # the gradient of a variable that the loss does not depend on
        return None
    return sum((value.to(first.device) for value in values[1:]), first) / len(values)
