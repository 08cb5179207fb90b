"""Say why images are not answered."""

from __future__ import annotations


class PatternRefused(ValueError):
    """Report that an image, or a crystal's three together, hold nothing to be answered.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.measurement import PatternRefused, SpotFinder
    >>> try:
    ...     SpotFinder(q_per_pixel=0.01).transform([[np.zeros((64, 64))] * 3])
    ... except PatternRefused as refusal:
    ...     print(str(refusal).split(";")[0])
    crystal 0, image 0: the image is empty, all its values are the same
    """
