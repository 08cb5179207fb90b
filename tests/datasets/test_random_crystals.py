"""random_crystals: every group, in the cell that standardize would give."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from crystalsym import spacegroups
from crystalsym.crystals import Crystal, SymmetryError, space_group_number, standardize
from crystalsym.datasets import random_crystals
from crystalsym.scattering import scattering_factors

ALL = np.arange(1, 231)
HKL = np.array(list(product(range(-3, 4), repeat=3)))


@pytest.fixture(scope="module")
def unchecked():
    return random_crystals(ALL, random_state=0)


@pytest.fixture(scope="module")
def checked():
    return random_crystals(ALL, random_state=1, check=True)


def found(crystal, symprec):
    try:
        return space_group_number(crystal, symprec)
    except SymmetryError:
        return -1


def intensities(crystal):
    q = np.linalg.norm(HKL @ crystal.reciprocal, axis=1)
    amplitude = np.zeros(len(HKL), dtype=complex)
    for z in np.unique(crystal.atomic_numbers):
        coords = crystal.frac_coords[crystal.atomic_numbers == z]
        phases = np.exp(2j * np.pi * HKL @ coords.T).sum(axis=1)
        amplitude += scattering_factors(np.array([z]), q)[0] * phases
    return np.abs(amplitude) ** 2


def test_table(unchecked):
    assert unchecked.standard
    assert unchecked.space_group.tolist() == ALL.tolist()
    assert all(crystal.standard for crystal in unchecked)
    assert unchecked.atomic_numbers.min() >= 1
    assert unchecked.atomic_numbers.max() <= 94


@pytest.mark.parametrize("symprec", [0.01, 0.1])
def test_the_symmetry_finder_agrees(checked, unchecked, symprec):
    assert [found(crystal, symprec) for crystal in checked] == ALL.tolist()
    hits = np.array([found(crystal, symprec) for crystal in unchecked]) == ALL
    assert hits.mean() >= 0.97


def test_cells_are_those_of_standardize(checked):
    """Also from another origin, orientation and cell."""
    rng = np.random.default_rng(0)
    for number, crystal in zip(ALL, checked, strict=True):
        turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        turn *= np.sign(np.linalg.det(turn))
        shear = np.eye(3)[rng.permutation(3)] + 0.0
        shear[0] += rng.integers(-1, 2) * shear[1]
        shear *= np.sign(np.linalg.det(shear))
        disguised = Crystal(
            shear @ crystal.lattice @ turn,
            (crystal.frac_coords + rng.random(3)) @ np.linalg.inv(shear),
            crystal.atomic_numbers,
        )
        standard = standardize(disguised, symprec=0.01)
        assert np.allclose(standard.lattice, crystal.lattice, atol=1e-4), number
        one, two = intensities(crystal), intensities(standard)
        if number > 2:  # principal layers suffice to choose among settings
            layers = (HKL == 0).any(axis=1)
            one, two = one[layers], two[layers]
        assert np.allclose(one, two, atol=1e-3 * one.max()), number


def test_absences(unchecked):
    for number, crystal in zip(ALL, unchecked, strict=True):
        seen = intensities(crystal)
        weak = 1e-6 * seen.max()
        # Axes sorted by length may be permuted ones of the standard setting.
        orders = permutations(range(3)) if number < 75 else [(0, 1, 2)]
        assert any(
            seen[spacegroups.is_absent(int(number), HKL[:, order])].max(initial=0) < weak
            for order in orders
        ), number


def test_atoms_keep_apart_and_fill_the_cell(unchecked):
    shifts = np.array(list(product((-1, 0, 1), repeat=3)))
    for crystal in unchecked:
        assert 7.99 <= crystal.volume / len(crystal) <= 30.01
        away = crystal.frac_coords[:, None] - crystal.frac_coords
        away = (away - np.round(away))[:, :, None] + shifts
        distance = np.linalg.norm(away @ crystal.lattice, axis=-1)
        assert distance[distance > 1e-4].min() > 0.85
        assert (distance < 0.85).sum() == len(crystal)


def test_random_state_and_jobs():
    groups = [3, 62, 150, 225] * 70
    one = random_crystals(groups, random_state=3)
    two = random_crystals(groups, random_state=3, n_jobs=2)
    other = random_crystals(groups, random_state=4)
    assert np.array_equal(one.frac_coords, two.frac_coords)
    assert np.array_equal(one.lattice, two.lattice)
    assert np.array_equal(one.atomic_numbers, two.atomic_numbers)
    assert not np.array_equal(one.lattice, other.lattice)
    assert len({one[index].digest() for index in range(0, 40, 4)}) == 10


def test_what_may_be_asked_for():
    table = random_crystals(
        [14, 62, 221] * 20, 0, n_sites=(3, 4), n_elements=(3, 3), elements=[8, 22, 56], max_atoms=40
    )
    for crystal in table:
        assert set(crystal.atomic_numbers) == {8, 22, 56}
        assert len(crystal) <= 40
    alone = random_crystals([1, 5, 99, 227], 0, n_elements=(1, 1), elements=[14])
    assert set(alone.atomic_numbers) == {14}


def test_groups_that_need_many_atoms_get_them():
    assert len(random_crystals([219], 0, max_atoms=20)[0]) >= 96


def test_no_groups():
    table = random_crystals([], 0)
    assert len(table) == 0
    assert table.standard


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": [231]}, "231"),
        ({"n_sites": (0, 2)}, "n_sites"),
        ({"n_elements": (3, 2)}, "n_elements"),
        ({"volume_per_atom": (10, 5)}, "volume_per_atom"),
        ({"max_atoms": 0}, "max_atoms"),
        ({"elements": []}, "elements"),
        ({"elements": [8, 120]}, "elements"),
        ({"volume_per_atom": (0.1, 0.2)}, "no crystal of space group 14"),
    ],
)
def test_what_cannot_be_asked_for(options, message):
    with pytest.raises(ValueError, match=message):
        random_crystals(**({"groups": [14]} | options))
