"""Display where wrong answers went, by crystal system and by group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crystalsym import spacegroups
from crystalsym.classification._class_probabilities import dynamical_views_of
from crystalsym.metrics._figures import SYSTEMS, rows
from crystalsym.plotting._drawing import symbol_text
from crystalsym.plotting._palette import BLUE, ORANGE, SKY, text_on
from crystalsym.plotting._places import bare, grid, legend_below, place_for
from crystalsym.spacegroups._indistinguishable import indistinguishable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _MATRIX = 10.5, 5.6  # inches of the figure, and of the matrix in it
_ROW, _HEAD = 0.24, 1.3
_COLORS = "cividis"


class SystemConfusionDisplay:
    """Show how often each crystal system was recognized, and where the wrong answers went.

    Left, a row for each system: the part of its crystals whose group was recognized, then the
    parts that were given a wrong group, by the system of that; wrong groups of the right system
    are framed. Right, the pairs of true group and wrong answer that happened most, in three
    colors: of one diffraction class, which the beam hardly tells apart; else of one crystal system;
    of another system.

    Parameters
    ----------
    counts : mapping of (int, int) to int
        How often a true group (first) was answered by a group (second), right answers included.
    max_pairs : int, default=12
        Wrong pairs to show at most; 0 draws the matrix alone.
    dynamical_views : {"symmetry-directions", "zone-axes"}, optional
        Classes are those of dynamical patterns in these views, as in
        :func:`crystalsym.metrics.diffraction_class_accuracy`. Default: kinematic ones.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure drawn into.
    axes_ : ndarray of shape (2,) or (1,), object
        Axes of the matrix, and of the pairs.
    matrix_ : ndarray of shape (n_systems, 1 + n_answers)
        What the matrix shows: parts of each system's crystals, right ones first.
    systems_ : tuple of str
        Systems of the rows.
    answer_systems_ : tuple of str
        Systems of the columns after the first.

    Examples
    --------
    >>> from crystalsym.plotting import SystemConfusionDisplay
    >>> display = SystemConfusionDisplay.from_predictions(
    ...     [225, 225, 225, 225, 2], [225, 225, 216, 139, 2]
    ... )
    >>> display.systems_, display.answer_systems_
    (('triclinic', 'cubic'), ('tetragonal', 'cubic'))
    >>> display.matrix_
    array([[1.  , 0.  , 0.  ],
           [0.5 , 0.25, 0.25]])
    """

    figure_: Figure
    axes_: NDArray[Any]
    matrix_: NDArray[np.float64]
    systems_: tuple[str, ...]
    answer_systems_: tuple[str, ...]

    def __init__(
        self,
        counts: Mapping[tuple[int, int], int],
        *,
        max_pairs: int = 12,
        dynamical_views: str | None = None,
    ) -> None:
        self.counts = counts
        self.max_pairs = max_pairs
        self.dynamical_views = dynamical_views

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        max_pairs: int = 12,
        ax: Axes | None = None,
    ) -> SystemConfusionDisplay:
        """Classify crystals and plot.

        Diffraction classes are those of the model: dynamical ones if it learned from dynamical
        patterns.

        Parameters
        ----------
        estimator : estimator
            Fitted.
        X : what the estimator takes
        y : array-like of int, shape (n,)
            True groups.
        max_pairs : int, default=12
            As in the class.
        ax : matplotlib Axes, optional
            Axes whose place the display takes. Default: a new figure.

        Returns
        -------
        SystemConfusionDisplay
        """
        return cls.from_predictions(
            y,
            estimator.predict(X),
            max_pairs=max_pairs,
            dynamical_views=dynamical_views_of(estimator),
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        *,
        max_pairs: int = 12,
        dynamical_views: str | None = None,
        ax: Axes | None = None,
    ) -> SystemConfusionDisplay:
        """Plot answers that are at hand.

        Parameters
        ----------
        y_true, y_pred : array-like of int, shape (n,)
        max_pairs, dynamical_views
            As in the class.
        ax : matplotlib Axes, optional
            Axes whose place the display takes. Default: a new figure.

        Returns
        -------
        SystemConfusionDisplay
        """
        truth, _ = rows(y_true, None)
        answers = np.asarray(y_pred)
        if answers.shape != truth.shape:
            raise ValueError(f"y_pred of shape {answers.shape} for {len(truth)} rows")
        pairs, counts = np.unique(np.stack([truth, answers], axis=1), axis=0, return_counts=True)
        table = {(int(a), int(b)): int(n) for (a, b), n in zip(pairs, counts, strict=True)}
        return cls(table, max_pairs=max_pairs, dynamical_views=dynamical_views).plot(ax=ax)

    def plot(self, ax: Axes | None = None) -> SystemConfusionDisplay:
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes whose place the display takes. Default: a new figure.

        Returns
        -------
        SystemConfusionDisplay
            The display itself, with ``figure_``, ``axes_``, ``matrix_``, ``systems_`` and
            ``answer_systems_``.
        """
        counts = self._checked()
        pairs = sorted(
            ((true, answer, n) for (true, answer), n in counts.items() if true != answer and n),
            key=lambda pair: (-pair[2], pair[0], pair[1]),
        )
        shown = pairs[: self.max_pairs]
        totals = self._count_systems(counts)
        height = max(0.5 * len(self.systems_), _ROW * max(len(shown), 4)) + _HEAD
        width = _WIDTH if self.max_pairs else _MATRIX
        with place_for(ax, width, height) as (self.figure_, place):
            parts = grid(place, 1, 2 if self.max_pairs else 1,
                         **({"width_ratios": (1.35, 1)} if self.max_pairs else {}))  # fmt: skip
            axes = [self.figure_.add_subplot(part) for part in parts]
            size = "small" if ax is None else "x-small"
            self._draw_matrix(axes[0], totals, size)
            if self.max_pairs:
                self._draw_pairs(axes[1], shown, pairs, size)
        self.axes_ = np.array(axes, dtype=object)
        return self

    def _checked(self) -> dict[tuple[int, int], int]:
        if isinstance(self.max_pairs, bool) or int(self.max_pairs) != self.max_pairs:
            raise ValueError(f"max_pairs must be an integer >= 0, got {self.max_pairs!r}")
        if self.max_pairs < 0:
            raise ValueError(f"max_pairs must be an integer >= 0, got {self.max_pairs!r}")
        counts = {(int(a), int(b)): int(n) for (a, b), n in self.counts.items()}
        for (true, answer), n in counts.items():
            spacegroups.symbol(true), spacegroups.symbol(answer)
            indistinguishable(true, self.dynamical_views)  # its error names what are no views
            if n < 0:
                raise ValueError(f"counts of {(true, answer)} are {n}")
        if not sum(counts.values()):
            raise ValueError("counts hold no crystals: there is nothing to draw")
        return counts

    def _count_systems(self, counts: dict[tuple[int, int], int]) -> NDArray[np.int64]:
        """Fill ``matrix_``; crystals of each system are returned."""
        table = np.zeros((len(SYSTEMS), 1 + len(SYSTEMS)), dtype=np.int64)
        for (true, answer), n in counts.items():
            row = SYSTEMS.index(spacegroups.crystal_system(true))
            column = 1 + SYSTEMS.index(spacegroups.crystal_system(answer))
            table[row, 0 if true == answer else column] += n
        used_rows = np.any(table, axis=1)
        used = np.append(True, np.any(table[:, 1:], axis=0))
        self.systems_ = tuple(np.array(SYSTEMS)[used_rows].tolist())
        self.answer_systems_ = tuple(np.array(SYSTEMS)[used[1:]].tolist())
        table = table[used_rows][:, used]
        totals = table.sum(axis=1)
        self.matrix_ = table / totals[:, None]
        return totals

    def _draw_matrix(self, ax: Axes, totals: NDArray[np.int64], size: str) -> None:
        from matplotlib import colormaps
        from matplotlib.patches import Rectangle

        wrong = self.matrix_[:, 1:]
        # Right answers are many and wrong ones few: the color of wrong ones has a scale of its own.
        top = float(wrong.max(initial=0)) or 1.0
        colors = colormaps[_COLORS]
        for row in range(len(self.systems_)):
            for column, value in enumerate(self.matrix_[row]):
                if column == 0:
                    ax.text(0, row, f"{100 * value:.1f}", ha="center", va="center",
                            weight="bold", fontsize=size)  # fmt: skip
                    continue
                rgb = colors(float(value / top))
                ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=rgb, lw=0))
                if value > 0:
                    text = f"{100 * value:.1f}" if value >= 5e-4 else "<0.1"
                    ax.text(column, row, text, color=text_on(rgb), ha="center", va="center",
                            fontsize=size)  # fmt: skip
                if self.answer_systems_[column - 1] == self.systems_[row]:
                    ax.add_patch(Rectangle((column - 0.46, row - 0.46), 0.92, 0.92, fill=False,
                                           edgecolor=text_on(rgb), lw=1.2))  # fmt: skip
        n_columns = 1 + len(self.answer_systems_)
        ax.set(xlim=(-0.5, n_columns - 0.5), ylim=(len(self.systems_) - 0.5, -0.5))
        labels = [f"{system}\n{n:,}" for system, n in zip(self.systems_, totals, strict=True)]
        ax.set_yticks(range(len(labels)), labels, fontsize=size)
        heads = ["right\ngroup", *self.answer_systems_]
        ax.set_xticks(range(n_columns), heads, fontsize=size, rotation=30, ha="left",
                      rotation_mode="anchor")  # fmt: skip
        ax.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
        bare(ax, "top", "right", "bottom", "left")
        ax.set_xlabel("% of a system's crystals; wrong groups by their system", fontsize=size)

    def _draw_pairs(
        self,
        ax: Axes,
        shown: list[tuple[int, int, int]],
        pairs: list[tuple[int, int, int]],
        size: str,
    ) -> None:
        from matplotlib.patches import Patch

        kinds = self._kinds()
        most = max([n for _, _, n in shown], default=1)
        for place, (true, answer, n) in enumerate(shown):
            ax.barh(place, n, height=0.66, color=kinds[self._kind(true, answer)][0])
            ax.text(n + 0.02 * most, place, f"{n:,}", va="center", fontsize="x-small")
        labels = [
            f"{symbol_text(true)}  {true} → {symbol_text(answer)}  {answer}"
            for true, answer, _ in shown
        ]
        ax.set_yticks(range(len(labels)), labels, fontsize="x-small")
        ax.tick_params(axis="y", length=0)
        ax.set(xlim=(0, 1.18 * most), ylim=(max(len(shown), 4) - 0.4, -0.6))
        ax.set_xticks([])
        bare(ax, "top", "right", "bottom")
        n_wrong = sum(n for _, _, n in pairs)
        if not pairs:
            title = "no wrong answers"
        elif len(shown) == len(pairs):
            title = f"all pairs true → answer,\nwrong answers: {n_wrong:,}"
        else:
            part = 100 * sum(n for _, _, n in shown) / n_wrong
            title = (
                f"{len(shown)} of {len(pairs):,} pairs true → answer,\n"
                f"{part:.0f} % of {n_wrong:,} wrong answers"
            )
        ax.set_title(title, loc="left", fontsize=size)
        found = [self._kind(true, answer) for true, answer, _ in pairs]
        handles = []
        for kind, (color, label) in kinds.items():
            n = sum(pair[2] for pair, one in zip(pairs, found, strict=True) if one == kind)
            if n:
                part = 100 * n / n_wrong
                handles.append(Patch(color=color, label=f"{label}: {part:.0f} %"))
        if handles:
            legend_below(ax, handles, 0.1, 1, "x-small")

    def _kinds(self) -> dict[str, tuple[str, str]]:
        """Color and label of each kind of wrong answer."""
        classes = "diffraction" if self.dynamical_views is None else "dynamical"
        return {
            "diffraction class": (BLUE, f"same {classes} class"),
            "crystal system": (SKY, "same crystal system"),
            "other": (ORANGE, "other crystal system"),
        }

    def _kind(self, true: int, answer: int) -> str:
        if answer in indistinguishable(true, self.dynamical_views):
            return "diffraction class"
        same = spacegroups.crystal_system(true) == spacegroups.crystal_system(answer)
        return "crystal system" if same else "other"
