"""Threads of this library's own in place of those of the matrix product."""

from __future__ import annotations

import functools
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@functools.cache
def _controller() -> Any:
    import numpy as np  # noqa: F401 - its BLAS, and SciPy's, must be there to be found
    import scipy.linalg  # noqa: F401 - the one that compiled kernels call
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


def n_blas_threads() -> int:
    """Return how many threads a matrix product takes, 1 if that is not known."""
    return max((library["num_threads"] for library in _controller().info()), default=1)


class SingleBlasThread:
    """Matrix products take one thread while any thread of the process is in here.

    BLAS knows one number for the whole process: the first to enter sets it, the last to leave
    sets it back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._limit: Any = None
        self._before = 1

    @contextmanager
    def __call__(self) -> Iterator[int]:
        """Enter; gives the number of threads that a product took before."""
        with self._lock:
            if self._inside == 0:
                self._before = n_blas_threads()
                self._limit = _controller().limit(limits=1)
            self._inside += 1
            before = self._before
        try:
            yield before
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0:
                    self._limit.restore_original_limits()
                    self._limit = None


single_blas_thread = SingleBlasThread()


def run_in_threads(
    run: Callable[[Item], Result], items: Iterable[Item], n_threads: int
) -> Iterator[Result]:
    """Yield ``run(item)`` for every item, in order, with few items waiting at a time.

    Examples
    --------
    >>> list(run_in_threads(abs, [-1, 2, -3], 2))
    [1, 2, 3]
    """
    if n_threads == 1:
        yield from map(run, items)
        return
    with ThreadPoolExecutor(n_threads, thread_name_prefix="crystalsym-network") as pool:
        waiting: deque[Any] = deque()
        for item in items:
            waiting.append(pool.submit(run, item))
            if len(waiting) > n_threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
