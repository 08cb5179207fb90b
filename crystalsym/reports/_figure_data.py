"""Displays as pictures inside a page: one for light and one for dark, or single panels."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from crystalsym.reports._html_page import DARK, LIGHT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 110
QUALITY = 85  # of JPEG


def themed_picture(draw: Callable[[], Any], alt: str, kind: str = "svg") -> str:
    """Draw a display in the colors of light and dark pages.

    Parameters
    ----------
    draw : callable
        Gives a display that has its ``figure_``; it is called twice.
    alt : str
        What there is to see.
    kind : {"svg", "png"}
        Lines and text, or pictures of many pixels.

    Returns
    -------
    str
        HTML that shows one of both.
    """
    uris = []
    for colors in (LIGHT, DARK):
        with _style(colors):
            figure = draw().figure_
            width, height = (round(96 * inches) for inches in figure.get_size_inches())
            uris.append(_uri(figure, kind))
    light, dark = uris
    return (
        f'<figure class="scroll" style="--wide: {width}px"><picture>'
        f'<source media="screen and (prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img src="{light}" alt="{escape(alt)}" width="{width}" height="{height}"></picture>'
        "</figure>"
    )


def panels_of(display: Any) -> list[tuple[str, str]]:
    """Cut the axes of a display out of it.

    Parameters
    ----------
    display : object with ``figure_`` and ``axes_``

    Returns
    -------
    list of (str, str)
        For each axes its picture as a data URI, and its title; rows one after the other.
    """
    from PIL import Image

    figure, axes = display.figure_, list(np.ravel(display.axes_))
    titles = [" ".join(ax.get_title().split()) for ax in axes]
    for ax in axes:
        ax.set(title="", ylabel="")
    figure.suptitle("")
    figure.set_dpi(DPI)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3]
    found = []
    for ax, title in zip(axes, titles, strict=True):
        box = ax.get_window_extent()
        top, bottom = len(pixels) - round(box.y1), len(pixels) - round(box.y0)
        part = pixels[max(top, 0) : bottom, max(round(box.x0), 0) : round(box.x1)]
        file = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(part)).save(file, "jpeg", quality=QUALITY)
        found.append((_encoded("jpeg", file.getvalue()), title))
    _close(figure)
    return found


@contextmanager
def _style(colors: dict[str, str]) -> Iterator[None]:
    import matplotlib

    settings: dict[Any, Any] = {
        **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"),
                        colors["ground"]),
        **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color",
                         "ytick.color"), colors["text"]),
        "svg.fonttype": "path", "svg.hashsalt": "crystalsym", "grid.color": colors["line"],
    }  # fmt: skip
    with matplotlib.rc_context(settings):
        yield


def _uri(figure: Figure, kind: str) -> str:
    file = io.BytesIO()
    if kind == "svg":
        figure.savefig(file, format="svg", dpi=DPI, metadata={"Date": None, "Creator": None})
    else:
        figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
    _close(figure)
    return _encoded("svg+xml" if kind == "svg" else kind, file.getvalue())


def _encoded(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _close(figure: Figure) -> None:
    from matplotlib import pyplot

    pyplot.close(figure)
