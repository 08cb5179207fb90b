"""Display what a reflection list shows beside a ranking."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crystalsym.plotting._drawing import FAINT
from crystalsym.plotting._palette import BLUE, GRAY, ORANGE, RED, readable
from crystalsym.plotting._places import bare, grid, place_for
from crystalsym.reflections import Evidence, Reduction, evidence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLORS = {"absent": BLUE, "present": GRAY, "unclear": ORANGE, "not tested": "none"}
_WIDTH = 11.0  # inches
_ROW = 0.2  # inches that one line takes
_HEAD = 1.0  # inches of titles and axes
_LEAST_RATIO, _MOST_RATIO = 1e-3, 2.0


class EvidenceDisplay:
    """Show agreement of equivalents, absences, intensity statistics and coverage of a list.

    Parameters
    ----------
    evidence : Evidence
        As :func:`crystalsym.reflections.evidence` collects it.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure drawn into.
    axes_ : ndarray of shape (4,), object
        Axes of Laue classes, absences, statistics and layers.

    Examples
    --------
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.measurement import ReflectionSimulator
    >>> from crystalsym.plotting import EvidenceDisplay
    >>> from crystalsym.reflections import reduce_reflections
    >>> crystals = [example_crystals()["ZrO2-baddeleyite"]]
    >>> (measured,) = ReflectionSimulator(random_state=0).transform(crystals)
    >>> EvidenceDisplay.from_reduction(reduce_reflections(measured)).axes_.shape
    (4,)
    """

    figure_: Figure
    axes_: NDArray[Any]

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence

    @classmethod
    def from_reduction(
        cls, reduction: Reduction, ranked_groups: Any = None, *, ax: Axes | None = None
    ) -> EvidenceDisplay:
        """Collect the evidence of a reduced list, and plot.

        Parameters
        ----------
        reduction : Reduction
        ranked_groups : iterable of int, optional
            Space groups, best first, that absences are held against.
        ax : matplotlib Axes, optional
            Axes whose place the display takes. Default: a new figure.

        Returns
        -------
        EvidenceDisplay
        """
        return cls.from_evidence(evidence(reduction, ranked_groups), ax=ax)

    @classmethod
    def from_evidence(cls, evidence: Evidence, *, ax: Axes | None = None) -> EvidenceDisplay:
        """Plot evidence that is at hand.

        Parameters
        ----------
        evidence : Evidence
        ax : matplotlib Axes, optional
            Axes whose place the display takes. Default: a new figure.

        Returns
        -------
        EvidenceDisplay
        """
        return cls(evidence).plot(ax=ax)

    def plot(self, ax: Axes | None = None) -> EvidenceDisplay:
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes whose place the display takes. Default: a new figure of fitting size.

        Returns
        -------
        EvidenceDisplay
            The display itself, with ``figure_`` and ``axes_``.
        """
        n_laue, n_tests = len(self.evidence.laue_classes), len(self.evidence.absences)
        left = (max(n_laue, 3), 7, 3)
        height = max(sum(left) * _ROW + 3 * _HEAD, n_tests * _ROW + _HEAD)
        margins = {
            "left": 0.07, "right": 0.985, "bottom": 0.5 / height, "top": 1 - 0.4 / height,
        }  # fmt: skip
        with place_for(ax, _WIDTH, height, margins) as (self.figure_, place):
            halves = grid(place, 1, 3, width_ratios=(3.2, 2.6, 4.2), wspace=0.05)
            column = grid(
                halves[0], 3, 1, hspace=0.55, height_ratios=[rows * _ROW + 0.3 for rows in left]
            )
            laue, statistics, layers = (self.figure_.add_subplot(column[i]) for i in range(3))
            absences = self.figure_.add_subplot(halves[2])
        self._draw_laue(laue)
        self._draw_absences(absences)
        self._draw_statistics(statistics)
        self._draw_layers(layers)
        self.axes_ = np.array([laue, absences, statistics, layers], dtype=object)
        return self

    def _draw_laue(self, ax: Axes) -> None:
        classes = self.evidence.laue_classes
        for place, one in enumerate(classes):
            r_int = 0.0 if math.isnan(one.r_int) else one.r_int
            chosen = one.laue == self.evidence.laue
            ax.barh(place, r_int, height=0.6, color=_COLORS["absent" if chosen else "present"])
            text = "no repeats" if math.isnan(one.r_int) else f"{one.r_int:.3f}"
            percent = f"{100 * one.probability:.0f} %" if one.probability >= 5e-3 else "< 1 %"
            ax.text(r_int, place, f" {text}, {percent}", va="center", fontsize=8)
        highest = max([one.r_int for one in classes if not math.isnan(one.r_int)], default=0.1)
        ax.set(xlim=(0, max(1.7 * highest, 0.02)), ylim=(len(classes) - 0.4, -0.6))
        _ticks(ax, [f"{one.laue} {one.centering}" for one in classes])
        ax.set_title(r"$R_\mathrm{int}$ and probability of Laue classes", fontsize=9, loc="left")

    def _draw_absences(self, ax: Axes) -> None:
        entries = self.evidence.absences
        labels = []
        ground = ax.get_facecolor()
        red, blue = readable(RED, ground), readable(BLUE, ground)
        for place, entry in enumerate(entries):
            test = entry.test
            ratio = 1.0 if math.isnan(test.ratio) and test.n_forbidden else test.ratio
            shown = float(np.clip(np.nan_to_num(ratio, nan=0.0), _LEAST_RATIO, _MOST_RATIO))
            (bar,) = ax.barh(place, shown, height=0.65, left=0, color=_COLORS[test.verdict])
            if not test.n_forbidden:
                bar.set(hatch="////", edgecolor=GRAY, linewidth=0)
            text = (
                f"n = {test.n_forbidden}, I/σ {test.i_over_sigma:.1f}"
                if test.n_forbidden
                else f"{test.n_unlisted} not listed"
                if test.n_unlisted
                else "not tested"
            )
            against = ", ".join(str(group) for group in entry.speaks_against)
            ax.text(_MOST_RATIO * 1.15, place, text, va="center", fontsize=7)
            ax.text(_MOST_RATIO * 40, place, against, va="center", fontsize=7, color=red)
            labels.append(f"{test.name},  {test.condition}")
        ax.axvline(1.0, color=FAINT, lw=0.6, ls=":")
        ax.set_xscale("log")
        ax.set(xlim=(_LEAST_RATIO, _MOST_RATIO * 400), ylim=(len(entries) - 0.4, -0.6))
        ax.set_xticks([0.001, 0.01, 0.1, 1.0], ["0.1 %", "1 %", "10 %", "100 %"], fontsize=7)
        ax.minorticks_off()
        _ticks(ax, labels)
        for label, entry in zip(ax.get_yticklabels(), entries, strict=True):
            if entry.test.verdict == "absent":
                label.set_color(blue)
        ax.set_title("mean of forbidden / allowed intensities", fontsize=9, loc="left")
        ax.set_title("speaks against", fontsize=9, loc="right", color=red)

    def _draw_statistics(self, ax: Axes) -> None:
        from scipy.special import erf

        found = self.evidence.statistics
        steps = np.linspace(0, 1.5, 100)
        ax.plot(steps, 1 - np.exp(-steps), color=FAINT, lw=1, label="without a center")
        ax.plot(steps, erf(np.sqrt(steps / 2)), color=FAINT, lw=1, ls="--", label="with a center")
        z, below = self.evidence.cumulative.T
        ax.plot(z, below, "o", ms=3, color=_COLORS["absent"], label="measured")
        ax.set(xlim=(0, 1.5), ylim=(0, 0.9))
        ax.legend(fontsize=7, frameon=False, loc="lower right")
        ax.tick_params(labelsize=7)
        value = (
            f"{found.mean_e2_minus_1:.3f} ± {found.standard_error:.3f}"
            if found.n_used and not math.isnan(found.mean_e2_minus_1)
            else "unknown"
        )
        ax.set_title(rf"N(z); $\langle|E^2-1|\rangle$ {value}", fontsize=9, loc="left")
        bare(ax)

    def _draw_layers(self, ax: Axes) -> None:
        layers = self.evidence.layers
        for place, layer in enumerate(layers):
            fraction = 0.0 if math.isnan(layer.fraction) else layer.fraction
            ax.barh(place, fraction, height=0.6, color=_COLORS["present"])
            text = f" {layer.n_listed} of {layer.n_places}"
            ax.text(fraction, place, text, va="center", fontsize=7)
        ax.set(xlim=(0, 1.6), ylim=(len(layers) - 0.4, -0.6))
        ax.set_xticks([0, 0.5, 1], ["0", "50", "100 %"])
        _ticks(ax, ["[" + "".join(str(x) for x in layer.zone) + "]" for layer in layers])
        ax.set_title("places measured of each layer", fontsize=9, loc="left")


def _ticks(ax: Axes, labels: list[str]) -> None:
    ax.set_yticks(range(len(labels)), labels, fontsize=7)
    ax.tick_params(axis="x", labelsize=7)
    ax.tick_params(axis="y", length=0)
    bare(ax)
