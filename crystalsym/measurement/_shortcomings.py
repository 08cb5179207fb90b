"""What befalls intensities between crystal and list, crystal by crystal, drawn from numbered seeds.

The random numbers are SplitMix64's (Steele, Lea, Flood, OOPSLA 2014), begun anew for every
crystal from the seed and the crystal's number, so that no chunk or thread changes a draw.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

LISTED, WHOLE, OBSERVED = 0, 1, 2
# How certain perfect patterns are: the shapers' own threshold.
PERFECT = 1e-5
# Columns of a table of strengths: lower and upper bound, share of the crystals, logarithmic draw.
NAMES = (
    "b_factor", "d_min", "beam_stop", "missing", "cone", "background", "counting",
    "proportional", "redundancy", "scale_error", "leak", "extinction", "compression", "twin",
    "unobserved", "esd_error", "unmerged", "unique", "perfect", "anisotropy",
)  # fmt: skip
(
    B_FACTOR, D_MIN, BEAM_STOP, MISSING, CONE, BACKGROUND, COUNTING, PROPORTIONAL, REDUNDANCY,
    SCALE_ERROR, LEAK, EXTINCTION, COMPRESSION, TWIN, UNOBSERVED, ESD_ERROR, UNMERGED, UNIQUE,
    PERFECT_SHARE, ANISOTROPY,
) = range(len(NAMES))  # fmt: skip
APART = np.uint64(0xA0761D6478BD642F)
# Of lists that lack the unobserved, so many are known to.
TOLD = 0.8


@njit(cache=True, nogil=True)
def _next(state):
    """Uniform in (0, 1)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (float(z >> np.uint64(11)) + 0.5) / 9007199254740992.0


@njit(cache=True, nogil=True)
def _normal(state):
    return math.sqrt(-2 * math.log(_next(state))) * math.cos(2 * math.pi * _next(state))


@njit(cache=True, nogil=True)
def _drawn(state, strengths, which):
    """Strength of one shortcoming; 0 where the crystal is spared. Always two random numbers."""
    low, high, share, logarithmic = strengths[which]
    spared = _next(state) >= share
    x = _next(state)
    if spared:
        return 0.0
    if logarithmic > 0:
        return low * (high / low) ** x
    return low + (high - low) * x


@njit(cache=True, nogil=True)
def fall_short(
    seed, numbers, starts, n_views, hkl, indices, q, true, orbit, equal_axes, strengths,
    intensity, sigma, kept, coverage, q_low, q_high,
):  # fmt: skip
    """Fill intensity, sigma, kept (of spots), coverage and q bounds (of crystals)."""
    for row in range(len(numbers)):
        first, last = starts[row * n_views], starts[(row + 1) * n_views]
        state = np.empty(1, np.uint64)
        state[0] = np.uint64(seed) ^ (np.uint64(numbers[row] + 1) * np.uint64(0xD1342543DE82EF95))
        for _ in range(3):
            _next(state)
        part = slice(first, last)
        _one(
            state, hkl[part], indices[part], q[part], true[part], orbit[part],
            starts[row * n_views + n_views - 1] - first, equal_axes[row], strengths,
            intensity[part], sigma[part], kept[part], coverage, q_low, q_high, row,
        )  # fmt: skip


@njit(cache=True, nogil=True)
def _one(
    state, hkl, indices, q, true, orbit, last_view, equal_axes, strengths,
    intensity, sigma, kept, coverage, q_low, q_high, row,
):  # fmt: skip
    n = len(true)
    strength = np.empty(len(strengths))
    # What came later is drawn apart, so that the other draws stayed as they were.
    apart = state ^ APART
    for which in range(ANISOTROPY):
        strength[which] = _drawn(state, strengths, which)
    strength[ANISOTROPY] = _drawn(apart, strengths, ANISOTROPY)
    strongest = 0.0
    for i in range(n):
        strongest = max(strongest, true[i])
    if strength[PERFECT_SHARE] > 0 or strongest == 0:
        intensity[:] = true
        sigma[:] = PERFECT * strongest if strongest > 0 else 1.0
        kept[:] = True
        coverage[row] = WHOLE
        return
    coverage[row] = LISTED
    q_high[row] = min(q_high[row], 1 / strength[D_MIN] if strength[D_MIN] > 0 else np.inf)
    q_low[row] = max(q_low[row], strength[BEAM_STOP])
    sharper = np.ones(n)
    if strength[ANISOTROPY] > 0:
        _by_direction(apart, hkl, q, orbit, strength[ANISOTROPY], sharper)
    _physics(sharper, indices, q, true, last_view, equal_axes, strength, intensity)
    seen = 0
    total = 0.0
    for i in range(n):
        kept[i] = q_low[row] <= q[i] <= q_high[row]
        if kept[i]:
            total += intensity[i]
            seen += 1
    mean = total / max(seen, 1)
    if mean <= 0:
        mean = strongest
    # Numbers of the sets that are one measurement after merging.
    unmerged = strength[UNMERGED] > 0
    if unmerged:
        group = np.arange(n)
    else:
        group = orbit.astype(np.int64)
    n_groups = 0
    for i in range(n):
        n_groups = max(n_groups, group[i] + 1)
    size = np.zeros(n_groups, np.int64)
    for i in range(n):
        size[group[i]] += 1
    present = _present(state, hkl, q, kept, group, n_groups, unmerged, strength)
    spread = math.exp(strength[ESD_ERROR] * _normal(state))
    noise, jump, lost = np.empty(n_groups), np.empty(n_groups), np.empty(n_groups)
    for g in range(n_groups):
        noise[g] = _normal(state)
        jump[g] = -math.log(_next(state))
        lost[g] = _next(state)
    redundancy = max(strength[REDUNDANCY], 1.0)
    for i in range(n):
        g = group[i]
        many = redundancy * (1 if unmerged else size[g])
        value = intensity[i] + strength[LEAK] * mean * jump[g]
        count = strength[COUNTING] * mean * value + (strength[BACKGROUND] * mean) ** 2
        error = math.sqrt(count / many + (strength[PROPORTIONAL] * value) ** 2)
        scale = strength[SCALE_ERROR] * value / math.sqrt(many)
        intensity[i] = value + math.sqrt(error * error + scale * scale) * noise[g]
        sigma[i] = max(error * spread, 1e-6 * mean)
        if (
            not present[g]
            or lost[g] < strength[MISSING]
            or (strength[UNOBSERVED] > 0 and intensity[i] < strength[UNOBSERVED] * sigma[i])
        ):
            kept[i] = False
    if strength[UNOBSERVED] > 0:
        coverage[row] = OBSERVED if _next(state) < TOLD else LISTED


@njit(cache=True, nogil=True)
def _physics(sharper, indices, q, true, last_view, equal_axes, strength, intensity):
    """Thermal motion, twinning, extinction, dynamical scattering."""
    n = len(true)
    damping = strength[B_FACTOR] / 2  # of intensities: exp(-2 B sin²θ/λ²), sinθ/λ = q/2
    total, squares = 0.0, 0.0
    for i in range(n):
        intensity[i] = true[i] * math.exp(-damping * sharper[i] * q[i] ** 2)
        total += intensity[i]
        squares += intensity[i] ** 2
    if total <= 0:
        return
    if strength[TWIN] > 0 and equal_axes:
        _twin(indices, last_view, strength[TWIN], intensity)
    unit = squares / total
    if strength[EXTINCTION] > 0:
        for i in range(n):
            reach = strength[EXTINCTION] * intensity[i] / (unit * max(q[i], 0.05))
            intensity[i] /= math.sqrt(1 + reach)
    if strength[COMPRESSION] > 0:
        power = 1 - strength[COMPRESSION]
        for i in range(n):
            relative = intensity[i] / unit
            if relative > 1e-12:
                intensity[i] = unit * relative**power


@njit(cache=True, nogil=True)
def _by_direction(state, hkl, q, orbit, strength, factor):
    """By which factor B differs for each spot, the same for equivalents."""
    n = len(q)
    direction = np.empty(3)
    for k in range(3):
        direction[k] = _normal(state)
    square = np.empty(n)
    most, n_sets = 0.0, 0
    for i in range(n):
        along = hkl[i, 0] * direction[0] + hkl[i, 1] * direction[1] + hkl[i, 2] * direction[2]
        square[i] = (along / q[i]) ** 2 if q[i] > 0 else 0.0
        most = max(most, square[i])
        n_sets = max(n_sets, orbit[i] + 1)
    if most <= 0:
        return
    total, count = np.zeros(n_sets), np.zeros(n_sets)
    overall = 0.0
    for i in range(n):
        square[i] /= most
        total[orbit[i]] += square[i]
        count[orbit[i]] += 1
        overall += square[i] / n
    for i in range(n):
        factor[i] = 1 + strength * (total[orbit[i]] / count[orbit[i]] - overall)


@njit(cache=True, nogil=True)
def _twin(indices, start, fraction, intensity):
    """Mix the layer hk0 with kh0, its image in a twofold axis of the lattice."""
    n = len(intensity)
    most = 0
    for i in range(start, n):
        most = max(most, abs(indices[i, 0]), abs(indices[i, 1]))
    place = np.full((2 * most + 1, 2 * most + 1), -1, np.int64)
    for i in range(start, n):
        h, k = indices[i, 0], indices[i, 1]
        place[most + h, most + k] = i
        place[most - h, most - k] = i
    mixed = intensity.copy()
    for i in range(start, n):
        mate = place[most + indices[i, 1], most + indices[i, 0]]
        if mate >= 0:
            mixed[i] = (1 - fraction) * intensity[i] + fraction * intensity[mate]
    intensity[start:] = mixed[start:]


@njit(cache=True, nogil=True)
def _present(state, hkl, q, kept, group, n_groups, unmerged, strength):
    """Which sets have a member that the scan reached."""
    n = len(q)
    present = np.zeros(n_groups, np.bool_)
    direction = np.empty(3)
    for k in range(3):
        direction[k] = _normal(state)
    cone = strength[CONE]
    limit = np.inf
    away = np.empty(n)
    if cone > 0:
        for i in range(n):
            along = hkl[i, 0] * direction[0] + hkl[i, 1] * direction[1] + hkl[i, 2] * direction[2]
            away[i] = abs(along) / q[i]
        limit = np.sort(away)[min(int((1 - cone) * n), n - 1)]
    octant = unmerged and strength[UNIQUE] > 0
    for i in range(n):
        if not kept[i] or (cone > 0 and away[i] > limit):
            continue
        if octant:
            h, k, m = hkl[i, 0], hkl[i, 1], hkl[i, 2]
            one = (h >= 0 and k >= 0) or (h <= 0 and k <= 0)
            if not (one and ((h >= 0 and m >= 0) or (h <= 0 and m <= 0))):
                continue
        present[group[i]] = True
    return present
