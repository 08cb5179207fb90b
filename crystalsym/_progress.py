"""Progress on standard error, for people who ask for it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def track(
    total: int | None, label: str, verbose: int = 0, unit: str = "items"
) -> Iterator[Callable[[int], None]]:
    """Count work done; silent when ``verbose`` is 0.

    Yields
    ------
    callable
        To be called with the number of items just finished.
    """
    if not verbose:
        yield lambda count: None
        return
    start, done, shown = time.monotonic(), 0, 0.0
    end = "\r" if sys.stderr.isatty() else "\n"

    def show(last: bool = False) -> None:
        elapsed = time.monotonic() - start
        part = f"{done}/{total} ({100 * done // max(total, 1)} %)" if total else f"{done}"
        rate = f"{done / elapsed:.0f} {unit}/s" if elapsed > 0 else ""
        sys.stderr.write(f"{label}: {part} {unit}, {rate}" + ("\n" if last else end))
        sys.stderr.flush()

    def advance(count: int) -> None:
        nonlocal done, shown
        done += count
        now = time.monotonic()
        if now - shown > 1:
            shown = now
            show()

    yield advance
    show(last=True)
