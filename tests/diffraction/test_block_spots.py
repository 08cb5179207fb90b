"""Reflections of blocks with defects, and what stands out of the diffuse ground."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from support.blocks import COPPER, CSCL, block, intensities_of

from crystalsym import DiffractionSimulator
from crystalsym.crystals import Cluster
from crystalsym.crystals.defects import Substitution, ThermalDisplacements, Vacancies
from crystalsym.diffraction import BlockSpots

SIMULATOR = DiffractionSimulator(output="spots", dtype="float64", standardize=False)


def test_a_block_without_defects_is_the_crystal():
    expected = SIMULATOR.transform([CSCL, COPPER])
    for above in (0, 8.0):
        spots = BlockSpots(SIMULATOR, above=above).transform([block(CSCL, 5), block(COPPER, 4)])
        assert np.array_equal(spots.q, expected.q)
        assert np.array_equal(spots.hkl, expected.hkl)
        assert np.allclose(spots.intensity, expected.intensity, atol=1e-12)
        assert spots.made_by == expected.made_by


def test_intensities_are_those_written_out():
    simulator = clone(SIMULATOR).set_params(normalize=False)
    broken = ThermalDisplacements(0.2, random_state=0).transform([block(CSCL, 4)])[0]
    spots = BlockSpots(simulator, above=0).transform([broken])
    assert np.allclose(spots.intensity, intensities_of(broken, spots.hkl), rtol=1e-4, atol=1e-6)


def test_the_ground_is_what_is_diffuse():
    """Substitution: x (1 - x) (f - f')² / N at every place between reflections."""
    simulator = clone(SIMULATOR).set_params(normalize=False, q_max=0.6)
    grounds, x, n = [], 0.3, 10
    for seed in range(40):
        mixed = Substitution("Cl", "Br", x, random_state=seed).transform([block(CSCL, n)])[0]
        spots = BlockSpots(simulator, above=1.0).transform([mixed])
        grounds.append(spots.sigma)
    one = block(CSCL, 1)
    others = one.replace(atomic_numbers=[55, 35])
    hkl = spots.hkl
    # The amplitude of the chlorine site alone, by what the exchange changes.
    odd = np.sqrt(intensities_of(one[[1]], hkl)) - np.sqrt(intensities_of(others[[1]], hkl))
    expected = x * (1 - x) * odd**2 / n**3
    assert abs((np.mean(grounds, axis=0) / expected).mean() - 1) < 0.1


def test_what_the_average_forbids_is_dark():
    """With vacancies a face-centered crystal has all reflections, as many parts as 1/N."""
    broken = Vacancies(0.1, random_state=0).transform([block(COPPER, 8)])
    as_it_is = BlockSpots(SIMULATOR, above=0).transform(broken)
    seen = BlockSpots(SIMULATOR).transform(broken)
    forbidden = np.ptp(as_it_is.hkl % 2, axis=1) > 0
    assert forbidden.sum() > 20
    assert (as_it_is.intensity[forbidden] > 1e-6).mean() > 0.9
    assert (seen.intensity[forbidden] > 0).mean() < 0.05
    assert (seen.intensity[~forbidden] > 0).all()


def test_a_beam_stop_and_scaling_hold_for_ground_and_spots():
    simulator = clone(SIMULATOR).set_params(q_min=0.3)
    broken = ThermalDisplacements(0.2, random_state=0).transform([block(CSCL, 5)])
    spots = BlockSpots(simulator).transform(broken)
    assert np.hypot(*spots.q.T).min() > 0.3
    assert np.isclose([spots.pattern(0, view).intensity.max() for view in range(3)], 1).all()
    assert (spots.sigma > 0).all()
    assert spots.sigma.max() < 0.05


def test_nothing_in_nothing_out():
    assert len(BlockSpots().fit([]).transform([])) == 0


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ([COPPER], TypeError, "structure 0: got a Crystal, needs a Cluster; CrystalBlock"),
        (block(COPPER, 2), TypeError, "got a single Cluster"),
        ([Cluster([[0, 0, 0]], [6])], ValueError, r"the cluster has no lattice; Cluster\("),
        ([Cluster([[0, 0, 0]], [6], lattice=np.eye(3))], ValueError, "has no cells"),
        ([block(COPPER, 1)], ValueError, "one cell alone has no places between"),
    ],
)
def test_input_of_another_kind(X, error, message):
    with pytest.raises(error, match=message):
        BlockSpots().transform(X)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"above": -1}, "above must be a number from 0 up, got -1"),
        ({"simulator": DiffractionSimulator()}, "simulator must list spots of zero-order layers"),
        (
            {"simulator": DiffractionSimulator("rotations", output="spots")},
            "and views along zone axes",
        ),
    ],
)
def test_bad_parameters_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        BlockSpots(**parameters).fit()
