"""What befalls spots between crystal and camera image, crystal by crystal, from numbered seeds."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

# Rows of a table of strengths: lower and upper bound, share, logarithmic draw.
NAMES = (
    "perfect", "scale_error", "thickness", "wavelength", "counts", "background", "spot_sigma",
    "tilt", "precession", "beam_stop", "field", "position_error", "impurity_spots",
)  # fmt: skip
(
    PERFECT, SCALE_ERROR, THICKNESS, WAVELENGTH, COUNTS, BACKGROUND, SPOT_SIGMA,
    TILT, PRECESSION, BEAM_STOP, FIELD, POSITION_ERROR, IMPURITY_SPOTS,
) = range(len(NAMES))  # fmt: skip
# Drawn once for the three images of a crystal; what follows in NAMES is drawn for each.
N_OF_CRYSTALS = TILT
# The diffuse background halves at this part of the field's radius, over a constant floor.
DIFFUSE_RADIUS, DIFFUSE_FLOOR = 0.3, 0.3
# Variance of a pixel from rounding to whole counts.
ROUNDING = 1 / 12
# Impurity spots: logarithms of their intensities in parts of the strongest.
FAINTEST_IMPURITY, BRIGHTEST_IMPURITY = math.log(3e-3), math.log(0.2)
# Uncertainty of perfect patterns, in parts of the strongest: the shapers' own threshold.
CERTAIN = 1e-5
AZIMUTHS = 12  # of a precessing beam
# A bar as wide as the radius of the disc that it holds.
BAR = 0.5


# The same three are in _shortcomings: numba would not notice if kernels of another file changed.
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
def fall_short_of_images(
    seed, numbers, starts, n_views, sides, q, true, q_max, significance, strengths,
    new_q, intensity, sigma, kept, q_low, q_high, strays, n_strays,
):  # fmt: skip
    """Fill the spots' places, intensities, sigma, kept; bounds and stray spots of each pattern."""
    for row in range(len(numbers)):
        state = np.empty(1, np.uint64)
        state[0] = np.uint64(seed) ^ (np.uint64(numbers[row] + 1) * np.uint64(0xD1342543DE82EF95))
        for _ in range(3):
            _next(state)
        strength = np.zeros(len(strengths))
        for which in range(N_OF_CRYSTALS):
            strength[which] = _drawn(state, strengths, which)
        scale = 1 + strength[SCALE_ERROR] * (1 if _next(state) < 0.5 else -1)
        for view in range(n_views):
            pattern = row * n_views + view
            part = slice(starts[pattern], starts[pattern + 1])
            if strength[PERFECT] > 0:
                new_q[part], intensity[part], kept[part] = q[part], true[part], True
                if starts[pattern + 1] > starts[pattern]:
                    sigma[part] = CERTAIN * true[part].max()
                continue
            for which in range(N_OF_CRYSTALS, len(strengths)):
                strength[which] = _drawn(state, strengths, which)
            low, high = q_low[row, view], q_high[row, view]
            low = max(low, strength[BEAM_STOP])
            if strength[FIELD] > 0:
                high = min(high, strength[FIELD])
            q_low[row, view], q_high[row, view] = low, high
            _one_image(
                state, strength, sides, q[part], true[part], low, high, q_max[row, view],
                significance, intensity[part], sigma[part], kept[part],
            )  # fmt: skip
            _move(state, q[part], scale, strength[POSITION_ERROR], new_q[part])
            n_strays[pattern] = int(np.round(strength[IMPURITY_SPOTS]))
            _scatter(state, intensity[part], high, strays[pattern, : n_strays[pattern]])


@njit(cache=True, nogil=True)
def _move(state, q, scale, error, new_q):
    """Places by a wrong scale, each with an error of its own."""
    for i in range(len(q)):
        for axis in range(2):
            new_q[i, axis] = q[i, axis] / scale
            if error > 0:
                new_q[i, axis] += error * _normal(state)


@njit(cache=True, nogil=True)
def _scatter(state, intensity, reach, strays):
    """Draw spots anywhere: x, y, intensity."""
    strongest = 0.0
    for value in intensity:
        strongest = max(strongest, value)
    for i in range(len(strays)):
        length, toward = reach * math.sqrt(_next(state)), 2 * math.pi * _next(state)
        height = FAINTEST_IMPURITY + (BRIGHTEST_IMPURITY - FAINTEST_IMPURITY) * _next(state)
        strays[i, 0], strays[i, 1] = length * math.cos(toward), length * math.sin(toward)
        strays[i, 2] = strongest * math.exp(height)


@njit(cache=True, nogil=True)
def _one_image(
    state, strength, sides, q, true, low, high, q_max, significance, intensity, sigma, kept
):  # fmt: skip
    """Intensities of one image; where a spot stands for two mates, means of what was measured."""
    n = len(true)
    slope = math.tan(math.radians(strength[TILT]))
    toward = 2 * math.pi * _next(state)
    slope_x, slope_y = slope * math.cos(toward), slope * math.sin(toward)
    cone = math.tan(math.radians(strength[PRECESSION]))
    bar = 2 * math.pi * _next(state)
    bar_x, bar_y = math.cos(bar), math.sin(bar)
    thickness, half_wave = strength[THICKNESS], strength[WAVELENGTH] / 2
    mates = np.empty((n, 2))
    strongest = 0.0
    for i in range(n):
        for side in range(sides):
            sign = 1.0 - 2.0 * side
            mates[i, side] = true[i]
            if thickness > 0:
                along = sign * (slope_x * q[i, 0] + slope_y * q[i, 1])
                square = q[i, 0] ** 2 + q[i, 1] ** 2
                mates[i, side] *= _excited(
                    along - half_wave * square, cone * math.sqrt(square), thickness
                )
            strongest = max(strongest, mates[i, side])
    if strongest == 0.0:
        return
    unit = strength[COUNTS] / strongest
    area = math.pi * strength[SPOT_SIGMA] ** 2
    for i in range(n):
        length = math.hypot(q[i, 0], q[i, 1])
        if length < low or length > high:
            continue
        ground = 1 + (length / (DIFFUSE_RADIUS * q_max)) ** 2
        ground = DIFFUSE_FLOOR + (1 - DIFFUSE_FLOOR) / ground
        ground *= strength[BACKGROUND] * strength[COUNTS]
        measured, total, variance = 0, 0.0, 0.0
        for side in range(sides):
            sign = 1.0 - 2.0 * side
            along = sign * (bar_x * q[i, 0] + bar_y * q[i, 1])
            across = abs(bar_x * q[i, 1] - bar_y * q[i, 0])
            if strength[BEAM_STOP] > 0 and along > 0 and across < BAR * strength[BEAM_STOP]:
                continue
            height = mates[i, side] * unit
            # Of a Gaussian fitted to its own profile: the ground's noise, and its own counts'.
            of_ground = (ground + ROUNDING) / area
            own = of_ground + height * 2 / (3 * area)
            total += height + math.sqrt(own) * _normal(state)
            variance += of_ground
            measured += 1
        if measured == 0:
            continue
        intensity[i] = total / measured / unit
        sigma[i] = math.sqrt(variance) / measured / unit
        kept[i] = intensity[i] > significance * sigma[i]


@njit(cache=True, nogil=True)
def _excited(error, swing, thickness):
    """sinc²(s t), the mean over the azimuths of a precessing beam."""
    if swing == 0.0:
        return _sinc2(error * thickness)
    total = 0.0
    for i in range(AZIMUTHS):
        total += _sinc2((error + swing * math.cos(2 * math.pi * i / AZIMUTHS)) * thickness)
    return total / AZIMUTHS


@njit(cache=True, nogil=True)
def _sinc2(x):
    x = math.pi * x
    return 1.0 if abs(x) < 1e-6 else (math.sin(x) / x) ** 2
