"""Classes that a symmetry may forbid, and which of them stand out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalsym.diffraction._reflection_classes import classes_of, in_dark_class

PLANE = np.array([(i, j) for i, j in itertools.product(range(-8, 9), repeat=2) if i or j])
H, K = PLANE.T


def forbidden_by(name):
    """Reflections that a symmetry element forbids in a plane, by their indices."""
    return {
        "centering": (H + K) % 2 != 0,
        "axial glide": K % 2 != 0,
        "diamond glide": (H + K) % 4 != 0,
        "diamond glide in other vectors": (2 * H + K) % 4 != 0,
        "obverse setting": (H - K) % 3 != 0,
        "face centering": (H % 2 != 0) | (K % 2 != 0),
        "screw axis 2_1": (K == 0) & (H % 2 != 0),
        "screw axis 3_1": (H == 0) & (K % 3 != 0),
        "screw axis 4_1": (K == 0) & (H % 4 != 0),
        "screw axis 6_1": (H == 0) & (K % 6 != 0),
        "glide edge-on, along a diagonal": (H == K) & (H % 2 != 0),
        "close packing": (H % 3 == 0) & (K % 2 != 0),
    }[name]


@pytest.mark.parametrize(
    "name",
    ["centering", "axial glide", "diamond glide", "diamond glide in other vectors",
     "obverse setting", "face centering",
     "screw axis 2_1", "screw axis 3_1", "screw axis 4_1", "screw axis 6_1",
     "glide edge-on, along a diagonal", "close packing"],
)  # fmt: skip
def test_what_symmetry_forbids_is_told_and_nothing_else(name):
    forbidden = forbidden_by(name)
    # All that are allowed are strong; noise of what is forbidden reaches four times the ground.
    values = np.where(forbidden, np.random.default_rng(0).uniform(0, 4, len(PLANE)), 100.0)
    assert np.array_equal(in_dark_class(PLANE, values, 8.0, 25.0), forbidden)


def test_weak_reflections_of_a_class_that_stands_out_stay():
    odd = (H + K) % 2 != 0
    weak = ~odd & (np.random.default_rng(0).random(len(PLANE)) < 0.3)
    values = np.where(odd, 1.0, np.where(weak, 0.1, 100.0))
    assert np.array_equal(in_dark_class(PLANE, values, 8.0, 25.0), odd)


def test_one_strong_reflection_saves_its_class():
    odd = (H + K) % 2 != 0
    values = np.where(odd, 1.0, 100.0)
    chosen = np.flatnonzero(odd & (np.abs(H) == 5) & (np.abs(K) == 2))
    values[chosen] = 30.0
    assert not in_dark_class(PLANE, values, 8.0, 25.0)[chosen].any()
    assert in_dark_class(PLANE, values, 8.0, 31.0)[chosen].all()


def test_two_reflections_are_no_class():
    few = np.array([[1, 0], [0, 1]])
    assert not in_dark_class(few, np.zeros(2), 8.0, 25.0).any()
    three = np.array([[1, 0], [3, 0], [5, 0]])
    assert in_dark_class(three, np.zeros(3), 8.0, 25.0).all()
    assert not in_dark_class(np.empty((0, 2)), np.empty(0), 8.0, 25.0).any()


@given(st.lists(st.tuples(st.integers(-30, 30), st.integers(-30, 30)), min_size=1, max_size=40))
def test_a_friedel_pair_is_in_one_class(pairs):
    indices = np.array([pair for pair in pairs if any(pair)] or [(1, 0)])
    ways = zip(classes_of(indices), classes_of(-indices), strict=True)
    assert all(np.array_equal(one, other) for one, other in ways)
