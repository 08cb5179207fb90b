"""What sums over the atoms of many crystals of a file of layers.py share, by PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch

from crystalsym.scattering._factors import coefficients

HEAVIEST = 98


class Sites(NamedTuple):
    """The atoms of some crystals side by side, filled up with atoms of number 0.

    Attributes
    ----------
    rows : ndarray of int, shape (n, n_atoms)
        Which sites of the file they are.
    numbers : ndarray of int, shape (n, n_atoms)
        Atomic numbers.
    elements : ndarray of int, shape (n, n_elements)
        The elements of each crystal by rising atomic number, filled up with 0.
    """

    rows: np.ndarray
    numbers: np.ndarray
    elements: np.ndarray


def sites_of(file: Mapping[str, np.ndarray], crystals: np.ndarray, numbers: np.ndarray) -> Sites:
    """Lay out the atoms of some crystals; ``numbers`` are those of all sites of the file."""
    offsets = file["site_offsets"].astype(np.int64)
    counts = offsets[crystals + 1] - offsets[crystals]
    inside = np.arange(counts.max()) < counts[:, None]
    rows = np.where(inside, offsets[crystals][:, None] + np.arange(counts.max()), 0)
    own = np.where(inside, numbers[rows].astype(np.int64), 0)
    order = np.sort(own, axis=1)
    first = np.diff(order, axis=1, prepend=0) > 0
    elements = np.zeros((len(crystals), int(first.sum(axis=1).max())), dtype=np.int64)
    elements[np.nonzero(first)[0], (first.cumsum(axis=1) - 1)[first]] = order[first]
    return Sites(rows, own, elements)


class Factors:
    """Scattering factors by atomic number; those of number 0 are 0."""

    def __init__(self, radiation: str, device: str):
        table = np.array([coefficients(z, radiation) for z in range(1, HEAVIEST + 1)])
        table = np.concatenate([np.zeros((1, *table.shape[1:])), table])
        self._table = torch.as_tensor(table, dtype=torch.float32, device=device)

    def __call__(self, z: torch.Tensor, squares: torch.Tensor) -> torch.Tensor:
        """f of the elements ``z`` (n,) at ``squares``, q² of shape (n, ...)."""
        shape = (-1, *(1,) * (squares.ndim - 1))
        total = torch.zeros_like(squares)
        for a, b in self._table[z].permute(2, 1, 0):
            total += a.reshape(shape) * torch.exp(-b.reshape(shape) / 4 * squares)
        return total
