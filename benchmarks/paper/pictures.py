"""Pictures that several figures draw."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

FRAME = "#7b8794"
DECADES = 5  # of intensity that a raw pattern shows


def log_gray(image: NDArray[Any], decades: float = DECADES) -> NDArray[np.float64]:
    """Bring intensities to [0, 1], the logarithm over so many decades.

    Examples
    --------
    >>> log_gray(np.array([10.0, 1e-2, 0.0])).round(2).tolist()
    [1.0, 0.4, 0.0]
    """
    relative = np.maximum(image / (image.max() or 1), 10.0**-decades)
    return 1 + np.log10(relative) / decades


def draw_image(ax: Axes, image: NDArray[Any], **options: Any) -> None:
    """Draw a picture in [0, 1] without ticks."""
    ax.imshow(image, vmin=0, vmax=1, interpolation="antialiased", **options)
    frame(ax)


def frame(ax: Axes) -> None:
    """Frame axes and take their ticks away."""
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set(color=FRAME, linewidth=0.5)
