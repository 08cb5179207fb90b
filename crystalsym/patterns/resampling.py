"""Patterns of any size and scale -> the geometry of a model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crystalsym.patterns.pattern import Pattern, positive


def resample_pattern(pattern: Pattern, q_max: float, image_size: int) -> NDArray[np.float32]:
    """Bring a pattern to a square image of given q range with the direct beam in the middle.

    A pattern that has that geometry already comes back unchanged. Without a q scale the outermost
    pixel centre of the longer side is taken to be at `q_max`. What the target shows beyond the
    pattern's edge is dark.

    Parameters
    ----------
    pattern : Pattern
        The pattern, with ``q_per_pixel`` in 1/Å.
    q_max : float
        q at the outermost pixel centre of the target, ``(image_size - 1) / 2`` pixels from its
        centre, in 1/Å.
    image_size : int
        Height and width of the target in pixels.

    Returns
    -------
    ndarray of shape (image_size, image_size), float32

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((101, 101), np.float32); image[50, 80] = 1.0  # a spot at q_x = 0.3
    >>> target = resample_pattern(Pattern(image, q_per_pixel=0.01), q_max=0.5, image_size=51)
    >>> np.argwhere(target == target.max())  # 0.3 / 0.02 = 15 pixels right of the centre
    array([[25, 40]])
    """
    q_max = positive(q_max, "q_max")
    if image_size < 2:
        raise ValueError(f"image_size must be at least 2, not {image_size}")
    image = np.asarray(pattern.image, dtype=np.float32)
    middle = (image_size - 1) / 2
    pitch = pattern.q_per_pixel
    if pitch is None:
        pitch = q_max / ((max(image.shape) - 1) / 2)
    step = q_max / middle / positive(pitch, "q_per_pixel")  # source pixels per target pixel
    x0, y0 = pattern.beam
    same_place = max(abs(x0 - middle), abs(y0 - middle), abs(step - 1) * middle) < 0.01
    if image.shape == (image_size, image_size) and same_place:
        return image
    from scipy import ndimage

    if step > 1:  # average over what a target pixel covers, lest a narrow spot fall between two
        image = ndimage.gaussian_filter(image, (step - 1) / 2, mode="constant")
    offsets = (np.arange(image_size) - middle) * step
    rows, columns = np.meshgrid(y0 + offsets, x0 + offsets, indexing="ij")
    target = ndimage.map_coordinates(image, [rows, columns], order=1, mode="constant")
    return np.asarray(target, dtype=np.float32)
