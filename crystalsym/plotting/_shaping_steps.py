"""Steps of shaping, as pictures of their own: what each scheme goes through."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from crystalsym.plotting._drawing import shaped_to_rgb
from crystalsym.shaping._pixel_scheme import beam_block

SCHEMES = {"spots": (1, 2), "pixels": (3,), "lattice": (2,), "indices": (4,)}
"""Schemes, and how many channels their pictures have."""
_OF_INDICES = {
    "lattice": ("brightness", "|q|"),
    "indices": ("intensity", r"$I/\sigma$", "measured", "|q|"),
}
# Colors for what increases with q, which is no brightness.
_PLAIN, _BRIGHT, _PLACE = "gray", "magma", "cividis"


# Pixels wide that a single bright one is drawn, or it would not be seen.
_WIDEN = 3


class Step(NamedTuple):
    """One column: its title, a picture for every view, and how these are colored."""

    title: str
    pictures: list[NDArray[Any]]
    cmap: str | None = None
    by_index: bool = False


def shaping_steps(scheme: str, shaped: NDArray[Any], nodes: NDArray[Any] | None) -> list[Step]:
    """List the pictures that lead to shaped patterns, these included.

    Parameters
    ----------
    scheme : str
        As in :class:`crystalsym.PatternShaper`.
    shaped : ndarray of shape (n_views, h, w, C)
        In [0, 1] or uint8; spots before lines.
    nodes : ndarray of shape (n_views, H, W), bool, optional
        Bright pixels (``"pixels"``).
    """
    if shaped.dtype == np.uint8:
        shaped = shaped / 255.0
    if scheme in _OF_INDICES:
        titles = _OF_INDICES[scheme]
        return [
            Step(title, list(shaped[..., c]), _PLACE if "|q|" in title else _BRIGHT, True)
            for c, title in enumerate(titles)
        ]
    colored = Step("shaped", [shaped_to_rgb(image) for image in shaped])
    if scheme == "spots":
        if shaped.shape[-1] == 1:
            return [colored]
        return [
            Step("nodes", list(shaped[..., 0]), _PLAIN),
            Step("lines", list(shaped[..., 1]), _PLAIN),
            colored,
        ]
    own = [image[..., view % 3] for view, image in enumerate(shaped)]
    others = [image[..., (view + 1) % 3] for view, image in enumerate(shaped)]
    lines = [(a > b).astype(float) for a, b in zip(own, others, strict=True)]
    steps = [Step("lines", lines, _PLAIN), colored]
    if nodes is not None:
        steps.insert(
            0, Step("nodes", [maximum_filter(one.astype(float), _WIDEN) for one in nodes], _PLAIN)
        )
    return steps


def node_pixels(image: NDArray[Any], threshold: float) -> NDArray[np.bool_]:
    """Find the pixels that the scheme ``"pixels"`` takes for nodes.

    Parameters
    ----------
    image : ndarray of shape (size, size)
        Linear intensity.
    threshold : float
        Part of full scale, the brightest pixel outside the direct beam's block.
    """
    gray = image.astype(np.float64)
    if image.dtype != np.uint8:
        gray = np.maximum(gray, 0)
        gray = np.floor(255 * gray / (gray.max() or 1))
    first, last = beam_block(len(image))
    block = np.zeros(image.shape, dtype=bool)
    block[first : last + 1, first : last + 1] = True
    strongest = gray[~block].max(initial=0)
    if strongest == 0:
        return np.zeros(image.shape, dtype=bool)
    return np.where(block, gray, gray / strongest * 256) >= 256 * threshold
