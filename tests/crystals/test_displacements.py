"""symmetric_displacements: atoms move, the group stays."""

from __future__ import annotations

import numpy as np
import pytest
from support.crystals import NACL

from crystalsym.crystals import (
    Crystal,
    space_group_number,
    standardize,
    symmetric_displacements,
)
from crystalsym.datasets import random_crystals

GROUPS = [2, 9, 19, 38, 87, 122, 148, 161, 176, 205, 227]


@pytest.mark.parametrize("index", range(len(GROUPS)))
def test_group_and_cell_stay(index):
    crystal = random_crystals(GROUPS, 3, check=True)[index]
    moved = symmetric_displacements(crystal, 0.05, random_state=1)
    assert moved.standard
    assert space_group_number(moved, 0.01) == GROUPS[index]
    assert np.array_equal(moved.lattice, crystal.lattice)
    assert np.abs(moved.frac_coords - crystal.frac_coords).max() > 1e-4
    again = standardize(moved.replace(standard=False), 0.01)
    assert np.allclose(again.lattice, crystal.lattice, atol=1e-4)


def test_amplitude_is_that_of_general_positions():
    crystal = Crystal(np.diag([7.0, 8, 9]), np.random.default_rng(0).random((30, 3)), [26] * 30)
    moved = symmetric_displacements(crystal, 0.1, random_state=0, symprec=1e-3)
    shifts = (moved.frac_coords - crystal.frac_coords) @ crystal.lattice
    assert np.sqrt((shifts**2).sum(axis=1).mean()) == pytest.approx(0.1, rel=0.3)


def test_fixed_atoms_stay():
    moved = symmetric_displacements(NACL, 0.5, random_state=0)
    assert np.allclose(moved.frac_coords, NACL.frac_coords)


def test_elements_on_one_site_move_together():
    z = 0.23
    coords = [[0, 0, z], [0, 0, -z], [0.5, 0.5, 0.5]]
    mixed = Crystal(
        np.diag([3.5, 3.5, 7.0]), coords[:2] * 2 + coords[2:], [28] * 2 + [29] * 2 + [8],
        [0.3] * 2 + [0.7] * 2 + [1],
    )  # fmt: skip
    moved = symmetric_displacements(mixed, 0.1, random_state=0)
    assert np.allclose(moved.frac_coords[:2], moved.frac_coords[2:4])
    assert abs(moved.frac_coords[0, 2] - z) > 1e-3


def test_random_state():
    crystal = random_crystals([19], 0)[0]
    one, two, other = (symmetric_displacements(crystal, random_state=s) for s in (1, 1, 2))
    assert one.digest() == two.digest() != other.digest()
