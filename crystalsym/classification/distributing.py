"""Training on several devices at once, each with its part of every batch."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

DISTRIBUTIONS = (None, "data")


@contextlib.contextmanager
def distributed(kind: str | None) -> Iterator[None]:
    """Spread what is built and trained inside over all devices, if ``kind`` is ``"data"``.

    Raises
    ------
    ValueError
        If Keras runs on a backend for which it has no distribution.
    """
    if kind is None:
        yield
        return
    import keras

    backend = keras.backend.backend()
    if backend != "jax":
        raise ValueError(
            f"distribution={kind!r} needs Keras' JAX backend (KERAS_BACKEND=jax): Keras has no "
            f"working distribution for {backend}"
        )
    with keras.distribution.DataParallel(auto_shard_dataset=False).scope():
        yield


def n_replicas() -> int:
    """On how many devices a batch is spread at present; its rows must be a multiple of this."""
    import keras

    current = keras.distribution.distribution() if keras.backend.backend() == "jax" else None
    return 1 if current is None else int(current.num_model_replicas)


def check_batch(n_rows: int) -> None:
    """Raise ValueError if a batch cannot be shared out evenly."""
    devices = n_replicas()
    if n_rows % devices:
        raise ValueError(
            f"batches of {n_rows} rows cannot be shared evenly by {devices} devices: choose a "
            "batch_size that is a multiple of their number and not above the learning rows"
        )
