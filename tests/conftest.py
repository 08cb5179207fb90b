"""Paths and settings for all tests."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# The helpers in tests/support are imported as `support`.
sys.path.insert(0, str(Path(__file__).parent))

# The first example of a test compiles a kernel, so times say nothing.
settings.register_profile("crystalsym", deadline=None, derandomize=True, max_examples=30)
settings.load_profile("crystalsym")


def pytest_configure(config: pytest.Config) -> None:
    """Let JAX compile quickly, and every network once: most of a run is compilation.

    It starts anew for every model, however like the last. What it keeps is for this run and each
    of its processes alone: JAX writes these files in place.
    """
    if os.environ.get("KERAS_BACKEND") != "jax":
        return
    folder = tempfile.mkdtemp(prefix="crystalsym-jax-")
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    os.environ.update(
        JAX_COMPILATION_CACHE_DIR=folder,
        JAX_DISABLE_MOST_OPTIMIZATIONS="1",
        JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0",
        JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES="-1",
    )
