"""Batches prepared ahead in a thread, and a network's outputs for many rows."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeVar

import numpy as np

from crystalsym._blas_threads import run_in_threads, single_blas_thread
from crystalsym.classification._distributing import n_replicas
from crystalsym.classification._image_rows import ImageRows
from crystalsym.networks._numpy_network import NumpyNetwork

MAX_BATCH_PIXELS = 3 << 20
MAX_BATCH_ROWS = 1024
# In NumPy every thread has a batch of its own; these are fast whatever other programs do. How rows
# fall into batches decides the last digit, so it must not depend on the number of threads.
NUMPY_BATCH_ROWS = (32, 512)
NUMPY_BATCHES = 8

Item = TypeVar("Item")
Result = TypeVar("Result")


def prefetch(
    prepare: Callable[[Item], Result], items: Iterable[Item], depth: int = 4
) -> Generator[Result]:
    """Yield ``prepare(item)`` for every item, prepared by one background thread."""
    ready: queue.Queue[tuple[str, Any]] = queue.Queue(maxsize=depth)
    stop = threading.Event()

    def put(entry: tuple[str, Any]) -> bool:
        while not stop.is_set():
            try:
                ready.put(entry, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in items:
                if not put(("item", prepare(item))):
                    return
            put(("end", None))
        except BaseException as error:
            put(("error", error))

    thread = threading.Thread(target=work, name="crystalsym-batches", daemon=True)
    thread.start()
    try:
        while True:
            kind, value = ready.get()
            if kind == "end":
                return
            if kind == "error":
                raise value
            yield value
    finally:
        stop.set()
        thread.join()


def prediction_batch_size(row_shape: tuple[int, ...]) -> int:
    """Return how many rows fit one batch, so that activations stay within a few hundred MB.

    Examples
    --------
    >>> prediction_batch_size((3, 64, 64, 2)), prediction_batch_size((3, 224, 224, 3))
    (256, 20)
    """
    pixels = int(np.prod(row_shape[:-1]))
    return max(1, min(MAX_BATCH_ROWS, MAX_BATCH_PIXELS // pixels))


def predict_outputs(model: Any, rows: ImageRows, index: np.ndarray | None = None) -> np.ndarray:
    """Return every output of a network for rows.

    Parameters
    ----------
    model : keras.Model or NumpyNetwork
    rows : ImageRows
    index : (n,) int, default=None
        Numbers of the rows, None for all.

    Returns
    -------
    ndarray float32 (n, n_outputs, ...)

    Raises
    ------
    ValueError
        If a row holds NaN or a value outside [0, 1].
    """
    return _predict(model, rows, index, rows.batch)


def predict_with_gaps(model: Any, rows: ImageRows) -> tuple[np.ndarray, np.ndarray]:
    """Return every output of a network for all rows, NaN for rows that hold NaN.

    Returns
    -------
    outputs : ndarray float32 (n, n_outputs, ...)
    absent : ndarray (n,) bool
        The rows that hold NaN.
    """
    absent = np.zeros(len(rows), dtype=bool)

    def prepare(chunk: np.ndarray) -> list[np.ndarray]:
        images, absent[chunk] = rows.batch_with_gaps(chunk)
        return images

    outputs = _predict(model, rows, None, prepare)
    outputs[absent] = np.nan
    return outputs, absent


def _predict(model: Any, rows: ImageRows, index: np.ndarray | None, prepare: Any) -> np.ndarray:
    index = np.arange(len(rows)) if index is None else index
    if isinstance(model, NumpyNetwork):
        # A product in several threads waits for the slowest again and again, and waits busily.
        with single_blas_thread() as n_threads:
            low, high = NUMPY_BATCH_ROWS
            size = min(max(-(-len(index) // NUMPY_BATCHES), low), high)
            batches = _batches(prepare, index, size)
            n_threads = min(n_threads, -(-len(index) // size))
            return np.concatenate(list(run_in_threads(model, batches, n_threads)))[:, None]
    size = prediction_batch_size(rows.shape)
    batches = _batches(prepare, index, size)
    return np.concatenate([_run_batch(model, images, size) for images in batches])


def _batches(prepare: Any, index: np.ndarray, size: int) -> Iterable[list[np.ndarray]]:
    chunks = [index[i : i + size] for i in range(0, len(index), size)]
    # One batch needs no thread.
    return prefetch(prepare, chunks) if len(chunks) > 1 else map(prepare, chunks)


def _trace_once(model: Any) -> None:
    """Let a network be traced once, for batches of any size.

    By itself Keras has TensorFlow trace every network for the first sizes it meets, and where
    several networks predict a few batches each, TensorFlow warns of it.
    """
    import keras
    import tensorflow as tf

    if model.predict_function is not None or n_replicas() > 1:
        return
    if tf.config.functions_run_eagerly() or model.run_eagerly:
        return

    def forward(*x: Any) -> Any:
        return model(list(x) if len(x) > 1 else x[0], training=False)

    shapes = [tf.TensorSpec((None, *x.shape[1:]), tf.float32) for x in model.inputs]
    traced = tf.function(forward, autograph=False).get_concrete_function(*shapes)

    def predict(data: Any) -> Any:
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data[0])
        x = x if isinstance(x, list | tuple) else [x]
        return traced(*(tf.convert_to_tensor(stream, tf.float32) for stream in x))

    model.predict_function = predict


def _run_batch(model: Any, images: list[np.ndarray], batch_size: int) -> np.ndarray:
    import keras

    n = len(images[0])
    if keras.backend.backend() == "jax":
        # JAX compiles for every batch size it meets: let it meet few.
        size = min(batch_size, 1 << (n - 1).bit_length())
        padding = size + -size % n_replicas() - n
        images = [np.pad(x, [(0, padding)] + [(0, 0)] * (x.ndim - 1)) for x in images]
    if keras.backend.backend() == "tensorflow":
        _trace_once(model)
    # MirroredStrategy gives the whole batch to every device, and its outputs as often.
    outputs = model.predict_on_batch(images if len(images) > 1 else images[0])
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    return np.stack([np.asarray(x, dtype=np.float32)[:n] for x in outputs], axis=1)
