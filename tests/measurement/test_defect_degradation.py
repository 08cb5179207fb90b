"""DefectDegradation: spots of perfect crystals made like those of blocks with defects."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from support.blocks import COPPER, CSCL, block

from crystalsym import DiffractionSimulator
from crystalsym.crystals.defects import ThermalDisplacements
from crystalsym.diffraction import BlockSpots
from crystalsym.measurement import DefectDegradation

SIMULATOR = DiffractionSimulator(output="spots", dtype="float64", standardize=False)
NOTHING = {"displacement": None, "ground": None, "error": None, "share": 1.0, "random_state": 0}


@pytest.fixture(scope="module")
def spots():
    return SIMULATOR.transform([CSCL, COPPER] * 10)


def test_nothing_happens_where_nothing_is_asked_for(spots):
    same = DefectDegradation(**NOTHING).transform(spots)
    assert np.allclose(same.intensity, spots.intensity, rtol=1e-12, atol=1e-15)
    assert np.array_equal(
        DefectDegradation(share=0.0, random_state=0).transform(spots).intensity, spots.intensity
    )


def test_displacement_is_that_of_blocks(spots):
    """Of large blocks: intensities fall as of atoms that are shifted."""
    fallen = DefectDegradation(**{**NOTHING, "displacement": 0.3}).transform(spots[:1])
    shifted = ThermalDisplacements(0.3, random_state=0).transform([block(CSCL, 12)])
    expected = BlockSpots(SIMULATOR).transform(shifted)
    strong = expected.intensity > 0.05
    # Blocks are scaled to their strongest, which has fallen too.
    ratio = (fallen.intensity / expected.intensity)[strong]
    assert np.ptp(ratio) < 0.1 * ratio.mean()


def test_forbidden_reflections_show_the_ground_unless_they_are_dark(spots):
    settings = {**NOTHING, "ground": 1e-3, "falloff": None}
    forbidden = (spots.intensity < 1e-9) & (np.ptp(spots.hkl % 2, axis=1) > 0)
    bare = DefectDegradation(**settings, above=0.0, alone=0.0).transform(spots)
    # Without displacement there is nothing that rises with q: a drawn part of 1e-3 is left.
    assert 1e-4 < bare.intensity[forbidden].mean() < 1e-3
    assert (DefectDegradation(**settings).transform(spots).intensity[forbidden] == 0).mean() > 0.99


def test_errors_are_in_parts_of_the_intensity(spots):
    bare = DefectDegradation(**{**NOTHING, "error": 0.05}).transform(spots)
    seen = spots.intensity > 1e-9
    change = np.log(bare.intensity[seen] / spots.intensity[seen])
    assert abs(change.std() - 0.05) < 0.005
    assert abs(change.mean()) < 0.005


def test_the_share_and_the_seed(spots):
    def changed(**settings):
        other = DefectDegradation(**settings).transform(spots).intensity
        first = spots.starts[:: spots.n_views]
        return np.add.reduceat(other != spots.intensity, first[:-1]) > 0

    assert 0.2 < changed(share=0.5, random_state=0).mean() < 0.8
    assert changed(share=1.0, random_state=0).all()
    one, again, other = (
        DefectDegradation(random_state=seed).transform(spots).intensity for seed in (1, 1, 2)
    )
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_a_crystal_does_not_depend_on_the_others(spots):
    degradation = clone(DefectDegradation(share=1.0))
    whole = degradation.degrade(spots, (3, 1), np.arange(len(spots)))
    part = degradation.degrade(spots[[4, 7]], (3, 1), np.array([4, 7]))
    assert np.array_equal(part.intensity, whole[[4, 7]].intensity)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"ground": (1e-3, 1e-7)}, "ground must be None, a number from 0 on or a range of two"),
        ({"error": -0.1}, "error must be None"),
        ({"share": 2}, "share must be a number from 0 to 1, got 2"),
        ({"above": None}, "above must be a number"),
    ],
)
def test_bad_strengths_are_named(bad, message):
    with pytest.raises(ValueError, match=message):
        DefectDegradation(**bad).fit()


def test_input_of_another_kind(spots):
    with pytest.raises(TypeError, match="DefectDegradation takes SpotPatterns, got ndarray"):
        DefectDegradation().transform(np.zeros((1, 3, 8, 8)))
