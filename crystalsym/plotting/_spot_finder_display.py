"""Display what a SpotFinder found in the three images of a crystal, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crystalsym.measurement import FoundCrystal, FoundPattern, SpotFinder
from crystalsym.plotting._drawing import FAINT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FOUND, _STRAY, _BEAM, _HIDDEN = "#56b4e9", "#d55e00", "#f0e442", (0.8, 0.47, 0.65, 0.45)
_DECADES = 4  # of gray above the noise
STEPS = ("image", "peaks", "lattice")


class SpotFinderDisplay:
    """Show images with what was taken for beam, hidden places, spots, strays and lattice.

    A row for each image. The columns: the image, what was not measured over it; what is above
    the ground in units of noise, with the peaks, blue on the lattice and orange off it, and the
    beam; the lattice and the row that is turned to +x.

    Parameters
    ----------
    found : FoundCrystal
        As :meth:`crystalsym.measurement.SpotFinder.find` gives it.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure drawn into.
    axes_ : ndarray of shape (3, 3), object
        Of images and steps.

    Examples
    --------
    >>> from crystalsym import DiffractionSimulator
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.measurement import CameraImages
    >>> from crystalsym.plotting import SpotFinderDisplay
    >>> crystals = [example_crystals()["TiO2-rutile"]]
    >>> spots = DiffractionSimulator(output="spots").transform(crystals)
    >>> images = CameraImages(256, spot_sigma=1.5, background=0.01, rotate=True).render(spots)
    >>> SpotFinderDisplay.from_images(images[0]).axes_.shape
    (3, 3)
    """

    figure_: Figure
    axes_: NDArray[Any]

    def __init__(self, found: FoundCrystal) -> None:
        self.found = found

    @classmethod
    def from_images(cls, images: Any, finder: SpotFinder | None = None) -> SpotFinderDisplay:
        """Find the spots of a crystal's three images, and plot.

        Parameters
        ----------
        images : sequence of three arrays or Patterns
        finder : SpotFinder, optional
            By default one of default parameters.

        Returns
        -------
        SpotFinderDisplay
        """
        (found,) = (finder or SpotFinder()).find([images])
        return cls(found).plot()

    def plot(self) -> SpotFinderDisplay:
        """Draw the display into a new figure.

        Returns
        -------
        SpotFinderDisplay
            The display itself, with ``figure_`` and ``axes_``.
        """
        from matplotlib import pyplot

        images = self.found.images
        self.figure_, self.axes_ = pyplot.subplots(
            len(images), len(STEPS), figsize=(11, 3.7 * len(images)), squeeze=False,
            layout="constrained",
        )  # fmt: skip
        turning = self.found.turning
        for number, (one, axes) in enumerate(zip(images, self.axes_, strict=True)):
            row = None
            if turning is not None:
                row = turning.rows[turning.order.index(number)]
            _draw_image(axes[0], one, number)
            _draw_peaks(axes[1], one)
            _draw_lattice(axes[2], one, row)
        if turning is not None:
            self.figure_.suptitle(f"zones held to be seen: {turning.zones}", fontsize=11)
        return self


def _draw_image(ax: Axes, found: FoundPattern, number: int) -> None:
    image = np.asarray(found.image, dtype=float)
    _bare(ax, f"image {number}")
    known = image[np.isfinite(image)]
    low, high = np.percentile(known, (1, 99.9)) if known.size else (0.0, 1.0)
    if image.ndim == 3:  # a color picture, refused as such
        image = np.clip(image[..., :3] / max(high, 1), 0, 1)
    ax.imshow(image, cmap="cividis", vmin=low, vmax=max(high, low + 1), origin="lower")
    if found.bad is not None:
        hidden = np.zeros((*found.bad.shape, 4))
        hidden[found.hidden_places] = _HIDDEN
        ax.imshow(hidden, origin="lower")
    if found.refused:
        ax.set_title(f"refused: {found.refused}", fontsize=9, color=_STRAY, wrap=True)


def _draw_peaks(ax: Axes, found: FoundPattern) -> None:
    _bare(ax, "")
    if found.ground is None or found.noise is None:
        return
    _draw_light(ax, found)
    if found.peaks is not None:
        explained = np.zeros(len(found.peaks), dtype=bool)
        if found.lattice is not None:
            explained = found.lattice.explained
        for which, color in ((explained, _FOUND), (~explained, _STRAY)):
            columns, rows = found.peaks.places[which].T
            ax.scatter(columns, rows, s=30, facecolors="none", edgecolors=color, linewidths=0.8)
        ax.set_title(f"{len(found.peaks)} spots, {int((~explained).sum())} off the lattice"
                     f", σ {found.spot_sigma:.2f} px", fontsize=9)  # fmt: skip
    if found.center is not None:
        ax.plot(*found.center.place, "+", color=_BEAM, ms=14, mew=1.5)


def _draw_lattice(ax: Axes, found: FoundPattern, row: np.ndarray | None) -> None:
    _bare(ax, "")
    if found.lattice is None or found.center is None:
        return
    _draw_light(ax, found)
    height, width = found.image.shape
    column, line = found.center.place
    reach = np.arange(-200, 201)
    for along, across in (found.lattice.basis, found.lattice.basis[::-1]):
        for n in reach:
            start = found.center.place + n * across
            off = abs((start[0] - column) * along[1] - (start[1] - line) * along[0])
            if off / np.hypot(*along) < np.hypot(width, height) / 2:
                ax.axline(start, start + along, color=_FOUND, lw=0.4, alpha=0.6)
    if row is not None:
        end = found.center.place + row / found.q_per_pixel
        ax.annotate(
            "",
            tuple(end),
            tuple(found.center.place),
            arrowprops={"arrowstyle": "->", "color": _BEAM},
        )
    one, two = 1 / np.hypot(*found.basis.T)
    ax.set_title(f"1/|b| {one:.3g} and {two:.3g} Å, off by {found.lattice.residual:.2f} px"
                 f" ({found.lattice.n_explained} spots)", fontsize=9)  # fmt: skip
    ax.set(xlim=(-0.5, width - 0.5), ylim=(-0.5, height - 0.5))


def _draw_light(ax: Axes, found: FoundPattern) -> None:
    """What is above the ground, in units of noise, on a logarithmic scale."""
    assert found.ground is not None
    assert found.noise is not None
    light = np.nan_to_num(found.image - found.ground) / found.noise
    level = np.log10(np.clip(light, 1, 10.0**_DECADES)) / _DECADES
    ax.imshow(level, cmap="gray", vmin=0, vmax=1, origin="lower")


def _bare(ax: Axes, label: str) -> None:
    ax.set(xticks=[], yticks=[])
    ax.set_ylabel(label, fontsize=9, color=FAINT)
