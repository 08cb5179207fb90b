"""Engine "bragg" on the Ewald sphere: against the exact block of cells and plain geometry."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.crystals import NACL, lattice_of, one_atom
from support.random_crystals import random_crystal

from crystalsym import DiffractionSimulator
from crystalsym.diffraction import find_spots

# A long axis along the beam: the first Laue zone meets the sphere on the detector.
LONG = one_atom(np.diag([7.0, 8.0, 20.0]))
CAMERA = {"views": [[0, 0, 1]], "standardize": False, "ewald": "sphere", "dtype": "float64"}


def spots_of(simulator, crystal):
    """x, y (1/Å) about the beam and peaks of the first view's spots."""
    pattern = simulator.transform([crystal])[0, 0]
    spots = find_spots(pattern, threshold=1e-5)
    scale, (x0, y0) = simulator.q_per_pixel, simulator.detector().beam
    return (spots.columns - x0) * scale, (spots.rows - y0) * scale, spots.intensities


@pytest.fixture(scope="module")
def block():
    """Spots of engine "bragg" and what a block of 41 x 41 x 8 cells shows there.

    Columns: |q|, s t, intensity by either engine, distance of the centers in pixels.
    """
    common = {**CAMERA, "wavelength": 0.1, "q_max": 1.1, "image_size": 1401, "cells": (41, 41, 8)}
    bragg = DiffractionSimulator(engine="bragg", spot_sigma=1.0, **common)
    exact = DiffractionSimulator(engine="lattice", **common).transform([LONG])[0, 0]
    rows = []
    # Eight times the width of a spot on either side.
    half_x, half_y = (round(8 / (41 * edge * bragg.q_per_pixel)) for edge in (7.0, 8.0))
    x, y, heights = spots_of(bragg, LONG)
    for qx, qy, height in zip(x, y, heights, strict=True):
        column, row = 700 + qx / bragg.q_per_pixel, 700 + qy / bragg.q_per_pixel
        c, r = round(column), round(row)
        if min(c - half_x, r - half_y) < 0 or max(c + half_x, r + half_y) > 1400:
            continue
        window = exact[r - half_y : r + half_y + 1, c - half_x : c + half_x + 1]
        core = exact[r - 4 : r + 5, c - 4 : c + 5]
        dy, dx = (np.mgrid[-4:5, -4:5] * core).sum(axis=(1, 2)) / core.sum()
        slant = math.hypot(1, 0.1 * math.hypot(qx, qy))
        depth = (1 - 1 / slant) / 0.1  # of the sphere, 1/Å
        error = depth - round(depth * 20) / 20
        miss = math.hypot(c + dx - column, r + dy - row)
        rows.append([math.hypot(qx, qy), error * 160, height, window.sum(), miss])
    rows = np.array(sorted(rows))
    rows[:, 2:4] /= rows[0, 2:4]  # the direct beam
    return rows


def test_spots_lie_where_the_block_puts_them(block):
    near = np.abs(block[:, 1]) < 0.8
    assert near.sum() > 50
    # Spots are 80 pixels apart. The sphere's slope leans on those near a zero of sinc².
    assert block[near, 4].max() < 0.3
    assert np.median(block[near, 4]) < 0.05


def test_spots_have_the_blocks_integrated_intensities(block):
    near = np.abs(block[:, 1]) < 0.7
    assert np.abs(block[near, 2] / block[near, 3] - 1).max() < 0.05
    # Side lobes of a block of 8 cells are a little stronger than those of a plate.
    assert np.abs(block[:, 2] - block[:, 3]).max() < 0.01


def test_the_first_laue_zone_is_as_strong_as_in_the_block(block):
    q = block[:, 0] / np.hypot(1, 0.1 * block[:, 0])
    on_ring = np.abs(q - math.sqrt(2 * 0.05 / 0.1 - 0.05**2)) < 0.04
    assert on_ring.sum() >= 20
    assert block[on_ring, 3].max() > 0.1
    assert np.allclose(block[on_ring, 2], block[on_ring, 3], rtol=0.05)


def test_zero_layer_spots_move_outwards_by_the_tangent():
    """X / (D λ) = q / sqrt(1 - λ² q²)."""
    crystal = one_atom(np.eye(3) * 3.0)
    simulator = DiffractionSimulator(
        **CAMERA, wavelength=0.8, thickness=1.0, q_max=1.5, image_size=301, laue_zones=0
    )
    x, y, _ = spots_of(simulator, crystal)
    radius = np.sort(np.hypot(x, y)[np.abs(y) < 0.01])
    # In pairs about the beam; the fourth would leave at 90 degrees and more.
    q = np.array([0, 1, 1, 2, 2, 3, 3]) / 3.0
    places = q / np.sqrt(1 - (0.8 * q) ** 2)
    inside = places <= 1.5
    assert np.allclose(radius, places[inside], atol=0.1 * simulator.q_per_pixel)


@pytest.mark.parametrize("wavelength", [0.035, 0.1])
def test_laue_zones_are_rings(wavelength):
    """q² = 2kg - g² for the zone at the height g."""
    crystal = one_atom(np.diag([9.0, 11.0, 15.0]))
    common = {**CAMERA, "wavelength": wavelength, "thickness": 1500.0, "q_max": 2.5}
    simulator = DiffractionSimulator(**common, image_size=512)
    x, y, _ = spots_of(simulator, crystal)
    radius = np.hypot(x, y)
    radius /= np.sqrt(1 + (wavelength * radius) ** 2)
    height = np.arange(8) / 15.0
    rings = np.sqrt(2 * height / wavelength - height**2)
    nearest = np.abs(radius[:, None] - rings).argmin(axis=1)
    # A spot is seen while |s| t < 3; dq = ds / (λ q).
    depth = (1 - np.sqrt(1 - (wavelength * radius) ** 2)) / wavelength
    assert np.all(np.abs(depth - height[nearest]) * 1500 < 3.2)
    expected = {n for n in range(8) if rings[n] < 2.4}
    assert expected <= set(nearest.tolist())
    assert len(expected) == (2 if wavelength == 0.035 else 5)


def test_zones_can_be_left_out():
    crystal = one_atom(np.diag([4.0, 5.0, 15.0]))
    common = {**CAMERA, "wavelength": 0.1, "thickness": 400.0, "q_max": 2.0, "normalize": False}
    images = {
        zones: DiffractionSimulator(**common, laue_zones=zones, image_size=128).transform(
            [crystal]
        )[0, 0]
        for zones in (0, 1, 2, 3, 7, None)
    }
    radius = np.hypot(*(np.mgrid[:128, :128] - 63.5)) * 2.0 / 63.5
    for last in (0, 1, 2):
        added = images[last + 1] - images[last]
        assert added.min() > -1e-5 * images[0].max()
        bright = added > 1e-2 * added.max()
        ring = math.sqrt(2 * (last + 1) / 15 / 0.1)
        assert bright.sum() > 20
        assert np.abs(radius[bright] - ring).max() < 0.2
    assert np.array_equal(images[7], images[None])
    assert not np.array_equal(images[3], images[0])


def test_zones_count_from_the_primitive_direction():
    crystal = one_atom(np.diag([4.0, 5.0, 15.0]))
    common = {"ewald": "sphere", "wavelength": 0.1, "standardize": False, "image_size": 64}
    for laue_zones in (0, 1):
        one, two = (
            DiffractionSimulator([zone], laue_zones=laue_zones, **common).transform([crystal])
            for zone in ([1, 0, 1], [2, 0, 2])
        )
        assert np.array_equal(one, two)


@pytest.mark.parametrize("zones", [-1, 1.0, True, "all"])
def test_zones_must_be_a_number(zones):
    with pytest.raises(ValueError, match="laue_zones must be None or an integer from 0 up"):
        DiffractionSimulator(ewald="sphere", laue_zones=zones).fit()


@pytest.mark.parametrize("views", ["cartesian", "rotations", np.eye(3)[None]])
def test_zones_need_a_zone_axis(views):
    with pytest.raises(ValueError, match="laue_zones counts along a zone axis"):
        DiffractionSimulator(views, ewald="sphere", laue_zones=1).fit()


def test_all_zones_of_a_flat_surface_are_the_zero_layer():
    common = {"image_size": 64, "cells": 4}
    flat = DiffractionSimulator(**common).transform([NACL])
    assert np.array_equal(DiffractionSimulator(**common, laue_zones=2).transform([NACL]), flat)


@settings(max_examples=10)
@given(st.integers(0, 1000))
def test_short_waves_see_a_plane(seed):
    crystal = random_crystal(14, np.random.default_rng(seed))
    common = {"image_size": 64, "symprec": 0.01, "views": [[1, 0, 0], [1, 1, 0], [1, 2, -1]]}
    flat = DiffractionSimulator(**common).transform([crystal])
    sphere = DiffractionSimulator(
        **common, ewald="sphere", wavelength=1e-9, thickness=1e5
    ).transform([crystal])
    assert np.abs(flat - sphere).max() < 1e-4


@pytest.mark.parametrize(
    ("cell", "view", "way"),
    [
        ((4, 5, 6, 90, 90, 90), [0, 0, 1], 6.0),
        ((4, 5, 6, 80, 95, 105), [1, 0, 0], 4.0),
        ((4, 5, 6, 80, 95, 105), [0, 1, 0], 5.0),
        # Along a face's or the body's diagonal of a cube, from edge to edge.
        ((4, 4, 4, 90, 90, 90), [0, 1, 1], 4 * math.sqrt(2)),
        ((4, 4, 4, 90, 90, 90), [1, 1, 1], 4 * math.sqrt(3)),
    ],
)
def test_default_thickness_is_the_way_through_the_block(cell, view, way):
    crystal = one_atom(lattice_of(*cell))
    common = {**CAMERA, "views": [view], "wavelength": 0.1, "image_size": 64}
    by_cells = DiffractionSimulator(**common, cells=7).transform([crystal])
    by_thickness = DiffractionSimulator(**common, thickness=7 * way).transform([crystal])
    assert np.allclose(by_cells, by_thickness, rtol=1e-9, atol=1e-12)
    other = DiffractionSimulator(**common, thickness=6 * way).transform([crystal])
    assert not np.allclose(by_cells, other, atol=1e-3)


def test_thickness_weights_by_sinc_squared():
    crystal = one_atom(np.diag([4.0, 5.0, 6.0]))
    common = {**CAMERA, "wavelength": 0.1, "q_max": 1.0, "image_size": 256, "normalize": False}
    common["laue_zones"] = 0
    thick = {t: spots_of(DiffractionSimulator(**common, thickness=t), crystal) for t in (20.0, 0.5)}
    x, y, heights = thick[20.0]
    x_thin, y_thin, heights_thin = thick[0.5]
    compared = 0
    for qx, qy, height in zip(x, y, heights, strict=True):
        q = math.hypot(qx, qy) / math.hypot(1, 0.1 * math.hypot(qx, qy))
        depth = 10 - math.sqrt(100 - q * q)
        nearest = np.hypot(x_thin - qx, y_thin - qy).argmin()
        ratio = height / heights_thin[nearest]
        expected = (np.sinc(depth * 20) / np.sinc(depth * 0.5)) ** 2
        assert ratio == pytest.approx(expected, abs=0.01)
        compared += expected > 0.05
    assert compared > 20
