"""Where reference data lie: small fixtures in the repository, the full sets beside it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
SHARED = Path(__file__).resolve().parents[3] / "shared"


def fixture(name: str) -> dict[str, np.ndarray]:
    """Arrays of one file in ``tests/fixtures``."""
    return _arrays(FIXTURES / name)


def shared(path: str) -> Path:
    """A file of the full reference material; the test is skipped where it is absent."""
    file = SHARED / path
    if not file.is_file():
        pytest.skip(f"the full reference is not here: {file}")
    return file


def shared_arrays(path: str) -> dict[str, np.ndarray]:
    """Arrays of one file of the full reference material."""
    return _arrays(shared(path))


@cache
def _arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}
