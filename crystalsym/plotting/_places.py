"""Where a display draws: a new figure, given axes, or the place that they take in a grid."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from crystalsym.plotting._drawing import FAINT

_LINE, _LETTERS = 0.16, 14  # of small text: inches a line takes, letters in an inch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import SubplotSpec


def axes_for(ax: Axes | None, width: float, height: float) -> tuple[Figure, Axes]:
    """Return given axes and their figure, or new ones of a size in inches."""
    if ax is None:
        from matplotlib import pyplot

        return pyplot.subplots(figsize=(width, height), layout="constrained")
    figure = ax.get_figure(root=True)
    if figure is None:
        raise ValueError("ax belongs to no figure: it was removed")
    return figure, ax


@contextmanager
def place_for(
    ax: Axes | None, width: float, height: float, margins: dict[str, float] | None = None
) -> Iterator[tuple[Figure, SubplotSpec]]:
    """Give the place of given axes, which are switched off, or a new figure's.

    Those axes stay the current ones of their figure. ``margins`` (left, right, bottom, top, in
    parts of the figure) are for displays that lay out their parts themselves.

    Raises
    ------
    ValueError
        If the axes have no place in a grid.
    """
    if ax is None:
        from matplotlib import pyplot

        layout = "constrained" if margins is None else "none"
        figure = pyplot.figure(figsize=(width, height), layout=layout)
        yield figure, figure.add_gridspec(1, 1, **(margins or {}))[0]
        return
    place, given = ax.get_subplotspec(), ax.get_figure(root=True)
    if place is None or given is None:
        raise ValueError("ax must be part of a grid of subplots, as pyplot.subplots makes")
    current = given.gca()
    ax.set_axis_off()
    yield given, place
    given.sca(current)


def grid(place: SubplotSpec, rows: int, columns: int, **options: Any) -> Any:
    """Divide a place."""
    return place.subgridspec(rows, columns, **options)


def below_title(figure: Figure, place: SubplotSpec, ax: Axes | None, text: str) -> SubplotSpec:
    """Write a title above all axes of a display, and give the place that is left for these.

    A figure of the display's own has it as its title; in the place of given axes it gets a strip.
    """
    if not text:
        return place
    if ax is None:
        figure.suptitle(text, x=0.01, ha="left", fontsize="small")
        return place
    box = ax.get_window_extent()
    width, height = box.width / figure.dpi, box.height / figure.dpi
    wide = max(12, int(width * _LETTERS))
    lines = [part for line in text.split("\n") for part in textwrap.wrap(line, wide)]
    strip = min(_LINE * len(lines) + 0.08, height / 2)
    rows = place.subgridspec(2, 1, height_ratios=(strip, height - strip), hspace=0)
    head = figure.add_subplot(rows[0])
    head.set_axis_off()
    head.text(0, 1, "\n".join(lines), va="top", fontsize="small", in_layout=False)
    return rows[1]


def faint_frame(ax: Axes) -> None:
    """Frame a picture, which may be as dark as what is around it, and take its ticks away."""
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set(visible=True, color=FAINT, linewidth=0.5)


def bare(ax: Axes, *sides: str) -> None:
    """Hide lines of the axes' frame: top and right if no others are named."""
    for side in sides or ("top", "right"):
        ax.spines[side].set_visible(False)


def legend_below(ax: Axes, handles: list[Any], inches: float, n_columns: int, size: str) -> None:
    """Put a legend so many inches below the axes."""
    from matplotlib.transforms import ScaledTranslation

    figure = ax.get_figure(root=True)
    assert figure is not None
    down = ScaledTranslation(0, -inches, figure.dpi_scale_trans)
    ax.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0, 0),
        bbox_transform=ax.transAxes + down, ncols=n_columns, fontsize=size, frameon=False,
        borderaxespad=0, borderpad=0, handlelength=1.2, columnspacing=1.2,
    )  # fmt: skip
