"""scheme="spots": cases worked out by hand, and what must not matter."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

from crystalsym import PatternShaper

SIZE, BEAM = 65, 32
SPOTS, LINES = 0, 1


def image_of(*spots, size: int = SIZE) -> np.ndarray:
    """Single bright pixels (column, row, height): their centers are exact."""
    image = np.zeros((size, size), dtype=np.float32)
    for column, row, height in spots:
        image[row, column] = height
    return image


def shape(image: np.ndarray, **parameters) -> np.ndarray:
    """One image, same size in and out unless told otherwise: (size, size, channel)."""
    # Lines of one pixel are as bright as they are meant to be; thinner ones cover less.
    shaper = PatternShaper(
        **{
            "scheme": "spots",
            "intensity": "linear",
            **{"image_size": SIZE, "line_width": 1.0, **parameters},
        }
    )
    return shaper.transform(np.asarray(image)[None, None])[0, 0]


def is_joined(result, one, two) -> bool:
    """Is the line channel bright a third of the way, and on, between two spots?"""
    along = [1 / 3, 1 / 2, 2 / 3]
    points = [np.round(np.add(one, t * np.subtract(two, one))).astype(int) for t in along]
    bright = [result[row, column, LINES] > 0 for column, row in points]
    assert all(bright) or not any(bright)
    return all(bright)


# A right angle of 12 and 15 pixels, its hypotenuse 19.2; and a spot far away.
A, B, C, FAR = (8, 8), (20, 8), (8, 23), (60, 60)
CORNERS = image_of((*A, 1), (*B, 1), (*C, 1), (*FAR, 1))


@pytest.mark.parametrize(
    ("factor", "joined"),
    [
        (1.0, {(A, B)}),
        (1.24, {(A, B)}),
        (1.25, {(A, B), (A, C)}),  # 15 / 12, the limit included
        (1.59, {(A, B), (A, C)}),
        (1.61, {(A, B), (A, C), (B, C)}),  # sqrt(369) / 12 = 1.6008
        (1.7, {(A, B), (A, C), (B, C)}),
        (3.0, {(A, B), (A, C), (B, C)}),
    ],
)
def test_pairs_within_the_factor_of_the_smallest_distance_are_joined(factor, joined):
    result = shape(CORNERS, distance_factor=factor)
    pairs = [(A, B), (A, C), (B, C), (A, FAR), (B, FAR), (C, FAR)]
    assert {pair for pair in pairs if is_joined(result, *pair)} == joined


def test_neighbors_in_a_row_or_column_are_joined_too():
    result = shape(image_of((10, 10, 1), (10, 20, 1), (20, 10, 1)))
    assert (result[10, 10:21, LINES] == 1).all()
    assert (result[10:21, 10, LINES] == 1).all()


def test_line_is_as_bright_as_its_fainter_end():
    result = shape(image_of((8, 8, 1), (20, 8, 0.5), (8, 20, 0.2)), distance_factor=1.2)
    assert result[8, 14, LINES] == pytest.approx(0.5)
    assert result[14, 8, LINES] == pytest.approx(0.2)


def test_where_lines_cross_the_brighter_shows():
    # Two pairs of equal length through (20, 20).
    cross = image_of((14, 20, 1), (26, 20, 1), (20, 14, 0.3), (20, 26, 0.3))
    result = shape(cross, distance_factor=1.5)
    assert result[20, 20, LINES] == pytest.approx(1)
    assert result[16, 20, LINES] == pytest.approx(0.3)


def test_line_has_its_width_and_soft_edges():
    pair = image_of((10, 30, 1), (40, 30, 1))
    thin = shape(pair, line_width=1.0)[:, 25, LINES]
    assert thin[28:33].tolist() == [0, 0, 1, 0, 0]
    thick = shape(pair, line_width=3.0)[:, 25, LINES]
    assert thick[27:34].tolist() == [0, 0, 1, 1, 1, 0, 0]
    between = shape(pair, line_width=2.0)[:, 25, LINES]
    assert between[28:33] == pytest.approx([0, 0.5, 1, 0.5, 0])


# Two spots in a row, the second a quarter as bright, of sigma 2: white discs of diameters
# 2 sqrt(8) = 5.657 and 2 sqrt(8 / 4) = 2.828 hold as much light.
UNEQUAL = image_of((10, 30, 1), (50, 30, 0.25))


@pytest.mark.parametrize(
    ("column", "width"), [(10, 32**0.5), (20, 4.949747), (30, 4.242641), (50, 8**0.5)]
)
def test_line_is_as_thick_at_each_end_as_its_node(column, width):
    profile = shape(UNEQUAL, line_width="node", spot_sigma=2.0)[:, column, LINES]
    expected = np.clip(width / 2 + 0.5 - np.abs(np.arange(SIZE) - 30), 0, 1) / 4
    assert profile == pytest.approx(expected, abs=1e-6)
    assert profile.sum() == pytest.approx(width / 4)


def test_line_between_equal_nodes_has_their_one_width():
    for height, intensity in [(1.0, "linear"), (0.3, "root"), (0.02, "log")]:
        image = image_of((60, 60, 1.0), (10, 30, height), (30, 24, height))
        by_node = shape(image, line_width="node", spot_sigma=1.7, intensity=intensity)
        bright = by_node[30, 10, SPOTS].astype(float)
        by_number = shape(
            image, line_width=1.7 * math.sqrt(8 * bright), spot_sigma=1.7, intensity=intensity
        )
        assert by_node == pytest.approx(by_number, abs=1e-6)
        assert by_node[..., LINES].any()


def test_node_is_as_large_as_a_disc_of_the_same_light():
    spot = shape(image_of((30, 30, 1.0)), spot_sigma=3.0)[..., SPOTS]
    assert math.pi / 4 * (3.0 * math.sqrt(8)) ** 2 == pytest.approx(spot.sum(), rel=0.02)


@pytest.mark.parametrize("size", [65, 129, 257])
def test_lines_by_node_grow_with_the_image(size):
    zoom = (size - 1) // 64
    result = shape(UNEQUAL, image_size=size, line_width="node", spot_sigma=2.0 * zoom)
    widths = result[:, [10 * zoom, 30 * zoom, 50 * zoom], LINES].sum(axis=0) * 4
    assert widths / zoom == pytest.approx([5.656854, 4.242641, 2.828427], rel=1e-5)
    by_default = shape(UNEQUAL, image_size=size, line_width="node")
    sigma = max(1.5 * size / 224, 0.6)
    given = shape(UNEQUAL, image_size=size, line_width="node", spot_sigma=sigma)
    assert np.array_equal(by_default, given)


@given(
    st.floats(0.05, 1),
    st.floats(0.05, 1),
    st.floats(1.6, 4),
    st.floats(0, 1),
)
def test_width_by_node_changes_evenly_along_the_line(one, two, sigma, place):
    """Across a line of a row, its coverage adds up to its width, however that lies on pixels."""
    # A spot far away sets the scale and is joined to none.
    image = image_of((250, 250, 1.0), (70, 100, one), (130, 100, two), size=257)
    result = shape(image, image_size=257, line_width="node", spot_sigma=sigma)
    column = 70 + round(60 * place)
    ends = sigma * np.sqrt(8 * np.array([one, two]))
    width = np.interp(column, [70, 130], ends)
    total = result[:, column, LINES].sum(dtype=float) / min(one, two)
    assert total == pytest.approx(width, rel=1e-4)


@given(st.integers(0, 10_000), st.sampled_from(["linear", "log"]))
def test_lines_by_node_turn_with_the_image_and_leave_the_spots(seed, intensity):
    image = random_image(seed, "float64")
    expected = shape(image, line_width="node", intensity=intensity)
    plain = shape(image, intensity=intensity)
    assert np.array_equal(expected[..., SPOTS], plain[..., SPOTS])
    for turn in (np.transpose, np.fliplr, np.rot90):
        turned = shape(turn(image), line_width="node", intensity=intensity)
        assert np.allclose(turned[..., LINES], turn(expected[..., LINES]), atol=1e-3)


@pytest.mark.parametrize("value", ["nodes", "", "Node", -1, 0, float("nan"), float("inf"), True])
def test_line_width_is_a_number_or_node(value):
    message = rf"line_width must be positive or 'node', got {value!r}"
    with pytest.raises(ValueError, match=message):
        PatternShaper("spots", line_width=value).fit()


def test_only_lines_may_be_as_wide_as_nodes():
    with pytest.raises(ValueError, match="spot_sigma must be positive, got 'node'"):
        PatternShaper("spots", spot_sigma="node").fit()


def test_search_over_line_widths():
    images = np.stack([image_of((10, 30, 1), (40, 30, 0.1 + 0.05 * (i % 2))) for i in range(8)])
    model = make_pipeline(
        PatternShaper("spots", image_size=33, intensity="linear", channels=("lines",)),
        FunctionTransformer(lambda X: X.reshape(len(X), -1)),
        DecisionTreeClassifier(random_state=0),
    )
    search = GridSearchCV(
        model, {"patternshaper__line_width": [None, 0.5, 2, "node"]}, cv=2, error_score="raise"
    ).fit(images[:, None], np.arange(8) % 2)
    assert len(search.cv_results_["params"]) == 4
    assert clone(search.best_estimator_[0]).get_params() == search.best_estimator_[0].get_params()


def test_preset_of_the_text():
    shaper = PatternShaper.from_preset("tiong2020-text", image_size=64)
    assert (shaper.scheme, shaper.line_width, shaper.distance_factor) == ("spots", "node", 1.7)
    assert (shaper.intensity, shaper.image_size) == ("linear", 64)
    assert PatternShaper.from_preset("tiong2020-text", line_width=2).line_width == 2
    with pytest.raises(
        ValueError, match=r"no preset 'text'; there are \['tiong2020', 'tiong2020-t"
    ):
        PatternShaper.from_preset("text")


@pytest.mark.parametrize(
    ("intensity", "expected"),
    [
        ("linear", 0.04),
        ("root", 0.2),
        ("log", 1 - math.log(0.04) / math.log(1e-4)),
    ],
)
def test_brightness_follows_the_intensity(intensity, expected):
    image = image_of((10, 10, 5.0), (40, 40, 0.2))
    result = shape(image, intensity=intensity, threshold=1e-4)
    assert result[10, 10, SPOTS] == pytest.approx(1)
    assert result[40, 40, SPOTS] == pytest.approx(expected, rel=1e-5)


def test_log_runs_from_zero_at_the_threshold():
    for threshold in (1e-2, 1e-4):
        image = image_of((10, 10, 1.0), (40, 40, threshold * 1.001))
        result = shape(image, intensity="log", threshold=threshold)
        assert 0 < result[40, 40, SPOTS] < 1e-3


def test_spots_below_the_threshold_are_left_out():
    image = image_of((10, 10, 1.0), (22, 10, 1.1e-3), (10, 26, 0.9e-3))
    result = shape(image, threshold=1e-3, intensity="root")
    assert result[10, 22, SPOTS] > 0
    assert result[26, 10, SPOTS] == 0
    assert not is_joined(result, (10, 10), (10, 26))


def test_spot_is_a_gaussian_of_the_given_width():
    result = shape(image_of((30, 30, 1.0)), spot_sigma=2.0)[..., SPOTS]
    assert result[30, 32] == pytest.approx(math.exp(-0.5), rel=1e-5)
    assert result[33, 30] == pytest.approx(math.exp(-9 / 8), rel=1e-5)
    assert result[30, 37] == 0  # cut at three sigma and a half pixel


def test_sizes_follow_the_image_by_default():
    pair = image_of((10, 30, 1), (40, 30, 1))
    for size, sigma in [(224, 1.5), (448, 3.0), (32, 0.6)]:
        by_default = shape(pair, image_size=size, line_width=None)
        given_sizes = shape(
            pair, image_size=size, spot_sigma=sigma, line_width=max(size / 224, 0.5)
        )
        assert np.array_equal(by_default, given_sizes)


def test_direct_beam_does_not_set_the_scale():
    spots = [(10, 10, 2.0), (40, 40, 1.0)]
    result = shape(image_of((BEAM, BEAM, 1000.0), *spots))
    assert result[10, 10, SPOTS] == pytest.approx(1)
    assert result[40, 40, SPOTS] == pytest.approx(0.5)
    assert result[BEAM, BEAM, SPOTS] == pytest.approx(1)  # clipped
    # ... nor does the threshold hang on it.
    faint = shape(image_of((BEAM, BEAM, 1e3), (10, 10, 1.0), (40, 40, 2e-3)), threshold=1e-3)
    assert faint[40, 40, SPOTS] > 0


def test_direct_beam_is_joined_like_any_spot():
    result = shape(image_of((BEAM, BEAM, 50.0), (BEAM + 12, BEAM, 0.5), (8, 8, 1.0)))
    assert result[BEAM, BEAM + 6, LINES] == pytest.approx(0.5)


def test_beam_radius_and_center_say_what_the_beam_is():
    image = image_of((20, 30, 100.0), (40, 40, 1.0))
    as_spot = shape(image)
    assert as_spot[40, 40, SPOTS] == pytest.approx(0.01)
    # The output is centered on the beam, so the image moves by (12, 2).
    moved = shape(image, center=(20, 30))
    assert moved[42, 52, SPOTS] == pytest.approx(1)
    assert moved[BEAM, BEAM, SPOTS] == pytest.approx(1)
    wide = shape(image_of((BEAM + 3, BEAM, 100.0), (60, 60, 1.0)), beam_radius=4)
    assert wide[60, 60, SPOTS] == pytest.approx(1)


def test_beam_alone_sets_its_own_scale():
    result = shape(image_of((BEAM, BEAM, 7.0)))
    assert result[BEAM, BEAM, SPOTS] == pytest.approx(1)


def test_field_magnifies_about_the_beam():
    image = image_of((BEAM + 8, BEAM, 1.0), (BEAM, BEAM + 8, 1.0), (5, 5, 1.0))
    half = shape(image, field=0.5)
    assert half[BEAM, BEAM + 16, SPOTS] == pytest.approx(1)
    assert half[BEAM + 16, BEAM, SPOTS] == pytest.approx(1)
    assert half[BEAM + 8, BEAM + 8, LINES] == pytest.approx(1)
    assert np.count_nonzero(half[..., SPOTS] == half[..., SPOTS].max()) == 2  # (5, 5) is outside


@pytest.mark.parametrize("size", [33, 65, 129])
def test_edges_map_onto_edges(size):
    corners = [(0, 0, 1.0), (SIZE - 1, 0, 1.0), (0, SIZE - 1, 1.0), (SIZE - 1, SIZE - 1, 1.0)]
    result = shape(image_of(*corners), image_size=size)[..., SPOTS]
    for row in (0, size - 1):
        for column in (0, size - 1):
            assert result[row, column] == pytest.approx(1)


def test_sub_pixel_places_survive():
    rows, columns = np.mgrid[:SIZE, :SIZE]
    image = np.exp(-((columns - 20.3) ** 2 + (rows - 40.7) ** 2) / (2 * 0.7**2))
    result = shape(image, image_size=641, spot_sigma=3.0)[..., SPOTS]
    row, column = np.unravel_index(result.argmax(), result.shape)
    assert (column, row) == (203, 407)


def test_channels_are_those_asked_for():
    image = image_of((10, 10, 1.0), (25, 10, 0.6), (10, 28, 0.8))
    both = shape(image)
    assert both.shape == (SIZE, SIZE, 2)
    assert np.array_equal(shape(image, channels=("lines", "spots")), both[..., ::-1])
    assert np.array_equal(shape(image, channels=("spots",)), both[..., :1])
    assert np.array_equal(shape(image, channels=("lines",)), both[..., 1:])


def test_only_the_strongest_spots_are_drawn():
    image = image_of((10, 10, 1.0), (25, 10, 0.6), (10, 28, 0.8))
    result = shape(image, max_spots=2)
    assert result[10, 25, SPOTS] == 0
    assert result[28, 10, SPOTS] == pytest.approx(0.8)


def test_black_images_stay_black():
    assert not shape(np.zeros((SIZE, SIZE))).any()
    assert not shape(np.full((SIZE, SIZE), -1.0)).any()
    assert not shape(np.zeros((SIZE, SIZE), np.uint8), intensity="log").any()


def test_single_spot_has_no_lines():
    result = shape(image_of((20, 30, 3.0)))
    assert not result[..., LINES].any()
    assert result[30, 20, SPOTS] == pytest.approx(1)


def test_saturated_spots_keep_their_places():
    rows, columns = np.mgrid[:SIZE, :SIZE]
    image = sum(
        1e4 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8) for x, y in [(15, 15), (45, 20)]
    )
    image = np.minimum(image, 255).astype(np.uint8)
    result = shape(image)
    assert result[15, 15, SPOTS] == pytest.approx(1)
    assert result[20, 45, SPOTS] == pytest.approx(1)
    assert is_joined(result, (15, 15), (45, 20))
    white = shape(np.full((SIZE, SIZE), 255, np.uint8))
    assert white.max() == pytest.approx(1)


def test_concentric_rings_are_no_accident():
    """Regression: spots in one place made a smallest distance of zero, and a division by it."""
    distance = np.hypot(*(np.mgrid[:SIZE, :SIZE] - 30))
    image = np.where((distance > 5) & (distance < 7), 1.0, 0.0)
    image[(distance > 11) & (distance < 13)] = 0.9
    image[30, 30] = 0.5
    result = shape(image)
    assert np.isfinite(result).all()
    assert result[30, 30, SPOTS] == pytest.approx(1)


@pytest.mark.parametrize("intensity", ["linear", "root", "log"])
def test_noise_is_taken(intensity):
    rng = np.random.default_rng(0)
    for image in (
        rng.poisson(3, (SIZE, SIZE)),
        rng.normal(size=(256, 256)),
        rng.integers(0, 2, (SIZE, SIZE)).astype(bool),
    ):
        result = shape(image, intensity=intensity)
        assert np.isfinite(result).all()
        assert result.min() >= 0
        assert result.max() <= 1


def random_image(seed: int, dtype="int64") -> np.ndarray:
    """Some spots on black, whole numbers up to 255."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    image = np.zeros((SIZE, SIZE))
    for _ in range(int(rng.integers(1, 12))):
        x, y = rng.uniform(3, SIZE - 4, 2)
        image += rng.uniform(5, 250) * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 1.5)
    return np.floor(np.minimum(image, 255)).astype(dtype)


@given(
    st.integers(0, 10_000),
    st.sampled_from(["uint8", "uint16", "int32", "float32", "float64", ">i2", "float16"]),
    st.sampled_from(["linear", "root", "log"]),
)
def test_type_of_the_input_does_not_matter(seed, dtype, intensity):
    expected = shape(random_image(seed), intensity=intensity)
    assert np.allclose(shape(random_image(seed, dtype), intensity=intensity), expected, atol=1e-5)


@given(st.integers(0, 10_000), st.floats(-30, 30))
def test_scale_of_the_input_does_not_matter(seed, decades):
    image = random_image(seed).astype(float)
    expected = shape(image, intensity="log")
    assert np.allclose(shape(image * 10**decades, intensity="log"), expected, atol=1e-4)
    assert np.allclose(
        shape((image * 10**decades).astype(np.float32), intensity="log"), expected, atol=1e-4
    )


def test_whole_range_of_16_bits_is_the_same_picture():
    image = random_image(3)
    assert np.allclose(shape((image * 257).astype(np.uint16)), shape(image), atol=1e-6)


@given(st.integers(0, 10_000), st.floats(1, 3))
def test_turning_the_image_turns_the_result(seed, factor):
    image = random_image(seed, "float64")
    expected = shape(image, distance_factor=factor)
    for turn in (np.transpose, np.fliplr, np.flipud, np.rot90):
        turned = shape(turn(image), distance_factor=factor)
        for channel in (SPOTS, LINES):
            assert np.allclose(turned[..., channel], turn(expected[..., channel]), atol=2e-4)


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_a_larger_factor_only_adds_lines(seed):
    image = random_image(seed)
    before = shape(image, distance_factor=1.0)
    for factor in (1.3, 1.7, 2.5):
        after = shape(image, distance_factor=factor)
        assert np.array_equal(after[..., SPOTS], before[..., SPOTS])
        assert np.all(after[..., LINES] >= before[..., LINES])
        before = after


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_shaping_is_continuous_in_the_intensity(seed):
    """Nothing jumps while a spot fades away: its line fades with it."""
    image = image_of((10, 10, 1.0), (22, 10, 0.0), (10, 40, 0.9)).astype(float)
    image[10, 22] = np.random.default_rng(seed).uniform(1e-4, 3e-4)
    result = shape(image, intensity="log", threshold=1e-4)
    assert result[10, 16, LINES] == pytest.approx(result[10, 22, SPOTS], abs=1e-6)
    assert result[10, 16, LINES] < 0.13
