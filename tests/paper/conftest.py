"""The modules of benchmarks/paper, which are no package."""

from pathlib import Path

import pytest
from support.benchmark_modules import importer

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "paper"


@pytest.fixture
def paper(monkeypatch):
    """Import a module of benchmarks/paper by its name."""
    return importer(FOLDER, monkeypatch)
