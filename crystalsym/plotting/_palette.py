"""Colors that people with any color vision tell apart, on light and dark figures alike.

The palette of Okabe and Ito (2008) without its black and yellow, one of which is lost on any
background, and a gray. Text takes the colors of matplotlib's style.
"""

from __future__ import annotations

from typing import Any

import numpy as np

BLUE, ORANGE, GREEN, PURPLE, SKY, RED = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00",
)  # fmt: skip
GRAY = "#707070"
SERIES = (BLUE, ORANGE, SKY, RED, GREEN, PURPLE, GRAY)
_CONTRAST = 4.55  # a little more than 4.5, since colors are rounded
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


def text_on(rgb: tuple[float, ...]) -> str:
    """Choose black or white, whichever is read better on a color.

    Parameters
    ----------
    rgb : tuple of float
        Red, green and blue in [0, 1]; an alpha after them is ignored.
    """
    return "white" if luminance(rgb) < 0.18 else "black"


def readable(color: str, ground: Any) -> str:
    """Darken or lighten a color until text in it is read on what lies behind it.

    Parameters
    ----------
    color : str
    ground : color
        Any that matplotlib knows, such as the color of a figure.

    Returns
    -------
    str
        The color itself, or its mixture with as little black or white as gives a contrast of 4.5
        (WCAG 2.2), or as much as there is.
    """
    from matplotlib.colors import to_hex, to_rgb

    behind = luminance(to_rgb(ground))
    end = 0.0 if text_on(to_rgb(ground)) == "black" else 1.0
    for share in np.linspace(0, 1, 101):
        mixed = tuple(float(c + (end - c) * share) for c in to_rgb(color))
        low, high = sorted((luminance(mixed), behind))
        if (high + 0.05) / (low + 0.05) > _CONTRAST:
            break
    return to_hex((mixed[0], mixed[1], mixed[2]))


def luminance(rgb: tuple[float, ...]) -> float:
    """Compute the relative luminance of an sRGB color, from 0 to 1 (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
