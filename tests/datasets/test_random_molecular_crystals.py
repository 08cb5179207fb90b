"""Random crystals of molecules: exact groups, sensible densities, the frequencies of a database."""

from __future__ import annotations

import numpy as np
import pytest

from crystalsym.crystals import space_group_number
from crystalsym.datasets import random_molecular_crystals

SOME = (1, 2, 4, 5, 9, 14, 15, 19, 33, 43, 61, 62, 76, 88, 114, 146, 148, 161, 169, 198, 205)


def test_groups_are_those_asked_for():
    table = random_molecular_crystals(SOME, random_state=0)
    assert [space_group_number(crystal, 0.01) for crystal in table] == list(SOME)


def test_atoms_and_densities_are_those_of_molecules():
    table = random_molecular_crystals(200, random_state=1)
    counts = np.diff(table.site_offsets)
    volumes = np.abs(np.linalg.det(table.lattice)) / counts
    assert volumes.min() > 7.9
    assert volumes.max() < 15.1
    kinds = np.bincount(table.atomic_numbers, minlength=99)
    assert kinds[6] + kinds[1] > 0.6 * kinds.sum()
    assert 20 <= np.median(counts) <= 300
    groups = np.bincount(table.space_group, minlength=231)
    assert groups[14] > groups[19] > 0
    assert groups[14] + groups[2] > 80


def test_atoms_of_a_molecule_are_bound():
    table = random_molecular_crystals([1] * 5, random_state=2)
    for crystal in table:
        heavy = crystal.atomic_numbers > 1
        places = crystal.frac_coords[heavy]
        apart = places[:, None] - places
        apart -= np.round(apart)
        distances = np.linalg.norm(apart @ crystal.lattice, axis=-1) + 10 * np.eye(len(places))
        assert (distances.min(axis=1) < 0.9).mean() < 0.1  # chains cross now and then
        assert np.median(distances.min(axis=1)) < 2.1


def test_draws_are_the_same_whatever_the_jobs():
    one = random_molecular_crystals(30, random_state=4)
    two = random_molecular_crystals(30, random_state=4, n_jobs=2)
    np.testing.assert_array_equal(one.frac_coords, two.frac_coords)
    assert len(random_molecular_crystals(0, random_state=0)) == 0


def test_what_cannot_be_is_named():
    with pytest.raises(ValueError, match="n must be a number"):
        random_molecular_crystals(-3)
    with pytest.raises(ValueError, match="1 to 230"):
        random_molecular_crystals([231])
    with pytest.raises(ValueError, match="n_atoms must be a range"):
        random_molecular_crystals(1, n_atoms=(30, 20))
