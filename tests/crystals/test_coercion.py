"""Whatever a user has becomes a Crystal, or an error that says what is wrong with it."""

from __future__ import annotations

import numpy as np
import pytest
from support.cif_text import cif_text, operations_of
from support.crystals import NACL

from crystalsym import Crystal, as_crystal, space_group_number
from crystalsym.crystals import StructureWarning, as_structure, standardize
from crystalsym.datasets import example_crystals, example_space_groups

ase = pytest.importorskip("ase")
pymatgen = pytest.importorskip("pymatgen.core")


def assert_equal(crystal: Crystal, expected: Crystal) -> None:
    assert np.allclose(crystal.lattice, expected.lattice)
    assert np.allclose(crystal.frac_coords, expected.frac_coords)
    assert crystal.atomic_numbers.tolist() == expected.atomic_numbers.tolist()
    assert np.allclose(crystal.occupancies, expected.occupancies)


def test_crystal_is_passed_through():
    assert as_crystal(NACL) is NACL


def test_pymatgen_structure():
    structure = pymatgen.Structure(NACL.lattice, NACL.atomic_numbers, NACL.frac_coords)
    crystal = as_crystal(structure)
    assert_equal(crystal, NACL)
    assert crystal.name == "NaCl"
    assert as_crystal(structure, name="mine").name == "mine"


def test_pymatgen_ions_and_deuterium_count_as_their_elements():
    structure = pymatgen.Structure(
        np.eye(3) * 5, ["Fe3+", "O2-", "D"], [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0, 0]]
    )
    assert as_crystal(structure).atomic_numbers.tolist() == [26, 8, 1]


def test_pymatgen_partial_occupancy():
    structure = pymatgen.Structure(
        np.eye(3) * 3.6, [{"Cu": 0.75, "Ni": 0.2}, {"O2-": 0.5}], [[0, 0, 0], [0.5, 0.5, 0.5]]
    )
    crystal = as_crystal(structure)
    content = zip(crystal.atomic_numbers.tolist(), crystal.occupancies.tolist(), strict=True)
    assert sorted(content) == [(8, 0.5), (28, pytest.approx(0.2)), (29, 0.75)]
    assert np.allclose(crystal.frac_coords[:2], 0)


def test_pymatgen_placeholder_is_no_element():
    structure = pymatgen.Structure(
        np.eye(3) * 5, [pymatgen.DummySpecies("X"), "O"], [[0, 0, 0], [0.5, 0.5, 0.5]]
    )
    with pytest.raises(ValueError, match=r"site 0 holds X.*no element"):
        as_crystal(structure)


def test_ase_atoms():
    atoms = ase.Atoms(
        numbers=NACL.atomic_numbers,
        cell=NACL.lattice,
        scaled_positions=NACL.frac_coords,
        pbc=True,
    )
    assert_equal(as_crystal(atoms), NACL)
    assert as_crystal(atoms).name == "Cl4Na4"


def test_ase_primitive_cells():
    from ase.build import bulk

    for symbol, structure, number in [
        ("Cu", "fcc", 225),
        ("Si", "diamond", 227),
        ("Mg", "hcp", 194),
    ]:
        assert space_group_number(bulk(symbol, structure)) == number


@pytest.mark.parametrize("periodic", [False, True])
def test_ase_molecule_is_no_crystal(periodic):
    water = ase.Atoms("OH2", positions=[[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]], pbc=periodic)
    with pytest.raises(ValueError, match=r"H2O.*(is not periodic|no volume)"):
        as_crystal(water)


def test_ase_empty():
    with pytest.raises(ValueError, match="holds no atoms"):
        as_crystal(ase.Atoms(cell=[4, 4, 4], pbc=True))


def test_ase_ghost_atom():
    with pytest.raises(ValueError, match="atomic number 0"):
        as_crystal(ase.Atoms("X", cell=[4, 4, 4], pbc=True))


ALLOY = cif_text(
    (3.8, 3.8, 3.8, 90, 90, 90),
    ["Cu1 Cu 0.75 0 0 0", "Au1 Au 0.25 0 0 0", "Au2 Au 1 0.5 0.5 0"],
    "_space_group_IT_number 123",
    "_symmetry_space_group_name_H-M 'P 4/m m m'",
    columns="label type_symbol occupancy fract_x fract_y fract_z",
    operations=operations_of("P 4/m m m"),
)


def test_ase_occupancies(tmp_path):
    from ase.io import read

    path = tmp_path / "alloy.cif"
    path.write_text(ALLOY)
    atoms = read(path)
    crystal = as_crystal(atoms)
    assert crystal.formula == as_crystal(path).formula == "Au1.25Cu0.75"
    assert space_group_number(crystal) == 123
    del atoms.arrays["spacegroup_kinds"]
    with pytest.raises(ValueError, match=r"'spacegroup_kinds'.*is missing"):
        as_crystal(atoms)


@pytest.mark.parametrize("read", [as_crystal, as_structure])
def test_ase_slab_is_no_crystal(read):
    slab = ase.Atoms("Cu", cell=[3, 3, 20], pbc=(True, True, False))
    with pytest.raises(ValueError, match=r"is (not )?periodic in"):
        read(slab)


def test_ase_cell_without_periodicity_is_read_with_a_word():
    with pytest.warns(StructureWarning, match=r"pbc=False.*read as a crystal"):
        crystal = as_crystal(ase.Atoms("Cu", cell=[3, 3, 3]))
    assert len(crystal.notes) == 1


def test_pymatgen_slab_is_no_crystal():
    lattice = pymatgen.Lattice(np.eye(3) * 4, pbc=(True, True, False))
    with pytest.raises(ValueError, match="not periodic in three directions"):
        as_crystal(pymatgen.Structure(lattice, ["Cu"], [[0, 0, 0]]))


POSCAR = """NaCl
5.64
1 0 0
0 1 0
0 0 1
{names}4 4
Direct
0 0 0{first}
0.5 0.5 0{first}
0.5 0 0.5{first}
0 0.5 0.5{first}
0.5 0.5 0.5{second}
0 0 0.5{second}
0 0.5 0{second}
0.5 0 0{second}
"""


@pytest.mark.parametrize("name", ["POSCAR", "CONTCAR_2", "salt.vasp"])
def test_poscar_without_names_is_refused(tmp_path, name):
    path = tmp_path / name
    path.write_text(POSCAR.format(names="", first="", second=""))
    with pytest.raises(ValueError, match=rf"{name}.*line 6: no element names.*'Na Cl'"):
        as_crystal(path)


@pytest.mark.parametrize(
    "words",
    [
        {"names": "Na Cl\n", "first": "", "second": ""},
        {"names": "", "first": " Na", "second": " Cl"},
    ],
)
def test_poscar_with_names(tmp_path, words):
    path = tmp_path / "POSCAR"
    path.write_text(POSCAR.format(**words))
    crystal = as_crystal(path)
    assert (crystal.formula, crystal.notes) == ("Cl4Na4", ())


def test_tuple_as_for_spglib():
    assert_equal(as_crystal((NACL.lattice, NACL.frac_coords, NACL.atomic_numbers)), NACL)
    cell = [NACL.lattice.tolist(), NACL.frac_coords.tolist(), NACL.atomic_numbers.tolist()]
    assert_equal(as_crystal(cell, name="listed"), NACL)
    with pytest.raises(ValueError, match="lattice has shape"):
        as_crystal((np.eye(2), [[0, 0, 0]], [1]))


@pytest.mark.parametrize("as_text", [True, False])
def test_path_to_a_cif(as_text):
    path = example_crystals()["NaCl"]
    crystal = as_crystal(str(path) if as_text else path)
    assert crystal.formula == "Cl4Na4"
    assert crystal.name == str(path)
    assert space_group_number(crystal) == 225


def test_bundled_files_give_what_pymatgen_reads():
    """They hold nothing that would have to be guessed, so two readers agree."""
    for name, path in example_crystals().items():
        crystal = as_crystal(path)
        assert crystal.notes == (), name
        # By moyo the origin may be another.
        ours = standardize(crystal, finder="spglib")
        theirs = standardize(pymatgen.Structure.from_file(path), finder="spglib")
        assert space_group_number(crystal) == example_space_groups()[name]
        assert ours.formula == theirs.formula
        assert np.allclose(ours.lattice, theirs.lattice, atol=1e-6)
        away = ours.frac_coords[:, None] - theirs.frac_coords
        near = np.abs(away - np.round(away)).max(axis=2) < 1e-4
        same = ours.atomic_numbers[:, None] == theirs.atomic_numbers
        assert (near & same).any(axis=1).all(), name


def test_path_to_a_poscar(tmp_path):
    path = tmp_path / "POSCAR"
    pymatgen.Structure(NACL.lattice, NACL.atomic_numbers, NACL.frac_coords).to(str(path), "poscar")
    assert_equal(as_crystal(path), NACL)


def test_cif_with_a_shared_site(tmp_path):
    path = tmp_path / "alloy.cif"
    structure = pymatgen.Structure(np.eye(3) * 3.0, [{"Cu": 0.75, "Ni": 0.25}], [[0, 0, 0]])
    structure.to(str(path))
    assert as_crystal(path).formula == "Cu0.75Ni0.25"


def test_missing_file(tmp_path):
    for path in (tmp_path / "none.cif", tmp_path):  # a folder is no file either
        with pytest.raises(FileNotFoundError, match=f"{path.name}: no such file"):
            as_crystal(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"not a crystal at all", b"data_x\n_cell_length_a 5\n", bytes(range(256))],
    ids=["empty", "prose", "half", "bytes"],
)
def test_broken_cif_names_the_file_in_one_line(tmp_path, content):
    path = tmp_path / "broken.cif"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"broken\.cif: no readable crystal structure") as caught:
        as_crystal(path)
    assert "\n" not in str(caught.value)


def test_file_of_unknown_kind(tmp_path):
    path = tmp_path / "picture.jpg"
    path.write_bytes(b"\xff\xd8")
    with pytest.raises(ValueError, match=r"picture\.jpg: no readable crystal structure"):
        as_crystal(path)


@pytest.mark.parametrize("obj", [None, 5, np.zeros((3, 3)), [1, 2], {"a": 1}, object()])
def test_anything_else_is_refused_with_advice(obj):
    with pytest.raises(TypeError, match=f"from {type(obj).__name__}: give a pymatgen Structure"):
        as_crystal(obj)
