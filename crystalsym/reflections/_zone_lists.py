"""Patterns of zones of one crystal as one reflection list, its cell found from their lattices."""

from __future__ import annotations

import numpy as np

from crystalsym.crystals._cell_parameters import cell_of
from crystalsym.diffraction import SpotPatterns
from crystalsym.reflections._reflection_list import ReflectionList

# Products of the six numbers of a metric tensor with pairs of indices.
_PAIRS = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


def lists_of_zones(patterns: SpotPatterns) -> list[ReflectionList]:
    """Join the patterns of each crystal to one list.

    Parameters
    ----------
    patterns : SpotPatterns
        With indices, of three different zones or more.

    Returns
    -------
    list of ReflectionList

    Raises
    ------
    ValueError
        If indices are not known, or the zones do not give the cell.

    Examples
    --------
    >>> from crystalsym import DiffractionSimulator
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.reflections._zone_lists import lists_of_zones
    >>> simulator = DiffractionSimulator(views=[[1, 0, 1], [0, 1, 2], [1, 1, 0]], output="spots")
    >>> (found,) = lists_of_zones(simulator.transform([example_crystals()["TiO2-rutile"]]))
    >>> [round(length, 2) for length in found.cell[:3]]
    [4.59, 4.59, 2.96]
    """
    if patterns.indices is None or patterns.basis is None or patterns.basis_hkl is None:
        raise ValueError(
            "blocks of reflections need patterns whose indices are known, such as simulated ones"
            ' of zone axes (output="spots"); these have none'
        )
    found = []
    n_views = patterns.shape[1]
    for row in range(len(patterns)):
        hkl, intensity, sigma = [], [], []
        for view in range(n_views):
            number = row * n_views + view
            part = slice(patterns.starts[number], patterns.starts[number + 1])
            hkl.append(patterns.indices[part].astype(int) @ patterns.basis_hkl[row, view])
            intensity.append(patterns.intensity[part])
            if patterns.sigma is not None:
                sigma.append(patterns.sigma[part])
        lattice = _lattice(patterns.basis[row], patterns.basis_hkl[row], row)
        found.append(
            ReflectionList(
                np.concatenate(hkl), np.concatenate(intensity),
                np.concatenate(sigma) if sigma else None, cell_of(lattice),
            )
        )  # fmt: skip
    return found


def _lattice(bases: np.ndarray, vectors: np.ndarray, row: int) -> np.ndarray:
    """Vectors of the cell whose zones' layers have these bases, by least squares."""
    equations, lengths = [], []
    for basis, hkl in zip(bases, vectors.astype(float), strict=True):
        products = basis @ basis.T
        for i, j in ((0, 0), (0, 1), (1, 1)):
            equations.append(
                [hkl[i, a] * hkl[j, b] + (a != b) * hkl[i, b] * hkl[j, a] for a, b in _PAIRS]
            )
            lengths.append(products[i, j])
    if np.linalg.matrix_rank(np.array(equations)) < 6:
        raise ValueError(
            f"the zones of row {row} do not give its cell: three different ones are needed"
        )
    values, *_ = np.linalg.lstsq(np.array(equations), np.array(lengths), rcond=None)
    metric = np.empty((3, 3))
    for (a, b), value in zip(_PAIRS, values, strict=True):
        metric[a, b] = metric[b, a] = value
    # Any vectors of this reciprocal metric: rows of the lattice are the inverse's.
    reciprocal = np.linalg.cholesky(metric)
    return np.linalg.inv(reciprocal).T
