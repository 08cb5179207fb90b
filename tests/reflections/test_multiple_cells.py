"""Cells that are a multiple of the crystal's are replaced, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.orbit_lists import KINDS, orbit_list

from crystalsym.crystals._cell_parameters import cell_of, lattice_of
from crystalsym.reflections import ReflectionList, ReflectionSections, reduce_reflections

MULTIPLES = {
    "a doubled": np.diag([2, 1, 1]),
    "b tripled": np.diag([1, 3, 1]),
    "a doubled twice": np.diag([4, 1, 1]),
    "a and c doubled": np.diag([2, 1, 2]),
    "sixfold": np.diag([2, 3, 1]),
    "skewed": np.array([[1, 1, 0], [-1, 2, 0], [0, 0, 2]]),
}


def multiplied(given, change, *, dark=True, level=0.0, error=0.01, seed=0):
    """The list in a multiple cell, with noise (or what a superstructure adds) between."""
    rng = np.random.default_rng(seed)
    hkl, lattice = given.hkl @ change.T, change @ lattice_of(given.cell)
    values, sigma = given.intensity, given.sigma
    if dark:
        spans = np.abs(hkl).max(axis=0)
        grid = np.stack(np.meshgrid(*(np.arange(-s, s + 1) for s in spans), indexing="ij"), -1)
        grid = grid.reshape(-1, 3)
        q = np.linalg.norm(grid @ np.linalg.inv(lattice).T, axis=1)
        grid = grid[(q > 0) & (q <= given.q.max() * 1.001)]
        own = grid @ np.linalg.inv(change).T
        grid = grid[np.abs(own - np.round(own)).max(axis=1) > 1e-6]
        noise = np.full(len(grid), error)
        hkl = np.concatenate([hkl, grid])
        extra = level * rng.exponential(size=len(grid)) + noise * rng.standard_normal(len(grid))
        values, sigma = np.concatenate([values, extra]), np.concatenate([sigma, noise])
    return ReflectionList(hkl, values, sigma, cell_of(lattice), name="multiple")


@pytest.mark.parametrize("name", MULTIPLES)
@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("kind", [("2/m", "P"), ("mmm", "P"), ("-1", "P")], ids=" ".join)
def test_the_smaller_cell_is_found(kind, name, dark):
    given = orbit_list(*kind, d_min=1.0)
    many = multiplied(given, MULTIPLES[name], dark=dark)
    one, two = reduce_reflections(given), reduce_reflections(many)
    assert any("times the one" in note for note in two.reflections.notes)
    assert two.merged(0).laue == kind[0]
    np.testing.assert_allclose(two.merged(0).cell, one.merged(0).cell, rtol=1e-5)
    assert len(two.merged(0)) == len(one.merged(0))


@pytest.mark.parametrize(("level", "error"), [(0.02, 0.01), (0.3, 0.01), (0.1, 0.5)])
def test_a_superstructure_is_no_multiple(level, error):
    """It may be that none of its reflections is above 3 sigma: together they are."""
    given = orbit_list("mmm", d_min=0.8)
    many = multiplied(given, MULTIPLES["a doubled"], level=level, error=error)
    assert reduce_reflections(many).reflections is many


@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
@pytest.mark.parametrize("merged", [False, True])
def test_right_cells_stay(kind, merged):
    given = orbit_list(*kind, merged=merged)
    assert reduce_reflections(given).reflections is given


def test_lists_of_few_layers_stay():
    """In layers of l = 0 and 6 alone, l says nothing of the axis c."""
    given = orbit_list("mmm", d_min=0.6)
    for layer in (given.hkl[:, 2] == 0, np.abs(given.hkl[:, 0]) == 1):
        assert reduce_reflections(given[layer]).reflections.cell == given.cell


def test_layers_of_a_doubled_cell_are_those_of_the_cell():
    given = orbit_list("mmm", d_min=1.0)
    many = multiplied(given, MULTIPLES["a doubled"], dark=False)
    one, two = ReflectionSections().transform([given]), ReflectionSections().transform([many])
    assert one.n_spots == two.n_spots
    np.testing.assert_allclose(np.sort(one.intensity), np.sort(two.intensity))


def test_what_was_noted_before_stays():
    many = multiplied(orbit_list("mmm", d_min=1.0), MULTIPLES["a doubled"])
    noted = replace(many, notes=("read from a photograph",))
    notes = reduce_reflections(noted).reflections.notes
    assert notes[0] == "read from a photograph"
    assert "dark reflections have no indices" in notes[1]
