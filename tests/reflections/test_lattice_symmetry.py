"""Rotations of lattices and the Laue classes among them, against spglib's lattices."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import spglib
from support.orbit_lists import KINDS, unimodular

from crystalsym.crystals._cell_parameters import cell_of, lattice_of
from crystalsym.crystals._metric_settings import CENTERINGS, LAUE_CLASSES
from crystalsym.reflections import laue_candidates
from crystalsym.reflections._lattice_symmetry import lattice_rotations, primitive_basis

HOLOHEDRIES = ("-1", "2/m", "mmm", "4/mmm", "6/mmm", "m-3m")
LATTICES = [kind for kind in KINDS if kind[0] in HOLOHEDRIES or kind == ("-3m1", "R")]
POSSIBLE = {
    "-1": "P", "2/m": "PC", "mmm": "PCIF", "4/m": "PI", "4/mmm": "PI", "-3": "PR", "-3m1": "PR",
    "-31m": "P", "6/m": "P", "6/mmm": "P", "m-3": "PIF", "m-3m": "PIF",
}  # fmt: skip


def named(kind):
    return " ".join(kind)


@pytest.mark.parametrize("kind", LATTICES, ids=named)
def test_as_many_rotations_as_spglib_finds_for_one_atom(kind):
    lattice, centering = lattice_of(KINDS[kind][1]), kind[1]
    points = CENTERINGS[centering]
    found = spglib.get_symmetry((lattice, points, [1] * len(points)), 1e-3)["rotations"]
    proper = {w.tobytes() for w in found if np.round(np.linalg.det(w)) == 1}
    rotations, _ = laue_candidates(lattice, centering)
    assert {np.round(w).astype(found.dtype).tobytes() for w in rotations} == proper


@pytest.mark.parametrize("kind", LATTICES, ids=named)
@pytest.mark.parametrize("seed", range(3))
def test_the_lattice_comes_back_from_any_primitive_axes(kind, seed):
    laue, centering = kind
    lattice = lattice_of(KINDS[kind][1])
    change = unimodular(np.random.default_rng(seed)) @ primitive_basis(lattice, centering)
    _, found = laue_candidates(change @ lattice, "P")
    _, there = laue_candidates(lattice, centering)
    assert found[-1].laue == laue
    assert found[-1].centering == centering
    np.testing.assert_allclose(cell_of(found[-1].lattice), cell_of(there[-1].lattice), atol=1e-6)
    names = [Counter((one.laue, one.centering) for one in each) for each in (found, there)]
    assert names[0] == names[1]


@pytest.mark.parametrize("kind", LATTICES, ids=named)
def test_candidates_are_groups_in_conventional_axes(kind):
    lattice = lattice_of(KINDS[kind][1])
    rotations, found = laue_candidates(lattice, kind[1])
    for one in found:
        assert one.laue in LAUE_CLASSES
        assert one.centering in POSSIBLE[one.laue]
        assert np.linalg.det(one.change) > 0
        np.testing.assert_allclose(one.operations, rotations[list(one.members)], atol=1e-9)
        own = one.own_operations
        made = {(a @ b).tobytes() for a in own for b in own}
        assert made == {w.tobytes() for w in own}
        metric = one.lattice @ one.lattice.T
        for w in own:
            np.testing.assert_allclose(w.T @ metric @ w, metric, atol=1e-8)
        # A twofold axis of 2/m is b.
        if one.laue == "2/m":
            assert (own[:, 1, 1] == 1).all()


@pytest.mark.parametrize(
    ("cell", "laue"),
    [
        ((5.0, 6.0, 7.0, 90.0, 90.4, 90.0), "mmm"),
        ((5.0, 6.0, 7.0, 90.0, 92.5, 90.0), "2/m"),
        ((5.0, 5.01, 7.0, 90.0, 90.0, 90.0), "4/mmm"),
        ((5.0, 5.2, 7.0, 90.0, 90.0, 90.0), "mmm"),
        ((5.0, 5.01, 4.99, 90.1, 89.9, 90.0), "m-3m"),
        ((7.0, 7.0, 7.0, 75.0, 75.0, 75.0), "-3m1"),
    ],
)
def test_cells_are_symmetric_to_about_a_degree(cell, laue):
    assert laue_candidates(lattice_of(cell), "P")[1][-1].laue == laue


def test_a_smaller_tolerance_sees_smaller_differences():
    lattice = lattice_of((5.0, 5.01, 7.0, 90.0, 90.0, 90.0))
    assert len(lattice_rotations(lattice)) == 8
    assert len(lattice_rotations(lattice, 1e-4)) == 4


def test_two_primitive_cells_of_one_rhombohedral_lattice():
    one = laue_candidates(lattice_of((5.9, 5.9, 17.7, 90, 90, 120)), "R")[1][-1]
    two = laue_candidates(lattice_of((5.9, 5.9, 17.7, 90, 90, 120)), "R-")[1][-1]
    for each in (one, two):  # always obverse
        assert (each.laue, each.centering) == ("-3m1", "R")
        np.testing.assert_allclose(cell_of(each.lattice), (5.9, 5.9, 17.7, 90, 90, 120))
