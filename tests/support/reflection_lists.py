"""Lists of reflections with known groups, noise, leaks and twins."""

from __future__ import annotations

import numpy as np

from crystalsym.crystals._wyckoff import standard_operations
from crystalsym.diffraction import Coverage
from crystalsym.reflections import MergedReflections, merge_equivalents


def wilson_intensities(group: int, hkl: np.ndarray, seed: int = 0) -> np.ndarray:
    """Intensities of many random atoms in the group's standard cell, of mean about 1."""
    rotations, translations = standard_operations(group)
    rng = np.random.default_rng(seed)
    positions = rng.random((24, 3))
    total = np.zeros(len(hkl), dtype=complex)
    for rotation, translation in zip(rotations, translations, strict=True):
        phases = hkl @ (positions @ np.asarray(rotation).T + np.asarray(translation)).T
        total += np.exp(2j * np.pi * phases).sum(axis=1)
    return np.abs(total) ** 2 / (len(positions) * len(rotations))


def listed_group(
    group: int,
    lattice: np.ndarray,
    laue: str,
    operations: np.ndarray,
    *,
    reach: int = 7,
    noise: float = 0.03,
    leak: float = 0.0,
    twin: np.ndarray | None = None,
    keep: float = 1.0,
    observed: float = 0.0,
    change: np.ndarray | None = None,
    seed: int = 0,
) -> MergedReflections:
    """Average a simulated list of a group, its standard cell in the axes ``change`` makes of it.

    ``leak`` adds an exponential of that mean, ``twin`` a second domain of half the volume,
    ``keep`` is the part listed, ``observed`` leaves out what is below so many uncertainties.
    """
    rng = np.random.default_rng(seed + 1)
    hkl = np.stack(np.mgrid[-reach : reach + 1, -reach : reach + 1, 0 : reach + 1], axis=-1)
    hkl = hkl.reshape(-1, 3)
    hkl = hkl[hkl.any(axis=1)]
    to_standard = np.eye(3) if change is None else np.linalg.inv(change).T
    true = wilson_intensities(group, np.round(hkl @ to_standard).astype(int), seed)
    if twin is not None:
        image = np.round(hkl @ twin @ to_standard).astype(int)
        true = (true + wilson_intensities(group, image, seed)) / 2
    true = true + leak * rng.exponential(size=len(true))
    sigma = np.sqrt(noise**2 + (0.03 * true) ** 2)
    measured = true + sigma * rng.normal(size=len(true))
    kept = rng.random(len(hkl)) < keep
    kept &= measured >= observed * sigma if observed else kept
    return merge_equivalents(
        hkl[kept], measured[kept], sigma[kept], operations, lattice=lattice,
        centering="P", laue=laue,
        coverage=Coverage.OBSERVED if observed else Coverage.LISTED,
    )  # fmt: skip
