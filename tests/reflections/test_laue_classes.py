"""Laue classes by the agreement of equivalents: every class, merged lists, metric coincidences."""

from __future__ import annotations

import numpy as np
import pytest
from support.orbit_lists import KINDS, orbit_list

from crystalsym.crystals._cell_parameters import lattice_of
from crystalsym.reflections import RotationScore, laue_candidates, reduce_reflections
from crystalsym.reflections._laue import _level, _shells, laue_probabilities, score_rotations


def named(kind):
    return " ".join(kind)


def first(given):
    return reduce_reflections(given).hypotheses[0]


@pytest.mark.parametrize("kind", KINDS, ids=named)
@pytest.mark.parametrize(
    "shortcoming", [{}, {"missing": 0.3, "error": 0.08}, {"merged": True}], ids=str
)
def test_every_class_comes_back(kind, shortcoming):
    d_min = 0.5 if "merged" in shortcoming else 0.7  # enough of them, once merged
    found = first(orbit_list(*kind, d_min=d_min, **shortcoming))
    assert (found.candidate.laue, found.candidate.centering) == kind
    assert found.probability > 0.5


@pytest.mark.parametrize(
    ("laue", "cell"),
    [
        ("-1", (5.0, 6.0, 7.0, 90.0, 90.0, 90.0)),
        ("2/m", (5.0, 6.0, 7.0, 90.0, 90.0, 90.0)),
        ("2/m", (5.0, 6.0, 5.0, 90.0, 104.0, 90.0)),
        ("2/m", (6.0, 6.0, 6.0, 90.0, 90.0, 90.0)),
        ("mmm", (6.0, 6.0, 7.5, 90.0, 90.0, 90.0)),
        ("mmm", (6.0, 6.0, 6.0, 90.0, 90.0, 90.0)),
        ("4/mmm", (6.0, 6.0, 6.0, 90.0, 90.0, 90.0)),
        ("4/m", (6.0, 6.0, 6.0, 90.0, 90.0, 90.0)),
        ("m-3", (6.0, 6.0, 6.0, 90.0, 90.0, 90.0)),
    ],
)
def test_the_metric_may_be_higher(laue, cell):
    found = first(orbit_list(laue, cell=cell, d_min=0.75))
    assert found.candidate.laue == laue


@pytest.mark.parametrize("group", ["4/m", "-3", "-3m1", "-31m", "6/m", "m-3"])
def test_what_merging_left_speaks_for_its_coset(group):
    """A list merged in 4/m has mates by one of the four other rotations of 4/mmm."""
    given = orbit_list(group, merged=True)
    reduction = reduce_reflections(given)
    scores = reduction.hypotheses[0].scores
    assert any(score.merged for score in scores)
    assert any(score.score < 0 for score in scores)
    assert reduction.hypotheses[0].candidate.laue == group


def test_short_merged_lists_are_merged_as_a_whole():
    """In them some rotations have too few reflections to show that mates are missing."""
    given = orbit_list("6/mmm", merged=True, d_min=0.95)
    assert len(given) < 120
    assert first(given).candidate.laue == "6/mmm"


def test_equivalents_are_divided_by_one_mean():
    """Shells of a list of few different lengths once split them: R rose from 0.03 to 0.15."""
    given = orbit_list("m-3m", "F", cell=(10.9, 10.9, 10.9, 90, 90, 90), d_min=1.0)
    strong = given.intensity * np.where(given.q < 0.5, 50.0, 1.0)
    shells = _shells(given.q)
    level = _level(strong, given.q, shells)
    lengths = np.round(given.q, 6)
    for length in np.unique(lengths):
        same = lengths == length
        assert len(set(shells[same])) == 1
        np.testing.assert_allclose(level[same], level[same][0], rtol=1e-6)


def test_the_order_of_rows_does_not_matter():
    given = orbit_list("4/m", "I", error=0.1, missing=0.2)
    mixed = given[np.random.default_rng(0).permutation(len(given))]
    one, two = reduce_reflections(given), reduce_reflections(mixed)
    scores = [each.hypotheses[0].scores for each in (one, two)]
    for a, b in zip(*scores, strict=True):
        assert a.n_pairs == b.n_pairs
        assert (a.r_unrelated, a.score) == pytest.approx((b.r_unrelated, b.score), abs=1e-12)
    for a, b in zip(one.hypotheses, two.hypotheses, strict=True):
        assert a.candidate.laue == b.candidate.laue
        assert a.probability == pytest.approx(b.probability, abs=1e-9)


def test_the_order_of_averages_does_not_matter():
    friedel = reduce_reflections(orbit_list("4/m", error=0.1)).friedel
    rotations, _ = laue_candidates(friedel.lattice, "P")
    order = np.random.default_rng(1).permutation(len(friedel))
    columns = (friedel.hkl, friedel.intensity, friedel.sigma, friedel.q)
    one = score_rotations(*columns, rotations)
    two = score_rotations(*(column[order] for column in columns), rotations)
    for a, b in zip(one[1:], two[1:], strict=True):
        assert a.n_pairs == b.n_pairs
        assert (a.r, a.r_unrelated, a.score) == pytest.approx((b.r, b.r_unrelated, b.score))


def test_scores_of_pairs_by_hand():
    hkl = np.array([(h, k, m) for h in range(1, 5) for k in (-2, -1, 1, 2) for m in range(1, 5)])
    turn = np.diag([-1, 1, -1])
    equal = 1.0 + (hkl[:, 0] * 7 + hkl[:, 1] ** 2 * 3 + hkl[:, 2] * 5) % 11
    q = np.linalg.norm(hkl, axis=1) / 9
    _, score = score_rotations(
        hkl, equal, np.full(len(hkl), 0.01), q, np.array([np.eye(3, dtype=int), turn])
    )
    assert score.n_pairs == 32
    assert score.r == pytest.approx(0, abs=1e-12)
    assert score.correlation == pytest.approx(1)
    assert score.score > 1.5
    assert not score.merged


def test_each_rotation_counts():
    _, found = laue_candidates(lattice_of((5, 6, 7, 90, 90, 90)), "P")
    good, poor = RotationScore(99, 0.02, 0.6, 0.99, 3.0), RotationScore(99, 0.5, 0.6, 0.0, -9.0)
    for place in (1, 2, 3):
        scores = [good, *(good if place == m else poor for m in (1, 2, 3))]
        best = found[int(laue_probabilities(found, scores).argmax())]
        assert best.laue == "2/m"
        assert best.members == (0, place)
    assert found[int(laue_probabilities(found, [good] + [poor] * 3).argmax())].laue == "-1"
    assert laue_probabilities(found, [good] * 4).sum() == pytest.approx(1)


def tetragonal():
    """Candidates of a tetragonal lattice, and scores of a list merged in 4/m, but for some."""
    _, found = laue_candidates(lattice_of((6, 6, 8, 90, 90, 90)), "P")
    merged = RotationScore(0, np.nan, 0.6, np.nan, 2.0, merged=True)
    small = next(one for one in found if one.laue == "4/m")
    others = [m for m in range(8) if m not in small.members]
    return found, [merged] * 8, others


def test_one_rotation_speaks_for_its_coset():
    """Of the four beyond 4/m three have no mates, by the choice of equivalents; one disagrees."""
    found, scores, others = tetragonal()
    scores[others[0]] = RotationScore(50, 0.3, 0.6, 0.4, -4.0)
    shares = laue_probabilities(found, scores)
    best = found[int(shares.argmax())]
    assert len(best.members) == 4
    full = float(shares[-1])
    assert full < 0.01
    scores[others[0]] = RotationScore(50, 0.03, 0.6, 0.99, 2.5)
    assert found[int(laue_probabilities(found, scores).argmax())].laue == "4/mmm"


def test_a_rotation_of_few_reflections_does_not_split_a_merged_list():
    found, scores, others = tetragonal()
    whole = laue_probabilities(found, scores)[-1]
    scores[others[0]] = RotationScore(0, np.nan, 0.6, np.nan, 0.0)
    assert laue_probabilities(found, scores)[-1] > 0.9 * whole
