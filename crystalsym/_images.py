"""What the transformers of patterns share: the check of their input, and of their output type."""

from __future__ import annotations

from typing import Any

import numpy as np


class ImageOutputMixin:
    """A transformer that learns nothing and gives images or spots, which no table can hold."""

    def set_output(self, *, transform: str | None = None) -> Any:
        """Choose the output's container: arrays, whatever the steps around this one give.

        Parameters
        ----------
        transform : {"default", None}
            There is nothing else to choose; a global ``transform_output="pandas"`` changes nothing.

        Returns
        -------
        object
            The transformer itself.

        Raises
        ------
        ValueError
            If a table is asked for.
        """
        if transform not in (None, "default"):
            raise ValueError(
                f"{type(self).__name__} gives image arrays, which do not fit into a table: "
                f'transform must be "default", got {transform!r}'
            )
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = []  # the parameter dtype decides
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        return tags


def looks_like_structure(obj: Any) -> bool:
    """Whether an object is a crystal structure of ours, of pymatgen or of ASE."""
    return (
        hasattr(obj, "atomic_numbers")
        or hasattr(obj, "get_scaled_positions")
        or (hasattr(obj, "lattice") and hasattr(obj, "sites"))
    )


def check_patterns(X: Any, taker: str, multiple_of: int | None = None) -> np.ndarray:
    """Raw patterns as an array of shape (n, n_views, H, H).

    Parameters
    ----------
    X : array-like
    taker : str
        Who takes them, for messages.
    multiple_of : int, optional
        A crystal must have so many patterns, or twice as many, or three times; by default it has
        any number.

    Raises
    ------
    ValueError
        If X holds something else.
    """
    if looks_like_structure(X) or (
        isinstance(X, list | tuple) and any(looks_like_structure(item) for item in X)
    ):
        raise ValueError(f"{taker} takes patterns: simulate the structures first")
    X = np.asarray(X)
    square = X.ndim == 4 and X.shape[2] == X.shape[3]
    if not square or (multiple_of and (X.shape[1] % multiple_of or not X.shape[1])):
        raise ValueError(
            f"patterns must have shape (n, {multiple_of or 'n_views'}, H, H), got {X.shape};"
            " one crystal's three images are patterns[np.newaxis]"
        )
    if X.dtype.kind not in "buif":
        raise ValueError(f"patterns must be real numbers, got dtype {X.dtype}")
    if X.dtype.kind == "f" and np.isinf(X).any():
        where = int(np.argwhere(np.isinf(X))[0, 0])
        raise ValueError(f"pattern {where} holds an infinite value")
    return X
