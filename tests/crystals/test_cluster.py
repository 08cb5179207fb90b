"""Finite clusters: what they hold, where they come from, and what they refuse."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pytest
from support.crystals import NACL

from crystalsym.crystals import Cluster, Crystal, as_crystal, as_structure
from crystalsym.datasets import example_crystals

PAIR = Cluster([[0.0, 0.0, 0.0], [0.0, 0.0, 1.128]], [6, 8], name="CO")


def test_block_holds_every_cell_once():
    block = Cluster.from_crystal(NACL, cells=(2, 3, 1))
    assert len(block) == 6 * len(NACL)
    places = block.positions @ np.linalg.inv(NACL.lattice)
    whole = np.floor(places + 1e-9)
    assert len(np.unique(whole, axis=0)) == 6
    assert whole.min() == 0
    assert whole.max(axis=0).tolist() == [1, 2, 0]
    for cell in np.unique(whole, axis=0):
        inside = np.all(whole == cell, axis=1)
        assert np.allclose((places - whole)[inside], NACL.frac_coords)
        assert np.array_equal(block.atomic_numbers[inside], NACL.atomic_numbers)
    assert np.array_equal(block.lattice, NACL.lattice)
    assert block.name == "NaCl"


def test_block_keeps_occupancies():
    mixed = Crystal(np.eye(3) * 4, [[0, 0, 0], [0, 0, 0]], [29, 79], [0.25, 0.75])
    assert Cluster.from_crystal(mixed, 2).occupancies.tolist() == [0.25, 0.75] * 8


@pytest.mark.parametrize("cells", [0, (1, 2), (1, 2, 0), 1.5, (1, 1, 1.5), True, "2", None])
def test_block_needs_positive_integers(cells):
    with pytest.raises(ValueError, match="cells must be one or three positive integers, got"):
        Cluster.from_crystal(NACL, cells)


def test_atoms_are_taken_by_slice_list_and_mask():
    block = Cluster.from_crystal(NACL, 2)
    sodium = block.atomic_numbers == 11
    assert set(block[sodium].atomic_numbers) == {11}
    assert np.array_equal(block[[3, 1]].positions, block.positions[[3, 1]])
    assert len(block[1:]) == len(block) - 1
    assert np.array_equal(block[1:].lattice, block.lattice)
    with pytest.raises(TypeError, match=r"write cluster\[\[4\]\] or a slice"):
        block[4]


def test_frozen_and_independent_of_its_input():
    positions = np.zeros((1, 3))
    cluster = Cluster(positions, [6])
    positions[0] = 1
    assert not cluster.positions.any()
    with pytest.raises(ValueError, match="read-only"):
        cluster.positions[0] = 1


def test_digest_follows_content_and_not_the_name():
    assert PAIR.digest() == PAIR.replace(name="x").digest()
    changes = (
        {"positions": PAIR.positions + 1e-6},
        {"atomic_numbers": [8, 6]},
        {"occupancies": [1, 0.5]},
        {"lattice": np.eye(3)},
    )
    digests = {PAIR.replace(**change).digest() for change in changes}
    assert len(digests | {PAIR.digest()}) == 5
    assert pickle.loads(pickle.dumps(PAIR)).digest() == PAIR.digest()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0, 0]], [6]), r"positions has shape \(1, 2\), needs \(n_atoms, 3\)"),
        ((np.zeros((0, 3)), []), r"shape \(0, 3\)"),
        (([[0, 0, 0]], [6, 8]), "2 atomic numbers for 1 positions"),
        (([[0, 0, 0], [0, np.nan, 0]], [6, 8]), "position of atom 1 is not finite"),
        (([[0, 0, 0]], [99]), "no scattering factor for atomic number 99"),
        (([[0, 0, 0]], [6.5]), "must be integers"),
        (([[0, 0, 0]], [6], [0.0]), r"occupancies must lie in \(0, 1\]"),
        (([[0, 0, 0]], [6], [1, 1]), "2 occupancies for 1 positions"),
        (([[0, 0, 0]], [6], None, np.zeros((3, 3))), "span no volume"),
        (([[0, 0, 0]], [6], None, np.eye(2)), "three finite vectors"),
    ],
)
def test_impossible_clusters_are_refused(arguments, message):
    with pytest.raises(ValueError, match=f"cluster 'mine': .*{message}"):
        Cluster(*arguments, name="mine")


def test_molecule_from_pymatgen():
    from pymatgen.core import Molecule

    cluster = as_structure(Molecule(["C", "O"], PAIR.positions))
    assert cluster.digest() == PAIR.digest()
    assert cluster.lattice is None


def test_molecule_with_ions_deuterium_and_partial_occupancy():
    from pymatgen.core import Molecule

    cluster = as_structure(Molecule(["Na+", "D", {"O2-": 0.5}], [[0, 0, 0], [1, 0, 0], [2, 0, 0]]))
    assert cluster.atomic_numbers.tolist() == [11, 1, 8]
    assert cluster.occupancies.tolist() == [1, 1, 0.5]


def test_ase_atoms_without_periodic_directions():
    ase = pytest.importorskip("ase")
    free = ase.Atoms("CO", positions=PAIR.positions)
    assert as_structure(free).digest() == PAIR.digest()
    boxed = ase.Atoms("CO", positions=PAIR.positions, cell=[5, 6, 7])
    assert np.array_equal(as_structure(boxed).lattice, np.diag([5.0, 6, 7]))
    crystal = ase.Atoms("CO", positions=PAIR.positions, cell=[5, 6, 7], pbc=True)
    assert isinstance(as_structure(crystal), Crystal)
    slab = ase.Atoms("CO", positions=PAIR.positions, cell=[5, 6, 7], pbc=(True, True, False))
    with pytest.raises(ValueError, match=r"CO: is periodic in some directions only; set pbc"):
        as_structure(slab)


def test_xyz_file(tmp_path):
    path = tmp_path / "co.xyz"
    path.write_text("2\n\nC 0 0 0\nO 0 0 1.128\n", encoding="utf-8")
    assert as_structure(path).digest() == PAIR.digest()
    assert as_structure(str(path)).name == str(path)
    path.write_text("nonsense", encoding="utf-8")
    with pytest.raises(ValueError, match=r"co\.xyz: no readable atoms"):
        as_structure(path)
    with pytest.raises(FileNotFoundError, match=r"no\.xyz: no such file"):
        as_structure(tmp_path / "no.xyz")


def test_crystals_stay_crystals():
    assert as_structure(NACL) is NACL
    assert as_structure(PAIR) is PAIR
    with pytest.raises(TypeError, match="cannot read a crystal from Cluster"):
        as_crystal(PAIR)


PDB = """\
CRYST1   20.000   30.000   40.000  90.00 100.00  90.00 P 1 21 1      2
ATOM      1  N   GLY A   1       1.000   2.000   3.000  1.00 10.00           N
ATOM      2  CA AGLY A   1       2.450   2.000   3.000  0.60 10.00           C
ATOM      3  CA BGLY A   1       2.500   2.200   3.100  0.40 10.00           C
HETATM    4 CA    CA A   2       9.000   9.000   9.000  1.00 10.00          CA
HETATM    5  O   HOH A   3    1005.000   5.000   5.000  1.00 10.00           O
END
"""
TWO_MODELS = "".join(f"MODEL     {n:4d}\n{PDB.splitlines()[1]}\nENDMDL\n" for n in (1, 2))
MMCIF = """\
data_x
_cell.length_a 20
_cell.length_b 30
_cell.length_c 40
_cell.angle_alpha 90
_cell.angle_beta 100
_cell.angle_gamma 90
loop_
_atom_site.group_PDB
_atom_site.id
_atom_site.type_symbol
_atom_site.label_atom_id
_atom_site.label_alt_id
_atom_site.label_comp_id
_atom_site.label_asym_id
_atom_site.label_seq_id
_atom_site.Cartn_x
_atom_site.Cartn_y
_atom_site.Cartn_z
_atom_site.occupancy
ATOM 1 N N . GLY A 1 1.0 2.0 3.0 1.0
ATOM 2 C CA A GLY A 1 2.45 2.0 3.0 0.6
ATOM 3 C CA B GLY A 1 2.5 2.2 3.1 0.4
HETATM 4 CA CA . CA A . 9 9 9 1.0
HETATM 5 O O . HOH A . 1005 5 5 1.0
"""


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("name", "text"), [("x.pdb", PDB), ("X.ENT", PDB), ("x.cif", MMCIF), ("x.mmcif", MMCIF)]
)
def test_coordinate_files_are_clusters(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    cluster = as_structure(path)
    assert isinstance(cluster, Cluster)
    assert cluster.name == str(path)
    assert cluster.atomic_numbers.tolist() == [7, 6, 6, 20, 8]  # CA of residue CA is calcium
    assert cluster.occupancies.tolist() == [1, 0.6, 0.4, 1, 1]
    assert cluster.positions[[1, 4]].tolist() == [[2.45, 2, 3], [1005, 5, 5]]
    beta = np.radians(100)
    expected = [[20, 0, 0], [0, 30, 0], [40 * np.cos(beta), 0, 40 * np.sin(beta)]]
    assert np.allclose(cluster.lattice, expected)


def test_a_file_without_a_cell_gives_no_lattice(tmp_path):
    path = tmp_path / "x.pdb"
    for cell in ("", "CRYST1    1.000    1.000    1.000  90.00  90.00  90.00 P 1           1\n"):
        path.write_text(cell + PDB.split("\n", 1)[1])
        assert as_structure(path).lattice is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((" 1.00 10.00           O", " 0.00 10.00           O"), "occupancy 0 are left out, 1 of"),
        (("           N\n", "\n"), r"no element of atom 1 \(N\) and maybe others"),
        (("CRYST1", TWO_MODELS + "CRYST1"), "holds 3 models; the first"),
    ],
)
def test_what_is_guessed_or_left_out_of_a_file_is_said(tmp_path, change, reason):
    path = tmp_path / "x.pdb"
    path.write_text(PDB.replace(*change))
    with pytest.warns(UserWarning, match=rf"x\.pdb: .*{reason}"):
        cluster = as_structure(path)
    assert cluster.atomic_numbers[0] == 7


@pytest.mark.filterwarnings("ignore:.*are left out")
@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("x.pdb", "END\n", "holds no atoms"),
        ("x.pdb", PDB.replace("           N", "           X"), "is of no known element"),
        ("x.pdb", re.sub(r" [01]\.\d\d 10", " 0.00 10", PDB), "all its atoms have occupancy 0"),
        ("x.mmcif", "data_x\nloop_\n_atom_site.Cartn_x\n_atom_site.id\n1 2 3\n", "no readable at"),
    ],
)  # fmt: skip
def test_files_without_atoms_are_named(tmp_path, name, text, reason):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"{name}: .*{reason}"):
        as_structure(path)
    with pytest.raises(FileNotFoundError, match="no such file"):
        as_structure(tmp_path / "none.pdb")


def test_a_cif_of_a_crystal_stays_one():
    assert isinstance(as_structure(next(iter(example_crystals().values()))), Crystal)
