"""Display how the patterns of one crystal are shaped, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from crystalsym.diffraction import DiffractionSimulator, SpotPatterns
from crystalsym.plotting._drawing import draw_raw
from crystalsym.plotting._one_crystal import one_row
from crystalsym.plotting._places import below_title, faint_frame, grid, place_for
from crystalsym.plotting._shaping_steps import SCHEMES, Step, node_pixels, shaping_steps
from crystalsym.plotting._spot_images import spot_images, widest_field
from crystalsym.plotting._views import titles_of, view_titles, zone_titles
from crystalsym.shaping import PatternShaper

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TILE, _LEFT, _HEAD = 2.0, 0.45, 0.45  # inches: one picture, room beside and above all
_MOST_TICKS = 5


class ShapedPatternDisplay:
    """Show the patterns of one crystal and how they are shaped, a row for each view.

    The first column is the pattern as it was measured or simulated, five decades of intensity.
    What follows depends on the shaper's scheme:

    ======== ==================================================================================
    spots    its spots (nodes), the lines that join them, both in one picture
    pixels   its bright pixels (nodes), the lines between these, the published picture in colors
    lattice  brightness in the pattern's own indices, one pixel each; length |q| of the places
    indices  intensity, significance, whether a place was measured, |q|, by known indices
    ======== ==================================================================================

    Parameters
    ----------
    raw : array of shape (n_views, H, W), or SpotPatterns of one crystal
        Linear intensity.
    shaped : array of shape (n_views, h, w, C)
        The same patterns as :class:`crystalsym.PatternShaper` gives them, spots before lines.
    scheme : {"spots", "pixels", "lattice", "indices"}, default="spots"
        The shaper's.
    nodes : array of shape (n_views, H, W), optional
        Which pixels are nodes (``"pixels"``); without it that column is left out.
    steps : bool, default=True
        Without them, spots and pixels have two columns: the pattern and its shaped picture.
    field : float, default=1.0
        Part of the raw image's width that shaped pictures show; it is framed if it is less.
    q_max : float, optional
        q at the outermost pixel centers of images in 1/Å, for a scale bar.
    view_titles : sequence of str, optional
        Default: the zones that spots know, or view 1, view 2 ...
    name : str, optional
        Title.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure drawn into.
    axes_ : ndarray of shape (n_views, 1 + n_steps), object
        Axes of every picture.

    Examples
    --------
    >>> from crystalsym import PatternShaper
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.plotting import ShapedPatternDisplay
    >>> shaper = PatternShaper("spots", image_size=96)
    >>> display = ShapedPatternDisplay.from_estimator(shaper, example_crystals()["NaCl"])
    >>> [ax.get_title() for ax in display.axes_[0]][1:]
    ['nodes', 'lines', 'shaped']
    """

    figure_: Figure
    axes_: NDArray[Any]

    def __init__(
        self,
        raw: ArrayLike | SpotPatterns,
        shaped: ArrayLike,
        *,
        scheme: str = "spots",
        nodes: ArrayLike | None = None,
        steps: bool = True,
        field: float = 1.0,
        q_max: float | None = None,
        view_titles: Sequence[str] | None = None,
        name: str | None = None,
    ) -> None:
        self.raw = raw
        self.shaped = shaped
        self.scheme = scheme
        self.nodes = nodes
        self.steps = steps
        self.field = field
        self.q_max = q_max
        self.view_titles = view_titles
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        simulator: DiffractionSimulator | None = None,
        steps: bool = True,
        name: str | None = None,
        ax: Axes | None = None,
    ) -> ShapedPatternDisplay:
        """Shape the patterns of one crystal and plot.

        Parameters
        ----------
        estimator : PatternShaper, or a Pipeline that holds one
        X : structure, SpotPatterns of one crystal, or array of shape (n_views, H, W)
            A structure may have a list around it, an array an axis of length 1.
        simulator : DiffractionSimulator, optional
            What simulates a structure. Default: that of the pipeline; of a shaper alone one by
            default parameters, with images for ``scheme="pixels"`` and spots for others.
        steps, name
            As in the class.
        ax : matplotlib Axes, optional
            Axes whose place the display takes. Default: a new figure.

        Returns
        -------
        ShapedPatternDisplay

        Raises
        ------
        ValueError
            If there is no shaper in the pipeline, or X is more than one crystal.
        """
        shaper, simulator = _steps_of(estimator, simulator)
        raw, simulator, titles = _patterns(X, simulator, shaper.scheme)
        if shaper.scheme == "spots" and tuple(shaper.channels) != ("spots",):
            shaper = clone(shaper).set_params(channels=("spots", "lines"))
        shaped = shaper.fit().transform(raw)[0]
        nodes = None
        if shaper.scheme == "pixels":
            threshold = shaper._parameters_in_effect()["threshold"]
            nodes = np.stack([node_pixels(image, threshold) for image in np.asarray(raw)[0]])
        is_spots = isinstance(raw, SpotPatterns)
        q_max = None
        if simulator is not None and not is_spots:
            q_max = simulator.q_per_pixel * (simulator.image_size - 1) / 2
        return cls(
            raw if is_spots else np.asarray(raw)[0],
            shaped,
            scheme=shaper.scheme,
            nodes=nodes,
            steps=steps,
            field=shaper.field if shaper.scheme == "spots" else 1.0,
            q_max=q_max,
            view_titles=titles,
            name=name,
        ).plot(ax=ax)

    @classmethod
    def from_patterns(
        cls,
        raw: ArrayLike | SpotPatterns,
        shaped: ArrayLike,
        *,
        ax: Axes | None = None,
        **options: Any,
    ) -> ShapedPatternDisplay:
        """Plot patterns that are at hand.

        Parameters
        ----------
        raw, shaped
            As in the class.
        ax : matplotlib Axes, optional
            Axes whose place the display takes. Default: a new figure.
        **options
            The class's other parameters.

        Returns
        -------
        ShapedPatternDisplay
        """
        return cls(raw, shaped, **options).plot(ax=ax)

    def plot(self, ax: Axes | None = None) -> ShapedPatternDisplay:
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes whose place the display takes. Default: a new figure of fitting size.

        Returns
        -------
        ShapedPatternDisplay
            The display itself, with ``figure_`` and ``axes_``.
        """
        raw, steps, titles, q_max = self._checked()
        n_views, n_columns = len(raw), 1 + len(steps)
        width, height = _TILE * n_columns + _LEFT, _TILE * n_views + _HEAD
        with place_for(ax, width, height) as (self.figure_, place):
            name = (self.name or "").replace("$", r"\$")
            place = below_title(self.figure_, place, ax, name)
            tiles = grid(place, n_views, n_columns, wspace=0.05, hspace=0.05)
            self.axes_ = np.empty((n_views, n_columns), dtype=object)
            for view in range(n_views):
                row = [self.figure_.add_subplot(tiles[view, c]) for c in range(n_columns)]
                self.axes_[view] = row
                draw_raw(row[0], raw[view], None, q_max if view == 0 else None)
                faint_frame(row[0])
                row[0].set_ylabel(titles[view], fontsize="medium")
                if self.field < 1:
                    _frame_field(row[0], raw[view].shape[0], self.field)
                for column, step in enumerate(steps, start=1):
                    _draw_step(row[column], step, view, last=view == n_views - 1)
            self.axes_[0, 0].set_title("pattern (log)", fontsize="small")
            for column, step in enumerate(steps, start=1):
                self.axes_[0, column].set_title(step.title, fontsize="small")
        return self

    def _checked(self) -> tuple[NDArray[Any], list[Step], list[str], float | None]:
        if self.scheme not in SCHEMES:
            raise ValueError(f"scheme must be one of {tuple(SCHEMES)}, got {self.scheme!r}")
        spots = self.raw if isinstance(self.raw, SpotPatterns) else None
        if spots is not None and len(spots) != 1:
            raise ValueError(f"one crystal is drawn, raw holds {len(spots)}")
        raw = np.asarray(self.raw) if spots is None else spot_images(spots)[0]
        if raw.ndim != 3 or 0 in raw.shape:
            raise ValueError(f"raw patterns have shape (n_views, H, W), not {raw.shape}")
        shaped = np.asarray(self.shaped)
        channels = SCHEMES[self.scheme]
        if shaped.ndim != 4 or len(shaped) != len(raw) or shaped.shape[3] not in channels:
            known = " or ".join(map(str, channels))
            raise ValueError(
                f'shaped patterns of scheme="{self.scheme}" have shape ({len(raw)}, h, w, {known})'
                f" for {len(raw)} views, not {shaped.shape}"
            )
        if not np.isfinite(raw).all() or not np.isfinite(shaped).all():
            raise ValueError("patterns hold NaN: the crystal could not be simulated")
        if not 0 < self.field <= 1:
            raise ValueError(f"field must lie in (0, 1], got {self.field!r}")
        nodes = None if self.nodes is None else np.asarray(self.nodes)
        if nodes is not None and (nodes.ndim != 3 or len(nodes) != len(raw)):
            raise ValueError(f"nodes have shape ({len(raw)}, H, W), not {nodes.shape}")
        steps = shaping_steps(self.scheme, shaped, nodes)
        if not self.steps and self.scheme in ("spots", "pixels"):
            steps = steps[-1:]
        titles = list(self.view_titles or (zone_titles(spots)[0] if spots is not None else ()))
        titles = titles or [f"view {view + 1}" for view in range(len(raw))]
        if len(titles) != len(raw):
            raise ValueError(f"view_titles has {len(titles)} entries for {len(raw)} views")
        return raw, steps, titles, self.q_max if spots is None else widest_field(spots)


def _steps_of(estimator: Any, simulator: Any) -> tuple[PatternShaper, Any]:
    """The shaper, and what simulates before it."""
    if isinstance(estimator, PatternShaper):
        return estimator, simulator
    steps = [step for _, step in getattr(estimator, "steps", ())]
    shapers = [step for step in steps if isinstance(step, PatternShaper)]
    if not shapers:
        raise ValueError(
            "estimator must be a PatternShaper or a pipeline that holds one, got "
            f"{type(estimator).__name__}"
        )
    own = [step for step in steps if isinstance(step, DiffractionSimulator)]
    return shapers[0], simulator or (own[0] if own else None)


def _patterns(X: Any, simulator: Any, scheme: str) -> tuple[Any, Any, list[str] | None]:
    """Patterns of one crystal with a leading axis, what simulated them, titles of its views."""
    if isinstance(X, SpotPatterns):
        return one_row(X), simulator, None
    if isinstance(X, np.ndarray) and X.ndim in (3, 4):
        raw = X[None] if X.ndim == 3 else one_row(X)
        # Another array may be given to a pipeline than its simulator would make.
        if simulator is None or simulator.image_size != raw.shape[2]:
            return raw, None, None
        return raw, simulator, list(view_titles(simulator.views, raw.shape[1]))
    structures = one_row(X)
    if simulator is None:
        simulator = DiffractionSimulator(output="images" if scheme == "pixels" else "spots")
    raw = simulator.transform(structures)
    if isinstance(raw, SpotPatterns):
        return raw, simulator, None
    return raw, simulator, list(titles_of(simulator, structures[0]))


def _draw_step(ax: Axes, step: Step, view: int, *, last: bool) -> None:
    picture = step.pictures[view]
    options: dict[str, Any] = {"cmap": step.cmap, "vmin": 0, "vmax": 1} if step.cmap else {}
    faint_frame(ax)
    if not step.by_index:
        ax.imshow(picture, interpolation="antialiased", **options)
        return
    most = (len(picture) - 1) // 2
    edge = most + 0.5
    ax.imshow(picture, extent=(-edge, edge, -edge, edge), interpolation="nearest", **options)
    if last:
        spacing = max(1, -(-2 * most // (_MOST_TICKS - 1)))
        ticks = np.arange(-(most // spacing) * spacing, most + 1, spacing)
        ax.set_xticks(ticks, [str(tick) for tick in ticks], fontsize="x-small")
        ax.tick_params(axis="x", length=2)


def _frame_field(ax: Axes, size: int, field: float) -> None:
    """Frame the part of a raw image that its shaped picture shows."""
    from matplotlib.patches import Rectangle

    middle, side = (size - 1) / 2, (size - 1) * field
    corner = middle - side / 2
    ax.add_patch(Rectangle((corner, corner), side, side, fill=False, edgecolor="white", lw=0.8))
