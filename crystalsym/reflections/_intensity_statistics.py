"""Statistics of normalized intensities, which tell centrosymmetric crystals from others.

A. J. C. Wilson, Acta Cryst. 2, 318 (1949): the mean of |E² - 1| is 0.968 with a center of
inversion and 0.736 without.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from crystalsym.diffraction import Coverage
from crystalsym.reflections._conditions import is_special
from crystalsym.reflections._equivalents import MergedReflections
from crystalsym.reflections._unlisted_places import unlisted_share

CENTRIC, ACENTRIC = 0.968, 0.736
# How the mean is distributed over crystals, as normal distributions of (center, spread, share):
# ordinary crystals; twins, whose intensities are more even; and what may be anywhere (heavy atoms,
# pseudosymmetry, few reflections on special positions). Centers and spreads are those of simulated
# lists of random molecular crystals with drawn degradation.
AMONG_CENTRIC = ((0.945, 0.055, 0.80), (0.76, 0.08, 0.12), (0.83, 0.13, 0.08))
AMONG_ACENTRIC = ((0.725, 0.050, 0.80), (0.60, 0.07, 0.12), (0.83, 0.13, 0.08))
# More than this is hypercentric, which speaks for a center as well.
HYPERCENTRIC = 1.0
# Standard deviation of |E² - 1| of one reflection.
OF_ONE = 1.0
SHELL = 80
# Shells whose uncertainties are larger than this part of their mean are noise.
NOISY = 0.5
# Fewest general reflections that tell anything.
FEWEST = 20
# Of lists that leave out what was not observed: the weakest part of each shell, whose lowest
# intensity is taken for the limit.
WEAKEST = 0.02


@dataclass(frozen=True)
class IntensityStatistics:
    """Hold the statistics of normalized intensities.

    Attributes
    ----------
    mean_e2_minus_1 : float
        Mean of |E² - 1| of general reflections; NaN if there are fewer than 20. If only observed
        reflections are listed, of what intensities have above the limit, in parts of its mean.
    standard_error : float
    centric, acentric : float
        What is expected with a center of inversion and without: 0.968 and 0.736 of a list that
        holds weak reflections, too.
    n_used : int
        General reflections of shells that are above noise.
    log_odds_centric : float
        log of the odds of a center of inversion by this mean alone.

    Examples
    --------
    >>> from crystalsym.reflections import IntensityStatistics
    >>> found = IntensityStatistics(0.95, 0.02, 0.968, 0.736, 2500, 3.5)
    >>> abs(found.mean_e2_minus_1 - found.centric) < abs(found.mean_e2_minus_1 - found.acentric)
    True
    """

    mean_e2_minus_1: float
    standard_error: float
    centric: float
    acentric: float
    n_used: int
    log_odds_centric: float


def normalized_intensities(merged: MergedReflections) -> tuple[np.ndarray, np.ndarray]:
    """Divide intensities by the mean at their resolution.

    Parameters
    ----------
    merged : MergedReflections

    Returns
    -------
    z, sigma_z : ndarray of shape (n,)
        E² of general reflections; of others E² times their enhancement.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.reflections import merge_equivalents, normalized_intensities
    >>> merged = merge_equivalents(np.array([[1, 2, 3], [2, 3, 1]]), np.array([3.0, 1.0]), None,
    ...                            np.eye(3, dtype=int)[None], lattice=np.eye(3))
    >>> normalized_intensities(merged)[0].tolist()
    [1.5, 0.5]
    """
    q = merged.q
    shell = _shells(q)
    n = int(shell.max(initial=0)) + 1
    weight = np.where(is_special(merged.hkl), 0.3, 1.0)  # absent and enhanced ones are there
    total = np.bincount(shell, weight * merged.intensity, n)
    mean = total / np.bincount(shell, weight, n)
    mean = np.maximum(mean, 1e-3 * max(float(mean.max(initial=0)), 1e-300))
    # Between the centers of shells, so that no step is seen.
    center = np.bincount(shell, q, n) / np.maximum(np.bincount(shell, minlength=n), 1)
    level = np.exp(np.interp(q, center, np.log(mean))) if n > 1 else np.full(len(q), mean[0])
    return merged.intensity / level, merged.sigma / level


def intensity_statistics(merged: MergedReflections) -> IntensityStatistics:
    """Compute the mean of |E² - 1| and what it says of a center of inversion.

    Parameters
    ----------
    merged : MergedReflections

    Returns
    -------
    IntensityStatistics

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.reflections import intensity_statistics, merge_equivalents
    >>> hkl = np.stack(np.mgrid[1:12, 12:22, 23:33], axis=-1).reshape(-1, 3)
    >>> bright = np.random.default_rng(0).exponential(size=len(hkl))
    >>> merged = merge_equivalents(hkl, bright, np.full(len(hkl), 0.01), np.eye(3, dtype=int)[None],
    ...                            lattice=40 * np.eye(3))
    >>> round(intensity_statistics(merged).mean_e2_minus_1, 1)
    0.7
    """
    values, limited = general_intensities(merged)
    n = len(values)
    centric, acentric = CENTRIC, ACENTRIC
    if limited > 0:
        centric = _expected_above(limited)
    if n < FEWEST:
        return IntensityStatistics(math.nan, math.nan, centric, acentric, n, 0.0)
    value = float(np.abs(values - 1).mean())
    error = float(OF_ONE / math.sqrt(n))
    # What is expected of a list cut off lies closer together.
    scale = (value - acentric) * (CENTRIC - ACENTRIC) / max(centric - acentric, 0.02) + ACENTRIC
    spread = error * (CENTRIC - ACENTRIC) / max(centric - acentric, 0.02)
    scale = min(scale, HYPERCENTRIC)
    odds = _log_density(scale, spread, AMONG_CENTRIC) - _log_density(scale, spread, AMONG_ACENTRIC)
    return IntensityStatistics(value, error, centric, acentric, n, odds)


def general_intensities(merged: MergedReflections) -> tuple[np.ndarray, float]:
    """Intensities of general reflections of shells above noise, in parts of their mean.

    Returns
    -------
    values : ndarray
        Of a list that leaves out what was not observed, what they have above the limit of their
        shell.
    limited : float
        Part of the places that such a list leaves out; 0 of others.
    """
    general = ~is_special(merged.hkl)
    q, intensity = merged.q[general], merged.intensity[general]
    if not len(q):
        return np.empty(0), 0.0
    z, sigma = (one[general] for one in normalized_intensities(merged))
    shell = _shells(q)
    n = int(shell.max()) + 1
    quiet = np.array([np.median(sigma[shell == i]) < NOISY for i in range(n)])[shell]
    if merged.coverage != Coverage.OBSERVED:
        values = z[quiet]
        return values / max(float(values.mean()), 1e-300) if len(values) else values, 0.0
    left = []
    for i in range(n):
        part = intensity[(shell == i) & quiet]
        if len(part) >= 5:
            above = part[part > np.quantile(part, WEAKEST)] - np.quantile(part, WEAKEST)
            left.append(above / max(float(above.mean()), 1e-300))
    return np.concatenate(left) if left else np.empty(0), unlisted_share(merged)


def _expected_above(share: float) -> float:
    """Mean of |y - 1| of centric intensities above the limit that leaves out a share of them.

    y is what they have above the limit, in parts of its mean; acentric ones keep 0.736.
    """
    ranks = share + (1 - share) * (np.arange(4000) + 0.5) / 4000
    above = chi2.ppf(ranks, 1) - chi2.ppf(share, 1)
    return float(np.abs(above / above.mean() - 1).mean())


def _log_density(value: float, error: float, mixture: tuple) -> float:
    total = 0.0
    for center, spread, share in mixture:
        wide = math.hypot(spread, error)
        total += share / wide * math.exp(-0.5 * ((value - center) / wide) ** 2)
    return math.log(max(total, 1e-6))


def _shells(q: np.ndarray) -> np.ndarray:
    """Number of the shell of equal population that each reflection is in."""
    n = int(np.clip(len(q) // SHELL, 1, 25))
    ranks = np.empty(len(q), dtype=np.int64)
    ranks[np.argsort(q, kind="stable")] = np.arange(len(q))
    return ranks * n // max(len(q), 1)
