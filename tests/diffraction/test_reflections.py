"""Tables of reflections: absences of all groups, values, completeness."""

from __future__ import annotations

import math
from itertools import product

import gemmi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.crystals import NACL, lattice_of, one_atom
from support.random_crystals import random_crystal

from crystalsym import Crystal
from crystalsym.diffraction import reflections
from crystalsym.scattering import scattering_factors

ABSENT = 1e-10
SEED = 20


def two_crystals(number: int) -> tuple[Crystal, Crystal]:
    """Two sets of atoms in one cell: a reflection may be faint by chance in one, not in both."""
    rng = np.random.default_rng([SEED, number])
    first = random_crystal(number, rng)
    return first, random_crystal(number, rng).replace(lattice=first.lattice)


@pytest.mark.parametrize("number", range(1, 231))
def test_absent_exactly_where_gemmi_says(number):
    crystals = two_crystals(number)
    # About 1,000 reflections whatever the cell.
    q_max = (1000 * 3 / (4 * math.pi * crystals[0].volume)) ** (1 / 3)
    tables = [reflections(crystal, q_max) for crystal in crystals]
    assert len(tables[0]) > 700
    operations = gemmi.find_spacegroup_by_number(number).operations()
    absent = np.array([operations.is_systematically_absent(hkl) for hkl in tables[0].hkl.tolist()])
    relative = [table.intensity / table.intensity.max() for table in tables]
    assert np.maximum(*relative)[absent].max(initial=0.0) < ABSENT
    assert np.maximum(*relative)[~absent].min() > ABSENT
    # Only the primitive symmorphic groups have no absences.
    symmorphic = not any(any(operation.tran) for operation in operations.sym_ops)
    assert absent.any() != (symmorphic and len(operations.cen_ops) == 1)


@pytest.mark.parametrize("number", [2, 14, 62, 88, 148, 167, 194, 227])
def test_values_equal_gemmis_direct_summation(number):
    crystal = random_crystal(number, np.random.default_rng(number))
    table = reflections(crystal, 0.5)
    small = gemmi.SmallStructure()
    edges = np.linalg.norm(crystal.lattice, axis=1)
    cosines = (crystal.metric / np.outer(edges, edges))[[1, 0, 0], [2, 2, 1]]
    small.cell = gemmi.UnitCell(*edges, *np.degrees(np.arccos(cosines)))
    for z, position in zip(crystal.atomic_numbers, crystal.frac_coords, strict=True):
        site = gemmi.SmallStructure.Site()
        site.element = gemmi.Element(int(z))
        site.fract = gemmi.Fractional(*position)
        site.occ = 1.0
        small.add_site(site)
    small.setup_cell_images()
    calculator = gemmi.StructureFactorCalculatorX(small.cell)
    expected = [
        calculator.calculate_sf_from_small_structure(small, hkl) for hkl in table.hkl.tolist()
    ]
    scale = np.abs(table.structure_factor).max()
    assert np.allclose(table.structure_factor, expected, atol=1e-5 * scale)


def test_rock_salt_by_hand():
    table = reflections(NACL, 0.6)
    factor = {
        tuple(hkl): value
        for hkl, value in zip(table.hkl.tolist(), table.structure_factor, strict=True)
    }
    for hkl, sign in [((1, 1, 1), -1), ((2, 0, 0), 1), ((2, 2, 0), 1)]:
        q = math.hypot(*hkl) / 5.64
        sodium, chlorine = scattering_factors([11, 17], [q])[:, 0]
        assert factor[hkl] == pytest.approx(4 * (sodium + sign * chlorine), abs=1e-9)
    assert abs(factor[1, 0, 0]) < 1e-9
    assert abs(factor[2, 1, 1]) < 1e-9


def test_table_is_complete_sorted_and_centered():
    lattice = lattice_of(4.1, 5.2, 6.3, 71, 83, 102)
    table = reflections(one_atom(lattice), 0.8)
    reciprocal = np.linalg.inv(lattice).T
    box = np.array(list(product(range(-9, 10), repeat=3)))
    inside = box[np.linalg.norm(box @ reciprocal, axis=1) <= 0.8]
    assert np.abs(inside).max() < 9
    assert {tuple(hkl) for hkl in table.hkl.tolist()} == {tuple(hkl) for hkl in inside.tolist()}
    assert len(table) == len(inside)
    assert table.hkl[0].tolist() == [0, 0, 0]
    assert np.all(np.diff(table.q) > -1e-8)
    assert np.allclose(table.q, np.linalg.norm(table.hkl @ reciprocal, axis=1))
    assert np.isinf(table.d[0])
    assert np.allclose(table.d[1:], 1 / table.q[1:])


def test_friedel_mates_are_conjugate():
    table = reflections(random_crystal(19, np.random.default_rng(0)), 0.6)
    value = {tuple(h): f for h, f in zip(table.hkl.tolist(), table.structure_factor, strict=True)}
    for hkl, f in value.items():
        assert value[tuple(-i for i in hkl)] == pytest.approx(f.conjugate(), abs=1e-9)


@given(st.tuples(*[st.floats(-3, 3)] * 3), st.integers(0, 10))
def test_origin_changes_phases_only(shift, seed):
    crystal = random_crystal(2, np.random.default_rng(seed))
    moved = crystal.replace(frac_coords=crystal.frac_coords + shift)
    before, after = reflections(crystal, 0.5), reflections(moved, 0.5)
    assert np.allclose(before.intensity, after.intensity, atol=1e-8 * before.intensity.max())
    turn = np.exp(2j * np.pi * (before.hkl @ np.array(shift)))
    scale = np.abs(before.structure_factor).max()
    assert np.allclose(after.structure_factor, before.structure_factor * turn, atol=1e-8 * scale)


def test_occupancy_scales_the_factor():
    whole = one_atom(np.eye(3) * 4)
    half = whole.replace(occupancies=[0.5])
    assert np.allclose(
        reflections(half, 1.0).structure_factor, reflections(whole, 1.0).structure_factor / 2
    )


def test_shared_site_counts_both_elements():
    lattice = np.eye(3) * 4
    shared = Crystal(lattice, [[0, 0, 0]] * 2, [26, 28], occupancies=[0.25, 0.75])
    q = reflections(shared, 0.6).q
    iron, nickel = scattering_factors([26, 28], q)
    assert np.allclose(reflections(shared, 0.6).structure_factor, 0.25 * iron + 0.75 * nickel)


def test_forward_beam_counts_the_electrons():
    table = reflections(NACL, 0.3)
    assert table.structure_factor[0].real == pytest.approx(4 * (11 + 17), abs=0.2)
    assert table.phase[0] == pytest.approx(0, abs=1e-9)


def test_electron_factors_differ():
    xray = reflections(NACL, 0.5)
    electron = reflections(NACL, 0.5, radiation="electron")
    assert np.array_equal(xray.hkl, electron.hkl)
    assert electron.structure_factor[0].real < xray.structure_factor[0].real


def test_reads_whatever_is_a_crystal(tmp_path):
    pymatgen = pytest.importorskip("pymatgen.core")
    structure = pymatgen.Structure(NACL.lattice, NACL.atomic_numbers, NACL.frac_coords)
    assert np.allclose(
        reflections(structure, 0.5).structure_factor, reflections(NACL, 0.5).structure_factor
    )


def test_frame_holds_the_table():
    pytest.importorskip("pandas")
    table = reflections(NACL, 0.5)
    frame = table.to_frame()
    assert list(frame.columns) == ["h", "k", "l", "d", "q", "F", "intensity", "phase"]
    assert len(frame) == len(table)
    assert np.allclose(frame["F"] ** 2, frame["intensity"])


@pytest.mark.parametrize("q_max", [0, -1, math.nan, math.inf])
def test_impossible_resolution_is_refused(q_max):
    with pytest.raises(ValueError, match="q_max must be positive"):
        reflections(NACL, q_max)
