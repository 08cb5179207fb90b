"""Lists of the planes of a few zones: what is not listed was not measured, and cells stay."""

from __future__ import annotations

import numpy as np
import pytest
from support.orbit_lists import KINDS, TRICLINIC, orbit_list

from crystalsym.reflections import ReflectionList, reduce_reflections
from crystalsym.reflections._zone_planes import few_zones

ARBITRARY = [[1, 0, 1], [0, 1, 2], [1, 1, 0]]


def of_zones(given, zones):
    return given[(given.hkl @ np.array(zones).T == 0).any(axis=1)]


@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
def test_zones_are_told_from_spheres(kind):
    given = orbit_list(*kind)
    for zones in (ARBITRARY, np.eye(3, dtype=int), [[1, 1, 1], [1, -2, 0], [2, 1, -1]]):
        assert len(few_zones(of_zones(given, zones).hkl)) == 3
    assert not len(few_zones(given.hkl))
    assert not len(few_zones(orbit_list(*kind, merged=True).hkl))
    assert not len(few_zones(given.hkl[:12]))


def test_one_reflection_beside_the_zones_is_enough():
    given = of_zones(orbit_list("mmm"), ARBITRARY).hkl
    assert not len(few_zones(np.vstack([given, [[5, 1, 2]]])))


def test_one_row_is_of_few_zones():
    assert len(few_zones(np.outer(np.arange(1, 30), [1, 2, 0])))


def test_mates_that_no_zone_shows_were_not_merged():
    """A cell of two right angles by chance: the lack of mates says nothing for 2/m."""
    cell = (*TRICLINIC[:3], 90.0, 97.0, 90.0)
    given = of_zones(orbit_list("-1", cell=cell), [[1, 1, 1], [1, 2, 0], [2, 1, -1]])
    listed = set(map(tuple, given.hkl.tolist()))
    paired = [(-h, k, -m) in listed and bool(k and (h or m)) for h, k, m in given.hkl.tolist()]
    found = reduce_reflections(given[~np.array(paired)]).hypotheses
    assert {one.candidate.laue for one in found} == {"-1", "2/m"}
    assert not any(score.merged for one in found for score in one.scores)


def test_a_face_centered_cell_stays():
    """In the planes of its edges it is not told from a primitive one of half their length."""
    given = of_zones(orbit_list("m-3m", "F", d_min=0.5), np.eye(3, dtype=int))
    found = reduce_reflections(given)
    assert found.reflections is given
    assert found.hypotheses[0].centering == "F"


def test_a_doubled_cell_of_zones_is_still_halved():
    """No centering explains that all reflections of odd h are dark."""
    given = orbit_list("mmm", d_min=0.7)
    doubled = ReflectionList(
        given.hkl * [2, 1, 1], given.intensity, given.sigma, (10.4, 6.3, 7.7, 90, 90, 90)
    )
    found = reduce_reflections(of_zones(doubled, [[1, 2, 0], [1, 0, 2], [0, 1, 1]]))
    np.testing.assert_allclose(found.reflections.cell, given.cell, rtol=1e-6)


def test_what_no_plane_shows_says_nothing_of_the_cell():
    """In the planes of [122], [1-2-2] and [1-22] all h are even, whatever the cell is."""
    given = of_zones(orbit_list("mmm", d_min=0.45), [[1, 2, 2], [1, -2, -2], [1, -2, 2]])
    assert not (given.hkl[:, 0] % 2).any()
    assert len(given) > 100
    assert reduce_reflections(given).reflections is given


def test_no_cell_becomes_shorter_than_atoms_are_apart():
    given = orbit_list("mmm", cell=(1.7, 6.3, 7.7, 90, 90, 90), d_min=0.3)
    doubled = ReflectionList(
        given.hkl * [2, 1, 1], given.intensity, given.sigma, (3.4, 6.3, 7.7, 90, 90, 90)
    )
    assert reduce_reflections(doubled).reflections is doubled


def test_a_cell_that_is_not_quite_orthorhombic_counts_in_few_zones():
    zones = [[1, 1, 1], [1, 2, 0], [2, 1, -1]]
    shares = []
    for beta in (90.0, 90.5):
        given = of_zones(orbit_list("2/m", cell=(5.2, 6.3, 7.7, 90.0, beta, 90.0)), zones)
        found = reduce_reflections(given).hypotheses
        shares.append(sum(one.probability for one in found if one.candidate.laue == "mmm"))
    assert shares[1] < 0.2 * shares[0]
