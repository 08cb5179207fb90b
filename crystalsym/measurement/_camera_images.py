"""Spots -> images as a camera records them, with what goes wrong on the way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy import ndimage

from crystalsym.diffraction import SpotPatterns
from crystalsym.diffraction._spot_drawing import draw_spots
from crystalsym.measurement._pattern import Pattern
from crystalsym.scattering import electron_wavelength

LARGEST_VALUE = 65535
# Drawn spots end where they fall below this part of the strongest.
FAINTEST = 1e-7
# The diffuse background halves at this part of the field's radius, over a constant floor.
DIFFUSE_RADIUS, DIFFUSE_FLOOR = 0.3, 0.3
# A detector's point spread has a core and, in this part of the light, a wide halo (pixels).
HALO_SHARE, HALO_WIDTH = 0.03, 6.0
# Impurity spots: intensities in parts of the strongest, even in their logarithm.
IMPURITY_RANGE = (3e-3, 0.2)
AZIMUTHS = 72  # of a precessing beam
MODULES = 4  # of a detector with gaps, along each edge
Strength = float | tuple[float, float]


class CameraImages:
    """Draw the spots of patterns as 16-bit images of a camera.

    Strengths are numbers, or ranges that each crystal's or image's own is drawn from. The
    defaults are those of a perfect camera in front of a perfect crystal: everything that goes
    wrong has to be asked for, and every one alone can be. The draws depend on ``random_state`` and
    on the row alone.

    Parameters
    ----------
    image_size : int, default=1024
        Pixels along each edge.
    q_max : float, default=1.457
        Scattering vector at the middle of the edges, 1/Å, by the scale written in the header.
    spot_sigma : float or (float, float), default=2.0
        Width of spots in pixels.
    counts : float, default=1e4
        At the peak of each image's strongest spot.
    poisson : bool, default=True
        Counting statistics. Without them values are rounded.
    background : float or (float, float), default=0.0
        Diffuse light at the beam, in parts of ``counts``; it falls to three tenths outward.
    off_center : float or (float, float), default=0.0
        Pixels between the beam and the image's middle, in a direction of each image's own.
    rotate : bool, default=False
        Turn each image by an angle of its own.
    mirror : bool, default=False
        Show each image as seen from behind, or not, at random.
    direct_beam : float, default=0.0
        Peak of the direct beam in parts of ``counts``.
    beam_stop : float or (float, float), default=0.0
        Radius in pixels of the disc in front of the beam, held by a bar as wide as the radius
        that runs to the edge.
    scale_error : float, default=0.0
        The true scale differs from the header's by this part, either way, crystal by crystal.
    position_error : float, default=0.0
        Standard deviation of the spots' places, pixels.
    tilt : float or (float, float), default=0.0
        Degrees between the beam and the zone axis. It acts where ``thickness`` is given.
    precession : float, default=0.0
        Degrees between the beam and the axis that it goes round while an image is taken. It acts
        where ``thickness`` is given.
    thickness : float or (float, float), optional
        Of the crystal along the beam, Å: intensities fall by sinc²(s t), s the distance of a
        reflection from the Ewald sphere. By default the sphere is flat and the crystal thin.
    voltage : float, default=200.0
        Of the electrons, kV.
    saturation : float, default=65535
        Largest value that the camera tells.
    point_spread : float, default=0.0
        Width in pixels of the detector's response, which has a wide halo, too.
    hot_pixels, dead_rows : int, default=0
        How many of either an image has.
    gaps : int, default=0
        Width in pixels of the gaps between the detector's 4 x 4 modules, whose value is -1.
    impurity_spots : int, default=0
        Spots that are no points of the lattice.
    random_state : int, default=0
        Seed.

    Examples
    --------
    >>> from crystalsym import DiffractionSimulator
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.measurement import CameraImages
    >>> spots = DiffractionSimulator(output="spots").transform([example_crystals()["NaCl"]])
    >>> camera = CameraImages(image_size=256, background=0.01, off_center=4.0, random_state=1)
    >>> x, y, z = camera.render(spots)[0]
    >>> x.image.shape, x.bit_depth, x.center is None, len(x.metadata["rendered"]["center"])
    ((256, 256), 16, True, 2)
    """

    def __init__(
        self,
        image_size: int = 1024,
        q_max: float = 1.457,
        *,
        spot_sigma: Strength = 2.0,
        counts: float = 1e4,
        poisson: bool = True,
        background: Strength = 0.0,
        off_center: Strength = 0.0,
        rotate: bool = False,
        mirror: bool = False,
        direct_beam: float = 0.0,
        beam_stop: Strength = 0.0,
        scale_error: float = 0.0,
        position_error: float = 0.0,
        tilt: Strength = 0.0,
        precession: float = 0.0,
        thickness: Strength | None = None,
        voltage: float = 200.0,
        saturation: float = LARGEST_VALUE,
        point_spread: float = 0.0,
        hot_pixels: int = 0,
        dead_rows: int = 0,
        gaps: int = 0,
        impurity_spots: int = 0,
        random_state: int = 0,
    ):
        self.image_size = image_size
        self.q_max = q_max
        self.spot_sigma = spot_sigma
        self.counts = counts
        self.poisson = poisson
        self.background = background
        self.off_center = off_center
        self.rotate = rotate
        self.mirror = mirror
        self.direct_beam = direct_beam
        self.beam_stop = beam_stop
        self.scale_error = scale_error
        self.position_error = position_error
        self.tilt = tilt
        self.precession = precession
        self.thickness = thickness
        self.voltage = voltage
        self.saturation = saturation
        self.point_spread = point_spread
        self.hot_pixels = hot_pixels
        self.dead_rows = dead_rows
        self.gaps = gaps
        self.impurity_spots = impurity_spots
        self.random_state = random_state

    def render(self, spots: SpotPatterns, rows: Sequence[int] | None = None) -> list[list[Pattern]]:
        """Draw every pattern.

        Parameters
        ----------
        spots : SpotPatterns
            Of linear intensity, in 1/Å.
        rows : sequence of int, optional
            Numbers of the crystals for the draws; by default 0, 1, 2 ...

        Returns
        -------
        list of list of Pattern
            For each crystal its images: whole numbers up to ``saturation``, the scale of the
            header, no center. ``metadata["rendered"]`` says what is true: center, angle, mirrored,
            scale, spot_sigma, tilt, thickness.

        Raises
        ------
        ValueError
            If a parameter is out of range, or a pattern holds no spot.
        """
        self._check()
        numbers = range(len(spots)) if rows is None else rows
        return [self._crystal(spots[i], int(number)) for i, number in enumerate(numbers)]

    def _crystal(self, spots: SpotPatterns, number: int) -> list[Pattern]:
        rng = np.random.default_rng([int(self.random_state), number])
        scale = 1 + self.scale_error * rng.choice([-1.0, 1.0])
        common = {
            "scale": float(scale),
            "spot_sigma": _drawn(rng, self.spot_sigma),
            "thickness": None if self.thickness is None else _drawn(rng, self.thickness),
        }
        images = []
        for view in range(spots.n_views):
            own = np.random.default_rng([int(self.random_state), number, view])
            pattern = spots.pattern(0, view)
            if not len(pattern) or not pattern.intensity.max() > 0:
                raise ValueError(f"pattern {view} of crystal {number} holds no spot to draw")
            q = np.asarray(pattern.q, dtype=np.float64)
            intensity = np.asarray(pattern.intensity, dtype=np.float64)
            images.append(self._image(q, intensity, common, own))
        return images

    def _image(
        self,
        q: np.ndarray,
        intensity: np.ndarray,
        common: dict[str, Any],
        rng: np.random.Generator,
    ) -> Pattern:
        """One camera image of spots at q, 1/Å."""
        size = self.image_size
        pitch = 2 * self.q_max / (size - 1)
        truth = {**common, **self._geometry(rng)}
        if truth["thickness"] is not None:
            intensity = intensity * self._excited(q, truth, rng)
        places = _turned(q, truth["angle"], truth["mirrored"]) / (pitch * truth["scale"])
        places += rng.normal(0, self.position_error, places.shape) if self.position_error else 0.0
        places += truth["center"]
        image = self._light(places, intensity / intensity.max(), truth, rng)
        image = self._behind_stop(image, truth, rng)
        image = self._recorded(image, rng)
        return Pattern(image, pitch, None, 16, None, {"rendered": truth})

    def _geometry(self, rng: np.random.Generator) -> dict[str, Any]:
        """Where the beam is and how the image is turned."""
        away, toward = _drawn(rng, self.off_center), rng.uniform(0, 2 * math.pi)
        middle = (self.image_size - 1) / 2
        angle = rng.uniform(0, 360.0)
        mirrored = bool(rng.random() < 0.5)
        return {
            "center": [middle + away * math.cos(toward), middle + away * math.sin(toward)],
            "angle": float(angle) if self.rotate else 0.0,
            "mirrored": mirrored and self.mirror,
            "tilt": _drawn(rng, self.tilt),
        }

    def _excited(
        self, q: np.ndarray, truth: dict[str, Any], rng: np.random.Generator
    ) -> np.ndarray:
        """What is left of intensities off the Ewald sphere, sinc²(s t)."""
        toward = rng.uniform(0, 2 * math.pi)
        slope = math.tan(math.radians(truth["tilt"]))
        along = q @ [math.cos(toward), math.sin(toward)]
        error = slope * along - electron_wavelength(self.voltage) / 2 * (q**2).sum(axis=1)
        if not self.precession:
            return np.sinc(error * truth["thickness"]) ** 2
        azimuth = 2 * math.pi * np.arange(AZIMUTHS) / AZIMUTHS
        swing = math.tan(math.radians(self.precession)) * np.hypot(*q.T)
        swung = error[:, None] + swing[:, None] * np.cos(azimuth)
        return (np.sinc(swung * truth["thickness"]) ** 2).mean(axis=1)

    def _light(
        self,
        places: np.ndarray,
        relative: np.ndarray,
        truth: dict[str, Any],
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Expected counts without stop or detector."""
        size = self.image_size
        if self.impurity_spots:
            strays = rng.uniform(0, size - 1, (self.impurity_spots, 2))
            least, most = np.log(IMPURITY_RANGE)
            heights = np.exp(rng.uniform(least, most, self.impurity_spots))
            places, relative = np.concatenate([places, strays]), np.append(relative, heights)
        if self.direct_beam:
            places = np.concatenate([places, [truth["center"]]])
            relative = np.append(relative, self.direct_beam)
        image = np.zeros((size, size), dtype=np.float32)
        columns, rows = np.ascontiguousarray(places.T)
        draw_spots(image, columns, rows, relative * self.counts, truth["spot_sigma"], FAINTEST)
        level = _drawn(rng, self.background) * self.counts
        if level:
            r = np.hypot(*self._offsets(truth)) / (DIFFUSE_RADIUS * size / 2)
            image += level * (DIFFUSE_FLOOR + (1 - DIFFUSE_FLOOR) / (1 + r**2))
        return image

    def _behind_stop(
        self, image: np.ndarray, truth: dict[str, Any], rng: np.random.Generator
    ) -> np.ndarray:
        radius, toward = _drawn(rng, self.beam_stop), rng.uniform(0, 2 * math.pi)
        if radius:
            x, y = self._offsets(truth)
            along = x * math.cos(toward) + y * math.sin(toward)
            across = y * math.cos(toward) - x * math.sin(toward)
            hidden = (np.hypot(x, y) < radius) | ((along > 0) & (np.abs(across) < radius / 2))
            image[hidden] = 0
        return image

    def _offsets(self, truth: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        index = np.arange(self.image_size, dtype=np.float32)
        column, row = truth["center"]
        return np.broadcast_arrays(index[None, :] - column, index[:, None] - row)  # type: ignore[return-value]

    def _recorded(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """What the detector makes of expected counts."""
        if self.point_spread:
            core = ndimage.gaussian_filter(image, self.point_spread)
            halo = ndimage.gaussian_filter(image, HALO_WIDTH)
            image = (1 - HALO_SHARE) * core + HALO_SHARE * halo
        counts = rng.poisson(image) if self.poisson else np.rint(image)
        size = self.image_size
        if self.hot_pixels:
            columns, rows = rng.integers(0, size, (2, self.hot_pixels))
            counts[rows, columns] = rng.integers(int(self.counts), LARGEST_VALUE, self.hot_pixels)
        if self.dead_rows:
            counts[rng.integers(0, size, self.dead_rows)] = 0
        recorded = np.minimum(counts, self.saturation).astype(np.float32)
        for middle in size * np.arange(1, MODULES) // MODULES if self.gaps else ():
            part = slice(middle - self.gaps // 2, middle - self.gaps // 2 + self.gaps)
            recorded[part], recorded[:, part] = -1, -1
        return recorded

    def _check(self) -> None:
        for name in ("image_size", "hot_pixels", "dead_rows", "gaps", "impurity_spots"):
            value = getattr(self, name)
            least = 32 if name == "image_size" else 0
            if not isinstance(value, Integral) or value < least:
                raise ValueError(f"{name} must be an integer from {least} on, got {value!r}")
        for name in ("q_max", "counts", "voltage", "saturation"):
            value = getattr(self, name)
            if not isinstance(value, Real) or not float(value) > 0:
                raise ValueError(f"{name} must be a positive number, got {value!r}")
        strengths = (
            "spot_sigma",
            "background",
            "off_center",
            "beam_stop",
            "tilt",
            "direct_beam",
            "precession",
        )
        for name in (*strengths, "scale_error", "position_error", "point_spread", "thickness"):
            value = getattr(self, name)
            bounds = np.atleast_1d(0.0 if value is None else value)
            if len(bounds) > 2 or not np.all(bounds >= 0) or np.any(np.diff(bounds) < 0):
                raise ValueError(
                    f"{name} must be a number from 0 on or a rising range of two, got {value!r}"
                )


def _drawn(rng: np.random.Generator, strength: Strength) -> float:
    low, high = (strength, strength) if np.ndim(strength) == 0 else strength  # type: ignore[misc]
    return float(rng.uniform(low, high))


def _turned(q: np.ndarray, angle: float, mirrored: bool) -> np.ndarray:
    """Places after a mirror across x and a turn by an angle in degrees."""
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    if mirrored:
        q = q * [1.0, -1.0]
    return q @ np.array([[cosine, sine], [-sine, cosine]])
