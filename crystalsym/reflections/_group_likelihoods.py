"""How well each space group of a Laue class explains what is absent, and what is not."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import erfcx

from crystalsym.crystals._metric_settings import allowed_by_centering
from crystalsym.diffraction import Coverage
from crystalsym.reflections._conditions import (
    extinction_groups,
    forbidden,
    group_settings,
    groups_of,
    is_special,
)
from crystalsym.reflections._equivalents import MergedReflections, canonical_keys
from crystalsym.reflections._intensity_statistics import (
    IntensityStatistics,
    intensity_statistics,
    normalized_intensities,
)
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
MOST_FOR_MISSING = 3.0
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
    missing, per_missing, listed_share = _missing_places(merged)
    numbers, absences = [], []
    for alike in extinction_groups(merged.laue):
        best = NOTHING
        for here, there in _paired(alike, hkl, missing, merged.centering, tried):
            total = float(score[here].sum())
            total += _of_missing(int(here.sum()), int(there.sum()), per_missing, listed_share)
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


def _missing_places(merged: MergedReflections) -> tuple[np.ndarray, float, float]:
    """Special places inside the region covered that are not listed.

    Returns
    -------
    hkl : ndarray of int, shape (m, 3)
    share : float
        Part of the general places that is not listed: how often a present one is missing.
    listed_share : float
    """
    reciprocal = np.linalg.inv(merged.lattice).T
    q = merged.q
    # The edge of a list is ragged.
    low, high = float(np.quantile(q, 0.01)), float(np.quantile(q, 0.9))
    spans = np.floor(high * np.linalg.norm(merged.lattice, axis=1)).astype(int)
    if np.prod(2.0 * spans + 1) > 2e6:
        high *= (2e6 / np.prod(2.0 * spans + 1)) ** (1 / 3)
        spans = np.floor(high * np.linalg.norm(merged.lattice, axis=1)).astype(int)
    axes = [np.arange(0, spans[0] + 1), *(np.arange(-n, n + 1) for n in spans[1:])]
    hkl = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    length = np.linalg.norm(hkl @ reciprocal, axis=1)
    hkl = hkl[(length >= low) & (length <= high) & allowed_by_centering(hkl, merged.centering)]
    keys = canonical_keys(hkl, merged.operations)
    keys, first = np.unique(keys, return_index=True)
    hkl = hkl[first]
    listed = np.isin(keys, canonical_keys(merged.hkl, merged.operations))
    special = is_special(hkl)
    general = ~special
    share = float((~listed[general]).mean()) if general.any() else 0.5
    share = float(np.clip(share, 0.02, 0.98))
    return hkl[special & ~listed], share, 1 - share if merged.coverage != Coverage.OBSERVED else -1


def _paired(alike, hkl, missing, centering, tried):
    """What is forbidden among the listed and among the missing, setting by setting."""
    both = np.concatenate([hkl, missing]) if len(missing) else hkl
    masks = forbidden(alike, both, centering, tried)
    return [(mask[: len(hkl)], mask[len(hkl) :]) for mask in masks]


def _of_missing(n_listed: int, n_missing: int, share: float, listed_share: float) -> float:
    """Log-likelihood ratio of so many forbidden places not being listed."""
    if n_missing == 0:
        return 0.0
    if listed_share < 0:  # the list says that it leaves out what was not observed
        return min(-math.log(share) * n_missing, 8.0) - 2.0 * min(n_listed, 4) * (1 - share)
    if n_listed > 0.2 * n_missing:
        return 0.0
    alone = n_missing * math.log(share)
    return min(float(np.logaddexp(math.log(LEFT_OUT), math.log(1 - LEFT_OUT) + alone) - alone),
               MOST_FOR_MISSING)  # fmt: skip
