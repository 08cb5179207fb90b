"""What transformers share that draw how far each crystal's patterns fall short."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state

from crystalsym.diffraction import SpotPatterns

Strength = float | tuple[float, float] | None


class DrawnStrengths(TransformerMixin, BaseEstimator):
    """Draw strengths within bounds, from spots and ``random_state`` alone."""

    random_state: int | np.random.RandomState | None

    def fit(self, X: Any = None, y: Any = None) -> Self:
        """Check the parameters; there is nothing to learn.

        Parameters
        ----------
        X, y : ignored

        Returns
        -------
        self
        """
        self._strengths()
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.no_validation = True
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.non_deterministic = self.random_state is None
        return tags

    def degrade(self, X: SpotPatterns, seed: Sequence[int], rows: np.ndarray) -> SpotPatterns:
        """Draw for some of many crystals.

        Parameters
        ----------
        X : SpotPatterns
        seed : sequence of int
        rows : array of int, shape (n,)
            Number of each crystal. With the seed it fixes the draw, whatever others there are.

        Returns
        -------
        SpotPatterns

        Raises
        ------
        TypeError, ValueError
            As :meth:`transform`.
        """
        if not isinstance(X, SpotPatterns):
            raise TypeError(
                f"{type(self).__name__} takes SpotPatterns, got {type(X).__name__}: simulate with"
                ' output="spots"'
            )
        return self._degraded(X, seed, rows)

    def _degraded(self, X: SpotPatterns, seed: Sequence[int], rows: np.ndarray) -> SpotPatterns:
        raise NotImplementedError

    def _of_all(self, X: SpotPatterns) -> SpotPatterns:
        """Draw for every crystal, by ``random_state``."""
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        return self.degrade(X, (seed,), np.arange(len(X)))

    def _strengths(self) -> np.ndarray:
        """Lower and upper bound, share and kind of draw of each, checked."""
        raise NotImplementedError

    def _drawn_between(self, name: str) -> tuple[float, float] | None:
        """Bounds of a strength that may be left out; None where it is."""
        value = getattr(self, name)
        if value is None:
            return None
        bounds = rising_bounds(value)
        if bounds is None:
            raise ValueError(
                f"{name} must be None, a number from 0 on or a range of two, got {value!r}"
            )
        return bounds


def kernel_seed(seed: Sequence[int]) -> int:
    """Mix some numbers into one of 63 bits."""
    return int(np.random.SeedSequence(list(seed)).generate_state(1, np.uint64)[0] >> np.uint64(1))


def checked_shares(
    shares: Mapping[str, float] | None, defaults: Mapping[str, float]
) -> dict[str, float]:
    """Fill up shares by the defaults; raise ValueError for a strange name or no share."""
    merged = {**defaults, **dict(shares or {})}
    stray = sorted(set(merged) - set(defaults))
    if stray:
        raise ValueError(f"shares has no {stray[0]!r}; it has {', '.join(defaults)}")
    for name, share in merged.items():
        if not is_number(share) or not 0 <= share <= 1:
            raise ValueError(f"shares[{name!r}] must lie in [0, 1], got {share!r}")
    return merged


def rising_bounds(value: Any) -> tuple[float, float] | None:
    """Lower and upper bound of a number, or of a range of two; None if it is neither, from 0 on."""
    bounds: tuple[Any, ...] = (value, value) if np.ndim(value) == 0 else tuple(value)
    if not (len(bounds) == 2 and all(map(is_number, bounds)) and 0 <= bounds[0] <= bounds[1]):
        return None
    return float(bounds[0]), float(bounds[1])


def is_number(value: Any) -> bool:
    """Tell whether a value is a finite real number."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
