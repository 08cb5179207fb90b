"""Changes of crystals that leave their group alone."""

from __future__ import annotations

import numpy as np
import pytest

from crystalsym.learning._augmentation import (
    Augmentation,
    element_weights,
    exchanged_elements,
    scaled_edges,
)

KINDS = np.array([[8, 26, 0], [11, 17, 0], [29, 0, 0], [8, 20, 22]])


def test_weights_count_crystals():
    weights = element_weights(KINDS)
    assert weights.sum() == pytest.approx(1)
    assert weights[0] == 0
    assert weights[8] == pytest.approx(2 / 8)


def test_different_elements_stay_different():
    weights = np.ones(95) / 94
    weights[0] = 0
    many = np.tile(KINDS, (500, 1))
    out = exchanged_elements(many, 0.7, weights, np.random.default_rng(0))
    assert ((out > 0) == (many > 0)).all()
    assert (out != many).mean() > 0.3
    for row in out:
        kinds = np.sort(row[row > 0])
        assert (np.diff(kinds) >= 2).all()


def test_nothing_is_exchanged_at_zero():
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(
        exchanged_elements(KINDS, 0.0, element_weights(KINDS), rng), KINDS
    )


def test_an_impossible_draw_leaves_the_crystal():
    weights = np.zeros(95)
    weights[26] = 1.0  # all would become iron
    out = exchanged_elements(KINDS, 1.0, weights, np.random.default_rng(0))
    np.testing.assert_array_equal(out[[0, 1, 3]], KINDS[[0, 1, 3]])
    assert out[2, 0] == 26


def test_equal_edges_stay_equal():
    lattice = np.array([np.diag([4.0, 4, 4]), np.diag([4.0, 4, 6]), np.diag([3.0, 4, 5])])
    factors = scaled_edges(lattice, 0.05, np.random.default_rng(0))
    assert len(set(factors[0])) == 1
    assert factors[1, 0] == factors[1, 1] != factors[1, 2]
    assert len(set(factors[2])) == 3


@pytest.mark.parametrize(
    "parameters", [{"changed": 1.5}, {"exchanged": -1}, {"scale": 0.5}, {"dimmed": True}]
)
def test_wrong_parameters_are_named(parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        Augmentation(**parameters)
