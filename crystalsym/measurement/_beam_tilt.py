"""The tilt of the beam that explains how mates differ.

Off the zone axis mates differ, but not at random: a spot at g is s = a·g - b g² from the Ewald
sphere, in units of the reciprocal thickness, its mate -a·g - b g², and either is weakened by
sinc²(s). Three numbers, a and b, explain the ratios of all mates.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

# The tilt (as a, in Å: thickness times its tangent) and b (half the wavelength times the
# thickness, Å²) that are tried: 1° at 100 Å or 0.35° at 300 Å, 30 to 300 Å at 60 to 300 kV.
TILT_STEP, LARGEST_TILT = 0.3, 1.8
CURVATURES = (0.0, 0.3, 0.42, 0.6, 0.85, 1.2, 1.7, 2.4, 3.4, 4.8)
# ln sinc² by table; what many beams, bending and overlap leave of it at its zeros.
TABLE_STEP, TABLE_END, LEFT = 0.01, 12.0, 0.01
# The distance s of a spot is known to so much, in the end and while tilts are gone through.
UNSURE, UNSURE_AT_FIRST = 0.1, 0.2
# Standard deviation of the logarithm of mates' ratio that is held to be no disagreement, part of
# pairs that may disagree.
ALIKE, UNLIKE = 0.3, 0.05
# Pairs that a coarse search looks at, of all.
FIRST = 40


def fit_tilt(
    indices: np.ndarray,
    ratio: np.ndarray,
    variance: np.ndarray,
    basis: np.ndarray,
    unrelated: np.ndarray,
) -> tuple[float, np.ndarray, float]:
    """Fit the tilt under which pairs of spots are most alike.

    Parameters
    ----------
    indices : ndarray of int, shape (n, 2)
        Of one of each pair from the point half way between, brightest pairs first.
    ratio, variance : ndarray of shape (n,)
        Logarithm of the ratio of both, and its variance.
    basis : ndarray of shape (2, 2)
        1/Å.
    unrelated : ndarray of shape (m, 2)
        How that logarithm is spread where spots are no mates: parts and variances of Gaussians.

    Returns
    -------
    evidence : float
        Logarithm of how much likelier the pairs are mates than unrelated.
    tilt : ndarray of shape (2,)
        a: thickness times tangent, Å.
    curvature : float
        b: half the wavelength times the thickness, Å².
    """
    evidence, a_x, a_y, b = _best_tilt(
        indices @ basis, ratio, variance, unrelated, np.array(CURVATURES), FIRST, *_TABLES
    )
    return evidence, np.array([a_x, a_y]), b


def log_excitation(s: np.ndarray) -> np.ndarray:
    """Look up ln sinc² at distances s from the Ewald sphere, as far as it is believed."""
    log = _TABLES[0]
    found: np.ndarray = log[np.minimum(np.rint(np.abs(s) / TABLE_STEP).astype(int), len(log) - 1)]
    return found


def _tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """ln sinc² as far as it is believed, and its variance where s is not exactly known."""
    s = np.arange(0, TABLE_END, TABLE_STEP)
    log = np.log((np.sinc(s) ** 2 + LEFT) / (1 + LEFT))
    slope = np.gradient(log, TABLE_STEP)
    return log, (UNSURE_AT_FIRST * slope) ** 2, (UNSURE * slope) ** 2


_TABLES = _tables()


@njit(cache=True, nogil=True)
def _best_tilt(g, ratio, variance, unrelated, curvatures, n_first, table, wide_slack, slack):
    """The tilt under which mates are most alike: evidence against unrelated spots, a, b."""
    n = len(g)
    unlike = np.empty(n)
    for k in range(n):
        unlike[k] = 1e-200
        for part, spread in unrelated:
            wide = spread + variance[k]
            unlike[k] += part * math.exp(-0.5 * ratio[k] * ratio[k] / wide) / math.sqrt(wide)
    steps = int(LARGEST_TILT / TILT_STEP)
    few = min(n, n_first)
    best, best_x, best_y, best_b = -np.inf, 0.0, 0.0, 0.0
    for b in curvatures:
        # The best of every curvature is refined, since the evidence has narrow tops.
        top, x, y = -np.inf, 0.0, 0.0
        for i in range(-steps, steps + 1):
            for j in range(-steps, steps + 1):
                if i * i + j * j > steps * steps or (b == 0.0 and (i != 0 or j != 0)):
                    continue
                a_x, a_y = i * TILT_STEP, j * TILT_STEP
                total = _alike(g, ratio, variance, unlike, few, a_x, a_y, b, table, wide_slack)
                if total > top:
                    top, x, y = total, a_x, a_y
        _, x, y, own = _refined(g, ratio, variance, unlike, x, y, b, table, wide_slack)
        top, x, y, own = _refined(g, ratio, variance, unlike, x, y, own, table, slack)
        if top > best:
            best, best_x, best_y, best_b = top, x, y, own
    return best, best_x, best_y, best_b


@njit(cache=True, nogil=True)
def _refined(g, ratio, variance, unlike, x, y, b, table, slack):
    """Climb along tilt and curvature with steps that are halved."""
    n = len(g)
    top = _alike(g, ratio, variance, unlike, n, x, y, b, table, slack)
    if b == 0.0:
        return top, x, y, b
    step, part = TILT_STEP / 2, 0.2
    for _ in range(4):
        for _ in range(4):
            start_x, start_y, start_b = x, y, b
            for i in range(6):
                sign = 1.0 - 2.0 * (i % 2)
                a_x = start_x + (sign * step if i < 2 else 0.0)
                a_y = start_y + (sign * step if 2 <= i < 4 else 0.0)
                own = start_b * (1.0 + (sign * part if i >= 4 else 0.0))
                total = _alike(g, ratio, variance, unlike, n, a_x, a_y, own, table, slack)
                if total > top:
                    top, x, y, b = total, a_x, a_y, own
            if x == start_x and y == start_y and b == start_b:
                break
        step, part = step / 2, part / 2
    return top, x, y, b


@njit(cache=True, nogil=True)
def _alike(g, ratio, variance, unlike, n, a_x, a_y, b, table, slack):
    """Evidence that n pairs are mates under a tilt, against their being unrelated."""
    last = len(table) - 1
    # Small tilts are likelier: 1.4 Å are half a degree at 160 Å.
    total, product = -1.0 * (a_x * a_x + a_y * a_y), 1.0
    for k in range(n):
        along = a_x * g[k, 0] + a_y * g[k, 1]
        sphere = b * (g[k, 0] ** 2 + g[k, 1] ** 2)
        plus = min(int(abs(along - sphere) / TABLE_STEP + 0.5), last)
        minus = min(int(abs(along + sphere) / TABLE_STEP + 0.5), last)
        off = ratio[k] - table[plus] + table[minus]
        own = variance[k] + slack[plus] + slack[minus] + ALIKE * ALIKE
        alike = math.exp(-0.5 * off * off / own) / math.sqrt(own)
        product *= (1 - UNLIKE) * alike / unlike[k] + UNLIKE
        if product > 1e60 or product < 1e-60:
            total += math.log(product)
            product = 1.0
    return total + math.log(product)
