"""ReflectionSections: scikit-learn's contract, jobs, errors that name a list, speed."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks
from support.orbit_lists import KINDS, orbit_list

from crystalsym.diffraction import Coverage
from crystalsym.diffraction._zone_layers import OF_FAMILIES
from crystalsym.reflections import ReflectionList, ReflectionSections, reduce_reflections, sections
from crystalsym.reflections._sections import ZONES

NAMED = ReflectionList(
    [[1, 0, 0], [0, 1, 0]], [1.0, 2.0], [0.1, 0.1], name="homeless", carried={"symbol": "P 1"}
)


@parametrize_with_checks([ReflectionSections()])
def test_as_scikit_learn_asks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def lists():
    return [orbit_list(*kind, d_min=1.0) for kind in KINDS][:20]


def test_rows_do_not_depend_on_jobs_or_company(lists):
    one = ReflectionSections().fit_transform(lists)
    many = ReflectionSections(n_jobs=2).transform(lists)
    assert one.shape == (len(lists), 3)
    for name in ("q", "intensity", "sigma", "indices", "zone", "basis_hkl", "coverage", "starts"):
        np.testing.assert_array_equal(getattr(one, name), getattr(many, name))
    alone = ReflectionSections().transform([lists[7]])
    np.testing.assert_array_equal(alone.intensity, one[[7]].intensity)


def test_clones_and_pickles():
    cutter = ReflectionSections(tolerance=0.01, on_error="nan", n_jobs=2)
    assert clone(cutter).get_params() == cutter.get_params()
    assert pickle.loads(pickle.dumps(cutter)).get_params() == cutter.get_params()


def test_a_list_that_cannot_be_reduced_is_named(lists):
    with pytest.raises(ValueError, match=r"list 1 \(homeless\): .*cell"):
        ReflectionSections().transform([lists[0], NAMED])
    with pytest.warns(UserWarning, match=r"list 1 \(homeless\).*its row is missing"):
        patterns = ReflectionSections(on_error="nan").transform([lists[0], NAMED, lists[1]])
    assert patterns.missing.tolist() == [False, True, False]
    assert len(ReflectionSections(cell=(5, 6, 7, 90, 90, 90)).transform([NAMED])) == 1


@pytest.mark.parametrize("wrong", [{"on_error": "skip"}, {"tolerance": 0}, {"cell": (1, 2)}])
def test_wrong_parameters(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ReflectionSections(**wrong).fit()


def test_what_is_carried_is_never_used(lists):
    told = ReflectionList(
        lists[3].hkl, lists[3].intensity, lists[3].sigma, lists[3].cell,
        carried={"symbol": "F m -3 m", "number": 225, "operations": ["x,y,z"], "laue": "m-3m"},
    )  # fmt: skip
    silent = ReflectionList(lists[3].hkl, lists[3].intensity, lists[3].sigma, lists[3].cell)
    one, two = (ReflectionSections().transform([each]) for each in (told, silent))
    np.testing.assert_array_equal(one.intensity, two.intensity)
    np.testing.assert_array_equal(one.indices, two.indices)


@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
def test_layers_hold_the_measured_intensities(kind):
    merged = reduce_reflections(orbit_list(*kind)).merged(0)
    patterns = sections(merged)
    hkl, rows = merged.expanded()
    known = {tuple(h): merged.intensity[row] for h, row in zip(hkl.tolist(), rows, strict=True)}
    assert patterns.zone[0].tolist() == [list(zone) for zone in ZONES[merged.laue]]
    reciprocal = np.linalg.inv(merged.lattice).T
    for view, zone in enumerate(ZONES[merged.laue]):
        basis = np.array(OF_FAMILIES[zone])
        assert patterns.basis_hkl[0, view].tolist() == basis.tolist()
        part = slice(patterns.starts[view], patterns.starts[view + 1])
        i, j = patterns.indices[part].T
        assert ((j > 0) | ((j == 0) & (i > 0))).all()  # one of each Friedel pair
        places = patterns.indices[part].astype(int) @ basis
        assert (places @ zone == 0).all()
        lengths = np.linalg.norm(places @ reciprocal, axis=1)
        np.testing.assert_allclose(np.linalg.norm(patterns.q[part], axis=1), lengths, atol=1e-6)
        found = 0
        for place, value in zip(places.tolist(), patterns.intensity[part], strict=True):
            expected = known.get(tuple(place), known.get(tuple(-x for x in place)))
            if expected is None:  # forbidden by the centering
                assert value == 0
            else:
                assert value == expected
                found += 1
        assert found == sum(np.dot(h, zone) == 0 for h in known)
        assert len({*map(tuple, places.tolist())}) == len(places)


def test_coverage_goes_on(lists):
    observed = ReflectionList(
        lists[4].hkl, lists[4].intensity, lists[4].sigma, lists[4].cell, coverage=Coverage.OBSERVED
    )
    assert (ReflectionSections().transform([observed]).coverage == Coverage.OBSERVED).all()
    assert (ReflectionSections().transform([lists[4]]).coverage == Coverage.LISTED).all()
