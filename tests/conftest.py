"""Paths and settings for all tests."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

# The helpers in tests/support are imported as `support`.
sys.path.insert(0, str(Path(__file__).parent))

# The first example of a test compiles a kernel, so times say nothing.
settings.register_profile("crystalsym", deadline=None, derandomize=True, max_examples=30)
settings.load_profile("crystalsym")
