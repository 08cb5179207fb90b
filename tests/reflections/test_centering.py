"""Centerings told by what they forbid."""

from __future__ import annotations

import numpy as np
import pytest
from support.orbit_lists import KINDS, in_other_axes, orbit_list

from crystalsym.crystals._metric_settings import allowed_by_centering
from crystalsym.reflections import find_centering, reduce_reflections

TURNS = {"A": [[0, 0, 1], [1, 0, 0], [0, 1, 0]], "B": [[0, 1, 0], [0, 0, 1], [1, 0, 0]]}


def listed(centering, *, leak=0.0, seed=0):
    """Half a sphere: whole brightness where the centering allows, a part of it elsewhere."""
    rng = np.random.default_rng(seed)
    hkl = np.array([(h, k, m) for h in range(-6, 7) for k in range(-6, 7) for m in range(1, 7)])
    values = rng.exponential(size=len(hkl))
    values = np.where(allowed_by_centering(hkl, centering), values, leak * values)
    sigma = 0.02 + 0.03 * values
    return hkl, values + sigma * rng.standard_normal(len(hkl)), sigma


@pytest.mark.parametrize("centering", ["P", "A", "B", "C", "I", "F", "R", "R-"])
@pytest.mark.parametrize("leak", [0.0, 0.002])
def test_every_centering_is_found(centering, leak):
    hypotheses, tests = find_centering(*listed(centering, leak=leak))
    assert hypotheses[0][0] == centering
    assert hypotheses[0][1] > 0.5
    assert sum(share for _, share in hypotheses) == pytest.approx(1)
    assert {test.centering for test in tests} == {"A", "B", "C", "I", "F", "R", "R-"}


@pytest.mark.parametrize("centering", ["A", "C", "I", "F", "R", "R-"])
def test_absences_that_were_left_out_tell_as_well(centering):
    hkl, values, sigma = listed(centering)
    kept = allowed_by_centering(hkl, centering)
    hypotheses, tests = find_centering(hkl[kept], values[kept], sigma[kept])
    assert hypotheses[0][0] == centering
    found = next(test for test in tests if test.centering == centering)
    assert found.n_forbidden == 0
    assert found.ratio == 0


def test_electrons_leak():
    """A twentieth of the allowed mean is noise of electrons, of X-rays a weak reflection."""
    given = listed("I", leak=0.05)
    assert find_centering(*given, "electron")[0][0][0] == "I"
    assert find_centering(*given, "xray")[0][0][0] == "P"


def test_half_as_bright_is_no_absence():
    assert find_centering(*listed("I", leak=0.5), "electron")[0][0][0] == "P"


def test_few_reflections_tell_nothing():
    hkl = np.array([(h, 0, 0) for h in range(2, 10, 2)])
    hypotheses, tests = find_centering(hkl, np.ones(4), np.full(4, 0.1))
    assert hypotheses == [("P", 1.0)]
    assert all(np.isneginf(test.log_odds) for test in tests)


@pytest.mark.parametrize("name", TURNS)
def test_other_faces_become_c(name):
    given = orbit_list("mmm", "C")
    moved = in_other_axes(given, np.array(TURNS[name]))
    reduction = reduce_reflections(moved)
    assert reduction.hypotheses[0].centering == name
    assert reduction.merged(0).centering == "C"
    one = reduce_reflections(given).merged(0)
    np.testing.assert_allclose(reduction.merged(0).cell, one.cell, atol=1e-6)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind[1] != "P"], ids=" ".join)
def test_what_leaks_is_left_out_of_the_averages(kind):
    reduction = reduce_reflections(orbit_list(*kind, leak=0.005))
    merged = reduction.merged(0)
    assert merged.centering == kind[1]
    assert allowed_by_centering(merged.hkl, merged.centering).all()
