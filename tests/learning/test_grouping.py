"""Splits that keep near-duplicates on one side."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.crystals import NACL, lattice_of, one_atom

from crystalsym.crystals import Crystal
from crystalsym.datasets import CrystalTable
from crystalsym.learning import holdout_split, near_duplicate_groups, twin_groups
from crystalsym.learning._former_split import former_holdout, former_near_duplicates


def cubes(*edges):
    return [one_atom(np.eye(3) * edge) for edge in edges]


def test_near_duplicates_agree_in_content_and_cell():
    crystals = [
        NACL,
        NACL.replace(lattice=np.eye(3) * 5.641),  # NACL's edge is 5.64
        NACL.replace(lattice=np.eye(3) * 5.66),
        NACL.replace(atomic_numbers=[19] * 4 + [17] * 4),
        NACL.replace(frac_coords=NACL.frac_coords + 0.3),  # another origin
        one_atom(np.eye(3) * 5.64),
    ]
    numbers = near_duplicate_groups(crystals)
    assert numbers.tolist() == [0, 0, 1, 2, 0, 3]
    assert near_duplicate_groups(CrystalTable.from_crystals(crystals)).tolist() == numbers.tolist()


@pytest.mark.parametrize("edge", [3.995, 4.0, 4.0049, 4.005, 4.0051])
def test_no_rounding_parts_near_duplicates(edge):
    """3.99499 and 3.99501 were two by their second decimals."""
    assert near_duplicate_groups(cubes(edge - 1e-5, edge + 1e-5)).tolist() == [0, 0]
    turned = [one_atom(lattice_of(4, 5, 6, 90, 90 + edge + d, 90)) for d in (-1e-4, 1e-4)]
    assert near_duplicate_groups(turned).tolist() == [0, 0]


def test_a_tolerance_is_what_it_says():
    assert near_duplicate_groups(cubes(4.0, 4.0099)).tolist() == [0, 0]
    assert near_duplicate_groups(cubes(4.0, 4.0101)).tolist() == [0, 1]
    assert near_duplicate_groups(cubes(4.0, 4.04), edge_tolerance=0.05).tolist() == [0, 0]
    # Each edge counts for itself: three that differ by as much are not further apart.
    cells = [lattice_of(4 + d, 5 - d, 6 + d, 90, 90, 90) for d in (0, 0.0099)]
    assert near_duplicate_groups([one_atom(cell) for cell in cells]).tolist() == [0, 0]
    assert near_duplicate_groups(cubes(4.0, 4.009, 4.018, 4.03)).tolist() == [0, 0, 0, 1]
    for name in ("edge_tolerance", "angle_tolerance"):
        with pytest.raises(ValueError, match=f"{name} must be positive, got 0"):
            near_duplicate_groups(cubes(4.0), **{name: 0})


def test_angles_count():
    cells = [lattice_of(4, 5, 6, 90, beta, 90) for beta in (95, 95.01, 95.15)]
    assert near_duplicate_groups([one_atom(cell) for cell in cells]).tolist() == [0, 0, 1]
    numbers = near_duplicate_groups([one_atom(cell) for cell in cells], angle_tolerance=0.5)
    assert numbers.tolist() == [0, 0, 0]


def test_labels_part_near_duplicates():
    assert near_duplicate_groups([NACL, NACL, NACL], labels=[225, 225, 221]).tolist() == [0, 0, 1]
    with pytest.raises(ValueError, match="2 labels for 3 crystals"):
        near_duplicate_groups([NACL] * 3, labels=[225, 221])


def test_nothing_has_no_groups():
    assert near_duplicate_groups([]).tolist() == []


def test_the_former_name_warns():
    with pytest.warns(DeprecationWarning, match="near_duplicate_groups"):
        assert twin_groups([NACL, NACL], [225, 225]).tolist() == [0, 0]


@st.composite
def cells(draw):
    """Crystals of few kinds, most of them close to another."""
    steps = st.integers(-4, 4).map(lambda step: step * 0.0031)
    edges = [4 + draw(steps), 4 + draw(steps), draw(st.sampled_from([4.0, 6.005])) + draw(steps)]
    beta = 90 + 0.037 * draw(st.integers(-4, 4))
    atoms = draw(st.sampled_from([[6], [6, 6], [6, 8]]))
    coords = [[0.4 * i, 0, 0] for i in range(len(atoms))]
    return Crystal(lattice_of(*edges, 90, beta, 90), coords, atoms)


def description(crystal):
    a, b, c = np.linalg.norm(crystal.lattice, axis=1)
    beta = np.degrees(np.arccos(crystal.lattice[0] @ crystal.lattice[2] / (a * c)))
    return np.array([a / 0.01, b / 0.01, c / 0.01, beta / 0.1]), sorted(crystal.atomic_numbers)


@given(st.lists(cells(), max_size=12), st.randoms(use_true_random=False))
def test_groups_are_the_chains_of_close_cells(crystals, random):
    numbers = near_duplicate_groups(crystals)
    described = [description(crystal) for crystal in crystals]
    n = len(crystals)
    reach = np.eye(n, dtype=bool)
    for i in range(n):
        for j in range(n):
            apart = np.abs(described[i][0] - described[j][0]).max()
            reach[i, j] = described[i][1] == described[j][1] and apart < 1 + 1e-5
    for _ in range(n):
        reach = reach @ reach
    np.testing.assert_array_equal(numbers[:, None] == numbers, reach)
    # What the former rule held together stays together, and the order of crystals is nothing.
    former = former_near_duplicates(crystals)
    assert not ((former[:, None] == former) & (numbers[:, None] != numbers)).any()
    order = list(range(n))
    random.shuffle(order)
    again = near_duplicate_groups([crystals[i] for i in order])
    np.testing.assert_array_equal(again[:, None] == again, reach[np.ix_(order, order)])


def test_the_former_rule_is_what_it_was():
    """The held-out figures of the shipped models are of these rows."""
    crystals = cubes(3.99499, 3.99501, 4.0049, 4.0051, 5.64)
    assert former_near_duplicates(crystals).tolist() == [0, 1, 1, 2, 3]
    groups = [4, 4, 0, 7, 7, 7, 2, 9, 11, 12, 13, 14, 2, 15, 16, 18, 17, 19, 20, 21]
    train, test = former_holdout(groups, 0.3, 0)
    assert test.tolist() == [0, 1, 2, 3, 4, 5, 14, 16]
    assert sorted([*train, *test]) == list(range(20))


@given(
    st.lists(st.integers(0, 12), min_size=2, max_size=60).filter(lambda g: len(set(g)) > 1),
    st.floats(0.1, 0.9),
    st.integers(0, 5),
)
def test_no_group_lies_on_both_sides(groups, fraction, seed):
    groups = np.array(groups)
    if math.ceil(fraction * len(set(groups.tolist()))) == len(set(groups.tolist())):
        with pytest.raises(ValueError, match="train set will be empty"):
            holdout_split(groups, fraction, seed)
        return
    train, test = holdout_split(groups, fraction, seed)
    assert sorted([*train, *test]) == list(range(len(groups)))
    assert not set(groups[train]) & set(groups[test])
    n_groups = len(set(groups.tolist()))
    assert len(set(groups[test].tolist())) == math.ceil(fraction * n_groups)
    assert np.all(np.diff(train) > 0)
    assert np.all(np.diff(test) > 0)


def test_seed_decides():
    groups = np.arange(100)
    first, again = holdout_split(groups, random_state=3), holdout_split(groups, random_state=3)
    assert np.array_equal(first[1], again[1])
    assert not np.array_equal(first[1], holdout_split(groups, random_state=4)[1])
    assert len(first[1]) == 20


@pytest.mark.parametrize("fraction", [0, 1, -0.5, 2])
def test_impossible_fraction_is_refused(fraction):
    with pytest.raises(ValueError, match="test_fraction must lie between 0 and 1"):
        holdout_split([0, 1, 2], fraction)
