"""One crystal or cluster -> its patterns, by whichever engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from crystalsym import __version__
from crystalsym.crystals import Cluster, Crystal
from crystalsym.diffraction._atom_sum import atoms_pattern
from crystalsym.diffraction._block_sum import CLASSICAL_ELECTRON_RADIUS, lattice_pattern
from crystalsym.diffraction._bragg import bragg_pattern
from crystalsym.diffraction._condor import condor_pattern
from crystalsym.diffraction._geometry import Detector, View, resolve_views
from crystalsym.scattering._factors import relativistic_mass

ENGINES = ("bragg", "lattice", "atoms", "condor")
# These sum explicit atoms, and so take clusters as well as crystals.
FINITE_ENGINES = ("atoms", "condor")
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
    laue_zones: int | None
    polarization: str
    fluence: float
    standardize: bool
    symprec: float
    idealize: bool
    normalize: bool
    dtype: str
    # A cache on disk must not outlive a change of the simulation.
    version: str = __version__

    @property
    def n_views(self) -> int:
        return 3 if isinstance(self.views, str) else len(self.views)


def render(structure: Crystal | Cluster, settings: RenderSettings) -> np.ndarray:
    """Patterns of all views, shape (n_views, size, size), in the settings' dtype."""
    detector = settings.detector
    views = resolve_views(settings.views, structure.lattice)
    patterns = np.zeros((len(views), detector.size, detector.size), dtype=np.float32)
    if settings.engine != "bragg":
        patterns = patterns.astype(np.float64)
    if settings.engine in FINITE_ENGINES and isinstance(structure, Crystal):
        structure = Cluster.from_crystal(structure, settings.cells)
    for image, view in zip(patterns, views, strict=True):
        _draw(structure, view, settings, image)
    if settings.normalize:
        strongest = patterns.max(axis=(1, 2), keepdims=True)
        patterns /= np.where(strongest > 0, strongest, 1)
    if np.dtype(settings.dtype).kind == "u":
        patterns = np.round(patterns * np.iinfo(settings.dtype).max)
    return patterns.astype(settings.dtype, copy=False)


def _draw(structure: Any, view: View, settings: RenderSettings, image: np.ndarray) -> None:
    """One view into ``image``, which is zero."""
    detector = settings.detector
    if settings.engine == "bragg":
        in_plane = view.zone is not None and settings.ewald == "flat"
        bragg_pattern(
            structure,
            view,
            detector,
            settings.spot_sigma,
            settings.ewald,
            None if in_plane else _thickness(structure, view, settings),
            settings.laue_zones,
            settings.radiation,
            out=image,
        )
        if settings.polarization != "ignore":
            image *= detector.polarization_factor(settings.polarization)
        return
    if settings.engine == "condor":
        image[:] = condor_pattern(
            structure,
            view.rotation,
            detector,
            settings.ewald,
            settings.polarization,
            settings.fluence,
        )
        return
    if settings.engine == "lattice":
        image[:] = lattice_pattern(
            structure, view.rotation, detector, settings.cells, settings.ewald, settings.radiation
        )
    else:
        image[:] = atoms_pattern(
            structure, view.rotation, detector, settings.ewald, settings.radiation
        )
    image *= detector.solid_angle(settings.ewald)
    image *= detector.polarization_factor(settings.polarization)
    image *= settings.fluence * _scattering_length(settings) ** 2


def _scattering_length(settings: RenderSettings) -> float:
    """Å per unit of the scattering factor."""
    if settings.radiation == "electron":
        return relativistic_mass(settings.detector.wavelength)
    return CLASSICAL_ELECTRON_RADIUS


def _thickness(crystal: Crystal, view: View, settings: RenderSettings) -> float:
    """The beam's way through the middle of the block of cells, unless it is given."""
    if settings.thickness is not None:
        return float(settings.thickness)
    # It ends at the pair of faces that it meets first.
    crossings = np.abs(crystal.reciprocal @ view.rotation[2]) / settings.cells
    return float(1 / crossings.max())
