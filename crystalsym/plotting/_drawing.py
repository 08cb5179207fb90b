"""Draw the parts of a figure: titles, raw patterns, shaped patterns, rankings."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crystalsym import spacegroups
from crystalsym.classification._class_probabilities import leading_classes
from crystalsym.plotting._palette import BLUE, GRAY, RED, readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Ranking = Sequence[tuple[int, float]]

DECADES = 5  # of intensity that a raw pattern shows
FAINT = "#7b8794"
_LONGEST_NAME = 44  # characters
_BEAM_RADIUS = 6  # pixels around the center that do not set the intensity scale
_LINES_COLOR = np.array([0.16, 0.62, 0.66])


def symbol_text(number: int) -> str:
    """Write a space group's symbol for matplotlib, with overlines and subscripts.

    Parameters
    ----------
    number : int
        Space group.

    Examples
    --------
    >>> symbol_text(225), symbol_text(14)
    ('$Fm\\\\overline{3}m$', '$P2_{1}/c$')
    """
    symbol = re.sub(r"-(\d)", r"\\overline{\1}", spacegroups.symbol(number))
    return "$" + re.sub(r"_(\d)", r"_{\1}", symbol) + "$"


def shaped_to_rgb(shaped: ArrayLike) -> NDArray[np.float64]:
    """Turn a shaped pattern into a color image.

    Parameters
    ----------
    shaped : array of shape (h, w, C), float in [0, 1] or uint8
        C = 3 is shown as it is; C = 2 (spots, lines) as white spots over blue-green lines;
        C = 1 in gray.

    Returns
    -------
    ndarray of shape (h, w, 3), float64 in [0, 1]

    Examples
    --------
    >>> import numpy as np
    >>> shaped_to_rgb(np.full((4, 4, 1), 255, np.uint8)).max()
    np.float64(1.0)
    """
    image = np.asarray(shaped)
    if image.ndim != 3 or image.shape[2] not in (1, 2, 3):
        raise ValueError(f"a shaped pattern has shape (h, w, C) with C = 1..3, not {image.shape}")
    scale = 255.0 if image.dtype == np.uint8 else 1.0
    image = np.clip(image / scale, 0, 1)
    if image.shape[2] == 2:
        spots, lines = image[..., :1], image[..., 1:]
        return np.maximum(spots, lines * _LINES_COLOR)
    return np.broadcast_to(image, (*image.shape[:2], 3)).astype(np.float64)


def draw_title(ax: Axes, name: str, known: int | None, answerable: bool = True) -> None:
    """Draw a block's title, and the symmetry finder's group with whether the model knows it."""
    ax.set_axis_off()
    if known is not None and len(name) > _LONGEST_NAME:  # it would run into the group
        half = _LONGEST_NAME // 2
        name = f"{name[:half]}...{name[-half:]}"
    ax.text(0, 0.5, name, fontsize=12, weight="bold", va="center", parse_math=False)
    if known is not None:
        answer = f"symmetry finder: {symbol_text(known)} ({known})"
        if not answerable:
            answer += ", not among this model's groups"
        mark = readable(RED, ax.figure.get_facecolor())
        ax.text(1, 0.5, answer, fontsize=10, color=mark, va="center", ha="right")


def leading_class(ranking: Ranking, dynamical_views: str | None = None) -> tuple[int, ...]:
    """Find the diffraction class with the largest sum of the probabilities of a ranking.

    Parameters
    ----------
    ranking : sequence of (int, float)
    dynamical_views : str, optional
        As in :func:`crystalsym.metrics.diffraction_class_accuracy`.

    Examples
    --------
    >>> leading_class([(2, 0.4), (225, 0.35), (216, 0.25)])
    (209, 216, 219, 225, 226)
    """
    if len(ranking) == 0:
        return ()
    shares = np.array([[float(share) for _, share in ranking]])
    members, _ = leading_classes(shares, [int(number) for number, _ in ranking], dynamical_views)
    return members[0]


def _frame(ax: Axes, label: str | None) -> None:
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        # Pictures are framed: they may be as dark as what is around them.
        spine.set(visible=bool(ax.images), color=FAINT, linewidth=0.5)
    if label:
        ax.set_ylabel(label, fontsize=9, labelpad=3)


def draw_raw(ax: Axes, image: NDArray[Any], label: str | None, q_max: float | None) -> None:
    """Draw one raw pattern in logarithmic gray, with a scale bar if `q_max` is given."""
    height, width = image.shape
    rows, columns = np.indices(image.shape)
    away = np.hypot(columns - (width - 1) / 2, rows - (height - 1) / 2) > _BEAM_RADIUS
    top = float(image[away].max(initial=0)) or float(image.max()) or 1.0
    level = 1 + np.log10(np.clip(image / top, 10.0**-DECADES, 1)) / DECADES
    ax.imshow(level, cmap="magma", vmin=0, vmax=1, interpolation="antialiased")
    _frame(ax, label)
    if q_max is None:
        return
    length = next((q for q in (0.5, 0.2, 0.1, 0.05, 0.02) if q < 0.75 * q_max), q_max / 2)
    pixels = length / (q_max / ((width - 1) / 2))
    x, y = 0.05 * width, 0.94 * height
    ax.plot([x, x + pixels], [y, y], color="white", lw=2, solid_capstyle="butt")
    shade = {"facecolor": "black", "alpha": 0.6, "pad": 1, "linewidth": 0}
    ax.text(x, y - 0.03 * height, f"{length:g} Å$^{{-1}}$", color="white", fontsize=8, va="bottom",
            bbox=shade)  # fmt: skip


def draw_shaped(ax: Axes, image: NDArray[Any], label: str | None) -> None:
    """Draw one shaped pattern."""
    ax.imshow(shaped_to_rgb(image), interpolation="antialiased")
    _frame(ax, label)


def draw_ranking(
    ax: Axes, ranking: Ranking, known: int | None, members: Collection[int] | None = None
) -> None:
    """Draw horizontal bars of the most probable groups, best on top, those of a class in blue."""
    numbers = [int(number) for number, _ in ranking]
    group = leading_class(ranking) if members is None else sorted(members)
    ground = ax.get_facecolor()
    mark, faint, leading = (readable(color, ground) for color in (RED, FAINT, BLUE))
    for place, (number, probability) in enumerate(ranking):
        number = int(number)
        ax.barh(place, probability, height=0.5, color=BLUE if number in group else GRAY)
        percent = f"{100 * probability:.1f} %" if probability >= 5e-4 else "< 0.1 %"
        ax.text(probability + 0.02, place, percent, fontsize=9, va="center")
        head = f"{symbol_text(number)}  {number}"
        text = ax.text(-0.03, place + 0.04, head, fontsize=11, va="bottom", ha="right")
        if number == known:
            text.set_color(mark)
        system = spacegroups.crystal_system(number)
        ax.text(-0.03, place + 0.08, system, color=faint, fontsize=8, va="top", ha="right")
    line = ax.spines["left"].get_edgecolor()
    ax.plot([0, 0], [-0.5, len(numbers) - 0.5], color=line, lw=0.8)
    ax.set(xlim=(0, 1.25), ylim=(max(len(numbers), 3) - 0.3, -0.6))
    _frame(ax, None)
    if len(group) > 1:
        shown = textwrap.shorten(", ".join(str(g) for g in group), 48, placeholder=" ...")
        ax.text(1, 0.0, f"■ one diffraction class: {shown}", color=leading, fontsize=8,
                ha="right", va="bottom", transform=ax.transAxes)  # fmt: skip
