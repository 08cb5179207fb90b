"""The shaper's parameters: which scheme knows which, what None means, and their check."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np

from crystalsym.shaping._spot_scheme import CHANNELS, INTENSITIES

SCHEMES: dict[str, dict[str, Any]] = {
    "lattice": {"image_size": 13, "threshold": 1e-5},
    "indices": {"image_size": 17, "threshold": 1e-5},
    "spots": {"image_size": 224, "threshold": 1e-4},
    "pixels": {"image_size": 224, "threshold": 50 / 256},
}
"""Schemes, and what ``image_size=None`` and ``threshold=None`` mean for each."""

PARAMETERS = {
    "lattice": ("scheme", "intensity", "max_spots", "friedel"),
    "indices": ("scheme", "friedel"),
    "spots": (
        "scheme", "intensity", "max_spots", "distance_factor", "channels", "field", "spot_sigma",
        "line_width",
    ),
    "pixels": ("scheme", "distance_factor"),
}  # fmt: skip
N_CHANNELS = {"pixels": 3, "lattice": 2, "indices": 4}
AS_THE_NODES = "node"
"""``line_width`` of lines as thick as the spots they join."""
DTYPES = ("float32", "float16", "uint8")


def check_parameters(shaper: Any) -> None:
    """Raise ValueError naming the first parameter that cannot be."""
    if shaper.scheme not in SCHEMES:
        raise ValueError(f"scheme must be one of {tuple(SCHEMES)}, got {shaper.scheme!r}")
    if shaper.intensity not in INTENSITIES:
        known = tuple(INTENSITIES)
        raise ValueError(f"intensity must be one of {known}, got {shaper.intensity!r}")
    if not _is_number(shaper.distance_factor) or shaper.distance_factor < 1:
        raise ValueError(f"distance_factor must be at least 1, got {shaper.distance_factor!r}")
    if not _is_number(shaper._threshold) or not 0 < shaper._threshold < 1:
        raise ValueError(f"threshold must lie between 0 and 1, got {shaper.threshold!r}")
    for name, value in (("image_size", shaper._size), ("max_spots", shaper.max_spots)):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} must be a positive integer, got {value!r}")
    of_indices = shaper.scheme in ("lattice", "indices")
    if of_indices and (shaper._size < 3 or shaper._size % 2 == 0):
        raise ValueError(
            f'scheme="{shaper.scheme}" needs an odd image_size from 3, 2 n + 1 for indices up to n;'
            f" got {shaper.image_size!r}"
        )
    if not isinstance(shaper.friedel, bool | np.bool_):
        raise ValueError(f"friedel must be True or False, got {shaper.friedel!r}")
    channels = tuple(shaper.channels)
    if not channels or len(set(channels)) < len(channels) or set(channels) - set(CHANNELS):
        raise ValueError(f"channels must be chosen from {CHANNELS}, got {shaper.channels!r}")
    if not _is_number(shaper.field) or not 0 < shaper.field <= 1:
        raise ValueError(f"field must lie in (0, 1], got {shaper.field!r}")
    for name, words in (("spot_sigma", ()), ("line_width", (AS_THE_NODES,))):
        value = getattr(shaper, name)
        if value is None or (isinstance(value, str) and value in words):
            continue
        if not _is_number(value) or value <= 0:
            allowed = "".join(f" or {word!r}" for word in words)
            raise ValueError(f"{name} must be positive{allowed}, got {value!r}")
    if not _is_number(shaper.beam_radius) or shaper.beam_radius < 0:
        raise ValueError(f"beam_radius must not be negative, got {shaper.beam_radius!r}")
    if shaper.center is not None and np.shape(shaper.center) != (2,):
        raise ValueError(f"center must be (column, row) in pixels, got {shaper.center!r}")
    if str(np.dtype(shaper.dtype)) not in DTYPES:
        raise ValueError(f"dtype must be one of {DTYPES}, got {shaper.dtype!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
