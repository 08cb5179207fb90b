"""Standard cells of crystals that stay as distorted as they were given."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from support.crystals import NACL, cell_of
from support.random_crystals import disguised, primitive, random_crystal

from crystalsym.crystals import Crystal, space_group_number, standardize
from crystalsym.datasets import example_crystals

SYMPREC = 0.005
GROUPS = (1, 2, 5, 9, 14, 15, 19, 41, 43, 62, 88, 95, 122, 146, 155, 161, 167, 176, 198, 205, 227)


def differences(one: Crystal, two: Crystal) -> np.ndarray:
    """How far the atoms of two crystals lie apart, Å, wherever their origins are."""
    delta = one.frac_coords - two.frac_coords
    delta -= np.round(delta)
    delta -= delta.mean(axis=0)
    return np.linalg.norm(delta @ one.lattice, axis=1)


def neighbor_distances(crystal: Crystal, radius: float = 4.0) -> np.ndarray:
    """All distances below ``radius`` Å from the atoms of one cell, sorted."""
    span = np.array(list(product(range(-3, 4), repeat=3)))
    images = crystal.frac_coords[:, None] + span
    away = images[:, :, None] - crystal.frac_coords
    distances = np.linalg.norm(away @ crystal.lattice, axis=-1)
    return np.sort(distances[(distances > 1e-6) & (distances < radius)])


def shaken(crystal: Crystal, rng: np.random.Generator, by: float) -> Crystal:
    """Every atom moved ``by`` Å in a direction of its own."""
    moves = rng.normal(size=(len(crystal), 3))
    moves *= by / np.linalg.norm(moves, axis=1, keepdims=True)
    return crystal.replace(frac_coords=crystal.frac_coords + moves @ np.linalg.inv(crystal.lattice))


@pytest.mark.parametrize("name", example_crystals())
def test_bundled_crystals_need_no_idealizing(name):
    path = example_crystals()[name]
    ideal, given = standardize(path), standardize(path, idealize=False)
    assert given.standard
    assert given.atomic_numbers.tolist() == ideal.atomic_numbers.tolist()
    assert np.allclose(given.lattice, ideal.lattice, atol=1e-6)
    assert differences(given, ideal).max() < 1e-4


@pytest.mark.parametrize("number", GROUPS)
@pytest.mark.parametrize("index", [0, 1, 2, 3], ids=["primitive", "turned", "double", "triple"])
def test_an_ideal_crystal_comes_out_the_same_from_any_cell(number, index):
    rng = np.random.default_rng(number)
    crystal = random_crystal(number, rng)
    crystal = disguised(crystal, rng, index) if index else primitive(crystal)
    ideal, given = (standardize(crystal, SYMPREC, idealize=i) for i in (True, False))
    assert given.atomic_numbers.tolist() == ideal.atomic_numbers.tolist()
    assert np.allclose(given.lattice, ideal.lattice, atol=1e-6)
    assert differences(given, ideal).max() < 1e-3


@pytest.mark.parametrize("number", [2, 9, 14, 33, 43, 62, 88, 122, 146, 152, 167, 176, 198])
def test_displaced_atoms_stay_displaced(number):
    rng = np.random.default_rng(number)
    crystal = shaken(random_crystal(number, rng, n_orbits=3, shortest=1.0), rng, 0.005)
    hidden = disguised(crystal, rng)
    given = standardize(hidden, 0.05, idealize=False)
    assert len(given) == len(crystal)
    assert neighbor_distances(given) == pytest.approx(neighbor_distances(crystal), abs=1e-6)
    assert space_group_number(given.replace(standard=False), 0.05) == number
    # Idealizing carries an atom's displacement, and those of its images, to the whole orbit.
    assert 0.002 < differences(given, standardize(hidden, 0.05)).max() < 0.03


def test_a_distorted_lattice_stays_distorted():
    strain = np.array([[1.002, 0.001, 0], [0, 0.998, 0.001], [0.001, 0, 1.001]])
    crystal = NACL.replace(lattice=NACL.lattice @ strain)
    assert cell_of(standardize(crystal).lattice)[3:] == pytest.approx([90, 90, 90])
    given = standardize(crystal, idealize=False)
    assert np.sort(cell_of(given.lattice)) == pytest.approx(np.sort(cell_of(crystal.lattice)))
    assert given.volume == pytest.approx(crystal.volume)
    assert given.lattice[0, 1:] == pytest.approx([0, 0])
    assert given.lattice[1, 2] == pytest.approx(0)


def test_copies_of_an_atom_in_a_larger_cell_become_their_mean():
    lattice = np.diag([6.0, 3.0, 3.0])
    doubled = Crystal(lattice, [[0, 0, 0], [0.5, 0.01, 0], [0.25, 0.5, 0.5], [0.75, 0.5, 0.5]],
                      [55, 55, 17, 17])  # fmt: skip
    assert space_group_number(doubled) == 221
    given = standardize(doubled, idealize=False)
    assert len(given) == 2
    apart = given.frac_coords[0] - given.frac_coords[1]
    moved = np.abs(np.abs(apart - np.floor(apart)) - 0.5)
    assert np.sort(moved) == pytest.approx([0, 0, 0.005])


def test_mixed_sites_keep_their_content():
    fcc = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    coords = np.concatenate([fcc, fcc])
    coords[[1, 5], 0] += 0.01
    alloy = Crystal(np.eye(3) * 3.6, coords, [28] * 4 + [29] * 4, [0.3] * 4 + [0.7] * 4)
    given = standardize(alloy, idealize=False)
    assert given.formula == alloy.formula
    assert differences(given, standardize(alloy)).max() > 0.02


def test_a_standard_crystal_passes_through():
    standard = standardize(NACL)
    assert standardize(standard, idealize=False) is standard
