"""Patterns on disk."""

from __future__ import annotations

import numpy as np
import pytest

from crystalsym import DiffractionSimulator, PatternShaper
from crystalsym.datasets import CrystalTable, example_crystals
from crystalsym.learning import PatternStore, RenderedPatterns


@pytest.fixture(scope="module")
def crystals():
    return CrystalTable.from_crystals(list(example_crystals().values())[:8])


def rendered(crystals, **shaping):
    shaper = PatternShaper(image_size=32, dtype="uint8", **shaping)
    return RenderedPatterns([DiffractionSimulator(image_size=64), shaper], crystals)


def test_rows_are_rendered_once_and_survive(crystals, tmp_path, monkeypatch):
    source = rendered(crystals)
    expected = source[np.arange(8)]
    store = PatternStore(source, tmp_path)
    assert (store.shape, store.dtype, store.n_stored) == ((8, 3, 32, 32, 2), np.uint8, 0)
    np.testing.assert_array_equal(store[[5, 2, 5]], expected[[5, 2, 5]])
    assert store.n_stored == 2
    store.flush()

    again = PatternStore(source, tmp_path)
    assert again.n_stored == 2
    asked = []
    monkeypatch.setattr(
        RenderedPatterns, "__getitem__", lambda self, index: asked.extend(index) or expected[index]
    )
    np.testing.assert_array_equal(again[:], expected)
    assert sorted(asked) == [0, 1, 3, 4, 6, 7]
    np.testing.assert_array_equal(again[3], expected[3])


def test_rows_of_other_parameters_or_crystals_are_discarded(crystals, tmp_path):
    PatternStore(rendered(crystals), tmp_path)[:]
    assert PatternStore(rendered(crystals), tmp_path).n_stored == 8
    assert PatternStore(rendered(crystals, intensity="log"), tmp_path).n_stored == 0
    PatternStore(rendered(crystals), tmp_path)[:]
    assert PatternStore(rendered(crystals[::-1]), tmp_path).n_stored == 0


def test_a_broken_description_starts_anew(crystals, tmp_path):
    PatternStore(rendered(crystals), tmp_path)[:]
    (tmp_path / "store.json").write_text("{", encoding="utf-8")
    assert PatternStore(rendered(crystals), tmp_path).n_stored == 0


def test_float_rows_are_refused(crystals, tmp_path):
    source = RenderedPatterns([DiffractionSimulator(image_size=32), PatternShaper()], crystals)
    with pytest.raises(ValueError, match="uint8"):
        PatternStore(source, tmp_path)
