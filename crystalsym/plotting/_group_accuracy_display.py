"""Display the accuracy within every space group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from crystalsym import spacegroups
from crystalsym.metrics import accuracy_interval
from crystalsym.metrics._figures import SYSTEMS, rows
from crystalsym.plotting._drawing import FAINT, symbol_text
from crystalsym.plotting._palette import SERIES
from crystalsym.plotting._places import axes_for, bare, legend_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ORDERS = ("number", "accuracy", "support")
_LEFT_OUT = {
    "number": "those with most crystals",
    "accuracy": "the least accurate",
    "support": "those with most crystals",
}
_ROW, _HEAD = 0.2, 1.3  # inches: one group, and what is around them
_WIDTH = 6.8
_PALE = 0.65  # of the bars, for the intervals on them


class GroupAccuracyDisplay:
    """Show the accuracy within every space group as bars, with Wilson's 95 % intervals.

    Parameters
    ----------
    groups : array-like of int, shape (n_groups,)
        Space groups.
    n_right, n_crystals : array-like of int, shape (n_groups,)
        Crystals of each group that were recognized, and all.
    order : {"number", "accuracy", "support"}, default="number"
        From the top: by rising number, by rising accuracy, by falling number of crystals.
    max_groups : int, default=40
        Show so many at most and say so: with ``"accuracy"`` the least accurate, else those with
        most crystals.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure drawn into.
    ax_ : matplotlib.axes.Axes
        The axes drawn into.
    shown_ : ndarray of int
        Groups that were drawn, from the top.

    Examples
    --------
    >>> from crystalsym.plotting import GroupAccuracyDisplay
    >>> display = GroupAccuracyDisplay.from_predictions([2, 2, 225], [2, 1, 225])
    >>> [float(bar.get_width()) for bar in display.ax_.patches]
    [50.0, 100.0]
    """

    figure_: Figure
    ax_: Axes
    shown_: np.ndarray

    def __init__(
        self,
        groups: ArrayLike,
        n_right: ArrayLike,
        n_crystals: ArrayLike,
        *,
        order: str = "number",
        max_groups: int = 40,
    ) -> None:
        self.groups = groups
        self.n_right = n_right
        self.n_crystals = n_crystals
        self.order = order
        self.max_groups = max_groups

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: ArrayLike, *, ax: Axes | None = None, **options: Any
    ) -> GroupAccuracyDisplay:
        """Classify crystals and plot.

        Parameters
        ----------
        estimator : estimator
            Fitted.
        X : what the estimator takes
        y : array-like of int, shape (n,)
            True groups.
        ax : matplotlib Axes, optional
            Default: a new figure.
        **options
            ``order`` and ``max_groups`` of the class.

        Returns
        -------
        GroupAccuracyDisplay
        """
        return cls.from_predictions(y, estimator.predict(X), ax=ax, **options)

    @classmethod
    def from_predictions(
        cls, y_true: ArrayLike, y_pred: ArrayLike, *, ax: Axes | None = None, **options: Any
    ) -> GroupAccuracyDisplay:
        """Plot the accuracy of answers that are at hand.

        Parameters
        ----------
        y_true, y_pred : array-like of int, shape (n,)
        ax : matplotlib Axes, optional
            Default: a new figure.
        **options
            ``order`` and ``max_groups`` of the class.

        Returns
        -------
        GroupAccuracyDisplay
        """
        truth, _ = rows(y_true, None)
        answers = np.asarray(y_pred)
        if answers.shape != truth.shape:
            raise ValueError(f"y_pred of shape {answers.shape} for {len(truth)} rows")
        groups, codes = np.unique(truth, return_inverse=True)
        n_right = np.bincount(codes, answers == truth).astype(int)
        return cls(groups, n_right, np.bincount(codes), **options).plot(ax=ax)

    def plot(self, ax: Axes | None = None) -> GroupAccuracyDisplay:
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Default: a new figure of fitting size.

        Returns
        -------
        GroupAccuracyDisplay
            The display itself, with ``figure_``, ``ax_`` and ``shown_``.
        """
        from matplotlib import rcParams

        groups, right, total = self._checked()
        accuracy = right / total
        keys = {"number": groups, "accuracy": accuracy, "support": -total}
        first = -total if self.order == "number" else keys[self.order]
        chosen = np.argsort(first, kind="stable")[: self.max_groups]
        chosen = chosen[np.lexsort((groups[chosen], keys[self.order][chosen]))]
        self.shown_ = groups[chosen]
        self.figure_, self.ax_ = axes_for(ax, _WIDTH, max(len(chosen), 5) * _ROW + _HEAD)
        ax = self.ax_
        ink = rcParams["text.color"]
        systems = [spacegroups.crystal_system(int(group)) for group in self.shown_]
        for place, i in enumerate(chosen):
            color = SERIES[SYSTEMS.index(systems[place])]
            value, n = float(100 * accuracy[i]), int(total[i])
            low, high = accuracy_interval(np.arange(n) < right[i])
            ax.barh(place, value, height=0.7, color=color, alpha=_PALE)
            ax.plot([100 * low, 100 * high], [place, place], color=ink, lw=1.1)
            ax.text(103, place, f"{value:.1f} %", fontsize="x-small", va="center")
            ax.text(126, place, f"{n:,}", fontsize="x-small", va="center", ha="right")
        labels = [f"{symbol_text(int(group))}  {group}" for group in self.shown_]
        ax.set_yticks(range(len(chosen)), labels, fontsize="x-small")
        ax.tick_params(axis="y", length=0)
        ax.set(xlim=(0, 127), ylim=(max(len(chosen), 3) - 0.3, -0.7))
        ax.set_xticks(range(0, 101, 20))
        ax.tick_params(axis="x", labelsize="small")
        ax.set_xlabel("crystals recognized, %", fontsize="small", x=50 / 127)
        ax.text(126, -0.75, "crystals", fontsize="x-small", ha="right", va="bottom")
        bare(ax)
        micro, macro = 100 * right.sum() / total.sum(), 100 * accuracy.mean()
        ax.axvline(micro, color=FAINT, lw=0.9, ls="--", zorder=0)
        title = f"all {total.sum():,} crystals {micro:.1f} % (dashed), mean of groups {macro:.1f} %"
        if len(chosen) < len(groups):
            title += f"\n{len(chosen)} of {len(groups)} groups: {_LEFT_OUT[self.order]}"
        ax.set_title(title, loc="left", fontsize="small", pad=14)
        self._draw_legend(systems)
        return self

    def _draw_legend(self, systems: list[str]) -> None:
        from matplotlib.patches import Patch

        present = [system for system in SYSTEMS if system in systems]
        handles = [
            Patch(color=SERIES[SYSTEMS.index(one)], alpha=_PALE, label=one) for one in present
        ]
        legend_below(self.ax_, handles, 0.5, 4, "x-small")

    def _checked(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if self.order not in ORDERS:
            raise ValueError(f"order must be one of {', '.join(ORDERS)}, got {self.order!r}")
        if int(self.max_groups) != self.max_groups or self.max_groups < 1:
            raise ValueError(f"max_groups must be an integer >= 1, got {self.max_groups!r}")
        groups, right, total = (
            np.asarray(one) for one in (self.groups, self.n_right, self.n_crystals)
        )
        if groups.ndim != 1 or len(groups) == 0 or not groups.shape == right.shape == total.shape:
            raise ValueError(
                "groups, n_right and n_crystals must have one shape (n_groups,), got "
                f"{groups.shape}, {right.shape} and {total.shape}"
            )
        for group in groups:
            spacegroups.symbol(int(group))
        bad = np.flatnonzero((total < 1) | (right < 0) | (right > total))
        if len(bad):
            i = bad[0]
            raise ValueError(f"group {groups[i]} has {right[i]} right of {total[i]} crystals")
        return groups, right, total
