"""Cosines between feature vectors of crystals and of references, each stream for itself."""

from __future__ import annotations

import numpy as np

# Similarities held at once, 64 MB.
MAX_SIMILARITIES = 1 << 24
# References that are compared with the others; more would tell the same and take long.
MAX_LEFT_OUT = 4000


def group_means(vectors: np.ndarray, codes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean of the vectors of each code, float64 (n_codes, S, F); codes are sorted."""
    starts = np.searchsorted(codes, np.arange(codes[-1] + 1))
    sums = np.add.reduceat(vectors * weights[:, None, None], starts, axis=0)
    return sums / np.add.reduceat(weights, starts)[:, None, None]


def unit_vectors(vectors: np.ndarray, center: np.ndarray) -> np.ndarray:
    """Vectors from the centre, at length 1; one at the centre itself stays zero."""
    shifted = (vectors - center).astype(np.float32)
    lengths = np.linalg.norm(shifted, axis=-1, keepdims=True)
    return shifted / np.where(lengths > 0, lengths, 1)


def group_similarities(
    vectors: np.ndarray,
    references: np.ndarray,
    starts: np.ndarray,
    left_out: np.ndarray | None = None,
) -> np.ndarray:
    """The largest similarity to a reference of each group.

    Parameters
    ----------
    vectors : ndarray float32 (n, S, F)
        Unit vectors.
    references : ndarray float32 (m, S, F)
        Unit vectors, sorted by group.
    starts : ndarray of int (n_groups,)
        The first reference of each group.
    left_out : ndarray of int (n,), default=None
        A reference that does not count for this row; its group must have others.

    Returns
    -------
    ndarray float32 (n, n_groups)
        Mean of the streams' cosines, from -1 to 1.
    """
    n, n_streams = vectors.shape[:2]
    columns = references.reshape(len(references), -1).T
    similarities = np.empty((n, len(starts)), dtype=np.float32)
    step = max(1, MAX_SIMILARITIES // columns.shape[1])
    for start in range(0, n, step):
        rows = slice(start, start + step)
        cosines = vectors[rows].reshape(-1, len(columns)) @ columns / n_streams
        if left_out is not None:
            cosines[np.arange(len(cosines)), left_out[rows]] = -np.inf
        np.maximum.reduceat(cosines, starts, axis=1, out=similarities[rows])
    # Sums in float32 leave [-1, 1] by a rounding error.
    return np.clip(similarities, -1, 1, out=similarities)


def leave_one_out(
    vectors: np.ndarray,
    codes: np.ndarray,
    weights: np.ndarray,
    center: np.ndarray,
    nearest: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Similarity of references to every group as if each were none itself.

    Parameters
    ----------
    vectors : ndarray (m, S, F)
        Of the references, sorted by code.
    codes : ndarray of int (m,)
    weights : ndarray (m,)
    center : ndarray (S, F)
    nearest : bool
        Compare with the most similar reference of each group instead of the mean.

    Returns
    -------
    similarities : ndarray float32 (k, n_codes)
    rows : ndarray of int (k,)
        Which references; those alone in their group are none.
    """
    rows = np.flatnonzero(np.bincount(codes)[codes] > 1)
    if len(rows) > MAX_LEFT_OUT:
        rows = rows[np.linspace(0, len(rows) - 1, MAX_LEFT_OUT).astype(np.int64)]
    units = unit_vectors(vectors, center)
    starts = np.searchsorted(codes, np.arange(codes[-1] + 1))
    if nearest:
        return group_similarities(units[rows], units, starts, rows), rows
    means = group_means(vectors, codes, weights)
    similarities = group_similarities(
        units[rows], unit_vectors(means, center), np.arange(len(means))
    )
    total = np.add.reduceat(weights, starts)[codes[rows], None, None]
    own = weights[rows, None, None]
    others = (total * means[codes[rows]] - own * vectors[rows]) / (total - own)
    cosines = np.einsum("nsf,nsf->n", units[rows], unit_vectors(others, center))
    similarities[np.arange(len(rows)), codes[rows]] = np.clip(cosines / units.shape[1], -1, 1)
    return similarities, rows
