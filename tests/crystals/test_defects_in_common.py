"""What all steps that make defects share, and the average crystal that they end in."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from support.blocks import COPPER, CSCL, block, intensities_of
from support.crystals import NACL
from support.random_crystals import random_crystal

from crystalsym import DiffractionSimulator
from crystalsym.crystals import Cluster, Crystal, defects, standardize
from crystalsym.crystals.defects import (
    Antisites,
    AverageCell,
    CrystalBlock,
    DislocationPairs,
    GrainBoundary,
    Interstitials,
    StackingFaults,
    Strain,
    StrainField,
    Substitution,
    ThermalDisplacements,
    TwinDomains,
    Vacancies,
)
from crystalsym.scattering import structure_factors

OF_CRYSTALS = [
    CrystalBlock(4),
    TwinDomains(4, rate=0.2, random_state=0),
    GrainBoundary(4),
]
OF_CLUSTERS = [
    Vacancies(random_state=0),
    Substitution("Cl", "Br", random_state=0),
    Antisites(random_state=0),
    Interstitials("H", 0.2, random_state=0),
    ThermalDisplacements(random_state=0),
    ThermalDisplacements(correlation_length=5.0, random_state=0),
    Strain(0.01, gradient=(1e-4, 0, 0)),
    StrainField(random_state=0),
    StackingFaults(0.5, random_state=0),
    DislocationPairs((1, 0, 0), random_state=0),
]
STEPS = [*OF_CRYSTALS, *OF_CLUSTERS, AverageCell()]


def named(step):
    return type(step).__name__


def inputs(step):
    return [NACL, CSCL] if step in OF_CRYSTALS else [block(NACL, 4), block(CSCL, 4)]


def test_every_public_step_is_tried():
    assert {named(step) for step in STEPS} == set(defects.__all__)


@pytest.mark.parametrize("step", STEPS, ids=named)
def test_same_seed_same_atoms_and_the_place_fixes_the_draw(step):
    X = inputs(step)
    first = step.transform(X)
    again = pickle.loads(pickle.dumps(clone(step))).fit(X).transform(X)
    assert [one.digest() for one in first] == [one.digest() for one in again]
    assert step.transform(X[:1])[0].digest() == first[0].digest()
    assert [one.digest() for one in X] == [one.digest() for one in inputs(step)]


@pytest.mark.parametrize("step", STEPS, ids=named)
def test_another_seed_draws_anew(step):
    X = inputs(step)
    assert repr(step).startswith(named(step))
    if "random_state" not in step.get_params():
        assert not step.__sklearn_tags__().non_deterministic
        return
    other = clone(step).set_params(random_state=1)
    assert other.transform(X)[0].digest() != step.transform(X)[0].digest()
    assert clone(step).set_params(random_state=None).__sklearn_tags__().non_deterministic


@pytest.mark.parametrize("step", STEPS, ids=named)
def test_wrong_input_says_what_would_be_right(step):
    X = inputs(step)
    with pytest.raises(TypeError, match=r"got a single .*: put it in a list"):
        step.transform(X[0])
    if step in OF_CRYSTALS:
        with pytest.raises(TypeError, match=r"structure 1: .* is made of a crystal, got a Cluster"):
            step.transform([NACL, block(NACL, 2)])
    else:
        with pytest.raises(TypeError, match=r"structure 1: .*; cut one first with CrystalBlock"):
            step.transform([X[0], NACL])
    assert step.transform([]) == []


def test_steps_of_one_seed_draw_different_numbers():
    """Else those atoms would be missing that another step has replaced."""
    whole = block(COPPER, 8)
    replaced = Substitution("Cu", "Au", 0.3, random_state=0).transform([whole])[0]
    left = Vacancies(0.3, random_state=0).transform([whole])[0]
    gone = ~np.isin(np.arange(len(whole)), whole_numbers(whole, left))
    both = (gone & (replaced.atomic_numbers == 79)).mean()
    assert abs(both - 0.09) < 0.03


def whole_numbers(whole, left):
    """Which atoms of the whole block are left."""
    rows = {tuple(place): i for i, place in enumerate(whole.positions.tolist())}
    return [rows[tuple(place)] for place in left.positions.tolist()]


def test_they_compose_with_the_simulator():
    steps = make_pipeline(
        CrystalBlock(3),
        Vacancies(0.1, random_state=0),
        StrainField(0.01, random_state=0),
        ThermalDisplacements(0.1, random_state=0),
        DiffractionSimulator(engine="atoms", image_size=16),
    )
    assert steps.fit([NACL]).transform([NACL, CSCL]).shape == (2, 3, 16, 16)


def test_blocks_by_their_edge():
    blocks = CrystalBlock(edge=20.0, standardize=False).transform([NACL, COPPER])
    assert [one.cells for one in blocks] == [(4, 4, 4), (6, 6, 6)]
    assert CrystalBlock(edge=1.0, standardize=False).transform([NACL])[0].cells == (1, 1, 1)
    with pytest.raises(ValueError, match="edge must be above 0"):
        CrystalBlock(edge=0).transform([NACL])
    with pytest.raises(ValueError, match="finder must be one of"):
        CrystalBlock(finder="mine").transform([NACL])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.tuples(*[st.integers(1, 4)] * 3))
def test_the_average_of_a_whole_block_is_the_crystal(seed, cells):
    rng = np.random.default_rng(seed)
    crystal = random_crystal(int(rng.choice([1, 14, 62, 148, 225])), rng)
    average = Cluster.from_crystal(crystal, cells).average_crystal()
    assert len(average) == len(crystal)
    assert np.allclose(average.occupancies, 1)
    rows = [
        np.column_stack([one.atomic_numbers, np.round(one.frac_coords % 1, 6) % 1])
        for one in (average, crystal)
    ]
    first, second = (row[np.lexsort(row.T)] for row in rows)
    assert np.allclose(first, second, atol=2e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 100), st.floats(0, 0.4), st.floats(0, 0.5))
def test_its_structure_factors_are_those_of_the_block(seed, rate, rms):
    broken = make_pipeline(
        Vacancies(rate, random_state=seed), ThermalDisplacements(rms, random_state=seed)
    ).transform([block(CSCL, 4)])[0]
    average = broken.average_crystal()
    hkl = np.array([[1, 0, 0], [1, 1, 0], [2, 1, 3]])
    q = np.linalg.norm(hkl @ np.linalg.inv(CSCL.lattice).T, axis=1)
    found = structure_factors(
        hkl, q, average.frac_coords, average.atomic_numbers, average.occupancies
    )
    assert np.allclose(np.abs(found) ** 2, intensities_of(broken, hkl), rtol=1e-6, atol=1e-9)


def test_the_average_stays_in_the_standard_setting():
    """No symmetry finder is asked again, whom every draw would look like P1."""
    broken = ThermalDisplacements(0.1, random_state=0).transform([block(standardize(NACL), 3)])
    average = AverageCell().transform(broken)[0]
    assert average.standard
    assert standardize(average) is average
    assert not AverageCell().transform([block(NACL.replace(name="x"), 2)])[0].standard


def test_what_an_average_needs():
    with pytest.raises(ValueError, match="has no lattice, which its average cell needs"):
        Cluster([[0, 0, 0]], [6]).average_crystal()
    with pytest.raises(ValueError, match=r"has no cells, .*Cluster\(..., lattice=, cells=\)"):
        Cluster([[0, 0, 0]], [6], lattice=np.eye(3)).average_crystal()
    crowded = Cluster([[0, 0, 0], [4, 0, 0]], [6, 6], lattice=np.eye(3) * 4, cells=1)
    with pytest.raises(ValueError, match=r"2 atoms a cell .* share one place; are cells"):
        crowded.average_crystal()
    with pytest.raises(ValueError, match="cells must be one or three positive integers"):
        Cluster([[0, 0, 0]], [6], cells=0)


def test_a_block_remembers_its_cells():
    part = block(NACL, (2, 3, 1))[1:]
    assert part.cells == (2, 3, 1)
    assert part.digest() != part.replace(cells=(2, 3, 2)).digest()
    assert isinstance(AverageCell().transform([part])[0], Crystal)
