"""Patterns in the indices of their own lattice."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalsym import Crystal, DiffractionSimulator, PatternShaper
from crystalsym.datasets import example_crystals
from crystalsym.shaping._index_scheme import CENTERED, find_lattice

SIZE = 129
HALF = (SIZE - 1) / 2


def spots_image(points, heights):
    """Gaussian spots at (x, y) in pixels from the middle."""
    rows, columns = np.mgrid[:SIZE, :SIZE] - HALF
    image = np.zeros((SIZE, SIZE))
    for (x, y), height in zip(points, heights, strict=True):
        image += height * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 0.6**2))
    return image


def shaped(image, **parameters):
    parameters = {"intensity": "log", "threshold": 1e-4, "image_size": 9, **parameters}
    return PatternShaper("lattice", **parameters).transform(image[None, None])[0, 0]


def grid(a, b, n, extent=60):
    """Points h a + k b within the extent, and their indices."""
    indices = [(h, k) for h in range(-n, n + 1) for k in range(-n, n + 1)]
    points = np.array([[h * a[0] + k * b[0], h * a[1] + k * b[1]] for h, k in indices])
    near = np.hypot(*points.T) < extent
    return points[near], np.array(indices)[near]


def test_a_rectangular_lattice_by_hand():
    points, indices = grid((10, 0), (0, 14), 6)
    heights = np.where((abs(indices) == [1, 0]).all(axis=1), 1.0, 1e-2)
    image = shaped(spots_image(points, heights))
    assert image.shape == (9, 9, 2)
    assert image[4, 4, 0] == 0  # the direct beam
    assert image[4, 5, 0] == pytest.approx(1)
    assert image[5, 4, 0] == pytest.approx(0.5, abs=1e-3)  # half of four decades
    assert image[4, 5, 1] == pytest.approx(10 / HALF, abs=1e-3)
    assert image[6, 5, 1] == pytest.approx(math.hypot(10, 28) / HALF, abs=1e-3)
    assert (
        image[0, 0, 1] == pytest.approx(math.hypot(40, 56) / HALF, abs=1e-2) or image[0, 0, 1] == 1
    )


def test_a_centered_lattice_takes_every_second_node():
    points, indices = grid((9, 0), (0, 12), 6)
    present = indices.sum(axis=1) % 2 == 0
    image = shaped(spots_image(points[present], np.ones(present.sum())))
    rows, columns = np.mgrid[:9, :9] - 4
    inside = np.hypot(9 * columns, 12 * rows) < 58
    even = (rows + columns) % 2 == 0
    beam = (rows == 0) & (columns == 0)
    assert (image[inside & even & ~beam, 0] > 0.99).all()
    assert (image[~even, 0] == 0).all()
    assert image[4, 5, 1] == pytest.approx(9 / HALF, abs=1e-3)


def test_absent_rows_do_not_count():
    """A screw axis hides every other spot of one row; the lattice is that of all the others."""
    points, indices = grid((8, 0), (0, 8), 7)
    present = ~((indices[:, 0] == 0) & (indices[:, 1] % 2 == 1))
    image = shaped(spots_image(points[present], np.ones(present.sum())))
    assert image[5, 4, 0] == 0
    assert image[6, 4, 0] == pytest.approx(1, abs=1e-3)
    assert image[5, 5, 0] == pytest.approx(1, abs=1e-3)


def test_an_oblique_lattice_keeps_its_handedness():
    points, indices = grid((12, 0), (3, 11), 5)
    heights = np.where((indices == [1, 1]).all(axis=1) | (indices == -1).all(axis=1), 1.0, 1e-3)
    image = shaped(spots_image(points, heights))
    assert image[5, 5, 0] == pytest.approx(1)
    assert image[5, 3, 0] == pytest.approx(0.25, abs=1e-3)
    np.testing.assert_allclose(image[::-1, ::-1], image, atol=1e-6)  # Friedel's law


def test_type_and_scale_do_not_matter():
    points, indices = grid((10, 0), (2, 13), 6)
    heights = 0.3 ** abs(indices).sum(axis=1)
    raw = spots_image(points, heights)
    expected = shaped(raw, threshold=1e-2)
    np.testing.assert_allclose(shaped(1e9 * raw, threshold=1e-2), expected, atol=1e-5)
    gray = np.round(65535 * raw / raw.max()).astype(np.uint16)
    np.testing.assert_allclose(shaped(gray, threshold=1e-2), expected, atol=2e-3)


@pytest.mark.parametrize(
    "image",
    [np.zeros((SIZE, SIZE)), spots_image([(0, 0)], [1.0]), spots_image([(20, 3)], [1.0])],
    ids=["black", "beam alone", "one spot"],
)
def test_patterns_without_a_lattice(image):
    result = shaped(image)
    assert np.isfinite(result).all()
    assert result[..., 0].max() <= 1


def test_a_row_of_spots_lies_along_x():
    points = [(9 * i, 12 * i) for i in (-3, -2, -1, 1, 2, 3)]
    image = shaped(spots_image(points, np.ones(6)))
    np.testing.assert_allclose(image[4, :, 0], [0, 1, 1, 1, 0, 1, 1, 1, 0], atol=1e-3)
    assert image[4, 5, 1] == pytest.approx(15 / HALF, abs=1e-3)


def test_noise_and_saturation_are_survived():
    rng = np.random.default_rng(0)
    points, _ = grid((11, 0), (0, 11), 5)
    raw = spots_image(points, rng.uniform(0.2, 1, len(points)))
    clean = shaped(raw, threshold=0.1)
    noisy = shaped(raw + rng.uniform(0, 0.02, raw.shape), threshold=0.1)
    assert np.abs(noisy - clean).max() < 0.1
    flat = shaped(np.minimum(raw, 0.5), threshold=0.1)
    np.testing.assert_allclose(flat[..., 1], clean[..., 1], atol=0.01)
    only_noise = shaped(rng.random((SIZE, SIZE)))
    assert np.isfinite(only_noise).all()


@given(
    a=st.floats(0.03, 0.3),
    b=st.floats(0.03, 0.3),
    gamma=st.floats(60, 120),
    seed=st.integers(0, 2**31),
)
def test_the_lattice_of_any_points_is_found(a, b, gamma, seed):
    """Points of a lattice with some left out: the basis has the area of one cell."""
    rng = np.random.default_rng(seed)
    angle = math.radians(gamma)
    cell = np.array([[a, 0.0], [b * math.cos(angle), b * math.sin(angle)]])
    n = int(1 / (min(a, b) * math.sin(angle))) + 1
    h, k = np.mgrid[-n : n + 1, -n : n + 1].reshape(2, -1)
    points = np.stack([h, k], axis=1) @ cell
    r = np.hypot(*points.T)
    kept = (r < 1) & (r > 0) & (rng.random(len(r)) < 0.6)
    kept |= (abs(h) + abs(k)) == 1
    points = points[kept] + rng.normal(0, 1e-4, (kept.sum(), 2))
    points = points[np.argsort(np.hypot(*points.T))]
    basis = find_lattice(points[:, 0].copy(), points[:, 1].copy())
    assert np.linalg.det(basis) == pytest.approx(abs(np.linalg.det(cell)), rel=0.02)


def test_a_turned_pattern_is_read_like_a_straight_one():
    """An oblique pattern has no row along x once it is turned: its shortest vector counts."""
    points, indices = grid((10, 0), (3.1, 12.3), 6, extent=50)
    heights = 0.5 ** abs(indices).sum(axis=1)
    angle = math.radians(33)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    straight = shaped(spots_image(points, heights))
    turned = shaped(spots_image(points @ turn, heights))
    np.testing.assert_allclose(turned, straight, atol=0.01)


def test_centered_cells_of_crystals_lose_their_absent_rows():
    """Copper's hk0 layer shows even indices alone: the pattern of a cube of half the edge."""
    f_cell = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
    cu = Crystal(3.6 * np.eye(3), f_cell, [29] * 4)
    image = PatternShaper("lattice", image_size=5, intensity="log").transform(
        DiffractionSimulator(standardize=False).transform([cu])
    )[0, 2]
    assert image[2, 3, 1] == pytest.approx(2 / 3.6 / 1.457, abs=2e-3)
    assert (np.delete(image[..., 0].ravel(), 12)[[11, 12, 7, 16]] > 0.5).all()
    assert 0 < CENTERED < 0.1


@pytest.mark.parametrize("size", [2, 8, 224])
def test_the_size_must_be_odd(size):
    with pytest.raises(ValueError, match="odd image_size"):
        PatternShaper("lattice", image_size=size).fit()


def test_spots_of_a_pair_are_shown_apart_without_friedels_law():
    points, indices = grid((12, 0), (3, 11), 5)
    heights = np.where((indices == [1, 1]).all(axis=1), 1.0, 1e-2)
    image = shaped(spots_image(points, heights), friedel=False)
    assert image[5, 5, 0] == pytest.approx(1, abs=1e-3)
    assert image[3, 3, 0] == pytest.approx(0.5, abs=1e-3)
    both = shaped(spots_image(points, heights))
    assert both[5, 5, 0] == both[3, 3, 0] == pytest.approx(1, abs=1e-3)


def test_lists_of_one_spot_of_each_pair_show_both_whatever_the_law():
    spots = DiffractionSimulator(output="spots").transform([example_crystals()["NaCl"]])
    assert spots.halved
    law, none = (PatternShaper(friedel=friedel).transform(spots) for friedel in (True, False))
    np.testing.assert_array_equal(law, none)


def test_friedel_is_true_or_false():
    with pytest.raises(ValueError, match="friedel must be True or False, got 'no'"):
        PatternShaper(friedel="no").fit()
