"""The bundled crystals are what they say: group, formula, density, distances, reference."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path

import gemmi
import numpy as np
import pytest
from pymatgen.analysis.molecule_structure_comparator import CovalentRadius
from pymatgen.core import Composition, Structure
from pymatgen.io.cif import CifParser
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

import crystalsym
from crystalsym import spacegroups
from crystalsym.crystals import as_crystal
from crystalsym.datasets import example_crystals, example_space_groups

pytestmark = pytest.mark.filterwarnings("ignore:Set OLD_ERROR_HANDLING")

NAMES = list(example_crystals())


@cache
def block(name: str) -> gemmi.cif.Block:
    return gemmi.cif.read(str(example_crystals()[name])).sole_block()


def value(name: str, tag: str) -> str:
    return gemmi.cif.as_string(block(name).find_value(tag))


@cache
def parsed(name: str) -> tuple[Structure, list[str]]:
    """Structure in the cell of the file, and what pymatgen complained about."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        structure = CifParser(example_crystals()[name]).parse_structures(primitive=False)[0]
    complaints = [str(w.message) for w in caught if not issubclass(w.category, DeprecationWarning)]
    return structure, complaints


def test_enough_crystals_over_all_systems():
    groups = example_space_groups()
    assert len(groups) >= 28
    systems = [spacegroups.crystal_system(number) for number in groups.values()]
    for number in range(1, 231):
        assert systems.count(spacegroups.crystal_system(number)) >= 3
    trained = set(spacegroups.label_set("72"))
    inside = [number in trained for number in groups.values()]
    assert np.mean(inside) > 0.9
    assert len(trained & set(groups.values())) >= 45


def test_names_and_paths():
    crystals = example_crystals()
    assert {"NaCl", "Fe2O3-hematite", "TiO2-rutile", "SiO2-quartz"} <= set(crystals)
    for name, path in crystals.items():
        assert isinstance(path, Path)
        assert path.is_file()
        assert path.name == f"{name}.cif"
        assert Path(crystalsym.__file__).parent in path.parents
    folder = next(iter(crystals.values())).parent
    assert {path.name for path in folder.iterdir()} == {path.name for path in crystals.values()}


def test_order_is_that_of_the_groups():
    groups = example_space_groups()
    assert list(groups) == list(example_crystals())
    assert list(groups.items()) == sorted(groups.items(), key=lambda item: (item[1], item[0]))


def test_answers_are_safe_to_change():
    example_crystals().clear()
    assert list(example_crystals()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_file_is_documented(name):
    assert block(name).name == name
    for tag in (
        "_chemical_name_common",
        "_publ_section_title",
        "_journal_name_full",
        "_journal_volume",
        "_journal_page_first",
    ):
        assert value(name, tag)
    assert 1920 <= int(value(name, "_journal_year")) <= 2026
    assert list(block(name).find_values("_publ_author_name"))
    assert int(value(name, "_space_group_IT_number")) == example_space_groups()[name]
    example_crystals()[name].read_text(encoding="ascii")


@pytest.mark.parametrize("name", NAMES)
def test_operations_are_those_of_the_declared_setting(name):
    declared = gemmi.SpaceGroup(value(name, "_space_group_name_H-M_alt"))
    assert declared.number == example_space_groups()[name]
    assert value(name, "_space_group_name_Hall") == declared.hall
    triplets = [
        gemmi.cif.as_string(text)
        for text in block(name).find_values("_space_group_symop_operation_xyz")
    ]
    assert gemmi.GroupOps([gemmi.Op(text) for text in triplets]) == declared.operations()
    assert len(set(triplets)) == len(triplets) == len(declared.operations())


@pytest.mark.parametrize("name", NAMES)
def test_pymatgen_reads_it_without_complaint(name):
    structure, complaints = parsed(name)
    # pymatgen always tells when a coordinate is 1/3; anything else would be a fault of the file.
    assert [text for text in complaints if "rounded to ideal values" not in text] == []
    assert structure.is_ordered
    assert structure.is_valid(tol=0.7)


@pytest.mark.parametrize("name", NAMES)
def test_cell_holds_z_formula_units_at_the_published_density(name):
    structure, _ = parsed(name)
    formula = Composition(value(name, "_chemical_formula_sum").replace(" ", ""))
    assert structure.composition == formula * int(value(name, "_cell_formula_units_Z"))
    published = float(value(name, "_exptl_crystal_density_diffrn"))
    assert structure.density == pytest.approx(published, rel=0.012)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("symprec", [0.1, 0.01])
def test_symmetry_finder_agrees_with_the_declared_group(name, symprec):
    found = SpacegroupAnalyzer(parsed(name)[0], symprec=symprec).get_space_group_number()
    assert found == example_space_groups()[name]


@pytest.mark.parametrize("name", NAMES)
def test_distances_are_those_of_chemistry(name):
    structure, _ = parsed(name)
    radius = {str(e): CovalentRadius.radius[str(e)] for e in structure.composition.elements}
    centers, neighbors, _, distances = structure.get_neighbor_list(4.0)
    symbols = [site.specie.symbol for site in structure]
    sums = np.array(
        [radius[symbols[i]] + radius[symbols[j]] for i, j in zip(centers, neighbors, strict=True)]
    )
    ratio = distances / sums
    assert ratio.min() > 0.7  # the double bond V=O of V2O5 has 0.72
    for site in range(len(structure)):  # no atom hangs in the air
        assert ratio[centers == site].min() < 1.25


def test_quartz_is_the_declared_hand():
    # Levien et al. give the crystal in P3_2 2 1; its mirror image would be P3_1 2 1.
    assert example_space_groups()["SiO2-quartz"] == 154
    mirrored = parsed("SiO2-quartz")[0].copy()
    mirrored = Structure(mirrored.lattice, mirrored.species, mirrored.frac_coords * [1, 1, -1])
    found = SpacegroupAnalyzer(mirrored, symprec=0.01).get_space_group_number()
    assert found == spacegroups.enantiomorph(154)


@pytest.mark.parametrize(
    ("name", "bond", "published"),
    [
        ("NaCl", ("Na", "Cl"), 2.820),
        ("C-diamond", ("C", "C"), 1.544),
        ("SiO2-quartz", ("Si", "O"), 1.605),
        ("CaCO3-calcite", ("C", "O"), 1.281),
        ("CaWO4-scheelite", ("W", "O"), 1.784),
        ("FeS2-pyrite", ("S", "S"), 2.177),
        ("TiO2-rutile", ("Ti", "O"), 1.948),
        ("S8-alpha", ("S", "S"), 2.045),
        ("Ga2O3-beta", ("Ga", "O"), 1.832),
        ("C-graphite", ("C", "C"), 1.4226),
        ("LiCoO2", ("Co", "O"), 1.921),
    ],
)
def test_bond_lengths_known_from_textbooks(name, bond, published):
    structure, _ = parsed(name)
    shortest = min(
        neighbor.nn_distance
        for site in structure
        if site.specie.symbol == bond[0]
        for neighbor in structure.get_neighbors(site, 3.2)
        if neighbor.specie.symbol == bond[1]
    )
    assert shortest == pytest.approx(published, abs=0.012)


def test_every_file_is_a_crystal_for_the_package():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, path in example_crystals().items():
            crystal = as_crystal(path)
            assert len(crystal.atomic_numbers) >= 1, name
