"""The laboratory: which scattering vector each pixel sees, and how a crystal stands in the beam.

Laboratory frame: beam along +z, image columns along +x, rows along +y. Scattering vectors are
q = (k' - k) with |k| = 1/λ, so that |q| = 1/d.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

POLARIZATIONS = ("ignore", "unpolarized", "horizontal", "vertical")


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
