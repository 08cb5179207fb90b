"""Many tasks on many cores, a worker a core with one thread, results as they come."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}
WRITTEN_EVERY = 15.0  # seconds


def add_arguments(parser: Any) -> None:
    """Add what says how many work and how long."""
    parser.add_argument("--jobs", type=int, default=1, help="processes (%(default)s)")
    parser.add_argument("--seconds", type=float, help="begin nothing new after so long")


def one_thread_each() -> None:
    """Keep workers to a thread each; before anything heavy is imported."""
    for name, value in ONE_THREAD.items():
        os.environ.setdefault(name, value)


def each(
    work: Callable[..., Any], tasks: Iterable[tuple[Any, ...]], jobs: int, seconds: float | None
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Give tasks and results as they come, in any order; none is begun after ``seconds``.

    The first is done here, so that what is compiled once is not compiled by every worker.
    """
    ends = None if seconds is None else time.monotonic() + seconds

    def in_time() -> Iterator[tuple[Any, ...]]:
        for task in tasks:
            if ends is not None and time.monotonic() > ends:
                return
            yield task

    left = in_time()
    for task in left:
        yield task, work(*task)
        if jobs > 1:
            break
    if jobs > 1:
        from joblib import Parallel, delayed

        run = Parallel(jobs, return_as="generator_unordered", pre_dispatch=2 * jobs, batch_size=1)
        yield from run(delayed(_with_task)(work, task) for task in left)


def _with_task(work: Callable[..., Any], task: tuple[Any, ...]) -> tuple[tuple[Any, ...], Any]:
    return task, work(*task)


def read(path: Path) -> dict[str, Any]:
    """Read what is kept in a file, nothing if there is none."""
    return json.loads(path.read_text()) if path.is_file() else {}


def write(path: Path, kept: dict[str, Any]) -> None:
    """Keep answers in the order of their numbers; a run that is cut off leaves the file whole."""
    ordered = {key: kept[key] for key in sorted(kept, key=int)}
    replace_file(path, json.dumps(ordered, indent=0).encode())


def replace_file(path: Path, content: bytes) -> None:
    """Write a file in one step."""
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(content)
    beside.replace(path)
