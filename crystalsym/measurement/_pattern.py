"""Hold one pattern and its geometry."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Pattern:
    """Hold one diffraction pattern and what is known about its geometry.

    Parameters
    ----------
    image : ndarray of shape (H, W), float32
        Linear intensity, not negative. Rows run along +y, columns along +x.
    q_per_pixel : float or None
        Length of one pixel in q = 1/d, in 1/Å; None if unknown.
    center : tuple of float or None
        Place of the direct beam as (x, y) = (column, row) in pixels; None means the image's center.
    bit_depth : int
        Bits per gray value in the file (8, 16, 32).
    path : Path or None
        Where the pattern was read from.
    metadata : dict
        Whatever else the file tells.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.measurement import Pattern
    >>> Pattern(np.zeros((64, 64), np.float32), q_per_pixel=0.02).center is None     # the middle
    True
    """

    image: NDArray[np.float32]
    q_per_pixel: float | None = None
    center: tuple[float, float] | None = None
    bit_depth: int = 32
    path: Path | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def beam(self) -> tuple[float, float]:
        """Give the direct beam (x, y) in pixels: `center`, or the middle of the image."""
        height, width = self.image.shape
        return self.center if self.center is not None else ((width - 1) / 2, (height - 1) / 2)


def positive(value: Any, name: str) -> float:
    """Return `value` as a float, if it is a positive finite number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"{name} must be a positive number, not {value!r}")
    return number
