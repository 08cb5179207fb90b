"""Settings by metric alone, and those that stay open."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalsym.crystals import (
    LAUE_CLASSES,
    Crystal,
    canonical_setting,
    in_metric_setting,
    open_settings,
    space_group_number,
)
from crystalsym.crystals._cell_parameters import cell_of, lattice_of
from crystalsym.crystals._metric_settings import (
    allowed_by_centering,
    centering_of,
    oriented_laue_class,
)
from crystalsym.crystals._wyckoff import centering_vectors
from crystalsym.datasets import random_crystals
from crystalsym.spacegroups import symbol


def edges(change, lattice):
    return np.linalg.norm(change @ lattice, axis=1)


def test_cell_parameters_come_back():
    cell = (5.0, 6.0, 7.5, 81.0, 95.0, 107.0)
    np.testing.assert_allclose(cell_of(lattice_of(cell)), cell)


@pytest.mark.parametrize("centering", ["P", "I", "F"])
def test_orthorhombic_axes_are_sorted_and_all_orders_stay_open(centering):
    lattice = np.diag([9.0, 4.0, 6.0])
    change = canonical_setting(lattice, centering, "mmm")
    assert edges(change, lattice).tolist() == [4, 6, 9]
    assert np.linalg.det(change) == pytest.approx(1)
    assert len({str(np.abs(p)) for p in open_settings(lattice, centering, "mmm")}) == 6


@pytest.mark.parametrize(("centering", "normal"), [("A", 9.0), ("B", 4.0), ("C", 6.0)])
def test_one_centered_face_is_called_c(centering, normal):
    lattice = np.diag([9.0, 4.0, 6.0])
    change = canonical_setting(lattice, centering, "mmm")
    assert edges(change, lattice)[2] == normal
    assert edges(change, lattice)[0] <= edges(change, lattice)[1]
    assert len(open_settings(change @ lattice, "C", "mmm")) == 2


@given(st.floats(91, 119), st.floats(4, 12), st.floats(4, 12), st.integers(-3, 3))
def test_primitive_monoclinic_cells_are_the_shortest_however_they_came(beta, a, c, shear):
    lattice = lattice_of((a, 7.0, c, 90, beta, 90))
    other = np.array([[1, 0, shear], [0, 1, 0], [0, 0, 1]]) @ lattice
    one = canonical_setting(lattice, "P", "2/m") @ lattice
    two = canonical_setting(other, "P", "2/m") @ other
    np.testing.assert_allclose(cell_of(one)[:3], cell_of(two)[:3], atol=1e-5)
    assert cell_of(one)[0] <= cell_of(one)[2] + 1e-6
    assert cell_of(one)[4] >= 90 - 1e-6


@pytest.mark.parametrize("centering", ["C", "A", "I"])
def test_centered_monoclinic_cells_are_called_c(centering):
    lattice = lattice_of((7.0, 9.0, 11.0, 90, 103, 90))
    points = {"C": (0.5, 0.5, 0), "A": (0, 0.5, 0.5), "I": (0.5, 0.5, 0.5)}[centering]
    change = canonical_setting(lattice, centering, "2/m")
    found = np.mod(np.array([(0, 0, 0), points]) @ np.linalg.inv(change), 1)
    assert centering_of(found) == "C"


@pytest.mark.parametrize(
    ("laue", "centering", "count"),
    [("-1", "P", 1), ("2/m", "P", 6), ("2/m", "C", 2), ("4/m", "I", 2), ("4/mmm", "P", 1),
     ("-3", "P", 4), ("-3", "R", 2), ("-3m1", "P", 2), ("-3m1", "R", 1), ("6/m", "P", 2),
     ("m-3", "F", 2), ("m-3m", "F", 1)],
)  # fmt: skip
def test_how_many_settings_stay_open(laue, centering, count):
    lattice = lattice_of((5, 5, 8, 90, 90, 120 if "3" in laue or "6" in laue else 90))
    settings = open_settings(lattice, centering, laue)
    assert len(settings) == count
    assert (settings[0] == np.eye(3)).all()
    for change in settings:
        assert np.linalg.det(change) == pytest.approx(1)


def test_the_metric_setting_keeps_the_space_group_of_every_crystal():
    table = random_crystals([2, 5, 14, 15, 40, 62, 148, 176, 205], random_state=1)
    for crystal, number in zip(table, table.space_group, strict=True):
        moved = in_metric_setting(crystal, int(number))
        assert isinstance(moved, Crystal)
        assert space_group_number(moved) == number


def test_centerings_forbid_what_the_tables_say():
    for number in (5, 38, 71, 225, 166):
        name = centering_of(np.mod(centering_vectors(number), 1))
        assert name == symbol(number)[0]
    assert allowed_by_centering([[1, 0, 0], [1, 1, 0], [1, 0, -1]], "R").tolist() == [
        False, True, False,
    ]  # fmt: skip
    assert allowed_by_centering([[1, 0, 1], [1, 1, 1]], "F").tolist() == [False, True]


def test_names_of_laue_classes():
    assert {oriented_laue_class(number) for number in range(1, 231)} == set(LAUE_CLASSES)
    with pytest.raises(ValueError, match="laue must be one of"):
        canonical_setting(np.eye(3), "P", "-3m")


@pytest.mark.parametrize("shear", [-30, -9, -1, 0, 1, 9, 30])
@pytest.mark.parametrize("centering", ["P", "C"])
def test_no_shear_is_too_large(shear, centering):
    """Vectors of up to six times a and c alone once were tried: nine times was too much."""
    cell = (5.0, 6.0, 7.0, 90.0, 95.0, 90.0)
    # Of a C-centered cell a + 2 n c is another a.
    change = np.array([[1, 0, 2 * shear], [0, 1, 0], [0, 0, 1]])
    lattice = change @ lattice_of(cell)
    found = cell_of(canonical_setting(lattice, centering, "2/m") @ lattice)
    np.testing.assert_allclose(found, cell, atol=1e-6)
