"""What the gallery's examples write: warnings without the paths of the machine that built it."""

from __future__ import annotations

import warnings
from typing import Any


def plain_warnings(*_: Any) -> None:
    """Show warnings as one line each; sphinx-gallery calls this before every example."""
    warnings.formatwarning = lambda message, category, *_, **__: f"{category.__name__}: {message}\n"
