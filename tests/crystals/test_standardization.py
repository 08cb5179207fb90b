"""The standard cell: its conventions, and that it is pymatgen's."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from support.crystals import NACL, cell_of, lattice_of, turned
from support.random_crystals import disguised, random_crystal
from support.reference import shared

from crystalsym import spacegroups
from crystalsym.crystals import (
    Crystal,
    StructureWarning,
    SymmetryError,
    as_crystal,
    space_group_number,
    standardize,
)
from crystalsym.crystals._symmetry import _merged_sites
from crystalsym.datasets import CrystalTable, example_crystals, example_space_groups

SYMPREC = 0.005  # random atoms lie close together


def pymatgen_cell(crystal: Crystal, symprec: float = 0.1) -> np.ndarray:
    from pymatgen.core import Structure
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    structure = Structure(crystal.lattice, crystal.atomic_numbers, crystal.frac_coords)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        finder = SpacegroupAnalyzer(structure, symprec=symprec, angle_tolerance=5)
        return np.array(finder.get_conventional_standard_structure().lattice.parameters)


def assert_same_cell(crystal: Crystal, symprec: float = 0.1) -> None:
    ours, theirs = cell_of(standardize(crystal, symprec).lattice), pymatgen_cell(crystal, symprec)
    system = spacegroups.crystal_system(space_group_number(crystal, symprec))
    if system == "monoclinic" and abs(ours[4] - 90) < 1e-3:
        # With β = 90° pymatgen loses track of the unique axis: compare the box.
        ours, theirs = np.sort(ours), np.sort(theirs)
    assert ours[:3] == pytest.approx(theirs[:3], abs=1e-4), crystal.name
    assert ours[3:] == pytest.approx(theirs[3:], abs=1e-3), crystal.name


@pytest.mark.parametrize("name", example_crystals())
def test_bundled_crystals_have_pymatgens_cell(name):
    assert_same_cell(as_crystal(example_crystals()[name]))


def test_sample_of_the_materials_project_has_pymatgens_cells():
    table = CrystalTable.load(shared("data/materials_project.npz"))
    rng = np.random.default_rng(0)
    systems = np.array([spacegroups.crystal_system(int(n)) for n in range(1, 231)])
    of_row = systems[table.space_group.astype(int) - 1]
    for system in np.unique(systems):
        for index in rng.choice(np.flatnonzero(of_row == system), 12, replace=False):
            assert_same_cell(table[int(index)])


@pytest.mark.parametrize("number", range(1, 231))
def test_finder_agrees_with_the_group_the_crystal_was_made_in(number):
    crystal = random_crystal(number, np.random.default_rng(number))
    assert space_group_number(crystal, SYMPREC) == number


@pytest.mark.parametrize("name", example_crystals())
def test_bundled_crystals_keep_their_group(name):
    standard = standardize(example_crystals()[name])
    assert standard.standard
    declared = example_space_groups()[name]
    assert space_group_number(standard.replace(standard=False)) == declared


@pytest.mark.parametrize("number", [1, 2, 5, 9, 14, 15, 20, 41, 43, 68, 74, 88, 122, 142])
def test_cell_holds_the_conventions_of_its_system(number):
    rng = np.random.default_rng(number)
    cell = cell_of(standardize(disguised(random_crystal(number, rng), rng), SYMPREC).lattice)
    system = spacegroups.crystal_system(number)
    centering = spacegroups.symbol(number)[0]
    if system == "monoclinic":
        assert cell[3] == pytest.approx(90)
        assert cell[5] == pytest.approx(90)
        assert cell[4] > 90
        assert centering != "P" or cell[0] <= cell[2]
    elif system == "orthorhombic":
        assert cell[0] <= cell[1]
        assert centering in "AC" or cell[1] <= cell[2]
    elif system == "tetragonal":
        assert cell[0] == pytest.approx(cell[1])
    if system not in ("triclinic", "monoclinic"):
        assert cell[3:] == pytest.approx([90, 90, 90])


@pytest.mark.parametrize("number", [146, 148, 155, 160, 161, 166, 167])
def test_rhombohedral_crystals_come_in_hexagonal_axes(number):
    rng = np.random.default_rng(number)
    crystal = random_crystal(number, rng)
    standard = standardize(disguised(crystal, rng), SYMPREC)
    assert len(standard) == len(crystal)
    cell = cell_of(standard.lattice)
    assert cell[3:] == pytest.approx([90, 90, 120])
    assert cell[0] == pytest.approx(cell[1])


def test_atoms_move_onto_their_ideal_places_within_the_tolerance():
    rng = np.random.default_rng(0)
    shaken = NACL.replace(frac_coords=NACL.frac_coords + rng.normal(scale=0.002, size=(8, 3)))
    assert space_group_number(shaken, 0.1) == 225
    standard = standardize(shaken, 0.1)
    positions = (standard.frac_coords - standard.frac_coords[0]) * 2
    assert np.allclose(positions, np.round(positions), atol=1e-6)
    assert space_group_number(shaken, 1e-4) == 1


def test_coordinates_lie_in_the_cell():
    rng = np.random.default_rng(3)
    for number in (2, 62, 166, 227):
        coords = standardize(random_crystal(number, rng), SYMPREC).frac_coords
        assert coords.min() >= -1e-8
        assert coords.max() < 1


def test_a_standard_crystal_passes_through():
    standard = standardize(NACL)
    assert standardize(standard) is standard
    assert standardize(standard, 1e-5) is standard


def test_name_survives():
    assert standardize(NACL).name == "NaCl"


def test_left_handed_axes_become_right_handed():
    crystal = random_crystal(19, np.random.default_rng(1))
    mirrored = crystal.replace(lattice=crystal.lattice * [1, 1, -1])
    assert np.linalg.det(mirrored.lattice) < 0
    lattice = standardize(mirrored, SYMPREC).lattice
    assert np.linalg.det(lattice) > 0
    assert cell_of(lattice) == pytest.approx(cell_of(standardize(crystal, SYMPREC).lattice))


def test_right_angles_of_a_triclinic_cell_do_not_hang_on_rounding():
    """Regression: a reciprocal angle of 90° was acute or obtuse by its last bit."""
    rng = np.random.default_rng(0)
    crystal = random_crystal(1, rng).replace(lattice=lattice_of(4.0, 5.0, 6.0, 90, 100, 90))
    cells = [cell_of(standardize(disguised(crystal, rng), SYMPREC).lattice) for _ in range(12)]
    assert np.allclose(cells, cells[0], atol=1e-6)
    # All reciprocal angles at most 90 degrees.
    assert cells[0][3:] == pytest.approx([90, 100, 90], abs=1e-6)


@pytest.mark.parametrize("rotate", [False, True])
def test_mixed_sites_keep_their_content(rotate):
    lattice = np.eye(3) * 3.6
    if rotate:
        lattice = lattice @ turned(np.random.default_rng(0)).T
    fcc = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
    alloy = Crystal(lattice, fcc * 2, [28] * 4 + [29] * 4, [0.3] * 4 + [0.7] * 4, name="alloy")
    assert space_group_number(alloy) == 225
    standard = standardize(alloy)
    assert len(standard) == 8
    assert standard.formula == alloy.formula
    # One site differs: no longer face-centered.
    ordered = alloy.replace(occupancies=[0.6, 0.2, 0.2, 0.2, 0.4, 0.8, 0.8, 0.8])
    assert space_group_number(ordered) == 221


def test_vacancies_lower_the_symmetry():
    half = NACL.replace(occupancies=[0.5] + [1.0] * 7)
    assert space_group_number(half) == 221


def test_overlapping_atoms_are_reported_by_name():
    crystal = Crystal(np.eye(3) * 4, [[0, 0, 0], [0, 0, 0.001]], [26, 26], name="doubled iron")
    for find in (space_group_number, standardize):
        with pytest.raises(SymmetryError, match=r"doubled iron.*overlap"):
            find(crystal)
    assert issubclass(SymmetryError, ValueError)


def split_chlorine(offset: float) -> Crystal:
    """Rock salt whose chlorine is on six places around its own."""
    corners = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    moves = np.concatenate([np.eye(3), -np.eye(3)]) * offset / 5.64
    chlorine = (corners[:, None] + 0.5 + moves).reshape(-1, 3)
    return Crystal(
        np.eye(3) * 5.64,
        np.concatenate([corners, chlorine]),
        [11] * 4 + [17] * 24,
        [1.0] * 4 + [1 / 6] * 24,
        name="split",
    )


def test_smaller_tolerance_is_tried_and_named():
    crystal = split_chlorine(0.04)
    with pytest.warns(StructureWarning, match=r"split: no symmetry found within 0.1 Å, 0.05 Å is"):
        assert space_group_number(crystal, finder="spglib") == 225
    with pytest.warns(StructureWarning, match=r"0.05 Å is used"):
        assert len(standardize(split_chlorine(0.04), finder="spglib")) == 28
    with pytest.raises(SymmetryError, match=r"within 0.1 Å"):
        space_group_number(crystal, finder="spglib", fallback=False)


def test_no_smaller_tolerance_is_needed():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert space_group_number(split_chlorine(0.3)) == 225
        assert space_group_number(split_chlorine(0.04), symprec=0.02) == 225


def test_large_disordered_cell_needs_little_memory():
    import tracemalloc

    places = np.stack(np.meshgrid(*[np.arange(12) / 12] * 3), axis=-1).reshape(-1, 3)
    doubled = np.concatenate([places, places[:1] - 1e-12])
    occupancies = np.ones(len(doubled))
    occupancies[[0, -1]] = 0.5
    numbers = np.full(len(doubled), 29)
    numbers[-1] = 79
    crystal = Crystal(np.eye(3) * 40, doubled, numbers, occupancies)
    tracemalloc.start()
    coords, types, kinds = _merged_sites(crystal)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e6  # all differences would take 170 MB
    assert len(coords) == len(places)
    assert (types != types[0]).sum() == len(places) - 1
    assert sorted(kinds) == [((29, 0.5), (79, 0.5)), ((29, 1.0),)]


def test_many_atoms_are_said(monkeypatch):
    monkeypatch.setattr("crystalsym.crystals._symmetry.MANY_SITES", 8)
    with pytest.warns(StructureWarning, match=r"with 8 atoms in the cell.*may take minutes"):
        space_group_number(NACL.replace(name="salt"))
