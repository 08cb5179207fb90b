"""What all displays of answers and networks keep: pyplot's state, its style, readable labels."""

from __future__ import annotations

import functools
import itertools

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
from matplotlib import pyplot
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb

from crystalsym import spacegroups
from crystalsym.plotting import (
    EvidenceDisplay,
    FeatureMapDisplay,
    GroupAccuracyDisplay,
    PatternDisplay,
    RankingDisplay,
    ShapedPatternDisplay,
    SystemConfusionDisplay,
    TopKDisplay,
)
from crystalsym.plotting._palette import luminance
from crystalsym.reflections import Evidence, evidence, reduce_reflections
from tests.reflections.test_evidence import measured


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    pyplot.close("all")


def answers(groups, n=3000):
    rng = np.random.default_rng(0)
    truth = rng.choice(groups, n)
    return truth, np.where(rng.random(n) < 0.7, truth, rng.choice(groups, n))


def ranking():
    groups = spacegroups.label_set(72)
    shares = np.random.default_rng(0).dirichlet(np.full(72, 0.1))
    least = groups[int(shares.argmin())]
    return RankingDisplay.from_predictions, (groups, shares, least), {
        "prediction_set": groups[:9], "name": "a/very/long/name" * 8,
    }  # fmt: skip


def top_k():
    rng = np.random.default_rng(0)
    truth = rng.integers(1, 9, 200)
    systems = {f"network {i}": rng.random((200, 8)) for i in range(9)}
    return TopKDisplay.from_predictions, (truth, systems, np.arange(1, 9)), {}


def of_72():
    return SystemConfusionDisplay.from_predictions, answers(spacegroups.label_set(72)), {}


def of_230():
    return SystemConfusionDisplay.from_predictions, answers(np.arange(1, 231)), {"max_pairs": 30}


def accuracy_of_72():
    return GroupAccuracyDisplay.from_predictions, answers(spacegroups.label_set(72)), {}


def accuracy_of_230():
    return GroupAccuracyDisplay.from_predictions, answers(np.arange(1, 231)), {"order": "accuracy"}


def shaped():
    rng = np.random.default_rng(0)
    options = {"name": "NaCl", "q_max": 1.457, "field": 0.7}
    return ShapedPatternDisplay.from_patterns, (
        rng.random((3, 64, 64)), rng.random((3, 48, 48, 2)),
    ), options  # fmt: skip


def indexed():
    rng = np.random.default_rng(0)
    raw, pictures = rng.random((3, 64, 64)), rng.random((3, 17, 17, 4))
    return ShapedPatternDisplay.from_patterns, (raw, pictures), {"scheme": "indices"}


def feature_maps():
    rng = np.random.default_rng(0)
    options = {"image": rng.random((16, 16, 2)), "layer": "trunk/stem", "name": "NaCl"}
    return FeatureMapDisplay.from_maps, (rng.random((8, 8, 40)),), options


def patterns():
    rng = np.random.default_rng(0)
    raw, pictures = rng.random((2, 3, 40, 40)) ** 8, rng.random((2, 3, 20, 20, 2))
    rankings = [[(225, 0.8), (216, 0.15), (62, 0.0001)], [(14, 0.6), (4, 0.4), (2, 0.0)]]
    options = {"names": ["NaCl", "other"], "known_groups": [225, 154], "model_groups": {225},
               "q_max": 1.457}  # fmt: skip
    return PatternDisplay.from_patterns, (raw, pictures, rankings), options


@functools.cache
def _evidence() -> Evidence:
    return evidence(reduce_reflections(measured(14)), [14, 4])


def evidences():
    return EvidenceDisplay.from_evidence, (_evidence(),), {}


EVERY = [ranking, top_k, of_72, of_230, accuracy_of_72, accuracy_of_230, shaped, indexed,
         feature_maps, patterns, evidences]  # fmt: skip


def drawn(case, **options):
    make, arguments, others = case()
    display = make(*arguments, **others, **options)
    display.figure_.draw_without_rendering()
    return display


@functools.cache
def drawn_once(case):
    """A display that tests look at and do not change."""
    return drawn(case)


def all_texts(figure):
    """Texts that are seen, without those on pictures and colored cells."""
    found = []
    for ax in figure.axes:
        on_pictures = [*ax.texts] if ax.images else []
        cells = [patch for patch in ax.patches if patch.get_height() == 1]
        for text in ax.findobj(mpl.text.Text):
            if not text.get_visible() or not text.get_text().strip() or text in on_pictures:
                continue
            if cells and text in ax.texts and text.get_position()[0] > 0:
                continue
            found.append(text)
    return found


@pytest.mark.parametrize("case", EVERY)
def test_a_display_is_returned_and_can_be_drawn_again(case):
    make, arguments, options = case()
    display = make(*arguments, **options)
    first = display.figure_
    first.canvas.draw()
    assert display.plot() is display
    assert display.figure_ is not first


@pytest.mark.parametrize("case", EVERY)
def test_pyplot_is_left_as_it_was(case):
    before = dict(mpl.rcParams)
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(20, 8))
    pyplot.sca(right)
    display = drawn(case, ax=left)
    assert display.figure_ is figure
    assert pyplot.get_fignums() == [figure.number]
    assert pyplot.gca() is right
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("case", EVERY)
def test_axes_that_were_given_are_not_left(case):
    _, (left, right) = pyplot.subplots(1, 2, figsize=(20, 8), layout="constrained")
    display = drawn(case, ax=left)
    axes = display.axes_.ravel() if hasattr(display, "axes_") else [display.ax_]
    assert all(ax.get_position().x1 < right.get_position().x0 for ax in axes)


@pytest.mark.parametrize("case", [of_72, shaped, feature_maps, patterns, evidences])
def test_axes_without_a_place_in_a_grid(case):
    figure = pyplot.figure()
    with pytest.raises(ValueError, match="part of a grid of subplots"):
        drawn(case, ax=figure.add_axes((0, 0, 1, 1)))


@pytest.mark.parametrize("style", ["default", "dark_background"])
@pytest.mark.parametrize("case", EVERY)
def test_text_is_read_on_light_and_dark(case, style):
    with pyplot.style.context(style):
        display = drawn_once(case) if style == "default" else drawn(case)
        ground = luminance(to_rgb(display.figure_.get_facecolor()[:3]))
        found = all_texts(display.figure_)
        assert found
        for text in found:
            low, high = sorted((ground, luminance(to_rgb(text.get_color()))))
            assert (high + 0.05) / (low + 0.05) > 4.5, text.get_text()


@pytest.mark.parametrize("case", EVERY)
def test_nothing_is_cut_off_or_overlaps(case):
    figure = drawn_once(case).figure_
    renderer = FigureCanvasAgg(figure).get_renderer()  # it was closed, maybe
    width, height = figure.bbox.width, figure.bbox.height
    found = [text for ax in figure.axes for text in ax.findobj(mpl.text.Text)]
    found = [text for text in found if text.get_visible() and text.get_text().strip()]
    boxes = [(text, text.get_window_extent(renderer)) for text in found]
    for text, box in boxes:
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1
        assert inside, f"{text.get_text()!r} is cut off"
    for (one, a), (two, b) in itertools.combinations(boxes, 2):
        if one.get_rotation() % 90 or two.get_rotation() % 90:
            continue  # boxes around slanted text overlap where it does not
        apart = a.x1 <= b.x0 + 1 or b.x1 <= a.x0 + 1 or a.y1 <= b.y0 + 2 or b.y1 <= a.y0 + 2
        assert apart, f"{one.get_text()!r} overlaps {two.get_text()!r}"
