"""Neighbors in a periodic cell, found the quick way and the plain way."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from crystalsym.crystals._close_atoms import close_pairs, runs


def all_pairs(lattice, coords, radius):
    shifts = np.array(list(product((-1, 0, 1), repeat=3)))
    away = (coords[:, None, None] - coords[None, :, None] + shifts) @ lattice
    close = (np.linalg.norm(away, axis=3) < radius).any(axis=2)
    return {(i, j) for i, j in zip(*np.nonzero(close), strict=True) if i < j}


@pytest.mark.parametrize("n_atoms", [2, 30, 64, 65, 200])
def test_all_pairs_are_found_once(n_atoms):
    rng = np.random.default_rng(n_atoms)
    lattice = np.array([[7.0, 0, 0], [2.5, 6, 0], [-2, 1.5, 8]])
    coords = rng.random((n_atoms, 3))
    coords[n_atoms // 2 :] = coords[: n_atoms - n_atoms // 2] + rng.normal(
        scale=0.04, size=(n_atoms - n_atoms // 2, 3)
    )
    coords[::3] += rng.integers(-2, 3, size=coords[::3].shape)
    coords = coords - np.floor(coords)
    found = list(zip(*close_pairs(lattice, coords, 0.5), strict=True))
    assert len(found) == len(set(found))
    assert set(found) == all_pairs(lattice, coords, 0.5)
    moved = coords + rng.integers(-2, 3, size=coords.shape)
    assert set(zip(*close_pairs(lattice, moved, 0.5), strict=True)) == set(found)


def test_runs():
    assert [group.tolist() for group in runs(np.array([3, 0, 3, 1, 0]))] == [[1, 4], [3], [0, 2]]
