"""Modules of the folders of ``benchmarks``, which are no packages and share names."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from joblib.externals.loky import get_reusable_executor

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def importer(folder: Path, monkeypatch: Any) -> Callable[[str], Any]:
    """Let modules of one folder be imported by their names; forget those of the others."""
    for name, module in list(sys.modules.items()):
        file = Path(getattr(module, "__file__", None) or "/")
        if file.is_relative_to(BENCHMARKS) and not file.is_relative_to(folder):
            del sys.modules[name]
    monkeypatch.syspath_prepend(folder)
    # Workers that began before do not know the folder: the next ones do.
    get_reusable_executor().shutdown(wait=True)
    return importlib.import_module
