"""Engine ``"bragg"``: reflections near the Ewald surface, drawn as spots of given width.

Along a zone axis and with a flat Ewald surface these are the reflections of the zero-order layer,
hu + kv + lw = 0, each weighted by its |F|². Any other view, and the Ewald sphere, weights them
by sinc²(s t) as well, with the excitation error s and the thickness t.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from crystalsym.crystals import Crystal
from crystalsym.diffraction._excitation import near_surface
from crystalsym.diffraction._geometry import Detector, View, shortest_reflection
from crystalsym.diffraction._reflections import cell_content

# Spots fainter than this part of the strongest are not drawn (float32 resolves no more).
FAINTEST = 1e-7


def bragg_pattern(
    crystal: Crystal,
    view: View,
    detector: Detector,
    spot_sigma: float,
    ewald: str = "flat",
    thickness: float | None = None,
    laue_zones: int | None = None,
    radiation: str = "xray",
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Spot pattern; a spot's peak is the |F|² of its reflection.

    Parameters
    ----------
    crystal : Crystal
    view : View
    detector : Detector
    spot_sigma : float
        Standard deviation of the Gaussian spots in pixels.
    ewald : {"flat", "sphere"}
    thickness : float, optional
        Along the beam in Å; needed unless the view is a zone axis and the surface flat.
    laue_zones : int, optional
        The last zone of a zone-axis view that takes part; all within reach by default.
    radiation : {"xray", "electron"}
    out : ndarray of shape (size, size), float32, optional
        Where to draw; must be zero.

    Returns
    -------
    ndarray of shape (size, size), float32
    """
    if out is None:
        out = np.zeros((detector.size, detector.size), dtype=np.float32)
    content = cell_content(crystal, radiation)
    margin = 4 * spot_sigma
    reach = detector.q_per_pixel * np.array(
        [
            [detector.beam[0] + margin, detector.size - 1 - detector.beam[0] + margin],
            [detector.beam[1] + margin, detector.size - 1 - detector.beam[1] + margin],
        ]
    )
    if view.zone is not None and ewald == "flat":
        first, second = _layer_basis(crystal.reciprocal, view.zone)
        q1 = view.rotation @ (first @ crystal.reciprocal)
        q2 = view.rotation @ (second @ crystal.reciprocal)
        coords, occupancies, starts, a, b = content
        x, y, intensity = _layer_reflections(
            q1[:2], q2[:2], coords @ first, coords @ second, occupancies, starts, a, b, reach
        )
    else:
        if thickness is None:
            raise ValueError("a thickness is needed off a zone axis or on the Ewald sphere")
        x, y, intensity = near_surface(
            crystal, view, detector, ewald, thickness, laue_zones, content, reach
        )
    columns = x / detector.q_per_pixel + detector.beam[0]
    rows = y / detector.q_per_pixel + detector.beam[1]
    draw_spots(out, columns, rows, intensity, spot_sigma, FAINTEST)
    return out


def _layer_basis(reciprocal: np.ndarray, zone: tuple[int, int, int]):
    """Two reflections that span the zero-order layer."""
    for axis in range(3):
        if zone == tuple(int(i == axis) for i in range(3)):
            return np.eye(3)[(axis + 1) % 3], np.eye(3)[(axis + 2) % 3]
    divisor = math.gcd(*zone)
    zone = (zone[0] // divisor, zone[1] // divisor, zone[2] // divisor)
    first = np.array(shortest_reflection(reciprocal, zone))
    # With u·first = 1 the cross product completes first to a basis: first x (zone x u) = zone.
    second = np.cross(zone, _bezout(first))
    one, two = first @ reciprocal, second @ reciprocal
    second = second - int(np.round((one @ two) / (one @ one))) * first
    return first.astype(float), second.astype(float)


def _bezout(hkl: np.ndarray) -> np.ndarray:
    """Integers u with u·hkl = gcd(h, k, l)."""
    gcd, u = 0, np.zeros(3, dtype=int)
    for axis, index in enumerate(hkl):
        x, y, gcd = _extended_gcd(gcd, int(index))
        u = x * u
        u[axis] = y
    return u


def _extended_gcd(a: int, b: int) -> tuple[int, int, int]:
    """x, y and g = gcd(a, b) >= 0 with ax + by = g."""
    x, x_next, y, y_next = 1, 0, 0, 1
    while b:
        quotient = a // b
        a, b = b, a - quotient * b
        x, x_next = x_next, x - quotient * x_next
        y, y_next = y_next, y - quotient * y_next
    return (x, y, a) if a >= 0 else (-x, -y, -a)


@njit(cache=True, nogil=True, fastmath=True)
def _layer_reflections(q1, q2, u, v, occupancies, starts, a, b, reach):
    """Reflections i·g1 + j·g2 on the detector and their |F|².

    ``u`` and ``v`` are g1·x and g2·x of the atoms. Friedel's law gives i < 0 from i > 0, and the
    phase factor separates, exp(2πi(iu + jv)) = exp(2πi iu) exp(2πi jv), so that the inner loop
    is a plain multiply-add over j.
    """
    n_atoms = len(u)
    n_elements, n_terms = a.shape
    area = abs(q1[0] * q2[1] - q1[1] * q2[0])
    corner = math.sqrt(max(reach[0, 0], reach[0, 1]) ** 2 + max(reach[1, 0], reach[1, 1]) ** 2)
    i_max = int(corner * math.sqrt(q2[0] ** 2 + q2[1] ** 2) / area)
    j_max = int(corner * math.sqrt(q1[0] ** 2 + q1[1] ** 2) / area)
    width = 2 * j_max + 1
    cos_v = np.empty((n_atoms, width), dtype=np.float32)
    sin_v = np.empty((n_atoms, width), dtype=np.float32)
    for atom in range(n_atoms):
        step = 2 * math.pi * (v[atom] - np.round(v[atom]))
        sr, si = math.cos(step), math.sin(step)
        cr, ci = 1.0, 0.0
        for j in range(j_max + 1):
            cos_v[atom, j_max + j] = cr
            sin_v[atom, j_max + j] = ci
            cos_v[atom, j_max - j] = cr
            sin_v[atom, j_max - j] = -ci
            cr, ci = cr * sr - ci * si, cr * si + ci * sr
    capacity = (2 * i_max + 1) * width
    x_out = np.empty(capacity)
    y_out = np.empty(capacity)
    out = np.empty(capacity)
    count = 0
    real = np.empty(width, dtype=np.float32)
    imaginary = np.empty(width, dtype=np.float32)
    total_r = np.empty(width)
    total_i = np.empty(width)
    for i in range(i_max + 1):
        low, high = _span(i, q1, q2, reach, j_max)
        back_low, back_high = _span(-i, q1, q2, reach, j_max)
        # The Friedel mate of (i, j) is (-i, -j): the union of both spans is needed.
        first = min(low, -back_high)
        last = max(high, -back_low)
        if first > last:
            continue
        total_r[:] = 0.0
        total_i[:] = 0.0
        for element in range(n_elements):
            real[:] = 0.0
            imaginary[:] = 0.0
            for atom in range(starts[element], starts[element + 1]):
                phase = 2 * math.pi * (i * u[atom] - np.round(i * u[atom]))
                cr = np.float32(occupancies[atom] * math.cos(phase))
                ci = np.float32(occupancies[atom] * math.sin(phase))
                for j in range(first + j_max, last + j_max + 1):
                    real[j] += cr * cos_v[atom, j] - ci * sin_v[atom, j]
                    imaginary[j] += cr * sin_v[atom, j] + ci * cos_v[atom, j]
            for j in range(first, last + 1):
                x = i * q1[0] + j * q2[0]
                y = i * q1[1] + j * q2[1]
                s2 = (x * x + y * y) / 4
                factor = 0.0
                for term in range(n_terms):
                    factor += a[element, term] * math.exp(-b[element, term] * s2)
                total_r[j + j_max] += factor * real[j + j_max]
                total_i[j + j_max] += factor * imaginary[j + j_max]
        for j in range(first, last + 1):
            intensity = total_r[j + j_max] ** 2 + total_i[j + j_max] ** 2
            if low <= j <= high:
                x_out[count] = i * q1[0] + j * q2[0]
                y_out[count] = i * q1[1] + j * q2[1]
                out[count] = intensity
                count += 1
            if i > 0 and back_low <= -j <= back_high:
                x_out[count] = -i * q1[0] - j * q2[0]
                y_out[count] = -i * q1[1] - j * q2[1]
                out[count] = intensity
                count += 1
    return x_out[:count], y_out[:count], out[:count]


@njit(cache=True, nogil=True)
def _span(i, q1, q2, reach, j_max):
    """Range of j for which i·q1 + j·q2 lies on the detector (empty: first > last)."""
    low, high = -float(j_max), float(j_max)
    for axis in range(2):
        start = i * q1[axis]
        step = q2[axis]
        if abs(step) < 1e-12:
            if start < -reach[axis, 0] or start > reach[axis, 1]:
                return 1, 0
            continue
        one = (-reach[axis, 0] - start) / step
        two = (reach[axis, 1] - start) / step
        low = max(low, min(one, two))
        high = min(high, max(one, two))
    return math.ceil(low), math.floor(high)


@njit(cache=True, nogil=True, fastmath=True)
def draw_spots(image, columns, rows, intensity, sigma, faintest):
    """Add Gaussian spots, each only as far as it rises above the faintest."""
    n_rows, n_columns = image.shape
    strongest = 0.0
    for n in range(len(intensity)):
        strongest = max(strongest, intensity[n])
    floor = faintest * strongest
    across = np.empty(n_columns, dtype=np.float32)
    scale = -0.5 / (sigma * sigma)
    for n in range(len(intensity)):
        if intensity[n] <= floor:
            continue
        radius = sigma * math.sqrt(2 * math.log(intensity[n] / floor)) + 0.5
        left = max(0, math.ceil(columns[n] - radius))
        right = min(n_columns - 1, math.floor(columns[n] + radius))
        top = max(0, math.ceil(rows[n] - radius))
        bottom = min(n_rows - 1, math.floor(rows[n] + radius))
        for column in range(left, right + 1):
            across[column] = math.exp(scale * (column - columns[n]) ** 2)
        for row in range(top, bottom + 1):
            height = np.float32(intensity[n] * math.exp(scale * (row - rows[n]) ** 2))
            for column in range(left, right + 1):
                image[row, column] += height * across[column]
