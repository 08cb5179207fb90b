"""Any number of structures into one table, through cuts and over a cluster."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed, effective_n_jobs
from joblib.parallel import get_active_backend

from crystalsym import __version__
from crystalsym._progress import track
from crystalsym.bundles import available, find_model
from crystalsym.crystals._lists import grouped
from crystalsym.identification._answer_files import FORMATS, AnswerFile
from crystalsym.identification._identification import Identification
from crystalsym.identification._identifying import identify
from crystalsym.identification._part_files import PartFiles, write_whole
from crystalsym.identification._structure_inputs import (
    inputs_digest,
    listed,
    source_name,
    with_full_paths,
)


def identify_many(
    structures: Any,
    output: str | os.PathLike,
    *,
    model: str | os.PathLike = "72",
    top: int = 5,
    coverage: float | None = None,
    symprec: float | None = None,
    batch_size: int = 256,
    n_jobs: int | None = None,
    verbose: int = 0,
    resume: bool = True,
) -> AnswerFile:
    """Identify any number of structures into a table, a row for each.

    Finished batches are kept in the folder ``<output>.parts`` and put together at the end. A run
    that was cut off at any moment and is called again with the same arguments goes on where it
    was; called once more when all is done, it does nothing. What the answers depend on is written
    beside them, to ``<output>.json``.

    Parameters
    ----------
    structures : list of paths or structures, or CrystalTable
    output : path-like
        Ends in .csv, or in .parquet (``pip install pyarrow``). The columns are
        listed in ``docs/many-crystals.md``.
    model : str or path-like, default="72"
        Name of a bundled model, or folder of a saved one, which all jobs must see.
    top, coverage, symprec
        As in :func:`identify`.
    batch_size : int, default=256
        Structures a job takes at once.
    n_jobs : int, optional
        Jobs, as in joblib; ``joblib.parallel_config`` decides where they run. The answers do not
        depend on it.
    verbose : int, default=0
        1 shows progress.
    resume : bool, default=True
        Go on with what an earlier run has left; False starts afresh and replaces it.

    Returns
    -------
    AnswerFile

    Raises
    ------
    ValueError
        If a parameter is out of range, or ``output`` comes from a run with other structures,
        another model or other options.
    FileExistsError
        If ``output`` is there and comes from no run.
    ImportError
        If Parquet is asked for and pyarrow is missing.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.identification import identify_many
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = [example_crystals()["NaCl"], "nowhere.cif"]
    ...     answers = identify_many(paths, Path(folder) / "answers.csv", top=1)
    ...     print(answers.n_structures, answers.n_failed)
    2 1
    """
    structures = listed(structures)
    output = Path(output)
    _check(output, model, top, coverage, batch_size)
    rows = FORMATS[output.suffix.lower()](int(top), coverage is not None)
    options = {"top": int(top), "coverage": coverage, "symprec": symprec,
               "batch_size": int(batch_size)}  # fmt: skip
    description = {
        "crystalsym": __version__,
        "structures": {"number": len(structures), "digest": inputs_digest(structures)},
        "model": {"digest": model_digest(model)},
        "options": options,
    }
    parts = PartFiles(output, rows, description)
    if not resume:
        parts.discard()
    finished = parts.open()
    if finished is not None:
        return finished
    ranges = [
        (start, min(start + batch_size, len(structures)))
        for start in range(0, len(structures), batch_size)
    ]
    missing = [one for one in ranges if not parts.path(*one).exists()]
    asked = {"model": _full_name(model), "top": top, "coverage": coverage, "symprec": symprec}
    tasks = (
        delayed(_identify_batch)(start, *_batch(structures, start, stop), asked)
        for start, stop in missing
    )
    with (
        track(len(structures), "identifying", verbose, unit="structures") as advance,
        warnings.catch_warnings(),
    ):
        _no_warnings()
        advance(len(structures) - sum(stop - start for start, stop in missing))
        # A single batch is not worth the start of other processes.
        for start, records in _as_they_get_ready(tasks, 1 if len(missing) < 2 else n_jobs):
            stop = start + len(records)
            write_whole(parts.path(start, stop), rows.encode(start, records))
            advance(len(records))
    return parts.finish(ranges)


def _check(output: Path, model: Any, top: int, coverage: float | None, batch_size: int) -> None:
    if output.suffix.lower() not in FORMATS:
        raise ValueError(f"{output}: a table's file name ends in {' or '.join(FORMATS)}")
    if output.is_dir():
        raise ValueError(f"{output}: is a folder")
    if not output.resolve().parent.is_dir():
        raise ValueError(f"{output}: the folder {output.parent} does not exist")
    for name, value in (("top", top), ("batch_size", batch_size)):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} must be a positive integer, got {value!r}")
    if coverage is not None and not 0 < coverage < 1:
        raise ValueError(f"coverage must be between 0 and 1, got {coverage!r}")
    if hasattr(model, "steps"):
        raise ValueError(
            "model must be a name or a folder, which other processes can load: write the pipeline"
            " by crystalsym.pretrained.save_pipeline and give the folder"
        )


def model_digest(model: str | os.PathLike) -> str:
    """Hash the files of a model.

    Raises
    ------
    ValueError, FileNotFoundError
        If there is no such model.
    """
    path = find_model(model)
    files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
    found = hashlib.sha256()
    for file in files:
        found.update(f"{file.relative_to(path).as_posix()}\n".encode())
        with file.open("rb") as content:
            found.update(hashlib.file_digest(content, "sha256").digest())
    return found.hexdigest()


def _as_they_get_ready(
    tasks: Iterable[Any], n_jobs: int | None
) -> Iterator[tuple[int, list[Identification]]]:
    """Yield what is ready: it is safe on the disk before a slower one is waited for."""
    backend, _ = get_active_backend()
    if backend.supports_return_generator:
        yield from Parallel(n_jobs=n_jobs, batch_size=1, return_as="generator_unordered")(tasks)
        return
    # Backends after multiprocessing's (Ray's) give results as lists only.
    jobs = effective_n_jobs(n_jobs)
    with Parallel(n_jobs=n_jobs, batch_size=1) as pool:
        for some in grouped(tasks, 1 if jobs == 1 else 2 * jobs):
            yield from pool(some)


def _full_name(model: Any) -> str:
    """A model's name or path that means the same in another process or on another machine."""
    if not isinstance(model, os.PathLike) and str(model) in available():
        return str(model)
    return str(find_model(model).resolve())


def _batch(structures: Any, start: int, stop: int) -> tuple[Any, list[str | None]]:
    """Some structures as another process can read them, and what they are called here."""
    names = [source_name(structures, row) for row in range(start, stop)]
    return with_full_paths(structures[start:stop]), names


def _identify_batch(
    start: int, structures: Any, names: list[str | None], asked: dict[str, Any]
) -> tuple[int, list[Identification]]:
    # The table has a column for warnings. In a thread the filter would come and go for all others.
    alone = threading.current_thread() is threading.main_thread()
    with warnings.catch_warnings() if alone else contextlib.nullcontext():
        if alone:
            _no_warnings()
        records = identify(structures, **asked)
    return start, [
        record if name is None else replace(record, source=name)
        for record, name in zip(records, names, strict=True)
    ]


def _no_warnings() -> None:
    warnings.simplefilter("ignore", UserWarning)
