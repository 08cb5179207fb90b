"""Checks of image input and its batches, without ever holding more than one batch."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from crystalsym import _provenance
from crystalsym._bytes import to_floats
from crystalsym._images import looks_like_structure
from crystalsym.classification._json_values import plain

_SHAPE_HELP = (
    "shaped patterns of shape (n, streams, H, W, channels) from PatternShaper, or merged images "
    "of shape (n, H, W, channels) from SpotMerger"
)

# Rows of a lazy array without a digest of its own that are looked at in its stead.
DIGEST_ROWS = 64

# In-memory images are looked through in pieces of about this many values.
PIECE = 1 << 24


def row_names(rows: np.ndarray) -> str:
    """Name some rows by number for a message.

    Examples
    --------
    >>> row_names([7]), row_names([1, 3]), row_names(range(20))
    ('row 7', 'rows 1, 3', 'rows 0, 1, 2, 3, 4, 5, 6, 7 and 12 more')
    """
    numbers = [str(int(row)) for row in rows]
    if len(numbers) > 10:
        numbers = [*numbers[:7], f"{numbers[7]} and {len(numbers) - 8} more"]
    return f"{'row' if len(numbers) == 1 else 'rows'} {', '.join(numbers)}"


def warn_of_absent(absent: np.ndarray) -> None:
    """Warn of rows that hold NaN, if there are any: the answer to them is NaN."""
    if absent.any():
        warnings.warn(
            f"X holds NaN in {row_names(np.flatnonzero(absent))} ({absent.sum()} of {len(absent)} "
            "rows); what is returned there is NaN",
            stacklevel=4,
        )


def _as_rows(X: Any) -> Any:
    """Return X if rows can be taken from it by an index array, else an array made of it."""
    lazy = all(hasattr(X, name) for name in ("shape", "dtype", "__getitem__", "__len__"))
    # Tensors of the backends have all these too, but not numpy's indexing.
    if isinstance(X, np.ndarray) or (lazy and not hasattr(X, "__dlpack__")):
        return X
    if looks_like_structure(X):
        raise ValueError(f"X must hold {_SHAPE_HELP}; got a {type(X).__name__}")
    first = X[0] if isinstance(X, list | tuple) and len(X) else None
    if (
        first is not None
        and not hasattr(first, "__array__")
        and not isinstance(first, list | tuple)
    ):
        # np.asarray would take a crystal structure for a sequence of its sites.
        raise ValueError(f"X must hold {_SHAPE_HELP}; got a list of {type(first).__name__}")
    try:
        return np.asarray(X)
    except ValueError as error:
        raise ValueError(f"X must hold {_SHAPE_HELP}; its rows differ in shape") from error


class ImageRows:
    """Shaped patterns as batches of checked float32 streams.

    Parameters
    ----------
    X : array-like or lazy array, (n, S, H, W, C) or (n, H, W, C)
        float in [0, 1], or uint8 (divided by 255 batch by batch). An object with ``shape``,
        ``dtype``, ``__len__`` and ``__getitem__(index_array)`` is indexed batch by batch and
        never converted as a whole.

    Attributes
    ----------
    shape : tuple of int
        Shape of one row, (S, H, W, C) or (H, W, C).
    n_streams, channels : int
    image_size : int
        H = W.

    Raises
    ------
    ValueError
        If the shape or type is not one of shaped patterns.
    """

    def __init__(self, X: Any):
        rows = _as_rows(X)
        shape = tuple(int(s) for s in rows.shape)
        dtype = np.dtype(rows.dtype)
        if len(shape) == 4 and shape[1] <= 4 and shape[3] > 4:
            raise ValueError(
                f"X of shape {shape} looks like raw patterns (n, {shape[1]}, H, W): shape them "
                "first with PatternShaper or SpotMerger"
            )
        if len(shape) not in (4, 5):
            raise ValueError(f"X must hold {_SHAPE_HELP}; got an array of shape {shape}")
        if shape[0] == 0:
            raise ValueError(f"X is empty: found array with 0 sample(s), shape {shape}")
        if shape[-3] != shape[-2]:
            raise ValueError(f"images must be square, got {shape[-3]} x {shape[-2]} pixels")
        if dtype != np.uint8 and dtype.kind != "f":
            raise ValueError(
                f"X must be float in [0, 1] or uint8, got {dtype}; raw patterns are shaped first "
                "with PatternShaper or SpotMerger"
            )
        self._rows = rows
        self.shape = shape[1:]
        self.n_streams = shape[1] if len(shape) == 5 else 1
        self.image_size = shape[-2]
        self.channels = shape[-1]

    def __len__(self) -> int:
        return int(self._rows.shape[0])

    @property
    def descriptor(self) -> Any:
        """How the images were made as a JSON value, where X says so; else None."""
        return plain(getattr(self._rows, "descriptor", None), "descriptor")

    @property
    def made_by(self) -> list[dict[str, Any]]:
        """The steps that made the images, as far as they are known."""
        return list(_provenance.made_by(self._rows))

    @property
    def validation_groups(self) -> np.ndarray | None:
        """Numbers of the rows that are held out together, where X says so; else None.

        Raises
        ------
        ValueError
            If there is not one for each row.
        """
        groups = getattr(self._rows, "validation_groups", None)
        if groups is None:
            return None
        groups = np.asarray(groups, dtype=np.int64)
        if groups.shape != (len(self),):
            raise ValueError(
                f"validation_groups must hold one number for each of the {len(self)} rows of X, "
                f"got shape {groups.shape}"
            )
        return groups

    def digest(self) -> str:
        """Return what tells these rows from others of the same shape and labels.

        Images of an array are hashed whole. A lazy array that has a method ``digest()`` answers
        for itself; of any other some rows, evenly spread, are made and hashed.
        """
        own = getattr(self._rows, "digest", None)
        if callable(own):
            return f"own {own()}"
        digest = hashlib.sha256()
        if isinstance(self._rows, np.ndarray):
            step = max(1, PIECE // max(1, int(np.prod(self.shape))))
            for start in range(0, len(self), step):
                digest.update(np.ascontiguousarray(self._rows[start : start + step]).data)
            return f"{self._rows.dtype} {digest.hexdigest()}"
        self.set_epoch(None)  # as they are: what an epoch changes depends on its number
        spread = np.unique(np.linspace(0, len(self) - 1, DIGEST_ROWS).round().astype(np.int64))
        images = np.ascontiguousarray(self._rows[spread])
        digest.update(images.data)
        return f"{len(spread)} rows {images.dtype} {digest.hexdigest()}"

    def set_epoch(self, epoch: int | None) -> None:
        """Tell X that an epoch begins, None that it is over, if it wants to know."""
        if hasattr(self._rows, "set_epoch"):
            self._rows.set_epoch(epoch)

    def check(self) -> None:
        """Look through images that lie in memory; others are checked as they are read.

        Raises
        ------
        ValueError
            If rows hold NaN (all are named), or one a value outside [0, 1].
        """
        rows = self._rows
        if not isinstance(rows, np.ndarray) or isinstance(rows, np.memmap):
            return
        if rows.dtype == np.uint8:
            return
        step = max(1, PIECE // max(1, int(np.prod(self.shape))))
        numbers = np.arange(len(rows))
        pieces = [numbers[i : i + step] for i in range(0, len(rows), step)]
        absent = [_find_absent(rows[piece[0] : piece[-1] + 1], piece) for piece in pieces]
        _refuse_absent(np.flatnonzero(np.concatenate(absent)))

    def batch(self, index: np.ndarray) -> list[np.ndarray]:
        """Return the rows of an index array as S contiguous float32 arrays (b, H, W, C).

        Raises
        ------
        ValueError
            If a row holds NaN or a value outside [0, 1]; the message names the row.
        """
        streams, absent = self.batch_with_gaps(index)
        _refuse_absent(np.asarray(index)[absent])
        return streams

    def batch_with_gaps(self, index: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """Return the rows as :meth:`batch` does, and (b,) bool: which held NaN and are now black.

        Raises
        ------
        ValueError
            If a row holds a value outside [0, 1]; the message names the row.
        """
        images = np.asarray(self._rows[index])
        if images.shape != (len(index), *self.shape):
            raise ValueError(
                f"X gave rows of shape {images.shape} where {(len(index), *self.shape)} was due"
            )
        # A batch of bytes may become floats: bytes have no NaN.
        if images.dtype == np.uint8:
            images, absent = to_floats(images), np.zeros(len(index), dtype=bool)
        else:
            images = images.astype(np.float32, copy=False)
            absent = _find_absent(images, index)
            if absent.any():
                images = np.where(absent.reshape(-1, *[1] * len(self.shape)), 0, images)
        if len(self.shape) == 3:
            return [np.ascontiguousarray(images)], absent
        return [np.ascontiguousarray(images[:, s]) for s in range(self.n_streams)], absent


def _find_absent(images: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Which images hold NaN, (b,) bool; ValueError if another holds a value outside [0, 1]."""
    # NaN fails both comparisons, so one test serves for all faults.
    if images.min() >= 0.0 and images.max() <= 1.0:
        return np.zeros(len(images), dtype=bool)
    flat = images.reshape(len(images), -1)
    low, high = flat.min(axis=1), flat.max(axis=1)
    absent = np.isnan(low)
    outside = ~absent & ~((low >= 0.0) & (high <= 1.0))
    if outside.any():
        bad = int(np.flatnonzero(outside)[0])
        raise ValueError(
            f"row {int(index[bad])} of X has values from {low[bad]:.4g} to {high[bad]:.4g}; "
            "images must lie in [0, 1] (or be uint8)"
        )
    return absent


def _refuse_absent(rows: np.ndarray) -> None:
    if len(rows):
        verb = "contains" if len(rows) == 1 else "contain"
        raise ValueError(
            f"{row_names(rows)} of X {verb} NaN: the patterns of a crystal that could not be "
            "simulated; leave such rows and their labels out"
        )


def check_row_shape(
    rows: ImageRows, expected: Sequence[int], metadata: dict[str, Any] | None = None
) -> None:
    """Check that rows are such as a classifier was fitted on.

    Raises
    ------
    ValueError
        If they have another shape or descriptor.

    Warns
    -----
    PatternMismatchWarning
        If they were made otherwise, as far as that is known.
    """
    descriptor = plain((metadata or {}).get("descriptor"), "metadata_['descriptor']")
    made = f"; such images are made by {descriptor}" if descriptor is not None else ""
    if tuple(rows.shape) != tuple(expected):
        names = "(streams, H, W, channels)" if len(expected) == 4 else "(H, W, channels)"
        raise ValueError(
            f"this classifier takes images of shape {tuple(expected)} {names}, "
            f"got {tuple(rows.shape)}{made}"
        )
    if descriptor is not None and rows.descriptor is not None and rows.descriptor != descriptor:
        raise ValueError(
            f"this classifier takes images described by {descriptor}, got images described by "
            f"{rows.descriptor}"
        )
    found = _provenance.differences((metadata or {}).get("made_by") or (), rows.made_by)
    if found:
        warnings.warn(
            f"these patterns were made otherwise than those this classifier learned from: "
            f"{'; '.join(found)}",
            _provenance.PatternMismatchWarning,
            stacklevel=5,
        )


def check_labels(y: Any, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted classes and, for every row, the position of its class.

    Whole numbers outside 1 to 230 are taken, with a warning: they are no space groups.

    Raises
    ------
    ValueError
        If y is not one label for each row, or holds fewer than two classes.
    """
    from sklearn.utils import column_or_1d
    from sklearn.utils.multiclass import check_classification_targets

    if y is None:
        raise ValueError("SpaceGroupClassifier requires y to be passed, but the target y is None")
    y = column_or_1d(y, warn=True)
    if len(y) != n_rows:
        raise ValueError(
            f"X and y have inconsistent numbers of samples: {n_rows} rows, {len(y)} labels"
        )
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise ValueError("y contains NaN or infinity")
    check_classification_targets(y)
    if y.dtype.kind == "f":  # whole numbers, else the check above had refused them
        y = y.astype(np.int64)
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"y must hold at least two classes, got only one class: {classes[0]!r}")
    if classes.dtype.kind in "iu":
        strange = classes[(classes < 1) | (classes > 230)]
        if len(strange):
            some = ", ".join(map(str, strange[:5].tolist())) + ", ..." * (len(strange) > 5)
            warnings.warn(
                f"y holds labels that are no space-group numbers (1 to 230): {some}", stacklevel=3
            )
    return classes, codes


def known_codes(y: Any, classes: np.ndarray, n_rows: int) -> np.ndarray:
    """Return the position of every label among known classes.

    Raises
    ------
    ValueError
        If y is not one label for each row, or holds one that is not among the classes.
    """
    y = np.asarray(y)
    if y.shape != (n_rows,):
        raise ValueError(f"y must hold one label for each of {n_rows} rows, got shape {y.shape}")
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        raise ValueError(f"y holds labels that are not in classes_: {unknown[:5].tolist()}")
    return np.searchsorted(classes, y)


def check_weights(sample_weight: Any, n_rows: int) -> np.ndarray | None:
    """Return sample weights as float64 (n,), or None.

    Raises
    ------
    ValueError
        If there is not one finite weight >= 0 for each row, or all are zero.
    """
    if sample_weight is None:
        return None
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.ndim == 0:
        weights = np.full(n_rows, float(weights))
    if weights.shape != (n_rows,):
        raise ValueError(f"sample_weight must have shape ({n_rows},), got {weights.shape}")
    if not np.isfinite(weights).all() or weights.min() < 0 or weights.max() == 0:
        raise ValueError("sample_weight must be finite, not negative and not all zero")
    return weights
