"""Progress on standard error by tqdm, for people who ask for it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from tqdm import tqdm

# Seconds between two states of a bar: on a terminal, and as lines of a log.
TERMINAL_INTERVAL, LOG_INTERVAL = 0.2, 10.0


@contextmanager
def track(
    total: int | None, label: str, verbose: int = 0, unit: str = "items"
) -> Iterator[Callable[[int], Any]]:
    """Count work done; silent when ``verbose`` is 0.

    Yields
    ------
    callable
        To be called with the number of items just finished.
    """
    if not verbose or sys.stderr is None:
        yield lambda count: None
        return
    with progress_bar(total, label, unit) as bar:
        yield bar.update


def progress_bar(
    total: int | None,
    label: str,
    unit: str,
    initial: int = 0,
    leave: bool = True,
    log_interval: float = LOG_INTERVAL,
) -> tqdm:
    """Begin a bar on a terminal, or lines of a log where standard error is none.

    A log has a line at the beginning, one every ``log_interval`` seconds and one at the end; the
    first and the last only if the bar is to be left standing.
    """
    from tqdm import tqdm

    style: dict[str, Any]
    if sys.stderr is None:
        style = {"disable": True}
    elif on_terminal():
        style = {"file": sys.stderr, "mininterval": TERMINAL_INTERVAL, "dynamic_ncols": True}
    else:
        # miniters: lines come by the clock, and not by a pace that may slacken. No columns:
        # figures without a bar.
        style = {"file": _Lines(sys.stderr), "mininterval": log_interval, "miniters": 1, "ncols": 0}
        style["delay"] = 0 if leave else log_interval
    return tqdm(
        total=total, desc=label, unit=f" {unit}", initial=initial, leave=leave, **style
    )  # fmt: skip


def say(text: str) -> None:
    """Write a line on standard error, above the bars that are there."""
    from tqdm import tqdm

    if sys.stderr is not None:
        tqdm.write(text, file=sys.stderr)
        sys.stderr.flush()


def on_terminal() -> bool:
    """Tell whether standard error is a terminal, where a bar can be drawn over itself."""
    return bool(getattr(sys.stderr, "isatty", lambda: False)())


class _Lines:
    """A file for tqdm that writes its states one below the other."""

    def __init__(self, file: TextIO):
        self._file = file

    def write(self, text: str) -> None:
        """Write a state; what tqdm writes to move and wipe the cursor is nothing here."""
        for line in text.split("\r"):
            if line.strip():
                self._file.write(line.strip() + "\n")

    def flush(self) -> None:
        """Write through."""
        self._file.flush()
