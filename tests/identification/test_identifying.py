"""Records of a few structures."""

from __future__ import annotations

import os

import numpy as np
import pytest

from crystalsym.bundles import model_folder
from crystalsym.crystals import Crystal, SymmetryError, _symmetry, standardize
from crystalsym.datasets import CrystalTable, example_crystals
from crystalsym.identification import (
    _identifying,
    identify,
    model_pipeline,
    structure_files,
)


def test_answers_are_the_pipelines_own(pipeline, crystals):
    good = [crystal for k, crystal in enumerate(crystals) if k != 5]
    records = identify(good, pipeline, top=3, coverage=0.9)
    for record, crystal, shares in zip(records, good, pipeline.predict_proba(good), strict=True):
        order = np.argsort(-shares)
        assert [group for group, _ in record.ranking] == pipeline[-1].classes_[order[:3]].tolist()
        assert [p for _, p in record.ranking] == pytest.approx(shares[order[:3]], rel=1e-5)
        assert record.prediction_set == tuple(pipeline[-1].classes_[order[:2]])
        assert record.class_probability >= record.ranking[0][1] * (1 - 1e-6)
        assert (record.source, record.formula) == (crystal.name, "Cs1Cl1")
        assert (record.warnings, record.error) == ((), None)
    assert [record.finder_group for record in records] == [99] * 6
    assert not any(record.finder_group_known for record in records)


def test_what_fails_has_a_reason_and_the_others_answers(pipeline, crystals, tmp_path):
    broken = tmp_path / "broken.cif"
    broken.write_text("data_x\n_cell_length_a banana\n")
    records = identify([str(broken), crystals[0], "nowhere.cif", crystals[5], 7], pipeline)
    assert [record.error is None for record in records] == [False, True, False, False, False]
    assert [record.source for record in records] == [
        str(broken), "crystal-0", "nowhere.cif", "crystal-5", None
    ]  # fmt: skip
    assert str(broken) in records[0].error
    assert records[2].error == "nowhere.cif: no such file"
    assert "no symmetry found" in records[3].error
    assert "cannot read a crystal from int" in records[4].error
    assert not any("\n" in (record.error or "") for record in records)


def test_one_that_cannot_be_simulated(pipeline, crystals, monkeypatch):
    original = type(pipeline[0]).transform

    def transform(self, X):
        if any(crystal.name == "crystal-2" for crystal in X):
            raise ValueError("structure 3: trouble") from ValueError("too\nlarge")
        return original(self, X)

    expected = identify(crystals[:5], pipeline)
    monkeypatch.setattr(type(pipeline[0]), "transform", transform)
    records = identify(crystals[:5], pipeline)
    assert records[2].error == "too large"
    assert records[2].ranking == ()
    assert records[2].finder_group == 99
    assert [r for k, r in enumerate(records) if k != 2] == [
        r for k, r in enumerate(expected) if k != 2
    ]


def test_broken_row_of_a_table(pipeline, crystals):
    table = CrystalTable.from_crystals(crystals[:3])
    table.atomic_numbers[2] = 250
    records = identify(table, pipeline)
    assert "atomic number 250" in records[1].error
    assert [record.source for record in records] == ["crystal-0", "crystal-1", "crystal-2"]
    assert all(records[k].ranking for k in (0, 2))


def test_symprec_reaches_finder_and_simulation(pipeline, crystals):
    almost = crystals[0].replace(frac_coords=[[0, 0, 0], [0.5, 0.5, 0.505]])
    (coarse,) = identify([almost], pipeline)
    (fine,) = identify([almost], pipeline, symprec=1e-3)
    assert (coarse.finder_group, fine.finder_group) == (221, 99)
    assert coarse.finder_group_known
    assert coarse.ranking != fine.ranking


@pytest.mark.filterwarnings("ignore::crystalsym.crystals.StructureWarning")
def test_smaller_tolerance_stands_in_the_record(pipeline):
    close = Crystal(np.eye(3) * 4, [[0, 0, 0], [0, 0, 0.02], [0.5, 0.5, 0.5]], [55, 55, 17])
    (record,) = identify([close], pipeline)
    assert record.error is None
    assert any("no symmetry found within 0.1 Å, 0.0" in note for note in record.warnings)
    assert any("0.08 Å apart" in note for note in record.warnings)


def test_finder_is_asked_once(pipeline, crystals, monkeypatch):
    asked = []
    original = _symmetry._ASK[pipeline[0].finder]

    def counted(*given, **options):
        asked.append(given)
        return original(*given, **options)

    monkeypatch.setitem(_symmetry._ASK, pipeline[0].finder, counted)
    identify([crystal.replace(name="again") for crystal in crystals[:3]], pipeline)
    assert len(asked) == 3


def test_failing_finder_is_a_warning(pipeline, crystals, monkeypatch):
    def fail(*given):
        raise SymmetryError("none found")

    monkeypatch.setattr(_identifying, "space_group_number", fail)
    with pytest.warns(UserWarning, match="crystal-0: symmetry finder: none found"):
        (record,) = identify(crystals[:1], pipeline)
    assert record.warnings == ("symmetry finder: none found",)
    assert record.finder_group is record.finder_group_known is None
    assert record.ranking


def test_standard_cells_are_taken_as_they_are(pipeline, crystals, monkeypatch):
    simulated = []
    original = type(pipeline[0]).transform

    def transform(self, X):
        simulated.extend(X)
        return original(self, X)

    monkeypatch.setattr(type(pipeline[0]), "transform", transform)
    identify(crystals[:2], pipeline)
    assert all(crystal.standard for crystal in simulated)
    simulated.clear()
    identify([standardize(crystals[0])], pipeline)
    assert simulated[0].standard


def test_a_classifier_that_cannot_is_an_error_of_the_call(pipeline, crystals):
    with pytest.raises(ValueError, match="too few validation rows"):
        identify(crystals[:1], pipeline, coverage=0.99)
    with pytest.raises(TypeError, match="put it in a list"):
        identify(crystals[0], pipeline)
    with pytest.raises(ValueError, match="no pretrained model 'x'"):
        identify(crystals[:1], "x")


def test_no_structures(pipeline):
    assert identify([], pipeline) == []


def test_models_are_loaded_once(tmp_path, monkeypatch):
    from crystalsym import pretrained

    read = []
    _identifying._loaded.cache_clear()
    monkeypatch.setattr(pretrained, "load_pipeline", lambda path: read.append(path) or object())
    assert model_pipeline("72") is model_pipeline(72)
    assert read == [str(model_folder("72"))]
    (tmp_path / "pipeline.json").write_text("{}")
    assert model_pipeline(tmp_path) is model_pipeline(str(tmp_path)) is not model_pipeline("72")
    os.utime(tmp_path / "pipeline.json", (1, 1))  # it was trained again
    model_pipeline(tmp_path)
    assert read[1:] == [str(tmp_path)] * 2
    _identifying._loaded.cache_clear()


def test_folders_stand_for_their_structure_files(tmp_path):
    for name in ("b.cif", "a.CIF", "sub/POSCAR", "sub/c.vasp", "notes.txt", "sub/x.cif.bak"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    found = structure_files([tmp_path, "other.txt"])
    assert [path.removeprefix(str(tmp_path)) for path in found] == [
        "/a.CIF", "/b.cif", "/sub/POSCAR", "/sub/c.vasp", "other.txt"
    ]  # fmt: skip
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"empty: the folder holds no structure files"):
        structure_files([tmp_path / "empty"])


def test_files_and_tables_answer_alike(pipeline):
    paths = list(example_crystals().values())[:3]
    of_files = identify(paths, pipeline)
    of_table = identify(CrystalTable.from_crystals(paths), pipeline)
    for one, other in zip(of_files, of_table, strict=True):
        assert one.source == other.source
        assert one.finder_group == other.finder_group
        assert [g for g, _ in one.ranking] == [g for g, _ in other.ranking]
