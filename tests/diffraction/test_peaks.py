"""Spots found in images of known content."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalsym.diffraction import find_spots

ROWS, COLUMNS = np.mgrid[:48, :48]


def spot(column, row, height=1.0, sigma=0.7):
    return height * np.exp(-((COLUMNS - column) ** 2 + (ROWS - row) ** 2) / (2 * sigma**2))


places = st.floats(4, 43)
heights = st.floats(0.01, 1e4)
sigmas = st.floats(0.6, 2.5)


@given(places, places, heights, sigmas)
def test_gaussian_spot_is_found_exactly(column, row, height, sigma):
    found = find_spots(spot(column, row, height, sigma))
    assert len(found) == 1
    assert found.columns[0] == pytest.approx(column, abs=1e-4)
    assert found.rows[0] == pytest.approx(row, abs=1e-4)
    assert found.intensities[0] == pytest.approx(height, rel=1e-4)
    assert found.areas[0] == 1


@pytest.mark.parametrize("column", [20, 20.25, 20.5, 20.5 + 1e-9])
@pytest.mark.parametrize("row", [30, 30.5])
def test_spot_between_two_pixels_is_no_plateau(column, row):
    """Regression: two equal pixels were taken for a flat top, and the other axis was rounded."""
    found = find_spots(spot(column, row, 3.0))
    assert found.columns == pytest.approx([column], abs=1e-5)
    assert found.rows == pytest.approx([row], abs=1e-5)
    assert found.intensities == pytest.approx([3.0], rel=1e-5)
    assert found.areas.tolist() == [1]


def test_many_spots_come_strongest_first():
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid([6, 16, 26, 36], [8, 18, 28, 38]), -1).reshape(-1, 2)
    centers = grid + rng.uniform(-1, 1, grid.shape)
    strengths = rng.permutation(np.geomspace(1e-3, 1, len(grid)))
    image = sum(spot(x, y, h) for (x, y), h in zip(centers, strengths, strict=True))
    found = find_spots(image)
    order = np.argsort(-strengths)
    assert len(found) == len(grid)
    assert np.allclose(found.intensities, strengths[order], rtol=1e-3)
    assert np.allclose(np.stack([found.columns, found.rows], 1), centers[order], atol=1e-3)


def test_threshold_is_relative_to_the_maximum():
    image = 7.0 * (spot(10, 10, 1) + spot(20, 20, 1e-2) + spot(30, 30, 1e-4))
    assert len(find_spots(image, threshold=1e-1)) == 1
    assert len(find_spots(image, threshold=1e-3)) == 2
    assert len(find_spots(image, threshold=1e-5)) == 3


def test_only_the_strongest_are_kept():
    image = spot(10, 10, 1) + spot(20, 20, 3) + spot(30, 30, 2)
    found = find_spots(image, max_spots=2)
    assert found.columns == pytest.approx([20, 30])


@pytest.mark.parametrize("radius", [2, 3, 5.5])
def test_saturated_spot_is_the_centroid_of_its_flat_top(radius):
    image = np.minimum(spot(20.2, 25.4, 1e6, radius), 1000.0)
    found = find_spots(image)
    top = image == 1000
    assert len(found) == 1
    assert found.columns[0] == pytest.approx(COLUMNS[top].mean())
    assert found.rows[0] == pytest.approx(ROWS[top].mean())
    assert abs(found.columns[0] - 20.2) < 0.3
    assert found.intensities[0] == 1000
    assert found.areas[0] == top.sum()


def test_plateau_below_something_higher_is_no_spot():
    image = np.zeros((20, 20))
    image[5:9, 5:9] = 1.0
    image[9, 9] = 2.0  # touches it by a corner
    found = find_spots(image)
    assert len(found) == 1
    assert (found.columns[0], found.rows[0]) == (9, 9)


def test_winding_plateau_counts_once():
    image = np.zeros((20, 20))
    image[4, 4:15] = image[4:15, 4] = image[4:15, 14] = 1.0
    found = find_spots(image)
    assert len(found) == 1
    assert found.areas[0] == (image == 1).sum()


def test_ring_and_the_spot_inside_it_are_two():
    distance = np.hypot(COLUMNS - 20, ROWS - 20)
    image = np.where((distance > 6) & (distance < 8), 1.0, 0.0)
    image[20, 20] = 0.5
    found = find_spots(image)
    assert len(found) == 2
    assert found.columns == pytest.approx([20, 20])


def test_constant_image_is_one_plateau():
    found = find_spots(np.full((9, 9), 3.0))
    assert (len(found), found.columns[0], found.rows[0], found.areas[0]) == (1, 4, 4, 81)


def test_single_pixels():
    image = np.zeros((9, 9))
    image[2, 3] = 5.0
    found = find_spots(image)
    assert (found.columns[0], found.rows[0], found.intensities[0]) == (3, 2, 5)


@pytest.mark.parametrize(
    ("column", "row"), [(0, 20), (47, 20), (20, 0), (20, 47), (0, 0), (47, 47)]
)
def test_spots_at_the_border(column, row):
    found = find_spots(spot(column, row, 2.0))
    assert len(found) == 1
    assert found.columns[0] == pytest.approx(column, abs=1e-4)
    assert found.rows[0] == pytest.approx(row, abs=1e-4)
    assert found.intensities[0] == pytest.approx(2.0, rel=1e-4)


def test_spot_outside_the_image_shows_at_its_edge():
    found = find_spots(spot(-0.6, 20.3))
    assert found.columns[0] == 0
    assert found.rows[0] == pytest.approx(20.3, abs=1e-4)


@given(st.floats(15, 30), st.floats(15, 30), st.sampled_from([(np.uint8, 0.1), (np.uint16, 1e-3)]))
def test_quantized_spots(column, row, kind):
    dtype, tolerance = kind
    image = np.round(np.iinfo(dtype).max * spot(column, row, 0.98, 1.2)).astype(dtype)
    found = find_spots(image, threshold=0.5)
    assert len(found) == 1
    assert found.columns[0] == pytest.approx(column, abs=tolerance)
    assert found.rows[0] == pytest.approx(row, abs=tolerance)


def test_faint_quantized_spot_with_a_neighbor_digitized_away():
    image = np.zeros((9, 9), dtype=np.uint8)
    image[4, 3:6] = [0, 3, 1]
    found = find_spots(image)
    assert found.columns[0] == pytest.approx(4.25)
    assert found.rows[0] == 4


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32", "float64", ">f4"])
def test_dtype_does_not_matter(dtype):
    image = np.round(200 * spot(20.3, 10.6) + 90 * spot(31.8, 30.1))
    expected, found = find_spots(image), find_spots(image.astype(dtype))
    for name in ("columns", "rows", "intensities", "areas"):
        assert np.array_equal(getattr(found, name), getattr(expected, name))


@given(st.floats(1e-20, 1e20))
def test_scale_does_not_matter(scale):
    image = spot(20.3, 10.6) + 1e-3 * spot(31.8, 30.1)
    expected, found = find_spots(image), find_spots(image * scale)
    assert np.allclose(found.columns, expected.columns, atol=1e-4)
    assert np.allclose(found.intensities, expected.intensities * scale, rtol=1e-4)


@given(st.integers(0, 10_000))
def test_turning_the_image_turns_the_spots(seed):
    image = np.random.default_rng(seed).integers(0, 6, (12, 17)).astype(float)
    expected = find_spots(image)
    for turned, columns, rows in [
        (image[:, ::-1], 16 - expected.columns, expected.rows),
        (image[::-1], expected.columns, 11 - expected.rows),
        (image.T, expected.rows, expected.columns),
    ]:
        found = find_spots(turned)
        # Compared as sets: equal heights may come in another order.
        ours = sorted(zip(found.columns.round(6), found.rows.round(6), strict=True))
        theirs = sorted(zip(columns.round(6), rows.round(6), strict=True))
        assert np.allclose(ours, theirs, atol=1e-5)


def test_nan_counts_as_dark():
    image = spot(20.3, 10.6)
    image[30:35, 30:35] = np.nan
    image[10, 18] = np.nan  # near the spot
    found = find_spots(image)
    assert found.columns == pytest.approx([20.3], abs=1e-3)
    beside = spot(20.0, 10.0)
    beside[10, 21] = np.nan  # on its slope
    found = find_spots(beside)
    assert np.isfinite([found.columns, found.rows, found.intensities]).all()
    assert len(find_spots(np.full((8, 8), np.nan))) == 0


@pytest.mark.parametrize("image", [np.zeros((8, 8)), -np.ones((8, 8)), np.zeros((0, 0))])
def test_dark_images_hold_no_spots(image):
    found = find_spots(image)
    assert len(found) == 0
    assert found.columns.shape == found.areas.shape == (0,)


def test_more_spots_than_the_first_allocation_holds():
    image = np.zeros((80, 80))
    image[::2, ::2] = np.arange(1, 1601).reshape(40, 40)
    found = find_spots(image)
    assert len(found) == 1600
    assert found.intensities[0] == 1600


def test_impossible_images_are_refused():
    with pytest.raises(ValueError, match=r"two dimensions, got shape \(3, 8, 8\)"):
        find_spots(np.zeros((3, 8, 8)))
    image = np.zeros((8, 8))
    image[2, 2] = np.inf
    with pytest.raises(ValueError, match="infinite"):
        find_spots(image)
