"""Which of three images are [100] and [1-10] of a cell with a = b, in whatever order they come."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from crystalsym.measurement._pattern_turning import turning, turnings

A, C = 0.2, 0.31  # a*, c*
DIAGONAL = A * np.sqrt(2)
PRIMITIVE = [np.diag([A, C]), np.diag([DIAGONAL, C]), np.diag([A, A])]
# h + k + l even: [100] and [001] are centered nets.
BODY_CENTERED = [
    np.array([[A, C], [A, -C]]),
    np.diag([DIAGONAL, 2 * C]),
    np.array([[A, A], [A, -A]]),
]


@pytest.mark.parametrize("nets", [PRIMITIVE, BODY_CENTERED], ids=["primitive", "centered"])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_nets_tell_the_two_directions_across_the_axis_apart(nets, order):
    found = turning([nets[i] for i in order], "any")
    assert found.zones == "[100] [1-10] [001]"
    assert [order[i] for i in found.order] == [0, 1, 2]


def test_all_orders_that_lattices_allow_are_told_the_likeliest_first():
    edges = 0.1, 0.2, 0.3  # a*, b*, c* of a cell with three different right-angled axes
    nets = [np.diag([edges[1], edges[2]]), np.diag([edges[2], edges[0]]), np.diag(edges[:2])]
    found = turnings(nets, "any")
    assert {one.order for one in found} == set(permutations(range(3)))
    assert found[0].order == turning(nets, "any").order
    doubts = [one.doubt for one in found]
    assert doubts[0] == min(doubts) < max(doubts)
    assert [one.order for one in turnings(nets, "zxy")] == [(1, 2, 0)]


def test_both_directions_across_an_axis_are_possible_and_the_nets_prefer_one():
    first, second = turnings(PRIMITIVE, "any")
    assert (first.order, second.order) == ((0, 1, 2), (1, 0, 2))
    assert 0 <= first.doubt < second.doubt
