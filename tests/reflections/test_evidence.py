"""Evidence: what a person checks beside a ranking."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from crystalsym.crystals._metric_settings import open_settings
from crystalsym.reflections import (
    CenteringTest,
    ReflectionList,
    evidence,
    merge_equivalents,
    reduce_reflections,
)
from crystalsym.reflections._absences import AbsenceTest, absence_tests, centering_absences
from tests.support.reflection_lists import listed_group, wilson_intensities

MONOCLINIC = np.array([[7.0, 0, 0], [0, 9, 0], [-3, 0, 11]])
CELL = (7.0, 9.0, math.hypot(3, 11), 90, 90 + math.degrees(math.atan2(3, 11)), 90)
TWOFOLD = np.array([np.eye(3, dtype=int), np.diag([-1, 1, -1])])
SETTINGS = open_settings(MONOCLINIC, "P", "2/m")


def measured(group=14, noise=0.03, kept=None, **options):
    hkl = np.stack(np.mgrid[-7:8, -7:8, 0:8], axis=-1).reshape(-1, 3)
    hkl = hkl[hkl.any(axis=1)]
    if kept is not None:
        hkl = hkl[kept(hkl)]
    rng = np.random.default_rng(5)
    bright = wilson_intensities(group, hkl)
    sigma = np.sqrt(noise**2 + (0.03 * bright) ** 2)
    values = bright + sigma * rng.normal(size=len(bright))
    return ReflectionList(hkl, values, sigma, CELL, name="made", **options)


def found_in(merged):
    return {test.name: test for _, test in absence_tests(merged, SETTINGS)}


def test_absences_of_known_groups():
    found = found_in(listed_group(14, MONOCLINIC, "2/m", TWOFOLD))
    assert {name: test.verdict for name, test in found.items()} == {
        "2_1 along b": "absent",
        "a glide normal to b": "present",
        "c glide normal to b": "absent",
        "n glide normal to b": "present",
    }
    screw = found["2_1 along b"]
    assert screw.n_forbidden == 4  # 010, 030, 050, 070
    assert abs(screw.i_over_sigma) < 2
    assert abs(screw.ratio) < 0.05
    assert found["a glide normal to b"].above_3_sigma > 0.3


def test_what_another_element_leaves_dark_is_not_counted_twice():
    """In P4_2 the odd half of 00l is dark, and l = 4n + 2 is there: no 4_1."""
    turns = np.array(
        [np.linalg.matrix_power([[0, -1, 0], [1, 0, 0], [0, 0, 1]], n) for n in range(4)]
    )
    merged = listed_group(77, np.diag([8.0, 8, 9]), "4/m", turns)
    found = {test.name: test.verdict for _, test in absence_tests(merged, [np.eye(3)])}
    assert found["4_2 along c"] == "absent"
    assert found["4_1 (4_3) along c"] == "present"
    merged = listed_group(76, np.diag([8.0, 8, 9]), "4/m", turns)
    found = {test.name: test.verdict for _, test in absence_tests(merged, [np.eye(3)])}
    assert found["4_2 along c"] == found["4_1 (4_3) along c"] == "absent"


def test_figures_by_hand():
    """Ten reflections with given intensities."""
    hkl = np.array([[0, k, 0] for k in range(1, 11)])
    bright = np.where(hkl[:, 1] % 2, [0.5, 0, -0.5, 0, 4.0, 0, 0, 0, 1.0, 0], 20.0)
    merged = merge_equivalents(
        hkl, bright, np.ones(10), TWOFOLD, lattice=MONOCLINIC, laue="2/m"
    )  # fmt: skip
    screw = found_in(merged)["2_1 along b"]
    assert screw.n_forbidden == 5
    assert screw.i_over_sigma == pytest.approx((0.5 - 0.5 + 4 + 0 + 1) / 5)
    assert screw.above_3_sigma == pytest.approx(0.2)
    assert screw.ratio == pytest.approx(1.0 / 20.0)  # one shell
    assert screw.n_unlisted == 0


def test_what_is_not_listed_is_counted():
    reflections = measured(kept=lambda hkl: (hkl[:, 1] != 0) | (hkl[:, 2] % 2 == 0))
    glide = {one.test.name: one.test for one in evidence(reduce_reflections(reflections)).absences}[
        "c glide normal to b"
    ]
    assert glide.n_forbidden == 0
    assert glide.n_unlisted > 10
    assert glide.expected_unlisted < 0.3 * glide.n_unlisted
    assert glide.verdict == "absent"
    assert math.isnan(glide.i_over_sigma)


def test_nothing_tested():
    test = AbsenceTest("glide plane", "x", "h0l: l = 2n", 0, math.nan, math.nan, math.nan, 0, 0, 0)
    assert test.verdict == "not tested"


def test_centerings():
    (reverse,) = centering_absences([CenteringTest("R-", 20, 10, 0.9, 8.0, 0.8, -np.inf)])
    assert reverse.name == "R centering, reverse"
    assert reverse.verdict == "present"
    assert math.isfinite(reverse.log_odds)
    (none,) = centering_absences([CenteringTest("I", 0, 30, 0.0, 0.0, 0.0, 5.0)])
    assert (none.n_forbidden, none.n_unlisted, none.verdict) == (0, 30, "absent")
    assert math.isnan(none.ratio)
    (leaking,) = centering_absences([CenteringTest("I", 30, 30, 0.011, 1.5, 0.2, -0.5)])
    assert leaking.verdict == "unclear"


def test_against_whom_absences_speak():
    found = evidence(reduce_reflections(measured(14)), [14, 13, 11, 7, 4, 10, 15])
    against = {one.test.name: set(one.speaks_against) for one in found.absences}
    assert against["2_1 along b"] == {13, 7, 10}
    assert against["c glide normal to b"] == {11, 4, 10}
    assert against["n glide normal to b"] == set()
    # C2/c would need a centering that is not there.
    assert 15 in against["C centering"]
    assert 14 not in set().union(*against.values())
    found = evidence(reduce_reflections(measured(10)), [10, 14])
    against = {one.test.name: set(one.speaks_against) for one in found.absences}
    assert against["2_1 along b"] == {14}


def test_a_centering_speaks_against_primitive_groups():
    found = evidence(reduce_reflections(measured(12)), [12, 10])
    centering = next(one for one in found.absences if one.test.name == "C centering")
    assert centering.test.verdict == "absent"
    assert centering.speaks_against == (10,)
    assert found.laue_classes[0].centering == "C"


def test_laue_classes():
    found = evidence(reduce_reflections(measured(14)))
    assert [one.laue for one in found.laue_classes] == ["2/m", "-1"]
    assert found.laue_classes[0].r_int < 0.1
    assert sum(one.probability for one in found.laue_classes) == pytest.approx(1)
    assert found.laue_classes[0].order == 2
    assert found.laue == "2/m"
    # A metric higher than the symmetry.
    one = measured(14)
    square = ReflectionList(one.hkl, one.intensity, one.sigma, (7, 9, 11, 90, 90, 90))
    classes = {row.laue: row for row in evidence(reduce_reflections(square)).laue_classes}
    assert classes["mmm"].r_int > 0.3 > classes["2/m"].r_int
    assert classes["2/m"].n_orientations == 3


def test_coverage_of_layers():
    whole = evidence(reduce_reflections(measured(14)))
    assert [layer.zone for layer in whole.layers] == [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    half = evidence(reduce_reflections(measured(14, kept=lambda hkl: np.abs(hkl[:, 1]) <= 3)))
    for full, part in zip(whole.layers, half.layers, strict=True):
        assert 0 < part.fraction <= 1
        if full.zone != (0, 1, 0):
            assert part.fraction < full.fraction


def test_as_json():
    found = evidence(reduce_reflections(measured(14)), [14, 4])
    stored = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert stored["ranked"] == [14, 4]
    assert stored["laue"] == "2/m"
    assert stored["absences"][0]["expected_unlisted"] is None
    names = [one["name"] for one in stored["absences"]]
    assert names[-1] == "n glide normal to b"
    assert {one["verdict"] for one in stored["absences"]} == {"absent", "present"}
    assert len(stored["layers"]) == 3
    assert len(stored["cumulative"]) == 15


def test_as_text():
    text = evidence(reduce_reflections(measured(14)), [14, 4]).table()
    for part in ("2_1 along b", "0k0: k = 2n", "<|E²-1|> = 0.9", "[010]", "2/m", "speaks against"):
        assert part in text
    assert max(len(line) for line in text.splitlines()) < 130


def test_groups_of_the_default_ranking():
    assert evidence(reduce_reflections(measured(14))).ranked[0] == 14
    assert evidence(reduce_reflections(measured(4))).ranked[0] == 4


def test_wrong_groups():
    with pytest.raises(ValueError, match="space-group numbers run from 1 to 230"):
        evidence(reduce_reflections(measured(14)), [14, 231])


def test_few_reflections():
    """Evidence of hardly anything is no error."""
    few = ReflectionList(
        [[1, 0, 0], [0, 1, 0], [0, 2, 0], [1, 1, 1]], [1.0, 0.1, 3.0, 2.0], [0.1] * 4, CELL
    )
    found = evidence(reduce_reflections(few))
    json.dumps(found.to_dict(), allow_nan=False)
    assert "too few reflections" in found.table()
