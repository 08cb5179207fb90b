"""Which crystals weights have learned from, and that cards and README say what was measured."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from support.benchmark_modules import importer

from crystalsym import as_crystal, pretrained
from crystalsym.classification._class_probabilities import dynamical_views_of
from crystalsym.crystals import Crystal, standardize
from crystalsym.datasets import CrystalTable, example_crystals

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "benchmarks"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the benchmarks are not in this tree")


@pytest.fixture
def module(monkeypatch):
    return importer(FOLDER, monkeypatch)


def stretched(name, factor, numbers=None):
    """A bundled crystal in a larger or smaller cell, or of other elements."""
    crystal = standardize(as_crystal(example_crystals()[name]))
    return Crystal(
        crystal.lattice * factor,
        crystal.frac_coords,
        crystal.atomic_numbers if numbers is None else numbers(crystal.atomic_numbers),
        name=f"{name} x {factor}",
    )


def test_the_same_crystals_are_found(module):
    """A rutile 2 % larger is the same crystal; another group, formula or structure is not."""
    table = CrystalTable.from_crystals(
        [
            stretched("NaCl", 1.0005),
            stretched("TiO2-rutile", 1.02),
            stretched("TiO2-anatase", 1.0),
            stretched("NaCl", 1.0, lambda z: np.where(z == 11, 19, z)),
            stretched("TiO2-rutile", 1.0),
        ],
        space_group=[225, 136, 136, 225, 58],
    )
    paths = [example_crystals()[name] for name in ("NaCl", "TiO2-rutile", "Cu")]
    found = module("learned_from").matches(paths, [225, 136, 225], table)
    told = [[(one["row"], one["by"]) for one in of] for of in found]
    assert told == [[(0, "near-duplicate")], [(1, "structure matcher")], []]
    assert found[0][0]["id"] == "NaCl x 1.0005"


def test_what_weights_know_of_a_crystal(module):
    rows = SimpleNamespace(learned=np.array([3, 5]), held_out=np.array([8]))
    where = module("experimental").where
    assert where([], rows) == "not in the table"
    assert where([{"row": 8}, {"row": 9}], rows) == "held out"
    assert where([{"row": 9}], rows) == "of other groups"
    assert where([{"row": 8}, {"row": 5}], rows) == "learned"


def test_figures_of_sets(module):
    """Two learned from, one of them right; of the others one is third, one of an unknown group."""
    answers = np.array([[225, 216, 2], [14, 15, 2], [14, 2, 62], [2, 14, 15]])
    found = module("experimental").judged(
        ["a", "b", "c", "d"], [225, 15, 62, 230], ["learned", "learned", "held out", "learned"],
        np.array([True, True, True, False]), answers,
    )  # fmt: skip
    sets = found["sets"]
    assert [sets[name]["crystals"] for name in ("learned", "not learned", "all")] == [2, 1, 3]
    assert [sets["all"][key] for key in ("top1_right", "top5_right")] == [1, 3]
    assert sets["learned"]["top1"] == 0.5
    assert sets["not learned"]["top1_interval"][1] < 0.9
    assert found["groups it does not know"] == ["d"]
    assert found["not learned"] == {"c": "held out"}
    assert list(found["wrong"]) == ["b", "c"]


@pytest.mark.parametrize("name", pretrained.available())
def test_cards_say_what_the_benchmarks_found(module, name):
    figures = module("state_figures")
    rows = figures.evaluation(name)
    assert figures.stated(name, rows, check=True)
    assert {row["of"] for row in rows} >= set(figures.EXPERIMENTAL.values())


@pytest.mark.parametrize("name", pretrained.available())
def test_cards_count_the_classes_of_what_was_learned_from(name):
    views = dynamical_views_of(pretrained.load_pretrained(name))
    assert (views is not None) == name.endswith("-electron")
    (held_out,) = (
        row for row in pretrained.model_card(name)["evaluation"]
        if row["of"] == "held-out Materials Project crystals"
    )  # fmt: skip
    wanted = "diffraction_class" if views is None else "dynamical_class"
    assert {"diffraction_class", "dynamical_class"} & set(held_out) == {wanted}


@pytest.mark.parametrize("label", ["72", "230"])
def test_held_out_figures_of_electrons_are_those_of_the_stored_patterns(module, label):
    name = f"{label}-electron"
    measured = json.loads(
        (FOLDER / "electrons" / "results" / f"accuracy-{label}.json").read_text("utf-8")
    )
    stated = json.loads((FOLDER / "held-out.json").read_text("utf-8"))[name]["held out"]
    assert stated == module("held_out").rounded(measured[name]["held-out"])
    (line,) = [
        one for one in (ROOT / "README.md").read_text("utf-8").splitlines()
        if f'`"{name}"`, 4,096' in one
    ]  # fmt: skip
    assert f"dynamical {100 * stated['dynamical_class']:.1f} %" in line


@pytest.mark.parametrize("name", pretrained.available())
def test_the_readme_says_what_the_cards_say(name):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (line,) = [one for one in readme.splitlines() if one.startswith(f'| `"{name}"` |')]
    for row in pretrained.model_card(name)["evaluation"]:
        if "experimental" in row["of"]:
            right = round(row["top1"] * row["crystals"])
            assert f"{right} of {row['crystals']}" in line, row["of"]
        elif "Materials Project" in row["of"] and "lists" not in row["of"]:
            assert f"{100 * row['top1']:.1f}" in line, row["of"]
