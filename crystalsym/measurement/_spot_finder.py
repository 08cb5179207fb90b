"""The transformer from three images of each crystal to the spots of its patterns."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import permutations
from numbers import Real
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, TransformerMixin

from crystalsym import _provenance
from crystalsym._images import ImageOutputMixin, looks_like_structure
from crystalsym._progress import track
from crystalsym.diffraction import Coverage, SpotPatterns
from crystalsym.measurement._found_pattern import FindingSettings, FoundPattern, find_pattern
from crystalsym.measurement._gray_scale import looks_logarithmic
from crystalsym.measurement._image_checks import check_kind
from crystalsym.measurement._image_refusals import PatternRefused
from crystalsym.measurement._indexed_turning import indexed_turning
from crystalsym.measurement._pattern import Pattern, positive
from crystalsym.measurement._pattern_turning import Turning, turnings
from crystalsym.measurement._signals import is_signal, patterns_of_signal, triples_of_signal
from crystalsym.measurement._zone_indexing import ZoneIndexing, index_zones, parse_zones
from crystalsym.measurement._zone_reflections import row_profiles, zone_reflections
from crystalsym.reflections import ReflectionList
from crystalsym.scattering import electron_wavelength

N_VIEWS = 3
MASK_SIZE = 129  # places along an edge of the field at which it is told what was hidden
# Rows that two images of one crystal share differ less: in length, and in the spots' amplitudes.
MOST_MISFIT, MOST_DISAGREEMENT = 0.004, 0.35
# Of three zones, one has a spacing as long as this, Å: nickel's are 1.2, 2.0 and 1.8.
LEAST_LONGEST = 1.5
ORDERS = ("any", *map("".join, permutations("xyz")))


@dataclass(eq=False)
class FoundCrystal:
    """Hold what was found in the three images of a crystal.

    Attributes
    ----------
    images : list of FoundPattern
    turning : Turning or None
        How they are turned into the frame of simulated patterns, and in which order they come;
        None where an image is refused.
    refused : str or None
        Why there is no answer.
    indexing : ZoneIndexing or None
        The cell, and what the images' spots are in it, where the zones were given.
    orders : list of Turning
        All orders of the images that their lattices allow, ``turning`` among them; one order
        where it was named, none where an image is refused or the zones were given.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.measurement import SpotFinder
    >>> noise = np.random.default_rng(0).poisson(10.0, (1, 3, 128, 128))
    >>> SpotFinder(q_per_pixel=0.01).find(noise)[0].refused
    'image 0: too few spots (0); image 1: too few spots (0); image 2: too few spots (0)'
    """

    images: list[FoundPattern]
    turning: Turning | None = None
    refused: str | None = None
    indexing: ZoneIndexing | None = None
    orders: list[Turning] = field(default_factory=list)

    @property
    def notes(self) -> list[str]:
        """What was undone or is doubtful, of all three."""
        return [
            f"image {i}: {note}"
            for i, one in enumerate(self.images)
            for note in (*one.notes, *one.doubts)
        ]

    @property
    def doubtful(self) -> bool:
        """Whether something speaks against the answer: an image's doubts, or unknown zones."""
        unknown = self.turning is not None and self.turning.zones == "unknown"
        return unknown or any(one.doubts for one in self.images)

    def reflections(self) -> ReflectionList:
        """Join the images to one list of reflections, in the axes that their zones are given in.

        Returns
        -------
        ReflectionList
            Weak and dark places that were looked at are listed; hidden ones are not.

        Raises
        ------
        PatternRefused
            If there is no answer, or the finder was not told the zones.
        """
        if self.indexing is None:
            raise PatternRefused(self.refused or "the zones of the images were not given")
        return zone_reflections(self.images, self.indexing)


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
            self._patterns(X)
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
            parts.append(_missing())
        if not parts:
            parts = [_missing()[:0]]
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
        crystals = self._patterns(X)
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
        images = [
            find_pattern(
                pattern.image,
                float(pattern.q_per_pixel or math.nan),
                settings,
                pattern.center if self.center is None else self.center,
                self.mask,
            )
            for pattern in patterns
        ]
        crystal = FoundCrystal(images)
        refusals = [f"image {i}: {one.refused}" for i, one in enumerate(images) if one.refused]
        if refusals:
            crystal.refused = "; ".join(refusals)
            return crystal
        crystal.refused = _too_short(images)
        if crystal.refused is not None:
            return crystal
        if looks_logarithmic([_measured(one) for one in images]):
            crystal.refused = (
                "images 0 to 2: gray follows the logarithm of intensity, strong spots being flatter"
                " than weak ones; linear intensity is needed"
            )
            return crystal
        bases = [one.basis for one in images]
        if self.zones is None:
            crystal.orders = turnings(bases, self.order)
            crystal.turning = crystal.orders[0]
            return crystal
        crystal.indexing = index_zones(bases, self.zones, row_profiles(images))
        if crystal.indexing is None:
            crystal.refused = (
                "images 0 to 2: no cell has lattices like these along the zones given; are these,"
                " their order and the scale right?"
            )
            return crystal
        crystal.refused = _wrong_zones(crystal.indexing)
        if crystal.refused is not None:
            return crystal
        crystal.turning = indexed_turning(bases, crystal.indexing)
        return crystal

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
        turning = turning or crystal.turning
        views = [crystal.images[i] for i in turning.order]
        parts, bases, limits, masks = [], [], [], []
        for one, row in zip(views, turning.rows, strict=True):
            assert one.indices is not None
            assert one.intensity is not None
            assert one.sigma is not None
            turn = np.array([[row[0], -row[1]], [row[1], row[0]]]) / math.hypot(*row)
            basis = one.basis @ turn
            q = one.indices @ basis
            q_max = self.q_max or _reach(one)
            inside = np.hypot(*q.T) <= q_max
            parts.append((q[inside], one.intensity[inside], one.sigma[inside], one.indices[inside]))
            bases.append(basis)
            limits.append(q_max)
            masks.append(_hidden(one, turn, q_max))
        q, intensity, sigma, indices = (
            np.concatenate(values) for values in zip(*parts, strict=True)
        )
        return SpotPatterns(
            q=q,
            intensity=intensity,
            starts=np.concatenate([[0], np.cumsum([len(part[1]) for part in parts])]),
            q_min=np.zeros((1, N_VIEWS)),
            q_max=np.array([limits]),
            sigma=sigma,
            indices=indices.astype(np.int16),
            basis=np.array([bases]),
            mask=np.array([masks]),
            halved=True,
        )

    def _patterns(self, X: Any) -> list[list[Pattern]]:
        """Triples of patterns with a scale."""
        if looks_like_structure(X) or isinstance(X, (str, SpotPatterns)):
            raise TypeError(f"SpotFinder takes images, got {type(X).__name__}")
        scale = self._scale()
        crystals = []
        if is_signal(X):
            X = triples_of_signal(X)
        for row, triple in enumerate(X):
            if is_signal(triple):
                triple = triples_of_signal(triple, f"crystal {row}")[0]
            if looks_like_structure(triple) or not hasattr(triple, "__len__"):
                raise TypeError(
                    f"SpotFinder takes triples of images; crystal {row} is {type(triple).__name__}"
                )
            if len(triple) != N_VIEWS:
                raise ValueError(
                    f"crystal {row} has {len(triple)} images, three are needed; one crystal's three"
                    " images are [images]"
                )
            crystals.append([self._pattern(one, scale, row, i) for i, one in enumerate(triple)])
        return crystals

    def _pattern(self, image: Any, scale: float | None, row: int, number: int) -> Pattern:
        name = f"crystal {row}, image {number}"
        if is_signal(image):
            found = patterns_of_signal(image, name)
            if len(found) != 1:
                raise ValueError(f"{name}: a signal of {len(found)} images, one is needed")
            (image,) = found
        if not isinstance(image, Pattern):
            image = Pattern(np.asarray(image))
        check_kind(image.image, name)
        used = image.q_per_pixel if scale is None else scale
        if used is None:
            raise ValueError(
                f"{name}: its scale is not known; give q_per_pixel, or"
                " camera_length and pixel_size with wavelength or voltage"
            )
        if self.mask is not None and np.shape(self.mask) != image.image.shape[:2]:
            raise ValueError(
                f"{name}: has shape {image.image.shape}, the mask {np.shape(self.mask)}"
            )
        return Pattern(image.image, used, image.center, image.bit_depth, image.path, image.metadata)

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


def _too_short(images: Sequence[FoundPattern]) -> str | None:
    """Say that the scale is wrong where no image has a spacing that crystals have."""
    longest = [one.longest_spacing for one in images]
    if max(longest) >= LEAST_LONGEST:
        return None
    listed = ", ".join(f"{spacing:.3g}" for spacing in longest)
    return (
        f"images 0 to 2: implausible scale: the longest spacings would be {listed} Å, of three"
        f" zones of a crystal one has {LEAST_LONGEST:g} or more"
    )


def _wrong_zones(indexing: ZoneIndexing) -> str | None:
    """Say why the zones given cannot be those of the images."""
    if indexing.misfit > MOST_MISFIT:
        differ = f"{100 * indexing.misfit:.1f} % in length"
    elif indexing.disagreement > MOST_DISAGREEMENT:
        differ = f"{100 * indexing.disagreement:.0f} % in the amplitudes of their spots"
    else:
        return None
    return (
        f"images 0 to 2: rows that they share along the zones given differ by {differ}; are these"
        " the zones, in their order, of one crystal?"
    )


def _reach(found: FoundPattern) -> float:
    """How far the image goes on the beam's nearest side, 1/Å."""
    assert found.center is not None
    height, width = found.image.shape
    column, row = found.center.place
    return float(min(column, row, width - 1 - column, height - 1 - row) * found.q_per_pixel)


def _hidden(found: FoundPattern, turn: np.ndarray, q_max: float) -> np.ndarray:
    """Of a square from -q_max to q_max, what neither of two mates was measured of."""
    assert found.center is not None
    axis = np.linspace(-q_max, q_max, MASK_SIZE)
    x, y = np.meshgrid(axis, axis)
    offsets = np.stack([x, y], axis=-1) @ turn.T / found.q_per_pixel
    hidden, bad = np.ones(x.shape, dtype=bool), found.hidden_places
    height, width = bad.shape
    for sign in (1, -1):
        place = np.rint(found.center.place + sign * offsets).astype(int)
        column, row = place[..., 0], place[..., 1]
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        seen = inside.copy()
        seen[inside] = ~bad[row[inside], column[inside]]
        hidden &= ~seen
    return hidden


def _measured(found: FoundPattern) -> np.ndarray:
    """Gray values, NaN for the pixels that are bad."""
    assert found.bad is not None
    return np.where(found.bad, np.nan, found.image)


def _missing() -> SpotPatterns:
    """One row of a crystal that was refused."""
    return SpotPatterns(
        q=np.empty((0, 2)),
        intensity=np.empty(0),
        starts=np.zeros(N_VIEWS + 1, dtype=np.int64),
        q_min=np.full((1, N_VIEWS), np.nan),
        q_max=np.full((1, N_VIEWS), np.nan),
        sigma=np.empty(0),
        indices=np.empty((0, 2), np.int16),
        basis=np.zeros((1, N_VIEWS, 2, 2)),
        coverage=np.full((1, N_VIEWS), Coverage.WHOLE, dtype=np.int8),
        mask=np.zeros((1, N_VIEWS, MASK_SIZE, MASK_SIZE), dtype=bool),
        halved=True,
    )
