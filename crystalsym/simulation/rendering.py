"""One standardised crystal -> its patterns, by whichever engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from crystalsym.geometry import Detector, resolve_views
from crystalsym.simulation.bragg import bragg_pattern
from crystalsym.simulation.lattice import CLASSICAL_ELECTRON_RADIUS, lattice_pattern
from crystalsym.structures import Crystal

ENGINES = ("bragg", "lattice")
EWALD = ("flat", "sphere")


@dataclass(frozen=True)
class RenderSettings:
    """Everything that decides a pattern besides the crystal."""

    views: Any
    detector: Detector
    engine: str
    ewald: str
    radiation: str
    cells: tuple[int, int, int]
    spot_sigma: float
    thickness: float | None
    polarization: str
    fluence: float
    standardize: bool
    symprec: float
    normalize: bool
    dtype: str

    @property
    def n_views(self) -> int:
        return 3 if isinstance(self.views, str) else len(self.views)


def render(crystal: Crystal, settings: RenderSettings) -> np.ndarray:
    """Patterns of all views, shape (n_views, size, size), in the settings' dtype."""
    detector = settings.detector
    views = resolve_views(settings.views, crystal.lattice)
    patterns = np.zeros((len(views), detector.size, detector.size), dtype=np.float32)
    if settings.engine == "lattice":
        patterns = patterns.astype(np.float64)
    for image, view in zip(patterns, views, strict=True):
        if settings.engine == "bragg":
            bragg_pattern(
                crystal,
                view,
                detector,
                settings.spot_sigma,
                settings.ewald,
                _thickness(crystal, settings),
                settings.radiation,
                out=image,
            )
            if settings.polarization != "ignore":
                image *= detector.polarization_factor(settings.polarization)
        else:
            image[:] = lattice_pattern(
                crystal,
                view.rotation,
                detector,
                settings.cells,
                settings.ewald,
                settings.radiation,
            )
            image *= detector.solid_angle(settings.ewald)
            image *= detector.polarization_factor(settings.polarization)
            image *= settings.fluence * CLASSICAL_ELECTRON_RADIUS**2
    if settings.normalize:
        strongest = patterns.max(axis=(1, 2), keepdims=True)
        patterns /= np.where(strongest > 0, strongest, 1)
    if np.dtype(settings.dtype).kind == "u":
        patterns = np.round(patterns * np.iinfo(settings.dtype).max)
    return patterns.astype(settings.dtype, copy=False)


def _thickness(crystal: Crystal, settings: RenderSettings) -> float:
    if settings.thickness is not None:
        return float(settings.thickness)
    return float(np.mean(settings.cells) * crystal.volume ** (1 / 3))
