"""Describe patterns in image files, and understand our own JSON and ImageJ's calibration."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from crystalsym.measurement._pattern import positive

_LENGTHS = {"nm": 0.1, "a": 1.0, "å": 1.0, "angstrom": 1.0}
"""Of which 1/Å is so many reciprocals."""


def reciprocal_unit(text: str) -> float | None:
    """Read a unit of reciprocal length, in 1/Å.

    Parameters
    ----------
    text : str
        As ImageJ, HyperSpy, pyxem or DigitalMicrograph write it.

    Returns
    -------
    float or None
        None if it is none.

    Examples
    --------
    >>> [reciprocal_unit(text) for text in ("1/nm", "$A^{-1}$", "k_nm^-1", "px")]
    [0.1, 1.0, 0.1, None]
    """
    plain_text = text.replace("\\u00C5", "Å").strip().strip("$").lower()
    plain_text = plain_text.replace("\u212b", "å").replace("\\aa", "å").removeprefix("k_")
    for sign in ("{", "}", "^", " ", "\\"):
        plain_text = plain_text.replace(sign, "")
    plain_text = plain_text.replace("⁻¹", "-1").replace("−1", "-1")
    if plain_text.startswith("1/"):
        return _LENGTHS.get(plain_text.removeprefix("1/"))
    return _LENGTHS.get(plain_text.removesuffix("-1")) if plain_text.endswith("-1") else None


def describe(
    q_per_pixel: float,
    center: tuple[float, float],
    full_scale: float,
    metadata: Mapping[str, Any],
) -> str:
    """Write the JSON text of a file; `full_scale` is the intensity of its largest value."""
    content = {
        "format": "crystalsym pattern 1",
        "q_per_pixel": q_per_pixel,
        "q_unit": "1/angstrom, q = 1/d",
        "center": [float(c) for c in center],
        "full_scale": full_scale,
        "metadata": dict(metadata),
    }
    return json.dumps(content, default=plain)


def calibration(
    path: Path, description: str, resolution: float | None
) -> tuple[float | None, tuple[float, float] | None, dict[str, Any]]:
    """Take q per pixel in 1/Å, beam center (x, y) and other metadata from what a file says.

    ``resolution`` counts pixels per unit of length.
    """
    if description.startswith("ImageJ="):
        fields = dict(line.split("=", 1) for line in description.splitlines() if "=" in line)
        unit = reciprocal_unit(fields.get("unit", ""))
        pixels = float(resolution or 0)
        if unit is not None and pixels > 0 and math.isfinite(pixels):
            return unit / pixels, None, {}
        return None, None, {}
    try:
        found = json.loads(description)
    except ValueError:
        return None, None, {}
    if not isinstance(found, dict):
        return None, None, {}
    q_per_pixel = found.get("q_per_pixel")
    if q_per_pixel is not None:
        q_per_pixel = positive(q_per_pixel, f"{path}: q_per_pixel in its metadata")
    center = found.get("center")
    if center is not None:
        try:
            x, y = (float(c) for c in center)
        except (TypeError, ValueError):
            raise ValueError(f"{path}: center in its metadata is not a pair of numbers") from None
        center = (x, y)
    metadata = found.get("metadata")
    return q_per_pixel, center, metadata if isinstance(metadata, dict) else {}


def plain(value: Any) -> Any:
    """Turn NumPy numbers and arrays, and paths, into what JSON can hold."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"metadata: {value!r} cannot be written as JSON")
