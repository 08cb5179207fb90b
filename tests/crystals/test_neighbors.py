"""Distances of nearest neighbors."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from support.crystals import NACL, one_atom
from support.random_crystals import random_crystal

from crystalsym.crystals import Crystal
from crystalsym.crystals._neighbors import neighbor_distances


def test_known_distances():
    assert neighbor_distances(NACL) == pytest.approx(np.full(8, 2.82))
    # Two lengths: a pair along c in a wide cell, and one atom that has itself alone.
    pair = Crystal(np.diag([4.0, 4.0, 9.0]), [[0, 0, 0], [0, 0, 0.2], [0.5, 0.5, 0.6]], [6, 6, 26])
    assert neighbor_distances(pair) == pytest.approx([1.8, 1.8, 4.0])


def test_the_nearest_image_may_be_of_no_edge():
    """a - b is 1.1 Å long here, and either is longer than 3.6 Å."""
    skewed = one_atom([[4.0, 0, 0], [3.5, 1.0, 0], [0, 0, 5.0]])
    assert neighbor_distances(skewed) == pytest.approx([np.hypot(0.5, 1.0)])


def test_entries_at_one_place_are_no_neighbors():
    shared = Crystal(np.eye(3) * 4, [[0, 0, 0], [0, 0, 0]], [11, 19], occupancies=[0.5, 0.5])
    assert neighbor_distances(shared) == pytest.approx([4.0, 4.0])


@pytest.mark.parametrize("number", [1, 2, 14, 146, 194, 227])
def test_all_images_tried(number):
    # One orbit of the largest group is 192 atoms.
    crystal = random_crystal(number, np.random.default_rng(number), 1 if number == 227 else 2)
    away = crystal.frac_coords[:, None] - crystal.frac_coords
    # These cells are nearly straight: what is nearest lies no more than two of them away.
    distances = np.concatenate(
        [
            np.linalg.norm((away + np.array(cell)) @ crystal.lattice, axis=-1)
            for cell in product(range(-2, 3), repeat=3)
        ],
        axis=1,
    )
    expected = np.where(distances < 0.1, np.inf, distances).min(axis=1)
    assert neighbor_distances(crystal) == pytest.approx(expected)


def test_images_far_away_of_an_oblique_cell():
    """The second vector less three times the first is the shortest one but for the first."""
    oblique = Crystal([[4, 0, 0], [12.5, 3, 0], [0, 0, 9]], [[0, 0, 0]], [29])
    assert neighbor_distances(oblique) == pytest.approx([np.hypot(0.5, 3)])
    pair = Crystal([[8, 0, 0], [25, 6, 0], [0, 0, 9]], [[0, 0, 0], [0.5, 0.5, 0]], [29, 29])
    assert neighbor_distances(pair) == pytest.approx([np.hypot(0.5, 3)] * 2)
