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
from crystalsym.reflections._intensity_statistics import (
    IntensityStatistics,
    intensity_statistics,
    normalized_intensities,
)
from crystalsym.reflections._merging import MergedReflections
from crystalsym.reflections._unlisted_places import unlisted_places
from crystalsym.spacegroups import is_centrosymmetric

# Normalized intensities are mixtures of exponentials of these means, in these parts: of places
# that are present (Wilson's distributions, with and without a center, and weak structures), and of
# absent ones, where double diffraction, harmonics and twins leave something.
PRESENT = ((1.0, 0.65), (0.15, 0.25), (0.02, 0.10))
ABSENT = ((0.005, 0.60), (0.04, 0.34), (0.4, 0.06))
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
        Log-likelihood against that nothing is forbidden, in the best open setting.
    centric : ndarray of bool, shape (n,)
    statistics : IntensityStatistics
    """

    numbers: np.ndarray
    absences: np.ndarray
    centric: np.ndarray
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
    """
    tried = group_settings(merged.laue, settings)
    special = np.flatnonzero(is_special(merged.hkl))
    hkl = merged.hkl[special]
    score = reflection_scores(merged)[special]
    missing, chance = unlisted_places(merged)
    surprise = -np.log(chance)
    numbers, absences = [], []
    for alike in extinction_groups(merged.laue):
        best = NOTHING
        for here, there in _paired(alike, hkl, missing, merged.centering, tried):
            total = float(score[here].sum())
            total += _of_missing(int(here.sum()), surprise[there], merged.coverage)
            best = max(best, total)
        for number in alike:
            numbers.append(number)
            absences.append(best)
    order = np.argsort(numbers)
    ordered = np.array(numbers)[order]
    assert tuple(ordered) == groups_of(merged.laue)
    return GroupLikelihoods(
        ordered,
        np.array(absences)[order],
        np.array([is_centrosymmetric(int(number)) for number in ordered]),
        intensity_statistics(merged),
    )


def reflection_scores(merged: MergedReflections) -> np.ndarray:
    """Log-likelihood ratio, absent against present, of every reflection."""
    z, sigma = normalized_intensities(merged)
    sigma = np.maximum(sigma, 1e-4)
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


def _paired(alike, hkl, missing, centering, tried):
    """What is forbidden among the listed and among the missing, setting by setting."""
    both = np.concatenate([hkl, missing]) if len(missing) else hkl
    masks = forbidden(alike, both, centering, tried)
    return [(mask[: len(hkl)], mask[len(hkl) :]) for mask in masks]


def _of_missing(n_listed: int, surprise: np.ndarray, coverage: Coverage) -> float:
    """Log-likelihood ratio of forbidden places not being listed.

    `surprise` is -log of how often each would be missing if it were present.
    """
    if len(surprise) == 0:
        return 0.0
    total = float(surprise.sum())
    if coverage == Coverage.OBSERVED:  # the list says that it leaves out what was not observed
        return min(total, MOST_FOR_OBSERVED) - AGAINST_OBSERVED * min(n_listed, 4)
    if n_listed > 0.2 * len(surprise):
        return 0.0
    either = np.logaddexp(math.log(LEFT_OUT), math.log(1 - LEFT_OUT) - total)
    return min(float(either + total), MOST_FOR_MISSING)
