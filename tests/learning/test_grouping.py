"""Splits that keep near-duplicates on one side."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.crystals import NACL, lattice_of, one_atom

from crystalsym.learning import holdout_split, twin_groups


def test_twins_agree_in_content_and_cell():
    crystals = [
        NACL,
        NACL.replace(lattice=np.eye(3) * 5.641),  # within 0.01 Å
        NACL.replace(lattice=np.eye(3) * 5.70),
        NACL.replace(atomic_numbers=[19] * 4 + [17] * 4),
        NACL.replace(frac_coords=NACL.frac_coords + 0.3),  # another origin
        one_atom(np.eye(3) * 5.64),
    ]
    numbers = twin_groups(crystals)
    assert numbers.tolist() == [0, 0, 1, 2, 0, 3]


def test_angles_count():
    cells = [lattice_of(4, 5, 6, 90, beta, 90) for beta in (95, 95.01, 96)]
    assert twin_groups([one_atom(cell) for cell in cells]).tolist() == [0, 0, 1]


def test_labels_part_twins():
    assert twin_groups([NACL, NACL, NACL], labels=[225, 225, 221]).tolist() == [0, 0, 1]


@given(
    st.lists(st.integers(0, 12), min_size=2, max_size=60).filter(lambda g: len(set(g)) > 1),
    st.floats(0.1, 0.9),
    st.integers(0, 5),
)
def test_no_group_lies_on_both_sides(groups, fraction, seed):
    groups = np.array(groups)
    train, test = holdout_split(groups, fraction, seed)
    assert sorted([*train, *test]) == list(range(len(groups)))
    assert not set(groups[train]) & set(groups[test])
    n_groups = len(set(groups.tolist()))
    assert abs(len(set(groups[test].tolist())) - fraction * n_groups) <= 0.5
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
