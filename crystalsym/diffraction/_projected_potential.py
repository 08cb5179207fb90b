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
from functools import cached_property
from typing import Any

import numpy as np
from numba import njit
from scipy import fft

from crystalsym.crystals import Crystal, as_crystal
from crystalsym.diffraction._coupling import LARGE, FourierCoupling, MatrixCoupling
from crystalsym.diffraction._krylov import MOST, propagate
from crystalsym.diffraction._plane_symmetry import SymmetricWaves, plane_operations
from crystalsym.diffraction._slices import propagate_in_slices
from crystalsym.diffraction._zone_layers import OF_FAMILIES, bases_in_image, layer_bases
from crystalsym.scattering import relativistic_mass
from crystalsym.scattering._structure_factors import layer_amplitudes

METHODS = ("bloch", "multislice")
# Beams beyond the bandwidth would turn the wave's phase by this much (see _bandwidth).
PHASE_ERROR = 1e-3
# The bandwidth is looked for within a radius, in parts of the field's, that grows by a factor up to
# the largest, 1/Å.
FIRST_RADIUS, GROWTH, WIDEST = 3.8, 1.5, 8.0
# Amplitudes below this part of F(000) count as dark: positions are no more precise.
DARK = 1e-6
# Errors of amplitudes in single and double precision, in parts of the incident one.
TOLERANCES = {"complex64": 3e-5, "complex128": 1e-10}
# Bytes that the waves of many incident beams may take at once.
ROOM = 2**26
# Orbits of beams up to which the equations are solved by a matrix, and by all its eigenvectors; and
# how many operations a plane group has at most.
LARGEST_MATRIX, SMALL_MATRIX, MOST_OPERATIONS = 600, 64, 12
# Azimuths of a precessing beam beyond those that the cone's width asks for.
AZIMUTHS = 8


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
        self._b_iso, self._absorption = float(b_iso), float(absorption)
        self._method, self._slice = method, float(slice_thickness)
        self._complex = np.result_type(np.dtype(dtype), np.complex64)
        zones = np.array([[zone]], dtype=np.int16)
        reciprocals = self._crystal.reciprocal[None]
        family = zones[0] if views is None else views
        bases = layer_bases(family, zones, reciprocals)
        self.basis_hkl = bases[0, 0].astype(np.int64)
        self.basis = bases_in_image(bases, reciprocals)[0, 0]
        self.bandwidth, indices, strengths = self._bandwidth(bandwidth, float(thickest))
        seen = self._lengths(indices) <= self._q_max
        self.layer_indices = _middle_first(indices[seen])
        self._place(indices, strengths)

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

        Returns
        -------
        ndarray of float64, shape (n, n_beams)
            Or (n_beams,) for a single thickness.
        """
        depths = np.asarray(thickness, dtype=np.float64)
        order = np.argsort(np.atleast_1d(depths), kind="stable")
        rising = np.atleast_1d(depths)[order]
        if not len(rising) or not (rising[0] >= 0 and np.isfinite(rising[-1])):
            raise ValueError(f"thickness must be numbers from 0, got {thickness!r}")
        if self._symmetric is not None and not tilt and not precession:
            out = np.empty((len(rising), len(self.indices)))
            out[order] = self._along_the_axis(rising)
            return out if depths.ndim else out[0]
        directions = self._directions(tilt, azimuth, precession, float(rising[-1]))
        total = np.zeros((len(rising), len(self.indices)))
        at_once = max(1, int(ROOM / ((MOST + 1) * len(self.indices) * self._complex.itemsize)))
        for first in range(0, len(directions), at_once):
            waves = self._waves(rising, directions[first : first + at_once])
            total += (waves.real.astype(np.float64) ** 2).sum(axis=1)
            total += (waves.imag.astype(np.float64) ** 2).sum(axis=1)
        out = np.empty_like(total)
        out[order] = total / len(directions)
        return out if depths.ndim else out[0]

    def of_layer(self, values: np.ndarray) -> np.ndarray:
        """Put values of the beams in the order of ``layer_indices``, zero where it stays dark.

        Parameters
        ----------
        values : ndarray of shape (..., n_beams)

        Returns
        -------
        ndarray of shape (..., n)
        """
        widest = np.abs(self.indices).max(axis=0)
        number = np.full(2 * widest + 1, len(self.indices))
        number[tuple((self.indices + widest).T)] = np.arange(len(self.indices))
        inside = (np.abs(self.layer_indices) <= widest).all(axis=1)
        places = np.where(inside[:, None], self.layer_indices, 0) + widest
        which = np.where(inside, number[tuple(places.T)], len(self.indices))
        padded = np.concatenate([values, np.zeros((*values.shape[:-1], 1))], axis=-1)
        return padded[..., which]

    @cached_property
    def _symmetric(self) -> SymmetricWaves | None:
        """The orbits of beams, unless those are too many or the method another."""
        if self._method != "bloch" or self._absorption:
            return None
        if len(self.indices) > LARGEST_MATRIX * MOST_OPERATIONS:
            return None
        matrices, shifts = plane_operations(
            self._inner_basis @ self.basis, self._all_inner, self._strong, self._rarest_places()
        )
        if len(self.indices) > LARGEST_MATRIX * len(matrices):
            return None
        return SymmetricWaves(matrices, shifts, self._inner)

    def _rarest_places(self) -> np.ndarray:
        """Where the atoms of the element that has fewest lie across the beam."""
        crystal = self._crystal
        numbers, counts = np.unique(crystal.atomic_numbers, return_counts=True)
        chosen = crystal.atomic_numbers == numbers[counts.argmin()]
        return crystal.frac_coords[chosen] @ (self._inner_basis @ self.basis_hkl).T

    def _along_the_axis(self, depths: np.ndarray) -> np.ndarray:
        """Intensities for a beam along the zone axis, (n_depths, n_beams)."""
        symmetric = self._symmetric
        assert symmetric is not None
        turns = -math.pi * self._wavelength * (self.q**2).sum(axis=1)
        matrix = symmetric.matrix(self._all_inner, self._strong, turns)
        start = np.zeros(symmetric.n_orbits, dtype=matrix.dtype)
        start[0] = 1
        if symmetric.n_orbits <= SMALL_MATRIX:
            values, vectors = np.linalg.eigh(matrix)
            excited = np.exp(1j * np.outer(depths, values)) * vectors[0].conj()
            return symmetric.read(excited @ vectors.T)
        kind = np.dtype(self._complex)
        if not np.iscomplexobj(matrix):
            kind = kind.type(0).real.dtype
        matrix = matrix.astype(kind)
        waves = propagate(
            matrix,
            start.astype(kind)[None],
            depths.tolist(),
            TOLERANCES[self._complex.name],
            hermitian=True,
        )
        return symmetric.read(waves[:, 0].astype(np.complex128))

    def _waves(self, depths: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """Amplitudes after each depth, (n_depths, n_directions, n_beams)."""
        squares = (self.q**2).sum(axis=1)
        along = directions @ self.q.T
        turns = -math.pi * self._wavelength * (squares + 2 * along)  # 2π s_g
        start = np.zeros(turns.shape, dtype=self._complex)
        start[:, 0] = 1
        if self._method == "multislice":
            return propagate_in_slices(
                self._potential, self._places, turns, start, depths, self._slice
            )
        couple = self._couple
        turns = couple.lay_out(turns.astype(start.real.dtype))

        def applied(waves: np.ndarray) -> np.ndarray:
            out = couple(waves)
            out += turns * waves
            return out

        return couple.read(
            propagate(
                applied,
                couple.lay_out(start),
                depths.tolist(),
                TOLERANCES[self._complex.name],
                hermitian=not self._absorption,
            )
        )

    @cached_property
    def _couple(self) -> MatrixCoupling | FourierCoupling:
        kind = MatrixCoupling if self._potential.size < LARGE else FourierCoupling
        return kind(self._potential, self._inner)

    def _directions(
        self, tilt: float, azimuth: float, precession: float, thickness: float
    ) -> np.ndarray:
        """Parts of the incident wave vectors across the zone axis, 1/Å, (n, 2)."""
        wavenumber = 1 / self._wavelength
        turn = math.radians(azimuth)
        side = np.array([math.cos(turn), math.sin(turn)])
        middle = wavenumber * math.sin(math.radians(tilt)) * side
        if not precession:
            return middle[None]
        radius = wavenumber * math.sin(math.radians(precession))
        # Along the cone s t runs through λ g k t at the edge of the field, and |ψ|² oscillates
        # that many times 2π: more azimuths than that, and their mean is the integral.
        n = math.ceil(2 * math.pi * self._wavelength * self._q_max * radius * thickness)
        angles = 2 * math.pi * np.arange(n + AZIMUTHS) / (n + AZIMUTHS)
        return middle + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)

    def _lengths(self, indices: np.ndarray) -> np.ndarray:
        q = indices @ self.basis
        return np.hypot(q[:, 0], q[:, 1])

    def _strengths(self, q_max: float) -> tuple[np.ndarray, np.ndarray]:
        """Reflections of the layer and their v_g, radians per Å."""
        crystal = self._crystal
        indices, amplitudes = layer_amplitudes(
            self.basis_hkl, self.basis, crystal.frac_coords, crystal.atomic_numbers,
            crystal.occupancies, q_max,
        )  # fmt: skip
        factor = relativistic_mass(self._wavelength) * self._wavelength
        factor /= abs(float(np.linalg.det(crystal.lattice)))
        damping = np.exp(-self._b_iso / 4 * self._lengths(indices) ** 2)
        # Crystallographers' F has the other sign in its exponent.
        return indices, factor * damping * amplitudes.conj()

    def _bandwidth(
        self, wanted: float | None, thickest: float
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """The bandwidth, and v_g up to twice that: all that couples two of the beams."""
        if wanted is not None:
            if wanted < self._q_max * (1 - 1e-6):
                raise ValueError(
                    f"bandwidth={wanted!r} is below the field's radius, q_max={self._q_max:g}"
                )
            return float(wanted), *self._strengths(2 * float(wanted))
        radius = FIRST_RADIUS * self._q_max
        while True:
            indices, strengths = self._strengths(radius)
            q = self._lengths(indices)
            rising = np.argsort(q)
            outer = q[rising] > self._q_max
            squares = np.zeros(len(q))
            squares[outer] = np.abs(strengths[rising][outer]) ** 2 / q[rising][outer] ** 2
            beyond = squares[::-1].cumsum()[::-1] * thickest / (math.pi * self._wavelength)
            needless = np.flatnonzero(beyond <= PHASE_ERROR)
            needed = q[rising][needless[0]] if len(needless) else radius
            needed = max(self._q_max, float(needed))
            if needed <= radius / GROWTH or radius >= WIDEST:
                break
            radius = min(radius * GROWTH, WIDEST)
        if 2 * needed > radius:
            indices, strengths = self._strengths(2 * needed)
        else:
            inside = q <= 2 * needed
            indices, strengths = indices[inside], strengths[inside]
        return needed, indices, strengths

    def _place(self, indices: np.ndarray, strengths: np.ndarray) -> None:
        """Choose beams, and lay the potential out on a grid of the smallest cell."""
        present = np.abs(strengths) > DARK * np.abs(strengths).max()
        # Of the lattice that the present reflections generate, the shortest basis: columns of
        # coefficients are few then.
        basis = _reduced(_generated(indices[present]), self.basis)
        inverse = np.linalg.inv(basis)
        inner = np.rint(indices @ inverse)
        kept = np.abs(inner @ basis - indices).max(axis=1) < 1e-6
        inner, strengths, indices = inner[kept].astype(np.int64), strengths[kept], indices[kept]
        # Two thirds of the grid's half width, 2 x the bandwidth, for slices.
        reach = self.bandwidth * (4 / 3 if self._method == "multislice" else 1)
        beams = self._lengths(indices) <= reach * (1 + 1e-9)  # all of an orbit
        self._inner_basis, self._all_inner, self._strong = basis, inner, strengths
        self.indices = _middle_first(indices[beams])
        self.q = self.indices @ self.basis
        self._inner = np.rint(self.indices @ inverse).astype(np.int64)
        widest = np.abs(inner).max(axis=0)
        # Products of a beam and v_g, up to 3 x the bandwidth, must not fold onto beams.
        shape = tuple(fft.next_fast_len(int(2 * n) + 1) for n in widest)
        self._shape = shape
        rows, columns = (self._inner % shape).T
        self._places = rows * shape[1] + columns

    @cached_property
    def _potential(self) -> np.ndarray:
        """On a grid of one cell, radians per Å."""
        values = np.zeros(self._shape, dtype=np.complex128)
        values[tuple((self._all_inner % self._shape).T)] = self._strong
        potential = fft.ifft2(values).real * values.size
        if self._absorption:
            return (potential * (1 + 1j * self._absorption)).astype(self._complex)
        return potential.astype(self._complex.type(0).real.dtype)


def _middle_first(indices: np.ndarray) -> np.ndarray:
    """The same indices, 00 before all others."""
    other = indices.any(axis=1)
    return np.concatenate([np.zeros((1, 2), dtype=indices.dtype), indices[other]])


@njit(cache=True, nogil=True)
def _generated(points):
    """Basis (p, 0), (r, s) of the plane lattice that some integer points generate."""
    p, r, s = 0, 0, 0
    for n in range(len(points)):
        i, j = points[n, 0], points[n, 1]
        while j != 0:  # Euclid on the second coordinates
            quotient = s // j
            r, s, i, j = i, j, r - quotient * i, s - quotient * j
        i = abs(i)
        while i != 0:
            p, i = i, p % i
        if s < 0:
            r, s = -r, -s
        if p > 0:
            r %= p
        if p == 1 and s == 1:
            break
    # Nothing is known across a row: as fine as the layer itself.
    return np.array([[max(p, 1), 0], [r, max(s, 1)]], dtype=np.int64)


def _reduced(multiples: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """The same plane lattice with the two shortest vectors (Gauss)."""
    one, two = multiples
    while True:
        a, b = one @ basis, two @ basis
        if b @ b < a @ a * (1 - 1e-9):
            one, two, a, b = two, one, b, a
        shift = int(np.rint((a @ b) / (a @ a)))
        if abs(a @ b) <= (0.5 + 1e-9) * (a @ a) or shift == 0:
            return np.array([one, two])
        two = two - shift * one
