"""Kernels that put orbits of atoms into a cell and notice when they obey a larger group."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit


class Sites(NamedTuple):
    """Wyckoff positions as arrays for the kernels."""

    multiplicities: np.ndarray
    dimensions: np.ndarray
    origins: np.ndarray
    directions: np.ndarray
    offsets: np.ndarray
    rotations: np.ndarray
    translations: np.ndarray


@njit(cache=True, nogil=True)
def pick(multiplicities, dimensions, needed, wanted, limit, boldness, uniforms):
    """Random Wyckoff positions: first their dimension, the higher the bolder, then which.

    The first has at least the multiplicity `needed`.
    """
    picks = np.empty(wanted, np.int64)
    free = np.ones(len(multiplicities), np.bool_)
    left = limit
    for n in range(wanted):
        least = needed if n == 0 else 1
        counts = np.zeros(4)
        for i in range(len(free)):
            if free[i] and least <= multiplicities[i] <= left:
                counts[dimensions[i]] += 1
        total = 0.0
        for d in range(4):
            if counts[d] > 0:
                total += (1.0 + d) ** boldness
        if total == 0.0:
            return picks[:n]
        x = uniforms[n] * total
        last = -1
        for i in range(len(free)):
            if free[i] and least <= multiplicities[i] <= left:
                last = i
                x -= (1.0 + dimensions[i]) ** boldness / counts[dimensions[i]]
                if x < 0:
                    break
        picks[n] = last
        left -= multiplicities[last]
        if dimensions[last] == 0:
            free[last] = False
    return picks


@njit(cache=True, nogil=True)
def place(picks, sites, uniforms, metric, radii, aim, most):
    """Coordinates, and the volume per atom at which the closest atoms touch.

    Orbits are placed one after the other, each at the first trial that needs at most `aim` Å³ per
    atom, or else where it needs least; beyond `most` there is no use going on.
    """
    starts = np.zeros(len(picks) + 1, np.int64)
    for n in range(len(picks)):
        starts[n + 1] = starts[n] + sites.multiplicities[picks[n]]
    n_atoms = starts[-1]
    coords = np.empty((n_atoms, 3))
    best = np.empty((n_atoms, 3))
    volume = 0.0
    for n in range(len(picks)):
        site = picks[n]
        start, stop = starts[n], starts[n + 1]
        least = np.inf
        for trial in range(uniforms.shape[1] if sites.dimensions[site] > 0 else 1):
            _orbit(coords[start:stop], site, sites, uniforms[n, trial])
            needed = 0.0
            # All atoms of an orbit see the same: the first stands for them.
            for o in range(n, -1, -1):
                touch = (radii[n] + radii[o]) ** 3 / n_atoms
                for j in range(starts[o], starts[o + 1]):
                    square = _shortest(coords[start], coords[j], metric, j == start)
                    needed = max(needed, touch / max(square, 1e-12) ** 1.5)
                if needed >= least:
                    break
            if needed < least:
                least = needed
                best[start:stop] = coords[start:stop]
                if least <= aim:
                    break
        coords[start:stop] = best[start:stop]
        volume = max(volume, least)
        if volume > most:
            break
    return coords, volume


@njit(cache=True, nogil=True)
def _orbit(out, site, sites, uniforms):
    x = sites.origins[site].copy()
    for k in range(sites.dimensions[site]):
        for i in range(3):
            x[i] += uniforms[k] * sites.directions[site, k, i]
    for j in range(len(out)):
        m = sites.offsets[site] + j
        for i in range(3):
            value = sites.translations[m, i]
            for k in range(3):
                value += sites.rotations[m, i, k] * x[k]
            out[j, i] = value - np.floor(value)


@njit(cache=True, nogil=True)
def _square(x, y, z, metric):
    """Square of the length of a fractional vector."""
    square = metric[0, 0] * x * x + metric[1, 1] * y * y + metric[2, 2] * z * z
    return square + 2 * (metric[0, 1] * x * y + metric[0, 2] * x * z + metric[1, 2] * y * z)


@njit(cache=True, nogil=True)
def _shortest(one, two, metric, same):
    """Square of the shortest distance between two atoms and their images."""
    dx = two[0] - one[0]
    dy = two[1] - one[1]
    dz = two[2] - one[2]
    dx -= np.rint(dx)
    dy -= np.rint(dy)
    dz -= np.rint(dz)
    best = np.inf
    for i in range(-1, 2):
        for j in range(-1, 2):
            for k in range(-1, 2):
                if same and i == 0 and j == 0 and k == 0:
                    continue
                x, y, z = dx + i, dy + j, dz + k
                best = min(best, _square(x, y, z, metric))
    return best


@njit(cache=True, nogil=True)
def larger_group(coords, atoms, metric, turns, centering, tolerance):
    """Is there a translation or rotation beyond those of the group? Rarest element first."""
    rare = 1
    while rare < len(atoms) and atoms[rare] == atoms[0]:
        rare += 1
    for n in range(len(turns)):
        for target in range(rare):
            shift = coords[target].copy()
            for i in range(3):
                for k in range(3):
                    shift[i] -= turns[n, i, k] * coords[0, k]
            own = False
            if n == 0:  # the identity
                for m in range(len(centering)):
                    own |= _near(shift, centering[m], metric, tolerance)
            if not own and _maps(coords, atoms, metric, turns[n], shift, tolerance):
                return True
    return False


@njit(cache=True, nogil=True)
def _maps(coords, atoms, metric, turn, shift, tolerance):
    image = np.empty(3)
    for n in range(len(atoms)):
        for i in range(3):
            image[i] = shift[i]
            for k in range(3):
                image[i] += turn[i, k] * coords[n, k]
        found = False
        for j in range(len(atoms)):
            if atoms[j] == atoms[n] and _near(image, coords[j], metric, tolerance):
                found = True
                break
        if not found:
            return False
    return True


@njit(cache=True, nogil=True)
def _near(one, two, metric, tolerance):
    x = one[0] - two[0]
    y = one[1] - two[1]
    z = one[2] - two[2]
    x -= np.rint(x)
    y -= np.rint(y)
    z -= np.rint(z)
    return _square(x, y, z, metric) <= tolerance * tolerance
