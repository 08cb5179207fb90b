"""The centering of a cell, found by the reflections that it forbids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crystalsym.crystals._metric_settings import allowed_by_centering

# How many times more reflections a lattice has than a centering allows.
FOLD = {"A": 2, "B": 2, "C": 2, "I": 2, "F": 4, "R": 3, "R-": 3}
# A centering is thought of if what it forbids has less than this part of the mean intensity of what
# it allows. Leaks of a few per cent are common, electrons scattered twice leak more.
THOUGHT_OF = {"xray": 0.15, "neutron": 0.15, "electron": 0.35}
# log of the odds that it is one: OFFSET + SLOPE log10(ratio); fitted to 1,400 simulated lists
# (benchmarks/measured/check_reduction.py), for electrons moved by what these leak more.
OFFSET, SLOPE = -6.1, -2.85
LEAKING = {"electron": 2.5}
SMALLEST_RATIO = 1e-4
# n reflections of a lattice are all allowed by chance with a probability of fold^-n: the log of the
# odds is at most n log(fold) less this, and nothing is told below as much again.
BY_CHANCE = 4.0


@dataclass(frozen=True)
class CenteringTest:
    """Hold what one centering's test found.

    Attributes
    ----------
    centering : str
        "R-" is the reverse setting.
    n_forbidden, n_allowed : int
        Reflections listed of each kind.
    ratio : float
        Intensity per place of the forbidden in parts of that of the allowed; places that are not
        listed count as dark.
    i_over_sigma : float
        Mean I/sigma of the forbidden that are listed; 0 if none is.
    above_3_sigma : float
        Part of them that is above 3 sigma.
    log_odds : float
        That the cell is centered so, against that it is not; -inf if it cannot be.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.reflections import find_centering
    >>> hkl = np.array([(h, k, l) for h in range(5) for k in range(5) for l in range(1, 5)])
    >>> _, tests = find_centering(hkl, np.ones(len(hkl)), np.full(len(hkl), 0.1))
    >>> tests[0].centering, round(tests[0].ratio, 1), tests[0].above_3_sigma
    ('A', 1.0, 1.0)
    """

    centering: str
    n_forbidden: int
    n_allowed: int
    ratio: float
    i_over_sigma: float
    above_3_sigma: float
    log_odds: float


def find_centering(
    hkl: np.ndarray,
    intensity: np.ndarray,
    sigma: np.ndarray,
    radiation: str | None = None,
) -> tuple[list[tuple[str, float]], list[CenteringTest]]:
    """Find the centering of the cell that some averaged reflections are indexed in.

    Parameters
    ----------
    hkl : ndarray of int, shape (n, 3)
        Each once.
    intensity, sigma : ndarray of shape (n,)
    radiation : str, optional

    Returns
    -------
    hypotheses : list of (str, float)
        Centerings and their probabilities, most probable first: the largest one that is
        possible, and what the cell is if it is none.
    tests : list of CenteringTest

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.reflections import find_centering
    >>> hkl = np.array([(h, k, l) for h in range(5) for k in range(5) for l in range(1, 5)])
    >>> bright = np.where(hkl.sum(axis=1) % 2, 0.0, 10.0)
    >>> find_centering(hkl, bright, np.ones(len(hkl)))[0][0][0]
    'I'
    """
    tests = [_test(name, hkl, intensity, sigma, radiation or "xray") for name in FOLD]
    possible = [test for test in tests if np.isfinite(test.log_odds)]
    possible.sort(key=lambda test: (FOLD[test.centering], test.log_odds), reverse=True)
    left, hypotheses = 1.0, []
    for test in possible[:2]:
        share = left / (1 + np.exp(-test.log_odds))
        hypotheses.append((test.centering, float(share)))
        left -= share
    hypotheses.append(("P", float(left)))
    return sorted(hypotheses, key=lambda one: -one[1]), tests


def _test(
    centering: str, hkl: np.ndarray, intensity: np.ndarray, sigma: np.ndarray, radiation: str
) -> CenteringTest:
    allowed = allowed_by_centering(hkl, centering)
    n_allowed, n_forbidden = int(allowed.sum()), int((~allowed).sum())
    most = n_allowed * np.log(FOLD[centering]) - BY_CHANCE
    if most < BY_CHANCE:
        return CenteringTest(centering, n_forbidden, n_allowed, np.nan, 0.0, 0.0, -np.inf)
    mean = max(float(intensity[allowed].mean()), 1e-300)
    expected = (FOLD[centering] - 1) * n_allowed
    # Where absences were left out, what is listed of them stands for all places.
    total = float(np.maximum(intensity[~allowed].sum(), 0.0))
    ratio = total / max(n_forbidden, expected) / mean
    significance = above = 0.0
    if n_forbidden:
        significant = (intensity / sigma)[~allowed]
        significance, above = float(significant.mean()), float((significant > 3).mean())
        if n_forbidden > 0.25 * expected:  # those that are listed speak for themselves
            ratio = max(ratio, float(intensity[~allowed].mean()) / mean)
    odds = -np.inf
    if ratio < THOUGHT_OF.get(radiation, THOUGHT_OF["xray"]):
        odds = OFFSET + SLOPE * np.log10(max(ratio, SMALLEST_RATIO)) + LEAKING.get(radiation, 0.0)
        odds = min(odds, most)
    return CenteringTest(centering, n_forbidden, n_allowed, ratio, significance, above, float(odds))
