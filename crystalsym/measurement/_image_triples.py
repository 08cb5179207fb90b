"""Images of crystals, however they are given, as triples of patterns with a scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from crystalsym._images import looks_like_structure
from crystalsym.diffraction import SpotPatterns
from crystalsym.measurement._image_checks import check_kind
from crystalsym.measurement._pattern import Pattern
from crystalsym.measurement._signals import is_signal, patterns_of_signal, triples_of_signal

N_IMAGES = 3


def image_triples(
    X: Any, scale: float | None = None, mask: np.ndarray | None = None
) -> list[list[Pattern]]:
    """Read the three images of each crystal.

    Parameters
    ----------
    X : array-like of shape (n, 3, H, W), or sequence of triples of arrays, Patterns or signals
    scale : float, optional
        1/Å per pixel; by default that of each Pattern or signal.
    mask : ndarray of bool, shape (H, W), optional
        That has to be of the images' shape.

    Returns
    -------
    list of list of Pattern

    Raises
    ------
    TypeError
        If X holds no images.
    ValueError
        If a crystal has not three, an image is none, or its scale is not known; names it.
    """
    if looks_like_structure(X) or isinstance(X, (str, SpotPatterns)):
        raise TypeError(f"SpotFinder takes images, got {type(X).__name__}")
    crystals = []
    if is_signal(X):
        X = triples_of_signal(X)
    for row, triple in enumerate(X):
        if is_signal(triple):
            triple = triples_of_signal(triple, f"crystal {row}")[0]
        if looks_like_structure(triple) or not hasattr(triple, "__len__"):
            raise TypeError(
                f"SpotFinder takes triples of images; crystal {row} is {type(triple).__name__}"
            )
        if len(triple) != N_IMAGES:
            raise ValueError(
                f"crystal {row} has {len(triple)} images, three are needed; one crystal's three"
                " images are [images]"
            )
        crystals.append(
            [
                _pattern(one, scale, mask, f"crystal {row}, image {i}")
                for i, one in enumerate(triple)
            ]
        )
    return crystals


def _pattern(image: Any, scale: float | None, mask: np.ndarray | None, name: str) -> Pattern:
    if is_signal(image):
        found = patterns_of_signal(image, name)
        if len(found) != 1:
            raise ValueError(f"{name}: a signal of {len(found)} images, one is needed")
        (image,) = found
    if not isinstance(image, Pattern):
        image = Pattern(np.asarray(image))
    check_kind(image.image, name)
    used = image.q_per_pixel if scale is None else scale
    if used is None:
        raise ValueError(
            f"{name}: its scale is not known; give q_per_pixel, or"
            " camera_length and pixel_size with wavelength or voltage"
        )
    if mask is not None and np.shape(mask) != image.image.shape[:2]:
        raise ValueError(f"{name}: has shape {image.image.shape}, the mask {np.shape(mask)}")
    return Pattern(image.image, used, image.center, image.bit_depth, image.path, image.metadata)
