"""Displacement by temperature, strain and strain fields."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.blocks import CSCL, SIMPLE, block, intensities_of

from crystalsym.crystals.defects import Strain, StrainField, ThermalDisplacements

HKL = np.array([[1, 0, 0], [0, 2, 0], [1, 2, 1], [3, 0, 0], [0, 0, 4]])


@pytest.mark.parametrize("length", [0.0, 3.0])
def test_debye_waller_factor(length):
    """I falls to exp(-4π² q² rms² / 3), with correlation as without."""
    rms, whole = 0.15, block(SIMPLE, 14)
    q = np.linalg.norm(HKL @ np.linalg.inv(whole.lattice).T, axis=1)
    expected = np.exp(-4 * np.pi**2 * q**2 * rms**2 / 3)
    ratios = []
    for seed in range(6):
        step = ThermalDisplacements(rms, correlation_length=length, random_state=seed)
        ratios.append(intensities_of(step.transform([whole])[0], HKL) / intensities_of(whole, HKL))
    assert expected.min() < 0.8
    assert np.allclose(np.mean(ratios, axis=0), expected, atol=0.02 if length == 0 else 0.05)


def test_correlation_falls_with_distance():
    """<u(0) u(r)> = rms² exp(-r² / 2ξ²) / 3 along each axis."""
    whole, length = block(SIMPLE, 12), 6.0
    shifts = np.array(
        [
            ThermalDisplacements(1.0, correlation_length=length, random_state=seed)
            .transform([whole])[0]
            .positions
            - whole.positions
            for seed in range(20)
        ]
    ).reshape(20, 12, 12, 12, 3)
    for step in (0, 1, 2, 4):
        product = (shifts[:, : 12 - step] * shifts[:, step:]).mean()
        assert abs(product - np.exp(-((3.0 * step) ** 2) / (2 * length**2)) / 3) < 0.05
    alone = ThermalDisplacements(1.0, random_state=0).transform([whole])[0]
    alone = (alone.positions - whole.positions).reshape(12, 12, 12, 3)
    assert abs((alone[1:] * alone[:-1]).mean()) < 0.03


def test_elements_have_amplitudes_of_their_own():
    whole = block(CSCL, 6)
    warm = ThermalDisplacements({"Cl": 0.2}, random_state=0).transform([whole])[0]
    shifts = np.linalg.norm(warm.positions - whole.positions, axis=1)
    assert shifts[whole.atomic_numbers == 55].max() == 0
    assert abs(np.sqrt((shifts[whole.atomic_numbers == 17] ** 2).mean()) - 0.2) < 0.02


def test_homogeneous_strain_moves_the_lattice_along():
    tensor = np.array([[0.02, 0.01, 0], [0.01, -0.01, 0], [0, 0, 0.03]])
    whole = block(CSCL, 4)
    strained = Strain(tensor).transform([whole])[0]
    assert np.allclose(strained.lattice, whole.lattice @ (np.eye(3) + tensor))
    # In its own lattice it is the same block.
    places = strained.positions @ np.linalg.inv(strained.lattice)
    before = whole.positions @ np.linalg.inv(whole.lattice)
    assert np.allclose(places - places[0], before - before[0], atol=1e-9)


def test_gradient_bends_planes():
    """With d across n, planes across n keep their distance and become parabolas."""
    whole = block(SIMPLE, 8)
    bent = Strain(gradient=(0, 0, 1e-3), along=(1, 0, 0)).transform([whole])[0]
    shifts = bent.positions - whole.positions
    x = whole.positions[:, 0] - whole.positions[:, 0].mean()
    assert np.allclose(shifts[:, :2], 0)
    assert np.allclose(shifts[:, 2], 0.5e-3 * x**2)
    assert np.array_equal(bent.lattice, whole.lattice)


@settings(max_examples=15, deadline=None)
@given(st.floats(1e-3, 0.03), st.floats(10, 100), st.integers(0, 50))
def test_strain_fields_have_the_strain_and_no_mean(rms, wavelength, seed):
    """By differences between neighbors, which are 3 to 4 Å apart in waves of 10 Å and more."""
    whole = block(SIMPLE, 10)
    strained = StrainField(rms, wavelength=wavelength, random_state=seed).transform([whole])[0]
    shifts = (strained.positions - whole.positions).reshape(10, 10, 10, 3)
    elongations = [np.diff(shifts[..., i], axis=i) / whole.lattice[i, i] for i in range(3)]
    # Differences across the whole block mean nothing but the mean strain.
    assert max(abs(one.mean()) for one in elongations) < 0.35 * rms
    found = np.sqrt(np.mean([(one**2).mean() for one in elongations]))
    assert 0.6 * rms < found < 1.2 * rms


def test_long_waves_shift_more():
    whole = block(SIMPLE, 30)
    size = {}
    for wavelength in (20.0, 60.0):
        moved = StrainField(0.01, wavelength=wavelength, random_state=0).transform([whole])[0]
        size[wavelength] = np.sqrt(((moved.positions - whole.positions) ** 2).sum(axis=1).mean())
    assert 2 < size[60.0] / size[20.0] < 4


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (ThermalDisplacements(-0.1), "rms must be at least 0, got -0.1"),
        (ThermalDisplacements({"Xx": 0.1}), "rms must be an element's symbol"),
        (ThermalDisplacements({"O": 0.1}), "structure 0: rms names 'O', of which there is no"),
        (ThermalDisplacements(correlation_length=np.nan), "correlation_length must be a finite"),
        (Strain([[0, 1], [1, 0]]), r"strain must be a finite number or a \(3, 3\) tensor"),
        (Strain([[0, 0.1, 0], [0, 0, 0], [0, 0, 0]]), "strain must be symmetric"),
        (Strain(-1.0), "strain=-1.0 leaves no volume"),
        (Strain(along=(1, 0, 0)), "is the direction of a gradient: give one"),
        (Strain(gradient=(0, 0, 0)), "gradient must be three finite numbers, not all zero"),
        (StrainField(wavelength=(30, 20)), r"wavelength must be a number or \(low, high\)"),
        (StrainField(wavelength=0.0), "wavelength must be above 0"),
    ],
)
def test_bad_parameters_are_named(step, message):
    with pytest.raises(ValueError, match=message):
        step.transform([block(CSCL, 2)])
