"""Cosines between feature vectors of crystals and of references, each stream for itself."""

from __future__ import annotations

import numpy as np

# Similarities held at once, 64 MB.
MAX_SIMILARITIES = 1 << 24
# So many references are compared with the others, and so many pairs looked at, for a fit of one
# number; more would take long.
MAX_LEFT_OUT = 2000
MAX_PAIRS = 1 << 21
# Cosine above which two references are the same crystal, float32's rounding included.
SAME = 1 - 1e-5


def group_means(vectors: np.ndarray, codes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean of the vectors of each code, float64 (n_codes, S, F); codes are sorted."""
    starts = np.searchsorted(codes, np.arange(codes[-1] + 1))
    sums = np.add.reduceat(vectors * weights[:, None, None], starts, axis=0)
    return sums / np.add.reduceat(weights, starts)[:, None, None]


def unit_vectors(vectors: np.ndarray, center: np.ndarray) -> np.ndarray:
    """Vectors from the center, at length 1; one at the center itself stays zero."""
    shifted = (vectors - center).astype(np.float32)
    lengths = np.linalg.norm(shifted, axis=-1, keepdims=True)
    return shifted / np.where(lengths > 0, lengths, 1)


def group_similarities(
    vectors: np.ndarray,
    references: np.ndarray,
    starts: np.ndarray,
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
        np.maximum.reduceat(cosines, starts, axis=1, out=similarities[rows])
    # Sums in float32 leave [-1, 1] by a rounding error.
    return np.clip(similarities, -1, 1, out=similarities)


def leave_one_out(
    vectors: np.ndarray,
    codes: np.ndarray,
    weights: np.ndarray,
    centered: bool,
    nearest: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Similarity of references to every group as if each were none itself.

    Copies of a reference in its own group leave with it, so that a weight of two is the same as
    the crystal twice, and a crystal is never told by itself.

    Parameters
    ----------
    vectors : ndarray (m, S, F)
        Of the references, sorted by code.
    codes : ndarray of int (m,)
    weights : ndarray (m,)
    centered : bool
        Take the directions from the mean of the groups' means, that of those left.
    nearest : bool
        Compare with the most similar reference of each group instead of the mean.

    Returns
    -------
    similarities : ndarray float32 (k, n_codes)
    rows : ndarray of int (k,)
        Which references; those without others in their group are none.
    """
    n = min(len(codes), MAX_LEFT_OUT, MAX_PAIRS // len(codes) + 1 if nearest else MAX_LEFT_OUT)
    rows = np.linspace(0, len(codes) - 1, n).astype(np.int64)
    means = group_means(vectors, codes, weights)
    center = means.mean(axis=0) if centered else np.zeros(vectors.shape[1:])
    units = unit_vectors(vectors, center)
    copies = [_copies(units, codes, row) for row in rows]
    others = np.bincount(codes)[codes[rows]] > [len(same) for same in copies]
    rows, copies = rows[others], [same for same, kept in zip(copies, others, strict=True) if kept]
    starts = np.searchsorted(codes, np.arange(codes[-1] + 1))
    totals = np.add.reduceat(weights, starts)
    similarities = np.empty((len(rows), len(means)), dtype=np.float32)
    for k, (row, same) in enumerate(zip(rows, copies, strict=True)):
        own = codes[row]
        left = totals[own] * means[own] - np.tensordot(weights[same], vectors[same], 1)
        left /= totals[own] - weights[same].sum()
        moved = center + (left - means[own]) / len(means) if centered else center
        if nearest:
            cosines = _cosines(vectors, moved, vectors[row])
            cosines[same] = -1
            similarities[k] = np.maximum.reduceat(cosines, starts)
        else:
            similarities[k] = _cosines(means, moved, vectors[row])
            similarities[k, own] = _cosines(left[None], moved, vectors[row])[0]
    return similarities, rows


def _cosines(vectors: np.ndarray, center: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Mean of the streams' cosines between vectors (m, S, F) and one."""
    unit = unit_vectors(vector, center)
    cosines = np.einsum("nsf,sf->n", unit_vectors(vectors, center), unit) / len(unit)
    return np.clip(cosines, -1, 1)


def _copies(units: np.ndarray, codes: np.ndarray, row: np.integer) -> np.ndarray:
    """The references of a row's group that equal it, itself included."""
    start, stop = np.searchsorted(codes, [codes[row], codes[row] + 1])
    cosines = np.einsum("nsf,sf->n", units[start:stop], units[row]) / units.shape[1]
    same = cosines > SAME
    same[row - start] = True  # a vector at the center has no direction
    return start + np.flatnonzero(same)
