"""Reflections near the Ewald surface, for crystals of finite thickness.

A plate of thickness t across the beam draws each reflection out along the beam. What diffracts is
where that line meets the surface, with sinc²(s t) of the intensity at the distance s.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from crystalsym.crystals import Crystal
from crystalsym.diffraction._geometry import Detector, View
from crystalsym.scattering import structure_factors

# Reflections take part up to this zero of sinc²(s t); beyond, they are below 1 % of |F|².
LOBES = 3


def near_surface(
    crystal: Crystal,
    view: View,
    detector: Detector,
    ewald: str,
    thickness: float,
    laue_zones: int | None,
    radiation: str,
    reach: np.ndarray,
):
    """Reflections within reach of the Ewald surface.

    Parameters
    ----------
    crystal : Crystal
    view : View
    detector : Detector
    ewald : {"sphere", "flat"}
    thickness : float
        Along the beam, Å.
    laue_zones : int or None
        The last zone of a zone-axis view that takes part.
    radiation : {"xray", "electron"}
    reach : ndarray of shape (2, 2)
        Extent of the detector from the beam toward -x, +x and -y, +y, in 1/Å.

    Returns
    -------
    x, y : ndarray of shape (n,)
        Place on the detector about the beam, 1/Å.
    intensity : ndarray of shape (n,)
        A spot's photons, all its pixels together, in units of |F|²: |F|² sinc²(s t) / cos 2θ.
    """
    wavenumber = 1 / detector.wavelength if ewald == "sphere" else np.inf
    # The detector's corner bounds |q|: in the plane, and below it down to the sphere.
    corner = float(np.hypot(reach[0].max(), reach[1].max()))
    slant = math.hypot(1.0, corner / wavenumber)  # 1 / cos 2θ
    depth = wavenumber * (1 - 1 / slant) if ewald == "sphere" else 0.0
    near = min(LOBES / thickness, corner)
    longest = math.hypot(corner / slant, depth + near)
    bounds = np.floor(longest * np.linalg.norm(crystal.lattice, axis=1)).astype(np.int64)
    zone = np.zeros(3, dtype=np.int64) if view.zone is None else np.array(view.zone)
    # As far as so many zones of the primitive [uvw].
    layers = -1 if laue_zones is None else laue_zones * math.gcd(*zone.tolist())
    basis = np.ascontiguousarray(crystal.reciprocal @ view.rotation.T)
    found = _reflections_near(basis, bounds, zone, layers, wavenumber, near, reach)
    hkl = np.ascontiguousarray(found[:, :3])
    x, y, error, slants = found[:, 3:].T
    q = np.linalg.norm(hkl @ crystal.reciprocal, axis=1)
    content = (crystal.frac_coords, crystal.atomic_numbers, crystal.occupancies)
    intensity = np.abs(structure_factors(hkl, q, *content, radiation)) ** 2
    intensity *= np.sinc(error * thickness) ** 2 * slants
    return x, y, intensity


@njit(cache=True, nogil=True)
def _reflections_near(basis, bounds, zone, layers, wavenumber, near, reach):
    """Rows of h, k, l, x, y, excitation error and 1 / cos 2θ.

    ``basis`` holds a*, b*, c* in the laboratory frame. The surface is a plane where
    ``wavenumber`` is infinite. Negative ``layers`` admit all zones.
    """
    count = 0
    found = np.empty((64, 7))
    for h in range(-bounds[0], bounds[0] + 1):
        for k in range(-bounds[1], bounds[1] + 1):
            for index_l in range(-bounds[2], bounds[2] + 1):
                layer = h * zone[0] + k * zone[1] + index_l * zone[2]
                if layers >= 0 and abs(layer) > layers:
                    continue
                qx = h * basis[0, 0] + k * basis[1, 0] + index_l * basis[2, 0]
                qy = h * basis[0, 1] + k * basis[1, 1] + index_l * basis[2, 1]
                qz = h * basis[0, 2] + k * basis[1, 2] + index_l * basis[2, 2]
                cosine2 = 1 - (qx * qx + qy * qy) / wavenumber**2
                if cosine2 <= 0:
                    continue  # no wave leaves at so large an angle
                # The diffracted wave is k' = (qx, qy, k cos 2θ): the reflection's line along the
                # beam meets the sphere at k cos 2θ - k.
                slant = 1 / math.sqrt(cosine2)
                error = qz
                if wavenumber < np.inf:
                    error += wavenumber * (1 - 1 / slant)
                x, y = qx * slant, qy * slant
                if abs(error) >= near:
                    continue
                if x < -reach[0, 0] or x > reach[0, 1] or y < -reach[1, 0] or y > reach[1, 1]:
                    continue
                if count == len(found):
                    longer = np.empty((2 * count, 7))
                    longer[:count] = found
                    found = longer
                row = found[count]
                row[0], row[1], row[2] = h, k, index_l
                row[3], row[4], row[5], row[6] = x, y, error, slant
                count += 1
    return found[:count]
