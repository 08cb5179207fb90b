"""Where spots lie: patterns measured with ``find_spots`` against the reciprocal metric."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from support.crystals import lattice_of, one_atom, turned
from support.random_crystals import random_crystal
from support.reference import fixture

from crystalsym import Crystal, DiffractionSimulator
from crystalsym.diffraction import find_spots, reflections, zone_axis_rotation
from crystalsym.diffraction._zone_layers import spanning_reflections

CELLS = {
    "triclinic": (4.1, 5.3, 6.7, 72, 81, 106),
    "monoclinic": (5.1, 4.2, 6.3, 90, 108, 90),
    "hexagonal": (3.9, 3.9, 6.1, 90, 90, 120),
}
each_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
PIXEL = 0.02  # how exactly a spot is found, in pixels
ZONES = [(1, 1, 0), (1, 0, 1), (1, 1, 1), (2, 1, 0), (1, -2, 1), (-1, 0, 0), (0, 0, -1), (2, 2, 0)]


def reciprocal_metric(cell) -> np.ndarray:
    """Textbook formulae, no vectors: G* from the cell's edges and angles."""
    a, b, c = cell[:3]
    ca, cb, cg = np.cos(np.radians(cell[3:]))
    metric = np.array(
        [
            [a * a, a * b * cg, a * c * cb],
            [a * b * cg, b * b, b * c * ca],
            [a * c * cb, b * c * ca, c * c],
        ]
    )
    return np.linalg.inv(metric)


def spots_of(simulator, crystal, view=0):
    """Spots about the beam: x, y in 1/Å and intensity, strongest first."""
    pattern = simulator.transform([crystal])[0, view]
    spots = find_spots(pattern, threshold=1e-5)
    detector = simulator.detector()
    x = (spots.columns - detector.beam[0]) * detector.q_per_pixel
    y = (spots.rows - detector.beam[1]) * detector.q_per_pixel
    return np.stack([x, y], axis=1), spots.intensities


def match(measured, expected, tolerance) -> np.ndarray:
    """Index of the measured spot at each expected place; all of them must be there."""
    distances = np.linalg.norm(expected[:, None] - measured[None], axis=-1)
    nearest = distances.argmin(axis=1)
    assert distances.min(axis=1).max() < tolerance
    return nearest


def layer(cell, zone, along_x, q_max):
    """Reflections of a zone: (hkl, x, y), x along ``along_x``, from the metric alone."""
    metric = reciprocal_metric(cell)
    hkl = np.array(list(product(range(-12, 13), repeat=3)))
    hkl = hkl[hkl @ zone == 0]
    q = np.sqrt(np.einsum("ni,ij,nj->n", hkl, metric, hkl))
    x = hkl @ metric @ along_x / math.sqrt(along_x @ metric @ along_x)
    # +y = beam x (+x): the sign of det(along_x, hkl, uvw) in a right-handed cell.
    side = np.sign(np.cross(along_x, hkl) @ zone)
    y = side * np.sqrt(np.maximum(q**2 - x**2, 0))
    inside = (np.abs(x) <= q_max) & (np.abs(y) <= q_max)
    return hkl[inside], np.stack([x, y], axis=1)[inside]


@each_cell
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_principal_views_show_the_zone_with_the_next_reciprocal_axis_along_x(cell, axis):
    simulator = DiffractionSimulator("zone-axes", standardize=False)
    crystal = one_atom(lattice_of(*cell))
    places, heights = spots_of(simulator, crystal, axis)
    zone, along_x = np.eye(3, dtype=int)[[axis, (axis + 1) % 3]]
    hkl, expected = layer(cell, zone, along_x, 1.44)
    assert len(hkl) > 60
    found = match(places, expected, PIXEL * simulator.q_per_pixel)
    # Nothing else is there, and every peak is its |F|².
    inside = np.all(np.abs(places) <= 1.44, axis=1)
    assert inside.sum() == len(hkl)
    table = reflections(crystal, 2.2)
    intensity = dict(zip(map(tuple, table.hkl.tolist()), table.intensity, strict=True))
    expected_heights = np.array([intensity[tuple(i)] for i in hkl.tolist()])
    assert np.allclose(
        heights[found] / heights.max(), expected_heights / expected_heights.max(), rtol=2e-3
    )


@each_cell
def test_distances_and_angles_are_those_of_the_reciprocal_axes(cell):
    simulator = DiffractionSimulator("zone-axes", standardize=False)
    crystal = one_atom(lattice_of(*cell))
    metric = reciprocal_metric(cell)
    length = np.sqrt(np.diag(metric))
    for axis in range(3):
        places, _ = spots_of(simulator, crystal, axis)
        i, j = (axis + 1) % 3, (axis + 2) % 3
        angle = math.acos(metric[i, j] / (length[i] * length[j]))
        first = places[match(places, np.array([[length[i], 0.0]]), 3e-4)[0]]
        turned_by = np.array([[math.cos(angle), math.sin(angle)]])
        second = places[match(places, length[j] * turned_by, 3e-4)[0]]
        assert np.hypot(*first) == pytest.approx(length[i], abs=2e-4)
        assert np.hypot(*second) == pytest.approx(length[j], abs=2e-4)
        # Counter-clockwise, seen with +y (rows) upwards.
        between = math.atan2(second[1], second[0]) - math.atan2(first[1], first[0])
        assert math.degrees(between) == pytest.approx(math.degrees(angle), abs=0.05)


@each_cell
@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_general_zone_shows_its_layer_with_the_shortest_reflection_along_x(cell, zone):
    metric = reciprocal_metric(cell)
    hkl = np.array(list(product(range(-5, 6), repeat=3)))
    hkl = hkl[(hkl @ zone == 0) & hkl.any(axis=1)]
    q2 = np.einsum("ni,ij,nj->n", hkl, metric, hkl)
    along_x = np.array(max(hkl[q2 < q2.min() * (1 + 1e-9)].tolist()))
    simulator = DiffractionSimulator(views=[zone], standardize=False)
    places, _ = spots_of(simulator, one_atom(lattice_of(*cell)))
    _, expected = layer(cell, zone, along_x, 1.40)
    match(places, expected, PIXEL * simulator.q_per_pixel)
    assert np.all(np.abs(places) <= 1.40, axis=1).sum() == len(expected)


@settings(max_examples=100)
@given(
    st.tuples(*[st.integers(-6, 6)] * 3).filter(any),
    st.tuples(*[st.floats(3, 12)] * 3, *[st.floats(70, 110)] * 3),
)
def test_layer_basis_is_primitive(zone, cell):
    reciprocal = np.linalg.inv(lattice_of(*cell)).T
    first, second = spanning_reflections(reciprocal, zone)
    assert np.array_equal(np.cross(first, second) * math.gcd(*zone), zone)


def test_zone_of_a_very_skew_cell():
    """Regression: the second vector of the layer lay outside the box that was searched."""
    plain = one_atom(np.diag([3.0, 4.0, 5.0]))
    transform = np.array([[1, 6, 10], [0, -7, -10], [0, -2, -3]])
    skew = one_atom(transform @ plain.lattice)
    common = {"standardize": False, "image_size": 64}
    # [110] of the skew cell is [1-10] of the plain one.
    expected = DiffractionSimulator(views=[[1, -1, 0]], **common).transform([plain])
    assert np.allclose(
        DiffractionSimulator(views=[[1, 1, 0]], **common).transform([skew]), expected, atol=1e-5
    )


@pytest.mark.parametrize("size", [64, 65, 256])
@pytest.mark.parametrize("engine", ["bragg", "lattice"])
def test_zone_axis_patterns_have_a_twofold_axis(size, engine):
    """Friedel's law, for a crystal without any symmetry."""
    rng = np.random.default_rng(5)
    simulator = DiffractionSimulator(image_size=size, engine=engine, cells=4, symprec=0.01)
    crystals = [random_crystal(number, rng, n_orbits=3) for number in (1, 4, 19)]
    patterns = simulator.transform(crystals)
    assert np.abs(patterns - patterns[..., ::-1, ::-1]).max() < 1e-5
    assert np.abs(patterns - patterns[..., ::-1]).max() > 1e-2


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_general_zones_have_a_twofold_axis(seed):
    rng = np.random.default_rng(seed)
    crystal = random_crystal(1, rng, n_orbits=3)
    zones = [[1, 1, 0], [1, -1, 2]]
    patterns = DiffractionSimulator(views=zones, image_size=64, standardize=False).transform(
        [crystal]
    )
    assert np.abs(patterns - patterns[..., ::-1, ::-1]).max() < 1e-5


def test_curved_ewald_sphere_breaks_the_twofold_axis():
    simulator = DiffractionSimulator(ewald="sphere", wavelength=0.2, image_size=64)
    patterns = simulator.transform([random_crystal(1, np.random.default_rng(0), n_orbits=4)])
    assert np.abs(patterns - patterns[..., ::-1, ::-1]).max() > 1e-3


def test_rotations_by_45_degrees_put_the_expected_reflections_on_the_surface():
    """A cube turned by +45° about x has [011] along the beam: q_lab = R q_crystal."""
    crystal = one_atom(np.eye(3) * 4.0)
    simulator = DiffractionSimulator(views="rotations", standardize=False, cells=10)
    for axis in range(3):
        places, _ = spots_of(simulator, crystal, axis)
        rotation = Rotation.from_rotvec(np.eye(3)[axis] * math.pi / 4).as_matrix()
        hkl = np.array(list(product(range(-5, 6), repeat=3)))
        q = hkl / 4.0 @ rotation.T
        on_surface = np.abs(q[:, 2]) < 1e-9
        expected = q[on_surface][:, :2]
        expected = expected[np.all(np.abs(expected) < 1.0, axis=1)]
        match(places, expected, PIXEL * simulator.q_per_pixel)


def test_rotations_turn_by_plus_and_not_minus_45_degrees():
    # A cell without mirrors: [011] and [01-1] differ.
    crystal = one_atom(lattice_of(*CELLS["triclinic"]))
    plus = Rotation.from_rotvec([math.pi / 4, 0, 0]).as_matrix()
    for engine in ("bragg", "lattice"):
        common = {"standardize": False, "engine": engine, "image_size": 64, "cells": 4}
        family = DiffractionSimulator(views="rotations", **common).transform([crystal])[0, 0]
        given_matrices = DiffractionSimulator(views=[plus, plus.T], **common).transform([crystal])[
            0
        ]
        assert np.allclose(family, given_matrices[0], atol=1e-6)
        assert np.abs(family - given_matrices[1]).max() > 0.05


def test_cartesian_views_are_zone_axes_of_an_upright_cell_turned_in_plane():
    crystal = one_atom(np.diag([3.5, 4.5, 6.0]))
    cartesian = DiffractionSimulator(views="cartesian", thickness=1e5, image_size=64)
    zones = DiffractionSimulator(views="zone-axes", image_size=64)
    assert np.allclose(cartesian.transform([crystal]), zones.transform([crystal]), atol=1e-5)


def test_cartesian_views_of_a_skew_cell_look_along_x_y_z():
    cell = (4.1, 5.3, 6.7, 72, 81, 106)
    crystal = one_atom(lattice_of(*cell))
    simulator = DiffractionSimulator(views="cartesian", standardize=False, image_size=64)
    as_matrices = DiffractionSimulator(
        # image x, image y and beam as rows
        views=[np.eye(3)[[1, 2, 0]], np.eye(3)[[2, 0, 1]], np.eye(3)],
        standardize=False,
        image_size=64,
    )
    assert np.array_equal(simulator.transform([crystal]), as_matrices.transform([crystal]))
    # a ∥ x, so the first view is the zone [100] but for the turn in the plane.
    assert np.allclose(crystal.lattice[0], [4.1, 0, 0])


def test_own_frame_is_kept_without_standardization():
    rng = np.random.default_rng(2)
    crystal = random_crystal(14, rng)
    rotated = crystal.replace(lattice=crystal.lattice @ turned(rng).T)
    for views in ("cartesian", "rotations"):
        own = DiffractionSimulator(views=views, standardize=False, image_size=64, symprec=0.01)
        assert np.abs(np.subtract(*own.transform([crystal, rotated]))).max() > 0.05
        standard = own.set_params(standardize=True)
        assert np.abs(np.subtract(*standard.transform([crystal, rotated]))).max() < 1e-4
    # Zone axes hang on the lattice alone.
    zones = DiffractionSimulator(standardize=False, image_size=64)
    assert np.abs(np.subtract(*zones.transform([crystal, rotated]))).max() < 1e-5


def test_matrix_view_of_a_thick_crystal_is_the_zone_axis_pattern():
    crystal = random_crystal(2, np.random.default_rng(3))
    rotation = zone_axis_rotation(crystal.lattice, (1, 1, 0))
    common = {"standardize": False, "image_size": 64}
    zone = DiffractionSimulator(views=[[1, 1, 0]], **common).transform([crystal])
    matrix = DiffractionSimulator(views=[rotation], thickness=1e6, **common).transform([crystal])
    assert np.allclose(zone, matrix, atol=1e-5)


def test_standard_frame_has_a_along_x_and_b_in_the_xy_plane():
    from crystalsym.crystals import standardize

    rng = np.random.default_rng(4)
    for number in (1, 5, 19, 90, 150, 177, 207):
        crystal = random_crystal(number, rng)
        crystal = crystal.replace(lattice=crystal.lattice @ turned(rng).T)
        lattice = standardize(crystal, 0.01).lattice
        assert np.all(lattice[0, 1:] == 0)
        assert lattice[1, 2] == 0
        assert np.all(np.diag(lattice) > 0)


def test_published_preset():
    simulator = DiffractionSimulator.from_preset("tiong2020")
    detector = simulator.detector()
    assert detector.distance / detector.pixel_size == pytest.approx(2500)
    assert detector.beam == (127.5, 127.5)
    assert detector.scattering_vectors("flat")[127, -1, 0] == pytest.approx(1.457, abs=1e-3)
    assert simulator.get_params()["cells"] == 10
    assert simulator.get_params()["engine"] == "lattice"
    assert simulator.get_params()["views"] == "rotations"
    assert DiffractionSimulator.from_preset("tiong2020", image_size=64).image_size == 64
    with pytest.raises(ValueError, match=r"no preset 'tiong'.*tiong2020"):
        DiffractionSimulator.from_preset("tiong")


@pytest.mark.parametrize("name", ["NaCl", "Si", "SiO2_quartz", "TiO2_rutile"])
@pytest.mark.parametrize(("views", "tag"), [("rotations", "rot45"), ("cartesian", "beam")])
def test_published_preset_gives_the_gray_images_of_the_reference(name, views, tag):
    """Raw images of the shaping reference: 255 I / max, cut to integers."""
    cells, images = fixture("condor.npz"), fixture("shaped_patterns.npz")
    crystal = Crystal(*(cells[f"{name}/{key}"] for key in ("lattice_A", "frac", "Zcell")))
    simulator = DiffractionSimulator.from_preset("tiong2020", views=views, standardize=False)
    gray = np.floor(255 * simulator.transform([crystal])[0]).astype(int)
    for ours, axis in zip(gray, "xyz", strict=True):
        theirs = images[f"{name}_{tag}/{axis}/raw"].astype(int)
        # Rounding before the cut moves a few pixels by one level.
        assert np.abs(ours - theirs).max() <= 1
        assert np.mean(ours != theirs) < 2e-3


def test_a_number_is_no_view():
    """Regression: DiffractionSimulator(128) was taken for one of 128 pixels by its caller alone."""
    with pytest.raises(ValueError, match=r"got 128; the number of pixels is image_size"):
        DiffractionSimulator(128).fit()
