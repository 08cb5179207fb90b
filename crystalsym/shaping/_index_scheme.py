"""Scheme ``"lattice"``: a pattern redrawn in the indices of its own lattice.

All spots of a zone-axis pattern are points of one plane lattice. Found from the spots, it gives
each of them two indices, and the output a pixel for every pair of indices: how bright the spot is,
and how far from the beam its place lies. Patterns of cells of any size then look alike, the
image is small, and no weak neighbor is lost in the tail of a strong one.

The lattice is that of the spots seen, so that systematic absences of centered cells, which no
pattern shows, do not count.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from crystalsym.diffraction._peaks import local_maxima

CHANNELS = ("intensity", "q")
# Those of _spot_scheme.py. Numba's cache of a kernel would not notice if they changed there.
ROOT, LOG = 1, 2
# Lengths are in units of the raw image's half width. Two pixels of 256: neighbors closer than
# that are not resolved, and a spot half as far off is no point of the lattice.
TOLERANCE = 0.006
# At the border of an image the tails of spots beyond it look like spots.
RADIUS = 0.985
# A spot between lattice points refines the lattice by at most this factor at once.
FINEST = 12
# Of a row's offset in units of its period: this close to one half it counts as centering.
CENTERED = 0.02
# A row of the lattice lies along x if its slope is below this, and its period no longer than so
# many times the second shortest vector: some long enough vector lies near any direction.
ROW_SLOPE, ROW_PERIOD = 0.005, 3.0
# Maxima this far below the threshold are looked at before the scale of the image is known.
HEADROOM = 1e-3


def index_image(
    image: np.ndarray,
    target: np.ndarray,
    threshold: float,
    intensity: int,
    beam: tuple[float, float],
    beam_radius: float,
    max_spots: int,
    friedel: bool = True,
) -> None:
    """Fill ``target`` (size, size, 2) from the spots of an image of linear intensity."""
    strongest = image.max()
    if not strongest > 0:
        return
    columns, rows, heights, _ = local_maxima(image, np.float32(HEADROOM * threshold * strongest))
    half = (image.shape[1] - 1) / 2
    index_spots(
        (columns - beam[0]) / half,
        (rows - beam[1]) / half,
        heights,
        target,
        threshold,
        intensity,
        beam_radius / half,
        max_spots,
        friedel,
    )


@njit(cache=True, nogil=True)
def index_layers(
    x, y, heights, starts, targets, threshold, intensity, beam_radius, max_spots, friedel
):  # fmt: skip
    """Fill ``targets`` (n, size, size, 2) from n lists of spots, ``starts[i]`` to the next."""
    for i in range(len(targets)):
        part = slice(starts[i], starts[i + 1])
        index_spots(
            x[part], y[part], heights[part], targets[i], threshold, intensity, beam_radius,
            max_spots, friedel,
        )  # fmt: skip


@njit(cache=True, nogil=True)
def index_spots(x, y, heights, target, threshold, intensity, beam_radius, max_spots, friedel):
    """Fill ``target`` from spots at (x, y) from the beam.

    With ``friedel`` one spot of a pair will do, and both places show it.
    """
    x, y, heights = _selected(x, y, heights, threshold, beam_radius, max_spots)
    size = target.shape[0]
    middle = size // 2
    basis = find_lattice(x, y)
    a, b_x, b_y, cosine, sine = _cell(basis)
    for k in range(-middle, middle + 1):
        for h in range(-middle, middle + 1):
            q = math.hypot(h * a + k * b_x, k * b_y)
            target[middle + k, middle + h, 1] = min(q, 1.0)
    strongest = 0.0
    for i in range(len(x)):
        strongest = max(strongest, heights[i])
    for i in range(len(x)):
        along, across = x[i] * cosine + y[i] * sine, y[i] * cosine - x[i] * sine
        row = across / b_y
        k = int(np.round(row))
        column = (along - k * b_x) / a
        h = int(np.round(column))
        far = abs(h) > middle or abs(k) > middle
        if far or abs(row - k) > 0.25 or abs(column - h) > 0.25:
            continue
        relative = heights[i] / strongest
        if intensity == LOG:
            value = 1.0 - math.log(relative) / math.log(threshold)
        elif intensity == ROOT:
            value = math.sqrt(relative)
        else:
            value = relative
        # Where noise parts the two of a Friedel pair, the brighter counts for both.
        value = max(value, target[middle + k, middle + h, 0])
        target[middle + k, middle + h, 0] = value
        if friedel:
            target[middle - k, middle - h, 0] = value


@njit(cache=True, nogil=True)
def _selected(x, y, heights, threshold, beam_radius, max_spots):
    """Spots within the circle that the image holds, by rising distance, none too faint."""
    r = np.sqrt(x * x + y * y)
    inside = (r > beam_radius) & (r <= RADIUS)
    x, y, heights, r = x[inside], y[inside], heights[inside], r[inside]
    strongest = 0.0
    for i in range(len(heights)):
        strongest = max(strongest, heights[i])
    bright = heights >= threshold * strongest
    x, y, heights, r = x[bright], y[bright], heights[bright], r[bright]
    if len(x) > max_spots:
        chosen = np.argsort(-heights)[:max_spots]
        x, y, heights, r = x[chosen], y[chosen], heights[chosen], r[chosen]
    order = np.argsort(r)
    return x[order], y[order], heights[order]


@njit(cache=True, nogil=True)
def find_lattice(x, y):
    """Lattice that the points (by rising distance) generate: rows b1, b2; zero if there are none.

    Each point that lies between lattice points adds itself to the generators. Near ones come
    first, so that the basis, refined by least squares as it goes, is always good enough to number
    the next.
    """
    basis = np.zeros((2, 2))
    rank = 0
    sums = np.zeros((2, 2))
    moments = np.zeros((2, 2))
    for i in range(len(x)):
        if rank == 0:
            basis[0, 0], basis[0, 1] = x[i], y[i]
            rank = 1
            continue
        if rank == 1:
            length = math.hypot(basis[0, 0], basis[0, 1])
            off = (basis[0, 0] * y[i] - basis[0, 1] * x[i]) / length
            if abs(off) > TOLERANCE:
                basis[1, 0], basis[1, 1] = x[i], y[i]
                rank = 2
                _reduce(basis)
            else:
                place = (basis[0, 0] * x[i] + basis[0, 1] * y[i]) / length**2
                for n in range(1, FINEST + 1):
                    if abs(n * place - np.round(n * place)) * length <= TOLERANCE:
                        basis[0] /= n
                        break
            continue
        u, v = _coordinates(basis, x[i], y[i])
        n = _denominator(basis, u, v)
        if n == 0:
            continue  # noise
        if n > 1:
            _refine(basis, n, int(np.round(n * u)), int(np.round(n * v)))
            _reduce(basis)
            sums[:], moments[:] = 0.0, 0.0
            for j in range(i):
                _gather(basis, x[j], y[j], sums, moments)
        _gather(basis, x[i], y[i], sums, moments)
        if n > 1 or i % 4 == 0 or i == len(x) - 1:
            _solve(basis, sums, moments)
    return basis


@njit(cache=True, nogil=True)
def _coordinates(basis, x, y):
    area = basis[0, 0] * basis[1, 1] - basis[0, 1] * basis[1, 0]
    return (x * basis[1, 1] - y * basis[1, 0]) / area, (y * basis[0, 0] - x * basis[0, 1]) / area


@njit(cache=True, nogil=True)
def _denominator(basis, u, v):
    """Smallest n for which n (u, v) is a lattice point to within the tolerance, or 0."""
    for n in range(1, FINEST + 1):
        du, dv = n * u - np.round(n * u), n * v - np.round(n * v)
        off_x = du * basis[0, 0] + dv * basis[1, 0]
        off_y = du * basis[0, 1] + dv * basis[1, 1]
        if math.hypot(off_x, off_y) <= TOLERANCE:
            return n
    return 0


@njit(cache=True, nogil=True)
def _refine(basis, n, i, j):
    """Add (i b1 + j b2)/n to the generators: Hermite normal form of (n, 0), (0, n), (i, j)."""
    p, r, q = n, 0, n
    a, b, a_x, b_x = q, abs(j), r, i if j >= 0 else -i
    while b:
        quotient = a // b
        a, b = b, a - quotient * b
        a_x, b_x = b_x, a_x - quotient * b_x
    q, r = a, a_x
    b_x = abs(b_x)
    while b_x:
        p, b_x = b_x, p % b_x
    first = basis[0] * (p / n)
    second = (basis[0] * r + basis[1] * q) / n
    basis[0], basis[1] = first, second


@njit(cache=True, nogil=True)
def _reduce(basis):
    """Shortest two vectors (Gauss), right-handed."""
    for _ in range(100):
        one = basis[0, 0] ** 2 + basis[0, 1] ** 2
        two = basis[1, 0] ** 2 + basis[1, 1] ** 2
        if two < one:
            swap = basis[0].copy()
            basis[0] = basis[1]
            basis[1] = swap
            one = two
        dot = basis[0, 0] * basis[1, 0] + basis[0, 1] * basis[1, 1]
        multiple = np.round(dot / one)
        if multiple == 0:
            break
        basis[1] -= multiple * basis[0]
    if basis[0, 0] * basis[1, 1] - basis[0, 1] * basis[1, 0] < 0:
        basis[1] *= -1


@njit(cache=True, nogil=True)
def _gather(basis, x, y, sums, moments):
    """Add a point that the basis indexes to the normal equations of its refinement."""
    u, v = _coordinates(basis, x, y)
    h, k = np.round(u), np.round(v)
    off_x = (u - h) * basis[0, 0] + (v - k) * basis[1, 0]
    off_y = (u - h) * basis[0, 1] + (v - k) * basis[1, 1]
    if math.hypot(off_x, off_y) > TOLERANCE:
        return
    sums[0, 0] += h * h
    sums[0, 1] += h * k
    sums[1, 0] += h * k
    sums[1, 1] += k * k
    moments[0, 0] += h * x
    moments[0, 1] += h * y
    moments[1, 0] += k * x
    moments[1, 1] += k * y


@njit(cache=True, nogil=True)
def _solve(basis, sums, moments):
    determinant = sums[0, 0] * sums[1, 1] - sums[0, 1] ** 2
    if determinant < 0.5:  # an integer: singular
        return
    for axis in range(2):
        one, two = moments[0, axis], moments[1, axis]
        basis[0, axis] = (sums[1, 1] * one - sums[0, 1] * two) / determinant
        basis[1, axis] = (sums[0, 0] * two - sums[0, 1] * one) / determinant


@njit(cache=True, nogil=True)
def _cell(basis):
    """Grid steps (a, 0), (b_x, b_y) that hold the lattice, and the turn of their frame.

    Along image +x where the lattice has a row there, otherwise along its shortest vector. Rows
    offset by half their period, as in hexagonal and centered lattices, become a rectangular grid
    of twice as many nodes.
    """
    far = 10.0
    length = math.hypot(basis[0, 0], basis[0, 1])
    if length == 0:
        return far, 0.0, far, 1.0, 0.0
    if basis[1, 0] == 0 and basis[1, 1] == 0:
        return length, 0.0, far, basis[0, 0] / length, basis[0, 1] / length
    a_x, a_y, h, k = basis[0, 0], basis[0, 1], 1, 0
    best = ROW_PERIOD * math.hypot(basis[1, 0], basis[1, 1])
    for i in range(0, FINEST + 1):
        for j in range(-FINEST, FINEST + 1):
            px = i * basis[0, 0] + j * basis[1, 0]
            py = i * basis[0, 1] + j * basis[1, 1]
            if (i or j) and abs(py) <= ROW_SLOPE * abs(px) and abs(px) < best:
                sign = 1 if px > 0 else -1
                a_x, a_y, best, h, k = sign * px, sign * py, abs(px), sign * i, sign * j
    a = math.hypot(a_x, a_y)
    cosine, sine = a_x / a, a_y / a
    area = basis[0, 0] * basis[1, 1] - basis[0, 1] * basis[1, 0]
    # (h, k) completed to a basis of determinant 1.
    for i in range(-FINEST, FINEST + 1):
        found = False
        for j in range(-FINEST, FINEST + 1):
            if h * j - k * i == 1:
                b_x = (i * basis[0, 0] + j * basis[1, 0]) * cosine + (
                    i * basis[0, 1] + j * basis[1, 1]
                ) * sine
                found = True
                break
        if found:
            break
    b_x -= a * np.round(b_x / a)
    b_y = area / a
    if abs(abs(b_x) / a - 0.5) < CENTERED:
        return a / 2, 0.0, b_y, cosine, sine
    return a, b_x, b_y, cosine, sine
