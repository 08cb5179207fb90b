"""random_molecular_crystals: crystals as molecules form them, of the group they say."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import spglib

from crystalsym.crystals import Crystal, SymmetryError, space_group_number, standardize
from crystalsym.crystals._metric_settings import canonical_setting
from crystalsym.datasets import random_molecular_crystals
from crystalsym.datasets._random_molecular_crystals import (
    BOND_TO_HYDROGEN,
    MOLECULAR_GROUPS,
    _closest,
    _draw,
    _spread,
)


@pytest.fixture(scope="module")
def table():
    return random_molecular_crystals(300, random_state=0)


@pytest.fixture(scope="module")
def every_group():
    return random_molecular_crystals(range(1, 231), random_state=1)


def found(crystal, symprec):
    try:
        return space_group_number(crystal, symprec, fallback=False)
    except SymmetryError:
        return -1


@pytest.mark.parametrize(("symprec", "usual", "even"), [(0.01, 0.99, 0.985), (0.1, 0.985, 0.95)])
def test_the_symmetry_finder_agrees(table, every_group, symprec, usual, even):
    for crystals, least in ((table, usual), (every_group, even)):
        hits = [found(c, symprec) == g for c, g in zip(crystals, crystals.space_group, strict=True)]
        assert np.mean(hits) >= least


def test_cells_are_those_of_standardize(table):
    """A table that says ``standard`` is not standardized again."""
    for crystal in table[:25]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            again = Crystal(crystal.lattice, crystal.frac_coords + 0.123, crystal.atomic_numbers)
            lattice = standardize(again, 0.01).lattice
        assert np.allclose(lattice, crystal.lattice, atol=1e-3)


def test_atoms_are_those_of_molecules(table):
    counts = np.bincount(table.atomic_numbers, minlength=100) / len(table.atomic_numbers)
    assert 0.35 < counts[1] < 0.5
    assert 0.3 < counts[6] < 0.45
    assert 0.03 < counts[7] < counts[8] < 0.12
    with_metal = np.mean([np.any(c.atomic_numbers >= 21) for c in table])
    assert 0.25 < with_metal < 0.75
    sizes = np.diff(table.site_offsets)
    per_atom = np.abs(np.linalg.det(table.lattice)) / sizes
    assert 7.99 < per_atom.min() < per_atom.max() < 15.01
    assert np.median(sizes) > 50
    assert np.quantile(sizes, 0.95) < 310


def test_heavy_atoms_are_bound_and_keep_apart(table):
    shortest = []
    for crystal in table[:100]:
        coords = crystal.frac_coords[crystal.atomic_numbers > 1]
        away = coords[:, None] - coords
        distances = np.linalg.norm((away - np.round(away)) @ crystal.lattice, axis=-1)
        distances[np.diag_indices(len(coords))] = np.inf
        shortest.append(distances.min())
    assert np.mean(np.array(shortest) < 1.0) < 0.08
    assert 1.2 < np.median(shortest) < 1.5


def test_hydrogens_keep_apart():
    """They were drawn at random directions once, and most crystals had two in one place."""
    rng = np.random.default_rng(0)
    heavy = np.array([[0.0, 0, 0], [1.42, 0, 0]])
    bearer = np.array([0, 0, 0, 1, 1, 1])
    bonds = rng.normal(size=(6, 3)) * 0.01 + [0, 0, 1]
    places = _spread(heavy, bearer, BOND_TO_HYDROGEN * bonds)
    away = np.linalg.norm(places[:, None] - places, axis=-1)[np.triu_indices(6, 1)]
    assert away.min() > 1.0
    assert np.allclose(np.linalg.norm(places - heavy[bearer], axis=1), BOND_TO_HYDROGEN)


def test_closest_sees_the_next_cell_and_other_molecules():
    identity = np.eye(3)[None], np.zeros((1, 3))
    chain = np.array([[0.0, 0, 0], [0.4, 0, 0], [0.8, 0, 0]])
    none = np.empty((0, 3))
    metric = np.diag([10.0, 20, 20]) ** 2
    assert _closest(chain, none, *identity, metric, False) == pytest.approx(2.0)
    assert _closest(chain[:1], none, *identity, metric, False) == np.inf
    other = np.array([[0.45, 0.05, 0.0]])
    assert _closest(chain, other, *identity, metric, False) == pytest.approx(np.hypot(0.5, 1.0))
    inverted = np.array([np.eye(3), -np.eye(3)]), np.zeros((2, 3))
    pair = np.array([[0.03, 0.0, 0.0], [0.2, 0, 0]])
    assert _closest(pair, none, *inverted, metric, False) == pytest.approx(0.6)
    assert _closest(pair, none, *inverted, metric, True) == pytest.approx(2.3)


def test_half_molecules_lie_about_a_center():
    rng = np.random.default_rng(3)
    distances = []
    for _ in range(60):
        cell, coords, atoms, _ = _draw(2, (20, 60), (8.0, 15.0), rng)
        heavy = coords[atoms > 1]
        away = 2 * heavy
        distances.append(np.linalg.norm((away - np.round(away)) @ cell, axis=1).min())
    bound = np.abs(np.array(distances) - 1.42) < 1e-6
    assert 0.03 < bound.mean() < 0.4


def _drawn(n, **options):
    return random_molecular_crystals(n, 0, n_atoms=(4, 5), **options).space_group


def test_groups_are_those_of_molecules():
    groups = _drawn(1500)
    for group in (14, 2, 15, 19):
        share = MOLECULAR_GROUPS[group] / sum(MOLECULAR_GROUPS.values()) * 0.97
        assert abs(np.mean(groups == group) - share) < 4 * np.sqrt(share / 1500)


def test_groups_may_be_asked_for():
    spread = _drawn(400, groups="even")
    assert len(np.unique(spread)) > 150
    mixed = random_molecular_crystals(60, 0, groups={19: 1, 4: 3}, even_share=0.0)
    values, counts = np.unique(mixed.space_group, return_counts=True)
    assert values.tolist() == [4, 19]
    assert counts[0] > counts[1]
    assert random_molecular_crystals([5, 230], 0).space_group.tolist() == [5, 230]


def test_glides_lie_along_a_c_and_n_of_the_reduced_cell():
    """In a standard cell they lie along c alone, which no measured cell tells."""
    table = random_molecular_crystals([14] * 80, 0, n_atoms=(16, 30))
    kinds = []
    for crystal in table:
        cell = crystal.lattice, crystal.frac_coords, crystal.atomic_numbers
        found = spglib.get_symmetry(cell, symprec=0.01)
        glide = [
            np.linalg.det(w) < 0 and np.trace(w) == 1
            for w in found["rotations"]
        ].index(True)  # fmt: skip
        change = canonical_setting(crystal.lattice, "P", "2/m")
        along = found["translations"][glide] @ np.linalg.inv(change)
        kinds.append(tuple(np.round(2 * along[[0, 2]]).astype(int) % 2))
    shares = [kinds.count(kind) / len(kinds) for kind in ((1, 0), (0, 1), (1, 1))]
    assert min(shares) > 0.1
    assert sum(shares) == pytest.approx(1)


def test_random_state_and_jobs():
    groups, options = [2] * 255, {"n_atoms": (8, 16)}
    one = random_molecular_crystals(groups, 3, **options)
    two = random_molecular_crystals(groups, 3, n_jobs=2, **options)
    assert np.array_equal(one.frac_coords, two.frac_coords)
    assert np.array_equal(one.lattice, two.lattice)
    assert not np.array_equal(one.lattice, random_molecular_crystals(groups, 4, **options).lattice)


def test_checked_ones_all_show_their_group():
    table = random_molecular_crystals([11, 12, 62, 189, 225] * 4, 0, check=True)
    for symprec in (0.01, 0.1):
        assert [found(crystal, symprec) for crystal in table] == [11, 12, 62, 189, 225] * 4


def test_none():
    assert len(random_molecular_crystals(0, 0)) == 0


@pytest.mark.parametrize(
    ("n", "options", "message"),
    [
        (-1, {}, "n must be"),
        (2.5, {}, "n must be"),
        (True, {}, "n must be"),
        ([231], {}, "231"),
        (1, {"n_atoms": (30, 20)}, "n_atoms"),
        (1, {"volume_per_atom": (0, 20)}, "volume_per_atom"),
        (1, {"groups": "odd"}, "groups must be"),
        (1, {"groups": {0: 1.0}}, "0"),
        (1, {"groups": {14: -1.0}}, "frequency from 0"),
        (1, {"groups": {14: 0.0}}, "above 0"),
        (1, {"even_share": 1.5}, "even_share"),
    ],
)
def test_what_cannot_be_asked_for(n, options, message):
    with pytest.raises(ValueError, match=message):
        random_molecular_crystals(n, 0, **options)
