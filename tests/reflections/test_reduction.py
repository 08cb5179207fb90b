"""From lists to centering, Laue class and zero layers: known answers, whatever the axes."""

from __future__ import annotations

import numpy as np
import pytest

from crystalsym import PatternShaper, SpaceGroupClassifier
from crystalsym.crystals._metric_settings import oriented_laue_class
from crystalsym.datasets import random_molecular_crystals
from crystalsym.diffraction import Coverage, SpotPatterns
from crystalsym.measurement import Degradation, ReflectionSimulator
from crystalsym.reflections import (
    ReflectionList,
    ReflectionSections,
    laue_candidates,
    merge_equivalents,
    reduce_reflections,
    sections,
)
from crystalsym.spacegroups import symbol

GOOD = Degradation(
    d_min=0.8, cone=None, missing=None, beam_stop=None, background=0.003, leak=0.0005,
    scale_error=0.02, twin=None, unobserved=None, extinction=None, compression=None,
)  # fmt: skip
# A group of every Laue class, and of every centering where several are.
GROUPS = (2, 14, 15, 19, 61, 20, 43, 45, 88, 76, 92, 142, 148, 147, 152, 151, 167, 176, 191, 205,
          199, 225, 217, 221)  # fmt: skip


@pytest.fixture(scope="module")
def measured():
    table = random_molecular_crystals(GROUPS, random_state=11, n_atoms=(20, 120))
    return ReflectionSimulator(GOOD, random_state=5).transform(table)


@pytest.mark.parametrize("place", range(len(GROUPS)), ids=lambda place: str(GROUPS[place]))
def test_every_laue_class_and_centering_comes_back(measured, place):
    group, reduction = GROUPS[place], reduce_reflections(measured[place])
    first = reduction.merged(0)
    assert first.laue == oriented_laue_class(group)
    letter = symbol(group)[0]
    assert first.centering == ("C" if letter == "A" else letter)
    assert sum(one.probability for one in reduction.hypotheses) == pytest.approx(1, abs=0.05)


def test_a_metric_may_be_higher_than_the_symmetry():
    table = random_molecular_crystals([14, 14, 19], random_state=2)
    lattice = np.array(table.lattice, dtype=float)
    lattice[:2] = np.diag([7.0, 9.0, 12.0])  # beta = 90°
    lattice[2] = np.diag([8.0, 8.0, 13.0])  # a = b
    table.lattice = lattice
    lists = ReflectionSimulator(GOOD, random_state=0, merged=0.0).transform(table)
    found = [reduce_reflections(one).merged(0).laue for one in lists]
    assert found == ["2/m", "2/m", "mmm"]


def test_axes_of_a_laboratory_do_not_matter(measured):
    given = measured[GROUPS.index(14)]
    change = np.array([[1, 1, 0], [0, 1, 0], [0, 1, 1]])
    from crystalsym.crystals._cell_parameters import cell_of, lattice_of

    moved = ReflectionList(
        given.hkl @ change.T, given.intensity, given.sigma,
        cell_of(change @ lattice_of(given.cell)),
    )  # fmt: skip
    one, two = (sections(reduce_reflections(x).merged(0)) for x in (given, moved))
    pictures = [PatternShaper("indices").transform(x)[0] for x in (one, two)]
    # b may point the other way: the layers are then seen from behind.
    same = [np.allclose(pictures[0][v], pictures[1][v], atol=1e-3) or
            np.allclose(pictures[0][v], pictures[1][v][:, ::-1], atol=1e-3)
            for v in range(3)]  # fmt: skip
    assert all(same)


def test_averages_are_those_of_hand():
    hkl = np.array([[1, 2, 3], [-1, -2, -3], [-1, 2, -3], [2, 0, 0]])
    merged = merge_equivalents(
        hkl, np.array([10.0, 12.0, 14.0, 5.0]), np.ones(4),
        np.array([np.eye(3), np.diag([-1, 1, -1])], dtype=int), lattice=np.eye(3), laue="2/m",
    )  # fmt: skip
    assert sorted(merged.intensity.tolist()) == [5.0, 12.0]
    assert sorted(merged.multiplicity.tolist()) == [1, 3]
    assert merged.r_int == pytest.approx((2 + 0 + 2) / 36)
    hkl, rows = merged.expanded()
    assert len(hkl) == 3  # 123, -12-3 and 200, one of each Friedel pair
    assert sorted(rows.tolist()).count(rows[-1]) >= 1


def test_means_claim_no_more_than_their_measurements_agree():
    rng = np.random.default_rng(0)
    base = np.array([(h, k, m) for h in range(1, 6) for k in range(1, 6) for m in range(1, 6)])
    hkl = np.repeat(base, 6, axis=0)
    true = np.repeat(rng.exponential(100, len(base)), 6)
    values = true * (1 + 0.1 * rng.standard_normal(len(hkl)))
    merged = merge_equivalents(
        hkl, values, np.full(len(hkl), 0.01), np.eye(3, dtype=int)[None], lattice=np.eye(3) * 9
    )
    assert merged.chi2 > 100
    strong = merged.intensity > 50
    assert np.median(merged.sigma[strong] / merged.intensity[strong]) == pytest.approx(
        0.1 / np.sqrt(6), rel=0.5
    )


def test_one_outlier_moves_no_mean():
    hkl = np.tile([[1, 1, 1]], (7, 1))
    values = np.array([10, 10.1, 9.9, 10, 10.05, 9.95, 1000.0])
    merged = merge_equivalents(
        hkl, values, np.full(7, 0.1), np.eye(3, dtype=int)[None], lattice=np.eye(3) * 5
    )
    assert merged.intensity[0] < 20


def test_layers_tell_what_was_measured(measured):
    given = measured[GROUPS.index(225)]
    patterns = sections(reduce_reflections(given).merged(0))
    assert patterns.zone[0].tolist() == [[1, 1, 1], [1, -1, 0], [0, 0, 1]]
    picture = PatternShaper("indices").transform(patterns)[0, 2]
    assert picture[8, 11, 2] == 1  # 300 is forbidden by F, and so known to be dark
    assert picture[8, 11, 0] == 0
    assert picture[8, 9, 2] == 0  # 100 would lie closer to the beam than anything listed
    assert picture[8, 10, 0] > 0 or picture[10, 10, 0] > 0
    unknown = sections(reduce_reflections(given[given.q < 0.8]).merged(0))
    assert unknown.q_max.max() < 0.81


def test_lists_of_what_was_observed_say_so(measured):
    given = measured[1]
    kept = given[given.intensity > 3 * given.sigma]
    observed = ReflectionList(
        kept.hkl, kept.intensity, kept.sigma, kept.cell, coverage=Coverage.OBSERVED
    )
    patterns = ReflectionSections().transform([observed])
    assert (patterns.coverage == Coverage.OBSERVED).all()
    assert (PatternShaper("indices").transform(patterns)[..., 2] == 0.5).any()


def test_a_pipeline_of_lists_fits_and_searches(measured):
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import Pipeline

    from tests.support.networks import tiny_network, without_compilation

    lists = [measured[0], measured[1]] * 4
    y = np.array([2, 14] * 4)
    pipeline = Pipeline(
        [
            ("cut", ReflectionSections()),
            ("shape", PatternShaper("indices", image_size=9)),
            ("classify", SpaceGroupClassifier(tiny_network, epochs=1, batch_size=4,
                                              random_state=0)),
        ]
    )  # fmt: skip
    with without_compilation():
        search = GridSearchCV(
            pipeline, {"shape__threshold": [1e-4, 1e-5], "cut__tolerance": [0.01]}, cv=2
        ).fit(lists, y)
    assert search.predict(lists).shape == (8,)


def test_what_cannot_be_reduced_is_named():
    nothing = ReflectionList(np.empty((0, 3), dtype=int), [], cell=(5, 5, 5, 90, 90, 90))
    homeless = ReflectionList([[1, 0, 0]], [1.0])
    with pytest.raises(ValueError, match="no reflection"):
        reduce_reflections(nothing)
    with pytest.raises(ValueError, match=r"list 0: .*cell"):
        ReflectionSections().transform([homeless])
    with pytest.warns(UserWarning, match="its row is missing"):
        patterns = ReflectionSections(on_error="nan").transform([homeless])
    assert patterns.missing.all()
    with pytest.raises(TypeError, match="a list of reflection lists"):
        ReflectionSections().transform(homeless)
    with pytest.raises(ValueError, match="tolerance must lie"):
        ReflectionSections(tolerance=1.0).fit()


def test_subgroups_of_a_cube():
    _, found = laue_candidates(5 * np.eye(3), "P")
    assert len(found) == 30  # the subgroups of the group of 24 rotations
    assert found[-1].laue == "m-3m"
    assert isinstance(sections(reduce_reflections(_cubic()).merged(0)), SpotPatterns)


def _cubic():
    hkl = np.array([(h, k, m) for h in range(-3, 4) for k in range(-3, 4) for m in range(4)])
    hkl = hkl[hkl.any(axis=1)]
    bright = np.sort(np.abs(hkl), axis=1) @ [1.0, 7.3, 19.1] % 11
    return ReflectionList(hkl, bright, np.full(len(hkl), 0.05), (5, 5, 5, 90, 90, 90))
