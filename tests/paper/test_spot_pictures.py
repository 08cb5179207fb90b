"""Distances between spot patterns, and the pairs that are found by them."""

import numpy as np
import pytest

from crystalsym.crystals import Crystal
from crystalsym.datasets import example_crystals, random_crystals
from crystalsym.diffraction import SpotPatterns

HOW = (41, 0.8, 0.7)


@pytest.fixture
def pictures(paper):
    return paper("spot_pictures")


@pytest.fixture
def cell():
    rng = np.random.default_rng(0)
    return Crystal(np.diag([4.1, 5.3, 6.7]), rng.random((3, 3)), [8, 26, 57])


def test_bins_hold_the_root_of_the_relative_intensity_less_its_mean(pictures):
    spots = SpotPatterns(
        q=np.array([[0.4, 0.0], [0.0, 0.4], [-0.4, 0.0], [0.0, -0.4]]),
        intensity=np.array([4.0, 1.0, 4.0, 1.0]),
        starts=np.array([0, 4, 4, 4]), q_min=np.zeros((1, 3)), q_max=np.ones((1, 3)),
    )  # fmt: skip
    found = pictures.binned(spots, 5, 0.8, 1e-9)
    half = np.zeros(13)
    half[2 + 5], half[2 * 5 + 1] = 0.5, 1.0  # (0, -0.4) and (-0.4, 0)
    half -= half.mean()
    np.testing.assert_allclose(found.upright[0, 0], half / np.linalg.norm(half), atol=1e-6)
    assert (found.upright[0, 1:] == 0).all()


def test_a_crystal_is_no_distance_from_itself_and_far_from_others(pictures):
    known = example_crystals()
    some = pictures.spot_pictures([known["NaCl"], known["TiO2-rutile"], known["ZnO-zincite"]], *HOW)
    away = pictures.distances(some, some)
    np.testing.assert_allclose(away, away.T, atol=1e-6)
    np.testing.assert_allclose(np.diag(away), 0, atol=1e-6)
    assert away[~np.eye(3, dtype=bool)].min() > 0.5
    paired = pictures.paired_distances(some, some.take([1, 2, 0]))
    np.testing.assert_allclose(paired, [away[0, 1], away[1, 2], away[2, 0]], atol=1e-6)


@pytest.mark.parametrize("order", [(1, 2, 0), (2, 0, 1), (0, 2, 1), (1, 0, 2), (2, 1, 0)])
def test_axes_may_have_any_names(pictures, cell, order):
    renamed = Crystal(
        np.diag(np.diag(cell.lattice)[list(order)]), cell.frac_coords[:, order],
        cell.atomic_numbers,
    )  # fmt: skip
    simulator = pictures.DiffractionSimulator(
        views="zone-axes", output="spots", q_max=0.8, standardize=False
    )
    one, other = (pictures.binned(simulator.transform([c]), *HOW) for c in (cell, renamed))
    assert pictures.distances(one, other)[0, 0] < 0.02


def test_nearest_is_of_another_kind_and_the_closest(pictures):
    crystals = random_crystals([14] * 6 + [62] * 6, random_state=0)
    kinds = np.repeat([14, 62], 6)
    some = pictures.spot_pictures(crystals, *HOW)
    nearest, distance = pictures.nearest_of_others(some, kinds)
    away = pictures.distances(some, some)
    assert (kinds[nearest] != kinds).all()
    for row in range(12):
        assert distance[row] == pytest.approx(away[row, kinds != kinds[row]].min(), abs=1e-6)


def test_where_there_is_no_other_kind_there_is_no_pair(pictures, cell):
    some = pictures.spot_pictures([cell, cell], *HOW)
    found = pictures.nearest_of_others(some, np.array([1, 1]))
    assert pictures.closest_pairs(*found, 5) == []


def test_no_crystal_is_in_two_pairs(pictures):
    nearest, distance = np.array([1, 2, 1, 0]), np.array([0.2, 0.1, 0.1, 0.3])
    assert pictures.closest_pairs(nearest, distance, 5) == [(1, 2, 0.1), (0, 3, 0.3)]
    assert pictures.closest_pairs(nearest, distance, 1) == [(1, 2, 0.1)]
