"""How well each space group of a Laue class explains what is absent, and what is not."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import erfcx

from crystalsym.diffraction import Coverage
from crystalsym.reflections._conditions import (
    extinction_groups,
    forbidden,
    group_settings,
    groups_of,
    is_special,
)
from crystalsym.reflections._equivalents import MergedReflections
from crystalsym.reflections._intensity_statistics import (
    IntensityStatistics,
    intensity_statistics,
    normalized_intensities,
)
from crystalsym.reflections._unlisted_places import unlisted_places
from crystalsym.spacegroups import is_centrosymmetric

# Normalized intensities are mixtures of exponentials of these means, in these parts: of places
# that are present (Wilson's distributions, with and without a center, and weak structures), and of
# absent ones, where double diffraction, harmonics and twins leave something.
PRESENT = ((1.0, 0.65), (0.15, 0.25), (0.02, 0.10))
ABSENT = ((0.005, 0.60), (0.04, 0.34), (0.4, 0.06))
BRIGHTEST = 8.0
# No reflection speaks louder than this, in natural logarithms.
MOST_AGAINST, MOST_FOR = 4.0, 3.0
# A forbidden place that was measured without being recorded is missing for sure; a present one as
# often as others are. Lists that do not say so leave absences out as often as this.
LEFT_OUT = 0.2
MOST_FOR_MISSING, MOST_FOR_OBSERVED = 3.0, 8.0
# What a forbidden reflection says that an otherwise observed list holds.
AGAINST_OBSERVED = 1.5
NOTHING = -40.0


@dataclass(frozen=True, eq=False)
class GroupLikelihoods:
    """Hold what absences and intensity statistics say of the groups of one Laue class.

    Attributes
    ----------
    numbers : ndarray of int, shape (n,)
        Space groups.
    absences : ndarray of shape (n,)
        Log-likelihood against that nothing is forbidden, in the open setting that is best.
    mean_absences : ndarray of shape (n,)
        Of the mean likelihood over the open settings.
    centric : ndarray of bool, shape (n,)
        Whether the group has a center of inversion.
    centricity : ndarray of shape (n,)
        Log-likelihood of the mean of |E² - 1|, against the other kind of groups halved: half the
        log odds of a center for groups that have one, minus that for others.
    statistics : IntensityStatistics

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.reflections import group_likelihoods, merge_equivalents
    >>> merged = merge_equivalents(np.array([[1, 2, 3], [2, 3, 1]]), np.array([3.0, 1.0]), None,
    ...                            np.eye(3, dtype=int)[None], lattice=np.eye(3))
    >>> found = group_likelihoods(merged, [np.eye(3)])  # too few to tell anything
    >>> found.numbers.tolist(), found.absences.tolist(), found.centricity.tolist()
    ([1, 2], [0.0, 0.0], [-0.0, 0.0])
    """

    numbers: np.ndarray
    absences: np.ndarray
    mean_absences: np.ndarray
    centric: np.ndarray
    centricity: np.ndarray
    statistics: IntensityStatistics


def group_likelihoods(merged: MergedReflections, settings: list[np.ndarray]) -> GroupLikelihoods:
    """Score every space group of a Laue class by what it forbids.

    Parameters
    ----------
    merged : MergedReflections
        In the canonical setting.
    settings : list of ndarray of shape (3, 3)
        Those that are open.

    Returns
    -------
    GroupLikelihoods

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.reflections import group_likelihoods, merge_equivalents
    >>> hkl = np.array([(h, k, l) for h in range(-6, 7) for k in range(7) for l in range(7)])
    >>> hkl = hkl[hkl.any(axis=1)]
    >>> bright = np.random.default_rng(0).exponential(size=len(hkl))
    >>> glide = (hkl[:, 1] == 0) & (hkl[:, 2] % 2 != 0)  # h0l, l = 2n
    >>> turns = np.array([np.eye(3, dtype=int), np.diag([-1, 1, -1])])
    >>> merged = merge_equivalents(hkl, np.where(glide, 0.0, bright), np.full(len(hkl), 0.02),
    ...                            turns, lattice=7 * np.eye(3), laue="2/m")
    >>> found = group_likelihoods(merged, [np.eye(3, dtype=int)])
    >>> found.numbers[found.absences == found.absences.max()].tolist()
    [7, 13]
    """
    found = best_settings(merged, settings)
    numbers = np.array(groups_of(merged.laue))
    of_number = {number: best for best in found for number in best.groups}
    statistics = intensity_statistics(merged)
    centric = np.array([is_centrosymmetric(int(number)) for number in numbers])
    return GroupLikelihoods(
        numbers,
        np.array([of_number[int(number)].best for number in numbers]),
        np.array([of_number[int(number)].mean for number in numbers]),
        centric,
        np.where(centric, 0.5, -0.5) * statistics.log_odds_centric,
        statistics,
    )


@dataclass(frozen=True, eq=False)
class BestSetting:
    """Hold how well the groups of one extinction class explain what is absent.

    Attributes
    ----------
    groups : tuple of int
    best, mean : float
        Log-likelihoods of the best setting, and of the mean over all.
    listed, missing : ndarray of bool
        Which of the special reflections, and of the unlisted places, the best setting forbids.
    fits : bool
        Whether the groups' centering is that of the cell.
    """

    groups: tuple[int, ...]
    best: float
    mean: float
    listed: np.ndarray
    missing: np.ndarray
    fits: bool = True


def best_settings(merged: MergedReflections, settings: list[np.ndarray]) -> list[BestSetting]:
    """Try every extinction class of a Laue class in the settings that are open to it."""
    tried = group_settings(merged.laue, settings)
    special = np.flatnonzero(is_special(merged.hkl))
    score = reflection_scores(merged)[special]
    missing, chance = unlisted_places(merged)
    both = np.concatenate([merged.hkl[special], missing])
    n = len(special)
    found = []
    for alike in extinction_groups(merged.laue):
        rows = []
        for mask, share in forbidden(alike, both, merged.centering, tried):
            here, there = mask[:n], mask[n:]
            total = absence_score(score[here], chance[there], merged.coverage)
            rows.append((total, share, here, there))
        if not rows:
            none = np.zeros(len(both), dtype=bool)
            found.append(BestSetting(alike, NOTHING, NOTHING, none[:n], none[n:], False))
            continue
        best, _, here, there = max(rows, key=lambda row: row[0])
        mean = float(np.logaddexp.reduce([total + math.log(share) for total, share, *_ in rows]))
        found.append(BestSetting(alike, best, mean, here, there))
    return found


def reflection_scores(merged: MergedReflections) -> np.ndarray:
    """Log-likelihood ratio, absent against present, of every reflection."""
    z, sigma = normalized_intensities(merged)
    # Beyond this both densities vanish, and their ratio with them.
    scale = BRIGHTEST / np.maximum(z, BRIGHTEST)
    z, sigma = z * scale, np.maximum(sigma * scale, 1e-4)
    ratio = np.log(_density(z, sigma, ABSENT)) - np.log(_density(z, sigma, PRESENT))
    return np.clip(ratio, -MOST_AGAINST, MOST_FOR)


def _density(z: np.ndarray, sigma: np.ndarray, mixture: tuple) -> np.ndarray:
    """Density of exponential variates plus normal errors."""
    total = np.full(len(z), 1e-12)
    for mean, share in mixture:
        x = (sigma / mean - z / sigma) / math.sqrt(2)
        # exp(σ²/2μ² - z/μ) erfc(x) = exp(-z²/2σ²) erfcx(x), which does not overflow for x > 0.
        with np.errstate(over="ignore", under="ignore"):
            right = np.exp(-np.minimum(0.5 * (z / sigma) ** 2, 700.0)) * erfcx(np.maximum(x, -5.0))
            far = 2 * np.exp(np.minimum(0.5 * (sigma / mean) ** 2 - z / mean, 50.0))
        total += share / (2 * mean) * np.where(x > -5.0, right, far)
    return total


def absence_score(scores: np.ndarray, chance: np.ndarray, coverage: Coverage) -> float:
    """Log-likelihood ratio, absent against present, of some reflections and unlisted places.

    Parameters
    ----------
    scores : ndarray
        Of the reflections that are listed.
    chance : ndarray
        How often each unlisted place would be unlisted if it were present.
    coverage : Coverage

    Returns
    -------
    float
    """
    return float(scores.sum()) + _of_missing(len(scores), -np.log(chance), coverage)


def _of_missing(n_listed: int, surprise: np.ndarray, coverage: Coverage) -> float:
    """Log-likelihood ratio of forbidden places not being listed.

    `surprise` is -log of how often each would be missing if it were present.
    """
    if len(surprise) == 0:
        return 0.0
    total = float(surprise.sum())
    if coverage == Coverage.OBSERVED:  # the list says that it leaves out what was not observed
        return _bounded(total, MOST_FOR_OBSERVED) - AGAINST_OBSERVED * min(n_listed, 4)
    if n_listed > 0.2 * len(surprise):
        return 0.0
    either = float(np.logaddexp(math.log(LEFT_OUT), math.log(1 - LEFT_OUT) - total))
    return _bounded(max(either + total, 0.0), MOST_FOR_MISSING)


def _bounded(total: float, most: float) -> float:
    """Let more count for ever less, without making all that is much alike."""
    return most * math.log1p(total / most)
