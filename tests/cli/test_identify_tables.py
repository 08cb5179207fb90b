"""``crystalsym identify`` of folders and tables, and into tables."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from crystalsym.datasets import CrystalTable
from crystalsym.identification import _identifying


@pytest.fixture(autouse=True)
def _fake_loading(monkeypatch, pipeline):
    """Have every model mean the pipeline without weights, in this process."""
    monkeypatch.setattr(_identifying, "_loaded", lambda *path: pipeline)


@pytest.fixture
def folder(tmp_path, write_cif):
    """Three structures, one of them deeper, beside a file of another kind."""
    made = tmp_path / "structures"
    (made / "sub").mkdir(parents=True)
    for name, place in (("b", "b.cif"), ("a", "a.cif"), ("c", "sub/c.cif")):
        shutil.move(write_cif(name, 4.0 + ord(name) / 500), made / place)
    (made / "notes.txt").write_text("text")
    return str(made)


@pytest.fixture
def table(tmp_path, folder):
    paths = sorted(Path(folder).rglob("*.cif"))
    crystals = CrystalTable.from_crystals(paths)
    crystals.names = crystals.names.astype("U20")
    crystals.names[:] = ["first", "second", "third"]
    crystals.save(tmp_path / "table.npz")
    return str(tmp_path / "table.npz")


def rows_of(path):
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_folder_stands_for_its_structures(run, folder):
    code, out, err = run("identify", folder, "--json")
    assert (code, err) == (0, [])
    found = [entry["path"] for entry in json.loads(out)["inputs"]]
    assert found == [f"{folder}/{name}" for name in ("a.cif", "b.cif", "sub/c.cif")]


def test_a_table_stands_for_its_rows(run, table, folder):
    code, out, err = run("identify", table, "--json")
    assert (code, err) == (0, [])
    found = json.loads(out)["inputs"]
    assert [entry["path"] for entry in found] == [
        f"{table}, {name}" for name in ("first", "second", "third")
    ]
    of_files = json.loads(run("identify", folder, "--json")[1])["inputs"]
    for one, other in zip(found, of_files, strict=True):
        assert [p["number"] for p in one["predictions"]] == [
            p["number"] for p in other["predictions"]
        ]


def test_broken_rows_of_a_table(run, table, monkeypatch):
    original = CrystalTable.__getitem__

    def broken(self, index):
        if index == 1:
            raise ValueError("atomic number 99")
        return original(self, index)

    monkeypatch.setattr(CrystalTable, "__getitem__", broken)
    code, out, err = run("identify", table, "--json")
    assert code == 1
    assert len(json.loads(out)["inputs"]) == 2
    assert "table.npz, second: " in err[0]
    assert "atomic number 99" in err[0]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_output_is_a_table(run, folder, broken, tmp_path, suffix):
    output = tmp_path / f"answers{suffix}"
    code, out, err = run("identify", folder, broken, "no.cif", "--output", output, "--top", 3)
    assert (code, err) == (1, [])
    assert out == f"{output}: 3 of 5 structures identified, 2 have a reason instead\n"
    if suffix == ".csv":
        rows = rows_of(output)
    else:
        rows = pq.read_table(output).to_pylist()
    expected = [f"{folder}/{name}" for name in ("a.cif", "b.cif", "sub/c.cif")]
    assert [row["source"] for row in rows] == [*expected, broken, "no.cif"]
    assert "no such file" in rows[4]["error"]
    answers = json.loads(run("identify", folder, "--json", "--top", 3)[1])["inputs"]
    for row, answer in zip(rows, answers, strict=False):
        assert int(row["group_3"]) == answer["predictions"][2]["number"]
        assert float(row["probability_1"]) == pytest.approx(
            answer["predictions"][0]["probability"], abs=1e-5
        )
        assert int(row["finder_group"]) == answer["symmetry_finder"]["number"]


def test_output_of_a_table_and_of_examples(run, table, tmp_path):
    code, out, _ = run("identify", table, "-o", tmp_path / "a.csv", "-j", 1, "--coverage", 0.9)
    assert (code, out) == (0, f"{tmp_path}/a.csv: 3 of 3 structures identified\n")
    rows = rows_of(tmp_path / "a.csv")
    assert [row["source"] for row in rows] == ["first", "second", "third"]
    assert all(len(row["prediction_set"].split()) == 2 for row in rows)


def test_output_goes_on_and_is_not_mixed(run, table, tmp_path):
    output = tmp_path / "a.csv"
    assert run("identify", table, "-o", output)[0] == 0
    before = output.stat().st_mtime_ns
    code, out, err = run("identify", table, "-o", output)
    assert (code, out, err) == (0, f"{output}: 3 of 3 structures identified\n", [])
    assert output.stat().st_mtime_ns == before
    code, out, err = run("identify", table, "-o", output, "--top", 2)
    assert (code, out, len(err)) == (2, "", 1)
    assert "comes from another run (options: top 5 then, 2 now)" in err[0]


def test_jobs_without_output(run, folder):
    code, _, err = run("identify", folder, "--jobs", 2)
    assert code == 0
    assert err == ["crystalsym: warning: --jobs goes with --output and has no effect without it"]


def test_all_failed_is_exit_code_two(run, broken, tmp_path):
    code, out, err = run("identify", broken, "-o", tmp_path / "a.csv")
    assert (code, err) == (2, [])
    assert "0 of 1 structures identified, 1 have a reason instead" in out


BAD_CALLS = {
    "plot": (["a.cif", "-o", "a.csv", "--plot", "a.png"], "and --plot goes without it"),
    "json": (["a.cif", "-o", "a.csv", "--json"], "and --json goes without it"),
    "strict": (["a.cif", "-o", "a.csv", "--strict"], "and --strict goes without it"),
    "images": (["x.tif", "x.tif", "x.tif", "-o", "a.csv"], "x.tif: --output is for structures"),
    "ending": (["a.cif", "-o", "a.xls"], "a.xls: a table's file name ends in .csv or .parquet"),
    "no folder": (["a.cif", "-o", "no/a.csv"], "no/a.csv: the folder no does not exist"),
    "two tables": (["t.npz", "a.cif", "-o", "a.csv"], "t.npz: a table of crystals comes alone"),
    "no table": (["t.npz"], "t.npz: not a readable npz file"),
    "no such table": (["no.npz"], "no.npz: no such file"),
    "jobs": (["a.cif", "-o", "a.csv", "-j", "x"], "argument -j/--jobs: invalid int value: 'x'"),
    "coverage": (["a.cif", "-o", "a.csv", "--coverage", "0.99"], "too few validation rows"),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_bad_calls(run, write_cif, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write_cif("a")
    Image.new("I;16", (8, 8)).save("x.tif")
    (tmp_path / "t.npz").write_text("text")
    args, reason = BAD_CALLS[name]
    code, out, err = run("identify", *args)
    assert (code, out, len(err)) == (2, "", 1)
    assert reason in err[0]
    assert not os.path.exists("a.csv")
