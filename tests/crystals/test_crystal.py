"""The Crystal record."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from support.crystals import NACL, lattice_of

from crystalsym import Crystal
from crystalsym.crystals import StructureWarning

CUBE = np.eye(3) * 4.0


def test_fields_become_arrays_that_cannot_be_changed():
    crystal = Crystal([[4, 0, 0], [0, 4, 0], [0, 0, 4]], [[0, 0, 0]], [26])
    assert crystal.lattice.dtype == crystal.frac_coords.dtype == np.float64
    assert crystal.atomic_numbers.dtype == np.int64
    assert crystal.occupancies.tolist() == [1.0]
    for array in (crystal.lattice, crystal.frac_coords, crystal.atomic_numbers):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(AttributeError):
        crystal.name = "iron"


def test_arrays_are_copied():
    lattice = CUBE.copy()
    crystal = Crystal(lattice, [[0, 0, 0]], [26])
    lattice[0, 0] = 99
    assert crystal.lattice[0, 0] == 4


def test_geometry():
    lattice = lattice_of(4, 5, 6, 80, 95, 100)
    crystal = Crystal(lattice, [[0, 0, 0]], [26])
    assert crystal.volume == pytest.approx(np.linalg.det(lattice))
    assert np.allclose(crystal.metric, lattice @ lattice.T)
    assert np.allclose(crystal.reciprocal @ lattice.T, np.eye(3))
    assert len(NACL) == 8


def test_formula_counts_occupancies():
    assert NACL.formula == "Cl4Na4"
    assert Crystal(CUBE, [[0, 0, 0]] * 2, [28, 29], [0.25, 0.75]).formula == "Cu0.75Ni0.25"


def test_replace_checks_again():
    assert NACL.replace(name="halite").name == "halite"
    with pytest.raises(ValueError, match=r"'NaCl': 2 atomic numbers for 8 positions"):
        NACL.replace(atomic_numbers=[1, 2])


def test_digest_follows_the_content_and_not_the_name():
    assert NACL.digest() == NACL.replace(name="halite").digest()
    assert pickle.loads(pickle.dumps(NACL)).digest() == NACL.digest()
    others = [
        NACL.replace(lattice=NACL.lattice * 1.001),
        NACL.replace(frac_coords=NACL.frac_coords + 1e-6),
        NACL.replace(atomic_numbers=NACL.atomic_numbers[::-1]),
        NACL.replace(occupancies=[0.9] * 8),
        NACL.replace(standard=True),
    ]
    assert len({crystal.digest() for crystal in [NACL, *others]}) == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.eye(2), [[0, 0, 0]], [26]), r"lattice has shape \(2, 2\)"),
        ((CUBE, [0, 0, 0], [26]), r"frac_coords has shape \(3,\)"),
        ((CUBE, np.empty((0, 3)), []), r"frac_coords has shape \(0, 3\)"),
        ((CUBE, [[0, 0, 0]], [26, 26]), "2 atomic numbers for 1 positions"),
        ((CUBE, [[0, np.nan, 0]], [26]), "not finite"),
        ((np.full((3, 3), np.inf), [[0, 0, 0]], [26]), "not finite"),
        ((np.ones((3, 3)), [[0, 0, 0]], [26]), "no volume"),
        ((CUBE, [[0, 0, 0]], [26.5]), "must be integers"),
        ((CUBE, [[0, 0, 0]], [0]), "no scattering factor for atomic number 0"),
        ((CUBE, [[0, 0, 0]], [99]), "no scattering factor for atomic number 99"),
        ((CUBE, [[0, 0, 0]], [26], [1.0, 1.0]), "2 occupancies for 1 positions"),
        ((CUBE, [[0, 0, 0]], [26], [0.0]), r"occupancies must lie in \(0, 1\]"),
        ((CUBE, [[0, 0, 0]], [26], [1.5]), r"occupancies must lie in \(0, 1\]"),
    ],
)
def test_impossible_content_is_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=f"crystal 'odd': .*{message}"):
        Crystal(*arguments, name="odd")
    with pytest.raises(ValueError, match=f"^crystal: .*{message}"):
        Crystal(*arguments)


def test_atoms_too_close_are_said_once():
    with pytest.warns(
        StructureWarning, match=r"'iron'.*Fe \(atom 0\) and Fe \(atom 1\) are 0.06 Å"
    ):
        crystal = Crystal(np.eye(3) * 4, [[0, 0, 0.99], [0, 0, 0.005]], [26, 26], name="iron")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert crystal.replace(name="other").notes == crystal.notes
        assert pickle.loads(pickle.dumps(crystal)).notes == crystal.notes


def test_many_atoms_too_close_are_counted():
    coords = np.random.default_rng(0).random((200, 3))
    with pytest.warns(StructureWarning, match=r"apart, and \d+ other pairs are closer than 0.5 Å"):
        Crystal(np.eye(3) * 6, coords, [26] * 200)


def test_left_handed_cell():
    with pytest.warns(StructureWarning, match="left-handed"):
        Crystal(np.diag([4, 4, -4]), [[0, 0, 0]], [84])


@pytest.mark.parametrize(
    ("coords", "occupancies"),
    [
        ([[0, 0, 0], [0, 0, 0]], [0.5, 0.5]),  # a shared site
        ([[0, 0, 0], [0, 0, 0.05]], [0.5, 0.5]),  # a split one
        ([[0, 0, 0], [0, 0, 0.2]], [1, 1]),
    ],
)
def test_nothing_to_say(coords, occupancies):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Crystal(np.eye(3) * 4, coords, [26, 27], occupancies).notes == ()
