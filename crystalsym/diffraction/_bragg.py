"""Engine ``"bragg"``: reflections near the Ewald surface as spots, listed or drawn.

Along a zone axis and with a flat Ewald surface these are the reflections of the zero-order layer,
hu + kv + lw = 0, each weighted by its |F|². Any other view, and the Ewald sphere, weights them
by sinc²(s t) as well, with the excitation error s and the thickness t.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from crystalsym.crystals import Crystal
from crystalsym.diffraction._crystal_arrays import CrystalArrays
from crystalsym.diffraction._excitation import near_surface
from crystalsym.diffraction._geometry import Detector, View
from crystalsym.diffraction._spot_drawing import FAINTEST, draw_spots
from crystalsym.diffraction._spot_patterns import SpotPatterns
from crystalsym.diffraction._zone_layers import bases_in_image, layer_bases, zones_of
from crystalsym.scattering import structure_factors
from crystalsym.scattering._structure_factors import LayerSpots, layer_spots

# So many standard deviations beyond the edge a spot may lie and still be seen.
MARGIN = 4


def zone_spots(
    crystals: CrystalArrays, views: Any, q_max: float, radiation: str, dtype: Any
) -> SpotPatterns:
    """List the zero-order layers of many crystals along zone axes, |F|² each.

    Parameters
    ----------
    crystals : CrystalArrays
    views : str or ndarray
        A family of zone axes, or (n_views, 3) of them.
    q_max : float
        Radius of the field, 1/Å.
    radiation : {"xray", "electron"}
    dtype : dtype
        Of places and intensities.

    Returns
    -------
    SpotPatterns
        One of every Friedel pair.
    """
    zones = zones_of(views, crystals.lattices)
    assert zones is not None
    bases, spots = _layers(crystals, views, zones, q_max, radiation)
    shape = zones.shape[:2]
    return SpotPatterns(
        q=(spots.place * q_max).astype(dtype, copy=False),
        intensity=spots.intensity.astype(dtype, copy=False),
        starts=spots.starts,
        q_min=np.zeros(shape),
        q_max=np.full(shape, q_max),
        indices=spots.indices,
        basis=bases_in_image(bases, crystals.reciprocals),
        basis_hkl=bases,
        zone=zones,
        halved=True,
    )


def near_spots(
    crystal: Crystal,
    views: list[View],
    detector: Detector,
    ewald: str,
    thicknesses: list[float],
    laue_zones: int | None,
    radiation: str,
    dtype: Any,
) -> SpotPatterns:
    """List the reflections of one crystal near the Ewald surface, for any views.

    Parameters
    ----------
    crystal : Crystal
    views : list of View
    detector : Detector
        Its edge is the radius of the field.
    ewald : {"flat", "sphere"}
    thicknesses : list of float
        Along the beam in each view, Å.
    laue_zones : int or None
        The last zone of a zone-axis view that takes part.
    radiation : {"xray", "electron"}
    dtype : dtype

    Returns
    -------
    SpotPatterns
        Without indices in a plane lattice: there is none.
    """
    q_max = detector.q_edge
    reach = np.full((2, 2), q_max)
    places, intensities, starts = [], [], [0]
    for view, thickness in zip(views, thicknesses, strict=True):
        x, y, intensity = near_surface(
            crystal, view, detector, ewald, thickness, laue_zones, radiation, reach
        )
        seen = (np.hypot(x, y) <= q_max) & ((x != 0) | (y != 0))
        places.append(np.stack([x[seen], y[seen]], axis=1))
        intensities.append(intensity[seen])
        starts.append(starts[-1] + int(seen.sum()))
    shape = (1, len(views))
    zone = np.array([[view.zone or (0, 0, 0) for view in views]], dtype=np.int16)
    return SpotPatterns(
        q=np.concatenate(places).astype(dtype, copy=False),
        intensity=np.concatenate(intensities).astype(dtype, copy=False),
        starts=np.array(starts),
        q_min=np.zeros(shape),
        q_max=np.full(shape, q_max),
        zone=zone,
    )


def draw_zone_patterns(
    crystal: Crystal,
    views: Any,
    detector: Detector,
    spot_sigma: float,
    radiation: str,
    images: np.ndarray,
    q_min: float = 0.0,
) -> None:
    """Draw the zero-order layers of one crystal, the peak of a spot being its |F|².

    Parameters
    ----------
    crystal : Crystal
    views : str or ndarray
        As in :func:`zone_spots`.
    detector : Detector
    spot_sigma : float
        Standard deviation of the Gaussian spots in pixels.
    radiation : {"xray", "electron"}
    images : ndarray of shape (n_views, size, size), float32
        Where to draw; must be zero.
    q_min : float, default=0.0
        Reflections up to here, 1/Å, and with them the direct beam, are hidden.
    """
    reach = detector.reach(MARGIN * spot_sigma)
    # One of each Friedel pair is enough of a field that is symmetric about the beam.
    half_width, half_height = reach.max(axis=1)
    q_max = float(max(half_width, half_height))
    crystals = CrystalArrays.of([crystal])
    zones = zones_of(views, crystals.lattices)
    assert zones is not None
    field = (half_width / q_max, half_height / q_max)
    _, spots = _layers(crystals, views, zones, q_max, radiation, field)
    strongest = _central_peak(crystal, radiation)
    for view, image in enumerate(images):
        part = slice(spots.starts[view], spots.starts[view + 1])
        q = spots.place[part] * q_max
        peaks = spots.intensity[part]
        q = np.concatenate([q, -q, np.zeros((1, 2))])
        peaks = np.concatenate([peaks, peaks, [strongest]])
        draw(image, q, peaks, detector, spot_sigma, reach, q_min)


def draw_near_pattern(
    crystal: Crystal,
    view: View,
    detector: Detector,
    spot_sigma: float,
    ewald: str,
    thickness: float,
    laue_zones: int | None,
    radiation: str,
    image: np.ndarray,
    q_min: float = 0.0,
) -> None:
    """Draw the reflections of one crystal near the Ewald surface; see :func:`near_spots`."""
    reach = detector.reach(MARGIN * spot_sigma)
    x, y, intensity = near_surface(
        crystal, view, detector, ewald, thickness, laue_zones, radiation, reach
    )
    draw(image, np.stack([x, y], axis=1), intensity, detector, spot_sigma, reach, q_min)


def draw(
    image: np.ndarray,
    q: np.ndarray,
    peaks: np.ndarray,
    detector: Detector,
    spot_sigma: float,
    reach: np.ndarray,
    q_min: float,
) -> None:
    """Draw spots at places q (1/Å about the beam) that lie within reach and are not hidden."""
    seen = np.all((q >= -reach[:, 0]) & (q <= reach[:, 1]), axis=1)
    if q_min > 0:
        seen &= np.hypot(q[:, 0], q[:, 1]) > q_min
    places = q[seen] / detector.q_per_pixel + np.array(detector.beam)
    columns, rows = np.ascontiguousarray(places.T)
    draw_spots(image, columns, rows, peaks[seen], spot_sigma, FAINTEST)


def _layers(
    crystals: CrystalArrays,
    views: Any,
    zones: np.ndarray,
    q_max: float,
    radiation: str,
    field: tuple[float, float] | None = None,
) -> tuple[np.ndarray, LayerSpots]:
    """The vectors that span each layer, and its spots in the image frame."""
    bases = layer_bases(views, zones, crystals.reciprocals)
    spots = layer_spots(
        crystals.reciprocals,
        crystals.offsets,
        crystals.coords,
        crystals.numbers,
        crystals.occupancies,
        bases.astype(np.float64),
        q_max,
        radiation,
        field,
    )
    return bases, spots


def _central_peak(crystal: Crystal, radiation: str) -> float:
    """|F(000)|²."""
    nowhere = np.zeros((1, 3))
    contents = (crystal.frac_coords, crystal.atomic_numbers, crystal.occupancies)
    return float(np.abs(structure_factors(nowhere, np.zeros(1), *contents, radiation)[0]) ** 2)
