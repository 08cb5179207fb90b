"""Copies of a map are redundant, orthogonal maps are not."""

from __future__ import annotations

import numpy as np
import pytest

from crystalsym.metrics import map_redundancy


@pytest.fixture
def spots():
    return np.random.default_rng(0).random((8, 8)).astype(np.float32)


def test_identical_maps(spots):
    found = map_redundancy(np.stack([spots] * 5, axis=-1))
    assert found.mean_correlation == pytest.approx(1.0)
    assert (found.n_components, found.n_maps, found.n_constant) == (1, 5, 0)


def test_brightness_and_sign_do_not_matter(spots):
    found = map_redundancy(np.stack([spots, 1e-3 * spots, 7 - 100 * spots], axis=-1))
    assert found.mean_correlation == pytest.approx(1.0)
    assert found.n_components == 1


def test_orthogonal_maps():
    """Waves of whole periods have nothing in common."""
    x = 2 * np.pi * np.arange(16) / 16
    waves = [np.sin(k * x) for k in range(1, 5)] + [np.cos(k * x) for k in range(1, 5)]
    found = map_redundancy(np.stack([np.outer(w, np.ones(4)) for w in waves], axis=-1))
    assert found.mean_correlation == pytest.approx(0.0, abs=1e-12)
    assert found.n_components == 8  # 7 hold 87.5 %
    assert map_redundancy(np.stack(waves, axis=-1), variance=0.5).n_components == 4
    assert map_redundancy(np.stack(waves, axis=-1), variance=1.0).n_components == 8


def test_two_pairs_of_copies():
    x = 2 * np.pi * np.arange(16) / 16
    maps = np.stack([np.sin(x), np.sin(x), np.cos(x), np.cos(x)], axis=-1)
    found = map_redundancy(maps)
    assert found.mean_correlation == pytest.approx(2 / 6)
    assert found.n_components == 2


def test_dark_and_even_maps_are_counted_and_left_out(spots):
    even = np.full_like(spots, 0.3)
    found = map_redundancy(np.stack([spots, np.zeros_like(spots), even, spots], axis=-1))
    assert found.mean_correlation == pytest.approx(1.0)
    assert (found.n_maps, found.n_constant) == (2, 2)
    one = map_redundancy(np.stack([spots, even], axis=-1))
    assert np.isnan(one.mean_correlation)
    assert one.n_components == 1
    none = map_redundancy(even[..., None])
    assert (none.n_components, none.n_maps, none.n_constant) == (0, 0, 1)


def test_maps_of_several_crystals_are_taken_together(spots):
    maps = np.random.default_rng(1).random((3, 8, 8, 6))
    assert map_redundancy(maps) == map_redundancy(maps.reshape(-1, 6))


@pytest.mark.parametrize(
    ("maps", "variance", "reason"),
    [
        (np.zeros(3), 0.95, "n_maps"),
        (np.zeros((4, 0)), 0.95, r"got \(4, 0\)"),
        (np.full((4, 2), np.nan), 0.95, "NaN"),
        (np.ones((4, 2)), 95, r"\(0, 1\], got 95"),
    ],
)
def test_bad_input(maps, variance, reason):
    with pytest.raises(ValueError, match=reason):
        map_redundancy(maps, variance)
