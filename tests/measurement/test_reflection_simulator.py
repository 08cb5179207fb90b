"""Reflection lists of crystals: perfect ones are structure factors, others fall short."""

from __future__ import annotations

import numpy as np
import pytest

from crystalsym import standardize
from crystalsym.datasets import example_crystals, random_molecular_crystals
from crystalsym.diffraction import Coverage
from crystalsym.measurement import Degradation, ReflectionSimulator
from crystalsym.scattering import structure_factors

PERFECT = Degradation(shares={"perfect": 1.0})


def test_perfect_lists_are_structure_factors():
    crystal = standardize(example_crystals()["LiFePO4"])
    (one,) = ReflectionSimulator(PERFECT, settings="canonical", random_state=0).transform([crystal])
    from crystalsym.crystals import in_metric_setting

    moved = in_metric_setting(crystal, 62)
    f = structure_factors(
        one.hkl, one.q, moved.frac_coords, moved.atomic_numbers, moved.occupancies
    )
    scale = one.intensity.max() / (np.abs(f) ** 2).max()
    np.testing.assert_allclose(one.intensity, scale * np.abs(f) ** 2, atol=1e-6 * one.intensity.max())
    assert one.d_min == pytest.approx(0.8, abs=0.02)


def test_equivalents_agree_as_well_as_asked_for():
    from crystalsym.reflections import reduce_reflections

    degradation = Degradation(
        background=None, counting=None, proportional=None, scale_error=0.08, leak=None, cone=None,
        missing=None, twin=None, unobserved=None, extinction=None, compression=None, redundancy=6.0,
        shares={"scale_error": 1.0, "unmerged": 0.0},
    )  # fmt: skip
    table = random_molecular_crystals([19], random_state=1, n_atoms=(60, 120))
    (one,) = ReflectionSimulator(degradation, merged=0.0, random_state=0).transform(table)
    # Mean absolute deviation of normal errors, a little less for few repeats.
    assert reduce_reflections(one).merged(0).r_int == pytest.approx(0.08 * 0.8, rel=0.2)


def test_lists_are_the_same_whatever_the_jobs():
    table = random_molecular_crystals(40, random_state=3, n_atoms=(20, 60))
    one = ReflectionSimulator(random_state=5).transform(table)
    two = ReflectionSimulator(random_state=5, n_jobs=2).transform(table)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a.hkl, b.hkl)
        np.testing.assert_array_equal(a.intensity, b.intensity)
    assert {one_list.coverage for one_list in one} <= {Coverage.LISTED, Coverage.OBSERVED}
    assert len({len(one_list) for one_list in one}) > 10


def test_what_cannot_be_is_named():
    with pytest.raises(ValueError, match="settings must be"):
        ReflectionSimulator(settings="mine").fit()
    with pytest.raises(ValueError, match="radiation must be"):
        ReflectionSimulator(radiation="neutron").fit()
    with pytest.raises(ValueError, match="merged must lie"):
        ReflectionSimulator(merged=2).fit()
