"""Three raw patterns, or three pairs of them -> one color image."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from scipy import ndimage
from sklearn.base import BaseEstimator, TransformerMixin

from crystalsym._bytes import to_bytes_where_possible
from crystalsym._images import ImageOutputMixin, check_patterns
from crystalsym._presets import PresetMixin

N_CHANNELS = 3
INTENSITIES = ("linear", "root", "log")
NORMALIZE = ("channel", "image")

PRESETS: dict[str, dict[str, Any]] = {
    # The images of the benchmark networks in npj Comput. Mater. 6, 196 (2020).
    "tiong2020-benchmarks": {"image_size": 224, "intensity": "linear", "normalize": "channel"},
    # The fingerprint of Nat. Commun. 9, 2775 (2018).
    "ziletti2018": {
        "image_size": 64,
        "intensity": "linear",
        "normalize": "image",
        "ring": (10.0, 30.0),
    },
}


class SpotMerger(PresetMixin, ImageOutputMixin, TransformerMixin, BaseEstimator):
    """Merge the patterns of a crystal into one RGB image: x in red, y green, z blue.

    Of six patterns, two in a row are added and share a color, of nine three, and so on.

    Parameters
    ----------
    image_size : int, default=224
        Pixels along each edge of the output.
    intensity : {"linear", "root", "log"}, default="linear"
        How brightness follows intensity. ``"log"`` runs from 0 at ``threshold`` to 1.
    threshold : float, default=1e-4
        Intensity, relative to the maximum, that is black under ``"log"``.
    normalize : {"channel", "image"}, default="channel"
        What runs from black to full brightness: ``"channel"``, each color from 0 to its own
        maximum; ``"image"``, the three together from their minimum to their maximum, so that a
        pattern that scatters little is dark.
    ring : tuple of float, optional
        Only what is farther from the middle than the first and closer than the second, in pixels
        of the patterns, is kept: (10, 30) leaves out the direct beam and the corners of 64x64
        pixels. By default everything is.
    dtype : {"float32", "uint8"}, default="float32"
        float32 in [0, 1], or uint8. Bytes have no NaN: where a row of X holds NaN, the output is
        float32 after all, its other rows the same bytes divided by 255.

    References
    ----------
    Ziletti, A. et al. (2018). Nat. Commun. 9, 2775, who superimpose patterns this way;
    ``from_preset("ziletti2018")`` has their settings.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym import SpotMerger
    >>> raw = np.zeros((1, 3, 64, 64), dtype="uint16")
    >>> raw[0, 1, 32, 32] = 1000                       # one pixel of the y pattern
    >>> merged = SpotMerger(image_size=64).transform(raw)
    >>> merged.shape, merged[0, 32, 32].tolist()
    ((1, 64, 64, 3), [0.0, 1.0, 0.0])
    """

    _presets: ClassVar[dict[str, dict[str, Any]]] = PRESETS

    def __init__(
        self,
        *,
        image_size=224,
        intensity="linear",
        threshold=1e-4,
        normalize="channel",
        ring=None,
        dtype="float32",
    ):
        self.image_size = image_size
        self.intensity = intensity
        self.threshold = threshold
        self.normalize = normalize
        self.ring = ring
        self.dtype = dtype

    def fit(self, X: Any = None, y: Any = None) -> SpotMerger:
        """Check the parameters; there is nothing to learn.

        Parameters
        ----------
        X : ndarray of shape (n, 3, H, H), or a multiple of 3 patterns
        y : ignored

        Returns
        -------
        SpotMerger
        """
        self._check_parameters()
        if X is not None:
            self._check_patterns(X)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Merge every crystal's patterns.

        Parameters
        ----------
        X : ndarray of shape (n, 3, H, H), or a multiple of 3 patterns
            Raw patterns of linear intensity, any real dtype and scale. A row that holds NaN comes
            out as NaN.

        Returns
        -------
        ndarray of shape (n, image_size, image_size, 3)

        Raises
        ------
        ValueError
            If X has another shape, or a parameter is out of range.
        """
        self._check_parameters()
        X = self._check_patterns(X)
        out = np.empty((len(X), self.image_size, self.image_size, N_CHANNELS), dtype=np.float32)
        kept = self._kept(X.shape[-1])
        for row, patterns in zip(out, X, strict=True):
            if patterns.dtype.kind == "f" and np.isnan(patterns).any():
                row[:] = np.nan
                continue
            shape = (N_CHANNELS, -1, *patterns.shape[1:])
            channels = patterns.reshape(shape).sum(axis=1, dtype=np.float64) * kept
            if self.normalize == "image":
                channels -= channels.min()
            images = np.stack([self._resized(image) for image in channels], axis=-1)
            if self.normalize == "image":
                row[:] = self._brightness(images)
            else:
                for channel in range(N_CHANNELS):
                    row[..., channel] = self._brightness(images[..., channel])
        return to_bytes_where_possible(out) if np.dtype(self.dtype) == np.uint8 else out

    def _kept(self, size: int) -> np.ndarray:
        """1 at the pixels that the ring holds, and 0 elsewhere."""
        if self.ring is None:
            return np.ones((size, size))
        offset = np.arange(size) - (size - 1) / 2
        squared = offset[:, None] ** 2 + offset**2
        inner, outer = self.ring
        return ((squared > inner**2) & (squared < outer**2)).astype(np.float64)

    def _resized(self, image: np.ndarray) -> np.ndarray:
        size, wanted = image.shape[0], self.image_size
        if size == wanted:
            return image
        if size > wanted:
            # A spot narrower than an output pixel must not fall between two.
            reach = int(np.ceil(size / wanted))
            image = ndimage.maximum_filter(image, size=reach)
        place = np.linspace(0, size - 1, wanted)
        return ndimage.map_coordinates(image, np.meshgrid(place, place, indexing="ij"), order=1)

    def _brightness(self, image: np.ndarray) -> np.ndarray:
        strongest = image.max()
        if strongest <= 0:
            return np.zeros_like(image)
        relative = np.clip(image / strongest, 0, 1)
        if self.intensity == "root":
            return np.sqrt(relative)
        if self.intensity == "log":
            return 1 - np.log(np.maximum(relative, self.threshold)) / np.log(self.threshold)
        return relative

    def _check_patterns(self, X: Any) -> np.ndarray:
        return check_patterns(X, "SpotMerger", N_CHANNELS)

    def _check_parameters(self) -> None:
        size = self.image_size
        if isinstance(size, bool) or not isinstance(size, Integral) or size < 1:
            raise ValueError(f"image_size must be a positive integer, got {size!r}")
        if self.intensity not in INTENSITIES:
            raise ValueError(f"intensity must be one of {INTENSITIES}, got {self.intensity!r}")
        if not isinstance(self.threshold, Real) or not 0 < float(self.threshold) < 1:
            raise ValueError(f"threshold must lie between 0 and 1, got {self.threshold!r}")
        if self.normalize not in NORMALIZE:
            raise ValueError(f"normalize must be one of {NORMALIZE}, got {self.normalize!r}")
        if self.ring is not None:
            pair = np.shape(self.ring) == (2,) and np.asarray(self.ring).dtype.kind in "iuf"
            if not (pair and 0 <= self.ring[0] < self.ring[1] < np.inf):
                raise ValueError(
                    "ring must be None or two radii in pixels, the smaller first, got "
                    f"{self.ring!r}"
                )
        if str(np.dtype(self.dtype)) not in ("float32", "uint8"):
            raise ValueError(f'dtype must be "float32" or "uint8", got {self.dtype!r}')
