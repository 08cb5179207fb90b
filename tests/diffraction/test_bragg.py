"""Engine "bragg": intensities and places against the table of reflections and the lattice sum."""

from __future__ import annotations

import numpy as np
import pytest
from support.crystals import NACL, lattice_of, one_atom
from support.random_crystals import random_crystal

from crystalsym import Crystal, DiffractionSimulator
from crystalsym.diffraction import find_spots, reflections
from crystalsym.scattering import scattering_factors


def zone_table(crystal, axis, radiation="xray"):
    """|F|² of the zero-order layer by hkl."""
    table = reflections(crystal, 2.07, radiation=radiation)
    inside = table.hkl[:, axis] == 0
    return dict(zip(map(tuple, table.hkl[inside].tolist()), table.intensity[inside], strict=True))


@pytest.mark.parametrize("radiation", ["xray", "electron"])
@pytest.mark.parametrize("number", [1, 14, 62, 148, 198])
def test_spots_are_the_reflections_of_the_zone(number, radiation):
    crystal = random_crystal(number, np.random.default_rng(number), n_orbits=1)
    simulator = DiffractionSimulator(
        "zone-axes",
        standardize=False,
        radiation=radiation,
        image_size=513,
        normalize=False,
        spot_sigma=0.6,
    )
    detector = simulator.detector()
    for axis, pattern in enumerate(simulator.transform([crystal])[0]):
        expected = zone_table(crystal, axis, radiation)
        along_x = crystal.reciprocal[(axis + 1) % 3]
        along_x = along_x / np.linalg.norm(along_x)
        along_y = np.cross(crystal.lattice[axis] / np.linalg.norm(crystal.lattice[axis]), along_x)
        spots = find_spots(pattern, threshold=1e-3)
        assert len(spots) > 20
        x = (spots.columns - detector.beam[0]) * detector.q_per_pixel
        y = (spots.rows - detector.beam[1]) * detector.q_per_pixel
        q = np.outer(x, along_x) + np.outer(y, along_y)
        hkl = q @ crystal.lattice.T
        # Spots cut off by the edge are left out.
        whole = np.all(np.abs(np.stack([x, y])) < 1.45, axis=0)
        assert np.abs(hkl - np.round(hkl))[whole].max() < 0.02
        indices = np.round(hkl[whole]).astype(int).tolist()
        for index, height in zip(indices, spots.intensities[whole], strict=True):
            assert height == pytest.approx(expected[tuple(index)], rel=0.02)


def test_unnormalized_peak_is_the_structure_factor_squared():
    simulator = DiffractionSimulator("zone-axes", image_size=65, normalize=False)
    pattern = simulator.transform([NACL])[0, 0]
    assert pattern[32, 32] == pytest.approx(reflections(NACL, 0.1).intensity[0], rel=1e-5)


def test_spot_width_is_as_given():
    crystal = one_atom(np.eye(3) * 2.0)
    for sigma in (0.5, 1.0, 2.0):
        pattern = DiffractionSimulator(
            "zone-axes", image_size=65, q_max=0.4, spot_sigma=sigma
        ).transform([crystal])[0, 0]
        assert pattern[32, 34] == pytest.approx(np.exp(-2 / sigma**2), rel=1e-3, abs=1e-7)


def test_spots_fall_where_they_are_whatever_the_pixels():
    """Twice the pixels at the same edge: the same places in 1/Å."""
    crystal = one_atom(lattice_of(4, 5, 6, 80, 95, 105))
    found = []
    for size in (129, 257):
        simulator = DiffractionSimulator("zone-axes", image_size=size, standardize=False)
        spots = find_spots(simulator.transform([crystal])[0, 0])
        q = (np.stack([spots.columns, spots.rows], 1) - (size - 1) / 2) * simulator.q_per_pixel
        q = q[np.all(np.abs(q) < 1.3, axis=1)]
        found.append(q)
    assert len(found[0]) == len(found[1]) > 100
    distances = np.linalg.norm(found[0][:, None] - found[1], axis=-1)
    assert distances.min(axis=1).max() < 2e-3


def test_center_moves_the_pattern():
    crystal = random_crystal(2, np.random.default_rng(0))
    middle = DiffractionSimulator("zone-axes", image_size=65, standardize=False)
    moved = DiffractionSimulator(
        "zone-axes",
        image_size=65,
        standardize=False,
        center=(36.0, 30.0),
        pixel_size=middle.detector().pixel_size,
    )
    a, b = (simulator.transform([crystal])[0] for simulator in (middle, moved))
    assert np.allclose(a[:, 2:60, 0:60], b[:, 0:58, 4:64], atol=1e-5)


def test_lattice_engine_agrees_at_the_reflections():
    """At the place of a reflection the lattice sum is N² cells times |F|²."""
    crystal = Crystal(np.eye(3) * 4.0, [[0, 0, 0], [0.31, 0.2, 0.1]], [26, 8])
    # One pixel is 1/32 of a reciprocal edge, so that every reflection lies on a pixel.
    geometry = {
        "image_size": 257,
        "q_max": 128 / 32 / 4.0,
        "standardize": False,
        "normalize": False,
        "dtype": "float64",
    }
    bragg = DiffractionSimulator("zone-axes", spot_sigma=0.6, **geometry).transform([crystal])[0]
    lattice = DiffractionSimulator("zone-axes", engine="lattice", cells=5, **geometry).transform(
        [crystal]
    )[0]
    on_spots = np.s_[:, ::32, ::32]
    ratio = lattice[on_spots] / bragg[on_spots]
    assert np.allclose(ratio, ratio[0, 0, 0], rtol=1e-4)
    table = zone_table(crystal, 2)
    column, row = 128 + 2 * 32, 128 - 3 * 32  # a* is along +x, b* along +y
    assert bragg[2, row, column] == pytest.approx(table[2, -3, 0], rel=1e-4)


def test_block_of_cells_is_the_sum_over_its_atoms():
    """The factorized sum against one explicit sum over every atom of the block."""
    crystal = random_crystal(1, np.random.default_rng(0))
    simulator = DiffractionSimulator(
        engine="lattice",
        ewald="sphere",
        cells=(2, 3, 1),
        image_size=17,
        standardize=False,
        views=[np.eye(3)],
        normalize=False,
        dtype="float64",
    )
    shifts = np.stack(np.meshgrid(range(2), range(3), range(1), indexing="ij"), -1).reshape(-1, 3)
    places = (crystal.frac_coords[:, None] + shifts).reshape(-1, 3) @ crystal.lattice
    detector = simulator.detector()
    q = detector.scattering_vectors("sphere")
    factors = scattering_factors(crystal.atomic_numbers, np.linalg.norm(q, axis=-1).ravel())
    factors = np.repeat(factors, len(shifts), axis=0).reshape(-1, 17, 17)
    amplitude = (factors * np.exp(-2j * np.pi * np.einsum("yxi,ni->nyx", q, places))).sum(axis=0)
    expected = np.abs(amplitude) ** 2 * detector.solid_angle("sphere") * 2.8179403205e-5**2
    assert np.allclose(simulator.transform([crystal])[0, 0], expected, rtol=1e-6, atol=0)


def test_fluence_and_polarization_scale_the_lattice_engine():
    common = {"engine": "lattice", "image_size": 33, "cells": 3, "normalize": False}
    one = DiffractionSimulator("zone-axes", **common).transform([NACL])
    assert np.allclose(
        DiffractionSimulator("zone-axes", fluence=7.0, **common).transform([NACL]), 7 * one
    )
    weaker = DiffractionSimulator("zone-axes", polarization="horizontal", wavelength=0.5, **common)
    plain = DiffractionSimulator("zone-axes", wavelength=0.5, **common)
    factor = weaker.detector().polarization_factor("horizontal")
    assert np.allclose(weaker.transform([NACL]), plain.transform([NACL]) * factor)


def test_partial_occupancy_weakens():
    full = DiffractionSimulator("zone-axes", image_size=33, normalize=False)
    half = NACL.replace(occupancies=[0.5] * 8)
    for engine in ("bragg", "lattice"):
        simulator = full.set_params(engine=engine, cells=2)
        assert np.allclose(
            simulator.transform([half]), simulator.transform([NACL]) / 4, rtol=1e-5, atol=1e-30
        )


def test_electrons_scatter_differently():
    patterns = [
        DiffractionSimulator("zone-axes", radiation=radiation, image_size=33).transform([NACL])
        for radiation in ("xray", "electron")
    ]
    assert np.abs(np.subtract(*patterns)).max() > 0.01
