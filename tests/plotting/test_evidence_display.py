"""The display of evidence draws what it holds."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
from matplotlib import pyplot

from crystalsym.plotting import EvidenceDisplay
from crystalsym.reflections import ReflectionList, evidence, reduce_reflections
from tests.reflections.test_evidence import CELL, measured


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    pyplot.close("all")


def texts(axes):
    return " ".join(text.get_text() for text in axes.texts)


def test_all_of_it_is_drawn():
    found = evidence(reduce_reflections(measured(14)), [14, 4])
    display = EvidenceDisplay.from_evidence(found)
    assert display.evidence is found
    assert display.plot() is display
    laue, absences, statistics, layers = display.axes_
    assert [label.get_text() for label in laue.get_yticklabels()] == ["2/m P", "-1 P"]
    assert [bar.get_width() for bar in laue.patches] == [one.r_int for one in found.laue_classes]
    assert len(absences.patches) == len(found.absences)
    labels = [label.get_text() for label in absences.get_yticklabels()]
    assert "2_1 along b,  0k0: k = 2n" in labels
    assert " 4" in texts(absences)
    assert len(statistics.lines) == 3
    assert f"{found.statistics.mean_e2_minus_1:.3f}" in statistics.get_title(loc="left")
    assert [bar.get_width() for bar in layers.patches] == [one.fraction for one in found.layers]
    display.figure_.canvas.draw()


def test_within_other_axes():
    figure, axes = pyplot.subplots(2)
    display = EvidenceDisplay.from_reduction(reduce_reflections(measured(14)), ax=axes[1])
    assert display.figure_ is figure
    assert not axes[1].axison
    box = axes[1].get_position()
    assert all(ax.get_position().y1 <= box.y1 + 1e-6 for ax in display.axes_)


def test_axes_without_a_place():
    found = evidence(reduce_reflections(measured(14)))
    with pytest.raises(ValueError, match="part of a grid of subplots"):
        EvidenceDisplay(found).plot(pyplot.figure().add_axes((0, 0, 1, 1)))


def test_hardly_anything_measured():
    few = ReflectionList(
        [[1, 0, 0], [0, 1, 0], [0, 2, 0], [1, 1, 1]], [1.0, 0.1, 3.0, 2.0], [0.1] * 4, CELL
    )
    display = EvidenceDisplay.from_reduction(reduce_reflections(few))
    assert "unknown" in display.axes_[2].get_title(loc="left")
    assert np.isfinite(display.axes_[0].get_xlim()).all()
    display.figure_.canvas.draw()
