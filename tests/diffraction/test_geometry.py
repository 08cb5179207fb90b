"""Detector and views against elementary geometry."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from support.crystals import lattice_of

from crystalsym.diffraction._geometry import Detector
from crystalsym.diffraction._view_families import resolve_views
from crystalsym.diffraction._zone_axes import (
    shortest_reflection,
    symmetry_directions,
    zone_axis_rotation,
)

TRICLINIC = lattice_of(4.1, 5.3, 6.7, 72, 81, 106)
MONOCLINIC = lattice_of(5.1, 4.2, 6.3, 90, 108, 90)
HEXAGONAL = lattice_of(3.9, 3.9, 6.1, 90, 90, 120)
LATTICES = {"triclinic": TRICLINIC, "monoclinic": MONOCLINIC, "hexagonal": HEXAGONAL}
each_lattice = pytest.mark.parametrize("lattice", LATTICES.values(), ids=LATTICES)

detectors = st.builds(
    Detector,
    size=st.integers(8, 40),
    pixel_size=st.floats(0.05, 2),
    distance=st.floats(20, 2000),
    wavelength=st.floats(0.01, 2),
    center=st.none() | st.tuples(st.floats(-5, 45), st.floats(-5, 45)),
)
cells = st.builds(
    lattice_of,
    *[st.floats(2.5, 9)] * 3,
    *[st.floats(66, 114)] * 3,
)


def test_q_max_lies_on_the_outermost_pixel_center():
    for size in (64, 65, 256):
        detector = Detector.for_q_max(size, 1.457, distance=1000.0, wavelength=0.035)
        q = detector.scattering_vectors("flat")
        assert q[0, -1, 0] == pytest.approx(1.457)
        assert q[-1, 0, 1] == pytest.approx(1.457)
        assert q[0, 0, :2] == pytest.approx([-1.457, -1.457])
        assert detector.q_per_pixel == pytest.approx(q[0, 1, 0] - q[0, 0, 0])


def test_distance_does_not_matter_for_a_given_q_max():
    near = Detector.for_q_max(64, 1.2, distance=100.0, wavelength=0.035)
    far = Detector.for_q_max(64, 1.2, distance=3000.0, wavelength=0.035)
    assert near.q_per_pixel == pytest.approx(far.q_per_pixel)
    assert np.allclose(near.scattering_vectors("sphere"), far.scattering_vectors("sphere"))


def test_rows_run_along_y_and_columns_along_x():
    q = Detector(9, 1.0, 500.0, 0.1).scattering_vectors("sphere")
    assert np.all(np.diff(q[..., 0], axis=1) > 0)
    assert np.all(np.diff(q[..., 1], axis=0) > 0)
    assert np.allclose(q[4, 4], 0)


@given(detectors)
def test_scattering_is_elastic(detector):
    q = detector.scattering_vectors("sphere")
    outgoing = q + np.array([0, 0, 1 / detector.wavelength])
    assert np.allclose(np.linalg.norm(outgoing, axis=-1), 1 / detector.wavelength)
    # ... and points from the crystal to the pixel.
    x, y = detector.offsets()
    direction = np.stack(np.broadcast_arrays(x[None], y[:, None], detector.distance), axis=-1)
    assert np.allclose(
        np.cross(outgoing, direction), 0, atol=1e-9 * np.abs(direction).max() / detector.wavelength
    )


def test_flat_is_the_limit_of_the_sphere():
    detector = Detector(64, 0.4, 1e6, 0.035)
    q = detector.scattering_vectors("sphere")
    assert np.allclose(q, detector.scattering_vectors("flat"), atol=1e-7)
    assert np.allclose(detector.solid_angle("sphere"), detector.solid_angle("flat"), rtol=1e-6)


def test_sphere_departs_from_the_plane_as_far_as_the_design_says():
    detector = Detector.for_q_max(256, 1.457, distance=1000.0, wavelength=0.035)
    q = detector.scattering_vectors("sphere")
    assert q[128, -1, 2] == pytest.approx(-0.037, abs=5e-4)


def test_solid_angle_adds_up_to_that_of_a_rectangle():
    # A detector so near that pixels see very different angles, in fine steps.
    detector = Detector(400, 0.1, 15.0, 1.0)
    half = detector.size * detector.pixel_size / 2
    exact = 4 * math.asin(half**2 / (half**2 + detector.distance**2))
    assert detector.solid_angle("sphere").sum() == pytest.approx(exact, rel=1e-4)


@given(detectors)
def test_polarization_follows_thomson(detector):
    x, y = detector.offsets()
    cosine = detector.distance / np.sqrt(x[None] ** 2 + y[:, None] ** 2 + detector.distance**2)
    unpolarized = detector.polarization_factor("unpolarized")
    assert np.allclose(unpolarized, (1 + cosine**2) / 2)
    horizontal = detector.polarization_factor("horizontal")
    vertical = detector.polarization_factor("vertical")
    assert np.allclose(horizontal + vertical, 2 * unpolarized)
    assert np.array_equal(detector.polarization_factor("ignore"), np.ones_like(cosine))


def test_horizontal_polarization_weakens_along_columns():
    factor = Detector(65, 1.0, 50.0, 1.0).polarization_factor("horizontal")
    assert np.allclose(factor[:, 32], 1)  # across the electric field
    assert np.all(np.diff(factor[32, 32:]) < 0)


def test_unknown_polarization_is_named():
    with pytest.raises(ValueError, match="'circular'"):
        Detector(8, 1, 1, 1).polarization_factor("circular")


@given(cells, st.sampled_from(["zone-axes", "cartesian", "rotations"]))
def test_views_are_proper_rotations(lattice, views):
    for view in resolve_views(views, lattice):
        assert np.allclose(view.rotation @ view.rotation.T, np.eye(3))
        assert np.linalg.det(view.rotation) == pytest.approx(1)


@each_lattice
def test_zone_axes_put_the_axis_along_the_beam_and_the_next_reciprocal_axis_along_x(lattice):
    reciprocal = np.linalg.inv(lattice).T
    for axis, view in enumerate(resolve_views("zone-axes", lattice)):
        beam = view.rotation @ lattice[axis]
        assert np.allclose(beam, [0, 0, np.linalg.norm(lattice[axis])])
        along_x = view.rotation @ reciprocal[(axis + 1) % 3]
        assert np.allclose(along_x, [np.linalg.norm(reciprocal[(axis + 1) % 3]), 0, 0])
        # b*, c*, a* are followed counter-clockwise by c*, a*, b*.
        after = view.rotation @ reciprocal[(axis + 2) % 3]
        assert after[1] > 0
        assert after[2] == pytest.approx(0, abs=1e-12)


def test_cartesian_views_look_along_the_cartesian_axes():
    for axis, view in enumerate(resolve_views("cartesian", TRICLINIC)):
        assert np.allclose(view.rotation[2], np.eye(3)[axis])
        assert view.zone is None


def test_rotations_turn_the_crystal_by_plus_45_degrees():
    for axis, view in enumerate(resolve_views("rotations", TRICLINIC)):
        expected = Rotation.from_rotvec(np.eye(3)[axis] * math.pi / 4).as_matrix()
        assert np.allclose(view.rotation, expected)


def test_pairs_of_rotations_turn_the_crystal_either_way():
    views = resolve_views("rotation-pairs", TRICLINIC)
    turns = [(axis, sign) for axis in range(3) for sign in (-1, 1)]
    for view, (axis, sign) in zip(views, turns, strict=True):
        expected = Rotation.from_rotvec(sign * np.eye(3)[axis] * math.pi / 4).as_matrix()
        assert np.allclose(view.rotation, expected)
    for view, single in zip(views[1::2], resolve_views("rotations", TRICLINIC), strict=True):
        assert np.array_equal(view.rotation, single.rotation)


zones = st.tuples(*[st.integers(-3, 3)] * 3).filter(any)


@given(cells, zones)
def test_general_zone_puts_its_shortest_reflection_along_x(lattice, zone):
    rotation = zone_axis_rotation(lattice, zone)
    assert np.allclose(rotation @ rotation.T, np.eye(3))
    assert np.linalg.det(rotation) == pytest.approx(1)
    assert np.allclose((rotation @ (np.array(zone) @ lattice))[:2], 0, atol=1e-9)
    reciprocal = np.linalg.inv(lattice).T
    if sorted(zone) == [0, 0, 1]:
        shortest = np.roll(zone, 1)
    else:
        box = np.array(list(product(range(-8, 9), repeat=3)))
        box = box[(box @ zone == 0) & box.any(axis=1)]
        lengths = np.linalg.norm(box @ reciprocal, axis=1)
        ties = box[lengths < lengths.min() * (1 + 1e-9)]
        shortest = max(map(tuple, ties.tolist()))
        assert shortest_reflection(reciprocal, zone) == shortest
    along_x = rotation @ (np.array(shortest) @ reciprocal)
    assert np.allclose(along_x[1:], 0, atol=1e-9)
    assert along_x[0] > 0


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ((1, 1, 0), (0, 0, 1)),
        ((1, 1, 1), (1, 0, -1)),
        ((1, -1, 0), (0, 0, 1)),
        ((2, 2, 0), (0, 0, 1)),
        ((0, 1, 1), (1, 0, 0)),
        ((1, 2, 0), (0, 0, 1)),
        ((2, 1, 1), (0, 1, -1)),
    ],
)
def test_ties_go_to_the_lexicographically_largest_reflection_of_a_cube(zone, expected):
    assert shortest_reflection(np.eye(3) / 4.2, zone) == expected


def test_matrices_and_zones_are_taken_as_given():
    rotations = Rotation.random(2, random_state=0).as_matrix()
    views = resolve_views(rotations, TRICLINIC)
    assert np.array_equal([view.rotation for view in views], rotations)
    assert [v.zone for v in resolve_views([[1, 0, 0], [1, 1, 0]], TRICLINIC)] == [
        (1, 0, 0),
        (1, 1, 0),
    ]


@pytest.mark.parametrize(
    ("views", "message"),
    [
        ("sideways", "'sideways'"),
        ([[0, 0, 0]], "not all zero"),
        ([[0.5, 0, 1]], "integers"),
        ([1, 0, 0], "shape"),
        (np.ones((2, 2)), "shape"),
        (np.empty((0, 3)), "shape"),
        ([np.eye(3), 2 * np.eye(3)], r"views\[1\] is no rotation"),
        ([np.diag([1, 1, -1])], r"views\[0\] is no rotation"),
        ([np.full((3, 3), np.nan)], r"views\[0\] is no rotation"),
    ],
)
def test_impossible_views_are_refused(views, message):
    with pytest.raises(ValueError, match=message):
        resolve_views(views, np.eye(3))


def test_symmetry_directions_follow_the_metric():
    def directions(*cell):
        return symmetry_directions(lattice_of(*cell))

    axes = [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    uniaxial = [(1, 0, 0), (1, -1, 0), (0, 0, 1)]
    assert directions(4, 5, 6, 90, 90, 90) == axes
    assert directions(4, 4, 6, 90, 95, 90) == axes
    assert directions(4, 4, 4, 70, 70, 70) == axes
    assert directions(4, 4, 6, 90, 90, 90) == uniaxial
    assert directions(4, 4.001, 6, 90, 90, 90) == uniaxial
    assert directions(4, 4.01, 6, 90, 90, 90) == axes
    assert directions(4, 4, 6, 90, 90, 120) == uniaxial
    assert directions(4, 4, 4, 90, 90, 120) == uniaxial
    assert directions(4, 4, 4, 90, 90, 90) == [(1, 1, 1), (1, -1, 0), (0, 0, 1)]


@pytest.mark.parametrize(
    "cell", [(4, 4, 6, 90, 90, 90), (4, 4, 6, 90, 90, 120), (4,) * 3 + (90,) * 3]
)
def test_symmetry_views_are_rotations_with_c_star_along_x(cell):
    lattice = lattice_of(*cell)
    views = resolve_views("symmetry-directions", lattice)
    for view in views:
        np.testing.assert_allclose(view.rotation @ view.rotation.T, np.eye(3), atol=1e-12)
        beam = np.asarray(view.zone) @ lattice
        np.testing.assert_allclose(view.rotation @ beam, [0, 0, np.linalg.norm(beam)], atol=1e-9)
    c_star = np.linalg.inv(lattice).T[2]
    along = views[1].rotation @ c_star
    np.testing.assert_allclose(along, [np.linalg.norm(c_star), 0, 0], atol=1e-12)
