"""scheme="pixels": the published algorithm, byte for byte."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.reference import fixture, shared_arrays

from crystalsym import PatternShaper

PUBLISHED = PatternShaper(scheme="pixels", image_size=256, dtype="uint8")
AXES = "xyz"


def cases_of(arrays) -> list[str]:
    return sorted(key.removesuffix("/raw") for key in arrays if key.endswith("/raw"))


def shaped(raw: np.ndarray, axis: str, shaper: PatternShaper = PUBLISHED) -> np.ndarray:
    """The image of one axis, given as the view of that axis."""
    views = np.zeros((1, 3, *raw.shape), dtype=raw.dtype)
    views[0, AXES.index(axis)] = raw
    return shaper.transform(views)[0, AXES.index(axis)]


@pytest.mark.parametrize("case", cases_of(fixture("shaped_patterns.npz")))
def test_fixture_case(case):
    arrays = fixture("shaped_patterns.npz")
    result = shaped(arrays[f"{case}/raw"], case[-1])
    assert result.dtype == np.uint8
    assert np.array_equal(result, arrays[f"{case}/shaped_rgb"])


def test_all_cases_of_the_full_reference():
    arrays = shared_arrays("reference/shaped_patterns.npz")
    cases = cases_of(arrays)
    assert len(cases) == 33
    for case in cases:
        result = shaped(arrays[f"{case}/raw"], case[-1])
        assert np.array_equal(result, arrays[f"{case}/shaped_rgb"]), case


@pytest.mark.parametrize("scale", [1.0, 1 / 255, 1e-20, 1e20])
def test_other_types_are_cut_to_gray_levels_first(scale):
    arrays = fixture("shaped_patterns.npz")
    raw, expected = arrays["Si_beam/y/raw"], arrays["Si_beam/y/shaped_rgb"]
    assert raw.max() == 255
    assert np.array_equal(shaped(raw.astype(np.uint16) * 257, "y"), expected)
    # Half a level up, so that the cut is not decided by rounding; the top stays the top.
    half_up = np.where(raw < 255, raw + 0.5 * (raw > 0), raw) * scale
    assert np.array_equal(shaped(half_up, "y"), expected)


def test_float_output_is_the_bytes_over_255():
    arrays = fixture("shaped_patterns.npz")
    raw = arrays["NaCl_rot45/z/raw"]
    as_float = shaped(raw, "z", PatternShaper(scheme="pixels", image_size=256))
    assert as_float.dtype == np.float32
    assert np.array_equal(as_float, arrays["NaCl_rot45/z/shaped_rgb"] / np.float32(255))


def test_reduced_image_takes_nearest_neighbors():
    arrays = fixture("shaped_patterns.npz")
    small = PatternShaper(scheme="pixels", image_size=224, dtype="uint8")
    index = [int((i + 0.5) * 256 / 224) for i in range(224)]
    expected = arrays["TiO2_rutile_beam/x/shaped_rgb"][np.ix_(index, index)]
    assert np.array_equal(shaped(arrays["TiO2_rutile_beam/x/raw"], "x", small), expected)


def plainly_shaped(raw: np.ndarray) -> np.ndarray:
    """The published algorithm in the words of its description, one pair at a time."""
    image = raw.astype(np.float32)
    outside = image.copy()
    outside[116:138, 116:138] = 0
    if outside.max() == 0:
        return raw
    image = image / outside.max() * 256
    image[116:138, 116:138] = raw[116:138, 116:138]
    nodes = np.argwhere(image >= 50).tolist()
    pairs, collected = [], []
    for y0, x0 in nodes:
        for y1, x1 in nodes:
            dx, dy = x1 - x0, y1 - y0
            if dx and dy:
                pairs.append((y0, x0, y1, x1))
                distance = math.sqrt((dx * dx - 1) + (dy * dy - 1))
                if distance >= 10:
                    collected.append((distance, len(pairs) - 1))
    lines = image.copy()
    if len(collected) <= 100:
        chosen = [pairs[i] for _, i in collected]
    else:
        reach = 1.7 * min(distance for distance, _ in collected)
        chosen = [p for p in pairs if math.hypot(p[2] - p[0], p[3] - p[1]) <= reach]
    for y0, x0, y1, x1 in chosen:
        steps = max(abs(y1 - y0), abs(x1 - x0))
        rows = np.round(np.linspace(y0, y1, steps)).astype(int)
        columns = np.round(np.linspace(x0, x1, steps)).astype(int)
        lines[rows, columns] = 255
    lines = np.where(image > 5, image, lines)
    return (lines.astype(np.int64) % 256).astype(np.uint8)


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(0, 45), st.integers(1, 120))
def test_random_dots_as_described(seed, n_dots, spread):
    rng = np.random.default_rng(seed)
    raw = np.zeros((256, 256), dtype=np.uint8)
    rows, columns = rng.integers(128 - spread, 128 + spread, (2, n_dots))
    raw[rows, columns] = rng.integers(1, 256, n_dots)
    result = shaped(raw, "x")
    assert np.array_equal(result[..., 0], plainly_shaped(raw))


def test_neighbors_in_a_row_or_column_are_never_joined():
    raw = np.zeros((256, 256), dtype=np.uint8)
    raw[30, 30] = raw[30, 60] = raw[60, 30] = 200
    result = shaped(raw, "z")[..., 2]
    assert not result[30, 31:60].any()
    assert not result[31:60, 30].any()
    assert (result[43:48, 43:48] == 255).any()  # the diagonal is


def test_light_in_the_beam_block_alone_comes_back_as_it_was():
    raw = np.zeros((256, 256), dtype=np.uint8)
    raw[120:130, 125] = 77
    result = shaped(raw, "y")
    assert np.array_equal(result, np.stack([raw] * 3, axis=-1))


def test_black_single_dot_and_saturated_images():
    assert not shaped(np.zeros((256, 256), np.uint8), "x").any()
    dot = np.zeros((256, 256), dtype=np.uint8)
    dot[20, 20] = 9
    # Scaled to 256, which wraps to 0, as published.
    assert not shaped(dot, "x").any()
    assert shaped(np.full((256, 256), 255, np.uint8), "x").shape == (256, 256, 3)


@pytest.mark.parametrize("size", [64, 128, 200])
def test_other_sizes_scale_the_beam_block(size):
    raw = np.zeros((size, size), dtype=np.uint8)
    middle = size // 2
    raw[middle, middle] = 255  # the direct beam
    raw[8, 8] = 20
    shaper = PatternShaper(scheme="pixels", image_size=size, dtype="uint8")
    result = shaped(raw, "x", shaper)
    assert result[middle, middle, 1] == 255  # not scaled with the rest
    assert result[8, 8, 1] == 0  # 256 wraps


def test_line_channel_follows_the_view():
    raw = np.zeros((1, 3, 256, 256), dtype=np.uint8)
    raw[:, :, 30, 30] = raw[:, :, 60, 70] = 200
    result = PUBLISHED.transform(raw)
    assert result.shape == (1, 3, 256, 256, 3)
    for view in range(3):
        on_line = result[0, view, 40:50, 40:60].max(axis=(0, 1))
        assert on_line.tolist() == [255 if channel == view else 0 for channel in range(3)]
