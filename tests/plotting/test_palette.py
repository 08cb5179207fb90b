"""Colors stay apart for people who see no green or no red, and on light and dark figures."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from crystalsym.plotting._palette import (
    BLUE,
    GRAY,
    MARKERS,
    ORANGE,
    RED,
    SERIES,
    SKY,
    luminance,
    readable,
    text_on,
)

# G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, IEEE Trans. Vis. Comput. Graph. 15, 1291
# (2009), severity 1; they act on linear RGB.
SEEN_BY = {
    "usual": np.eye(3),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
}


def rgb(color):
    return np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])


def lab(color, seen_by):
    """CIE L*a*b* of a color as it is seen."""
    c = rgb(color)
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    linear = np.clip(SEEN_BY[seen_by] @ linear, 0, 1)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    x, y, z = np.cbrt(to_xyz @ linear / [0.9505, 1.0, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def least_distance(colors, seen_by):
    return min(
        np.linalg.norm(lab(a, seen_by) - lab(b, seen_by))
        for a, b in itertools.combinations(colors, 2)
    )


@pytest.mark.parametrize("seen_by", SEEN_BY)
def test_colors_stay_apart(seen_by):
    """A distance of 10 is plain to see; red and green of matplotlib's tab10 have 7."""
    assert least_distance(SERIES, seen_by) > 10
    assert least_distance([BLUE, SKY, ORANGE], seen_by) > 20  # kinds of wrong answers
    assert least_distance([BLUE, GRAY, RED], seen_by) > 20  # a ranking


def test_the_simulation_tells_what_is_lost():
    assert least_distance(["#2ca02c", "#d62728"], "usual") > 80
    assert least_distance(["#2ca02c", "#d62728"], "deuteranopia") < 8


@pytest.mark.parametrize("color", SERIES)
def test_colors_are_seen_on_white_and_on_black(color):
    light = luminance(tuple(rgb(color)))
    assert 1.05 / (light + 0.05) > 2.0
    assert (light + 0.05) / 0.05 > 3.0


def test_shapes_repeat_later_than_colors():
    pairs = {(SERIES[i % len(SERIES)], MARKERS[i % len(MARKERS)]) for i in range(20)}
    assert len(pairs) == 20


def test_text_on_a_color_can_be_read():
    for level in np.linspace(0, 1, 21):
        color = (level, level, level)
        other = {"white": 1.0, "black": 0.0}[text_on(color)]
        low, high = sorted((luminance(color), other))
        assert (high + 0.05) / (low + 0.05) > 4.5


@pytest.mark.parametrize("ground", ["white", "black", "#14181e", "#e5e5e5", "#777777"])
@pytest.mark.parametrize("color", SERIES)
def test_colored_text_can_be_read(color, ground):
    found = luminance(tuple(rgb(readable(color, ground))))
    behind = luminance(to_rgb(ground))
    low, high = sorted((found, behind))
    assert (high + 0.05) / (low + 0.05) > 4.5 or found in (0, 1)


def test_colors_that_can_be_read_stay():
    assert readable(BLUE, "white") == BLUE.lower()
    assert readable(BLUE, "black") != BLUE.lower()
