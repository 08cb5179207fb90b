"""``crystalsym info``: versions and bundled models."""

from __future__ import annotations

import argparse
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from crystalsym import __version__

_LIBRARIES = (
    "numpy", "scikit-learn", "keras", "tensorflow", "jax", "torch", "pymatgen", "spglib", "moyopy",
    "gemmi", "numba",
)  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Print; returns the exit code."""
    from crystalsym.pretrained import available, model_card

    print(f"crystalsym    {__version__}")
    print(f"python        {platform.python_version()} ({platform.platform(terse=True)})")
    for library in _LIBRARIES:
        try:
            print(f"{library:13s} {version(library)}")
        except PackageNotFoundError:
            continue
    print(f"{'backend':13s} {os.environ.get('KERAS_BACKEND', 'tensorflow')}")
    for name in available():
        print(f"model {name}")
        for key, value in model_card(name).items():
            if isinstance(value, str | int | float):
                print(f"  {key}: {value}")
        for row in model_card(name).get("evaluation", ()):
            print(f"  of {row['crystals']} {row['of']}: {_figures(row)}")
    return 0


def _figures(row: dict[str, Any]) -> str:
    return f"top-1 {100 * row['top1']:.1f} %, top-5 {100 * row['top5']:.2f} %"
