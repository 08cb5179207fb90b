"""Stacking faults, twins and grain boundaries, by what their diffraction must be."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree
from support.blocks import COPPER, CSCL, block, intensities_of, structure_factors_of

from crystalsym.crystals import Cluster, Crystal
from crystalsym.crystals.defects import GrainBoundary, StackingFaults, TwinDomains
from crystalsym.crystals.defects._stacking_faults import widest_gap

# The cell of a face-centered cube along its layers, a = [1-10]/2, b = [01-1]/2, c = [111]: layers
# A, B, C of one atom each.
LAYERED = Crystal(
    [[2.5, 0, 0], [-1.25, 1.25 * np.sqrt(3), 0], [0, 0, 2.5 * np.sqrt(6)]],
    [[0, 0, 0], [2 / 3, 1 / 3, 1 / 3], [1 / 3, 2 / 3, 2 / 3]],
    [29] * 3,
    name="layers",
)
# One layer on the next: A, B, C follow by (2/3, 1/3); a fault adds (1/3, 2/3), ABC -> ABA.
FAULT = {"plane": (0, 0, 3), "shift": (-1 / 3, 1 / 3, 0)}
HKL = [[h, k, m] for h, k, m in product(range(-2, 3), range(-2, 3), range(7)) if h or k or m]


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 1), st.integers(0, 100))
def test_every_third_row_stays_sharp(rate, seed):
    """Reflections h - k = 3n have the intensity of the perfect crystal, whatever the faults."""
    whole = block(LAYERED, (3, 3, 6))
    faulted = StackingFaults(rate, random_state=seed, **FAULT).transform([whole])[0]
    for h, k, m in HKL:
        before, after = (intensities_of(one, [h, k, m])[0] for one in (whole, faulted))
        if (h - k) % 3 == 0:
            assert np.isclose(after, before, rtol=1e-9, atol=1e-9 * 29**2)
        else:
            assert after <= before * (1 + 1e-9) or before < 1e-9


def test_other_rows_are_streaked_as_warren_says():
    """Along 1 0 l the mean is Σ (M - |n|) zⁿ exp(2πi n φ) with z = 1 - α + α exp(2πi q·R)."""
    alpha, cells = 0.3, (1, 1, 8)
    n_layers = 3 * cells[2]
    whole = block(LAYERED, cells)
    rows = np.array([[1, 0, m / 4] for m in range(-10, 11)])
    found = np.mean(
        [
            intensities_of(
                StackingFaults(alpha, random_state=seed, **FAULT).transform([whole])[0], rows
            )
            for seed in range(400)
        ],
        axis=0,
    )
    step = np.exp(2j * np.pi * rows @ np.array([2 / 3, 1 / 3, 1 / 3]))  # from layer to layer
    z = step * (1 - alpha + alpha * np.exp(2j * np.pi * rows @ np.array(FAULT["shift"])))
    n = np.arange(1, n_layers)[:, None]
    expected = n_layers + 2 * ((n_layers - n) * z**n).sum(axis=0).real
    factor = intensities_of(block(LAYERED.replace(frac_coords=[[0, 0, 0]], atomic_numbers=[29],
                                                  occupancies=[1]), 1), rows)  # fmt: skip
    expected *= factor / cells[2] ** 2
    assert np.abs(found - expected).max() < 0.1 * expected.max()


def test_a_fault_on_every_plane_is_the_twin():
    """ABC -> ACB: hkl has the intensity that -h -k l had."""
    whole = block(LAYERED, (2, 2, 4))
    twin = StackingFaults(1.0, **FAULT).transform([whole])[0]
    mirrored = [[-h, -k, m] for h, k, m in HKL]
    assert np.allclose(intensities_of(twin, HKL), intensities_of(whole, mirrored), atol=1e-6)
    assert not np.allclose(intensities_of(twin, HKL), intensities_of(whole, HKL), atol=1)


def test_the_default_is_that_of_copper():
    """h + k - 2l = 6n stays, 200 and 11-1 suffer."""
    whole = block(COPPER, 6)
    faulted = StackingFaults(0.3, random_state=1).transform([whole])[0]
    hkl = [[1, 1, 1], [2, -2, 0], [3, 1, -1], [2, 2, 2], [2, 0, 0], [1, 1, -1]]
    ratio = intensities_of(faulted, hkl) / intensities_of(whole, hkl)
    assert np.allclose(ratio[:4], 1)
    assert ratio[4:].max() < 0.9


def test_neighbors_of_a_fault_keep_their_distance():
    faulted = StackingFaults(0.5, random_state=3).transform([block(COPPER, 5)])[0]
    nearest = cKDTree(faulted.positions).query(faulted.positions, k=2)[0][:, 1]
    assert np.isclose(nearest.min(), 3.6 / np.sqrt(2))


@pytest.mark.parametrize(
    ("heights", "middle"), [([0.0, 1.0, 2.0], 0.5), ([0.1, 0.4, 3.5], 0.8), ([0.0, 0.9], 0.45)]
)
def test_planes_are_cut_where_layers_are_far_apart(heights, middle):
    assert np.isclose(widest_gap(np.array(heights)), middle)


def test_a_twin_doubles_the_spots():
    """Bragg intensity at the mirror images of reflections, which the crystal alone has not."""
    plane = np.array([1, 1, 1]) / np.sqrt(3)
    mirror = np.eye(3) - 2 * np.outer(plane, plane)
    hkl = np.array([[2, 0, 0], [1, 1, -1], [2, 2, 0], [3, 1, 1]])
    images = hkl @ mirror  # the cell is a cube: indices turn as vectors do
    assert not np.allclose(images, np.round(images))
    whole, twin = block(COPPER, 12), TwinDomains(12, standardize=False).transform([COPPER])[0]
    n = len(twin) / len(whole)
    assert abs(n - 1) < 0.05
    strength = intensities_of(whole, [[2, 0, 0]])[0]
    assert intensities_of(whole, images).max() < 0.02 * strength
    own, other = intensities_of(twin, hkl), intensities_of(twin, images)
    # Half the atoms, a quarter of the intensity, each.
    assert np.allclose(own / intensities_of(whole, hkl), 0.25, atol=0.06)
    assert np.allclose(other / own, 1, atol=0.2)
    # What the mirror leaves where it was is common to both.
    common = intensities_of(twin, [[2, -2, 0]]) / intensities_of(whole, [[2, -2, 0]])
    assert np.isclose(common[0], n**2, atol=0.05)


def test_mirrored_halves_are_mirror_images():
    twin = TwinDomains(6, plane=(0, 0, 1), standardize=False).transform([CSCL])[0]
    middle = 3 * 4.1
    mirrored = twin.positions * [1, 1, -1] + [0, 0, 2 * middle]
    inside = (mirrored[:, 2] > -0.1) & (mirrored[:, 2] < 6 * 4.1 - 2.1)
    away, which = cKDTree(twin.positions).query(mirrored[inside])
    assert away.max() < 1e-9
    assert np.array_equal(twin.atomic_numbers[which], twin.atomic_numbers[inside])


def test_growth_twins_at_rate_0_and_1():
    """No boundary, and a boundary at every layer: ABAB, the hexagonal packing."""
    common = {"plane": (0, 0, 3), "standardize": False}
    none = TwinDomains((2, 2, 4), rate=0.0, **common).transform([LAYERED])[0]
    assert np.allclose(np.sort(none.positions, axis=0), np.sort(block(LAYERED, (2, 2, 4)).positions,
                                                                axis=0))  # fmt: skip
    every = TwinDomains((6, 6, 4), rate=1.0, **common).transform([LAYERED])[0]
    inner = (every.positions[:, 2] > 3) & (every.positions[:, 2] < 20)
    layers = every.positions[inner]
    again = layers + np.array([0, 0, 2 * 2.5 * np.sqrt(6) / 3])
    away = cKDTree(every.positions).query(again)[0]
    assert np.median(away) < 1e-9


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 6), st.sampled_from(["reflection", "rotation"]))
def test_density_of_twins(domains, operation):
    twin = TwinDomains(8, domains=domains, operation=operation, standardize=False).transform(
        [COPPER]
    )[0]
    assert abs(len(twin) / (4 * 8**3) - 1) < 0.1
    assert cKDTree(twin.positions).query(twin.positions, k=2)[0][:, 1].min() > 2.5


def test_two_grains_diffract_each_by_itself():
    """A twist by θ about c: 200 at its place, and turned by θ, each of half the atoms."""
    whole = block(COPPER, 12)
    twist = GrainBoundary(12, angle=30.0, standardize=False).transform([COPPER])[0]
    turned = 2 * np.array([np.cos(np.pi / 6), np.sin(np.pi / 6), 0])
    ratio = intensities_of(twist, [[2, 0, 0], turned]) / intensities_of(whole, [[2, 0, 0]])
    assert np.allclose(ratio, 0.25, atol=0.04)
    assert intensities_of(whole, turned)[0] < 0.01 * intensities_of(whole, [[2, 0, 0]])[0]
    common = structure_factors_of(twist, [[0, 0, 2]]) / structure_factors_of(whole, [[0, 0, 2]])
    assert abs(abs(common[0]) - 1) < 0.1


def test_no_turn_is_no_boundary():
    same = GrainBoundary(4, angle=0.0, standardize=False).transform([COPPER])[0]
    whole = block(COPPER, 4)
    assert len(same) == len(whole)
    assert cKDTree(whole.positions).query(same.positions)[0].max() < 1e-9


def test_grains_keep_their_distance():
    tilt = GrainBoundary(6, plane=(1, 0, 0), axis=(0, 0, 1), angle=20.0, min_distance=2.0)
    positions = tilt.transform([COPPER])[0].positions
    assert cKDTree(positions).query(positions, k=2)[0][:, 1].min() >= 2.0


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (StackingFaults(plane=(1, 1, 0)), r"shift=.* leaves the plane \(1, 1, 0\): hu"),
        (StackingFaults(plane=(1, 1, 0.5)), "plane must be three integers"),
        (StackingFaults(rate=-1), r"rate must lie in \[0, 1\]"),
        (TwinDomains(operation="twist"), "operation must be one of"),
        (TwinDomains(domains=0), "domains must be a positive integer"),
        (TwinDomains(2, domains=99), "domains=99 in a block with"),
        (TwinDomains(operation="rotation", offset=0.5), r"\(1, 1, 1\) at 12\.5 holds none"),
        (TwinDomains(0), "cells must be one or three positive integers"),
        (TwinDomains(rate=2), "rate must lie in"),
        (GrainBoundary(axis=(0, 0, 0)), "axis must be three integers, not all zero"),
        (GrainBoundary(position=2), r"position must lie in \[0, 1\]"),
        (GrainBoundary(angle=np.inf), "angle must be a finite number"),
    ],
)
def test_bad_parameters_are_named(step, message):
    made_of = block(COPPER, 2) if isinstance(step, StackingFaults) else COPPER
    with pytest.raises(ValueError, match=message):
        step.transform([made_of])


def test_a_fault_needs_a_lattice():
    with pytest.raises(ValueError, match=r"has no lattice, which the plane of a fault refers to"):
        StackingFaults().transform([Cluster([[0, 0, 0], [1, 1, 1]], [6, 6])])
