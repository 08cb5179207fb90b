"""The centering of a cell, found by the reflections that it forbids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crystalsym.crystals._metric_settings import allowed_by_centering
from crystalsym.diffraction import Coverage

# How many times more reflections a lattice has than a centering allows.
FOLD = {"A": 2, "B": 2, "C": 2, "I": 2, "F": 4, "R": 3, "R-": 3}
# A centering is believed if what it forbids has less than this part of the mean intensity of what
# it allows. Leaks of a few per cent are common, electrons scattered twice leak more.
BELIEVED = {"xray": 0.1, "neutron": 0.1, "electron": 0.3}
# Fewest reflections allowed that tell anything.
FEWEST = 12


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
    believed : bool
    """

    centering: str
    n_forbidden: int
    n_allowed: int
    ratio: float
    i_over_sigma: float
    above_3_sigma: float
    believed: bool


def find_centering(
    hkl: np.ndarray,
    intensity: np.ndarray,
    sigma: np.ndarray,
    coverage: Coverage = Coverage.LISTED,
    radiation: str | None = None,
) -> tuple[str, list[CenteringTest]]:
    """Find the centering of the cell that some averaged reflections are indexed in.

    Parameters
    ----------
    hkl : ndarray of int, shape (n, 3)
        Each once.
    intensity, sigma : ndarray of shape (n,)
    coverage : Coverage
    radiation : str, optional

    Returns
    -------
    centering : str
        The largest centering that is believed, "P" if none is.
    tests : list of CenteringTest

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.reflections import find_centering
    >>> hkl = np.array([(h, k, l) for h in range(5) for k in range(5) for l in range(1, 5)])
    >>> bright = np.where(hkl.sum(axis=1) % 2, 0.0, 10.0)
    >>> find_centering(hkl, bright, np.ones(len(hkl)))[0]
    'I'
    """
    tests = []
    limit = BELIEVED.get(radiation or "xray", BELIEVED["xray"])
    for centering, fold in FOLD.items():
        allowed = allowed_by_centering(hkl, centering)
        n_allowed, n_forbidden = int(allowed.sum()), int((~allowed).sum())
        ratio, significance, above, believed = np.nan, 0.0, 0.0, False
        if n_allowed >= FEWEST:
            mean_allowed = max(float(intensity[allowed].mean()), 1e-300)
            # Where absences were left out, what is listed of them stands for all places.
            total = float(np.maximum(intensity[~allowed].sum(), 0.0))
            places = max(n_forbidden, (fold - 1) * n_allowed)
            ratio = total / places / mean_allowed
            if n_forbidden:
                significant = (intensity / sigma)[~allowed]
                significance, above = float(significant.mean()), float((significant > 3).mean())
            # A few that are listed, and strong, speak for themselves.
            listed = float(intensity[~allowed].mean()) / mean_allowed if n_forbidden else 0.0
            dense = n_forbidden > 0.25 * (fold - 1) * n_allowed
            believed = ratio < limit and (not dense or listed < limit)
        tests.append(
            CenteringTest(centering, n_forbidden, n_allowed, ratio, significance, above, believed)
        )
    chosen = [test for test in tests if test.believed]
    if not chosen:
        return "P", tests
    best = max(chosen, key=lambda test: (FOLD[test.centering], -test.ratio))
    return best.centering, tests
