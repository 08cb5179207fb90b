"""The published training as a configuration: the preset's settings, and resumable."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from support.networks import without_compilation

from crystalsym.crystals import as_crystal
from crystalsym.datasets import CrystalTable, example_crystals, example_space_groups
from crystalsym.pretrained import load_pipeline, preset_pipeline
from crystalsym.training import TrainingConfig, train

FILE = Path(__file__).parents[2] / "benchmarks" / "paper" / "tiong2020.toml"
pytestmark = pytest.mark.skipif(not FILE.is_file(), reason="the benchmarks are not in this tree")
# What says how results are kept, and for which table.
OF_THE_RUN = {"output", "dtype", "image_size", "random_state", "symprec"}


def test_settings_are_those_of_the_preset():
    config = TrainingConfig.read(FILE)
    pipeline, preset = config.pipeline(), preset_pipeline("tiong2020")
    for step in ("simulate", "shape", "classify"):
        ours, theirs = pipeline[step].get_params(), preset[step].get_params()
        differ = {name for name in ours if ours[name] != theirs[name]}
        assert differ <= OF_THE_RUN
    assert (pipeline["simulate"].image_size, pipeline["shape"]._size) == (256, 224)
    assert (config.data["groups"], config.data["test_fraction"]) == ("72", 0.2)
    classify = pipeline["classify"]
    assert (classify.learning_rate, classify.weight_decay) == (1e-5, 1e-7)
    assert (classify.validation_fraction, classify.validation_rotation) == (0.1, 100)


def test_it_runs_and_goes_on(tmp_path, monkeypatch):
    """In small: fewer crystals, layers and epochs, and the validation group changes each time."""
    crystals, groups = [], []
    for name, path in example_crystals().items():
        if example_space_groups()[name] in (194, 225):
            crystal = as_crystal(path)
            for scale in (1.0, 1.04, 1.08):
                crystals.append(crystal.replace(lattice=crystal.lattice * scale))
                groups.append(example_space_groups()[name])
    CrystalTable.from_crystals(crystals, groups).save(tmp_path / "crystals.npz")
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"))
    tables["data"] |= {"structures": str(tmp_path / "crystals.npz"), "groups": "8"}
    tables["simulate"] |= {"image_size": 64}
    tables["shape"] |= {"image_size": 16}
    options = {"growth": 4, "bottleneck": 4, "blocks": (1,)}
    tables["classify"] |= {
        "architecture_options": options, "epochs": 5, "batch_size": 8, "validation_fraction": 0.25,
        "validation_rotation": 1, "checkpoint_interval": 0,
    }  # fmt: skip
    config = TrainingConfig(**tables)

    def cut(self, entry):
        if entry["epoch"] == 3:
            raise KeyboardInterrupt

    with without_compilation():
        with monkeypatch.context() as patched:
            patched.setattr("crystalsym.classification._epoch_progress.Progress.end", cut)
            with pytest.raises(KeyboardInterrupt):
                train(config, tmp_path / "run")
        result = train(config, tmp_path / "run")
    assert [entry["validation_group"] for entry in result["history"]] == [1, 2, 3, 4, 1]
    assert set(result["held_out"]) >= {"top1", "top5"}
    model = load_pipeline(tmp_path / "run" / "model")
    assert model["shape"].scheme == "pixels"
    assert model["classify"].validation_rotation == 1
