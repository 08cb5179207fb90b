"""Colors that people with any color vision tell apart, on light and dark figures alike.

The palette of Okabe and Ito (2008) without its black and yellow, one of which is lost on any
background, and a gray. Text takes the colors of matplotlib's style.
"""

from __future__ import annotations

BLUE, ORANGE, GREEN, PURPLE, SKY, RED = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00",
)  # fmt: skip
GRAY = "#707070"
SERIES = (BLUE, ORANGE, SKY, RED, GREEN, PURPLE, GRAY)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


def text_on(rgb: tuple[float, ...]) -> str:
    """Choose black or white, whichever is read better on a color.

    Parameters
    ----------
    rgb : tuple of float
        Red, green and blue in [0, 1]; an alpha after them is ignored.
    """
    return "white" if luminance(rgb) < 0.18 else "black"


def luminance(rgb: tuple[float, ...]) -> float:
    """Compute the relative luminance of an sRGB color, from 0 to 1 (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
