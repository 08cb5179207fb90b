"""Beam, detector and views: which scattering vector each pixel sees.

Laboratory frame: beam along +z, image columns along +x, rows along +y. Scattering vectors are
q = (k' - k) with |k| = 1/λ, so that |q| = 1/d.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

# How many views each family has.
VIEW_FAMILIES = {
    "zone-axes": 3,
    "symmetry-directions": 3,
    "cartesian": 3,
    "rotations": 3,
    "rotation-pairs": 6,
}
POLARIZATIONS = ("ignore", "unpolarized", "horizontal", "vertical")
# Edges equal to this part, angles to this many degrees, count as equal in choosing views. Looser
# ones take orthorhombic crystals for tetragonal ones (65 instead of 87 % right within 1 %).
EQUAL_EDGES, EQUAL_ANGLES = 0.0005, 0.5
# What lies along +x in views along diagonals: c* as in the view along [010] whose place [1-10]
# takes; of the equal ones in a cube one, so that no rounding decides.
ALONG_X = {(1, -1, 0): (0, 0, 1), (1, 1, 1): (1, 0, -1)}


@dataclass(frozen=True)
class Detector:
    """Describe a flat detector across the beam.

    Parameters
    ----------
    size : int
        Pixels along each edge.
    pixel_size, distance : float
        In mm.
    wavelength : float
        In Å.
    center : tuple of float, optional
        Where the direct beam strikes, (column, row) in pixels; the middle by default.

    Examples
    --------
    >>> from crystalsym.diffraction import Detector
    >>> detector = Detector.for_q_max(256, 1.457, distance=1000.0, wavelength=0.035)
    >>> round(detector.pixel_size, 4), round(detector.q_per_pixel, 5)
    (0.4, 0.01143)
    """

    size: int
    pixel_size: float
    distance: float
    wavelength: float
    center: tuple[float, float] | None = None

    @classmethod
    def for_q_max(
        cls,
        size: int,
        q_max: float,
        distance: float,
        wavelength: float,
        center: tuple[float, float] | None = None,
    ) -> Detector:
        """Make the detector whose outermost pixel center, on the axes, is at a given |q|.

        The relation is that of small angles, X = λ D q.

        Parameters
        ----------
        size : int
            Pixels along each edge.
        q_max : float
            1/Å.
        distance : float
            To the crystal, mm.
        wavelength : float
            In Å.
        center : tuple of float, optional
            Beam (column, row), by default the middle.
        """
        pixel = q_max * wavelength * distance / ((size - 1) / 2)
        return cls(size, pixel, distance, wavelength, center)

    @property
    def beam(self) -> tuple[float, float]:
        """Beam center (column, row) in pixels."""
        middle = (self.size - 1) / 2
        return (middle, middle) if self.center is None else self.center

    @property
    def q_per_pixel(self) -> float:
        """Scattering vector per pixel near the beam, 1/Å."""
        return self.pixel_size / self.distance / self.wavelength

    @property
    def q_edge(self) -> float:
        """Scattering vector at the outermost pixel centers on the axes, 1/Å, the beam central."""
        return self.q_per_pixel * (self.size - 1) / 2

    def reach(self, margin: float = 0.0) -> np.ndarray:
        """Measure how far the detector extends from the beam.

        Parameters
        ----------
        margin : float, default=0.0
            Pixels beyond the edge that count as well.

        Returns
        -------
        ndarray of shape (2, 2)
            Toward -x, +x and -y, +y, in 1/Å.
        """
        return self.q_per_pixel * np.array(
            [[start + margin, self.size - 1 - start + margin] for start in self.beam]
        )

    def distances(self) -> np.ndarray:
        """Compute how far every pixel center is from the beam, 1/Å, shape (size, size)."""
        x, y = self.offsets()
        return np.hypot(x[None, :], y[:, None]) / self.pixel_size * self.q_per_pixel

    def offsets(self) -> tuple[np.ndarray, np.ndarray]:
        """Compute column and row offsets from the beam in mm, each of shape (size,)."""
        index = np.arange(self.size)
        return (index - self.beam[0]) * self.pixel_size, (index - self.beam[1]) * self.pixel_size

    def scattering_vectors(self, ewald: str = "sphere") -> np.ndarray:
        """Compute q of every pixel center in the laboratory frame, 1/Å.

        The result has shape (size, size, 3).

        Parameters
        ----------
        ewald : {"sphere", "flat"}, default="sphere"
            ``"sphere"`` keeps the curvature of the Ewald sphere: q = (X/l, Y/l, D/l - 1)/λ.
            ``"flat"`` is the limit of a distant plane, q = (X, Y, 0)/(D λ).
        """
        x, y = self.offsets()
        if ewald == "flat":
            q = np.zeros((self.size, self.size, 3))
            q[..., 0] = x[None, :]
            q[..., 1] = y[:, None]
            return q / (self.distance * self.wavelength)
        path = np.sqrt(x[None, :] ** 2 + y[:, None] ** 2 + self.distance**2)
        q = np.empty((self.size, self.size, 3))
        q[..., 0] = x[None, :] / path
        q[..., 1] = y[:, None] / path
        q[..., 2] = self.distance / path - 1
        return q / self.wavelength

    def solid_angle(self, ewald: str = "sphere") -> np.ndarray:
        """Compute the solid angle of each pixel, shape (size, size).

        Parameters
        ----------
        ewald : {"sphere", "flat"}, default="sphere"
            (p/D)² (D/l)³ on the sphere, (p/D)² for the flat surface.
        """
        if ewald == "flat":
            return np.full((self.size, self.size), (self.pixel_size / self.distance) ** 2)
        x, y = self.offsets()
        path = np.sqrt(x[None, :] ** 2 + y[:, None] ** 2 + self.distance**2)
        return (self.pixel_size / self.distance) ** 2 * (self.distance / path) ** 3

    def polarization_factor(self, polarization: str = "ignore") -> np.ndarray:
        """Compute the Thomson polarization factor of each pixel, shape (size, size).

        Parameters
        ----------
        polarization : {"ignore", "unpolarized", "horizontal", "vertical"}, default="ignore"
            Of the incident X-rays.

        Raises
        ------
        ValueError
            If the polarization is unknown.
        """
        x, y = self.offsets()
        return self.polarization_at(x[None, :], y[:, None], polarization)

    def polarization_at(
        self, x: np.ndarray, y: np.ndarray, polarization: str = "ignore"
    ) -> np.ndarray:
        """Compute the Thomson polarization factor at offsets from the beam.

        Parameters
        ----------
        x, y : ndarray
            Offsets in mm.
        polarization : {"ignore", "unpolarized", "horizontal", "vertical"}, default="ignore"

        Raises
        ------
        ValueError
            If the polarization is unknown.
        """
        if polarization not in POLARIZATIONS:
            raise ValueError(f"polarization must be one of {POLARIZATIONS}, got {polarization!r}")
        path2 = x**2 + y**2 + self.distance**2
        horizontal = 1 - x**2 / path2
        vertical = 1 - y**2 / path2
        if polarization == "horizontal":
            return horizontal
        if polarization == "vertical":
            return vertical
        if polarization == "unpolarized":
            return (horizontal + vertical) / 2
        return np.ones_like(path2)


@dataclass(frozen=True)
class View:
    """Hold one way to look at a crystal.

    Parameters
    ----------
    rotation : ndarray of shape (3, 3)
        Takes crystal to laboratory coordinates, r_lab = R r_crystal; its rows are image +x,
        image +y and the beam.
    zone : tuple of int, optional
        The beam's lattice direction [uvw] if it has one.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.diffraction import resolve_views
    >>> view = resolve_views([[0, 0, 1]], np.eye(3))[0]
    >>> view.zone, view.rotation[2].tolist()
    ((0, 0, 1), [0.0, 0.0, 1.0])
    """

    rotation: np.ndarray
    zone: tuple[int, int, int] | None = None


def resolve_views(views, lattice: np.ndarray | None) -> list[View]:
    """Find the views of one crystal.

    Parameters
    ----------
    views : str or array-like
        ``"zone-axes"`` (beam along [100], [010], [001]), ``"symmetry-directions"`` (see
        :func:`symmetry_directions`), ``"cartesian"`` (beam along the Cartesian x, y, z),
        ``"rotations"`` (crystal turned by +45° about x, y, z, beam along z), ``"rotation-pairs"``
        (by -45° and +45° about x, about y, about z: six views), integers [u, v, w] of shape
        (n, 3), or rotation matrices of shape (n, 3, 3).
    lattice : ndarray of shape (3, 3) or None
        Lattice vectors as rows, Å. Zone axes need it.

    Returns
    -------
    list of View

    Raises
    ------
    ValueError
        If the views are of no such kind, or zone axes without a lattice.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.diffraction import resolve_views
    >>> [view.zone for view in resolve_views("zone-axes", np.eye(3))]
    [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    """
    if isinstance(views, str):
        if views == "zone-axes":
            known = _known(lattice)
            return [View(_principal_rotation(known, axis), _unit(axis)) for axis in range(3)]
        if views == "symmetry-directions":
            known = _known(lattice)
            return [_symmetry_view(known, zone) for zone in symmetry_directions(known)]
        if views == "cartesian":
            return [View(np.roll(np.eye(3), -1 - axis, axis=0)) for axis in range(3)]
        if views == "rotations":
            return [View(_rotation_about(axis, math.pi / 4)) for axis in range(3)]
        if views == "rotation-pairs":
            turns = [(axis, sign * math.pi / 4) for axis in range(3) for sign in (-1, 1)]
            return [View(_rotation_about(axis, angle)) for axis, angle in turns]
        raise ValueError(
            f"views must be one of {tuple(VIEW_FAMILIES)}, an (n, 3) list of [u, v, w], or"
            f" (n, 3, 3) rotation matrices; got {views!r}"
        )
    array = np.asarray(views, dtype=float)
    if array.ndim == 3 and array.shape[1:] == (3, 3):
        for index, rotation in enumerate(array):
            if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-6):
                raise ValueError(f"views[{index}] is no rotation matrix: R Rᵀ differs from 1")
            if np.linalg.det(rotation) < 0:
                raise ValueError(f"views[{index}] is no rotation matrix: it mirrors (det R = -1)")
        return [View(rotation) for rotation in array]
    if array.ndim == 2 and array.shape[1] == 3 and len(array):
        if not np.allclose(array, np.round(array)) or not array.any(axis=1).all():
            raise ValueError("zone axes [u, v, w] must be integers and not all zero")
        zones = [(round(u), round(v), round(w)) for u, v, w in array.tolist()]
        return [View(zone_axis_rotation(_known(lattice), zone), zone) for zone in zones]
    if array.ndim == 0:
        raise ValueError(
            f"views must be one of {tuple(VIEW_FAMILIES)}, zone axes or rotation matrices, got"
            f" {views!r}; the number of pixels is image_size"
        )
    raise ValueError(f"views of shape {array.shape}: give (n, 3) zone axes or (n, 3, 3) rotations")


def symmetry_directions(lattice: np.ndarray) -> list[tuple[int, int, int]]:
    """Find three zone axes that show what three patterns of such a cell can show.

    Where a and b are equal, [010] repeats or mirrors what [100] shows; the diagonals that the
    Hermann-Mauguin symbol names there show more. The cell's edges and angles alone decide, so
    that the choice tells no more of the symmetry than any pattern's spacings do.

    Parameters
    ----------
    lattice : ndarray of shape (3, 3)
        Vectors of the standard conventional cell as rows, Å.

    Returns
    -------
    list of tuple of int
        [100], [010], [001]; [100], [1-10], [001] if a = b (to 0.05 %), c is normal to both (to
        0.5°) and they make 90° or 120°; [111], [1-10], [001] if the cell is a cube.

    References
    ----------
    International Tables for Crystallography A, table 2.1.3.1: the lattice symmetry directions.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.diffraction import symmetry_directions
    >>> symmetry_directions(np.diag([3.0, 3.0, 5.0]))
    [(1, 0, 0), (1, -1, 0), (0, 0, 1)]
    """
    zones = symmetry_zones(np.asarray(lattice, dtype=float)[None])[0]
    return [(u, v, w) for u, v, w in zones.tolist()]


def symmetry_zones(lattices: np.ndarray) -> np.ndarray:
    """Find :func:`symmetry_directions` of many cells (n, 3, 3), int of shape (n, 3, 3)."""
    metric = lattices @ lattices.transpose(0, 2, 1)
    a, b, c = np.sqrt(np.einsum("nii->in", metric))
    alpha, beta, gamma = (
        np.degrees(np.arccos(np.clip(metric[:, i, j] / (one * other), -1, 1)))
        for i, j, one, other in ((1, 2, b, c), (0, 2, a, c), (0, 1, a, b))
    )
    normal = (np.abs(alpha - 90) < EQUAL_ANGLES) & (np.abs(beta - 90) < EQUAL_ANGLES)
    square, hexagonal = np.abs(gamma - 90) < EQUAL_ANGLES, np.abs(gamma - 120) < EQUAL_ANGLES
    equal = normal & (square | hexagonal) & (np.abs(a / b - 1) < EQUAL_EDGES)
    zones = np.tile(np.eye(3, dtype=np.int16), (len(lattices), 1, 1))
    zones[equal, 1] = (1, -1, 0)
    zones[equal & square & (np.abs(c / a - 1) < EQUAL_EDGES), 0] = (1, 1, 1)
    return zones


def _symmetry_view(lattice: np.ndarray, zone: tuple[int, int, int]) -> View:
    if zone not in ALONG_X:
        return View(zone_axis_rotation(lattice, zone), zone)
    reciprocal = np.linalg.inv(lattice).T
    return View(_frame(np.array(ALONG_X[zone]) @ reciprocal, np.asarray(zone) @ lattice), zone)


def _known(lattice: np.ndarray | None) -> np.ndarray:
    if lattice is None:
        raise ValueError(
            "a cluster without a lattice has no zone axes: give it one, or use views"
            ' "cartesian", "rotations" or rotation matrices'
        )
    return lattice


def zone_axis_rotation(lattice: np.ndarray, zone: tuple[int, int, int]) -> np.ndarray:
    """Find the rotation that puts [uvw] along the beam.

    Image +x lies along b*, c*, a* for [100], [010], [001], else along the shortest reciprocal
    vector of the zone (ties: lexicographically largest hkl); +y = beam x (+x).

    Parameters
    ----------
    lattice : ndarray of shape (3, 3)
    zone : tuple of int

    Returns
    -------
    ndarray of shape (3, 3)

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.diffraction import zone_axis_rotation
    >>> zone_axis_rotation(np.diag([3.0, 4.0, 5.0]), (1, 0, 0)).tolist()     # +x along b*
    [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    for axis in range(3):
        if tuple(zone) == _unit(axis):
            return _principal_rotation(lattice, axis)
    reciprocal = np.linalg.inv(lattice).T
    along = np.asarray(shortest_reflection(reciprocal, zone)) @ reciprocal
    return _frame(along, np.asarray(zone) @ lattice)


def shortest_reflection(reciprocal: np.ndarray, zone: tuple[int, int, int]) -> tuple[int, int, int]:
    """Find the shortest hkl with hu + kv + lw = 0 (ties: lexicographically largest).

    Parameters
    ----------
    reciprocal : ndarray of shape (3, 3)
        Reciprocal vectors as rows, 1/Å.
    zone : tuple of int
        [uvw].

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.diffraction import shortest_reflection
    >>> shortest_reflection(np.diag([1 / 3, 1 / 4, 1 / 5]), (1, 1, 0))
    (0, 0, 1)
    """
    u, v, w = zone
    # Three vectors of the zone bound its shortest one, and so the box to search.
    known = [np.array(t) for t in ((v, -u, 0), (w, 0, -u), (0, w, -v)) if any(t)]
    bound = min(np.linalg.norm(t @ reciprocal) for t in known) * (1 + 1e-9)
    edges = np.linalg.norm(np.linalg.inv(reciprocal), axis=0)
    spans = [range(-int(bound * edge), int(bound * edge) + 1) for edge in edges]
    in_zone = [
        hkl for hkl in product(*spans) if any(hkl) and not hkl[0] * u + hkl[1] * v + hkl[2] * w
    ]
    lengths = np.linalg.norm(np.array(in_zone) @ reciprocal, axis=1)
    shortest = lengths <= lengths.min() + 1e-9 * bound
    h, k, index_l = max(hkl for hkl, short in zip(in_zone, shortest, strict=True) if short)
    return h, k, index_l


def _unit(axis: int) -> tuple[int, int, int]:
    return tuple(int(i == axis) for i in range(3))  # type: ignore[return-value]


def _principal_rotation(lattice: np.ndarray, axis: int) -> np.ndarray:
    reciprocal = np.linalg.inv(lattice).T
    return _frame(reciprocal[(axis + 1) % 3], lattice[axis])


def _frame(along_x: np.ndarray, beam: np.ndarray) -> np.ndarray:
    x = along_x / math.sqrt(along_x @ along_x)
    z = beam / math.sqrt(beam @ beam)
    y = np.array([z[1] * x[2] - z[2] * x[1], z[2] * x[0] - z[0] * x[2], z[0] * x[1] - z[1] * x[0]])
    return np.array([x, y, z])


def _rotation_about(axis: int, angle: float) -> np.ndarray:
    i, j = (axis + 1) % 3, (axis + 2) % 3
    rotation = np.eye(3)
    rotation[i, i] = rotation[j, j] = math.cos(angle)
    rotation[i, j], rotation[j, i] = -math.sin(angle), math.sin(angle)
    return rotation
