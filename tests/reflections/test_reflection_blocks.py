"""Blocks of reflections around the origin and lists of zones: known answers, settings, errors."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks
from support.orbit_lists import KINDS, in_other_axes, orbit_list, unimodular

from crystalsym import Crystal, DiffractionSimulator
from crystalsym.crystals._cell_parameters import lattice_of
from crystalsym.datasets import example_crystals
from crystalsym.reflections import (
    ReflectionBlocks,
    ReflectionList,
    merge_equivalents,
    reduce_reflections,
    reflection_block,
)
from crystalsym.reflections._zone_lists import lists_of_zones

IDENTITY = np.eye(3, dtype=int)[None]
NAMED = ReflectionList([[1, 0, 0], [0, 1, 0]], [1.0, 2.0], [0.1, 0.1], name="homeless")
ZONES = [[1, 0, 1], [0, 1, 2], [1, 1, 0]]


@parametrize_with_checks([ReflectionBlocks()])
def test_as_scikit_learn_asks(estimator, check):
    check(estimator)


def spots(crystals, zones=ZONES, **how):
    how = {"output": "spots", "normalize": False, "dtype": "float64", **how}
    return DiffractionSimulator(views=zones, **how).transform(crystals)


def test_a_block_by_hand():
    """Places of the half with l >= 0, that of l = 0 whole; the unit is of all of them."""
    merged = merge_equivalents(
        np.array([[0, 1, 2], [1, 0, 0], [7, 0, 0]]), np.array([3.0, 1.0, 50.0]), None, IDENTITY,
        lattice=5 * np.eye(3),
    )  # fmt: skip
    block = reflection_block(merged)
    assert block.shape == (7, 13, 13, 3)
    assert block[..., 1].sum() == 3
    unit = 0.01 * (3**2 + 1 + 1) / (3 + 1 + 1)
    bright = np.arcsinh(np.array([3.0, 1.0, 1.0]) / unit) / np.arcsinh(1000)
    found = [block[2, 6 + 1, 6, 0], block[0, 6, 6 + 1, 0], block[0, 6, 6 - 1, 0]]
    np.testing.assert_allclose(found, bright, rtol=1e-6)
    assert block[..., 0].sum() == pytest.approx(bright.sum(), rel=1e-6)
    assert block[2, 6 + 1, 6, 2] == pytest.approx(np.sqrt(5) / 5 / 1.5)
    assert block[6, 12, 12, 2] == 1  # beyond 1.5 1/Å


def test_what_a_centering_forbids_is_dark_where_the_list_reaches():
    merged = merge_equivalents(
        np.array([[1, 1, 0], [2, 2, 0]]), np.array([1.0, 2.0]), None, IDENTITY,
        lattice=5 * np.eye(3), centering="I",
    )  # fmt: skip
    block = reflection_block(merged)
    assert block[0, 6, 7].tolist()[1] == 0  # 100 is nearer than any that is measured
    assert block[0, 6 + 1, 6 + 2].tolist()[:2] == [0, 1]  # 210 lies between
    assert block[0, 6 + 3, 6, 1] == 0  # 030 beyond
    assert block[0, 6, 6 + 2, 1] == 0  # 200 is allowed and was not measured


@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
def test_rotations_of_the_laue_class_leave_a_block(kind):
    merged = reduce_reflections(orbit_list(*kind, d_min=0.9)).merged(0)
    block = reflection_block(merged)
    for turn in merged.operations[:8]:  # h' = h W
        np.testing.assert_allclose(
            reflection_block(merged, np.round(turn.T).astype(int)), block, atol=1e-5
        )


@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
def test_axes_of_a_list_change_nothing(kind):
    given = orbit_list(*kind, d_min=0.9)
    turned = in_other_axes(given, unimodular(np.random.default_rng(2)), kind[1])
    one, two = reduce_reflections(given), reduce_reflections(turned)
    blocks = [reflection_block(two.merged(0), change) for change in two.settings(0)]
    mine = reflection_block(one.merged(0))
    # One of the settings that stay open.
    assert min(np.abs(block - mine)[..., 0].max() for block in blocks) < 0.02


def test_patterns_of_zones_are_the_list_of_their_reflections():
    crystals = [example_crystals()[name] for name in ("TiO2-rutile", "ZnO-zincite", "NaCl")]
    patterns = spots(crystals)
    blocks = ReflectionBlocks().transform(patterns)
    assert blocks.dtype == np.float32
    for row, block in enumerate(blocks):
        hkl, intensity = [], []
        for view in range(3):
            part = slice(*patterns.starts[3 * row + view : 3 * row + view + 2])
            hkl.append(patterns.indices[part].astype(int) @ patterns.basis_hkl[row, view])
            intensity.append(patterns.intensity[part])
        (cell,) = [one.cell for one in lists_of_zones(patterns[[row]])]
        given = ReflectionList(np.concatenate(hkl), np.concatenate(intensity), None, cell)
        np.testing.assert_array_equal(ReflectionBlocks().transform([given])[0], block)
    np.testing.assert_array_equal(ReflectionBlocks(n_jobs=2).transform(patterns), blocks)


def test_a_triclinic_cell_is_found_by_its_zones():
    cell = (5.1, 6.3, 7.2, 83.0, 97.0, 104.0)
    crystal = Crystal(lattice_of(cell), [[0.1, 0.2, 0.3], [0.7, 0.6, 0.1]], [14, 8])
    (found,) = lists_of_zones(spots([crystal], standardize=False))
    np.testing.assert_allclose(found.cell, cell, rtol=1e-5)


def test_zones_that_do_not_give_the_cell_are_refused():
    rutile = [example_crystals()["TiO2-rutile"]]
    with pytest.raises(ValueError, match="the zones of row 0 do not give its cell"):
        ReflectionBlocks().transform(spots(rutile, [[1, 0, 0], [0, 1, 0]]))
    found = spots(rutile)
    unknown = replace(found, indices=None, orbit=None)
    with pytest.raises(ValueError, match="whose indices are known"):
        ReflectionBlocks().transform(unknown)


def test_a_list_that_cannot_be_reduced_is_named():
    good = orbit_list("mmm", d_min=1.0)
    with pytest.raises(ValueError, match=r"list 1 \(homeless\): .*cell"):
        ReflectionBlocks().transform([good, NAMED])
    with pytest.warns(UserWarning, match=r"list 1 \(homeless\).*its row is missing"):
        blocks = ReflectionBlocks(on_error="nan").transform([good, NAMED, good])
    assert np.isnan(blocks).any(axis=(1, 2, 3, 4)).tolist() == [False, True, False]
    np.testing.assert_array_equal(blocks[0], blocks[2])
    assert np.isnan(blocks[1]).all()
    cell = (5, 6, 7, 90, 90, 90)
    assert ReflectionBlocks(cell=cell).transform([NAMED]).shape == (1, 7, 13, 13, 3)
    assert ReflectionBlocks().transform([]).shape == (0, 7, 13, 13, 3)
    with pytest.raises(TypeError, match="ReflectionBlocks takes a list of reflection lists"):
        ReflectionBlocks().transform(good)


@pytest.mark.parametrize("wrong", [{"on_error": "skip"}, {"tolerance": 0}, {"cell": (1, 2)}])
def test_wrong_parameters(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ReflectionBlocks(**wrong).fit()


def test_clones_and_pickles():
    maker = ReflectionBlocks(tolerance=0.01, on_error="nan", n_jobs=2)
    assert clone(maker).get_params() == maker.get_params()
    assert pickle.loads(pickle.dumps(maker)).get_params() == maker.get_params()
