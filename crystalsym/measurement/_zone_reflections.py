"""Three images of known zones as one list of reflections."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from crystalsym.measurement._found_pattern import FoundPattern
from crystalsym.measurement._zone_cells import spanning
from crystalsym.measurement._zone_indexing import ZoneIndexing
from crystalsym.measurement._zone_symbols import zone_text
from crystalsym.reflections import ReflectionList

# Uncertainty of an intensity in parts of it: what no image tells of its own errors.
PROPORTIONAL = 0.02
# Images are scaled by spots above so many of their uncertainties, if there are as many of them.
STRONG, FEWEST, FEWEST_EQUIVALENT = 5.0, 4, 12  # either mate counts

_Part = tuple[np.ndarray, np.ndarray, np.ndarray]


def row_profiles(images: Sequence[FoundPattern]) -> Callable[[int, np.ndarray], list[float]]:
    """Look up intensities along rows of images' lattices, as :func:`index_zones` asks for them."""
    tables = []
    for one in images:
        assert one.measured is not None
        indices, intensity, _ = one.measured
        table = {tuple(h): float(value) for h, value in zip(indices.tolist(), intensity,
                                                             strict=True)}  # fmt: skip
        tables.append(table | {(-h, -k): value for (h, k), value in table.items()})

    def profile(image: int, step: np.ndarray) -> list[float]:
        one, two = map(int, step)
        values = [tables[image].get((n * one, n * two), math.nan) for n in range(1, 13)]
        return values

    return profile


def zone_reflections(images: Sequence[FoundPattern], indexing: ZoneIndexing) -> ReflectionList:
    """Join three indexed images to one list.

    The images are brought to one scale by the reflections that two of them share, or, where these
    are too few, by their mean intensities. Points of a zone's plane between those of its lattice
    are dark, and listed so: a glide plane or a centering leaves them out.

    Parameters
    ----------
    images : sequence of three FoundPattern
    indexing : ZoneIndexing

    Returns
    -------
    ReflectionList
        In the axes that the zones were given in.
    """
    parts = [_indexed(one, indexing, number) for number, one in enumerate(images)]
    scales, notes = _scales(parts, indexing)
    hkl = np.concatenate([part[0] for part in parts])
    intensity = np.concatenate([part[1] * k for part, k in zip(parts, scales, strict=True)])
    sigma = np.concatenate([part[2] * k for part, k in zip(parts, scales, strict=True)])
    sigma = np.hypot(sigma, PROPORTIONAL * intensity)
    zones = " ".join(zone_text(zone) for zone in indexing.zones)
    return ReflectionList(
        hkl, intensity, sigma, indexing.cell, radiation=None, notes=tuple(notes),
        source={"hkl": f"images of zones {zones}", "cell": "their lattices"},
    )  # fmt: skip


def _indexed(one: FoundPattern, indexing: ZoneIndexing, number: int) -> _Part:
    """Indices, intensities and uncertainties of an image's measured places."""
    assert one.measured is not None
    indices, intensity, sigma = one.measured
    hkl = indices @ indexing.hkl[number]
    dark = _dark_places(one, indexing, number)
    level = float(np.median(sigma))
    return (
        np.concatenate([hkl, dark]),
        np.concatenate([intensity, np.zeros(len(dark))]),
        np.concatenate([sigma, np.full(len(dark), level)]),
    )


def _dark_places(one: FoundPattern, indexing: ZoneIndexing, number: int) -> np.ndarray:
    """Reflections of a zone's plane that were looked at and are no points of its lattice."""
    assert one.center is not None
    assert one.lattice is not None
    own = indexing.hkl[number]
    plane = spanning(indexing.zones[number])
    coarse, *_ = np.linalg.lstsq(plane.T.astype(float), own.T.astype(float), rcond=None)
    coarse = np.round(coarse.T).astype(int)  # the lattice's vectors in those of the plane
    share = abs(round(np.linalg.det(coarse)))
    if share == 1:
        return np.empty((0, 3), dtype=int)
    basis = np.linalg.inv(coarse.astype(float)) @ one.lattice.basis  # the plane's, in pixels
    height, width = one.image.shape
    corners = np.array([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]])
    most = np.abs((corners - one.center.place) @ np.linalg.inv(basis)).max(axis=0)
    i, j = np.mgrid[-int(most[0]) : int(most[0]) + 1, 0 : int(most[1]) + 1].reshape(2, -1)
    points = np.stack([i, j], axis=1)[(j > 0) | (i > 0)]
    between = (points @ np.round(share * np.linalg.inv(coarse)).astype(int) % share).any(axis=1)
    points = points[between]
    seen = np.zeros(len(points), dtype=bool)
    for sign in (1, -1):
        column, row = np.rint(one.center.place + sign * points @ basis).astype(int).T
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        seen[inside] |= ~one.hidden_places[row[inside], column[inside]]
    return points[seen] @ plane


def _scales(parts: Sequence[_Part], indexing: ZoneIndexing) -> tuple[np.ndarray, list[str]]:
    """Factors that bring the images to the first one's scale, and what was assumed for them."""
    tables = [_strong(part) for part in parts]
    turns = indexing.turns
    matrix, values, notes = [], [], []
    for one, two in ((0, 1), (0, 2), (1, 2)):
        shared = _log_ratios(tables[one], tables[two], turns[:1])
        equivalent = _log_ratios(tables[one], tables[two], turns)
        if len(shared) >= FEWEST:
            ratio, weight = float(np.median(shared)), math.sqrt(len(shared))
        elif len(equivalent) >= FEWEST_EQUIVALENT:
            ratio, weight = _mode(equivalent), 0.5
        else:
            ratio, weight = math.log(_mean(parts[one]) / _mean(parts[two])), 0.02
        row = np.zeros(3)
        row[one], row[two] = -weight, weight  # log k_two - log k_one is the logarithm of the ratio
        matrix.append(row)
        values.append(weight * ratio)
        if weight < 0.1:
            notes.append(f"images {one} and {two} have too few spots in common to be scaled by")
    logs, *_ = np.linalg.lstsq(np.array(matrix)[:, 1:], np.array(values), rcond=None)
    return np.exp(np.concatenate([[0.0], logs])), notes if len(notes) > 1 else []


def _strong(part: _Part) -> dict[tuple[int, ...], float]:
    """Intensities that scales are told by, of either Friedel mate."""
    hkl, intensity, sigma = part
    kept = intensity > STRONG * sigma
    table = {tuple(h): float(i) for h, i in zip(hkl[kept].tolist(), intensity[kept], strict=True)}
    return table | {tuple(-i for i in h): value for h, value in table.items()}


def _log_ratios(
    one: dict[tuple[int, ...], float], two: dict[tuple[int, ...], float], turns: list[np.ndarray]
) -> np.ndarray:
    """Logarithms of ratios of intensities that some rotation would make equal."""
    if not one:
        return np.empty(0)
    hkl, intensity = np.array(list(one)), list(one.values())
    found = []
    for turn in turns:
        for mate, value in zip(np.rint(hkl @ turn).astype(int).tolist(), intensity, strict=True):
            other = two.get(tuple(mate))
            if other is not None:
                found.append(math.log(value / other))
    return np.array(found)


def _mode(values: np.ndarray) -> float:
    """Half-sample mode: where values lie closest, however many lie elsewhere."""
    values = np.sort(values)
    while len(values) > 3:
        half = (len(values) + 1) // 2
        start = int(np.argmin(values[half - 1 :] - values[: len(values) - half + 1]))
        values = values[start : start + half]
    return float(np.median(values))


def _mean(part: _Part) -> float:
    return max(float(part[1].mean()), 1e-30)
