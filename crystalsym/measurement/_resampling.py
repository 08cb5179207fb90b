"""Bring patterns of any size and scale to the geometry of a model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crystalsym.diffraction._peaks import find_spots
from crystalsym.diffraction._spot_drawing import FAINTEST, draw_spots
from crystalsym.measurement._pattern import Pattern, positive

# As a part of the strongest pixel; a 16-bit image holds nothing fainter.
FAINTEST_SPOT = 1e-5


def resample_pattern(
    pattern: Pattern, q_max: float, image_size: int, spot_sigma: float = 0.7
) -> NDArray[np.float32]:
    """Bring a pattern to a square image of given q range, the beam in the middle.

    A pattern that has that geometry already comes back unchanged. Otherwise its spots are found
    to sub-pixel accuracy and drawn anew: interpolating pixels would blur weak spots and ring
    beside strong ones. Without a q scale the outermost pixel center of the longer side is taken
    to be at `q_max`. What the target shows beyond the pattern's edge is dark.

    Parameters
    ----------
    pattern : Pattern
        The pattern, with ``q_per_pixel`` in 1/Å.
    q_max : float
        q at the outermost pixel center of the target, ``(image_size - 1) / 2`` pixels from its
        center, in 1/Å.
    image_size : int
        Height and width of the target in pixels.
    spot_sigma : float
        Standard deviation of the spots drawn, in pixels of the target.

    Returns
    -------
    ndarray of shape (image_size, image_size), float32

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((101, 101), np.float32); image[50, 80] = 1.0  # a spot at q_x = 0.3
    >>> target = resample_pattern(Pattern(image, q_per_pixel=0.01), q_max=0.5, image_size=51)
    >>> np.argwhere(target == target.max())  # 0.3 / 0.02 = 15 pixels right of the center
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
    spots = find_spots(image, FAINTEST_SPOT)
    target = np.zeros((image_size, image_size), dtype=np.float32)
    columns = (spots.columns - x0) / step + middle
    rows = (spots.rows - y0) / step + middle
    draw_spots(target, columns, rows, spots.intensities, spot_sigma, FAINTEST)
    return target
