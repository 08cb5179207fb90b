"""Tables of answers: their rows, and that no cut harms them."""

from __future__ import annotations

import csv
import json
import os
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pyarrow.parquet as pq
import pytest
from joblib._parallel_backends import ThreadingBackend

from crystalsym.datasets import CrystalTable, example_crystals
from crystalsym.identification import _answer_files, _identify_many, identify, identify_many

pytestmark = pytest.mark.usefixtures("plain_model")


def rows_of(path):
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def asked(monkeypatch):
    """How many structures each batch that is worked on has."""
    sizes = []
    original = _identify_many.identify

    def counted(structures, **options):
        sizes.append(len(structures))
        return original(structures, **options)

    monkeypatch.setattr(_identify_many, "identify", counted)
    return sizes


def test_rows_are_the_records(crystals, pipeline, tmp_path):
    done = identify_many(crystals, tmp_path / "a.csv", top=2, coverage=0.9, batch_size=3)
    assert (done.path, done.n_structures, done.n_failed) == (tmp_path / "a.csv", 7, 1)
    rows = rows_of(done.path)
    assert list(rows[0]) == [
        "row", "source", "formula", "finder_group", "finder_group_known", "group_1",
        "probability_1", "group_2", "probability_2", "diffraction_class", "class_probability",
        "prediction_set", "warnings", "error",
    ]  # fmt: skip
    records = identify(crystals, pipeline, top=2, coverage=0.9)
    for number, (row, record) in enumerate(zip(rows, records, strict=True)):
        assert row["row"] == str(number)
        assert row["source"] == f"crystal-{number}"
        if number == 5:
            assert "no symmetry found" in row["error"]
            assert not any(row[name] for name in list(row)[2:-1])
            continue
        assert row["error"] == row["warnings"] == ""
        assert (row["finder_group"], row["finder_group_known"]) == ("99", "false")
        for k, (group, probability) in enumerate(record.ranking, 1):
            assert row[f"group_{k}"] == str(group)
            assert float(row[f"probability_{k}"]) == pytest.approx(probability, rel=1e-5)
        assert row["prediction_set"] == " ".join(map(str, record.prediction_set))
        assert row["diffraction_class"] == " ".join(map(str, record.diffraction_class))
    assert sorted(os.listdir(tmp_path)) == ["a.csv", "a.csv.json"]


def test_parquet_says_the_same(crystals, tmp_path, monkeypatch):
    monkeypatch.setattr(_answer_files, "ROW_GROUP", 5)
    identify_many(crystals, tmp_path / "a.csv", coverage=0.9, batch_size=2)
    done = identify_many(crystals, tmp_path / "a.parquet", coverage=0.9, batch_size=3)
    assert (done.n_structures, done.n_failed) == (7, 1)
    assert pq.ParquetFile(done.path).num_row_groups == 2
    table = pq.read_table(done.path)
    expected = rows_of(tmp_path / "a.csv")
    assert table.column_names == list(expected[0])
    for row, other in zip(table.to_pylist(), expected, strict=True):
        for name, value in row.items():
            if value is None or value == []:
                assert other[name] == ""
            elif isinstance(value, list):
                assert " ".join(map(str, value)) == other[name]
            elif isinstance(value, float):
                assert float(other[name]) == pytest.approx(value, rel=1e-5)
            else:
                assert str(value).lower() == other[name].lower()
    assert table["row"].to_pylist() == list(range(7))


def test_paths_are_named_as_they_were_given(tmp_path, monkeypatch):
    text = example_crystals()["NaCl"].read_text()
    (tmp_path / "here.cif").write_text(text)
    (tmp_path / "umlaut, ä.cif").write_text(text)
    monkeypatch.chdir(tmp_path)
    given = ["here.cif", Path("umlaut, ä.cif"), "no.cif"]
    done = identify_many(given, "a.csv")
    rows = rows_of(done.path)
    assert [row["source"] for row in rows] == ["here.cif", "umlaut, ä.cif", "no.cif"]
    assert "no such file" in rows[2]["error"]
    assert done.n_failed == 1


def test_table_without_names_and_nothing_at_all(crystals, tmp_path):
    table = CrystalTable.from_crystals(crystals[:2])
    table.names = None
    rows = rows_of(identify_many(table, tmp_path / "a.csv").path)
    assert [row["source"] for row in rows] == ["", ""]
    assert all(row["group_1"] for row in rows)
    for name in ("b.csv", "b.parquet"):
        done = identify_many([], tmp_path / name)
        assert (done.n_structures, done.n_failed, done.path.exists()) == (0, 0, True)


def cut_after(monkeypatch, name, calls):
    """Die at the so-many-th call of a function of os, before it does anything."""
    original, left = getattr(os, name), [calls]

    def call(*args, **kwargs):
        if left[0] == 0:
            raise SystemExit("cut")
        left[0] -= 1
        return original(*args, **kwargs)

    monkeypatch.setattr(os, name, call)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize(
    ("function", "calls"),
    [*(("replace", k) for k in range(6)), *(("fsync", k) for k in range(6)),
     *(("unlink", k) for k in range(4)), ("rmdir", 0)],
)  # fmt: skip
def test_goes_on_after_a_cut_anywhere(crystals, tmp_path, asked, function, calls, suffix):
    expected = identify_many(crystals, tmp_path / f"whole{suffix}", batch_size=3).path
    asked.clear()
    output = tmp_path / f"a{suffix}"
    with pytest.MonkeyPatch.context() as patch:
        cut_after(patch, function, calls)
        with pytest.raises(SystemExit, match="cut"):
            identify_many(crystals, output, batch_size=3)
    before = len(asked)
    kept = len([f for f in os.listdir(tmp_path / f"a{suffix}.parts") if f.endswith(suffix)])
    if function != "unlink" and 1 <= calls <= 3:
        assert kept == calls - 1  # what was being written is not there under its name
    finished = output.exists()
    if finished:
        assert output.read_bytes() == expected.read_bytes()
    asked.clear()
    done = identify_many(crystals, output, batch_size=3)
    assert done == type(done)(output, 7, 1)
    assert output.read_bytes() == expected.read_bytes()
    assert len(asked) == (0 if finished else 3 - kept)
    assert before + len(asked) <= 4  # at most the batch that was cut is worked on again
    assert sorted(os.listdir(tmp_path)) == sorted(
        [f"a{suffix}", f"a{suffix}.json", f"whole{suffix}", f"whole{suffix}.json"]
    )


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_cut_while_parts_are_put_together(crystals, tmp_path, monkeypatch, suffix):
    rows, output = _answer_files.FORMATS[suffix], tmp_path / f"a{suffix}"

    def join(self, parts, target):
        target.write_bytes(parts[0].read_bytes())
        raise SystemExit("cut")

    with monkeypatch.context() as patch:
        patch.setattr(rows, "join", join)
        with pytest.raises(SystemExit):
            identify_many(crystals, output, batch_size=3)
    assert not output.exists()
    assert identify_many(crystals, output, batch_size=3).n_structures == 7
    assert sorted(os.listdir(tmp_path)) == [f"a{suffix}", f"a{suffix}.json"]


def test_called_once_more_when_all_is_done(crystals, tmp_path, asked):
    first = identify_many(crystals, tmp_path / "a.csv", batch_size=3)
    content, asked[:] = first.path.read_bytes(), []
    assert identify_many(crystals, tmp_path / "a.csv", batch_size=3) == first
    assert asked == []
    first.path.write_text("changed by hand")
    identify_many(crystals, tmp_path / "a.csv", batch_size=3, resume=False)
    assert first.path.read_bytes() == content
    assert asked == [3, 3, 1]


OTHERS = {
    "number": ({"structures": 6}, "structures: number 7 then, 6 now"),
    "content": ({"structures": "moved"}, "structures: not the same"),
    "order": ({"structures": "reversed"}, "structures: not the same"),
    "model": ({"model": "72-small"}, "model: not the same"),
    "top": ({"top": 4}, "options: top 5 then, 4 now"),
    "coverage": ({"coverage": 0.5}, "options: coverage None then, 0.5 now"),
    "symprec": ({"symprec": 0.01}, "options: symprec None then, 0.01 now"),
    "batch": ({"batch_size": 2}, "options: batch_size 3 then, 2 now"),
}


@pytest.mark.parametrize("finished", [False, True])
@pytest.mark.parametrize("name", OTHERS)
def test_another_run_is_not_mixed_in(crystals, tmp_path, name, finished):
    output = tmp_path / "a.csv"
    with pytest.MonkeyPatch.context() as patch:
        if not finished:
            cut_after(patch, "replace", 2)
        try:
            identify_many(crystals, output, batch_size=3)
        except SystemExit:
            assert not finished
    changes, reason = OTHERS[name]
    moved = [crystals[0].replace(lattice=crystals[0].lattice * 1.01), *crystals[1:]]
    structures = {6: crystals[:6], "moved": moved, "reversed": crystals[::-1], None: crystals}
    options = {"batch_size": 3, **changes}
    with pytest.raises(ValueError, match=reason) as raised:
        identify_many(structures[options.pop("structures", None)], output, **options)
    assert ".parts: comes" in str(raised.value) or finished
    assert raised.value.args[0].count(" then, ") <= 1


def test_a_file_that_was_changed_meanwhile(tmp_path):
    path = tmp_path / "a.cif"
    path.write_text(example_crystals()["NaCl"].read_text())
    identify_many([path], tmp_path / "a.csv")
    path.write_text(path.read_text().replace("5.6", "5.7"))
    os.utime(path, (1, 1))
    with pytest.raises(ValueError, match="structures: not the same"):
        identify_many([path], tmp_path / "a.csv")


def test_what_others_wrote_stays(crystals, tmp_path):
    output = tmp_path / "a.csv"
    output.write_text("mine")
    with pytest.raises(FileExistsError, match="resume=False to replace it"):
        identify_many(crystals, output)
    assert output.read_text() == "mine"
    folder = tmp_path / "b.csv.parts"
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"files of something else, thesis\.txt"):
        identify_many(crystals, tmp_path / "b.csv")
    assert (folder / "thesis.txt").read_text() == "mine"
    beside = tmp_path / "c.csv.json"
    for text, reason in (('{"mine": 1}', "not the description of a run"), ("mine", "not JSON")):
        beside.write_text(text)
        for resume in (True, False):
            with pytest.raises(ValueError, match=reason):
                identify_many(crystals, tmp_path / "c.csv", resume=resume)
        assert beside.read_text() == text


def test_description_says_what_the_answers_depend_on(crystals, tmp_path):
    identify_many(crystals, tmp_path / "a.csv", top=2)
    about = json.loads((tmp_path / "a.csv.json").read_text())
    assert about["options"] == {"top": 2, "coverage": None, "symprec": None, "batch_size": 256}
    assert about["structures"]["number"] == about["rows"] == 7
    assert about["failed"] == 1
    assert len(about["model"]["digest"]) == 64


BAD = {
    "ending": (["a.txt"], {}, r"a\.txt: a table's file name ends in \.csv or \.parquet"),
    "folder": (["no/a.csv"], {}, "the folder .*no does not exist"),
    "top": (["a.csv"], {"top": 0}, "top must be a positive integer, got 0"),
    "batch": (["a.csv"], {"batch_size": True}, "batch_size must be a positive integer, got True"),
    "coverage": (["a.csv"], {"coverage": 1.0}, "coverage must be between 0 and 1, got 1.0"),
    "model": (["a.csv"], {"model": "x"}, "no pretrained model 'x'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_parameters(crystals, tmp_path, name):
    (file,), options, reason = BAD[name]
    with pytest.raises(ValueError, match=reason):
        identify_many(crystals, tmp_path / file, **options)
    assert os.listdir(tmp_path) == []


def test_pipelines_are_given_by_their_folder(crystals, pipeline, tmp_path):
    with pytest.raises(ValueError, match="save_pipeline"):
        identify_many(crystals, tmp_path / "a.csv", model=pipeline)
    with pytest.raises(TypeError, match="put it in a list"):
        identify_many(crystals[0], tmp_path / "a.csv")


def test_parquet_without_pyarrow(crystals, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match="pip install pyarrow"):
        identify_many(crystals, tmp_path / "a.parquet")


def test_threads_give_the_same_bytes(crystals, tmp_path):
    identify_many(crystals, tmp_path / "a.csv", batch_size=2)
    with joblib.parallel_config(backend="threading"):
        identify_many(crystals, tmp_path / "b.csv", batch_size=2, n_jobs=3)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


class ListsOnly(ThreadingBackend):
    """As Ray's backend, which has multiprocessing's, gives no generators."""

    supports_return_generator = False


@pytest.mark.parametrize("jobs", [1, 2])
def test_backends_that_give_lists_only(crystals, tmp_path, jobs):
    joblib.register_parallel_backend("lists-only", ListsOnly)
    identify_many(crystals, tmp_path / "a.csv", batch_size=1)
    with joblib.parallel_config(backend="lists-only", n_jobs=jobs):
        identify_many(crystals, tmp_path / "b.csv", batch_size=1)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_warnings_go_to_the_table_alone(crystals, tmp_path, monkeypatch):
    from crystalsym.identification import _identifying

    def fail(*given):
        raise ValueError("none found")

    monkeypatch.setattr(_identifying, "space_group_number", fail)
    with warnings.catch_warnings(), joblib.parallel_config(backend="threading"):
        warnings.simplefilter("error")
        for name, jobs in (("a.csv", 1), ("b.csv", 2)):
            done = identify_many(crystals[:2], tmp_path / name, batch_size=1, n_jobs=jobs)
            rows = rows_of(done.path)
            assert [row["warnings"] for row in rows] == ["symmetry finder: none found"] * 2


def test_order_of_rows_is_that_of_the_structures(crystals, tmp_path):
    order = np.random.default_rng(0).permutation(20) % 5
    rows = rows_of(
        identify_many([crystals[k] for k in order], tmp_path / "a.csv", batch_size=3).path
    )
    assert [row["row"] for row in rows] == [str(k) for k in range(20)]
    assert [row["source"] for row in rows] == [f"crystal-{k}" for k in order]
