"""Found by trying the library out: regressions that belong to no single room."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys

import numpy as np
import pytest

from crystalsym import DiffractionSimulator, identify, space_group_number, standardize
from crystalsym._keras import BackendError
from crystalsym.cli import main
from crystalsym.datasets import CrystalTable, example_crystals
from crystalsym.identification import structure_files
from crystalsym.measurement import read_patterns

NACL = example_crystals()["NaCl"]


@pytest.mark.parametrize("symprec", [0, -1, float("nan"), float("inf"), 1e9])
def test_no_tolerance_crashes_the_finder(symprec):
    """spglib takes the interpreter down with it."""
    for call in (space_group_number, standardize):
        with pytest.raises(ValueError, match="symprec must be a positive number"):
            call(NACL, symprec)
    with pytest.raises(ValueError, match="symprec"):
        space_group_number(NACL, symprec, finder="spglib")
    assert "symprec" in (identify([NACL], "72-small", symprec=symprec)[0].error or "")


def test_packed_files_of_folders_count(tmp_path):
    (tmp_path / "N.cif.gz").write_bytes(gzip.compress(NACL.read_bytes()))
    (tmp_path / "notes.gz").write_bytes(b"")
    assert [os.path.basename(file) for file in structure_files([tmp_path])] == ["N.cif.gz"]


def test_channels_last_are_named(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((32, 32, 3)))
    with pytest.raises(ValueError, match=r"looks like \(H, W, n\).*moveaxis"):
        read_patterns(tmp_path / "a.npy")


def test_images_without_spots_are_refused(tmp_path, capsys):
    """They used to be 227 with 82 %."""
    images = np.asarray(DiffractionSimulator().transform([NACL]))[0]
    np.save(tmp_path / "a.npy", images.max() - images)  # black spots on white
    assert main(["identify", str(tmp_path / "a.npy"), "--model", "72-small"]) == 2
    assert "no spot is found" in capsys.readouterr().err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_one_line():
    command = [sys.executable, "-m", "crystalsym", "info"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "No space left" in done.stderr


def test_an_unknown_backend_is_named():
    code = "from crystalsym._keras import import_keras; import_keras()"
    environment = {**os.environ, "KERAS_BACKEND": "nonsense"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert BackendError.__name__ in done.stderr
    assert "KERAS_BACKEND" in done.stderr


def test_a_table_prints_what_it_is():
    table = CrystalTable.from_crystals([NACL])
    assert repr(table) == "CrystalTable(1 crystals, 8 sites)"


def test_a_file_that_is_no_table_is_not_said_to_be_pickled():
    with pytest.raises(ValueError, match=r"not a readable npz file$"):
        CrystalTable.load(NACL)
