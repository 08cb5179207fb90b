"""Absences and statistics of simulated lists rank the groups that made them."""

from __future__ import annotations

import numpy as np
import pytest

from crystalsym.crystals._metric_settings import open_settings
from crystalsym.diffraction import Coverage
from crystalsym.reflections import (
    group_likelihoods,
    intensity_statistics,
    laue_candidates,
    merge_equivalents,
)
from crystalsym.reflections._group_likelihoods import (
    MOST_AGAINST,
    absence_score,
    best_settings,
    reflection_scores,
)
from crystalsym.reflections._intensity_statistics import ACENTRIC, CENTRIC
from crystalsym.reflections._unlisted_places import unlisted_places, unlisted_share
from tests.support.reflection_lists import listed_group

MONOCLINIC = np.array([[7.0, 0, 0], [0, 9, 0], [-3, 0, 11]])
TWOFOLD = np.array([np.eye(3, dtype=int), np.diag([-1, 1, -1])])
THREE_TWOFOLD = np.array([np.diag(d) for d in [(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]])
ORTHORHOMBIC = np.diag([7.0, 8, 9])


def monoclinic(group, **options):
    merged = listed_group(group, MONOCLINIC, "2/m", TWOFOLD, **options)
    return merged, open_settings(MONOCLINIC, "P", "2/m")


def orthorhombic(group, **options):
    merged = listed_group(group, ORTHORHOMBIC, "mmm", THREE_TWOFOLD, **options)
    return merged, open_settings(ORTHORHOMBIC, "P", "mmm")


def best_groups(merged, settings):
    found = group_likelihoods(merged, settings)
    total = found.absences + found.centricity
    return set(found.numbers[total > total.max() - 0.5].tolist())


@pytest.mark.parametrize(
    ("group", "alike"),
    [(3, {3, 6}), (4, {4}), (7, {7}), (10, {10}), (11, {11}), (13, {13}), (14, {14})],
)
def test_monoclinic_groups(group, alike):
    assert best_groups(*monoclinic(group)) == alike


@pytest.mark.parametrize("group", [16, 18, 19, 29, 33, 55, 60, 61, 62])
def test_orthorhombic_groups(group):
    merged, settings = orthorhombic(group)
    found = group_likelihoods(merged, settings)
    total = found.absences + found.centricity
    same = found.centric[list(found.numbers).index(group)]
    best = found.numbers[total > total.max() - 1e-9]
    assert group in best
    assert (found.centric[np.isin(found.numbers, best)] == same).all()


@pytest.mark.parametrize("number", range(6))
def test_settings_of_the_axes_change_nothing(number):
    """An n glide, an a glide, axes exchanged: the same group, as probable as in any."""
    change = open_settings(MONOCLINIC, "P", "2/m")[number]
    plain = group_likelihoods(*monoclinic(14))
    turned = group_likelihoods(*monoclinic(14, change=change))
    best = turned.numbers[np.argmax(turned.absences + turned.centricity)]
    assert best == 14
    away = abs(turned.absences.max() - plain.absences.max())
    assert away < 0.15 * plain.absences.max()


@pytest.mark.parametrize("number", range(6))
def test_orders_of_orthorhombic_axes_change_nothing(number):
    change = open_settings(ORTHORHOMBIC, "P", "mmm")[number]
    assert 61 in best_groups(*orthorhombic(61, change=change))
    assert best_groups(*orthorhombic(62, change=change)) == {62}


def test_leaks_do_not_hide_absences():
    for leak in (0.01, 0.03):
        assert best_groups(*monoclinic(14, leak=leak)) == {14}


def test_one_strong_outlier_kills_no_absence():
    merged, settings = monoclinic(14)
    glide = (merged.hkl[:, 1] == 0) & (merged.hkl[:, 2] % 2 != 0)
    for bright in (5.0, 50.0, 500.0):
        merged.intensity[np.flatnonzero(glide)[3]] = bright
        assert best_groups(merged, settings) == {14}
        assert reflection_scores(merged)[glide].min() == -MOST_AGAINST


def test_weak_zones_are_no_strong_evidence():
    """A tenth of the usual intensity in the zone of a glide plane decides nothing."""
    merged, settings = monoclinic(10)
    glide = (merged.hkl[:, 1] == 0) & (merged.hkl[:, 2] % 2 != 0)
    merged.intensity[glide] *= 0.1
    found = group_likelihoods(merged, settings)
    assert np.abs(found.absences[np.isin(found.numbers, (7, 10))]).max() < 2
    merged.intensity[glide] *= 2
    found = group_likelihoods(merged, settings)
    assert found.absences[found.numbers == 7] < -20


def test_few_reflections_say_little():
    merged, settings = orthorhombic(19, reach=2)
    many, _ = orthorhombic(19, reach=7)
    few = group_likelihoods(merged, settings).absences
    assert few.max() < 0.4 * group_likelihoods(many, settings).absences.max()


def test_noise_says_nothing():
    """Reflections that are as uncertain as they are strong on the mean tell nothing apart."""
    merged, settings = monoclinic(14, noise=30.0)
    found = group_likelihoods(merged, settings)
    tested = found.absences[found.absences > -39]
    assert np.ptp(tested) < 0.15 * len(merged)


def test_mean_over_settings_is_below_the_best():
    merged, settings = monoclinic(14)
    found = group_likelihoods(merged, settings)
    assert (found.mean_absences <= found.absences + 1e-9).all()
    place = list(found.numbers).index(14)
    assert found.mean_absences[place] == pytest.approx(found.absences[place] - np.log(3), abs=0.01)
    assert found.mean_absences[list(found.numbers).index(4)] == pytest.approx(
        found.absences[list(found.numbers).index(4)]
    )


def test_groups_of_another_centering_are_impossible():
    merged, settings = monoclinic(14)
    found = group_likelihoods(merged, settings)
    assert (found.absences[np.isin(found.numbers, [5, 8, 9, 12, 15])] == -40).all()


def test_lists_of_observed_reflections_tell_by_what_they_lack():
    merged, settings = monoclinic(14, observed=3.0)
    assert merged.coverage == Coverage.OBSERVED
    assert 0.05 < unlisted_share(merged) < 0.6
    assert best_groups(merged, settings) == {14}


def test_a_complete_list_that_lacks_the_absences_alone():
    merged, settings = monoclinic(14)
    hkl = merged.hkl
    absent = (hkl[:, 1] == 0) & (hkl[:, 2] % 2 != 0) | (
        (hkl[:, 0] == 0) & (hkl[:, 2] == 0) & (hkl[:, 1] % 2 != 0)
    )
    kept = merge_equivalents(
        hkl[~absent], merged.intensity[~absent], merged.sigma[~absent], TWOFOLD,
        lattice=MONOCLINIC, laue="2/m",
    )  # fmt: skip
    found = group_likelihoods(kept, settings)
    assert found.numbers[np.argmax(found.absences + found.centricity)] == 14


def test_half_a_list_is_enough():
    assert best_groups(*monoclinic(14, keep=0.5)) == {14}


def test_unlisted_places_are_looked_for_where_neighbors_were_measured():
    merged, _ = monoclinic(10)
    cone = np.abs(merged.hkl[:, 1]) <= 3  # nothing beyond was measured
    kept = merge_equivalents(
        merged.hkl[cone], merged.intensity[cone], merged.sigma[cone], TWOFOLD,
        lattice=MONOCLINIC, laue="2/m",
    )  # fmt: skip
    places, chance = unlisted_places(kept)
    assert (np.abs(places[:, 1]) <= 5).all()
    assert ((chance >= 0.02) & (chance <= 0.98)).all()


def test_rows_of_which_nothing_is_listed_tell_nothing():
    merged, settings = monoclinic(10)
    row = (merged.hkl[:, 0] == 0) & (merged.hkl[:, 2] == 0)
    kept = merge_equivalents(
        merged.hkl[~row], merged.intensity[~row], merged.sigma[~row], TWOFOLD,
        lattice=MONOCLINIC, laue="2/m",
    )  # fmt: skip
    places, chance = unlisted_places(kept)
    lost = (places[:, 0] == 0) & (places[:, 2] == 0)
    assert lost.sum() > 4
    assert (chance[lost] > 0.9).all()
    found = group_likelihoods(kept, settings)
    assert found.absences[found.numbers == 11] < 0.5


def test_more_that_is_missing_counts_for_more():
    scores = [absence_score(np.empty(0), np.full(n, 0.1), Coverage.OBSERVED) for n in (1, 5, 50)]
    assert scores[0] < scores[1] < scores[2]
    assert scores[2] < 10 * scores[1]
    # A forbidden reflection that such a list holds speaks against.
    against = absence_score(np.zeros(3), np.full(5, 0.1), Coverage.OBSERVED)
    assert against < scores[1]


def test_ten_thousand_reflections():
    _, found = laue_candidates(np.diag([30.0, 31, 32]), "P")
    candidate = found[-1]
    hkl = np.stack(np.mgrid[0:22, 0:22, 0:22], axis=-1).reshape(-1, 3)[1:]
    bright = np.random.default_rng(0).exponential(size=len(hkl))
    merged = merge_equivalents(
        hkl, bright, np.full(len(hkl), 0.05), candidate.own_operations,
        lattice=candidate.lattice, laue="mmm",
    )  # fmt: skip
    settings = open_settings(candidate.lattice, "P", "mmm")
    found = group_likelihoods(merged, settings)
    # All are bright, so that every screw axis and glide plane is out of the question.
    open_to_all = np.isin(found.numbers, [16, 25, 47])
    assert (found.absences[open_to_all] == 0).all()
    assert (found.absences[~open_to_all] < -10).all()
    assert (found.centricity[found.centric] < 0).all()  # exponential: of no center
    assert len(best_settings(merged, settings)) > 20


@pytest.mark.parametrize(("group", "expected"), [(1, ACENTRIC), (2, CENTRIC)])
def test_mean_of_normalized_intensities(group, expected):
    merged = listed_group(group, MONOCLINIC, "-1", TWOFOLD[:1], reach=8)
    found = intensity_statistics(merged)
    assert found.mean_e2_minus_1 == pytest.approx(expected, abs=0.06)
    assert found.standard_error < 0.03
    assert (found.log_odds_centric > 1) == (group == 2)
    assert abs(found.log_odds_centric) < 6


def test_statistics_of_observed_reflections_alone_are_corrected():
    for group in (1, 2):
        merged = listed_group(
            group, MONOCLINIC, "-1", TWOFOLD[:1], reach=8, noise=0.08, observed=3.0
        )
        found = intensity_statistics(merged)
        assert ACENTRIC < found.centric < CENTRIC
        assert found.acentric == ACENTRIC
        assert (found.log_odds_centric > 0) == (group == 2)


def test_twins_look_acentric_and_are_not_believed_blindly():
    turn = np.diag([-1, 1, -1])
    merged = listed_group(2, MONOCLINIC, "-1", TWOFOLD[:1], reach=8, twin=turn)
    found = intensity_statistics(merged)
    assert found.mean_e2_minus_1 < 0.85
    assert abs(found.log_odds_centric) < 3


def test_too_few_reflections_for_statistics():
    merged = merge_equivalents(
        np.array([[1, 2, 3], [2, 3, 5]]), np.array([1.0, 2]), None, TWOFOLD[:1], lattice=MONOCLINIC
    )
    found = intensity_statistics(merged)
    assert np.isnan(found.mean_e2_minus_1)
    assert found.log_odds_centric == 0
