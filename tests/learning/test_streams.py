"""RenderedPatterns: rows of a pipeline's output, made when they are asked for."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from support.random_crystals import random_crystal

from crystalsym import DiffractionSimulator, PatternShaper
from crystalsym.datasets import CrystalTable
from crystalsym.learning._rendered_patterns import GROUP, RenderedPatterns

CRYSTALS = [random_crystal(2, np.random.default_rng(seed)) for seed in range(2 * GROUP + 5)]
STEPS = [DiffractionSimulator(image_size=32, symprec=0.01), PatternShaper(image_size=16)]


@pytest.fixture(scope="module")
def whole():
    return STEPS[1].transform(STEPS[0].transform(CRYSTALS))


@pytest.fixture
def lazy():
    return RenderedPatterns(STEPS, CRYSTALS)


def test_stands_in_for_the_array(lazy, whole):
    assert lazy.shape == whole.shape
    assert lazy.dtype == whole.dtype
    assert lazy.ndim == whole.ndim
    assert len(lazy) == len(whole)


@pytest.mark.parametrize(
    "index",
    [
        [0, 5, 2],
        np.array([36, 0, 36]),
        np.arange(37)[::-1],
        slice(3, 30, 4),
        slice(None),
        np.arange(37) % 3 == 0,
        [-1, 4],
    ],
    ids=["list", "repeats", "backwards", "slice", "all", "mask", "negative"],
)
def test_rows_are_those_of_the_array(lazy, whole, index):
    assert np.array_equal(lazy[index], whole[index])


def test_one_row(lazy, whole):
    assert np.array_equal(lazy[7], whole[7])
    assert np.array_equal(lazy[np.int64(-1)], whole[-1])


def test_nothing_but_the_rows_asked_for_is_rendered():
    seen = []

    class Watched(list):
        def __getitem__(self, index):
            seen.append(index)
            return super().__getitem__(index)

    watched = RenderedPatterns(STEPS, Watched(CRYSTALS))
    seen.clear()
    watched[[3, 9]]
    assert seen == [3, 9]


def test_pipelines_and_tables_will_do(whole):
    pipeline = make_pipeline(*STEPS)
    table = CrystalTable.from_crystals(CRYSTALS)
    assert np.abs(RenderedPatterns(pipeline, table)[:6] - whole[:6]).max() < 2e-2


def test_one_transformer_gives_raw_patterns():
    raw = RenderedPatterns(STEPS[:1], CRYSTALS)
    assert raw.shape == (37, 3, 32, 32)


def test_descriptor_names_the_last_step(lazy):
    assert lazy.descriptor == "PatternShaper(image_size=16)"
    busy = PatternShaper(image_size=16, n_jobs=2, verbose=1)
    assert RenderedPatterns([STEPS[0], busy], CRYSTALS[:1]).descriptor == lazy.descriptor


def test_bytes_stay_bytes():
    steps = [STEPS[0], PatternShaper(image_size=16, dtype="uint8")]
    assert RenderedPatterns(steps, CRYSTALS)[:20].dtype == np.uint8


def test_no_structures_are_refused():
    with pytest.raises(ValueError, match="no structures"):
        RenderedPatterns(STEPS, [])
