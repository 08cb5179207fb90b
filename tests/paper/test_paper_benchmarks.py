"""Every configuration of benchmarks/paper runs at its tiny size and writes what it has to."""

import csv
from pathlib import Path

import pytest
from support.benchmark_modules import importer
from support.networks import without_graphs

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "paper"
# The last one is a configuration of ``crystalsym train``.
CONFIGS = sorted(set(FOLDER.glob("*.toml")) - {FOLDER / "tiong2020.toml"})


@pytest.fixture
def run(monkeypatch):
    return importer(FOLDER, monkeypatch)("run").main


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """One folder for all: what several configurations share is trained once."""
    return tmp_path_factory.mktemp("paper")


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_tiny_run(run, config, output):
    with without_graphs():
        run([str(config), "--tiny", "--output", str(output), "--quiet"])
    folder = output / "tiny" / config.stem
    assert len((folder / f"{config.stem}.md").read_text()) > 50
    assert list(folder.glob("*.png"))
    for table in folder.glob("*.csv"):
        with open(table, newline="") as file:
            assert len(list(csv.DictReader(file))) > 0, table
    assert list(folder.glob("*.csv"))


def test_full_size_needs_crystals(run, tmp_path):
    with pytest.raises(ValueError, match="--structures"):
        run([str(FOLDER / "figure-2.toml"), "--output", str(tmp_path)])
