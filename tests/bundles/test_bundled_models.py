"""Models by the name of a bundled one or by their folder."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from crystalsym.bundles import available, find_model, model_folder, pipeline_folder
from crystalsym.pretrained import model_card, read_description


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """A folder like that of a training, named as a bundled model."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "72" / "model"
    folder.mkdir(parents=True)
    (folder / "pipeline.json").write_text("{}")
    return folder


def test_a_training_holds_its_pipeline(trained):
    assert pipeline_folder(trained) == pipeline_folder(trained.parent) == trained
    assert find_model(str(trained.parent)) == find_model(trained) == trained
    assert find_model("./72") == find_model(Path("72")) == Path("72") / "model"


def test_a_bundled_model_is_not_mistaken_for_a_folder(trained):
    with pytest.warns(UserWarning, match=r"taken for the bundled model; ./72 is the folder here"):
        assert find_model("72") == model_folder("72")
    with pytest.warns(UserWarning, match="taken for the bundled model"):
        assert find_model(72) == model_folder("72")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert find_model("230") == model_folder("230")
        Path("72-small").mkdir()  # any other folder is none of our business
        assert find_model("72-small") == model_folder("72-small")


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        ("73", "no pretrained model '73' and no folder of that name; there are"),
        ("runs/73", "runs/73: no such folder"),
        (Path("73"), "73: no such folder"),
        (".", "holds no saved pipeline"),
    ],
)
def test_what_is_not_there_is_named(model, problem, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, FileNotFoundError), match=problem):
        find_model(model)


@pytest.mark.parametrize("name", available())
def test_bundled_cards_name_their_table(name):
    training = model_card(name)["training"]
    assert len(training["crystals"]["sha256"]) == 64
    assert read_description(model_folder(name))["metadata"] == model_card(name)
