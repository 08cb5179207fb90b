"""with_orbits: which spots of zero layers are equivalent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crystalsym import DiffractionSimulator
from crystalsym.crystals._wyckoff import standard_operations
from crystalsym.datasets import random_crystals
from crystalsym.diffraction import SpotPatterns, with_orbits

GROUPS = [2, 14, 15, 62, 88, 141, 148, 161, 176, 194, 205, 227]


def rotations(number):
    return np.unique(standard_operations(number)[0], axis=0).astype(int)


@pytest.fixture(scope="module")
def patterns():
    crystals = random_crystals(GROUPS, random_state=0)
    simulator = DiffractionSimulator(
        output="spots", views="symmetry-directions", standardize=False, q_max=0.6, normalize=False
    )
    return simulator.transform(crystals)


@pytest.fixture(scope="module")
def with_sets(patterns):
    return with_orbits(patterns, [np.eye(3, dtype=int)[None]] * len(GROUPS))


def rows_of(patterns, row):
    one = patterns[row]
    return one.hkl, one.orbit, one.intensity


def test_known_sets_of_mmm():
    turns = np.array([np.diag(s) for s in ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))])
    indices = np.array([[1, 2], [1, -2], [2, 1], [1, 0], [0, 1]])
    spots = SpotPatterns(
        q=indices * 0.1,
        intensity=np.ones(5),
        starts=np.array([0, 5]),
        q_min=np.zeros((1, 1)),
        q_max=np.ones((1, 1)),
        indices=indices,
        basis=np.eye(2)[None, None] * 0.1,
        basis_hkl=np.array([[[[1, 0, 0], [0, 1, 0]]]]),
        halved=True,
    )
    a, b, c, d, e = with_orbits(spots, [turns]).orbit
    assert a == b
    assert len({a, c, d, e}) == 4
    fourfold = np.array([[[0, -1, 0], [1, 0, 0], [0, 0, 1]]])
    alone = with_orbits(spots, [np.concatenate([fourfold, np.eye(3, dtype=int)[None]])]).orbit
    assert alone[3] == alone[4]


def test_without_symmetry_spots_stand_for_themselves(with_sets):
    for row in range(len(GROUPS)):
        hkl, orbit, _ = rows_of(with_sets, row)
        keys = [max(tuple(i), tuple(-i)) for i in hkl]
        assert len(set(orbit.tolist())) == len(set(keys))
        assert set(orbit.tolist()) == set(range(orbit.max() + 1))


def test_equivalents_have_one_intensity_and_one_number(patterns):
    """Cells of random_crystals may be another setting, so the operations are found in it."""
    import spglib

    crystals = random_crystals(GROUPS, random_state=0)
    turns = []
    for crystal in crystals:
        cell = crystal.lattice, crystal.frac_coords, crystal.atomic_numbers
        turns.append(np.unique(spglib.get_symmetry(cell, symprec=0.01)["rotations"], axis=0))
    found = with_orbits(patterns, turns)
    for row, group in enumerate(turns):
        hkl, orbit, intensity = rows_of(found, row)
        strongest = intensity.max()
        for number in range(orbit.max() + 1):
            same = orbit == number
            assert np.ptp(intensity[same]) < 1e-4 * strongest
            images = {
                tuple(i) for i in np.concatenate([hkl[same][0] @ group, -hkl[same][0] @ group])
            }
            members = {tuple(i) for i in hkl[same]}
            assert members <= images
            assert not images & {tuple(i) for i in hkl[~same]}


def test_numbers_go_with_their_spots(with_sets):
    part = with_sets[[3, 1]]
    assert np.array_equal(part[0].orbit, with_sets[3].orbit)
    assert np.array_equal(part[1].orbit, with_sets[1].orbit)
    assert np.array_equal(with_sets.with_mates().orbit[::2], with_sets.orbit)
    joined = SpotPatterns.concatenate([with_sets[:2], with_sets[2:]])
    assert np.array_equal(joined.orbit, with_sets.orbit)
    assert SpotPatterns.concatenate([with_sets, replace(with_sets, orbit=None)]).orbit is None
    kept = np.hypot(*with_sets.q.T) > 0.2
    assert np.array_equal(with_sets.without_center(0.2).orbit, with_sets.orbit[kept])


def test_what_it_cannot_take(patterns):
    with pytest.raises(ValueError, match="2 groups were given for 12 crystals"):
        with_orbits(patterns, [rotations(2)] * 2)
    with pytest.raises(ValueError, match="indices are known"):
        with_orbits(replace(patterns, indices=None), [rotations(2)] * 12)
    with pytest.raises(ValueError, match="orbit must have shape"):
        replace(patterns, orbit=np.zeros(3, dtype=np.int32))
