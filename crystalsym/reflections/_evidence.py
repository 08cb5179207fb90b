"""What can be checked beside a ranking: equivalents, absences, statistics, coverage."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from crystalsym.reflections._absences import AbsenceTest
from crystalsym.reflections._intensity_statistics import IntensityStatistics


@dataclass(frozen=True)
class LaueEvidence:
    """Hold how well equivalents agree in one Laue class.

    Attributes
    ----------
    laue, centering : str
        Of the conventional cell.
    order : int
        Number of rotations.
    cell : tuple of 6 floats
        Conventional, Å and degrees.
    n_orientations : int
        Orientations and centerings in which the metric allows the class; the figures are of the
        most probable one.
    r_int : float
        Σ |I - <I>| / Σ I over repeated measurements; NaN if none was repeated, as in a list that
        was merged in this class.
    n_repeated : int
    probability : float
        Of all orientations.

    Examples
    --------
    >>> from crystalsym.reflections import LaueEvidence
    >>> row = LaueEvidence("2/m", "P", 2, (7.4, 14.5, 20.7, 90, 96.2, 90), 1, 0.025, 9636, 0.98)
    >>> row.r_int
    0.025
    """

    laue: str
    centering: str
    order: int
    cell: tuple[float, ...]
    n_orientations: int
    r_int: float
    n_repeated: int
    probability: float


@dataclass(frozen=True)
class AbsenceEvidence:
    """Hold what one symmetry element's test found, and whom it speaks against.

    Attributes
    ----------
    test : AbsenceTest
    speaks_against : tuple of int
        Of the ranked groups, those that forbid what is there, or need not forbid what is absent.

    Examples
    --------
    >>> from crystalsym.reflections import AbsenceEvidence, AbsenceTest
    >>> test = AbsenceTest(
    ...     "screw axis", "2_1 along b", "0k0: k = 2n", 7, 0.3, 0.0, 0.01, 0, 0.0, 12.0)
    >>> AbsenceEvidence(test, (13,)).speaks_against
    (13,)
    """

    test: AbsenceTest
    speaks_against: tuple[int, ...]


@dataclass(frozen=True)
class LayerCoverage:
    """Hold how much of one zero layer was measured.

    Attributes
    ----------
    zone : tuple of 3 ints
    n_listed, n_places : int
        Places that the centering allows, within the resolution of the list, equivalents included.

    Examples
    --------
    >>> from crystalsym.reflections import LayerCoverage
    >>> LayerCoverage((0, 1, 0), 40, 160).fraction
    0.25
    """

    zone: tuple[int, int, int]
    n_listed: int
    n_places: int

    @property
    def fraction(self) -> float:
        """Part of the places that is listed or has an equivalent that is."""
        return self.n_listed / self.n_places if self.n_places else math.nan


@dataclass(frozen=True, eq=False)
class Evidence:
    """Hold what a reflection list shows, for a person to judge a ranking by.

    Attributes
    ----------
    name : str
        Of the list.
    n_measured, n_unique : int
        Reflections listed, and sets of equivalents.
    laue : str
        The Laue class that absences, statistics and coverage belong to: the most probable one.
    cell : tuple of 6 floats
        In its canonical setting.
    laue_classes : tuple of LaueEvidence
        By falling number of rotations.
    absences : tuple of AbsenceEvidence
        Centerings of the cell as given, then screw axes and glide planes in the canonical setting.
    statistics : IntensityStatistics
    cumulative : ndarray of shape (15, 2)
        z, and the part of general reflections whose E² is below.
    layers : tuple of LayerCoverage
        Three zero layers along symmetry directions.
    ranked : tuple of int
        Groups that the absences were held against.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.reflections import ReflectionList, evidence, reduce_reflections
    >>> hkl = np.array([(h, k, l) for h in range(-3, 4) for k in range(-3, 4) for l in range(1, 4)])
    >>> bright = np.random.default_rng(0).exponential(size=len(hkl))
    >>> measured = ReflectionList(hkl, bright, 0.02 + 0 * bright, (5, 6, 7, 80, 85, 95))
    >>> found = evidence(reduce_reflections(measured))
    >>> found.laue, [one.laue for one in found.laue_classes], sorted(found.ranked)
    ('-1', ['-1'], [1, 2])
    """

    name: str
    n_measured: int
    n_unique: int
    laue: str
    cell: tuple[float, ...]
    laue_classes: tuple[LaueEvidence, ...]
    absences: tuple[AbsenceEvidence, ...]
    statistics: IntensityStatistics
    cumulative: np.ndarray
    layers: tuple[LayerCoverage, ...]
    ranked: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give all of it as plain values that JSON can hold; NaN becomes None.

        Returns
        -------
        dict
        """
        return _plain(
            {
                "name": self.name,
                "n_measured": self.n_measured,
                "n_unique": self.n_unique,
                "laue": self.laue,
                "cell": self.cell,
                "laue_classes": [asdict(one) for one in self.laue_classes],
                "absences": [
                    {
                        **asdict(one.test),
                        "verdict": one.test.verdict,
                        "speaks_against": one.speaks_against,
                    }
                    for one in self.absences
                ],
                "statistics": asdict(self.statistics),
                "cumulative": self.cumulative.tolist(),
                "layers": [{**asdict(one), "fraction": one.fraction} for one in self.layers],
                "ranked": self.ranked,
            }
        )

    def table(self) -> str:
        """Write it as text for a terminal.

        Returns
        -------
        str
        """
        lines = [f"Equivalents ({self.n_measured} measured)"]
        rows: list[tuple[str, ...]] = [
            ("Laue class", "centering", "R_int", "repeated", "probability")
        ]
        for one in self.laue_classes:
            r_int = "-" if math.isnan(one.r_int) else f"{one.r_int:.3f}"
            percent = f"{100 * one.probability:.1f} %" if one.probability >= 5e-4 else "< 0.1 %"
            rows.append((one.laue, one.centering, r_int, str(one.n_repeated), percent))
        lines += _columns(rows)
        numbers = "  ".join(f"{value:g}" for value in np.round(self.cell, 4))
        lines += ["", f"Absences (centerings of the cell as given, others in {numbers})"]
        rows = [("element", "condition", "n", "I/sigma", "> 3 sigma", "ratio", "not listed", "",
                 "speaks against")]  # fmt: skip
        for entry in self.absences:
            rows.append(_absence_row(entry))
        lines += _columns(rows)
        lines += ["", _statistics_line(self.statistics), "", "Layers measured"]
        for layer in self.layers:
            zone = "[" + "".join(str(x) for x in layer.zone) + "]"
            share = "-" if layer.n_places == 0 else f"{100 * layer.fraction:.0f} %"
            lines.append(f"  {zone:8} {share:>5}  ({layer.n_listed} of {layer.n_places})")
        return "\n".join(lines)


def _absence_row(entry: AbsenceEvidence) -> tuple[str, ...]:
    test = entry.test
    if test.n_forbidden:
        ratio = "-" if math.isnan(test.ratio) else f"{100 * test.ratio:.1f} %"
        shown = (f"{test.i_over_sigma:.1f}", f"{100 * test.above_3_sigma:.0f} %", ratio)
    else:
        shown = ("-", "-", "-")
    against = ", ".join(str(group) for group in entry.speaks_against)
    return (test.name, test.condition, str(test.n_forbidden), *shown, str(test.n_unlisted),
            test.verdict, against)  # fmt: skip


def _statistics_line(statistics: IntensityStatistics) -> str:
    if math.isnan(statistics.mean_e2_minus_1):
        return f"<|E²-1|>: too few reflections ({statistics.n_used})"
    share = 1 / (1 + math.exp(-statistics.log_odds_centric))
    return (
        f"<|E²-1|> = {statistics.mean_e2_minus_1:.3f} +- {statistics.standard_error:.3f} of "
        f"{statistics.n_used} (centrosymmetric {statistics.centric:.3f}, not "
        f"{statistics.acentric:.3f}): centrosymmetric {100 * share:.0f} %"
    )


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    return value
