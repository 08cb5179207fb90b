"""Display patterns and rankings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crystalsym.classification._class_probabilities import dynamical_views_of, leading_classes
from crystalsym.classification._ranking import check_k, top_k
from crystalsym.diffraction import SpotPatterns
from crystalsym.plotting._drawing import (
    DECADES,
    Ranking,
    draw_ranking,
    draw_raw,
    draw_shaped,
    draw_title,
)
from crystalsym.plotting._places import grid, place_for
from crystalsym.plotting._spot_images import spot_images, widest_field
from crystalsym.plotting._views import titles_of, view_titles, zone_titles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TILE, _BARS = 2.0, 4.2  # inches: width of one pattern, and of the ranking
_HEAD = 0.55  # inches above a block's patterns, for its title


class PatternDisplay:
    """Show raw and shaped patterns of crystals with the ranking of space groups beside them.

    Each crystal fills one block: its raw patterns (logarithmic gray scale, with a scale bar in
    1/Å), the shaped patterns below them, and the most probable groups as horizontal bars. Bars in
    color belong to the most probable diffraction class, whose members the beam hardly tells apart.

    Parameters
    ----------
    raw : array of shape (n, n_views, H, W), or SpotPatterns
        Raw patterns, linear intensity. (n_views, H, W) is taken as one crystal.
    shaped : array of shape (n, n_views, h, w, C), optional
        The same patterns as the network sees them, in [0, 1] or uint8.
    rankings : list of n lists of (number, probability), optional
        Space groups with their probabilities, best first.
    names : list of n str, optional
        Titles of the blocks.
    known_groups : list of n (int or None), optional
        Space groups that a symmetry finder, or the literature, gives.
    q_max : float, optional
        q at the outermost pixel centers in 1/Å; without it images have no scale bar.
    view_titles : sequence of str, or of n sequences of str, optional
        One title per view, for all crystals or for each of its own. Default: the zones that spots
        know, or else [100], [010], [001].
    model_groups : collection of int, optional
        Groups that the model can answer. A known group that is none of them is marked so.
    diffraction_classes : list of n collections of int, optional
        Groups of the most probable diffraction class, shown in blue. Default: the kinematic class
        with the largest sum of the probabilities shown.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure drawn into.
    axes_ : ndarray of shape (n, n_columns), object
        Axes of each block: raw patterns, then shaped patterns, then the ranking.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.plotting import PatternDisplay
    >>> raw = np.random.default_rng(0).random((1, 3, 32, 32))
    >>> display = PatternDisplay.from_patterns(raw, rankings=[[(225, 0.9), (216, 0.1)]])
    >>> display.axes_.shape
    (1, 4)
    """

    figure_: Figure
    axes_: NDArray[Any]

    def __init__(
        self,
        raw: ArrayLike | SpotPatterns,
        shaped: ArrayLike | None = None,
        rankings: Sequence[Ranking] | None = None,
        *,
        names: Sequence[str] | None = None,
        known_groups: Sequence[int | None] | None = None,
        q_max: float | None = None,
        view_titles: Sequence[str] | Sequence[Sequence[str]] | None = None,
        model_groups: Collection[int] | None = None,
        diffraction_classes: Sequence[Collection[int]] | None = None,
    ) -> None:
        self.raw = raw
        self.shaped = shaped
        self.rankings = rankings
        self.names = names
        self.known_groups = known_groups
        self.q_max = q_max
        self.view_titles = view_titles
        self.model_groups = model_groups
        self.diffraction_classes = diffraction_classes

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        top: int = 5,
        names: Sequence[str] | None = None,
        known_groups: Sequence[int | None] | None = None,
        ax: Axes | None = None,
    ) -> PatternDisplay:
        """Simulate, shape and classify with a fitted pipeline, and plot.

        Parameters
        ----------
        estimator : Pipeline
            A fitted pipeline of simulator, shaper and classifier (`crystalsym.load_pretrained`).
        X : list of structures, or array of shape (n, n_views, H, W)
            Crystals, or raw patterns that have the simulator's geometry.
        top : int, default 5
            How many groups the rankings show.
        names, known_groups
            As in the class.
        ax : matplotlib Axes, optional
            Axes whose place the display takes. Default: a new figure.

        Returns
        -------
        PatternDisplay
        """
        simulator = estimator[0]
        is_patterns = isinstance(X, SpotPatterns) or (isinstance(X, np.ndarray) and X.ndim == 4)
        raw = X if is_patterns else simulator.transform(X)
        shaped = estimator[1:-1].transform(raw)
        classifier = estimator[-1]
        given = np.asarray(classifier.predict_proba(shaped))
        classes = classifier.classes_
        groups, probabilities = top_k(given, given, classes, check_k(top, len(classes)))
        rankings = [
            [(int(g), float(p)) for g, p in zip(*row, strict=True)]
            for row in zip(groups, probabilities, strict=True)
        ]
        return cls.from_patterns(
            raw,
            shaped,
            rankings,
            names=names,
            known_groups=known_groups,
            q_max=simulator.q_per_pixel * (simulator.image_size - 1) / 2,
            view_titles=None
            if isinstance(raw, SpotPatterns)
            else view_titles(simulator.views)
            if is_patterns
            else [titles_of(simulator, structure) for structure in X],
            model_groups=[int(group) for group in classes],
            diffraction_classes=leading_classes(given, classes, dynamical_views_of(classifier))[0],
            ax=ax,
        )

    @classmethod
    def from_patterns(
        cls,
        raw: ArrayLike | SpotPatterns,
        shaped: ArrayLike | None = None,
        rankings: Sequence[Ranking] | None = None,
        *,
        ax: Axes | None = None,
        **options: Any,
    ) -> PatternDisplay:
        """Plot patterns and rankings that are at hand.

        Parameters
        ----------
        raw, shaped, rankings
            As in the class.
        ax : matplotlib Axes, optional
            Axes whose place the display takes. Default: a new figure.
        **options
            The class's other parameters.

        Returns
        -------
        PatternDisplay
        """
        return cls(raw, shaped, rankings, **options).plot(ax=ax)

    def plot(self, ax: Axes | None = None) -> PatternDisplay:
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes whose place the display takes. Default: a new figure of fitting size.

        Returns
        -------
        PatternDisplay
            The display itself, with ``figure_`` and ``axes_``.
        """
        raw, shaped, titles = self._checked()
        q_max = widest_field(self.raw) if isinstance(self.raw, SpotPatterns) else self.q_max
        n, n_views = raw.shape[:2]
        tiles = _TILE * n_views, _TILE * (1 if shaped is None else 2)  # inches
        width = tiles[0] + (0 if self.rankings is None else _BARS) + 0.5
        height = n * (tiles[1] + _HEAD) + 0.15
        margins = {
            "left": 0.35 / width, "right": 1 - 0.15 / width,
            "bottom": 0.12 / height, "top": 1 - 0.03 / height,
        }  # fmt: skip
        with place_for(ax, width, height, margins) as (self.figure_, place):
            blocks = grid(place, n, 1, hspace=0)
            axes = [
                self._plot_block(
                    i,
                    raw[i],
                    None if shaped is None else shaped[i],
                    titles[i],
                    q_max,
                    blocks[i],
                    tiles,
                )
                for i in range(n)
            ]
        self.axes_ = np.array(axes, dtype=object)
        return self

    def _plot_block(
        self,
        i: int,
        raw: NDArray[Any],
        shaped: NDArray[Any] | None,
        titles: Sequence[str],
        q_max: float | None,
        place: Any,
        tiles: tuple[float, float],
    ) -> list[Axes]:
        """Draw crystal `i` at `place`; `tiles` are width and height of its patterns in inches."""
        figure, n_views = self.figure_, len(titles)
        widths = (tiles[0],) if self.rankings is None else (tiles[0], _BARS)
        parts = grid(
            place, 2, len(widths), hspace=0, wspace=0,
            width_ratios=widths, height_ratios=(_HEAD, tiles[1]),
        )  # fmt: skip
        known = None if self.known_groups is None else self.known_groups[i]
        name = "" if self.names is None else str(self.names[i])
        answerable = self.model_groups is None or known in self.model_groups
        draw_title(figure.add_subplot(parts[0, :]), name, known, answerable)
        n_rows = 1 if shaped is None else 2
        images = grid(parts[1, 0], n_rows, n_views, hspace=0.04, wspace=0.04)
        axes = [figure.add_subplot(images[r, v]) for r in range(n_rows) for v in range(n_views)]
        for v, title in enumerate(titles):
            first = v == 0  # it alone carries the row's label and the scale bar
            label = f"raw, log scale, {DECADES} decades" if first else None
            draw_raw(axes[v], raw[v], label, q_max if first else None)
            axes[v].set_title(title, fontsize=9, pad=3)
            if shaped is not None:
                draw_shaped(axes[n_views + v], shaped[v], "shaped" if first else None)
        if self.rankings is not None:
            bars = grid(parts[1, 1], 1, 2, width_ratios=(1.75, _BARS - 1.75), wspace=0)
            axes.append(figure.add_subplot(bars[1]))
            members = None if self.diffraction_classes is None else self.diffraction_classes[i]
            draw_ranking(axes[-1], self.rankings[i], known, members)
        return axes

    def _checked(self) -> tuple[NDArray[Any], NDArray[Any] | None, list[Sequence[str]]]:
        """Check the input: patterns get a leading axis of crystals, views their titles."""
        spots = self.raw if isinstance(self.raw, SpotPatterns) else None
        raw = np.asarray(self.raw) if spots is None else spot_images(spots)
        shaped = None if self.shaped is None else np.asarray(self.shaped)
        if raw.ndim == 3:
            raw, shaped = raw[None], None if shaped is None else shaped[None]
        if raw.ndim != 4 or 0 in raw.shape:
            raise ValueError(f"raw patterns have shape (n, n_views, H, W), not {raw.shape}")
        if shaped is not None and (shaped.ndim != 5 or shaped.shape[:2] != raw.shape[:2]):
            raise ValueError(
                f"shaped patterns have shape (n, n_views, h, w, C) with n = {raw.shape[0]} and "
                f"n_views = {raw.shape[1]}, not {shaped.shape}"
            )
        for name in ("rankings", "names", "known_groups", "diffraction_classes"):
            value = getattr(self, name)
            if value is not None and len(value) != len(raw):
                raise ValueError(f"{name} has {len(value)} entries for {len(raw)} crystals")
        default: Sequence[Any] = view_titles("zone-axes", raw.shape[1])
        if spots is not None:
            default = zone_titles(spots)
        given = list(self.view_titles or default)
        if all(isinstance(title, str) for title in given):
            titles: list[Sequence[str]] = [[str(title) for title in given]] * len(raw)
        elif len(given) == len(raw):
            titles = [list(of_one) for of_one in given]
        else:
            raise ValueError(f"view_titles has {len(given)} entries for {len(raw)} crystals")
        for of_one in titles:
            if len(of_one) != raw.shape[1]:
                raise ValueError(f"view_titles has {len(of_one)} entries for {raw.shape[1]} views")
        return raw, shaped, titles
