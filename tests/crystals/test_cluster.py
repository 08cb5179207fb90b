"""Finite clusters: what they hold, where they come from, and what they refuse."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from support.crystals import NACL

from crystalsym.crystals import Cluster, Crystal, as_crystal, as_structure

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
