"""The potential of a crystal projected along a zone axis, and electrons scattered by it.

Beams g of the zero-order layer and the wave's amplitudes ψ_g after the thickness z obey

    dψ_g/dz = i (2π s_g ψ_g + Σ_h v_{g-h} ψ_h),   v_g = γ λ F_g / Ω,   s_g = -λ (g² + 2 g·k) / 2,

with the relativistic mass γ, the wavelength λ, the volume Ω of the cell, the part k of the incident
wave vector across the zone axis, and F_g = Σ f exp(-B g²/4) exp(-2πi g·x): forward scattering by a
potential that does not change along the beam (Howie & Whelan, Proc. R. Soc. A 263, 217, 1961;
De Graef, Introduction to Conventional Transmission Electron Microscopy, 2003, ch. 5 and 6;
Kirkland, Advanced Computing in Electron Microscopy, 2010, ch. 6).
"""

from __future__ import annotations

import math
import warnings
from functools import cached_property
from typing import Any

import numpy as np

from crystalsym._blas_threads import single_blas_thread
from crystalsym.crystals import Crystal, as_crystal
from crystalsym.diffraction._complex_waves import ComplexWaves
from crystalsym.diffraction._incident_directions import Incidence, incidence, one_of_each
from crystalsym.diffraction._krylov import TOLERANCES, MatrixOperator, propagate
from crystalsym.diffraction._layer_potential import (
    EQUAL,
    in_cell,
    layer_potential,
    smallest_cell,
    widest,
)
from crystalsym.diffraction._plane_symmetry import (
    BeamOrbits,
    PlaneGroup,
    SymmetricWaves,
    plane_operations,
)
from crystalsym.diffraction._real_coupling import RealCoupling, RealOperator
from crystalsym.diffraction._zone_layers import OF_FAMILIES, bases_in_image, layer_bases

METHODS = ("bloch", "multislice")
# Orbits of beams up to which the equations are solved by a matrix, and by all its eigenvectors.
LARGEST_MATRIX, SMALL_MATRIX = 350, 64


class ProjectedPotential:
    """Hold the potential of a crystal projected along a zone axis, and scatter electrons by it.

    Parameters
    ----------
    crystal : Crystal or anything :func:`crystalsym.crystals.as_crystal` reads
        Used as it is; standardize it first for conventional indices.
    zone : tuple of int
        [uvw] along the beam.
    wavelength : float
        Of the electrons, Å (:func:`crystalsym.scattering.electron_wavelength`).
    q_max : float, default=1.457
        Beams up to this |q|, 1/Å, take part at least.
    bandwidth : float, optional
        Largest |q| of the beams that take part, 1/Å; by default as far as their effect on the
        others asks for (see Notes).
    thickest : float, default=300.0
        Thickness for which the default bandwidth has to do, Å.
    b_iso : float, default=0.0
        Debye-Waller factor B of all atoms, Å²: amplitudes times exp(-B q²/4).
    absorption : float, default=0.0
        The imaginary potential in parts of the real one.
    method : {"bloch", "multislice"}, default="bloch"
        ``"bloch"`` solves the equations exactly, in the space of the Bloch waves that the incident
        beam excites. ``"multislice"`` lets thin slices scatter in turn.
    slice_thickness : float, default=1.0
        Of ``"multislice"``, Å.
    dtype : {"float32", "float64"}, default="float32"
        Precision of the waves.
    views : {"zone-axes", "symmetry-directions"}, optional
        Take the vectors along image +x and +y that the views of this family have.

    Raises
    ------
    ValueError
        If the method is unknown, the zone none, or the bandwidth smaller than the field.

    Attributes
    ----------
    indices : ndarray of int64, shape (n_beams, 2)
        Of the beams, as multiples of ``basis_hkl``; the direct beam comes first.
    hkl : ndarray of int64, shape (n_beams, 3)
    q : ndarray of float64, shape (n_beams, 2)
        In the image frame, 1/Å.
    basis : ndarray of float64, shape (2, 2)
        Two vectors that span the layer, image frame, 1/Å.
    basis_hkl : ndarray of int, shape (2, 3)
        The reflections that they are.
    layer_indices : ndarray of int64, shape (n, 2)
        All reflections of the layer up to ``q_max``, those that stay dark included; 00 comes first.
    bandwidth : float

    Notes
    -----
    Beams that no sum of present reflections reaches (absences of centering, and of glide planes
    across the beam) are left out: they stay dark in any zero-layer calculation. By default the
    bandwidth is the smallest for which the beams beyond it, taken together to second order, turn
    the wave's phase by less than 1e-3 on the way through the crystal, z Σ v_g²/(π λ g²).

    Examples
    --------
    >>> from crystalsym import standardize
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.diffraction import ProjectedPotential
    >>> from crystalsym.scattering import electron_wavelength
    >>> zns = standardize(example_crystals()["ZnS-sphalerite"])
    >>> potential = ProjectedPotential(zns, (1, -1, 0), electron_wavelength(200), b_iso=0.5)
    >>> thin, thick = potential.intensities([1.0, 150.0])
    >>> index = {tuple(hkl): i for i, hkl in enumerate(potential.hkl.tolist())}
    >>> one, mate = index[1, 1, 1], index[-1, -1, -1]
    >>> bool(abs(thin[one] / thin[mate] - 1) < 0.02), bool(abs(thick[one] / thick[mate] - 1) > 0.1)
    (True, True)
    """

    def __init__(
        self,
        crystal: Any,
        zone: tuple[int, int, int],
        wavelength: float,
        *,
        q_max: float = 1.457,
        bandwidth: float | None = None,
        thickest: float = 300.0,
        b_iso: float = 0.0,
        absorption: float = 0.0,
        method: str = "bloch",
        slice_thickness: float = 1.0,
        dtype: str = "float32",
        views: str | None = None,
    ):
        if method not in METHODS:
            raise ValueError(f"method must be one of {METHODS}, got {method!r}")
        if np.shape(zone) != (3,) or not np.any(zone) or np.any(np.rint(zone) != zone):
            raise ValueError(f"zone must be integers [u, v, w], not all zero, got {zone!r}")
        if views is not None and tuple(zone) not in OF_FAMILIES:
            raise ValueError(f"no family of views has the zone {zone!r}: leave out views={views!r}")
        self._crystal: Crystal = as_crystal(crystal)
        self._wavelength, self._q_max = float(wavelength), float(q_max)
        self._absorption = float(absorption)
        self._method, self._slice = method, float(slice_thickness)
        self._complex = np.result_type(np.dtype(dtype), np.complex64)
        zones = np.array([[zone]], dtype=np.int16)
        reciprocals = self._crystal.reciprocal[None]
        family = zones[0] if views is None else views
        bases = layer_bases(family, zones, reciprocals)
        self.basis_hkl = bases[0, 0].astype(np.int64)
        self.basis = bases_in_image(bases, reciprocals)[0, 0]
        layer = layer_potential(
            self._crystal, self.basis_hkl, self.basis, self._wavelength, float(b_iso), self._q_max,
            float(thickest), None if bandwidth is None else float(bandwidth),
        )  # fmt: skip
        self.bandwidth = layer.bandwidth
        self.layer_indices = layer.indices[np.flatnonzero(layer.squares <= self._q_max**2)]
        self._cell = smallest_cell(layer, self.basis)
        (_, indices, self._strong, squares), self._all_inner = in_cell(layer, self._cell)
        # Two thirds of the grid's half width, 2 x the bandwidth, for slices.
        reach = self.bandwidth * (4 / 3 if method == "multislice" else 1)
        beams = np.flatnonzero(squares <= (EQUAL * reach) ** 2)
        self.indices, self._inner = indices[beams], self._all_inner[beams]
        self.q = self.indices @ self.basis
        self._axial = -math.pi * self._wavelength * squares[beams]  # 2π s_g

    @property
    def hkl(self) -> np.ndarray:
        """Reflection of each beam, int64 of shape (n_beams, 3)."""
        return self.indices @ self.basis_hkl

    def intensities(
        self,
        thickness: Any,
        *,
        tilt: float = 0.0,
        azimuth: float = 0.0,
        precession: float = 0.0,
        convergence: float = 0.0,
    ) -> np.ndarray:
        """Compute the intensity of every beam, in parts of the incident one.

        Parameters
        ----------
        thickness : float or array-like of shape (n,)
            Of the crystal along the beam, Å.
        tilt : float, default=0.0
            Angle between incident beam and zone axis, degrees.
        azimuth : float, default=0.0
            Toward which side of the image the beam is tilted: from +x to +y, degrees. The center
            of the Laue circle lies on the opposite side.
        precession : float, default=0.0
            Half angle, in degrees, of the cone about this direction on which the beam precesses;
            intensities are the mean over it.
        convergence : float, default=0.0
            Half angle, in degrees, of the cone that incident directions fill evenly; intensities
            are the mean over it, those of whole disks.

        Returns
        -------
        ndarray of float64, shape (n, n_beams)
            Or (n_beams,) for a single thickness.

        Warns
        -----
        UserWarning
            If disks overlap: a detector would see them on each other.
        """
        depths = np.asarray(thickness, dtype=np.float64)
        order = np.argsort(np.atleast_1d(depths), kind="stable")
        rising = np.atleast_1d(depths)[order]
        if not len(rising) or not (rising[0] >= 0 and np.isfinite(rising[-1])):
            raise ValueError(f"thickness must be numbers from 0, got {thickness!r}")
        self._warn_of_overlap(convergence)
        out = np.empty((len(rising), len(self.indices)))
        # Products are too small to be shared among threads, which would wait for each other.
        with single_blas_thread():
            if tilt or precession or convergence or self._method != "bloch" or self._absorption:
                out[order] = self._mean(rising, tilt, azimuth, precession, convergence)
            else:
                out[order] = self._along_the_axis(rising)
        return out if depths.ndim else out[0]

    def _warn_of_overlap(self, convergence: float) -> None:
        apart = np.linalg.norm(self._inner_basis, axis=1).min()
        if math.sin(math.radians(convergence)) > self._wavelength * apart / 2:
            warnings.warn(
                f"convergence={convergence:g}: disks overlap, since it is more than the smallest"
                " Bragg angle of some patterns; intensities are those of each disk by itself",
                stacklevel=3,
            )

    def of_layer(self, values: np.ndarray) -> np.ndarray:
        """Put values of the beams in the order of ``layer_indices``, zero where it stays dark.

        Parameters
        ----------
        values : ndarray of shape (..., n_beams)

        Returns
        -------
        ndarray of shape (..., n)
        """
        padded = np.concatenate([values, np.zeros((*values.shape[:-1], 1))], axis=-1)
        return padded[..., self._beam_of_layer]

    @cached_property
    def _beam_of_layer(self) -> np.ndarray:
        """Number of the beam of each of ``layer_indices``; one too many where it stays dark."""
        wide = np.maximum(widest(self.indices), widest(self.layer_indices))
        across = np.array([2 * wide[1] + 1, 1])
        number = np.full((2 * wide + 1).prod(), len(self.indices))
        number[(self.indices + wide) @ across] = np.arange(len(self.indices))
        return number[(self.layer_indices + wide) @ across]

    @cached_property
    def _inner_basis(self) -> np.ndarray:
        """The reciprocal vectors of the smallest cell, image frame, 1/Å."""
        return self._cell @ self.basis

    @cached_property
    def _group(self) -> PlaneGroup:
        """The operations of the projected potential."""
        return plane_operations(
            self._inner_basis, self._all_inner, self._strong, self._rarest_places()
        )

    def _rarest_places(self) -> np.ndarray:
        """Where the atoms of the element that has fewest lie across the beam."""
        crystal = self._crystal
        numbers, counts = np.unique(crystal.atomic_numbers, return_counts=True)
        chosen = crystal.atomic_numbers == numbers[counts.argmin()]
        return crystal.frac_coords[chosen] @ (self._cell @ self.basis_hkl).T

    @cached_property
    def _symmetric(self) -> SymmetricWaves | None:
        """The orbits of beams as unknowns, where they are few."""
        if len(self.indices) > LARGEST_MATRIX * len(self._group.matrices):
            return None
        waves = SymmetricWaves(self._group, self._inner)
        few = LARGEST_MATRIX if self._group.has_twofold else SMALL_MATRIX
        return waves if waves.n_orbits <= few else None

    def _along_the_axis(self, depths: np.ndarray) -> np.ndarray:
        """Intensities for a beam along the zone axis, (n_depths, n_beams)."""
        symmetric = self._symmetric
        if symmetric is None:
            found = self._carried(self._real.along_the_axis(), depths)
            return BeamOrbits(*self._group, self._inner).mean(found)
        matrix = symmetric.matrix(self._all_inner, self._strong, self._axial)
        start = np.zeros(symmetric.n_orbits, dtype=matrix.dtype)
        start[0] = 1
        if symmetric.n_orbits <= SMALL_MATRIX:
            values, vectors = np.linalg.eigh(matrix)
            excited = np.exp(1j * np.outer(depths, values)) * vectors[0].conj()
            return symmetric.read(excited @ vectors.T)
        kind = np.dtype(self._complex)
        if not np.iscomplexobj(matrix):
            kind = kind.type(0).real.dtype
        waves = propagate(
            MatrixOperator(matrix.astype(kind)), start.astype(kind)[None], depths.tolist(),
            TOLERANCES[self._complex.name], hermitian=True,
        )  # fmt: skip
        return symmetric.read(waves[:, 0].astype(np.complex128))

    def _mean(
        self,
        depths: np.ndarray,
        tilt: float,
        azimuth: float,
        precession: float,
        convergence: float,
    ) -> np.ndarray:
        """Mean intensities over all incident beams, (n_depths, n_beams)."""
        beams, group = self._incident(tilt, azimuth, precession, convergence, float(depths[-1]))
        if group is not None:
            beams = one_of_each(beams, group.in_plane(self._inner_basis))
        if self._method == "bloch" and not self._absorption:
            total = np.zeros((len(depths), len(self.indices)))
            for vector, weight in zip(*beams, strict=True):
                along = -2 * math.pi * self._wavelength * (self.q @ vector)
                total += weight * self._carried(self._real.tilted(along), depths)
        else:
            total = self._complex_waves.mean(depths, beams)
        if group is not None:
            # Those left out are seen at the images of the beams.
            still = np.zeros_like(group.shifts)
            total = BeamOrbits(group.matrices, still, self._inner).mean(total)
        return total

    def _incident(
        self, tilt: float, azimuth: float, precession: float, convergence: float, thickness: float
    ) -> tuple[Incidence, PlaneGroup | None]:
        """Incident beams, and the operations that take them to themselves, if that saves any."""
        wavenumber = 1 / self._wavelength
        circle, disk = (wavenumber * math.sin(math.radians(x)) for x in (precession, convergence))
        turn = math.radians(azimuth)
        middle = np.array([math.cos(turn), math.sin(turn)])
        middle *= wavenumber * math.sin(math.radians(tilt))
        # Within a radius k s t runs through λ g k t at the edge of the field, and |ψ|² oscillates
        # that many times 2π.
        turns = self._wavelength * self._q_max * thickness
        group = None
        order, mirror = 1, 0.0
        if (circle or disk) and self._method == "bloch":
            rotations = self._group.in_plane(self._inner_basis)
            kept = np.abs(middle @ rotations - middle).max(axis=1) <= 1e-9 * wavenumber
            group = PlaneGroup(self._group.matrices[kept], self._group.shifts[kept])
            order = len(group.matrices)
            mirrors = rotations[kept][np.linalg.det(rotations[kept]) < 0]
            if len(mirrors):  # +x goes to twice the angle of the line
                mirror = math.atan2(mirrors[0, 0, 1], mirrors[0, 0, 0]) / 2
        return incidence(middle, circle, disk, turns, order, mirror), group

    @cached_property
    def _real(self) -> RealCoupling:
        return RealCoupling(
            self._all_inner, self._strong, self._inner, self._axial, self._group,
            self._complex.type(0).real.dtype,
        )  # fmt: skip

    @cached_property
    def _complex_waves(self) -> ComplexWaves:
        return ComplexWaves(
            self._all_inner, self._strong, self._inner, self.q, self._axial, self._wavelength,
            self._complex, self._absorption, self._slice if self._method == "multislice" else None,
        )  # fmt: skip

    def _carried(self, operator: RealOperator, depths: np.ndarray) -> np.ndarray:
        """Intensities of one incident beam, (n_depths, n_beams)."""
        waves = propagate(
            operator, operator.start()[None], depths.tolist(), TOLERANCES[self._complex.name],
            hermitian=True,
        )  # fmt: skip
        return operator.read(waves[:, 0].astype(np.complex128))
