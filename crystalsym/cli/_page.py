"""The page of ``crystalsym identify --report``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crystalsym.cli._messages import InputError


def check_page_path(path: str | None) -> None:
    """Complain of a page that could not be written before any work is done."""
    if path is None:
        return
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{path}: the name of a report ends in .html")
    if not Path(path).resolve().parent.is_dir():
        raise InputError(f"{path}: the folder {Path(path).parent} does not exist")
    if Path(path).is_dir():
        raise InputError(f"{path}: is a folder")


def write_page(
    path: str,
    answers: Sequence[Any],
    model: Any = None,
    patterns: Sequence[Any] | None = None,
    failed: Sequence[dict[str, str]] = (),
) -> None:
    """Write answers to a page, and after them what failed, as ``path`` and ``error``.

    Raises
    ------
    InputError
        If that is not possible.
    """
    import matplotlib

    matplotlib.use("Agg")  # a file needs no screen
    from crystalsym.identification import Identification
    from crystalsym.reports import write_report

    others = [Identification(one["path"], error=one["error"]) for one in failed]
    shown = [*(patterns or [None] * len(answers)), *([None] * len(others))]
    try:
        write_report(path, [*answers, *others], model=model, patterns=shown)
    except OSError as problem:
        raise InputError(f"{path}: the report cannot be written ({problem})") from problem
