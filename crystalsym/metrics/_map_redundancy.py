"""How much the feature maps of a layer repeat one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

# Parts of the largest value over which a map varies if it varies at all: float32 rounds.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class MapRedundancy:
    """Hold how alike the feature maps of a layer are.

    Attributes
    ----------
    mean_correlation : float
        Mean over all pairs of maps of the absolute correlation between them: 1 for copies of one
        map (brighter, weaker or inverted ones, too), 0 for maps that have nothing in common; NaN
        for fewer than two.
    n_components : int
        Principal components of the maps, each scaled to variance 1, that hold ``variance`` of
        their variance: 1 for copies, about as many as maps where these have nothing in common.
    variance : float
    n_maps : int
        Maps that vary from place to place, which alone are compared.
    n_constant : int
        Maps left out because they do not, such as dark ones.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.metrics import map_redundancy
    >>> map_redundancy(np.zeros((8, 8, 4))).n_constant
    4
    """

    mean_correlation: float
    n_components: int
    variance: float
    n_maps: int
    n_constant: int


def map_redundancy(maps: Any, variance: float = 0.95) -> MapRedundancy:
    """Measure how much the feature maps of a layer repeat one another.

    Parameters
    ----------
    maps : array-like of shape (..., n_maps)
        Channels last; all places of the other axes (of several crystals, if there are) are
        compared.
    variance : float, default=0.95
        Part of the variance that ``n_components`` principal components hold.

    Returns
    -------
    MapRedundancy

    Raises
    ------
    ValueError
        If there are no maps, they hold NaN, or ``variance`` is not in (0, 1].

    Notes
    -----
    Correlation is Pearson's, over the places. The principal components are those of the matrix of
    correlations, so that a bright map counts no more than a weak one. There are at most as many
    as places less one: coarse maps have few components, however many they are.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.metrics import map_redundancy
    >>> spots = np.random.default_rng(0).random((16, 16))
    >>> copies = map_redundancy(np.stack([spots, 2 * spots, 1 - spots], axis=-1))
    >>> round(copies.mean_correlation, 6), copies.n_components
    (1.0, 1)
    """
    values = np.asarray(maps, dtype=np.float64)
    if values.ndim < 2 or 0 in values.shape:
        raise ValueError(f"maps must have shape (..., n_maps), got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("maps hold NaN or infinity: their crystal could not be simulated?")
    if not 0 < variance <= 1:
        raise ValueError(f"variance must lie in (0, 1], got {variance!r}")
    values = values.reshape(-1, values.shape[-1])
    spread = values.std(axis=0)
    varying = spread > _ROUNDING * np.abs(values).max(axis=0)
    n_maps, n_constant = int(varying.sum()), int((~varying).sum())
    if n_maps == 0:
        return MapRedundancy(float("nan"), 0, float(variance), 0, n_constant)
    scaled = (values[:, varying] - values[:, varying].mean(axis=0)) / spread[varying]
    correlation = np.atleast_2d(scaled.T @ scaled / len(scaled))
    pairs = correlation[np.triu_indices(n_maps, 1)]
    held = np.cumsum(np.sort(np.linalg.eigvalsh(correlation))[::-1]) / n_maps
    n_components = min(int(np.searchsorted(held, variance - 1e-9)) + 1, n_maps)
    mean = float(np.abs(pairs).clip(max=1.0).mean()) if n_maps > 1 else float("nan")
    return MapRedundancy(mean, n_components, float(variance), n_maps, n_constant)
