"""Tests of what each screw axis, glide plane and centering forbids."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from crystalsym.crystals._metric_settings import allowed_by_centering
from crystalsym.reflections._centering import FOLD
from crystalsym.reflections._conditions import is_special
from crystalsym.reflections._group_likelihoods import absence_score, reflection_scores
from crystalsym.reflections._intensity_statistics import normalized_intensities
from crystalsym.reflections._merging import MergedReflections
from crystalsym.reflections._symmetry_elements import SymmetryElement, symmetry_elements
from crystalsym.reflections._unlisted_places import unlisted_places

# An intensity above so many uncertainties counts as seen.
SEEN = 3.0
# Fewest allowed reflections of a row or zone that forbidden ones are compared with; below, all
# general ones serve.
FEWEST_COMPARED = 5
# Log odds beyond which an element is called absent or there.
DECIDED = 3.0
# A forbidden part of the intensity of allowed ones: log-normal about these, absent and present.
LEAK, LEAK_SPREAD, WEAK, WEAK_SPREAD = 0.01, 1.6, 0.7, 0.7
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
        How many of these would not be listed if they were like their neighbors.
    log_odds : float
        log of the odds that they are absent, against that they are there; 0 if nothing tells.
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
        if abs(self.log_odds) < DECIDED:
            return "unclear"
        return "absent" if self.log_odds > 0 else "present"


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
    found = []
    for element in elements:
        mask = element.forbids(hkl)
        gone = element.forbids(places)
        allowed = z[element.concerns(hkl) & ~mask]
        level = float(allowed.mean()) if len(allowed) >= FEWEST_COMPARED else typical
        test = _test(
            element.kind,
            element.name,
            element.condition,
            significance[mask],
            float(z[mask].mean()) / level if mask.any() and level > 0 else math.nan,
            chance[gone],
            absence_score(scores[mask], chance[gone], merged.coverage),
        )
        found.append((element, test))
    return found


def centering_absences(friedel: MergedReflections) -> list[AbsenceTest]:
    """Test every centering of the cell as given.

    Parameters
    ----------
    friedel : MergedReflections
        Of the whole list, what centerings forbid included.

    Returns
    -------
    list of AbsenceTest
        Log odds are bounded, since leaks, unlike noise, are common to all reflections.
    """
    level = _by_resolution(friedel)
    significance = friedel.intensity / friedel.sigma
    relative = friedel.intensity / level
    found = []
    for centering, fold in FOLD.items():
        allowed = allowed_by_centering(friedel.hkl, centering)
        n_allowed, forbidden = int(allowed.sum()), ~allowed
        places = (fold - 1) * n_allowed
        unlisted = max(0, places - int(forbidden.sum()))
        ratio = math.nan
        if n_allowed and forbidden.any():
            ratio = float(relative[forbidden].mean() / max(relative[allowed].mean(), 1e-300))
        found.append(
            AbsenceTest(
                "centering",
                centering_name(centering),
                CENTERING_CONDITIONS[centering],
                int(forbidden.sum()),
                *_seen(significance[forbidden]),
                ratio,
                unlisted,
                0.0,
                _centering_odds(friedel, ratio, int(forbidden.sum()), places),
            )
        )
    return found


def centering_name(centering: str) -> str:
    """Name a centering as its test does."""
    return "R centering, reverse" if centering == "R-" else f"{centering} centering"


def _by_resolution(friedel: MergedReflections) -> np.ndarray:
    """Mean intensity at the resolution of each reflection, whatever its centering."""
    q = friedel.q
    order = np.argsort(q, kind="stable")
    n = int(np.clip(len(q) // 100, 1, 20))
    shell = np.empty(len(q), dtype=np.int64)
    shell[order] = np.arange(len(q)) * n // max(len(q), 1)
    mean = np.bincount(shell, friedel.intensity, n) / np.maximum(np.bincount(shell, minlength=n), 1)
    return np.maximum(mean, 1e-3 * max(float(mean.max(initial=0)), 1e-300))[shell]


def _centering_odds(friedel: MergedReflections, ratio: float, n: int, places: int) -> float:
    """Log odds of a centering by the mean of what it forbids, and by what is not listed of it."""
    if places == 0:
        return 0.0
    if n < 0.05 * places:  # left out by whoever integrated the images, or measured nowhere
        return min(0.1 * places, MOST_OF_CENTERING)
    noise = float(np.median(friedel.sigma) / max(np.abs(friedel.intensity).mean(), 1e-300))
    x = math.log(max(ratio, noise / math.sqrt(n), 1e-4))
    few = 1 / math.sqrt(n)
    odds = 0.0
    for sign, center, spread in ((1, LEAK, LEAK_SPREAD), (-1, WEAK, WEAK_SPREAD)):
        wide = math.hypot(spread, few)
        away = (x - math.log(center)) / wide
        if (sign > 0 and away < 0) or (sign < 0 and away > 0):
            away = 0.0  # less than a leak is as good as one, more than weak as well
        odds += sign * (-0.5 * away**2 - math.log(wide))
    return float(np.clip(odds, -MOST_OF_CENTERING, MOST_OF_CENTERING))


def _seen(significance: np.ndarray) -> tuple[float, float]:
    if not len(significance):
        return math.nan, math.nan
    return float(significance.mean()), float((significance > SEEN).mean())


def _test(
    kind: str,
    name: str,
    condition: str,
    significance: np.ndarray,
    ratio: float,
    chance: np.ndarray,
    log_odds: float,
) -> AbsenceTest:
    return AbsenceTest(
        kind, name, condition, len(significance), *_seen(significance), ratio,
        len(chance), float(chance.sum()), log_odds,
    )  # fmt: skip
