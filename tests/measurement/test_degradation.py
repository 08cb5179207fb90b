"""Degradation: each shortcoming does what its formula says, and nothing else."""

from __future__ import annotations

import pickle
import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone

from crystalsym import DiffractionSimulator, PatternShaper
from crystalsym.datasets import example_crystals
from crystalsym.diffraction import Coverage, SpotPatterns
from crystalsym.measurement import Degradation
from crystalsym.measurement._degradation import SHARES
from crystalsym.measurement._shortcomings import NAMES, PERFECT

EVENTS = ("unmerged", "unique", "perfect")
STRENGTHS = tuple(name for name in SHARES if name not in EVENTS)
ROWS = 40


def only(shares=None, **strengths):
    """A degradation in which nothing happens but what is named, to every crystal."""
    given = dict.fromkeys(EVENTS, 0.0) | dict.fromkeys(strengths, 1.0) | (shares or {})
    return Degradation(
        **dict.fromkeys(STRENGTHS) | strengths, shares=given, random_state=0
    )  # fmt: skip


def layers(n=ROWS, size=6, edges=(0.1, 0.12, 0.14), intensity=None, equal=False, orbit=None):
    """Three zero layers of primitive cells, half of each, intensities exponentially distributed."""
    a, b, c = (edges[0], edges[0], edges[2]) if equal else edges
    pairs = [(i, j) for i in range(size + 1) for j in range(-size, size + 1) if (i, j) > (0, 0)]
    indices = np.tile(pairs, (3, 1)).astype(np.int16)
    basis = np.array([[[b, 0], [0, c]], [[c, 0], [0, a]], [[a, 0], [0, b]]], float)
    basis_hkl = np.array([[[0, 1, 0], [0, 0, 1]], [[0, 0, 1], [1, 0, 0]], [[1, 0, 0], [0, 1, 0]]])
    q = np.concatenate([pairs @ one for one in basis])
    rng = np.random.default_rng(0)
    count = 3 * len(pairs)
    values = rng.exponential(size=(n, count)) if intensity is None else intensity
    values = np.broadcast_to(values, (n, count))
    return SpotPatterns(
        q=np.tile(q, (n, 1)),
        intensity=values.ravel().astype(float),
        starts=np.arange(3 * n + 1) * len(pairs),
        q_min=np.zeros((n, 3)),
        q_max=np.full((n, 3), 1.5),
        indices=np.tile(indices, (n, 1)),
        basis=np.broadcast_to(basis, (n, 3, 2, 2)).copy(),
        basis_hkl=np.broadcast_to(basis_hkl, (n, 3, 2, 3)).astype(np.int16),
        halved=True,
        orbit=None if orbit is None else np.tile(orbit, n).astype(np.int32),
    )


def q_of(spots):
    return np.hypot(*spots.q.T)


def quadrants():
    """Numbers of the sets of mmm."""
    hkl = np.abs(layers(1).hkl)
    return np.unique(hkl, axis=0, return_inverse=True)[1]


def test_nothing_is_nothing():
    spots = layers()
    for degradation in (only(), Degradation(shares={"perfect": 1.0}, random_state=0)):
        measured = degradation.transform(spots)
        assert measured.n_spots == spots.n_spots
        assert np.allclose(measured.intensity, spots.intensity, rtol=1e-12)
        assert np.all(measured.sigma <= 1e-4 * spots.intensity.max())
    assert measured.complete.all()
    strongest = spots.intensity.reshape(ROWS, -1).max(axis=1)
    assert np.allclose(measured.sigma.reshape(ROWS, -1), PERFECT * strongest[:, None])


def test_thermal_motion():
    spots = layers()
    measured = only(b_factor=3.0).transform(spots)
    expected = spots.intensity * np.exp(-2 * 3.0 * (q_of(spots) / 2) ** 2)
    assert np.allclose(measured.intensity, expected)


def test_strengths_are_drawn_between_their_bounds():
    spots = layers(400, size=2, intensity=1.0)
    measured = only(b_factor=(0.5, 6.0)).transform(spots)
    drawn = -2 * np.log(measured.intensity) / q_of(spots) ** 2
    drawn = drawn.reshape(400, -1)
    assert np.allclose(drawn, drawn[:, :1])
    assert 0.5 <= drawn.min() < 0.55
    assert 5.5 < drawn.max() <= 6.0
    # On a logarithmic scale: the median is the geometric mean.
    assert np.median(drawn) == pytest.approx(np.sqrt(0.5 * 6), rel=0.2)


def test_anisotropy_is_the_same_for_equivalents():
    orbit = quadrants()
    measured = only(b_factor=4.0, anisotropy=0.5).transform(layers(intensity=1.0, orbit=orbit))
    b = (-2 * np.log(measured.intensity) / q_of(measured) ** 2).reshape(ROWS, -1)
    assert 0.05 < b.std() < 1.0
    assert np.abs(b - 4).max() <= 2
    for number in range(orbit.max() + 1):
        assert np.allclose(np.ptp(b[:, orbit == number], axis=1), 0)


def test_limits_of_resolution():
    measured = only(d_min=2.0, beam_stop=0.2).transform(layers())
    assert q_of(measured).max() <= 0.5
    assert q_of(measured).min() >= 0.2
    assert np.all(measured.q_max == 0.5)
    assert np.all(measured.q_min == 0.2)
    spots = layers()
    assert measured.n_spots == np.count_nonzero((q_of(spots) >= 0.2) & (q_of(spots) <= 0.5))
    assert np.all(np.asarray(measured.coverage) == Coverage.LISTED)


def test_missing_at_random():
    spots = layers()
    measured = only(missing=0.2).transform(spots)
    assert measured.n_spots / spots.n_spots == pytest.approx(0.8, abs=0.02)
    assert np.all(np.diff(measured.starts) < np.diff(spots.starts))


def test_sets_of_equivalents_are_one_measurement():
    orbit = quadrants()
    true = np.random.default_rng(0).exponential(size=orbit.max() + 1)[orbit]
    spots = layers(intensity=true, orbit=orbit)
    measured = only(missing=0.3, background=0.2, scale_error=0.1).transform(spots)
    for row in range(5):
        one = measured[row]
        kept = set(one.orbit.tolist())
        assert 0.4 < len(kept) / (orbit.max() + 1) < 0.9
        for number in kept:
            same = one.orbit == number
            assert same.sum() == np.count_nonzero(orbit == number)  # missing as a whole
            assert np.ptp(one.intensity[same]) < 1e-12
            assert np.ptp(one.sigma[same]) < 1e-12


def test_a_cone_lies_about_one_direction():
    spots = layers()
    measured = only(cone=0.25).transform(spots)
    assert measured.n_spots / spots.n_spots == pytest.approx(0.75, abs=0.01)
    # What is lost of a layer lies together: no spot at one side of the median angle is missing.
    one, whole = measured[0], spots[0]
    kept = {tuple(hkl) for hkl in one.hkl}
    lost = np.array([hkl for hkl in whole.hkl if tuple(hkl) not in kept])
    directions = lost / np.linalg.norm(lost, axis=1)[:, None]
    spread = np.linalg.eigvalsh(directions.T @ directions / len(lost))
    assert spread[-1] > 0.6  # 1/3 if they lay all around


def test_counting_and_proportional_errors():
    true = 100.0
    spots = layers(200, intensity=true)
    parts = {"background": 0.1, "counting": 0.04, "proportional": 0.05, "redundancy": 4.0}
    measured = only(**parts).transform(spots)
    variance = (0.04 * true**2 + (0.1 * true) ** 2) / 4 + (0.05 * true) ** 2
    assert np.allclose(measured.sigma, np.sqrt(variance))
    assert measured.intensity.std() == pytest.approx(np.sqrt(variance), rel=0.02)
    assert measured.intensity.mean() == pytest.approx(true, rel=0.01)


def test_counting_error_grows_with_the_root():
    true = np.random.default_rng(0).uniform(1, 100, 3 * 84)
    true = true[: layers(1).n_spots]
    true = np.resize(true, layers(1).n_spots)
    measured = only(counting=0.01).transform(layers(1, intensity=true))
    assert np.allclose(measured.sigma, np.sqrt(0.01 * true.mean() * true))


def test_equivalents_differ_by_the_scale_error():
    """R_int of many measurements of one intensity is sqrt(2/pi) of their spread."""
    spots = layers(400, intensity=50.0)
    measured = only({"unmerged": 1.0}, scale_error=0.1).transform(spots)
    values = measured.intensity
    r_int = np.abs(values - values.mean()).sum() / values.sum()
    assert r_int == pytest.approx(0.1 * np.sqrt(2 / np.pi), rel=0.03)
    assert np.all(measured.sigma < 0.01)  # no uncertainty tells of it


def test_wrong_uncertainties():
    spots = layers(600, size=1, intensity=1.0)
    measured = only(background=0.1, esd_error=0.25).transform(spots)
    factors = np.log(measured.sigma.reshape(600, -1)[:, 0] / 0.1)
    assert factors.std() == pytest.approx(0.25, rel=0.12)
    assert measured.intensity.std() == pytest.approx(0.1, rel=0.05)


def test_forbidden_reflections_fill_in():
    true = layers(1).intensity
    true = np.where(np.arange(len(true)) % 2, 2.0, 0.0)
    spots = layers(200, intensity=true)
    measured = only(leak=0.03).transform(spots)
    forbidden = measured.intensity[spots.intensity == 0]
    mean = true.mean()
    assert forbidden.min() > 0
    assert forbidden.mean() == pytest.approx(0.03 * mean, rel=0.03)
    assert forbidden.std() == pytest.approx(0.03 * mean, rel=0.05)  # exponential
    assert (measured.intensity - spots.intensity).mean() == pytest.approx(0.03 * mean, rel=0.03)


def test_extinction():
    spots = layers(1)
    measured = only(extinction=0.5).transform(spots)
    unit = (spots.intensity**2).sum() / spots.intensity.sum()
    reach = 0.5 * spots.intensity / (unit * np.maximum(q_of(spots), 0.05))
    assert np.allclose(measured.intensity, spots.intensity / np.sqrt(1 + reach))


def test_dynamical_compression():
    spots = layers(1)
    measured = only(compression=0.5).transform(spots)
    unit = (spots.intensity**2).sum() / spots.intensity.sum()
    assert np.allclose(measured.intensity, np.sqrt(unit * spots.intensity))


def test_moments_of_wilson_tell_compression():
    """<I²>/<I>² of an acentric crystal is 2, of one whose intensities are square roots 4/π."""
    spots = layers(200)

    def moment(x):
        return np.mean(x**2) / np.mean(x) ** 2

    assert moment(spots.intensity) == pytest.approx(2, rel=0.05)
    measured = only(compression=0.5).transform(spots)
    by_crystal = measured.intensity.reshape(200, -1)
    assert np.mean([moment(row) for row in by_crystal]) == pytest.approx(4 / np.pi, rel=0.03)


def test_twins_of_equal_domains_have_equal_mates():
    spots = layers(5, equal=True)
    measured = only(twin=0.5).transform(spots)
    for row in range(5):
        hkl, values = measured[row].hkl, measured[row].intensity
        by_hkl = {tuple(i): v for i, v in zip(hkl, values, strict=True)}
        by_hkl |= {tuple(-i): v for i, v in zip(hkl, values, strict=True)}
        for h, k in ((1, 2), (3, -1), (0, 5)):
            assert by_hkl[h, k, 0] == pytest.approx(by_hkl[k, h, 0])
    total = measured.intensity.sum()
    assert total == pytest.approx(spots.intensity.sum())


def test_twins_mix_by_their_fraction_and_only_where_a_is_b():
    spots = layers(1, equal=True)
    measured = only(twin=0.2).transform(spots)
    true = {tuple(i): v for i, v in zip(spots.hkl, spots.intensity, strict=True)}
    seen = {tuple(i): v for i, v in zip(measured.hkl, measured.intensity, strict=True)}
    assert seen[1, 2, 0] == pytest.approx(0.8 * true[1, 2, 0] + 0.2 * true[2, 1, 0])
    assert seen[0, 1, 2] == true[0, 1, 2]
    other = layers(1)
    assert np.array_equal(only(twin=0.2).transform(other).intensity, other.intensity)


def test_the_unobserved_may_be_left_out():
    spots = layers(200)
    measured = only(background=0.3, unobserved=3.0).transform(spots)
    assert np.all(measured.intensity >= 3 * measured.sigma)
    assert measured.n_spots < 0.6 * spots.n_spots
    coverage = np.asarray(measured.coverage)
    assert np.all(coverage == coverage[:, :1])
    told = np.mean(coverage == Coverage.OBSERVED)
    assert told == pytest.approx(0.8, abs=0.1)
    assert set(np.unique(coverage)) == {Coverage.LISTED, Coverage.OBSERVED}


def test_a_unique_part_of_what_was_not_merged():
    measured = only({"unmerged": 1.0, "unique": 1.0}).transform(layers())
    h, k, m = measured.hkl.T
    assert np.all((h * k >= 0) & (h * m >= 0))
    assert np.any((h == 0) & (k * m < 0))  # of the layer 0kl both sides
    assert 0.6 < measured.n_spots / layers().n_spots < 0.75


def test_shares():
    spots = layers(600, size=1, intensity=1.0)
    measured = only({"b_factor": 0.3}, b_factor=2.0).transform(spots)
    changed = np.any(measured.intensity.reshape(600, -1) < 1, axis=1)
    assert changed.mean() == pytest.approx(0.3, abs=0.06)


def test_draws_depend_on_seed_and_number_alone():
    spots = layers(30)
    degradation = Degradation(random_state=0)
    whole = degradation.degrade(spots, (7, 1), np.arange(30))
    rows = np.array([29, 3, 4, 12])
    part = degradation.degrade(spots[rows], (7, 1), rows)
    expected = whole[rows]
    assert np.array_equal(part.intensity, expected.intensity)
    assert np.array_equal(part.sigma, expected.sigma)
    assert np.array_equal(part.hkl, expected.hkl)
    assert np.array_equal(part.coverage, expected.coverage)
    other = degradation.degrade(spots, (7, 2), np.arange(30))
    assert other.n_spots != whole.n_spots
    assert not np.array_equal(
        degradation.degrade(spots, (7, 1), np.arange(30) + 100).starts, whole.starts
    )


def test_random_state():
    spots = layers(10)
    first, second = (Degradation(random_state=s).transform(spots) for s in (0, 1))
    again = Degradation(random_state=0).transform(spots)
    assert np.array_equal(first.intensity, again.intensity)
    assert not np.array_equal(first.starts, second.starts)
    state = np.random.RandomState(0)
    degradation = Degradation(random_state=state)
    assert degradation.transform(spots).n_spots != degradation.transform(spots).n_spots


def test_anisotropy_leaves_all_other_draws_as_they_were():
    spots = layers(10)
    plain = Degradation(b_factor=None, random_state=0).transform(spots)
    other = Degradation(b_factor=None, anisotropy=0.4, random_state=0).transform(spots)
    assert np.array_equal(plain.intensity, other.intensity)


def test_crystals_without_spots():
    spots = layers(2)
    absent = SpotPatterns.concatenate([spots, SpotPatterns.absent(1, 3, np.float64), spots])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        measured = Degradation(random_state=0).transform(absent)
    assert measured.missing.tolist() == [False, False, True, False, False]
    dark = replace(spots, intensity=np.zeros(spots.n_spots))
    assert np.all(Degradation(random_state=0).transform(dark).sigma > 0)
    assert len(Degradation(random_state=0).transform(spots[:0])) == 0


def test_types_are_kept():
    spots = layers(2)
    spots = replace(spots, intensity=spots.intensity.astype(np.float32))
    measured = Degradation(random_state=0).transform(spots)
    assert measured.intensity.dtype == measured.sigma.dtype == np.float32
    assert measured.indices.dtype == spots.indices.dtype
    before = spots.intensity.copy()
    Degradation(random_state=1).transform(spots)
    assert np.array_equal(spots.intensity, before)


def test_conventions_of_estimators():
    degradation = Degradation(b_factor=(1.0, 2.0), shares={"twin": 0.5}, random_state=3)
    spots = layers(3)
    expected = degradation.transform(spots).intensity
    for copy in (clone(degradation), pickle.loads(pickle.dumps(degradation)), degradation.fit()):
        assert np.array_equal(copy.transform(spots).intensity, expected)
    assert repr(Degradation()) == "Degradation()"
    assert set(NAMES) == set(SHARES)
    assert set(Degradation().get_params()) == {*STRENGTHS, "shares", "random_state"}
    assert np.array_equal(degradation.fit_transform(spots).intensity, expected)


def test_profiles():
    electron = Degradation.from_profile("electron", d_min=1.0, shares={"cone": 0.1})
    assert electron.d_min == 1.0
    assert electron.shares["cone"] == 0.1
    assert electron.shares["compression"] == 1.0
    assert electron.extinction is None
    assert repr(Degradation.from_profile("mixture")) == "Degradation()"
    spots = layers(60)
    spread = {
        name: Degradation.from_profile(name, random_state=0).transform(spots)
        for name in ("xray", "electron")
    }
    absent = {name: np.median(one.intensity) for name, one in spread.items()}
    assert absent["electron"] != absent["xray"]
    with pytest.raises(ValueError, match="no profile 'neutron'; there are mixture"):
        Degradation.from_profile("neutron")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"b_factor": -1.0}, "b_factor must be None, a number from 0 on or a range"),
        ({"b_factor": (3.0, 1.0)}, "b_factor"),
        ({"d_min": (0.5, 0.6, 0.7)}, "d_min"),
        ({"d_min": "fine"}, "d_min"),
        ({"counting": float("nan")}, "counting"),
        ({"leak": float("inf")}, "leak"),
        ({"missing": 1.5}, "missing is a fraction"),
        ({"twin": (0.1, 2)}, "twin is a fraction"),
        ({"anisotropy": 1.5}, "anisotropy is a fraction"),
        ({"extinction": True}, "extinction"),
        ({"shares": {"twins": 0.5}}, "shares has no 'twins'"),
        ({"shares": {"twin": 1.5}}, r"shares\['twin'\]"),
    ],
)
def test_impossible_parameters(parameters, message):
    for act in (lambda d: d.fit(), lambda d: d.transform(layers(1))):
        with pytest.raises(ValueError, match=message):
            act(Degradation(**parameters))


def test_what_it_cannot_take():
    with pytest.raises(TypeError, match='output="spots"'):
        Degradation().transform(np.zeros((2, 3, 8, 8)))
    with pytest.raises(ValueError, match="indices are known"):
        Degradation().transform(replace(layers(1), indices=None))


def test_perfect_patterns_are_shaped_as_simulated_ones():
    crystal = example_crystals()["SiO2-quartz"]
    spots = DiffractionSimulator(output="spots", normalize=False).transform([crystal])
    perfect = Degradation(shares={"perfect": 1.0}, random_state=0).transform(spots)
    shaper = PatternShaper("indices")
    assert np.allclose(shaper.transform(perfect), shaper.transform(spots))


def test_averages_of_many_are_more_certain():
    orbit = quadrants()
    spots = layers(intensity=1.0, orbit=orbit)
    single = only(background=0.1).transform(spots)
    often = only(background=0.1, redundancy=4.0).transform(spots)
    assert np.allclose(often.sigma, single.sigma / 2)
    size = np.bincount(orbit)[orbit]
    assert np.allclose(single.sigma.reshape(ROWS, -1), 0.1 / np.sqrt(size))


def test_uncertainties_are_those_of_the_errors():
    """Over many draws the deviations have the spread that sigma tells."""
    spots = layers(60, intensity=layers(1).intensity)
    measured = only(background=0.05, counting=0.02, proportional=0.03).transform(spots)
    deviations = (measured.intensity - spots.intensity) / measured.sigma
    assert deviations.mean() == pytest.approx(0, abs=0.05)
    assert deviations.std() == pytest.approx(1, abs=0.05)
