"""The transformer from three images of each crystal to the spots of its patterns."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import permutations
from numbers import Real
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, TransformerMixin

from crystalsym import _provenance
from crystalsym._images import ImageOutputMixin
from crystalsym._progress import track
from crystalsym.diffraction import SpotPatterns
from crystalsym.measurement._found_crystal import FoundCrystal, find_crystal
from crystalsym.measurement._found_pattern import FindingSettings
from crystalsym.measurement._found_spots import missing_spots, turned_spots
from crystalsym.measurement._image_refusals import PatternRefused
from crystalsym.measurement._image_triples import image_triples
from crystalsym.measurement._pattern import Pattern, positive
from crystalsym.measurement._pattern_turning import Turning
from crystalsym.measurement._zone_symbols import parse_zones
from crystalsym.scattering import electron_wavelength

ORDERS = ("any", *map("".join, permutations("xyz")))


class SpotFinder(ImageOutputMixin, TransformerMixin, BaseEstimator):
    """Find the spots of camera images.

    Of each image, bad pixels and the diffuse ground are taken off, spots are found by their
    significance, the direct beam as the middle of Friedel pairs, whether it is seen or not, and the
    plane lattice that spots lie on. Then all points of the lattice are measured, weak ones too,
    spots that overlap told apart. The three images of a crystal are turned so that rows of their
    lattices lie as in patterns simulated along zone axes.

    Parameters
    ----------
    q_per_pixel : float, optional
        Length of a pixel, 1/Å. By default that of each :class:`Pattern`, or what follows says.
    camera_length, pixel_size : float, optional
        Both in mm; with one of ``wavelength`` and ``voltage`` they give the scale.
    wavelength : float, optional
        Å.
    voltage : float, optional
        Of electrons, kV.
    q_max : float, optional
        Radius of the field that the spots are given of, 1/Å; 1.457 for the bundled models. What
        of it the image does not show is hidden. By default as far as each image goes on its
        nearest side of the beam.
    center : tuple of float, optional
        Direct beam (column, row) of every image; by default that of each :class:`Pattern`, or
        found.
    mask : ndarray of bool, shape (H, W), optional
        True where images hold no measurement.
    threshold : float, default=5.0
        Least significance of a peak, in standard deviations of noise.
    significance : float, default=4.0
        Least significance of the intensity at a point of the lattice.
    search_radius : float, default=0.25
        How far from the middle the direct beam may be, in parts of the image's longer side.
    zones : sequence of three zone axes, optional
        ``["100", "1-10", "001"]`` or whole numbers (3, 3): along which the images were taken, in
        axes of your own. Then the lattices give the cell and every spot its indices
        (:meth:`FoundCrystal.reflections`), and the order of the images follows.
    order : str, default="xyz"
        Which zone each image is: "zxy" says that the first is z, the second x, the third y. "any":
        they are put into an order that their lattices decide, as far as these can.
    on_refusal : {"raise", "nan"}, default="raise"
        Whether a crystal whose images are not answered raises, or gives a missing row and a
        warning with the reason.
    n_jobs : int, optional
        Parallel jobs through joblib.
    verbose : int, default=0
        Show progress when positive.

    See Also
    --------
    CameraImages : Images to try it on.

    Examples
    --------
    >>> from crystalsym import DiffractionSimulator, load_pretrained
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.measurement import CameraImages, SpotFinder
    >>> crystals = [example_crystals()["TiO2-rutile"]]
    >>> spots = DiffractionSimulator(output="spots").transform(crystals)
    >>> camera = CameraImages(512, background=0.01, off_center=9, rotate=True, beam_stop=12)
    >>> images = camera.render(spots)
    >>> found = SpotFinder(q_max=1.457).transform(images)
    >>> found.shape, load_pretrained("72")[1:].predict(found).tolist()
    ((1, 3), [136])
    """

    def __init__(
        self,
        q_per_pixel: float | None = None,
        *,
        camera_length: float | None = None,
        pixel_size: float | None = None,
        wavelength: float | None = None,
        voltage: float | None = None,
        q_max: float | None = None,
        center: tuple[float, float] | None = None,
        mask: np.ndarray | None = None,
        threshold: float = 5.0,
        significance: float = 4.0,
        search_radius: float = 0.25,
        zones: Any = None,
        order: str = "xyz",
        on_refusal: str = "raise",
        n_jobs: int | None = None,
        verbose: int = 0,
    ):
        self.q_per_pixel = q_per_pixel
        self.camera_length = camera_length
        self.pixel_size = pixel_size
        self.wavelength = wavelength
        self.voltage = voltage
        self.q_max = q_max
        self.center = center
        self.mask = mask
        self.threshold = threshold
        self.significance = significance
        self.search_radius = search_radius
        self.zones = zones
        self.order = order
        self.on_refusal = on_refusal
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: Any = None, y: Any = None) -> SpotFinder:
        """Check the parameters; there is nothing to learn.

        Parameters
        ----------
        X : images as :meth:`transform` takes them, optional
        y : ignored

        Returns
        -------
        SpotFinder
        """
        self._check()
        if X is not None:
            image_triples(X, self._scale(), self.mask)
        return self

    def transform(self, X: Any) -> SpotPatterns:
        """Find the spots of every crystal's three images.

        Parameters
        ----------
        X : array-like of shape (n, 3, H, W), or sequence of triples of arrays or Patterns
            Linear intensity, images of any sizes. HyperSpy and pyxem signals take the place of
            an image, of a triple (navigated by 3) or of all (by 3 and n).

        Returns
        -------
        SpotPatterns
            n crystals in 3 views, one spot of each Friedel pair, in the frame of simulated zone
            axes, with indices, basis, sigma and a mask of what was hidden. Refused crystals are
            missing rows.

        Raises
        ------
        PatternRefused
            If a crystal's images are not answered and ``on_refusal="raise"``.
        ValueError, TypeError
            If X is no such sequence, or the scale is not known.
        """
        made_by = (_provenance.step(self),)
        parts = []
        for row, crystal in enumerate(self.find(X)):
            if crystal.refused is None:
                parts.append(self.spots(crystal))
                continue
            message = f"crystal {row}, {crystal.refused}"
            if self.on_refusal == "raise":
                raise PatternRefused(message)
            warnings.warn(f"{message}; its row is missing", stacklevel=2)
            parts.append(missing_spots())
        if not parts:
            parts = [missing_spots()[:0]]
        joined = SpotPatterns.concatenate(parts)
        object.__setattr__(joined, "made_by", made_by)
        return joined

    def find(self, X: Any) -> list[FoundCrystal]:
        """Find everything in every crystal's three images, for figures and reports.

        Parameters
        ----------
        X : as in :meth:`transform`

        Returns
        -------
        list of FoundCrystal
            Refused ones among them, whatever ``on_refusal`` says.

        Raises
        ------
        ValueError, TypeError
            As :meth:`transform`.
        """
        self._check()
        crystals = image_triples(X, self._scale(), self.mask)
        with track(len(crystals), "finding spots", self.verbose, unit="crystals") as advance:
            if self.n_jobs in (None, 1):
                found = []
                for crystal in crystals:
                    found.append(self._find_crystal(crystal))
                    advance(1)
                return found
            found = Parallel(n_jobs=self.n_jobs)(
                delayed(self._find_crystal)(crystal) for crystal in crystals
            )
            advance(len(crystals))
        return list(found)

    def _find_crystal(self, patterns: Sequence[Pattern]) -> FoundCrystal:
        settings = FindingSettings(
            float(self.threshold), float(self.significance), float(self.search_radius)
        )
        return find_crystal(patterns, settings, self.order, self.zones, self.center, self.mask)

    def spots(self, crystal: FoundCrystal, turning: Turning | None = None) -> SpotPatterns:
        """Give what was found in a crystal's images as a row of patterns.

        Parameters
        ----------
        crystal : FoundCrystal
            Of :meth:`find`.
        turning : Turning, optional
            Another of its ``orders`` than its ``turning``.

        Returns
        -------
        SpotPatterns
            One crystal in the frame of simulated patterns.

        Raises
        ------
        PatternRefused
            If there is no answer.
        """
        if crystal.turning is None:
            raise PatternRefused(str(crystal.refused))
        return turned_spots(crystal.images, turning or crystal.turning, self.q_max)

    def _scale(self) -> float | None:
        """1/Å per pixel, if parameters tell."""
        if self.q_per_pixel is not None:
            return positive(self.q_per_pixel, "q_per_pixel")
        given = [self.camera_length, self.pixel_size]
        if all(value is None for value in (*given, self.wavelength, self.voltage)):
            return None
        if any(value is None for value in given) or (self.wavelength is None) == (
            self.voltage is None
        ):
            raise ValueError(
                "a scale follows from camera_length and pixel_size with one of wavelength and"
                " voltage; give all three, or q_per_pixel"
            )
        length = positive(self.camera_length, "camera_length")
        pixel = positive(self.pixel_size, "pixel_size")
        wavelength = (
            electron_wavelength(positive(self.voltage, "voltage"))
            if self.wavelength is None
            else positive(self.wavelength, "wavelength")
        )
        return pixel / length / wavelength

    def _check(self) -> None:
        for name in ("threshold", "significance", "search_radius"):
            positive(getattr(self, name), name)
        if self.q_max is not None:
            positive(self.q_max, "q_max")
        if self.zones is not None:
            parse_zones(self.zones)
        if self.order not in ORDERS:
            raise ValueError(f"order must be one of {ORDERS}, got {self.order!r}")
        if self.on_refusal not in ("raise", "nan"):
            raise ValueError(f'on_refusal must be "raise" or "nan", got {self.on_refusal!r}')
        if self.center is not None and not (
            np.shape(self.center) == (2,) and all(isinstance(c, Real) for c in self.center)
        ):
            raise ValueError(f"center must be (column, row), got {self.center!r}")
        self._scale()
