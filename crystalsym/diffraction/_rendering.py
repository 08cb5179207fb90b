"""One crystal or cluster -> its patterns, by whichever engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from crystalsym import __version__
from crystalsym.crystals import Cluster, Crystal
from crystalsym.datasets import CrystalTable
from crystalsym.diffraction._atom_sum import atoms_pattern
from crystalsym.diffraction._block_sum import CLASSICAL_ELECTRON_RADIUS, lattice_pattern
from crystalsym.diffraction._bragg import (
    draw_near_pattern,
    draw_zone_patterns,
    near_spots,
    zone_spots,
)
from crystalsym.diffraction._condor import condor_pattern
from crystalsym.diffraction._crystal_arrays import CrystalArrays
from crystalsym.diffraction._dynamical import draw_dynamical_patterns, dynamical_spots
from crystalsym.diffraction._electron_beam import ElectronBeam
from crystalsym.diffraction._fast_atom_sum import fast_atoms_pattern
from crystalsym.diffraction._geometry import Detector, View
from crystalsym.diffraction._spot_patterns import SpotPatterns
from crystalsym.diffraction._view_families import VIEW_FAMILIES, resolve_views
from crystalsym.scattering._factors import relativistic_mass

ENGINES = ("bragg", "lattice", "atoms", "condor", "bloch", "multislice")
# These know reflections as such, and so list them as spots.
SPOT_ENGINES = ("bragg", "bloch", "multislice")
# These let electrons scatter many times.
DYNAMICAL_ENGINES = ("bloch", "multislice")
# These sum explicit atoms, and so take clusters as well as crystals.
FINITE_ENGINES = ("atoms", "condor")
SUMMATIONS = ("direct", "nufft")
EWALD = ("flat", "sphere")
OUTPUTS = ("images", "spots")
ZONE_FAMILIES = ("zone-axes", "symmetry-directions")


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
    standardize: bool | str
    symprec: float
    idealize: bool
    finder: str
    normalize: bool
    dtype: str
    output: str = "images"
    q_min: float = 0.0
    scale: str | None = None
    beam: ElectronBeam | None = None
    summation: str = "direct"
    # A cache on disk must not outlive a change of the simulation.
    version: str = __version__

    @property
    def dynamical(self) -> bool:
        """Whether the engine lets electrons scatter many times."""
        return self.beam is not None

    def drawn(self, seed: int, number: int) -> RenderSettings:
        """The same with what is drawn for one crystal."""
        if self.beam is None:
            return self
        return replace(self, beam=self.beam.drawn(seed, number, self.n_views))

    @property
    def n_views(self) -> int:
        return VIEW_FAMILIES[self.views] if isinstance(self.views, str) else len(self.views)

    @property
    def in_layers(self) -> bool:
        """Whether every view shows a zero-order layer and nothing else."""
        if isinstance(self.views, str):
            along_zones = self.views in ZONE_FAMILIES
        else:
            along_zones = np.ndim(self.views) == 2
        return self.ewald == "flat" and along_zones


def render(structure: Crystal | Cluster, settings: RenderSettings) -> np.ndarray:
    """Patterns of all views, shape (n_views, size, size), in the settings' dtype."""
    detector = settings.detector
    views = resolve_views(settings.views, structure.lattice)
    patterns = np.zeros((len(views), detector.size, detector.size), dtype=np.float32)
    if settings.engine == "bragg":
        assert isinstance(structure, Crystal)
        _draw_spots(structure, views, settings, patterns)
    elif settings.beam is not None:
        assert isinstance(structure, Crystal)
        draw_dynamical_patterns(
            structure, views, _family(settings), detector, settings.spot_sigma,
            _thicknesses(structure, views, settings), settings.beam, settings.engine, patterns,
            settings.q_min,
        )  # fmt: skip
    else:
        patterns = patterns.astype(np.float64)
        if settings.engine in FINITE_ENGINES and isinstance(structure, Crystal):
            structure = Cluster.from_crystal(structure, settings.cells)
        for image, view in zip(patterns, views, strict=True):
            image[:] = _summed(structure, view, settings)
        if settings.q_min > 0:
            patterns[:, detector.distances() < settings.q_min] = 0
    if settings.normalize:
        strongest = patterns.max(axis=(1, 2), keepdims=True)
        patterns /= np.where(strongest > 0, strongest, 1)
    if np.dtype(settings.dtype).kind == "u":
        patterns = np.round(patterns * np.iinfo(settings.dtype).max)
    return patterns.astype(settings.dtype, copy=False)


def _draw_spots(
    crystal: Crystal, views: list[View], settings: RenderSettings, images: np.ndarray
) -> None:
    """All views into ``images``, which are zero."""
    detector = settings.detector
    if settings.in_layers:
        draw_zone_patterns(
            crystal,
            settings.views,
            detector,
            settings.spot_sigma,
            settings.radiation,
            images,
            settings.q_min,
        )
    else:
        for view, image in zip(views, images, strict=True):
            draw_near_pattern(
                crystal, view, detector, settings.spot_sigma, settings.ewald,
                thickness_of(crystal, view, settings), settings.laue_zones, settings.radiation,
                image, settings.q_min,
            )  # fmt: skip
    if settings.polarization != "ignore":
        images *= detector.polarization_factor(settings.polarization).astype(np.float32)


def list_spots(
    crystals: Sequence[Crystal] | CrystalTable, settings: RenderSettings
) -> SpotPatterns:
    """Patterns of some crystals as spots."""
    detector = settings.detector
    if settings.dynamical:
        spots = SpotPatterns.concatenate([_dynamical_spots(one, settings) for one in crystals])
    elif settings.in_layers:
        arrays = CrystalArrays.of(crystals)
        spots = zone_spots(
            arrays, settings.views, detector.q_edge, settings.radiation, settings.dtype
        )
    else:
        spots = SpotPatterns.concatenate([_near_spots(one, settings) for one in crystals])
    return finished_spots(spots, settings)


def finished_spots(spots: SpotPatterns, settings: RenderSettings) -> SpotPatterns:
    """Spots without those at the beam, polarized, scaled and of the type that is asked for."""
    detector = settings.detector
    if settings.q_min > 0:
        spots = spots.without_center(settings.q_min)
    values: dict[str, Any] = {"intensity": spots.intensity}
    if spots.sigma is not None:
        values["sigma"] = spots.sigma
    if settings.polarization != "ignore":
        mm = spots.q / detector.q_per_pixel * detector.pixel_size
        factor = detector.polarization_at(mm[:, 0], mm[:, 1], settings.polarization)
        values = {name: value * factor.astype(value.dtype) for name, value in values.items()}
    if settings.normalize and spots.n_spots:
        # An empty pattern takes the strongest of another, and has nothing to lose by it.
        strongest = np.maximum.reduceat(np.append(values["intensity"], 0), spots.starts[:-1])
        strongest = np.where(strongest > 0, strongest, 1).repeat(np.diff(spots.starts))
        values = {name: value / strongest for name, value in values.items()}
    values = {name: value.astype(settings.dtype, copy=False) for name, value in values.items()}
    return replace(spots, **values)


def _near_spots(crystal: Crystal, settings: RenderSettings) -> SpotPatterns:
    views = resolve_views(settings.views, crystal.lattice)
    return near_spots(
        crystal,
        views,
        settings.detector,
        settings.ewald,
        [thickness_of(crystal, view, settings) for view in views],
        settings.laue_zones,
        settings.radiation,
        settings.dtype,
    )


def _dynamical_spots(crystal: Crystal, settings: RenderSettings) -> SpotPatterns:
    assert settings.beam is not None
    views = resolve_views(settings.views, crystal.lattice)
    return dynamical_spots(
        crystal, views, _family(settings), settings.detector.wavelength, settings.detector.q_edge,
        _thicknesses(crystal, views, settings), settings.beam, settings.engine, settings.dtype,
    )  # fmt: skip


def _family(settings: RenderSettings) -> str | None:
    return settings.views if isinstance(settings.views, str) else None


def _thicknesses(crystal: Crystal, views: list[View], settings: RenderSettings) -> list[float]:
    """Of a crystal in each view of a dynamical engine, Å."""
    assert settings.beam is not None
    if settings.beam.thickness is None:
        return [thickness_of(crystal, view, settings) for view in views]
    return list(settings.beam.thickness)


def _summed(structure: Any, view: View, settings: RenderSettings) -> np.ndarray:
    """One view by an engine that sums atoms at every pixel."""
    detector = settings.detector
    if settings.engine == "condor":
        return condor_pattern(
            structure,
            view.rotation,
            detector,
            settings.ewald,
            settings.polarization,
            settings.fluence,
        )
    if settings.engine == "lattice":
        image = lattice_pattern(
            structure, view.rotation, detector, settings.cells, settings.ewald, settings.radiation
        )
    else:
        pattern = fast_atoms_pattern if settings.summation == "nufft" else atoms_pattern
        image = pattern(structure, view.rotation, detector, settings.ewald, settings.radiation)
    image *= detector.solid_angle(settings.ewald)
    image *= detector.polarization_factor(settings.polarization)
    image *= settings.fluence * _scattering_length(settings) ** 2
    return image


def _scattering_length(settings: RenderSettings) -> float:
    """Å per unit of the scattering factor."""
    if settings.radiation == "electron":
        return relativistic_mass(settings.detector.wavelength)
    return CLASSICAL_ELECTRON_RADIUS


def thickness_of(crystal: Crystal, view: View, settings: RenderSettings) -> float:
    """The beam's way through the middle of the block of cells, unless it is given."""
    if settings.thickness is not None:
        return float(settings.thickness)
    # It ends at the pair of faces that it meets first.
    crossings = np.abs(crystal.reciprocal @ view.rotation[2]) / settings.cells
    return float(1 / crossings.max())
