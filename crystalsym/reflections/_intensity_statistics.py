"""Statistics of normalized intensities, which tell centrosymmetric crystals from others.

A. J. C. Wilson, Acta Cryst. 2, 318 (1949): the mean of |E² - 1| is 0.968 with a center of
inversion and 0.736 without.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from crystalsym.reflections._conditions import is_special
from crystalsym.reflections._equivalents import MergedReflections

CENTRIC, ACENTRIC = 0.968, 0.736
# Spread of the mean from crystal to crystal (heavy atoms, pseudosymmetry, twins), beside that of
# few reflections.
BETWEEN_CRYSTALS = 0.075
# Standard deviation of |E² - 1| of one reflection.
OF_ONE = 1.0
MOST_ODDS = 6.0
SHELL = 80


@dataclass(frozen=True)
class IntensityStatistics:
    """Hold the statistics of normalized intensities.

    Attributes
    ----------
    mean_e2_minus_1 : float
        Mean of |E² - 1| of general reflections; NaN if there are fewer than 20.
    standard_error : float
    n_used : int
        General reflections of shells that are above noise.
    log_odds_centric : float
        log of the odds of a center of inversion by this mean alone.
    """

    mean_e2_minus_1: float
    standard_error: float
    n_used: int
    log_odds_centric: float


def normalized_intensities(merged: MergedReflections) -> tuple[np.ndarray, np.ndarray]:
    """Divide intensities by the mean at their resolution.

    Returns
    -------
    z, sigma_z : ndarray of shape (n,)
        E² of general reflections; of others E² times their enhancement.
    """
    q = merged.q
    n = int(np.clip(len(q) // SHELL, 1, 25))
    ranks = np.empty(len(q), dtype=np.int64)
    ranks[np.argsort(q, kind="stable")] = np.arange(len(q))
    shell = ranks * n // max(len(q), 1)
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
    z, sigma = normalized_intensities(merged)
    used = ~is_special(merged.hkl) & (sigma < 0.5)
    n = int(used.sum())
    if n < 20:
        return IntensityStatistics(math.nan, math.nan, n, 0.0)
    scaled = z[used] / max(float(z[used].mean()), 1e-300)
    value = float(np.abs(scaled - 1).mean())
    error = float(OF_ONE / math.sqrt(n))
    spread = math.hypot(error, BETWEEN_CRYSTALS)
    odds = (((value - ACENTRIC) / spread) ** 2 - ((value - CENTRIC) / spread) ** 2) / 2
    return IntensityStatistics(value, error, n, float(np.clip(odds, -MOST_ODDS, MOST_ODDS)))
