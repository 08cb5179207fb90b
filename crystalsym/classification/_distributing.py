"""Training on several devices at once, each with its part of every batch."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

DISTRIBUTIONS = (None, "data")


@contextlib.contextmanager
def distributed(kind: str | None) -> Iterator[None]:
    """Spread what is built and trained inside over all devices, if ``kind`` is ``"data"``."""
    if kind is None:
        yield
        return
    import keras

    backend = keras.backend.backend()
    if backend == "jax":
        scope = keras.distribution.DataParallel(auto_shard_dataset=False).scope()
    elif backend == "tensorflow":
        scope = _mirrored_scope()
    else:
        from crystalsym.classification import _torch_replicas as torch_replicas

        scope = torch_replicas.scope()
    with scope:
        yield


def n_replicas() -> int:
    """On how many devices a batch is spread at present; its rows must be a multiple of this."""
    import keras

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return int(tf.distribute.get_strategy().num_replicas_in_sync)
    if backend == "torch":
        from crystalsym.classification import _torch_replicas as torch_replicas

        return len(torch_replicas.devices())
    current = keras.distribution.distribution()
    return 1 if current is None else int(current.num_model_replicas)


def check_batch(n_rows: int) -> None:
    """Raise ValueError if a batch cannot be shared out evenly."""
    devices = n_replicas()
    if n_rows % devices:
        raise ValueError(
            f"batches of {n_rows} rows cannot be shared evenly by {devices} devices: choose a "
            "batch_size that is a multiple of their number and not above the learning rows"
        )


def make_train_step(model: Any, build: Callable[[], Any]) -> Callable[[Any, Any, Any], float]:
    """What learns from one batch of x, y and sample weights, and returns the loss before.

    Parameters
    ----------
    model : keras.Model
        Compiled.
    build : callable
        Makes another model like it, not compiled.
    """
    import keras

    backend = keras.backend.backend()
    if backend == "torch" and n_replicas() > 1:
        from crystalsym.classification._torch_replicas import TorchReplicas

        return TorchReplicas(model, build)
    mirrored = backend == "tensorflow" and n_replicas() > 1
    return partial(_mirrored_step if mirrored else _step, model)


def _step(model: Any, x: Any, y: Any, sample_weight: Any) -> float:
    logs = model.train_on_batch(x, y, sample_weight=sample_weight, return_dict=True)
    return float(logs["loss"])


def _mirrored_step(model: Any, x: Any, y: Any, sample_weight: Any) -> float:
    # train_on_batch would give every device the whole batch.
    model.make_train_function()
    model.reset_metrics()
    logs = model.train_function(iter([_shared_out((x, y, sample_weight))]))
    return float(logs["loss"])


def _mirrored_scope() -> Any:
    import tensorflow as tf

    devices = tf.config.list_logical_devices("GPU")
    if devices:
        return tf.distribute.MirroredStrategy([device.name for device in devices]).scope()
    devices = tf.config.list_logical_devices("CPU")
    reduction = tf.distribute.ReductionToOneDevice()  # the default one hangs on CPUs now and then
    return tf.distribute.MirroredStrategy([device.name for device in devices], reduction).scope()


def _shared_out(values: Any) -> Any:
    """The same tuples, with each array in as many parts as there are devices."""
    import tensorflow as tf

    if values is None:
        return None
    if isinstance(values, list | tuple):
        return tuple(_shared_out(value) for value in values)
    strategy = tf.distribute.get_strategy()
    parts = np.split(values, strategy.num_replicas_in_sync)
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(parts[context.replica_id_in_sync_group])
    )
