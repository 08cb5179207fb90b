"""Tests of what each screw axis, glide plane and centering forbids."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crystalsym.diffraction import Coverage
from crystalsym.reflections._centering import FOLD, CenteringTest
from crystalsym.reflections._conditions import is_special
from crystalsym.reflections._equivalents import MergedReflections
from crystalsym.reflections._group_likelihoods import absence_score, reflection_scores
from crystalsym.reflections._intensity_statistics import normalized_intensities
from crystalsym.reflections._symmetry_elements import SymmetryElement, symmetry_elements
from crystalsym.reflections._unlisted_places import unlisted_places

# An intensity above so many uncertainties counts as seen.
SEEN = 3.0
# Fewest allowed reflections of a row or zone that forbidden ones are compared with; below, all
# general ones serve.
FEWEST_COMPARED = 5
# Log odds beyond which an element is called absent or there.
DECIDED = 3.0
# The same of centerings, whose odds know that crystals have leaks in common.
CENTERING_DECIDED = (-1.0, 0.0)
MOST_OF_CENTERING = 10.0
CENTERING_CONDITIONS = {
    "A": "hkl: k+l = 2n", "B": "hkl: h+l = 2n", "C": "hkl: h+k = 2n", "I": "hkl: h+k+l = 2n",
    "F": "hkl: h+k, k+l = 2n", "R": "hkl: -h+k+l = 3n", "R-": "hkl: h-k+l = 3n",
}  # fmt: skip


@dataclass(frozen=True)
class AbsenceTest:
    """Hold what the reflections that one symmetry element forbids look like.

    Attributes
    ----------
    kind : {"centering", "screw axis", "glide plane"}
    name : str
        Such as "2_1 along b". Of centerings in the cell as given, of others in the canonical
        setting.
    condition : str
        Which reflections it allows.
    n_forbidden : int
        Reflections listed that it forbids.
    i_over_sigma : float
        Their mean I/sigma; NaN if there are none, as in the next two.
    above_3_sigma : float
        Part of them that is above 3 sigma.
    ratio : float
        Their mean intensity, in parts of that of the allowed ones of the same row or zone at the
        same resolution (of all, where these are fewer than 5).
    n_unlisted : int
        Places that it forbids, inside the region covered, that are not listed.
    expected_unlisted : float
        How many of these would not be listed if they were like their neighbors; NaN of centerings.
    log_odds : float
        log of the odds that they are absent, against that they are there; 0 if nothing tells. Those
        count that no other element of larger odds forbids as well.

    Examples
    --------
    >>> from crystalsym.reflections import AbsenceTest
    >>> test = AbsenceTest(
    ...     "screw axis", "2_1 along b", "0k0: k = 2n", 7, 0.3, 0.0, 0.01, 0, 0.0, 12.0)
    >>> test.verdict
    'absent'
    """

    kind: str
    name: str
    condition: str
    n_forbidden: int
    i_over_sigma: float
    above_3_sigma: float
    ratio: float
    n_unlisted: int
    expected_unlisted: float
    log_odds: float

    @property
    def verdict(self) -> str:
        """Say in a word what the test found: "absent", "present", "unclear" or "not tested"."""
        if self.n_forbidden + self.n_unlisted == 0:
            return "not tested"
        low, high = CENTERING_DECIDED if self.kind == "centering" else (-DECIDED, DECIDED)
        if low <= self.log_odds < high:
            return "unclear"
        return "absent" if self.log_odds >= high else "present"


def absence_tests(
    merged: MergedReflections, settings: list[np.ndarray]
) -> list[tuple[SymmetryElement, AbsenceTest]]:
    """Test every screw axis and glide plane that the Laue class may have.

    Parameters
    ----------
    merged : MergedReflections
        In the canonical setting.
    settings : list of ndarray of shape (3, 3)
        Open ones.

    Returns
    -------
    list of (SymmetryElement, AbsenceTest)

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.reflections import merge_equivalents
    >>> from crystalsym.reflections._absences import absence_tests
    >>> hkl = np.stack(np.mgrid[-6:7, 0:9, 0:7], axis=-1).reshape(-1, 3)
    >>> hkl = hkl[hkl.any(axis=1)]
    >>> bright = np.random.default_rng(0).exponential(size=len(hkl))
    >>> screw = (hkl[:, 0] == 0) & (hkl[:, 2] == 0) & (hkl[:, 1] % 2 != 0)
    >>> turns = np.array([np.eye(3, dtype=int), np.diag([-1, 1, -1])])
    >>> merged = merge_equivalents(hkl, np.where(screw, 0.0, bright), np.full(len(hkl), 0.02),
    ...                            turns, lattice=7 * np.eye(3), laue="2/m")
    >>> for _, test in absence_tests(merged, [np.eye(3, dtype=int)]):
    ...     print(test.name, test.n_forbidden, test.verdict)
    2_1 along b 4 absent
    c glide normal to b 39 present
    """
    elements = symmetry_elements(merged.laue, merged.centering, merged.operations, settings)
    special = np.flatnonzero(is_special(merged.hkl))
    hkl = merged.hkl[special]
    z, _ = normalized_intensities(merged)
    typical = float(z.mean()) if len(z) else 1.0
    significance = (merged.intensity / merged.sigma)[special]
    scores, z = reflection_scores(merged)[special], z[special]
    places, chance = unlisted_places(merged)
    masks = [element.forbids(hkl) for element in elements]
    gone = [element.forbids(places) for element in elements]
    odds = _odds_beyond_others(masks, gone, scores, chance, merged.coverage)
    found = []
    for element, mask, away, log_odds in zip(elements, masks, gone, odds, strict=True):
        allowed = z[element.concerns(hkl) & ~mask]
        level = float(allowed.mean()) if len(allowed) >= FEWEST_COMPARED else typical
        test = AbsenceTest(
            element.kind,
            element.name,
            element.condition,
            int(mask.sum()),
            *_seen(significance[mask]),
            float(z[mask].mean()) / level if mask.any() and level > 0 else math.nan,
            int(away.sum()),
            float(chance[away].sum()),
            log_odds,
        )
        found.append((element, test))
    return found


def _odds_beyond_others(
    masks: list[np.ndarray],
    gone: list[np.ndarray],
    scores: np.ndarray,
    chance: np.ndarray,
    coverage: Coverage,
) -> list[float]:
    """Log odds of each element by what it forbids beyond those of larger odds that are absent.

    The half of a zone that a c glide leaves dark does not make an n glide of it.
    """
    explained = np.zeros(len(scores), dtype=bool)
    explained_gone = np.zeros(len(chance), dtype=bool)
    odds: dict[int, float] = {}
    left = set(range(len(masks)))
    while left:
        found = {}
        for i in left:
            here, there = masks[i] & ~explained, gone[i] & ~explained_gone
            if not (here.any() or there.any()):  # implied by the others
                here, there = masks[i], gone[i]
            found[i] = absence_score(scores[here], chance[there], coverage)
        best = max(left, key=lambda i: found[i])
        if found[best] < DECIDED:
            odds.update(found)
            break
        odds[best] = found[best]
        explained |= masks[best]
        explained_gone |= gone[best]
        left.remove(best)
    return [odds[i] for i in range(len(masks))]


def centering_absences(tests: Sequence[CenteringTest]) -> list[AbsenceTest]:
    """Write the tests of a cell's centerings like those of other elements.

    Examples
    --------
    >>> from crystalsym.reflections import CenteringTest
    >>> from crystalsym.reflections._absences import centering_absences
    >>> (test,) = centering_absences([CenteringTest("I", 40, 50, 0.001, 0.4, 0.0, 2.4)])
    >>> test.name, test.condition, test.verdict
    ('I centering', 'hkl: h+k+l = 2n', 'absent')
    """
    found = []
    for test in tests:
        places = (FOLD[test.centering] - 1) * test.n_allowed
        seen = test.n_forbidden > 0
        found.append(
            AbsenceTest(
                "centering",
                centering_name(test.centering),
                CENTERING_CONDITIONS[test.centering],
                test.n_forbidden,
                test.i_over_sigma if seen else math.nan,
                test.above_3_sigma if seen else math.nan,
                test.ratio if seen else math.nan,
                max(0, places - test.n_forbidden),
                math.nan,
                float(np.clip(test.log_odds, -MOST_OF_CENTERING, MOST_OF_CENTERING)),
            )
        )
    return found


def centering_name(centering: str) -> str:
    """Name a centering as its test does."""
    return "R centering, reverse" if centering == "R-" else f"{centering} centering"


def _seen(significance: np.ndarray) -> tuple[float, float]:
    if not len(significance):
        return math.nan, math.nan
    return float(significance.mean()), float((significance > SEEN).mean())
