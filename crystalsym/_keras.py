"""The first import of Keras or TensorFlow: what is missing in one sentence, and no log lines."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BACKENDS = ("tensorflow", "jax", "torch")
# What TensorFlow's libraries write to file descriptor 2 while they are loaded, whatever its log
# level; some lines go on in the next.
_LOG_LINE = re.compile(
    rb"(WARNING: All log messages before absl::|[IWE]\d{4} \d\d:|To enable the following instr)"
)


class BackendError(ImportError):
    """The backend that Keras is to use cannot be imported."""


def backend_name() -> str:
    """Return the name of the backend that Keras will choose when it is imported."""
    if name := os.environ.get("KERAS_BACKEND"):
        return name
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    with contextlib.suppress(OSError, ValueError, AttributeError):
        stored = json.loads((home / "keras.json").read_text(encoding="utf-8")).get("backend")
        if isinstance(stored, str):
            return stored
    return "tensorflow"


def import_keras() -> Any:
    """Import Keras.

    Raises
    ------
    BackendError
        If its backend is not installed (an ImportError).
    """
    quiet = "keras" not in sys.modules and "TF_CPP_MIN_LOG_LEVEL" not in os.environ
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with _without_log_lines() if quiet else contextlib.nullcontext():
            import keras
    except (ImportError, ValueError) as error:  # a name that Keras does not know is the latter
        name = backend_name()
        others = " or ".join(other for other in BACKENDS if other != name)
        reason = " ".join(str(error).split())
        raise BackendError(
            f"the Keras backend {name!r} cannot be imported ({reason}): install it with 'pip "
            f"install {name}', or choose {others} by the environment variable KERAS_BACKEND"
        ) from None
    return keras


@contextlib.contextmanager
def without_values() -> Iterator[None]:
    """Let layers be built of which shapes alone are wanted: their variables never have values."""
    keras = import_keras()
    # What is built here gets values (138 million random numbers for VGG-16) when the next scope
    # ends, used or not, unless it is taken from the list of what is due. That has no public name:
    # a Keras that keeps it elsewhere is slower, and all else the same.
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(ImportError):
            from keras.src.backend.common import global_state as of_keras

            name = "uninitialized_variables"
            stack.callback(of_keras.set_global_attribute, name, of_keras.get_global_attribute(name))
            of_keras.set_global_attribute(name, [])
        stack.enter_context(keras.StatelessScope(initialize_variables=False))
        yield


def import_tensorflow() -> Any:
    """Import TensorFlow, whatever backend Keras has.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    quiet = "tensorflow" not in sys.modules and "TF_CPP_MIN_LOG_LEVEL" not in os.environ
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with _without_log_lines() if quiet else contextlib.nullcontext():
            import tensorflow
    except ImportError as error:
        reason = " ".join(str(error).split())
        raise ImportError(
            f"TensorFlow's checkpoints are read by TensorFlow, which cannot be imported ({reason}):"
            " install it with 'pip install tensorflow'; Keras may keep another backend"
        ) from error
    return tensorflow


@contextlib.contextmanager
def _without_log_lines() -> Iterator[None]:
    """Hold back what is written to file descriptor 2 inside; all but log lines follow later."""
    try:
        saved = os.dup(2)
    except OSError:  # closed: nothing can be seen there anyway
        yield
        return
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            if sys.stderr is not None:
                sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
            file.seek(0)
            rest = b"".join(line for line in file if not _LOG_LINE.match(line))
            if rest:
                os.write(2, rest)
