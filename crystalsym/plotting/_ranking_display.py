"""Display the ranked space groups of one crystal."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crystalsym import spacegroups
from crystalsym.classification._class_probabilities import dynamical_views_of
from crystalsym.plotting._drawing import FAINT, Ranking, leading_class, symbol_text
from crystalsym.plotting._one_crystal import one_row
from crystalsym.plotting._palette import BLUE, GRAY, RED
from crystalsym.plotting._places import axes_for, bare, legend_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW, _HEAD, _WIDTH = 0.3, 1.35, 6.4  # inches: one group, what is around them, and the width
_NARROW = 3.6  # inches of axes below which the legend has one column
_LONGEST_NAME = 52  # characters of a title
_SET_PLACE = 1.2  # where the line of the prediction set stands, in probabilities


class RankingDisplay:
    """Show the ranked space groups of one crystal as bars of probability.

    Bars in blue belong to the most probable diffraction class, whose groups the beam hardly tells
    apart. The true group, if it is given, has a red diamond, and a row of its own below the others
    if it is not among them; a line beside the bars spans the groups of the prediction set.

    Parameters
    ----------
    ranking : list of (int, float)
        Space groups and their probabilities, most probable first.
    ranks : list of int, optional
        Rank of each of them among all groups of the model. Default: 1, 2, 3 ...
    y_true : int, optional
        The true group.
    prediction_set : collection of int, optional
        Groups that hold the true one as often as was asked for.
    diffraction_class : collection of int, optional
        Groups of the most probable class. Default: the kinematic one of the largest sum in the
        ranking.
    model_groups : collection of int, optional
        Groups that the model can answer; a true group that is none of them is marked so.
    name : str, optional
        Title.
    note : str, optional
        A line below the title, such as why the ranking should not be believed.
    true_label : str, default="true group"
        Who says so.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure drawn into.
    ax_ : matplotlib.axes.Axes
        The axes drawn into.

    Examples
    --------
    >>> from crystalsym.plotting import RankingDisplay
    >>> display = RankingDisplay.from_predictions([216, 225, 62], [0.2, 0.7, 0.1], y_true=225)
    >>> [label.get_text() for label in display.ax_.get_yticklabels()][0]
    '$Fm\\\\overline{3}m$  225'
    """

    figure_: Figure
    ax_: Axes

    def __init__(
        self,
        ranking: Ranking,
        *,
        ranks: Sequence[int] | None = None,
        y_true: int | None = None,
        prediction_set: Collection[int] | None = None,
        diffraction_class: Collection[int] | None = None,
        model_groups: Collection[int] | None = None,
        name: str | None = None,
        note: str | None = None,
        true_label: str = "true group",
    ) -> None:
        self.ranking = ranking
        self.ranks = ranks
        self.y_true = y_true
        self.prediction_set = prediction_set
        self.diffraction_class = diffraction_class
        self.model_groups = model_groups
        self.name = name
        self.note = note
        self.true_label = true_label

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y_true: int | None = None,
        *,
        top: int = 8,
        coverage: float | None = None,
        name: str | None = None,
        ax: Axes | None = None,
    ) -> RankingDisplay:
        """Classify one crystal and plot the ranking.

        Diffraction classes are those of the model: dynamical ones if it learned from dynamical
        patterns.

        Parameters
        ----------
        estimator : Pipeline or classifier
            Fitted; for instance of :func:`crystalsym.load_pretrained`.
        X : structure, or an array or list of one row
            What the estimator takes; one structure may come without a list around it.
        y_true : int, optional
            The true group.
        top : int, default=8
            How many groups are shown.
        coverage : float, optional
            Also show the prediction set of that coverage, such as 0.95.
        name : str, optional
            Title.
        ax : matplotlib Axes, optional
            Default: a new figure.

        Returns
        -------
        RankingDisplay
        """
        rows = one_row(X)
        probabilities = np.asarray(estimator.predict_proba(rows))[0]
        chosen = None if coverage is None else estimator.predict_set(rows, coverage=coverage)[0]
        return cls.from_predictions(
            estimator.classes_,
            probabilities,
            y_true,
            prediction_set=chosen,
            top=top,
            name=name,
            dynamical_views=dynamical_views_of(estimator),
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        classes: Any,
        probabilities: Any,
        y_true: int | None = None,
        *,
        prediction_set: Collection[int] | None = None,
        top: int = 8,
        name: str | None = None,
        dynamical_views: str | None = None,
        ax: Axes | None = None,
    ) -> RankingDisplay:
        """Plot the ranking that probabilities of all groups of a model give.

        Parameters
        ----------
        classes : array-like of int, shape (n_classes,)
        probabilities : array-like of shape (n_classes,)
        y_true : int, optional
            The true group.
        prediction_set : collection of int, optional
            As in the class.
        top : int, default=8
            How many groups are shown.
        name : str, optional
            Title.
        dynamical_views : {"symmetry-directions", "zone-axes"}, optional
            The diffraction class is that of dynamical patterns in these views, as in
            :func:`crystalsym.metrics.diffraction_class_accuracy`. Default: the kinematic one.
        ax : matplotlib Axes, optional
            Default: a new figure.

        Returns
        -------
        RankingDisplay

        Raises
        ------
        ValueError
            If there are no such views, there is not one probability for each class, or one is NaN.
        """
        groups, shares = np.asarray(classes), np.asarray(probabilities, dtype=np.float64)
        if groups.ndim != 1 or shares.shape != groups.shape or len(groups) == 0:
            raise ValueError(
                f"probabilities of shape {shares.shape} for classes of shape {groups.shape}: "
                "one row is drawn, with one probability for each class"
            )
        if np.isnan(shares).any():
            raise ValueError("probabilities hold NaN: the crystal has no patterns to rank by")
        if int(top) != top or top < 1:
            raise ValueError(f"top must be an integer >= 1, got {top!r}")
        order = np.argsort(-shares, kind="stable")
        ranking = [(int(groups[k]), float(shares[k])) for k in order]
        ranks = list(range(1, min(int(top), len(ranking)) + 1))
        ranks += [i + 1 for i in range(len(ranks), len(ranking)) if ranking[i][0] == y_true]
        return cls(
            [ranking[rank - 1] for rank in ranks],
            ranks=ranks,
            y_true=y_true,
            prediction_set=None if prediction_set is None else tuple(map(int, prediction_set)),
            diffraction_class=leading_class(ranking, dynamical_views),
            model_groups=tuple(map(int, groups)),
            name=name,
        ).plot(ax=ax)

    @classmethod
    def from_identification(
        cls, answer: Any, y_true: int | None = None, *, ax: Axes | None = None
    ) -> RankingDisplay:
        """Plot an answer of ``identify`` or ``identify_reflections``.

        Without ``y_true`` the symmetry finder's group is marked, where the answer has one.

        Parameters
        ----------
        answer : Identification or ReflectionIdentification
        y_true : int, optional
            The true group.
        ax : matplotlib Axes, optional
            Default: a new figure.

        Returns
        -------
        RankingDisplay

        Raises
        ------
        ValueError
            If the answer holds no ranking; the message says why.
        """
        if answer.error is not None or not answer.ranking:
            raise ValueError(f"there is no ranking to draw: {answer.error or 'it is empty'}")
        by_finder = y_true is None and answer.finder_group is not None
        known = answer.finder_group if by_finder else y_true
        refused = getattr(answer, "refused", None)
        # Answers tell whether the model knows the finder's group, not all groups that it knows.
        unknown = by_finder and answer.finder_group_known is False
        return cls(
            answer.ranking,
            y_true=known,
            prediction_set=answer.prediction_set,
            diffraction_class=answer.diffraction_class or None,
            model_groups=() if unknown else None,
            name=os.path.basename(answer.source or "") or answer.formula,
            note=f"not to be believed: {refused}" if refused else None,
            true_label="symmetry finder" if by_finder else "true group",
        ).plot(ax=ax)

    def plot(self, ax: Axes | None = None) -> RankingDisplay:
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Default: a new figure of fitting size.

        Returns
        -------
        RankingDisplay
            The display itself, with ``figure_`` and ``ax_``.
        """
        ranking, members = self._checked()
        known = None if self.y_true is None else int(self.y_true)
        ranks = list(self.ranks or range(1, len(ranking) + 1))
        self.figure_, self.ax_ = axes_for(ax, _WIDTH, max(len(ranking), 3) * _ROW + _HEAD)
        ax = self.ax_
        labels = []
        for place, (group, share) in enumerate(ranking):
            ax.barh(place, share, height=0.62, color=BLUE if group in members else GRAY)
            text = percent(share)
            if ranks[place] > place + 1:  # it was fetched from further below
                text += f", rank {ranks[place]}"
                ax.axhline(place - 0.5, color=FAINT, lw=0.8, ls=":")
            ax.text(share + 0.03, place, text, fontsize="small", va="center")
            labels.append(f"{symbol_text(group)}  {group}")
            if group == known:
                # In the middle of a bar it would not be seen.
                ax.plot(0, place, "D", color=RED, ms=7, mec="white", mew=0.8, clip_on=False)
        ax.set_yticks(range(len(ranking)), labels)
        ax.tick_params(axis="y", length=0, pad=9)
        ax.set(xlim=(0, 1.22), ylim=(max(len(ranking), 3) - 0.4, -0.6))
        ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"], fontsize="small")
        bare(ax, "top", "right", "bottom")
        notes = self._draw_set(ranking)
        self._draw_titles(notes)
        self._draw_legend(ranking, members, known)
        return self

    def _checked(self) -> tuple[list[tuple[int, float]], set[int]]:
        ranking = [(int(group), float(share)) for group, share in self.ranking]
        if not ranking:
            raise ValueError("ranking is empty: there is nothing to draw")
        if self.ranks is not None and len(self.ranks) != len(ranking):
            raise ValueError(f"ranks has {len(self.ranks)} entries for {len(ranking)} groups")
        for group, share in ranking:
            spacegroups.symbol(group)  # its error names what is no space group
            if not 0 <= share <= 1 + 1e-6:
                raise ValueError(f"probability of group {group} is {share!r}, not in [0, 1]")
        if self.y_true is not None:
            spacegroups.symbol(int(self.y_true))
        if self.diffraction_class is not None:
            return ranking, {int(group) for group in self.diffraction_class}
        return ranking, set(leading_class(ranking))

    def _draw_set(self, ranking: Sequence[tuple[int, float]]) -> list[str]:
        """Draw the line beside the groups of the prediction set."""
        if self.prediction_set is None:
            return []
        chosen = {int(group) for group in self.prediction_set}
        places = [place for place, (group, _) in enumerate(ranking) if group in chosen]
        for place in places:
            self.ax_.plot([_SET_PLACE] * 2, [place - 0.5, place + 0.5], color=RED, lw=2.5,
                          solid_capstyle="butt")  # fmt: skip
        groups = "1 group" if len(chosen) == 1 else f"{len(chosen)} groups"
        missing = len(chosen) - len(places)
        return [f"prediction set: {groups}" + (f", {missing} not shown" if missing else "")]

    def _draw_titles(self, notes: list[str]) -> None:
        known = self.y_true
        if known is not None and self.model_groups is not None and known not in self.model_groups:
            notes.append(
                f"{self.true_label} {symbol_text(int(known))} ({known}) is none of the model's"
            )
        elif known is not None and known not in [int(group) for group, _ in self.ranking]:
            notes.append(
                f"{self.true_label} {symbol_text(int(known))} ({known}) is not among those shown"
            )
        if self.note:
            notes.insert(0, self.note.replace("$", r"\$"))
        lines = [*_wrapped(self.name or ""), *(line for note in notes for line in _folded(note))]
        self.ax_.set_title("\n".join(lines), loc="left", fontsize="medium")

    def _draw_legend(
        self, ranking: Sequence[tuple[int, float]], members: set[int], known: int | None
    ) -> None:
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch

        shown: list[Any] = []
        if len(members) > 1:
            shown.append(Patch(color=BLUE, label="most probable diffraction class"))
        else:
            shown.append(Patch(color=BLUE, label="most probable"))
        if any(group not in members for group, _ in ranking):
            shown.append(Patch(color=GRAY, label="other groups"))
        if known is not None and known in [group for group, _ in ranking]:
            shown.append(
                Line2D([], [], marker="D", ls="", color=RED, mec="white", label=self.true_label)
            )
        if self.prediction_set is not None:
            shown.append(Line2D([], [], color=RED, lw=2.5, label="prediction set"))
        width = self.ax_.get_window_extent().width / self.figure_.dpi
        legend_below(self.ax_, shown, 0.35, 2 if width > _NARROW else 1, "small")


def percent(share: float) -> str:
    """Write a probability as a percentage."""
    return f"{100 * share:.1f} %" if share >= 5e-4 else "< 0.1 %"


def _wrapped(name: str) -> list[str]:
    """A name without mathematics, its middle left out if it is long."""
    if len(name) > _LONGEST_NAME:
        half = _LONGEST_NAME // 2
        name = f"{name[:half]}...{name[-half:]}"
    return [name.replace("$", r"\$")] if name else []


def _folded(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, 64)
