"""The modules of benchmarks/paper, which are no package."""

import importlib
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "paper"


@pytest.fixture
def paper(monkeypatch):
    """Import a module of benchmarks/paper by its name."""
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module
