"""Keep libraries' warnings quiet, in several threads at once."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LOCK = threading.RLock()


@contextmanager
def without_warnings(category: type[Warning] = Warning) -> Iterator[None]:
    """Ignore warnings of a category within the block.

    The filters belong to the process. Two threads in ``warnings.catch_warnings`` at once can leave
    behind what one of them had set, and all warnings silenced for good; so one enters at a time.
    """
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore", category)
        yield


def _anew() -> None:
    """Forget, in a forked child, threads of the parent that do not run there."""
    global _LOCK
    _LOCK = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_anew)
