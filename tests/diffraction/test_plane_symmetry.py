"""Waves of full symmetry: the operations found, the orbits, and the same intensities."""

from __future__ import annotations

import numpy as np
import pytest
from support.crystals import NACL
from support.random_crystals import random_crystal

from crystalsym import Crystal
from crystalsym.diffraction import ProjectedPotential, _projected_potential
from crystalsym.diffraction._plane_symmetry import _closed
from crystalsym.scattering import electron_wavelength

WAVELENGTH = electron_wavelength(200)
DEPTHS = [40.0, 120.0, 300.0]


def potential(crystal, zone=(0, 0, 1), **parameters):
    parameters = {"q_max": 0.7, "bandwidth": 0.9, "b_iso": 0.8, "dtype": "float64"} | parameters
    return ProjectedPotential(crystal, zone, WAVELENGTH, **parameters)


def general(number, n_orbits=3):
    return random_crystal(number, np.random.default_rng(number), n_orbits=n_orbits)


# Groups whose projection along c is each plane group (International Tables A, 2.2.14).
PLANE_GROUPS = {
    "p1": (1, 1), "p2": (2, 2), "pm": (25, 4), "p2gg": (32, 4), "c2mm": (35, 4),
    "p4": (75, 4), "p4mm": (99, 8), "p4gm": (100, 8), "p3": (143, 3), "p3m1": (156, 6),
    "p31m": (157, 6), "p6": (168, 6), "p6mm": (183, 12),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANE_GROUPS)
def test_operations_are_as_many_as_the_plane_group_has(name):
    number, order = PLANE_GROUPS[name]
    one = potential(general(number))
    matrices, shifts = one._group
    assert len(matrices) == len(shifts) == order
    np.testing.assert_array_equal(matrices[0], np.eye(2))
    products = {tuple((a @ b).ravel()) for a in matrices for b in matrices}
    assert len(products) == order


@pytest.mark.parametrize("zone", [(0, 0, 1), (1, 0, 0), (1, -1, 0)])
@pytest.mark.parametrize("number", [1, 2, 4, 7, 14, 33, 62, 102, 136, 150, 160, 186, 194, 216, 227])
def test_intensities_are_those_of_all_beams(number, zone, monkeypatch):
    crystal = general(number)
    monkeypatch.setattr(_projected_potential, "SMALL_MATRIX", 10**6)
    orbits = potential(crystal, zone)
    assert orbits._symmetric is not None
    reduced = orbits.intensities(DEPTHS)
    monkeypatch.setattr(_projected_potential, "LARGEST_MATRIX", 0)
    beams = potential(crystal, zone)
    assert beams._symmetric is None
    np.testing.assert_allclose(reduced, beams.intensities(DEPTHS), atol=1e-8)


@pytest.mark.parametrize("small", [0, 10**6], ids=["Krylov", "eigenvectors"])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-5), ("float64", 1e-9)])
@pytest.mark.parametrize("number", [14, 186])
def test_both_ways_through_the_matrix_conserve_and_agree(
    number, dtype, tolerance, small, monkeypatch
):
    monkeypatch.setattr(_projected_potential, "SMALL_MATRIX", small)
    intensities = potential(general(number), dtype=dtype).intensities(DEPTHS)
    np.testing.assert_allclose(intensities.sum(axis=1), 1, atol=tolerance)
    monkeypatch.setattr(_projected_potential, "LARGEST_MATRIX", 0)
    theirs = potential(general(number)).intensities(DEPTHS)
    np.testing.assert_allclose(intensities, theirs, atol=tolerance)


def test_matrix_is_real_where_the_projection_has_a_twofold_axis():
    for number, real in ((1, False), (2, True), (3, False), (143, False), (168, True)):
        one = potential(general(number))
        symmetric = one._symmetric
        matrix = symmetric.matrix(one._all_inner, one._strong, np.zeros(len(one.indices)))
        assert np.isrealobj(matrix) == real, number
        np.testing.assert_allclose(matrix, matrix.conj().T, atol=1e-15)


def test_equal_spots_are_equal_and_glide_rows_dark_to_the_last_digit():
    one = potential(general(32))
    intensity = dict(
        zip(map(tuple, one.hkl.tolist()), one.intensities(150.0).tolist(), strict=True)
    )
    for h, k, _ in intensity:
        assert intensity[h, k, 0] == intensity[-h, k, 0] == intensity[h, -k, 0]
    odd = [value for (h, k, _), value in intensity.items() if k == 0 and h % 2]
    assert odd
    assert not any(odd)


def test_an_atom_moved_a_little_breaks_the_symmetry():
    coords = NACL.frac_coords.copy()
    coords[0, 0] += 1e-3
    moved = Crystal(NACL.lattice, coords, NACL.atomic_numbers)
    whole, broken = potential(NACL), potential(moved)
    assert whole._symmetric.n_orbits < len(whole.indices) / 4
    assert len(broken._group.matrices) == 2  # the mirror line along x is left


def test_operations_that_form_no_group_are_left_out():
    """An inversion and a mirror line whose product is missing."""
    matrices = np.array([np.eye(2), -np.eye(2), np.diag([1, -1])], dtype=np.int64)
    kept, shifts = _closed(matrices, np.arange(6.0).reshape(3, 2))
    np.testing.assert_array_equal(kept, matrices[:1])
    np.testing.assert_array_equal(shifts, [[0, 1]])
