"""``crystalsym evaluate`` by a bundled model."""

from __future__ import annotations

import json

import pytest

from crystalsym.datasets import CrystalTable, example_crystals, example_space_groups

NAMES = ("NaCl", "ZnS-sphalerite", "Cu")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("evaluate") / "crystals.npz"
    crystals = [example_crystals()[name] for name in NAMES]
    groups = [example_space_groups()[name] for name in NAMES]
    CrystalTable.from_crystals(crystals, groups).save(path)
    return path


@pytest.mark.parametrize(
    ("model", "key", "told"),
    [("72", "diffraction_class", False), ("72-electron", "dynamical_class", True)],
)
def test_classes_are_those_of_the_model(run, table, model, key, told, tmp_path):
    code, out, _ = run("evaluate", "--model", model, "--structures", table, "--all", "--quiet",
                       "--output", tmp_path)  # fmt: skip
    assert code == 0
    rows = json.loads((tmp_path / "figures.json").read_text())["rows"]
    assert {row[key] for row in rows.values()} == {1.0}
    assert all(len({"diffraction_class", "dynamical_class"} & set(row)) == 1
               for row in rows.values())  # fmt: skip
    assert ("class: dynamical ones" in out) is told
    assert out.splitlines()[1].split()[-2:] == ["class", "calibr."]
