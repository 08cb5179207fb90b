"""Display how often the true group is among the first k answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crystalsym.metrics import accuracy_interval, top_k_accuracy
from crystalsym.metrics._figures import ranks
from crystalsym.plotting._palette import MARKERS, SERIES
from crystalsym.plotting._places import axes_for, bare

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STYLES = ("-", "--", "-.", ":")
_SPREAD = 0.36  # of a step in k, over which the points of several systems are spread


class TopKDisplay:
    """Show top-1 to top-k accuracy of one or several systems, with intervals.

    A system is a line with points of its own color and shape, slightly beside those of the others,
    so that intervals do not cover one another.

    Parameters
    ----------
    accuracies : mapping of str to array-like of shape (k_max,)
        Name of each system, and its accuracies at k = 1, 2 ..., in [0, 1].
    intervals : mapping of str to array-like of shape (k_max, 2), optional
        Lower and upper limit of each accuracy. Systems may be missing.
    n_crystals : int, optional
        How many were classified, for the title.
    note : str, optional
        What the intervals are, for the title.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure drawn into.
    ax_ : matplotlib.axes.Axes
        The axes drawn into.
    lines_ : dict of str to matplotlib.container.ErrorbarContainer
        What was drawn of each system.

    Examples
    --------
    >>> from crystalsym.plotting import TopKDisplay
    >>> probabilities = [[0.7, 0.2, 0.1], [0.5, 0.3, 0.2]]
    >>> display = TopKDisplay.from_predictions([2, 14], probabilities, [2, 14, 62], k_max=2)
    >>> display.accuracies
    {'system': array([0.5, 1. ])}
    """

    figure_: Figure
    ax_: Axes
    lines_: dict[str, Any]

    def __init__(
        self,
        accuracies: Mapping[str, ArrayLike],
        intervals: Mapping[str, ArrayLike] | None = None,
        *,
        n_crystals: int | None = None,
        note: str | None = None,
    ) -> None:
        self.accuracies = accuracies
        self.intervals = intervals
        self.n_crystals = n_crystals
        self.note = note

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        k_max: int = 5,
        interval: str | None = "wilson",
        level: float = 0.95,
        groups: ArrayLike | None = None,
        random_state: int | None = 0,
        name: str | None = None,
        ax: Axes | None = None,
    ) -> TopKDisplay:
        """Classify crystals with one or several estimators and plot.

        Parameters
        ----------
        estimator : estimator, or mapping of str to estimators
            Fitted, with ``predict_proba`` and ``classes_``; several by their names.
        X : what the estimators take, or mapping of str to that
            A mapping where they take different patterns, by the same names.
        y : array-like of int, shape (n,)
            True groups.
        k_max, interval, level, groups, random_state, name, ax
            As in :meth:`from_predictions`.

        Returns
        -------
        TopKDisplay
        """
        systems = (
            dict(estimator)
            if isinstance(estimator, Mapping)
            else {_named(estimator, name): estimator}
        )
        if isinstance(X, Mapping) and set(X) != set(systems):
            raise ValueError(f"X is a mapping of {sorted(X)}, the estimators are {sorted(systems)}")
        inputs = X if isinstance(X, Mapping) else dict.fromkeys(systems, X)
        return cls.from_predictions(
            y,
            {one: fitted.predict_proba(inputs[one]) for one, fitted in systems.items()},
            {one: fitted.classes_ for one, fitted in systems.items()},
            k_max=k_max,
            interval=interval,
            level=level,
            groups=groups,
            random_state=random_state,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        probabilities: Any,
        classes: Any,
        *,
        k_max: int = 5,
        interval: str | None = "wilson",
        level: float = 0.95,
        groups: ArrayLike | None = None,
        random_state: int | None = 0,
        name: str | None = None,
        ax: Axes | None = None,
    ) -> TopKDisplay:
        """Plot the accuracies of probabilities that are at hand.

        Parameters
        ----------
        y_true : array-like of int, shape (n,)
            True groups.
        probabilities : array-like of shape (n, n_classes), or mapping of str to these
            Of one system, or of several by their names. Rows with NaN count as wrong.
        classes : array-like of int, shape (n_classes,), or mapping of str to these
            The group of each column, for all systems or for each.
        k_max : int, default=5
            The last k.
        interval : {"wilson", "bootstrap"} or None, default="wilson"
            As in :func:`crystalsym.metrics.accuracy_interval`; None draws none.
        level : float, default=0.95
            Confidence of the intervals.
        groups : array-like of shape (n,), optional
            Crystals that are drawn together in ``"bootstrap"``, such as those of a prototype.
        random_state : int or None, default=0
            Fixes ``"bootstrap"``.
        name : str, optional
            Of the system, if there is one.
        ax : matplotlib Axes, optional
            Default: a new figure.

        Returns
        -------
        TopKDisplay
        """
        systems = (
            dict(probabilities)
            if isinstance(probabilities, Mapping)
            else {name or "system": probabilities}
        )
        columns = classes if isinstance(classes, Mapping) else dict.fromkeys(systems, classes)
        if set(systems) - set(columns):
            raise ValueError(f"classes lack {sorted(set(systems) - set(columns))}")
        if int(k_max) != k_max or k_max < 1:
            raise ValueError(f"k_max must be an integer >= 1, got {k_max!r}")
        truth = np.asarray(y_true)
        accuracies, intervals = {}, {}
        for one, scores in systems.items():
            top_k_accuracy(truth, scores, columns[one])  # checks what belongs together
            place = ranks(truth, scores, columns[one])
            right = [place < k for k in range(1, int(k_max) + 1)]
            accuracies[one] = np.array([found.mean() for found in right])
            if interval is not None:
                intervals[one] = np.array(
                    [
                        accuracy_interval(
                            found, interval, level, groups=groups, random_state=random_state
                        )
                        for found in right
                    ]
                )
        note = None if interval is None else f"{100 * level:g} % intervals ({interval})"
        return cls(accuracies, intervals or None, n_crystals=len(truth), note=note).plot(ax=ax)

    def plot(self, ax: Axes | None = None) -> TopKDisplay:
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Default: a new figure.

        Returns
        -------
        TopKDisplay
            The display itself, with ``figure_``, ``ax_`` and ``lines_``.
        """
        systems = self._checked()
        k_max = max(len(values) for values, _ in systems.values())
        n = len(systems)
        own = ax is None
        height = max(3.8, 0.26 * n + 1.2)
        self.figure_, self.ax_ = axes_for(ax, 4.2 + 0.5 * k_max, height)
        self.lines_ = {}
        for number, (name, (values, limits)) in enumerate(systems.items()):
            aside = _SPREAD * ((number + 0.5) / n - 0.5) if n > 1 else 0.0
            color = SERIES[number % len(SERIES)]
            self.lines_[name] = self.ax_.errorbar(
                np.arange(1, len(values) + 1) + aside,
                100 * values,
                None if limits is None else 100 * np.abs(limits.T - values),
                color=color,
                marker=MARKERS[number % len(MARKERS)],
                # Where the colors begin anew, the lines are others.
                ls=_STYLES[number // len(SERIES) % len(_STYLES)],
                lw=1.0,
                elinewidth=1.6,
                capsize=2.5,
                ms=5.5,
                label=f"{name}: {100 * values[0]:.1f} %".replace("$", r"\$"),
            )
        self.ax_.set_xticks(range(1, k_max + 1))
        self.ax_.set(xlim=(0.5, k_max + 0.5), xlabel="first k groups")
        self.ax_.set_ylabel("true group among them, %")
        self.ax_.grid(axis="y", alpha=0.3, lw=0.6)
        self.ax_.set_axisbelow(True)
        bare(self.ax_)
        told = "" if self.n_crystals is None else f"{self.n_crystals:,} crystals"
        title = ", ".join(part for part in (told, self.note) if part)
        self.ax_.set_title(title, loc="left", fontsize="small")
        beside: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0)}
        self.ax_.legend(
            title="top-1", fontsize="small", title_fontsize="small", frameon=False,
            **(beside if own else {"loc": "best"}),
        )  # fmt: skip
        return self

    def _checked(self) -> dict[str, tuple[NDArray[Any], NDArray[Any] | None]]:
        if not self.accuracies:
            raise ValueError("accuracies name no system: there is nothing to draw")
        given = self.intervals or {}
        if set(given) - set(self.accuracies):
            unknown = sorted(set(given) - set(self.accuracies))
            raise ValueError(f"intervals name {unknown}, which accuracies lack")
        systems: dict[str, tuple[NDArray[Any], NDArray[Any] | None]] = {}
        for name, values in self.accuracies.items():
            array = np.asarray(values, dtype=np.float64)
            if array.ndim != 1 or len(array) == 0:
                raise ValueError(f"accuracies of {name!r} must have shape (k_max,): {array.shape}")
            if not ((array >= 0) & (array <= 1)).all():
                raise ValueError(f"accuracies of {name!r} must lie in [0, 1], got {array}")
            limits = None
            if name in given:
                limits = np.asarray(given[name], dtype=np.float64)
                if limits.shape != (len(array), 2):
                    raise ValueError(
                        f"intervals of {name!r} must have shape ({len(array)}, 2): {limits.shape}"
                    )
            systems[str(name)] = (array, limits)
        return systems


def _named(estimator: Any, name: str | None) -> str:
    return name or type(estimator).__name__
