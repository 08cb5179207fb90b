"""Engines ``"bloch"`` and ``"multislice"``: electrons that scatter many times along zone axes.

A pattern is that of the projected potential: the zero-order layer, both of each Friedel pair by
itself. Higher Laue zones take no part.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from crystalsym.crystals import Crystal
from crystalsym.diffraction._bragg import MARGIN, draw
from crystalsym.diffraction._electron_beam import ElectronBeam
from crystalsym.diffraction._geometry import Detector, View
from crystalsym.diffraction._projected_potential import ProjectedPotential
from crystalsym.diffraction._spot_patterns import SpotPatterns


def dynamical_spots(
    crystal: Crystal,
    views: list[View],
    family: str | None,
    wavelength: float,
    q_max: float,
    thicknesses: list[float],
    beam: ElectronBeam,
    method: str,
    dtype: Any,
) -> SpotPatterns:
    """List the zero-order layers of one crystal along zone axes.

    Parameters
    ----------
    crystal : Crystal
    views : list of View
        Along zone axes.
    family : str or None
        That the views belong to.
    wavelength : float
        Å.
    q_max : float
        Radius of the field, 1/Å.
    thicknesses : list of float
        Along the beam in each view, Å.
    beam : ElectronBeam
        Drawn: with one tilt and azimuth for each view.
    method : {"bloch", "multislice"}
    dtype : dtype
        Of places and intensities; waves are as precise.

    Returns
    -------
    SpotPatterns
        All reflections of the layers but the direct beam, intensities in parts of the incident
        beam.
    """
    layers = [
        _layer(crystal, view, family, wavelength, q_max, thickness, beam, number, method, dtype)
        for number, (view, thickness) in enumerate(zip(views, thicknesses, strict=True))
    ]
    potentials = [potential for potential, _ in layers]
    indices = [potential.layer_indices[1:] for potential in potentials]
    shape = (1, len(views))
    return SpotPatterns(
        q=np.concatenate(
            [i @ potential.basis for i, potential in zip(indices, potentials, strict=True)]
        ).astype(dtype, copy=False),
        intensity=np.concatenate([intensity[1:] for _, intensity in layers]).astype(
            dtype, copy=False
        ),
        starts=np.cumsum([0, *map(len, indices)]),
        q_min=np.zeros(shape),
        q_max=np.full(shape, q_max),
        indices=np.concatenate(indices).astype(np.int16),
        basis=np.array([[potential.basis for potential in potentials]]),
        basis_hkl=np.array([[potential.basis_hkl for potential in potentials]], dtype=np.int16),
        zone=np.array([[view.zone for view in views]], dtype=np.int16),
    )


def draw_dynamical_patterns(
    crystal: Crystal,
    views: list[View],
    family: str | None,
    detector: Detector,
    spot_sigma: float,
    thicknesses: list[float],
    beam: ElectronBeam,
    method: str,
    images: np.ndarray,
    q_min: float = 0.0,
) -> None:
    """Draw the zero-order layers of one crystal, the direct beam among the spots.

    Parameters
    ----------
    crystal, views, family, thicknesses, beam, method
        As in :func:`dynamical_spots`.
    detector : Detector
    spot_sigma : float
        Standard deviation of the Gaussian spots in pixels; their peak is the intensity.
    images : ndarray of shape (n_views, size, size), float32
        Where to draw; must be zero.
    q_min : float, default=0.0
        Reflections up to here, 1/Å, and with them the direct beam, are hidden.
    """
    reach = detector.reach(MARGIN * spot_sigma)
    q_max = float(np.hypot(*reach.max(axis=1)))
    for number, (view, thickness, image) in enumerate(zip(views, thicknesses, images, strict=True)):
        potential, intensity = _layer(
            crystal, view, family, detector.wavelength, q_max, thickness, beam, number, method,
            "float32",
        )  # fmt: skip
        q = potential.layer_indices @ potential.basis
        draw(image, q, intensity, detector, spot_sigma, reach, q_min)


def _layer(
    crystal: Crystal,
    view: View,
    family: str | None,
    wavelength: float,
    q_max: float,
    thickness: float,
    beam: ElectronBeam,
    number: int,
    method: str,
    dtype: Any,
) -> tuple[ProjectedPotential, np.ndarray]:
    """The potential of one view, and the intensities of its layer."""
    assert view.zone is not None
    potential = ProjectedPotential(
        crystal, view.zone, wavelength, q_max=q_max, bandwidth=beam.bandwidth, thickest=thickness,
        b_iso=beam.b_iso, absorption=beam.absorption, method=method,
        slice_thickness=beam.slice_thickness, dtype=dtype, views=family,
    )  # fmt: skip
    beams = potential.intensities(
        thickness,
        tilt=beam.tilt[number],
        azimuth=beam.azimuth[number],
        precession=beam.precession,
        convergence=beam.convergence,
    )
    return potential, potential.of_layer(beams)
