"""How patterns are made to fall short: each strength by itself, and all of them together."""

from __future__ import annotations

import numpy as np
import pytest

from crystalsym import DiffractionSimulator, PatternShaper, standardize
from crystalsym.crystals._wyckoff import standard_operations
from crystalsym.datasets import example_crystals
from crystalsym.diffraction import Coverage, SpotPatterns, with_orbits
from crystalsym.measurement import Degradation

NAMES = ("NaCl", "SiO2-quartz", "CaWO4-scheelite", "LiFePO4", "KClO3")
GROUPS = (225, 154, 88, 62, 11)
NOTHING = dict.fromkeys(
    ("b_factor", "d_min", "beam_stop", "missing", "cone", "background", "counting",
     "proportional", "redundancy", "scale_error", "leak", "extinction", "compression", "twin",
     "unobserved", "esd_error")
)  # fmt: skip
ALWAYS = {"shares": {"unmerged": 0.0, "unique": 0.0, "perfect": 0.0}}


def only(**strengths):
    shares = {name: 1.0 for name in strengths} | ALWAYS["shares"]
    return Degradation(**{**NOTHING, **strengths}, shares=shares, random_state=0)


@pytest.fixture(scope="module")
def spots():
    crystals = [standardize(example_crystals()[name]) for name in NAMES]
    found = DiffractionSimulator(output="spots", normalize=False, dtype="float64").transform(
        crystals
    )
    return with_orbits(found, [np.unique(standard_operations(g)[0], axis=0) for g in GROUPS])


def length(patterns):
    return np.hypot(*patterns.q.T)


def test_nothing_happens_where_nothing_is_asked_for(spots):
    same = only().transform(spots)
    np.testing.assert_allclose(same.intensity, spots.intensity)
    assert (same.coverage == Coverage.LISTED).all()
    perfect = Degradation(shares={"perfect": 1.0}, random_state=0).transform(spots)
    np.testing.assert_array_equal(perfect.intensity, spots.intensity)
    assert (perfect.coverage == Coverage.WHOLE).all()
    np.testing.assert_allclose(
        PatternShaper("indices").transform(perfect), PatternShaper("indices").transform(spots)
    )


def test_thermal_motion_is_that_of_debye_and_waller(spots):
    warm = only(b_factor=3.0).transform(spots)
    expected = spots.intensity * np.exp(-2 * 3.0 * length(spots) ** 2 / 4)
    np.testing.assert_allclose(warm.intensity, expected)


def test_limits_of_resolution(spots):
    near = only(d_min=1.25, beam_stop=0.2).transform(spots)
    q = length(near)
    assert q.max() <= 0.8
    assert q.min() >= 0.2
    assert (near.q_max <= 0.8).all()
    assert (near.q_min == 0.2).all()
    kept = (length(spots) <= 0.8) & (length(spots) >= 0.2)
    assert near.n_spots == kept.sum()


def test_equivalents_are_missing_together(spots):
    for strengths in ({"missing": 0.3}, {"cone": 0.3}):
        left = only(**strengths).transform(spots)
        assert 0.3 * spots.n_spots < left.n_spots < 0.95 * spots.n_spots
        for row in range(len(spots)):
            all_of, some_of = spots[row], left[row]
            counts = np.bincount(all_of.orbit)
            seen = np.bincount(some_of.orbit, minlength=len(counts))
            assert set(np.unique(seen[seen > 0] / counts[seen > 0])) == {1.0}


def test_uncertainties_are_those_of_the_errors(spots):
    """Over many draws the deviations have the spread that sigma tells."""
    degradation = only(background=0.05, counting=0.02, proportional=0.03)
    one = spots[3]
    deviations = []
    for seed in range(60):
        drawn = degradation.degrade(one, (seed,), np.array([0]))
        first = np.unique(drawn.orbit, return_index=True)[1]
        deviations.append(((drawn.intensity - one.intensity) / drawn.sigma)[first])
    spread = np.concatenate(deviations)
    assert np.mean(spread) == pytest.approx(0, abs=0.05)
    assert np.std(spread) == pytest.approx(1, abs=0.1)


def test_averages_of_many_are_more_certain(spots):
    single = only(background=0.1).transform(spots)
    often = only(background=0.1, redundancy=4.0).transform(spots)
    np.testing.assert_allclose(often.sigma, single.sigma / 2)
    row = single[0]  # of a cubic crystal
    size = np.bincount(row.orbit)[row.orbit]
    assert np.median(row.sigma[size == size.max()]) < np.median(row.sigma[size == size.min()])


def test_leaks_fill_what_is_forbidden(spots):
    leaky = only(leak=0.02).transform(spots)
    dark = spots.intensity < 1e-9 * spots.intensity.max()
    assert dark.any()
    assert (leaky.intensity[dark] > 0).all()
    mean = spots[0].intensity.mean()
    part = leaky.intensity[: spots[0].n_spots] - spots[0].intensity
    assert part.mean() == pytest.approx(0.02 * mean, rel=0.5)


def test_twins_of_equal_parts_make_the_layer_symmetric(spots):
    twin = only(twin=0.5).transform(spots)
    row, place = twin[2], {}  # 4/m: a and b are equal, but not hkl and khl
    for (h, k), value in zip(row.pattern(0, 2).indices, row.pattern(0, 2).intensity, strict=True):
        place[int(h), int(k)] = value
    pairs = [(v, place[k, h]) for (h, k), v in place.items() if (k, h) in place]
    before = {
        (int(h), int(k)): v
        for (h, k), v in zip(
            spots[2].pattern(0, 2).indices, spots[2].pattern(0, 2).intensity, strict=True
        )
    }
    assert max(abs(v - before[k, h]) for (h, k), v in before.items() if (k, h) in before) > 1
    assert max(abs(a - b) for a, b in pairs) < 1e-6 * max(before.values())


def test_extinction_and_compression_weaken_the_strong(spots):
    for degradation in (only(extinction=1.0), only(compression=0.5)):
        weaker = degradation.transform(spots[3])
        ratio = weaker.intensity / np.maximum(spots[3].intensity, 1e-30)
        order = np.argsort(spots[3].intensity)
        assert ratio[order[-1]] < np.median(ratio[order[len(order) // 2 :]])


def test_lists_without_the_unobserved(spots):
    observed = only(background=0.3, unobserved=3.0).transform(spots)
    assert (observed.intensity >= 3 * observed.sigma * (1 - 1e-9)).all()
    assert set(np.unique(observed.coverage)) <= {Coverage.OBSERVED, Coverage.LISTED}


def test_draws_depend_on_seed_and_number_alone(spots):
    degradation = Degradation()
    numbers = np.arange(10, 15)
    together = degradation.degrade(spots, (3, 4), numbers)
    alone = SpotPatterns.concatenate(
        [degradation.degrade(spots[i], (3, 4), numbers[i : i + 1]) for i in range(5)]
    )
    np.testing.assert_array_equal(together.intensity, alone.intensity)
    np.testing.assert_array_equal(together.sigma, alone.sigma)
    other = degradation.degrade(spots, (3, 5), numbers)
    assert other.n_spots != together.n_spots or (other.intensity != together.intensity).any()
    again = Degradation(random_state=7).transform(spots)
    np.testing.assert_array_equal(
        again.intensity, Degradation(random_state=7).transform(spots).intensity
    )


def test_what_cannot_be_is_named(spots):
    with pytest.raises(ValueError, match="b_factor must be None, a number"):
        Degradation(b_factor=(3, 1)).fit()
    with pytest.raises(ValueError, match="missing is a fraction"):
        Degradation(missing=2.0).fit()
    with pytest.raises(ValueError, match="shares has no 'absorption'"):
        Degradation(shares={"absorption": 1.0}).fit()
    with pytest.raises(ValueError, match=r"shares\['twin'\] must lie"):
        Degradation(shares={"twin": 2.0}).fit()
    with pytest.raises(TypeError, match="takes SpotPatterns"):
        Degradation().transform(np.zeros((1, 3, 64, 64)))
    nameless = SpotPatterns(
        np.zeros((0, 2)), np.zeros(0), np.zeros(4, int), np.zeros((1, 3)), np.ones((1, 3))
    )
    with pytest.raises(ValueError, match="indices are known"):
        Degradation().transform(nameless)


def test_equivalents_have_equal_intensities(spots):
    assert spots.orbit is not None
    for row in range(len(spots)):
        one = spots[row]
        for number in np.unique(one.orbit):
            values = one.intensity[one.orbit == number]
            assert np.ptp(values) < 1e-6 * one.intensity.max()
    assert len(np.unique(spots[0].orbit)) < spots[0].n_spots / 3  # cubic
    with pytest.raises(ValueError, match="2 groups were given for 5 crystals"):
        with_orbits(spots, [np.eye(3, dtype=int)[None]] * 2)
