"""Three raw patterns -> one color image."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy import ndimage
from sklearn.base import BaseEstimator, TransformerMixin

from crystalsym._bytes import to_bytes_where_possible
from crystalsym._images import ImageOutputMixin, check_patterns

N_VIEWS = 3
INTENSITIES = ("linear", "root", "log")


class SpotMerger(ImageOutputMixin, TransformerMixin, BaseEstimator):
    """Merge the three patterns of a crystal into one RGB image: x in red, y green, z blue.

    Parameters
    ----------
    image_size : int, default=224
        Pixels along each edge of the output.
    intensity : {"linear", "root", "log"}, default="linear"
        How brightness follows intensity. ``"log"`` runs from 0 at ``threshold`` to 1.
    threshold : float, default=1e-4
        Intensity, relative to the pattern's maximum, that is black under ``"log"``.
    dtype : {"float32", "uint8"}, default="float32"
        float32 in [0, 1], or uint8. Bytes have no NaN: where a row of X holds NaN, the output is
        float32 after all, its other rows the same bytes divided by 255.

    References
    ----------
    Ziletti, A. et al. (2018). Nat. Commun. 9, 2775, who superimpose patterns this way.

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

    def __init__(self, *, image_size=224, intensity="linear", threshold=1e-4, dtype="float32"):
        self.image_size = image_size
        self.intensity = intensity
        self.threshold = threshold
        self.dtype = dtype

    def fit(self, X: Any = None, y: Any = None) -> SpotMerger:
        """Check the parameters; there is nothing to learn.

        Parameters
        ----------
        X : ndarray of shape (n, 3, H, H)
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
        X : ndarray of shape (n, 3, H, H)
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
        out = np.empty((len(X), self.image_size, self.image_size, N_VIEWS), dtype=np.float32)
        for row, triple in zip(out, X, strict=True):
            if triple.dtype.kind == "f" and np.isnan(triple).any():
                row[:] = np.nan
                continue
            for view, image in enumerate(triple):
                row[..., view] = self._brightness(self._resized(np.asarray(image, np.float64)))
        return to_bytes_where_possible(out) if np.dtype(self.dtype) == np.uint8 else out

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
        return check_patterns(X, "SpotMerger", N_VIEWS)

    def _check_parameters(self) -> None:
        size = self.image_size
        if isinstance(size, bool) or not isinstance(size, Integral) or size < 1:
            raise ValueError(f"image_size must be a positive integer, got {size!r}")
        if self.intensity not in INTENSITIES:
            raise ValueError(f"intensity must be one of {INTENSITIES}, got {self.intensity!r}")
        if not isinstance(self.threshold, Real) or not 0 < float(self.threshold) < 1:
            raise ValueError(f"threshold must lie between 0 and 1, got {self.threshold!r}")
        if str(np.dtype(self.dtype)) not in ("float32", "uint8"):
            raise ValueError(f'dtype must be "float32" or "uint8", got {self.dtype!r}')
