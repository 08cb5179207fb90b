"""Wyckoff positions against counts of International Tables and the symmetry finder."""

from __future__ import annotations

import numpy as np
import pytest
import spglib

from crystalsym import spacegroups
from crystalsym.crystals._random_cells import random_cell
from crystalsym.crystals._wyckoff import (
    centering_vectors,
    lattice_rotations,
    standard_operations,
    wyckoff_positions,
)

GROUPS = range(1, 231)


def test_all_groups_have_1731_positions():
    assert sum(len(wyckoff_positions(number)) for number in GROUPS) == 1731


@pytest.mark.parametrize(
    ("number", "multiplicities"),
    [
        (1, [1]),
        (14, [2, 2, 2, 2, 4]),
        (62, [4, 4, 4, 8]),
        (139, [2, 2, 4, 4, 4, 8, 8, 8, 8, 8, 16, 16, 16, 16, 32]),
        (166, [3, 3, 6, 9, 9, 18, 18, 18, 36]),
        (227, [8, 8, 16, 16, 32, 48, 96, 96, 192]),
        (230, [16, 16, 24, 24, 32, 48, 48, 96]),
    ],
)
def test_multiplicities(number, multiplicities):
    assert [p.multiplicity for p in wyckoff_positions(number)] == multiplicities


@pytest.mark.parametrize("number", GROUPS)
def test_orbits_are_closed_and_disjoint(number):
    rotations, translations = standard_operations(number)
    rng = np.random.default_rng(number)
    for position in wyckoff_positions(number):
        free = rng.random(position.dimension)
        sites = position.orbit(free)
        assert len(sites) == position.multiplicity
        assert np.allclose(sites[0], (position.origin + free @ position.directions) % 1)
        assert _distances(sites, sites).sum(axis=1).max() == 1
        for operation in range(0, len(rotations), 7):
            images = sites @ rotations[operation].T + translations[operation]
            assert _distances(images, sites).sum(axis=1).min() == 1
    general = wyckoff_positions(number)[-1]
    assert (general.dimension, general.multiplicity) == (3, len(rotations))


def _distances(one, two):
    away = one[:, None] - two
    away -= np.round(away)
    return np.abs(away).max(axis=2) < 1e-6


@pytest.mark.parametrize("number", [2, 10, 74, 142, 167, 194, 220, 228])
def test_positions_are_those_the_symmetry_finder_tells_apart(number):
    """One atom of its own kind on every position: all letters occur once."""
    rng = np.random.default_rng(number)
    positions = wyckoff_positions(number)
    sites = [p.orbit(rng.random(p.dimension)) for p in positions]
    kinds = np.repeat(np.arange(1, len(sites) + 1), [len(s) for s in sites])
    lattice = 40 * random_cell(number, rng)
    dataset = spglib.get_symmetry_dataset((lattice, np.concatenate(sites), kinds), symprec=1e-4)
    assert dataset.number == number
    letters = [set(np.array(dataset.wyckoffs)[kinds == n]) for n in range(1, len(sites) + 1)]
    assert all(len(letter) == 1 for letter in letters)
    assert len(set.union(*letters)) == len(positions)


@pytest.mark.parametrize("number", [1, 5, 23, 41, 70, 148, 199, 227])
def test_centering(number):
    expected = {"P": 1, "A": 2, "C": 2, "I": 2, "R": 3, "F": 4}
    assert len(centering_vectors(number)) == expected[spacegroups.symbol(number)[0]]


def test_lattice_rotations():
    orders = {"triclinic": 2, "monoclinic": 4, "orthorhombic": 8, "tetragonal": 16}
    orders |= {"trigonal": 24, "hexagonal": 24, "cubic": 48}
    assert {system: len(lattice_rotations(system)) for system in orders} == orders


@pytest.mark.parametrize("number", [0, 231, 2.5])
def test_no_such_group(number):
    with pytest.raises(ValueError, match="space"):
        wyckoff_positions(number)
