"""What the command says on standard error, and what it keeps libraries from saying there."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

_LONGEST = 400
_PACKAGE = str(Path(__file__).resolve().parent.parent)


class InputError(Exception):
    """Input that cannot be used. The message is one line that names it and the reason."""


def one_line(problem: BaseException | str, source: object = None) -> str:
    """A problem as one line that names its source."""
    text = " ".join(str(problem).split())
    if not text and isinstance(problem, BaseException):
        text = type(problem).__name__
    named = f"{source}:" in text or repr(str(source)) in text
    if source is not None and not named:
        text = f"{source}: {text}"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 4] + " ..."


def complain(text: str) -> None:
    """One line about an error on standard error."""
    _say(f"crystalsym: error: {one_line(text)}")


def warn(text: str) -> None:
    """One line of warning on standard error."""
    _say(f"crystalsym: warning: {one_line(text)}")


def note(text: str) -> None:
    """One line that says what is done."""
    _say(f"crystalsym: {one_line(text)}")


@contextlib.contextmanager
def show_own_warnings() -> Iterator[None]:
    """Show this package's warnings as one line each, once, and no others."""
    shown: set[str] = set()

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        own = str(Path(filename).resolve()).startswith(_PACKAGE)
        if own and issubclass(category, UserWarning) and str(message) not in shown:
            shown.add(str(message))
            warn(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = show
        yield


@contextlib.contextmanager
def silence_libraries() -> Iterator[None]:
    """Keep native libraries' logs off the terminal; what Python prints still appears.

    TensorFlow writes its first log lines straight to file descriptor 2 whatever its log level is
    set to, so the descriptor points nowhere meanwhile and ``sys.stderr`` to a copy of it.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GLOG_minloglevel", "3")
    for name in ("tensorflow", "absl", "jax"):
        logging.getLogger(name).setLevel(logging.ERROR)
    python_stderr = sys.stderr
    try:
        saved = os.dup(2)
    except OSError:
        saved = -1
    if python_stderr is None or saved < 0:  # closed: nothing can be seen there anyway
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    copy = None
    try:
        python_stderr.flush()
        if _descriptor(python_stderr) == 2:
            copy = os.fdopen(os.dup(2), "w", buffering=1, encoding=python_stderr.encoding,
                             errors="backslashreplace")  # fmt: skip
            sys.stderr = copy
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)
        if copy is not None:
            sys.stderr = python_stderr
            copy.close()


def _say(line: str) -> None:
    # Standard error may be closed, which is no reason to fail (nor to print on standard output).
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            print(line, file=sys.stderr)


def _descriptor(stream: Any) -> int | None:
    try:
        return int(stream.fileno())
    except (AttributeError, OSError, ValueError):
        return None
