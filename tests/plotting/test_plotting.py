"""Displays hold what they show, draw it, and refuse what does not fit together."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
from matplotlib import pyplot
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.pipeline import Pipeline

from crystalsym import Crystal, DiffractionSimulator, spacegroups
from crystalsym.datasets import example_crystals
from crystalsym.plotting import (
    PatternDisplay,
    shaped_to_rgb,
    symbol_text,
    titles_of,
    view_titles,
)

RANKINGS = [[(225, 0.8), (216, 0.15), (62, 0.0001)], [(14, 0.6), (4, 0.4), (2, 0.0)]]


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    pyplot.close("all")


@pytest.fixture
def patterns():
    rng = np.random.default_rng(0)
    raw = rng.random((2, 3, 40, 40)).astype(np.float32) ** 8
    shaped = rng.random((2, 3, 20, 20, 2)).astype(np.float32)
    return raw, shaped


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_blocks_of_raw_shaped_and_ranking(patterns):
    display = PatternDisplay.from_patterns(
        *patterns, RANKINGS, names=["NaCl", "b_$1"], known_groups=[225, None], q_max=1.457
    )
    assert display.axes_.shape == (2, 7)
    assert all(len(ax.images) == 1 for ax in display.axes_[:, :6].ravel())
    assert [ax.get_title() for ax in display.axes_[0, :3]] == ["[100]", "[010]", "[001]"]
    bars = display.axes_[0, 6]
    assert [patch.get_width() for patch in bars.patches] == [0.8, 0.15, 0.0001]
    assert {"80.0 %", "15.0 %", "< 0.1 %", "cubic", "orthorhombic"} <= set(texts(bars))
    assert any("209, 216, 219, 225, 226" in text for text in texts(bars))
    everything = " ".join(t for ax in display.figure_.axes for t in texts(ax))
    assert "NaCl" in everything
    assert everything.count("symmetry finder") == 1
    display.figure_.canvas.draw()  # also sees to it that all mathematical text can be set


def test_bars_of_the_leading_diffraction_class_share_a_color(patterns):
    display = PatternDisplay.from_patterns(*patterns, RANKINGS)
    colors = [patch.get_facecolor() for patch in display.axes_[0, 6].patches]
    assert colors[0] == colors[1] != colors[2]
    split = [(2, 0.4), (216, 0.3), (225, 0.3)]
    bars = PatternDisplay.from_patterns(patterns[0][:1], None, [split]).axes_[0, 3]
    colors = [patch.get_facecolor() for patch in bars.patches]
    assert colors[0] != colors[1] == colors[2]


def test_blocks_do_not_overlap(patterns):
    display = PatternDisplay.from_patterns(*patterns, RANKINGS, names=["a", "b"])
    display.figure_.canvas.draw()
    first, second = (
        [ax.get_tightbbox() for ax in block if ax is not None] for block in display.axes_
    )
    assert min(box.y0 for box in first) >= max(box.y1 for box in second)
    width, height = display.figure_.get_size_inches() * display.figure_.dpi
    for box in first + second:
        assert box.x0 >= 0
        assert box.x1 <= width
        assert box.y0 >= 0
        assert box.y1 <= height


def test_scale_bar_has_the_length_it_tells(patterns):
    display = PatternDisplay.from_patterns(patterns[0], q_max=1.0)
    (bar,) = display.axes_[0, 0].lines
    x = bar.get_xdata()
    label = texts(display.axes_[0, 0])[0]
    assert label.startswith("0.5 Å")
    assert (x[1] - x[0]) * 1.0 / 19.5 == pytest.approx(0.5)
    assert not PatternDisplay.from_patterns(patterns[0]).axes_[0, 0].lines


@pytest.mark.parametrize("q_max", [1e-3, 0.05, 10.0])
def test_scale_bar_fits_into_any_pattern(patterns, q_max):
    display = PatternDisplay.from_patterns(patterns[0], q_max=q_max)
    assert display.axes_[0, 0].lines[0].get_xdata()[1] < 40


def test_raw_patterns_only_and_a_single_crystal(patterns):
    assert PatternDisplay.from_patterns(patterns[0]).axes_.shape == (2, 3)
    single = PatternDisplay.from_patterns(patterns[0][0], patterns[1][0], RANKINGS[:1])
    assert single.axes_.shape == (1, 7)


def test_weak_spots_are_visible_and_the_beam_does_not_hide_them():
    raw = np.zeros((1, 3, 41, 41))
    raw[:, :, 20, 20] = 1.0
    raw[:, :, 20, 35] = 1e-2
    raw[:, :, 35, 20] = 1e-5
    shown = PatternDisplay.from_patterns(raw).axes_[0, 0].images[0].get_array()
    assert shown[20, 35] == 1
    assert shown[35, 20] == pytest.approx(0.4)
    assert shown[0, 0] == 0


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_dark_and_uniform_patterns(value):
    display = PatternDisplay.from_patterns(np.full((1, 3, 8, 8), value))
    assert np.isfinite(display.axes_[0, 0].images[0].get_array()).all()


def test_plots_into_the_place_of_given_axes(patterns):
    figure, (left, right) = pyplot.subplots(1, 2)
    right.plot([0, 1], [0, 1])
    place = left.get_position()
    display = PatternDisplay.from_patterns(*patterns, RANKINGS, ax=left)
    assert display.figure_ is figure
    for ax in display.axes_.ravel():
        assert ax.get_position().x1 <= place.x1 + 1e-9
    loose = pyplot.figure().add_axes((0, 0, 1, 1))
    with pytest.raises(ValueError, match="grid of subplots"):
        PatternDisplay.from_patterns(*patterns, ax=loose)


def test_the_constructor_draws_nothing_and_plot_draws_again(patterns):
    display = PatternDisplay(*patterns, RANKINGS)
    assert not pyplot.get_fignums()
    assert not hasattr(display, "figure_")
    first = display.plot().figure_
    assert display.plot().figure_ is not first


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"raw": np.zeros((4, 4))}, r"raw patterns have shape \(n, n_views, H, W\)"),
        ({"raw": np.zeros((0, 3, 4, 4))}, "raw patterns have shape"),
        ({"shaped": np.zeros((2, 3, 4, 4))}, "shaped patterns have shape"),
        ({"shaped": np.zeros((1, 3, 4, 4, 2))}, "n = 2"),
        ({"shaped": np.zeros((2, 3, 4, 4, 5))}, "C = 1..3"),
        ({"rankings": RANKINGS[:1]}, "rankings has 1 entries for 2 crystals"),
        ({"names": ["a", "b", "c"]}, "names has 3 entries for 2 crystals"),
        ({"known_groups": [1]}, "known_groups has 1 entries"),
        ({"view_titles": ["x"]}, "view_titles has 1 entries for 3 views"),
        ({"view_titles": [["x"] * 3]}, "view_titles has 1 entries for 2 crystals"),
        ({"view_titles": [["x"] * 3, ["y"]]}, "view_titles has 1 entries for 3 views"),
    ],
)
def test_refuses_what_does_not_fit_together(patterns, change, reason):
    given = {"raw": patterns[0], "shaped": patterns[1], **change}
    with pytest.raises(ValueError, match=reason):
        PatternDisplay(**given).plot()


def test_symbols_of_all_groups_can_be_set():
    figure = pyplot.figure()
    for number in range(1, 231):
        text = symbol_text(number)
        assert text.replace("\\overline{", "-").replace("_{", "_").replace("}", "") == (
            f"${spacegroups.symbol(number)}$"
        )
        figure.text(0, 0, text)
    figure.canvas.draw()


def test_view_titles():
    assert view_titles("zone-axes") == ("[100]", "[010]", "[001]")
    assert view_titles("cartesian")[0] == "beam along x"
    assert view_titles("rotations")[2] == "45° about z"
    assert view_titles(np.eye(3)[:2]) == ("[100]", "[010]")
    assert view_titles([[1, -1, 0]]) == ("[1-10]",)
    assert view_titles(np.eye(3)[None].repeat(2, axis=0)) == ("view 1", "view 2")
    assert view_titles("symmetry-directions") == ("[100] or [111]", "[010] or [1-10]", "[001]")
    assert view_titles("zone-axes", 2) == ("view 1", "view 2")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("NaCl", ("[111]", "[1-10]", "[001]")),
        ("SiO2-quartz", ("[100]", "[1-10]", "[001]")),
        ("TiO2-brookite", ("[100]", "[010]", "[001]")),
    ],
)
def test_titles_name_the_zones_of_the_crystal_shown(name, expected):
    """Not "[100] or [111]", which left the reader to guess."""
    simulator = DiffractionSimulator(views="symmetry-directions")
    assert titles_of(simulator, example_crystals()[name]) == expected
    assert titles_of(DiffractionSimulator(views="rotations"), "no file")[0] == "45° about x"
    pairs = titles_of(DiffractionSimulator(views="rotation-pairs"), "no file")
    assert pairs[:3] == ("-45° about x", "45° about x", "-45° about y")
    assert len(pairs) == 6


def test_titles_follow_the_cell_that_is_simulated():
    """The primitive cell of NaCl is no cube; its standard cell is."""
    primitive = Crystal([[0, 2.82, 2.82], [2.82, 0, 2.82], [2.82, 2.82, 0]], [[0, 0, 0], [0.5] * 3],
                        [11, 17])  # fmt: skip
    simulator = DiffractionSimulator(views="symmetry-directions")
    assert titles_of(simulator, primitive)[0] == "[111]"
    assert titles_of(simulator.set_params(standardize=False), primitive)[0] == "[100]"


def test_spots_are_drawn_where_they_lie():
    """Pipelines that go by spots have no images to show."""
    simulator = DiffractionSimulator(views="symmetry-directions", output="spots")
    paths = [example_crystals()[name] for name in ("NaCl", "TiO2-brookite")]
    spots = simulator.transform(paths)
    display = PatternDisplay.from_patterns(spots, rankings=RANKINGS)
    titles = [[ax.get_title() for ax in row[:3]] for row in display.axes_]
    assert titles == [["[111]", "[1-10]", "[001]"], ["[100]", "[010]", "[001]"]]
    images = DiffractionSimulator(views="symmetry-directions", output="images").transform(paths)
    as_images = PatternDisplay.from_patterns(images, rankings=RANKINGS, q_max=simulator.q_max)
    for ours, theirs in zip(
        display.axes_[:, :3].ravel(), as_images.axes_[:, :3].ravel(), strict=True
    ):
        one, two = (ax.images[0].get_array() > 0.5 for ax in (ours, theirs))
        radius = np.hypot(*(np.indices(one.shape) - 127.5))
        away = (radius > 8) & (radius < 120)  # no beam among the spots, and no corners
        assert (one & two & away).sum() > 0.9 * (two & away).sum() > 0  # ours are wider
    bars = [ax.lines[0].get_xdata() for ax in (display.axes_[0, 0], as_images.axes_[0, 0])]
    np.testing.assert_allclose(bars[0], bars[1])


def test_each_crystal_has_its_own_titles(patterns):
    titles = [("[111]", "[1-10]", "[001]"), ("[100]", "[010]", "[001]")]
    display = PatternDisplay.from_patterns(patterns[0], view_titles=titles)
    assert [[ax.get_title() for ax in row] for row in display.axes_] == [list(t) for t in titles]


def test_groups_that_the_model_does_not_know_are_marked(patterns):
    display = PatternDisplay.from_patterns(
        *patterns, RANKINGS, known_groups=[154, 14], model_groups={14, 225}
    )
    told = [t for ax in display.figure_.axes for t in texts(ax) if "symmetry finder" in t]
    assert ["not among this model's groups" in t for t in told] == [True, False]
    display.figure_.canvas.draw()


def test_a_long_name_does_not_run_into_the_group(patterns):
    name = "a" * 60 + "-the-end.cif"
    display = PatternDisplay.from_patterns(
        *patterns, RANKINGS, names=[name, name], known_groups=[154, None], model_groups={1}
    )
    titles = [ax for ax in display.figure_.axes if any("aaa" in t for t in texts(ax))]
    renderer = display.figure_.canvas.get_renderer()
    first, second = (text.get_window_extent(renderer) for text in titles[0].texts)
    assert first.x1 < second.x0
    assert texts(titles[0])[0].endswith("the-end.cif")
    assert texts(titles[1]) == [name]


def test_shaped_images_in_color():
    image = np.zeros((4, 4, 2))
    image[1, 1, 0] = 1.0
    image[2, 2, 1] = 1.0
    rgb = shaped_to_rgb(image)
    assert rgb[1, 1].tolist() == [1, 1, 1]
    assert 0 < rgb[2, 2, 0] < rgb[2, 2, 2] < 1
    assert rgb[0, 0].tolist() == [0, 0, 0]
    color = np.random.default_rng(0).integers(0, 256, (4, 4, 3)).astype(np.uint8)
    np.testing.assert_allclose(shaped_to_rgb(color), color / 255)
    with pytest.raises(ValueError, match=r"C = 1\.\.3"):
        shaped_to_rgb(np.zeros((4, 4)))


class Simulate(TransformerMixin, BaseEstimator):
    views = "rotations"
    q_per_pixel = 0.02
    image_size = 33

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return np.stack([np.full((3, 33, 33), x, float) for x in X])


class Shape(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return X[..., None]


class Classify(ClassifierMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.classes_ = np.array([1, 2])
        return self

    def predict_proba(self, X):
        return np.tile([0.25, 0.75], (len(X), 1))


@pytest.mark.parametrize("X", [[0.1, 0.2], np.ones((2, 3, 33, 33))])
def test_from_estimator(X):
    steps = [("simulate", Simulate()), ("shape", Shape()), ("classify", Classify())]
    pipeline = Pipeline(steps).fit([0.5], [1])
    display = PatternDisplay.from_estimator(pipeline, X, top=1, names=["a", "b"])
    assert display.rankings == [[(2, 0.75)], [(2, 0.75)]]
    assert display.q_max == pytest.approx(0.32)
    assert display.axes_[0, 0].get_title() == "45° about x"
    assert display.axes_.shape == (2, 7)


@pytest.mark.parametrize(
    ("engine", "members"), [("bragg", (209, 216, 219, 225, 226)), ("bloch", (225,))]
)
def test_classes_of_the_models_kind(engine, members):
    steps = [("simulate", Simulate()), ("shape", Shape()), ("classify", Classify())]
    pipeline = Pipeline(steps).fit([0.5], [1])
    pipeline[-1].classes_ = np.array([216, 225])
    step = {"step": "DiffractionSimulator", "engine": engine, "views": "symmetry-directions"}
    pipeline[-1].metadata_ = {"made_by": [step]}
    display = PatternDisplay.from_estimator(pipeline, [0.1], top=1)
    assert display.diffraction_classes == [members]
