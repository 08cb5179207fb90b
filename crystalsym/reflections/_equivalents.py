"""Equivalent reflections averaged, with what their spread tells of the uncertainties."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from crystalsym.crystals._cell_parameters import cell_of
from crystalsym.diffraction import Coverage

# Keys of reflections: (h side + k) side + l.
SIDE = 1 << 17
# Measurements further from the others than so many uncertainties count less.
OUTLYING = 4.0
# The proportional part of the uncertainties that is looked for, at most.
MOST_PROPORTIONAL = 0.3


@dataclass(frozen=True, eq=False)
class MergedReflections:
    """Hold averaged reflections, one of each set of equivalents.

    Attributes
    ----------
    hkl : ndarray of int, shape (n, 3)
    intensity, sigma : ndarray of shape (n,)
    multiplicity : ndarray of int, shape (n,)
        Measurements of each.
    operations : ndarray of int, shape (m, 3, 3)
        Rotations that make reflections equivalent, h' = h W; Friedel mates always are.
    lattice : ndarray of shape (3, 3)
        Vectors as rows, Å.
    centering : str
    laue : str
    coverage : Coverage
    r_int : float
        Σ |I - <I>| / Σ I over all measurements that were repeated; NaN if none was.
    r_sigma : float
        Σ sigma / Σ I.
    chi2 : float
        Mean square of (I - <I>) / sigma over repeated measurements, of the uncertainties as
        they were given; NaN if none was repeated.
    n_repeated : int
        Measurements that were repeated.
    error_model : tuple of float
        Factor k and proportional part p: sigma² = k² (given² + (p I)²).

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.reflections import merge_equivalents
    >>> turns = np.array([np.eye(3), np.diag([-1, 1, -1])], dtype=int)
    >>> merged = merge_equivalents(np.array([[1, 2, 0], [-1, 2, 0]]), np.array([10.0, 12.0]), None,
    ...                            turns, lattice=5 * np.eye(3), laue="2/m")
    >>> len(merged), merged.multiplicity.tolist(), merged.q.round(2).tolist()
    (1, [2], [0.45])
    """

    hkl: np.ndarray
    intensity: np.ndarray
    sigma: np.ndarray
    multiplicity: np.ndarray
    operations: np.ndarray
    lattice: np.ndarray
    centering: str
    laue: str
    coverage: Coverage
    r_int: float
    r_sigma: float
    chi2: float
    n_repeated: int
    error_model: tuple[float, float]

    def __len__(self) -> int:
        return len(self.intensity)

    @property
    def q(self) -> np.ndarray:
        """|q| = 1/d of each, 1/Å."""
        return np.linalg.norm(self.hkl @ np.linalg.inv(self.lattice).T, axis=1)

    @property
    def cell(self) -> tuple[float, ...]:
        """a, b, c in Å and alpha, beta, gamma in degrees."""
        return cell_of(self.lattice)

    def expanded(self) -> tuple[np.ndarray, np.ndarray]:
        """List all equivalents, one of each Friedel pair.

        Returns
        -------
        hkl : ndarray of int, shape (m, 3)
        row : ndarray of int, shape (m,)
            Which merged reflection each is.
        """
        images = np.einsum("ni,wij->nwj", self.hkl, self.operations)
        rows = np.repeat(np.arange(len(self)), len(self.operations))
        flat = images.reshape(-1, 3)
        keys = np.abs(_keys(flat))
        _, first = np.unique(keys, return_index=True)
        chosen = flat[first]
        return np.where((_keys(chosen) < 0)[:, None], -chosen, chosen), rows[first]


def merge_equivalents(
    hkl: np.ndarray,
    intensity: np.ndarray,
    sigma: np.ndarray | None,
    operations: np.ndarray,
    *,
    lattice: np.ndarray,
    centering: str = "P",
    laue: str = "-1",
    coverage: Coverage = Coverage.LISTED,
) -> MergedReflections:
    """Average equivalent reflections.

    The mean is weighted by the uncertainties; measurements far from the median of their set lose
    weight. Where repeats differ by more than their uncertainties allow, these are scaled by an
    error model, sigma² = k² (given² + (p I)²), and a mean never claims more than the spread of its
    own measurements.

    Parameters
    ----------
    hkl : ndarray of int, shape (n, 3)
    intensity : ndarray of shape (n,)
    sigma : ndarray of shape (n,) or None
        None takes 5 % of each intensity and 1 % of the mean.
    operations : ndarray of int, shape (m, 3, 3)
        Rotations of the Laue class; Friedel mates are merged in any case.
    lattice : ndarray of shape (3, 3)
    centering, laue : str
        Kept with the result.
    coverage : Coverage

    Returns
    -------
    MergedReflections

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.reflections import merge_equivalents
    >>> merged = merge_equivalents(np.array([[1, 2, 0], [-1, -2, 0], [0, 1, 1]]),
    ...     np.array([10.0, 12.0, 5.0]), np.array([1.0, 1.0, 1.0]), np.eye(3, dtype=int)[None],
    ...     lattice=np.eye(3))
    >>> len(merged), merged.intensity.tolist(), round(merged.r_int, 3)
    (2, [5.0, 11.0], 0.091)
    """
    if sigma is None:
        sigma = assumed_sigma(intensity)
    keys = canonical_keys(hkl, operations)
    _, first, inverse, counts = np.unique(
        keys, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((intensity, inverse))
    begin = np.concatenate([[0], np.cumsum(counts)[:-1]])
    low, high = begin + (counts - 1) // 2, begin + counts // 2
    middle = (intensity[order][low] + intensity[order][high]) / 2
    repeated = counts[inverse] > 1
    factor, proportional = _error_model(intensity, sigma, middle[inverse], counts[inverse])
    own = factor * np.sqrt(sigma**2 + (proportional * middle[inverse]) ** 2)
    away = np.abs(intensity - middle[inverse]) / own
    weight = 1 / own**2 * np.minimum(1, (OUTLYING / np.maximum(away, OUTLYING)) ** 2)
    total = np.bincount(inverse, weight)
    mean = np.bincount(inverse, weight * intensity) / total
    square = np.bincount(inverse, weight * (intensity - mean[inverse]) ** 2) / total
    external = np.sqrt(square / np.maximum(counts - 1, 1))
    # A few repeats may agree by chance; many that spread are to be believed.
    internal = np.sqrt(1 / total)
    error = np.where(counts >= 3, np.maximum(internal, external), internal)
    sums = np.abs(intensity[repeated]).sum()
    spread = np.abs(intensity - mean[inverse])[repeated].sum()
    chi = ((intensity - mean[inverse]) / sigma)[repeated] ** 2
    freedom = repeated.sum() - (counts > 1).sum()
    return MergedReflections(
        hkl[first],
        mean,
        np.maximum(error, 1e-12 * np.abs(mean).max(initial=1e-30)),
        counts,
        np.asarray(operations),
        np.asarray(lattice, dtype=float),
        centering,
        laue,
        Coverage(coverage),
        float(spread / sums) if sums > 0 else math.nan,
        float(sigma.sum() / max(np.abs(intensity).sum(), 1e-300)),
        float(chi.sum() / freedom) if freedom > 0 else math.nan,
        int(repeated.sum()),
        (factor, proportional),
    )


def canonical_keys(hkl: np.ndarray, operations: np.ndarray) -> np.ndarray:
    """A number for the set of equivalents, Friedel mates among them, of each reflection."""
    hkl = np.asarray(hkl, dtype=np.int64)
    best = np.abs(_keys(hkl))
    for rotation in np.asarray(operations, dtype=np.int64):
        np.maximum(best, np.abs(_keys(hkl @ rotation)), out=best)
    return best


def mates_of(hkl: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Find which row of a list each reflection, or its Friedel mate, is; -1 where it is none.

    Parameters
    ----------
    hkl : ndarray of int, shape (n, 3)
        The list, one of each Friedel pair.
    images : ndarray of int, shape (m, 3)

    Returns
    -------
    ndarray of int, shape (m,)
    """
    keys, wanted = np.abs(_keys(hkl)), np.abs(_keys(images))
    order = np.argsort(keys)
    ordered = keys[order]
    place = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    return np.where(ordered[place] == wanted, order[place], -1)


def assumed_sigma(intensity: np.ndarray) -> np.ndarray:
    """Uncertainties of a list that gives none: 5 % of each intensity and 1 % of the mean."""
    size = np.abs(intensity)
    return 0.05 * size + 0.01 * max(float(size.mean()), 1e-9)


def _keys(hkl: np.ndarray) -> np.ndarray:
    h, k, m = np.asarray(hkl, dtype=np.int64).T
    return (h * SIDE + k) * SIDE + m


def _error_model(
    intensity: np.ndarray, sigma: np.ndarray, middle: np.ndarray, counts: np.ndarray
) -> tuple[float, float]:
    """Factor and proportional part by which repeats differ as their uncertainties say."""
    used = counts > 1
    if used.sum() < 20:
        return 1.0, 0.0
    # A median of few is closer to its own measurements than to others.
    away = (intensity - middle)[used] ** 2 * (counts / np.maximum(counts - 1, 1))[used]
    given, level = sigma[used] ** 2, middle[used] ** 2
    strong = level > np.quantile(level, 0.7)

    def typical(selected: np.ndarray, p: float) -> float:
        # The median of a squared normal variate is 0.455.
        return float(np.median((away / (given + p * p * level))[selected]) / 0.455)

    proportional, steps = 0.0, np.linspace(0, MOST_PROPORTIONAL, 31)
    if typical(strong, 0.0) > 1.2:
        weak_scale = max(typical(~strong, 0.0), 1.0)
        proportional = float(
            steps[np.argmin([abs(typical(strong, p) - weak_scale) for p in steps])]
        )
    factor = math.sqrt(max(typical(np.ones_like(strong), proportional), 1e-4))
    return float(np.clip(factor, 0.7, 10.0)), proportional
