"""Display the feature maps that a layer makes of one pattern."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crystalsym.metrics import MapRedundancy, map_redundancy
from crystalsym.plotting._drawing import shaped_to_rgb
from crystalsym.plotting._one_crystal import one_row
from crystalsym.plotting._places import below_title, faint_frame, grid, place_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SCALES = ("map", "layer")
_TILE, _HEAD = 0.95, 0.75  # inches
_WIDE = 8  # maps in a row
# For maps that are nowhere negative, and for others, whose zero is white.
_POSITIVE, _SIGNED = "cividis", "PuOr"


class FeatureMapDisplay:
    """Show the feature maps that a layer of a network makes of one pattern.

    The title says how much the maps repeat one another
    (:func:`crystalsym.metrics.map_redundancy`, of all maps of the layer). Maps that are negative
    somewhere are drawn in purple (positive) and orange (negative) about white.

    Parameters
    ----------
    maps : array of shape (h, w, n_maps)
    image : array of shape (H, W, C), optional
        The shaped pattern that they were made of, drawn before them.
    layer : str, optional
        Name of the layer, for the title.
    name : str, optional
        What the pattern is of, for the title.
    max_maps : int, default=32
        Maps that are drawn at most, the first ones.
    scale : {"map", "layer"}, default="map"
        Whether each map has its own color scale, so that weak ones are seen, or all have one.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure drawn into.
    axes_ : ndarray of shape (n_drawn,), object
        Axes of the maps.
    image_ax_ : matplotlib.axes.Axes or None
        Axes of the pattern.
    redundancy_ : MapRedundancy

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.plotting import FeatureMapDisplay
    >>> spots = np.random.default_rng(0).random((8, 8))
    >>> display = FeatureMapDisplay.from_maps(np.stack([spots] * 4, axis=-1))
    >>> display.axes_.shape, display.redundancy_.n_components
    ((4,), 1)
    """

    figure_: Figure
    axes_: NDArray[Any]
    image_ax_: Axes | None
    redundancy_: MapRedundancy

    def __init__(
        self,
        maps: ArrayLike,
        *,
        image: ArrayLike | None = None,
        layer: str | None = None,
        name: str | None = None,
        max_maps: int = 32,
        scale: str = "map",
    ) -> None:
        self.maps = maps
        self.image = image
        self.layer = layer
        self.name = name
        self.max_maps = max_maps
        self.scale = scale

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        layer: str,
        *,
        stream: int = 0,
        name: str | None = None,
        max_maps: int = 32,
        scale: str = "map",
        ax: Axes | None = None,
    ) -> FeatureMapDisplay:
        """Run one crystal through a network up to a layer, and plot.

        Parameters
        ----------
        estimator : SpaceGroupClassifier, or a Pipeline that ends in one
            Fitted.
        X : structure, or array of one row
            What the estimator takes; of a classifier shaped patterns, shape (1, S, H, W, C), or
            merged images, shape (1, H, W, C).
        layer : str
            One of :meth:`crystalsym.SpaceGroupClassifier.feature_map_layers`, such as
            ``"trunk/block1_layer1_conv"``.
        stream : int, default=0
            Which of the crystal's patterns, from 0.
        name, max_maps, scale
            As in the class.
        ax : matplotlib Axes, optional
            Axes whose place the display takes. Default: a new figure.

        Returns
        -------
        FeatureMapDisplay

        Raises
        ------
        ValueError
            If the network has no such layer or stream, or X is more than one crystal.
        """
        rows, classifier = one_row(X), estimator
        if hasattr(estimator, "steps"):
            classifier = estimator.steps[-1][1]
            if len(estimator.steps) > 1:
                rows = estimator[:-1].transform(rows)
        if not hasattr(classifier, "feature_maps"):
            raise ValueError(
                "estimator must be a SpaceGroupClassifier or a pipeline that ends in one, got "
                f"{type(classifier).__name__}"
            )
        maps = classifier.feature_maps(rows, layer)[0]
        if isinstance(stream, bool) or int(stream) != stream or not 0 <= stream < len(maps):
            raise ValueError(f"stream must be an integer from 0 to {len(maps) - 1}, got {stream!r}")
        image = np.asarray(rows[0:1])[0]
        if image.ndim == 4:
            image = image[stream]
        return cls(
            maps[stream],
            image=image,
            layer=layer,
            name=name,
            max_maps=max_maps,
            scale=scale,
        ).plot(ax=ax)

    @classmethod
    def from_maps(
        cls, maps: ArrayLike, *, ax: Axes | None = None, **options: Any
    ) -> FeatureMapDisplay:
        """Plot maps that are at hand.

        Parameters
        ----------
        maps : array of shape (h, w, n_maps)
        ax : matplotlib Axes, optional
            Axes whose place the display takes. Default: a new figure.
        **options
            The class's other parameters.

        Returns
        -------
        FeatureMapDisplay
        """
        return cls(maps, **options).plot(ax=ax)

    def plot(self, ax: Axes | None = None) -> FeatureMapDisplay:
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes whose place the display takes. Default: a new figure of fitting size.

        Returns
        -------
        FeatureMapDisplay
            The display itself, with ``figure_``, ``axes_``, ``image_ax_`` and ``redundancy_``.
        """
        maps, image = self._checked()
        self.redundancy_ = map_redundancy(maps)
        shown = min(maps.shape[2], self.max_maps)
        aside = int(image is not None)  # the pattern stands in a column of its own
        n_columns = min(shown, _WIDE)
        n_rows = math.ceil(shown / n_columns)
        # Maps of index pictures are half pictures, wider than high.
        height = _TILE * maps.shape[0] / maps.shape[1]
        size = (max(_TILE * (n_columns + aside), 5.6), max(height, 0.35) * n_rows + _HEAD)
        signed = maps.min() < 0
        whole = float(np.abs(maps).max()) or 1.0
        with place_for(ax, *size) as (self.figure_, place):
            place = below_title(self.figure_, place, ax, self._title(maps, shown))
            tiles = grid(place, n_rows, n_columns + aside, wspace=0.04, hspace=0.04)
            axes = [
                self.figure_.add_subplot(tiles[i // n_columns, aside + i % n_columns])
                for i in range(shown)
            ]
            self.image_ax_ = None
            if image is not None:
                self.image_ax_ = self.figure_.add_subplot(tiles[0, 0])
                self.image_ax_.imshow(_picture(image), interpolation="antialiased")
                self.image_ax_.set_ylabel("input", fontsize="x-small", labelpad=2)
            for number, one in enumerate(axes):
                top = whole
                if self.scale == "map":
                    top = float(np.abs(maps[..., number]).max()) or 1.0
                one.imshow(
                    maps[..., number],
                    cmap=_SIGNED if signed else _POSITIVE,
                    vmin=-top if signed else 0,
                    vmax=top,
                    interpolation="nearest",
                )
            for one in [*axes, *([self.image_ax_] if self.image_ax_ else [])]:
                faint_frame(one)
            self.axes_ = np.array(axes, dtype=object)
        return self

    def _title(self, maps: NDArray[Any], shown: int) -> str:
        found = self.redundancy_
        height, width, n = maps.shape
        head = ", ".join(part.replace("$", r"\$") for part in (self.name, self.layer) if part)
        what = f"{n} maps of {height} x {width}"
        if shown < n:
            what += f", the first {shown} shown"
        if found.n_constant:
            what += f", {found.n_constant} constant"
        like = "nothing to compare"
        if found.n_maps > 1:
            like = (
                f"mean |correlation| {found.mean_correlation:.2f}; {found.n_components} of "
                f"{found.n_maps} components hold {100 * found.variance:g} % of the variance"
            )
        return "\n".join(line for line in (head, what, like) if line)

    def _checked(self) -> tuple[NDArray[Any], NDArray[Any] | None]:
        maps = np.asarray(self.maps, dtype=np.float64)
        if maps.ndim != 3 or 0 in maps.shape:
            raise ValueError(f"maps of one pattern have shape (h, w, n_maps), not {maps.shape}")
        if not np.isfinite(maps).all():
            raise ValueError("maps hold NaN or infinity: the crystal could not be simulated?")
        if self.scale not in SCALES:
            raise ValueError(f"scale must be one of {', '.join(SCALES)}, got {self.scale!r}")
        if isinstance(self.max_maps, bool) or int(self.max_maps) != self.max_maps:
            raise ValueError(f"max_maps must be an integer >= 1, got {self.max_maps!r}")
        if self.max_maps < 1:
            raise ValueError(f"max_maps must be an integer >= 1, got {self.max_maps!r}")
        image = None if self.image is None else np.asarray(self.image)
        if image is not None and image.ndim != 3:
            raise ValueError(f"image must have shape (H, W, C), not {image.shape}")
        return maps, image


def _picture(image: NDArray[Any]) -> NDArray[Any]:
    """A shaped pattern in color; of more than three channels the first in gray."""
    return shaped_to_rgb(image if image.shape[2] <= 3 else image[..., :1])
