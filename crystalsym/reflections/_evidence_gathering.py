"""From a reduced list to what can be checked of it beside a ranking."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from crystalsym.crystals._cell_parameters import cell_of
from crystalsym.crystals._metric_settings import allowed_by_centering
from crystalsym.diffraction._zone_layers import OF_FAMILIES
from crystalsym.reflections._absences import absence_tests, centering_absences, centering_name
from crystalsym.reflections._conditions import is_special
from crystalsym.reflections._equivalents import MergedReflections
from crystalsym.reflections._evidence import (
    AbsenceEvidence,
    Evidence,
    LaueEvidence,
    LayerCoverage,
)
from crystalsym.reflections._group_likelihoods import BestSetting, best_settings
from crystalsym.reflections._intensity_statistics import (
    general_intensities,
    intensity_statistics,
)
from crystalsym.reflections._reduction import Reduction
from crystalsym.reflections._sections import ZONES
from crystalsym.reflections._unlisted_places import unlisted_places
from crystalsym.spacegroups import is_centrosymmetric, symbol
from crystalsym.spacegroups._facts import check_number

# Groups that absences are held against when no ranking is given.
RANKED = 5
# Where the cumulative distribution of E² is given.
STEPS = np.linspace(0.1, 1.5, 15)


def evidence(reduction: Reduction, ranked_groups: Iterable[int] | None = None) -> Evidence:
    """Collect what a reduced list shows.

    Parameters
    ----------
    reduction : Reduction
    ranked_groups : iterable of int, optional
        Space groups, best first, that absences are held against. By default the five that explain
        absences and statistics best.

    Returns
    -------
    Evidence

    Examples
    --------
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.measurement import Degradation, ReflectionSimulator
    >>> from crystalsym.reflections import evidence, reduce_reflections
    >>> simulator = ReflectionSimulator(Degradation(twin=None), random_state=0)
    >>> (measured,) = simulator.transform([example_crystals()["ZrO2-baddeleyite"]])
    >>> found = evidence(reduce_reflections(measured), [14, 13, 11])
    >>> [(one.test.name, one.speaks_against) for one in found.absences if one.speaks_against]
    [('2_1 along b', (13,)), ('c glide normal to b', (11,))]
    """
    merged, settings = reduction.merged(0), reduction.settings(0)
    found = best_settings(merged, settings)
    statistics = intensity_statistics(merged)
    if ranked_groups is None:
        odds = statistics.log_odds_centric / 2
        score = {
            group: one.best + (odds if is_centrosymmetric(group) else -odds)
            for one in found
            for group in one.groups
        }
        ranked = tuple(sorted(score, key=lambda group: -score[group]))[:RANKED]
    else:
        ranked = tuple(dict.fromkeys(check_number(group) for group in ranked_groups))
    return Evidence(
        name=reduction.reflections.name,
        n_measured=len(reduction.reflections),
        n_unique=len(merged),
        laue=merged.laue,
        cell=_cell(merged.lattice),
        laue_classes=_laue_classes(reduction),
        absences=(*_centerings(reduction, ranked), *_elements(merged, settings, found, ranked)),
        statistics=statistics,
        cumulative=_cumulative(merged),
        layers=_layers(merged),
        ranked=ranked,
    )


def _laue_classes(reduction: Reduction) -> tuple[LaueEvidence, ...]:
    """The most probable orientation of each Laue class."""
    of_name: dict[str, list[int]] = {}
    for number, one in enumerate(reduction.hypotheses):
        of_name.setdefault(one.candidate.laue, []).append(number)
    found = []
    for laue, numbers in of_name.items():
        candidate, merged = reduction.hypotheses[numbers[0]].candidate, reduction.merged(numbers[0])
        probability = float(sum(reduction.hypotheses[number].probability for number in numbers))
        found.append(
            LaueEvidence(
                laue, candidate.centering, len(candidate.operations), _cell(candidate.lattice),
                len(numbers), merged.r_int, merged.n_repeated, probability,
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda one: -one.order))


def _centerings(reduction: Reduction, ranked: Sequence[int]) -> Iterable[AbsenceEvidence]:
    """Centerings, against the groups that have none of them in any setting of the axes."""
    believed = centering_name(reduction.hypotheses[0].centering)
    tests = {test.name: test for test in centering_absences(reduction.centering_tests)}
    for name, test in tests.items():
        against = []
        for group in ranked:
            names = _possible_centerings(group)
            if test.verdict == "present" and name in names:
                # It may be another of them, which the given axes do not tell.
                if all(tests[other].verdict == "present" for other in names):
                    against.append(group)
            elif test.verdict == "absent" and not names and name == believed:
                against.append(group)
        yield AbsenceEvidence(test, tuple(against))


def _possible_centerings(group: int) -> tuple[str, ...]:
    """Names of the tests of what a group's centering may be called in other axes."""
    letter = symbol(group)[0]
    if letter == "P":
        return ()
    if letter == "R":
        return centering_name("R"), centering_name("R-")
    if letter in "ABC":
        letters = "ABCI" if group <= 15 else "ABC"
        return tuple(centering_name(one) for one in letters)
    return (centering_name(letter),)


def _elements(
    merged: MergedReflections,
    settings: list[np.ndarray],
    found: Sequence[BestSetting],
    ranked: Sequence[int],
) -> Iterable[AbsenceEvidence]:
    hkl = merged.hkl[is_special(merged.hkl)]
    places, _ = unlisted_places(merged)
    # Groups of another centering have no setting to compare with.
    best = {group: one for one in found for group in one.groups if one.fits}
    for element, test in absence_tests(merged, settings):
        here, there = element.forbids(hkl), element.forbids(places)
        against = []
        for group in ranked:
            if group not in best or test.verdict not in ("absent", "present"):
                continue
            one = best[group]
            has = not (here & ~one.listed).any() and not (there & ~one.missing).any()
            if has != (test.verdict == "absent"):
                against.append(group)
        yield AbsenceEvidence(test, tuple(against))


def _cumulative(merged: MergedReflections) -> np.ndarray:
    """z, and the part of general reflections below."""
    values, _ = general_intensities(merged)
    below = [(values < step).mean() if len(values) else math.nan for step in STEPS]
    return np.column_stack([STEPS, below])


def _layers(merged: MergedReflections) -> tuple[LayerCoverage, ...]:
    """How many places of each zero layer are listed, within the list's resolution."""
    reciprocal = np.linalg.inv(merged.lattice).T
    hkl, _ = merged.expanded()
    q = np.linalg.norm(hkl @ reciprocal, axis=1)
    low, high = float(q.min()) * (1 - 1e-6), float(q.max()) * (1 + 1e-6)
    found = []
    for zone in ZONES[merged.laue]:
        basis = np.array(OF_FAMILIES[zone], dtype=np.int64)
        in_plane = basis @ reciprocal
        # Reach of the indices of a plane: |i| <= q / distance of its rows.
        spans = np.floor(high * np.linalg.norm(np.linalg.pinv(in_plane), axis=0)).astype(int)
        i, j = np.mgrid[-spans[0] : spans[0] + 1, 0 : spans[1] + 1].reshape(2, -1)
        half = (j > 0) | (i > 0)
        places = np.stack([i, j], axis=1)[half] @ basis
        length = np.linalg.norm(places @ reciprocal, axis=1)
        inside = (length >= low) & (length <= high)
        inside &= allowed_by_centering(places, merged.centering)
        listed = int((hkl @ np.array(zone, dtype=np.int64) == 0).sum())
        found.append(LayerCoverage(zone, listed, int(inside.sum())))
    return tuple(found)


def _cell(lattice: np.ndarray) -> tuple[float, ...]:
    return tuple(round(float(value), 6) for value in cell_of(lattice))
