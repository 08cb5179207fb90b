"""Steps of shaping: each column is what the shaper made."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
from matplotlib import pyplot
from sklearn.pipeline import make_pipeline

from crystalsym import DiffractionSimulator, PatternShaper, SpotMerger, load_pretrained
from crystalsym.datasets import example_crystals
from crystalsym.plotting import ShapedPatternDisplay, shaped_to_rgb
from crystalsym.plotting._shaping_steps import node_pixels


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def structure():
    return example_crystals()["ZnO-zincite"]


@pytest.fixture(scope="module")
def images(structure):
    return DiffractionSimulator(image_size=64, spot_sigma=0.7).transform([structure])


def titles(display):
    return [ax.get_title() for ax in display.axes_[0]]


def picture(display, view, column):
    return np.asarray(display.axes_[view, column].images[0].get_array())


def test_steps_of_spots(images):
    shaper = PatternShaper("spots", image_size=48)
    shaped = shaper.transform(images)[0]
    display = ShapedPatternDisplay.from_estimator(shaper, images)
    assert titles(display) == ["pattern (log)", "nodes", "lines", "shaped"]
    assert display.axes_.shape == (3, 4)
    for view in range(3):
        np.testing.assert_array_equal(picture(display, view, 1), shaped[view, ..., 0])
        np.testing.assert_array_equal(picture(display, view, 2), shaped[view, ..., 1])
        np.testing.assert_allclose(picture(display, view, 3), shaped_to_rgb(shaped[view]))


@pytest.mark.parametrize("channels", [("lines", "spots"), ("lines",), ("spots", "lines")])
def test_order_and_choice_of_channels_do_not_matter(images, channels):
    shaper = PatternShaper("spots", image_size=48, channels=channels)
    display = ShapedPatternDisplay.from_estimator(shaper, images[0])
    expected = PatternShaper("spots", image_size=48).transform(images)[0]
    np.testing.assert_array_equal(display.shaped, expected)
    assert shaper.channels == channels


def test_spots_alone_and_without_steps(images):
    alone = PatternShaper("spots", image_size=48, channels=("spots",), dtype="uint8")
    assert titles(ShapedPatternDisplay.from_estimator(alone, images))[1:] == ["shaped"]
    both = PatternShaper("spots", image_size=48)
    display = ShapedPatternDisplay.from_estimator(both, images, steps=False)
    assert titles(display) == ["pattern (log)", "shaped"]


def test_steps_of_pixels():
    """Four bright pixels, lines between those that share no row or column."""
    raw = np.zeros((3, 256, 256), np.uint8)
    raw[:, [40, 60, 40, 60], [40, 40, 60, 60]] = [200, 100, 200, 30]
    shaper = PatternShaper.from_preset("tiong2020")
    display = ShapedPatternDisplay.from_estimator(shaper, raw)
    assert titles(display) == ["pattern (log)", "nodes", "lines", "shaped"]
    assert display.nodes.sum(axis=(1, 2)).tolist() == [3, 3, 3]  # 30 is below 50 of 256
    lines = picture(display, 1, 2)
    assert set(np.unique(lines)) == {0, 1}
    first, second = (round(x * 224 / 256) for x in (40, 60))
    diagonal = [lines[second - i, first + i] for i in range(5, 13)]
    assert sum(diagonal) > 4  # as far as the nearest neighbor leaves them
    assert not lines[first, first + 5 : second - 5].any()
    np.testing.assert_allclose(picture(display, 2, 3), display.shaped[2])


def test_nodes_are_those_of_the_published_code():
    """A node's gray is written back, so that none becomes a line's white."""
    rng = np.random.default_rng(0)
    image = np.where(rng.random((256, 256)) < 0.002, rng.random((256, 256)), 0)
    found = node_pixels(image, 50 / 256)
    gray = np.floor(255 * image / image.max())
    block = np.zeros(image.shape, bool)
    block[116:138, 116:138] = True
    top = gray[~block].max()
    expected = np.where(block, gray, gray / top * 256) >= 50
    np.testing.assert_array_equal(found, expected)
    assert 0 < found.sum() < (image > 0).sum()
    assert not node_pixels(np.zeros((64, 64)), 0.2).any()


def test_pictures_of_indices(structure):
    lattice = ShapedPatternDisplay.from_estimator(PatternShaper("lattice"), structure)
    assert titles(lattice)[1:] == ["brightness", "|q|"]
    indices = ShapedPatternDisplay.from_estimator(PatternShaper("indices"), structure)
    assert titles(indices)[1:] == ["intensity", r"$I/\sigma$", "measured", "|q|"]
    np.testing.assert_array_equal(picture(indices, 0, 3), indices.shaped[0, ..., 2])
    assert indices.axes_[0, 1].images[0].get_extent() == [-8.5, 8.5, -8.5, 8.5]
    ticks = [label.get_text() for label in indices.axes_[-1, 1].get_xticklabels()]
    assert ticks == ["-8", "-4", "0", "4", "8"]
    assert [ax.get_ylabel() for ax in indices.axes_[:, 0]] == ["[100]", "[1-10]", "[001]"]


def test_pipelines_and_simulators(structure, images):
    pipeline = load_pretrained("72")
    display = ShapedPatternDisplay.from_estimator(pipeline, structure)
    np.testing.assert_array_equal(display.shaped, pipeline[:-1].transform([structure])[0])
    rotated = DiffractionSimulator.from_preset("tiong2020", cells=3, image_size=64)
    display = ShapedPatternDisplay.from_estimator(
        PatternShaper("pixels"), [structure], simulator=rotated
    )
    assert display.axes_[0, 0].get_ylabel() == "45° about x"
    assert display.q_max == pytest.approx(rotated.q_per_pixel * 31.5)
    display = ShapedPatternDisplay.from_estimator(
        make_pipeline(DiffractionSimulator(image_size=64), PatternShaper("spots", image_size=48)),
        images[0],
    )
    assert display.axes_[0, 0].get_ylabel() == "[100] or [111]"


def test_one_simulator_for_each_scheme_by_default(structure):
    published = ShapedPatternDisplay.from_estimator(PatternShaper("pixels"), structure)
    assert published.raw.shape == (3, 256, 256)
    spots = ShapedPatternDisplay.from_estimator(PatternShaper("spots", image_size=48), structure)
    assert len(spots.raw) == 1


def test_the_field_that_is_shaped_is_framed(images):
    shaper = PatternShaper("spots", image_size=48, field=0.5)
    display = ShapedPatternDisplay.from_estimator(shaper, images)
    (frame,) = display.axes_[0, 0].patches
    assert frame.get_width() == 31.5
    assert frame.get_x() + frame.get_width() / 2 == 31.5
    whole = ShapedPatternDisplay.from_estimator(PatternShaper("spots", image_size=48), images)
    assert not whole.axes_[0, 0].patches


def test_the_name_is_told(images):
    shaped = np.zeros((3, 8, 8, 2))
    display = ShapedPatternDisplay.from_patterns(images[0], shaped, name="ZnO_$1")
    assert display.figure_.get_suptitle() == "ZnO_\\$1"
    figure, axes = pyplot.subplots(1, 2)
    ShapedPatternDisplay.from_patterns(images[0], shaped, name="ZnO", ax=axes[0])
    assert "ZnO" in [text.get_text() for ax in figure.axes for text in ax.texts]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"raw": np.zeros((4, 4))}, r"\(n_views, H, W\), not \(4, 4\)"),
        ({"shaped": np.zeros((2, 8, 8, 2))}, r"shape \(3, h, w, 1 or 2\) for 3 views"),
        ({"shaped": np.zeros((3, 8, 8, 3))}, 'of scheme="spots"'),
        ({"scheme": "rings"}, "scheme must be one of .*, got 'rings'"),
        ({"scheme": "pixels"}, r"\(3, h, w, 3\)"),
        ({"raw": np.full((3, 8, 8), np.nan)}, "NaN"),
        ({"shaped": np.full((3, 8, 8, 2), np.nan)}, "NaN"),
        ({"field": 0}, r"field must lie in \(0, 1\], got 0"),
        ({"nodes": np.zeros((2, 8, 8))}, r"nodes have shape \(3, H, W\)"),
        ({"view_titles": ["a"]}, "view_titles has 1 entries for 3 views"),
    ],
)
def test_bad_input(change, reason):
    given = {"raw": np.ones((3, 8, 8)), "shaped": np.zeros((3, 8, 8, 2)), **change}
    with pytest.raises(ValueError, match=reason):
        ShapedPatternDisplay(**given).plot()
    assert not pyplot.get_fignums()


def test_more_than_one_crystal_and_no_shaper(structure, images):
    spots = DiffractionSimulator(output="spots").transform([structure] * 2)
    for many in ([structure] * 2, np.concatenate([images] * 2), spots):
        with pytest.raises(ValueError, match="X holds 2"):
            ShapedPatternDisplay.from_estimator(PatternShaper("spots"), many)
    with pytest.raises(ValueError, match="raw holds 2"):
        ShapedPatternDisplay(spots, np.zeros((3, 8, 8, 2))).plot()
    for estimator in (SpotMerger(), make_pipeline(SpotMerger())):
        with pytest.raises(ValueError, match="must be a PatternShaper or a pipeline"):
            ShapedPatternDisplay.from_estimator(estimator, structure)
