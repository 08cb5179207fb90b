"""Engine "lattice" against patterns of real Condor (FXIhub/condor 1.0.7)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from support.reference import condor_cases, condor_simulator, fixture, shared_arrays

from crystalsym import Crystal

# Condor sums in float32. Its zinc factor differs from gemmi's in the fifth digit.
TOLERANCE, ZINC_TOLERANCE = 1e-5, 5e-4
ZINC = 30


def crystal_of(arrays, name: str) -> Crystal:
    return Crystal(
        arrays[f"{name}/lattice_A"], arrays[f"{name}/frac"], arrays[f"{name}/Zcell"], name=name
    )


def check(arrays, case) -> None:
    crystal = crystal_of(arrays, case["crystal"])
    pattern = condor_simulator(arrays, case, "lattice").transform([crystal])[0, 0]
    expected = arrays[f"{case['key']}/I"]
    assert pattern.shape == expected.shape
    allowed = ZINC_TOLERANCE if ZINC in crystal.atomic_numbers else TOLERANCE
    assert np.abs(pattern - expected).max() < allowed * expected.max()


FIXTURE_CASES = condor_cases(fixture("condor.npz"))


@pytest.mark.parametrize("case", FIXTURE_CASES, ids=[case["key"] for case in FIXTURE_CASES])
def test_fixture_case(case):
    check(fixture("condor.npz"), case)


def test_all_cases_of_the_full_reference():
    arrays = shared_arrays("reference/condor.npz")
    cases = condor_cases(arrays)
    assert len(cases) == 98
    # Both camera lengths, an off-center beam, polarization and the flat surface are among them.
    assert {case["pixel_m"] / case["distance_m"] for case in cases} >= {8e-4, 4e-4, 2e-3}
    assert {case["polarization"] for case in cases} == {"ignore", "unpolarized", "horizontal"}
    assert any(case["cx"] for case in cases)
    assert any(case["flat_ewald_sphere"] for case in cases)
    for case in cases:
        check(arrays, case)


def test_scattering_vectors_and_amplitude_of_the_full_reference():
    arrays = shared_arrays("reference/condor.npz")
    case = next(case for case in condor_cases(arrays) if case["key"] == "TiO2_rutile/v_full")
    simulator = condor_simulator(arrays, case, "lattice")
    rotation = arrays[f"ROT/{case['rotation']}"]
    # Condor gives 2π/m, in the frame of the crystal.
    theirs = arrays["TiO2_rutile/v_full/qmap_2pi_per_m"]
    ours = simulator.detector().scattering_vectors("sphere") @ rotation * 2e10 * math.pi
    assert np.abs(ours - theirs).max() < 1e-6 * np.abs(theirs).max()
    amplitude = np.abs(arrays["TiO2_rutile/v_full/F_sqrt_photons"])
    pattern = simulator.transform([crystal_of(arrays, "TiO2_rutile")])[0, 0]
    assert np.abs(np.sqrt(pattern) - amplitude).max() < 1e-5 * amplitude.max()
