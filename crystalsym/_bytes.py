"""Images in [0, 1] as bytes and back, always the same way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def to_bytes(images: np.ndarray) -> np.ndarray:
    """Images in [0, 1] as uint8."""
    return np.round(images * 255).astype(np.uint8)


def to_floats(images: np.ndarray) -> np.ndarray:
    """uint8 images as float32 in [0, 1]; anything else unchanged.

    Examples
    --------
    >>> every = np.arange(256, dtype=np.uint8)
    >>> float(to_floats(every).max()), bool((to_bytes(to_floats(every)) == every).all())
    (1.0, True)
    """
    if images.dtype != np.uint8:
        return images
    return images.astype(np.float32) * np.float32(1 / 255)


def to_bytes_where_possible(images: np.ndarray) -> np.ndarray:
    """Images in [0, 1] as uint8, or rounded to the same levels as float32 where rows hold NaN.

    Bytes have no NaN. The other rows of such a batch mean what they would have meant as bytes.
    """
    flat = images.reshape(len(images), -1)
    missing = np.array([bool(np.isnan(row).any()) for row in flat], dtype=bool)
    if not missing.any():
        return to_bytes(images)
    levels = np.full(images.shape, np.nan, dtype=np.float32)
    levels[~missing] = to_floats(to_bytes(images[~missing]))
    return levels


def concatenated(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Batches one after the other; bytes become floats where another batch has floats."""
    if len({part.dtype for part in parts}) > 1:
        parts = [to_floats(part) for part in parts]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
