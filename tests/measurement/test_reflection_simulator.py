"""Reflection lists of crystals: perfect ones are structure factors, others fall short."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone

from crystalsym import standardize
from crystalsym.datasets import example_crystals, random_crystals, random_molecular_crystals
from crystalsym.diffraction import Coverage
from crystalsym.measurement import Degradation, ReflectionSimulator
from crystalsym.measurement._degradation import SHARES
from crystalsym.measurement._reflection_simulator import _twinned
from crystalsym.scattering import structure_factors

EVENTS = ("unmerged", "unique", "perfect")
PERFECT = Degradation(shares={"perfect": 1.0})


def only(**strengths):
    """A degradation in which nothing happens but what is named, to every crystal."""
    shares = dict.fromkeys(EVENTS, 0.0) | dict.fromkeys(strengths, 1.0)
    nothing = dict.fromkeys(name for name in SHARES if name not in EVENTS)
    return Degradation(**nothing | strengths, shares=shares)


def test_perfect_lists_are_structure_factors():
    crystal = standardize(example_crystals()["LiFePO4"])
    (one,) = ReflectionSimulator(PERFECT, settings="canonical", random_state=0).transform([crystal])
    from crystalsym.crystals import in_metric_setting

    moved = in_metric_setting(crystal, 62)
    f = structure_factors(
        one.hkl, one.q, moved.frac_coords, moved.atomic_numbers, moved.occupancies
    )
    scale = one.intensity.max() / (np.abs(f) ** 2).max()
    np.testing.assert_allclose(
        one.intensity, scale * np.abs(f) ** 2, atol=1e-6 * one.intensity.max()
    )
    assert one.d_min == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("asked", [0.03, 0.08, 0.25])
def test_equivalents_agree_as_well_as_asked_for(asked):
    from crystalsym.reflections import reduce_reflections

    degradation = only(scale_error=asked, redundancy=6.0)
    table = random_molecular_crystals([19], random_state=1, n_atoms=(60, 120))
    (one,) = ReflectionSimulator(degradation, merged=0.0, random_state=0).transform(table)
    # Mean absolute deviation of normal errors, a little less for few repeats.
    r_int = reduce_reflections(one).merged(0).r_int
    assert r_int == pytest.approx(asked * np.sqrt(2 / np.pi), rel=0.2)


def test_lists_are_the_same_whatever_the_jobs():
    table = random_molecular_crystals(40, random_state=3, n_atoms=(20, 60))
    one = ReflectionSimulator(random_state=5).transform(table)
    two = ReflectionSimulator(random_state=5, n_jobs=2).transform(table)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a.hkl, b.hkl)
        np.testing.assert_array_equal(a.intensity, b.intensity)
    assert {one_list.coverage for one_list in one} <= {Coverage.LISTED, Coverage.OBSERVED}
    assert len({len(one_list) for one_list in one}) > 10


def test_equal_twins_make_their_mates_equal():
    """And of unequal ones each part has its share."""
    table = random_crystals([88], random_state=0)
    for fraction in (0.5, 0.2):
        (one,), (true,) = (
            ReflectionSimulator(
                degradation, merged=1.0, settings="canonical", random_state=0
            ).transform(table)
            for degradation in (only(twin=fraction), only())
        )
        assert np.array_equal(one.hkl, true.hkl)
        unit = one.intensity.sum() / true.intensity.sum()
        of = {tuple(hkl): i for i, hkl in enumerate(true.hkl)}
        pairs = [(i, mate(hkl, of)) for hkl, i in of.items()]
        pairs = np.array([(i, j) for i, j in pairs if j is not None and i != j])
        assert len(pairs) > 20
        a, b = true.intensity[pairs].T
        assert np.abs(a - b).mean() > 0.1 * a.mean()
        expected = unit * ((1 - fraction) * a + fraction * b)
        assert np.allclose(one.intensity[pairs[:, 0]], expected, atol=1e-3 * expected.max())


def mate(hkl, of):
    """Row of khl or an equivalent of it in 4/m."""
    k, h, m = hkl
    for image in ((h, k, m), (-k, h, m), (-h, -k, m), (k, -h, m)):
        for sign in (1, -1):
            found = of.get(tuple(sign * np.array(image)))
            if found is not None:
                return found
    return None


def test_twins_need_not_keep_equivalents_equal():
    """A rotation of a cubic lattice turns the threefold axis of a trigonal crystal elsewhere."""
    hkl = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]])
    rng = np.random.default_rng(0)
    monoclinic = np.array([np.eye(3), np.diag([-1, 1, -1])], dtype=np.int64)
    seen = {
        tuple(_twinned(np.array([1.0, 2, 4, 8]), hkl, monoclinic, np.eye(3), 0.5, rng))
        for _ in range(60)
    }
    assert len(seen) > 5
    assert (1.5, 1.5, 4.0, 8.0) in seen  # a and b exchanged
    assert all(values[3] == 8 for values in seen)  # its image is none of these: as it was
    assert _twinned(np.ones(4), hkl, monoclinic, np.diag([3.0, 4, 5]), 0.5, rng) is not None
    turns = np.array([np.diag(s) for s in ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))])
    assert _twinned(np.ones(4), hkl, turns, np.diag([3.0, 4, 5]), 0.5, rng) is None


def test_thermal_motion_by_direction_keeps_the_symmetry():
    table = random_crystals([148], random_state=0)
    (one,) = ReflectionSimulator(
        only(b_factor=4.0, anisotropy=0.8), merged=0.0, settings="canonical", random_state=0
    ).transform(table)
    (flat,) = ReflectionSimulator(
        only(b_factor=4.0), merged=0.0, settings="canonical", random_state=0
    ).transform(table)
    assert np.array_equal(one.hkl, flat.hkl)
    ratio = one.intensity / flat.intensity
    turn = np.array([[0, -1, 0], [1, -1, 0], [0, 0, 1]])
    of = {tuple(hkl): value for hkl, value in zip(one.hkl, ratio, strict=True)}
    pairs = [(value, of.get(tuple(np.array(hkl) @ turn))) for hkl, value in of.items()]
    pairs = np.array([pair for pair in pairs if pair[1] is not None])
    assert len(pairs) > 100
    assert np.allclose(pairs[:, 0], pairs[:, 1])
    strong = ratio[flat.intensity > 1e-3 * flat.intensity.max()]
    assert strong.max() / strong.min() > 1.2
    # About a threefold axis a tensor has one unequal direction; lists have scales of their own.
    known = flat.intensity > 1e-6 * flat.intensity.max()
    square = flat.q[known] ** 2
    terms = np.stack([np.ones_like(square), square, (one.hkl[known, 2] / one.cell[2]) ** 2], 1)
    left = np.linalg.lstsq(terms, np.log(ratio[known]), rcond=None)[1]
    assert left < 1e-6 * np.var(np.log(ratio[known]))


def test_friedel_pairs_may_be_merged():
    table = random_molecular_crystals([14], random_state=1, n_atoms=(40, 60))
    simulator = ReflectionSimulator(
        only(background=0.05, redundancy=3.0), merged=0.0, friedel_merged=1.0, random_state=0
    )
    (one,) = simulator.transform(table)
    (raw,) = simulator.set_params(friedel_merged=0.0).transform(table)
    (unique,) = simulator.set_params(merged=1.0).transform(table)
    assert not {tuple(h) for h in one.hkl} & {tuple(-h) for h in one.hkl}
    assert len({tuple(h) for h in one.hkl}) == len(one)
    assert len(unique) < len(one) < len(raw)
    assert np.median(one.sigma / one.intensity.max()) < np.median(raw.sigma / raw.intensity.max())


def test_rhombohedral_axes():
    table = random_crystals([148, 14], random_state=0)
    simulator = ReflectionSimulator(PERFECT, settings="rhombohedral", random_state=0)
    rhombohedral, other = simulator.transform(table)
    a, b, c, alpha, beta, gamma = rhombohedral.cell
    assert a == pytest.approx(b) == pytest.approx(c)
    assert alpha == pytest.approx(beta) == pytest.approx(gamma)
    (hexagonal,) = simulator.set_params(settings="canonical").transform(table[:1])
    assert np.allclose(np.sort(rhombohedral.q), np.sort(allowed(hexagonal).q))
    assert other.cell[3] == pytest.approx(90) or other.cell[4] == pytest.approx(90)


def allowed(one):
    h, k, m = one.hkl.T
    return one[(-h + k + m) % 3 == 0]


def test_any_basis_of_the_lattice():
    from crystalsym.reflections import reduce_reflections

    table = random_molecular_crystals([14, 19, 2], random_state=2, n_atoms=(30, 60))
    skew = ReflectionSimulator(only(), settings="any", random_state=0).transform(table)
    plain = ReflectionSimulator(only(), random_state=0).transform(table)
    for one, other in zip(skew, plain, strict=True):
        assert np.allclose(np.sort(one.q), np.sort(other.q))
        assert one.cell != other.cell
        assert np.allclose(one.intensity, other.intensity)
    for one, laue in zip(skew[:2], ("2/m", "mmm"), strict=True):
        assert reduce_reflections(one).hypotheses[0].candidate.laue == laue


def test_centers_of_lattices_and_lists_of_groups_from_structures():
    """Crystals without a known group are standardized first."""
    crystals = [example_crystals()[name] for name in ("NaCl", "SiO2-quartz", "CaWO4-scheelite")]
    lists = ReflectionSimulator(random_state=0).transform(crystals)
    assert [one.carried["number"] for one in lists] == [225, 154, 88]
    assert [one.source["hkl"] for one in lists] == ["simulated"] * 3


def test_hard_losses_leave_a_list():
    table = random_molecular_crystals([1, 14], random_state=1, n_atoms=(20, 30))
    losing = only(missing=1.0, beam_stop=5.0, d_min=3.0)
    for merged in (0.0, 1.0):
        lists = ReflectionSimulator(losing, merged=merged, random_state=0).transform(table)
        assert all(len(one) > 0 for one in lists)


def test_electrons():
    table = random_molecular_crystals([14], random_state=1, n_atoms=(20, 30))
    lists = [
        ReflectionSimulator(PERFECT, radiation=kind, random_state=0).transform(table)[0]
        for kind in ("xray", "electron")
    ]
    assert [one.radiation for one in lists] == ["xray", "electron"]
    assert np.array_equal(lists[0].hkl, lists[1].hkl)
    assert not np.allclose(lists[0].intensity, lists[1].intensity, rtol=0.01)


def test_conventions_of_estimators():
    table = random_molecular_crystals([2, 14], random_state=1, n_atoms=(20, 30))
    simulator = ReflectionSimulator(Degradation(b_factor=2.0), random_state=0)
    expected = simulator.transform(table)
    for again in (clone(simulator), pickle.loads(pickle.dumps(simulator)), simulator.fit(table)):
        for one, other in zip(again.transform(table), expected, strict=True):
            assert np.array_equal(one.intensity, other.intensity)
    assert repr(ReflectionSimulator()) == "ReflectionSimulator()"
    assert simulator.set_params(degradation__b_factor=3.0).degradation.b_factor == 3.0
    assert ReflectionSimulator().transform([]) == []


def test_what_cannot_be_is_named():
    with pytest.raises(ValueError, match="settings must be"):
        ReflectionSimulator(settings="mine").fit()
    with pytest.raises(ValueError, match="radiation must be"):
        ReflectionSimulator(radiation="neutron").fit()
    for wrong in (2, -0.1, "all", float("nan")):
        with pytest.raises(ValueError, match=r"^merged must lie"):
            ReflectionSimulator(merged=wrong).fit()
        with pytest.raises(ValueError, match="friedel_merged must lie"):
            ReflectionSimulator(friedel_merged=wrong).fit()
    with pytest.raises(TypeError, match="degradation must be a Degradation or None, got dict"):
        ReflectionSimulator({"b_factor": 3}).fit()
    with pytest.raises(ValueError, match="b_factor must be"):
        ReflectionSimulator(Degradation(b_factor=-1)).transform([])
