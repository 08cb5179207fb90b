"""The transformer from raw to shaped patterns."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from joblib.parallel import get_active_backend
from sklearn.base import BaseEstimator, TransformerMixin

from crystalsym import _provenance
from crystalsym._bytes import to_bytes_where_possible, to_floats
from crystalsym._images import ImageOutputMixin, check_patterns
from crystalsym._presets import PresetMixin
from crystalsym._progress import track
from crystalsym.diffraction import SpotPatterns
from crystalsym.shaping._pattern_drawing import PatternDrawing
from crystalsym.shaping._shaper_parameters import (
    N_CHANNELS,
    PARAMETERS,
    SCHEMES,
    check_parameters,
)
from crystalsym.shaping._spot_scheme import CHANNELS

CHUNK = 32

PRESETS: dict[str, dict[str, Any]] = {
    # As the code published with npj Comput. Mater. 6, 196 (2020) does it.
    "tiong2020": {"scheme": "pixels", "distance_factor": 1.7},
    # As its text says; what that leaves open is as the defaults are.
    "tiong2020-text": {
        "scheme": "spots",
        "distance_factor": 1.7,
        "intensity": "linear",
        "line_width": "node",
    },
}


class PatternShaper(PresetMixin, ImageOutputMixin, TransformerMixin, BaseEstimator):
    """Index the spots of diffraction patterns, or join neighboring ones by lines.

    Parameters
    ----------
    scheme : {"lattice", "indices", "spots", "pixels"}, default="lattice"
        ``"lattice"``: the pattern's own lattice is found, and
        the output is a picture in its indices, one pixel for each (h, k), the beam in the middle:
        the spot's brightness, and |q| of the place as a part of the field's radius.
        ``"indices"``: the same for patterns whose indices are known, lists of reflections and
        simulated zone axes; a pixel holds the intensity (arcsinh, in hundredths of the
        intensity-weighted mean of the three patterns), its significance I/sigma (arcsinh; 1e5
        reads as 1), whether the place was measured (0.5: measured and not listed, for nothing was
        observed) and |q| (1.5 1/Å reads as 1).
        ``"spots"``: spots are found to sub-pixel accuracy and pairs closer than
        ``distance_factor`` times the smallest distance are joined. ``"pixels"``: the published
        code, whose nodes are bright pixels; it takes images only.
    distance_factor : float, default=1.7
        How many times the smallest distance joined spots are apart at most (not ``"lattice"``).
    threshold : float, optional
        Faintest spot, relative to the strongest outside the direct beam; for indices the
        uncertainty of patterns that come without one. By default 1e-5 for these two, 1e-4 for
        spots and 50/256 (the published gray level) for pixels.
    intensity : {"log", "root", "linear"}, default="log"
        How a spot's brightness follows its intensity (``"lattice"``, ``"spots"``). ``"log"`` runs
        from 0 at the threshold to 1.
    image_size : int, optional
        Pixels along each edge of the output, by default 13 for the lattice, 17 for indices and
        else 224. These two take an odd number, 2 n + 1 for indices up to n.
    channels : tuple of {"spots", "lines"}, default=("spots", "lines")
        What the output shows (``"spots"``).
    field : float, default=1.0
        Part of the raw image's width that the output shows (``"spots"``): 0.5 keeps scattering
        vectors up to half of the raw edge.
    spot_sigma : float, optional
        Size of spots in output pixels (``"spots"``); by default 1.5 per 224 of the edge, but at
        least 0.6.
    line_width : float or "node", optional
        Width of lines in output pixels (``"spots"``); by default 1 per 224 of the edge, but at
        least 0.5. ``"node"``: as thick at each end as the spot there is large, and changing
        evenly between them. The size of a spot of brightness b is
        ``spot_sigma * sqrt(8 * b)``, the diameter of a white disc that holds as much light.
    center : tuple of float, optional
        Direct beam (column, row) in pixels of raw images, by default the middle (not
        ``"pixels"``).
    beam_radius : float, default=1.5
        Spots of an image this close to ``center`` (raw pixels) are the direct beam, which does
        not set the scale (not ``"pixels"``). Lists of spots do not hold it.
    max_spots : int, default=4096
        Only so many of the strongest spots are drawn (not ``"pixels"``): bounds the work on
        noise.
    friedel : bool, default=True
        The two spots of a Friedel pair are one reflection: both places show the brighter
        (``"lattice"``) or the mean of the two (``"indices"``), and one listed spot will do. False
        shows each by itself, as electrons that scatter many times leave them; patterns that list
        one spot for both (``halved``) show it in both places. Other schemes show every spot.
    dtype : {"float32", "float16", "uint8"}, default="float32"
        Floats in [0, 1], or bytes. Bytes have no NaN: where a row of X holds NaN, the output is
        float32 after all, its other rows the same bytes divided by 255.
    n_jobs : int, optional
        Parallel jobs through joblib.
    verbose : int, default=0
        Show progress when positive.

    References
    ----------
    Tiong, L. C. O. et al. (2020). npj Comput. Mater. 6, 196.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym import PatternShaper
    >>> raw = np.zeros((1, 3, 64, 64))
    >>> raw[:, :, 32, 20] = raw[:, :, 32, 40] = 1.0
    >>> shaped = PatternShaper("spots", image_size=64).transform(raw)
    >>> shaped.shape, bool(shaped[0, 0, 32, 30, 1] > 0.5)     # the line between the two
    ((1, 3, 64, 64, 2), True)
    """

    _presets = PRESETS

    def __init__(
        self,
        scheme: str = "lattice",
        *,
        distance_factor: float = 1.7,
        threshold: float | None = None,
        intensity: str = "log",
        image_size: int | None = None,
        channels: tuple[str, ...] = CHANNELS,
        field: float = 1.0,
        spot_sigma: float | None = None,
        line_width: float | str | None = None,
        center: tuple[float, float] | None = None,
        beam_radius: float = 1.5,
        max_spots: int = 4096,
        friedel: bool = True,
        dtype: str = "float32",
        n_jobs: int | None = None,
        verbose: int = 0,
    ):
        self.scheme = scheme
        self.distance_factor = distance_factor
        self.threshold = threshold
        self.intensity = intensity
        self.image_size = image_size
        self.channels = channels
        self.field = field
        self.spot_sigma = spot_sigma
        self.line_width = line_width
        self.center = center
        self.beam_radius = beam_radius
        self.max_spots = max_spots
        self.friedel = friedel
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: Any = None, y: Any = None) -> PatternShaper:
        """Check the parameters; there is nothing to learn.

        Parameters
        ----------
        X : ndarray of shape (n, n_views, H, W), or SpotPatterns
        y : ignored

        Returns
        -------
        PatternShaper
        """
        check_parameters(self)
        if X is not None:
            self._check_patterns(X)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Shape every pattern.

        Parameters
        ----------
        X : ndarray of shape (n, n_views, H, H), or SpotPatterns
            Raw patterns of linear intensity, any real dtype and scale, or their spots. A row that
            holds NaN, or is missing, comes out as NaN.

        Returns
        -------
        ndarray of shape (n, n_views, image_size, image_size, n_channels)
            ``n_channels`` is 3 for pixels: the shaped image in the view's own channel (R for the
            first, G, B), the scaled raw image in the others. It is 2 for the lattice, 4 for
            indices.

        Raises
        ------
        ValueError
            If X has another number of dimensions or images that are not square, or the scheme
            does not take it.
        """
        check_parameters(self)
        made_by = (*_provenance.made_by(X), _provenance.step(self))
        X = self._check_patterns(X)
        out = np.zeros(self._output_shape(X), dtype=self.dtype)
        starts = range(0, len(X), CHUNK)
        with track(len(X), "shaping", self.verbose, unit="crystals") as advance:
            if effective_n_jobs(self.n_jobs) == 1:
                parts = []
                for i in starts:
                    parts.append(self._shape_chunk(X[i : i + CHUNK], out[i : i + CHUNK]))
                    advance(len(X[i : i + CHUNK]))
            else:
                # The kernels run without the interpreter's lock, so threads do, unless the user
                # has chosen other workers; these cannot write into our memory.
                workers, _ = get_active_backend(prefer="threads")
                shared = getattr(workers, "supports_sharedmem", False)
                parts = Parallel(n_jobs=self.n_jobs, prefer="threads")(
                    delayed(self._shape_chunk)(
                        X[i : i + CHUNK], out[i : i + CHUNK] if shared else None
                    )
                    for i in starts
                )
                advance(len(X))
        for i, part in zip(starts, parts, strict=True):
            if part is not None:
                if part.dtype == np.float32:
                    out = to_floats(out)
                out[i : i + CHUNK] = part if part.dtype == out.dtype else to_floats(part)
        return _provenance.described(out, made_by)

    def _shape_chunk(self, patterns: Any, out: np.ndarray | None) -> np.ndarray | None:
        """Shape into ``out``; what does not fit there is returned."""
        if out is not None and out.dtype == np.float32:
            self._draw(patterns, out)
            return None
        canvas = np.zeros(self._output_shape(patterns), dtype=np.float32)
        self._draw(patterns, canvas)
        if np.dtype(self.dtype) == np.uint8:
            part = to_bytes_where_possible(canvas)
        else:
            part = canvas.astype(self.dtype, copy=False)
        if out is None or part.dtype != out.dtype:
            return part
        out[:] = part
        return None

    def _draw(self, patterns: Any, canvas: np.ndarray) -> None:
        values = {field.name: getattr(self, field.name) for field in fields(PatternDrawing)}
        values |= {"image_size": self._size, "threshold": self._threshold}
        PatternDrawing(**values).draw(patterns, canvas)

    def _parameters_in_effect(self) -> dict[str, Any]:
        """The parameters that the scheme knows, with what None means."""
        names = PARAMETERS[self.scheme]
        values = {name: getattr(self, name) for name in names}
        return {**values, "image_size": self._size, "threshold": self._threshold}

    @property
    def _threshold(self) -> float:
        return SCHEMES[self.scheme]["threshold"] if self.threshold is None else self.threshold

    @property
    def _size(self) -> int:
        return SCHEMES[self.scheme]["image_size"] if self.image_size is None else self.image_size

    def _output_shape(self, X: Any) -> tuple[int, ...]:
        n_channels = N_CHANNELS.get(self.scheme, len(self.channels))
        return (*X.shape[:2], self._size, self._size, n_channels)

    def _check_patterns(self, X: Any) -> Any:
        if isinstance(X, SpotPatterns):
            if self.scheme == "indices" and (X.indices is None or X.basis is None):
                raise ValueError(
                    'scheme="indices" needs patterns whose indices are known, those of reflection'
                    ' lists and of simulated zone axes; scheme="lattice" finds them'
                )
            if self.scheme == "pixels":
                raise ValueError(
                    'scheme="pixels" works on the pixels of images and takes no spots:'
                    ' simulate with output="images"'
                )
            if self.center is not None:
                raise ValueError(
                    f"center={self.center!r} is for images: spots are placed about the beam"
                )
            return X
        if self.scheme == "indices":
            raise ValueError(
                'scheme="indices" takes SpotPatterns, which know the indices of every spot;'
                ' scheme="lattice" finds those of images'
            )
        X = check_patterns(X, "PatternShaper")
        if X.shape[2] < 8:
            raise ValueError(f"patterns of {X.shape[2]} pixels are too small, 8 are the least")
        return X
