"""What the command says of the files it is given."""

from __future__ import annotations

import json

import pytest
from support.cif_text import NACL_ATOMS, NACL_CELL, ROCK_SALT, cif_text

OCCUPIED = "label type_symbol occupancy fract_x fract_y fract_z"
SALT = cif_text(NACL_CELL, NACL_ATOMS, ROCK_SALT, name="salt")
CESIUM = cif_text((4.12, 4.12, 4.12, 90, 90, 90), ["Cs1 Cs 0 0 0", "Cl1 Cl 0.5 0.5 0.5"],
                  "_space_group_IT_number 221", name="cesium")  # fmt: skip


@pytest.fixture
def write(tmp_path):
    def call(text, name="crystal.cif"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return call


def test_each_guess_is_one_line(run, write):
    path = write(SALT.replace("'F m -3 m'", "'F m -3 m'\n_cell_volume 200") + CESIUM)
    code, out, errors = run("identify", path, "--json")
    assert code == 0
    answer = json.loads(out)["inputs"][0]
    assert answer["symmetry_finder"]["number"] == 225
    assert len(answer["notes"]) == 2
    assert errors == [f"crystalsym: warning: {path}: {note}" for note in answer["notes"]]
    assert "others: cesium" in errors[0]


@pytest.mark.parametrize("block", ["cesium", "2"])
def test_block(run, write, block):
    code, out, errors = run("identify", write(SALT + CESIUM), "--block", block, "--json")
    assert (code, errors) == (0, [])
    assert json.loads(out)["inputs"][0]["symmetry_finder"]["number"] == 221


def test_block_that_is_not_there(run, write, tmp_path):
    path = write(SALT + CESIUM)
    for command in (["identify"], ["simulate", "-o", tmp_path], ["shape", "-o", tmp_path]):
        code, _, errors = run(*command, path, "--block", "rubidium")
        assert code == 2
        assert len(errors) == 1
        assert "there is no block 'rubidium', but salt, cesium" in errors[0]


def test_broken_block_is_named(run, write):
    path = write(SALT.replace("0.5 0.5 0.5", "0.5 ? 0.5") + CESIUM)
    code, _, errors = run("identify", path)
    assert code == 2
    assert "block 'salt': _atom_site_fract_y of atom 'Cl1' is '?'" in errors[0]


def test_smaller_tolerance_is_said_once(run, write):
    """A square cell whose chlorine is split over two places 0.08 Å apart."""
    atoms = ["Na1 Na 1 0 0 0", "Cl1 Cl 0.5 0.5 0.5 0.51", "Cl2 Cl 0.5 0.5 0.5 0.49"]
    path = write(cif_text((4.1, 4.1, 4.0, 90, 90, 90), atoms, "_space_group_IT_number 1",
                          columns=OCCUPIED))  # fmt: skip
    code, out, errors = run("identify", path, "--json")
    assert code == 0
    assert json.loads(out)["inputs"][0]["symmetry_finder"]["number"] == 123
    assert errors == [
        f"crystalsym: warning: {path}: no symmetry found within 0.1 Å, 0.05 Å is used"
    ]
    assert run("identify", path, "--symprec", "0.02")[2] == []
