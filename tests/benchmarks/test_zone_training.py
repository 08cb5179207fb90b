"""Blocks of three zones made on a GPU: the same as a list's, and a training of few crystals."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from support.benchmark_modules import importer

from crystalsym import DiffractionSimulator, space_group_number, spacegroups
from crystalsym.datasets import CrystalTable, example_crystals, random_crystals
from crystalsym.pretrained import load_pipeline, read_description
from crystalsym.reflections import ReflectionBlocks, reduce_reflections, reflection_block
from crystalsym.reflections._zone_lists import lists_of_zones

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "robustness"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the benchmarks are not in this tree")
NAMES = ("NaCl", "TiO2-rutile", "ZnO-zincite", "SiO2-quartz", "CaCO3-calcite", "CaSO4-gypsum")


@pytest.fixture
def module(monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.syspath_prepend(FOLDER.parent / "electrons")
    return importer(FOLDER, monkeypatch)


def layers_of(table, module):
    """What layers.py keeps of crystals, as far as zones need it; a fifth is held out."""
    parts = module("zone_training").PARTS
    held = (np.arange(len(table)) % 5 == 4).astype(np.int8)
    return {
        "lattice": table.lattice.astype(np.float32),
        "site_offsets": table.site_offsets.astype(np.int32),
        "places": (np.rint(table.frac_coords % 1 * parts) % parts).astype(np.uint16),
        "numbers": table.atomic_numbers.astype(np.uint8),
        "groups": table.space_group.astype(np.uint8),
        "rows": np.arange(len(table)),
        "kin": np.arange(len(table)),
        "held_72": held,
        "held_230": held,
    }


def files_of(table, module, folder, monkeypatch):
    """layers.npz and settings.npz of some crystals, by the script that writes the second."""
    np.savez(folder / "layers.npz", **layers_of(table, module))
    paths = ["--layers", folder / "layers.npz", "--output", folder / "settings.npz"]
    monkeypatch.setattr(sys, "argv", ["settings.py", *map(str, paths)])
    module("settings").main()
    return ({**np.load(folder / f"{name}.npz")} for name in ("layers", "settings"))


def test_rows_are_the_blocks_of_lists(module, tmp_path, monkeypatch):
    given = [example_crystals()[name] for name in NAMES]
    table = CrystalTable.from_crystals(given).standardized()
    table.space_group = np.array([space_group_number(one) for one in given])
    training = module("zone_training")
    layers, settings = files_of(table, module, tmp_path, monkeypatch)
    monkeypatch.setattr(training, "FIELD", (1.457, 1.457))
    monkeypatch.setattr(training, "HIDDEN", (1e-3, 1e-3))
    rows = training.Blocks(layers, settings, np.arange(len(table)), "cpu", 0, arbitrary=True)
    zones = np.tile([[1, 0, 1], [0, 1, 2], [1, 1, 0]], (len(table), 1, 1))
    monkeypatch.setattr(rows, "_zones", lambda *_: zones)
    monkeypatch.setattr(rows, "_with_errors", lambda values, *_: values)
    made = rows[np.arange(len(table))].astype(float)
    spots = DiffractionSimulator(
        views=zones[0], output="spots", standardize=False, normalize=False, dtype="float64",
        q_max=1.457,
    ).transform(table).with_mates()  # fmt: skip
    for row, given, group in zip(made, lists_of_zones(spots), table.space_group, strict=True):
        reduction = reduce_reflections(given)
        closest = 1.0
        for number, one in enumerate(reduction.hypotheses):
            if one.candidate.laue[:3] != spacegroups.laue_class(group)[:3]:
                continue
            for change in reduction.settings(number):
                block = reflection_block(reduction.merged(number), change)
                closest = min(closest, float(np.abs(block - row)[..., 0].max()))
        assert closest < 2e-3, group


def test_few_crystals_become_a_pipeline(module, tmp_path, monkeypatch, capsys):
    groups = np.repeat([2, 14, 62, 136, 166, 194, 221, 225], 5)
    table = random_crystals(groups, random_state=0)
    training = module("zone_training")
    files_of(table, module, tmp_path, monkeypatch)
    small = {"width": 8, "features": 8, "joint": 16, "half": False}
    monkeypatch.setattr(training, "CLASSIFIER", {
        **training.CLASSIFIER, "architecture_options": small, "batch_size": 16,
        "validation_fraction": 0.2,
    })  # fmt: skip
    monkeypatch.setattr(sys, "argv", [
        "zone_training.py", "--layers", str(tmp_path / "layers.npz"), "--settings",
        str(tmp_path / "settings.npz"), "--device", "cpu", "--epochs", "1", "--output",
        str(tmp_path / "run"),
    ])  # fmt: skip
    training.main()
    figures = json.loads((tmp_path / "run" / "figures.json").read_text())
    assert figures["arbitrary"]["crystals"] == 8
    card = read_description(tmp_path / "run" / "model")["metadata"]
    assert card["training"]["learning_crystals"] == 32
    assert card["training"]["held_out"] == figures["arbitrary"]
    pipeline = load_pipeline(tmp_path / "run" / "model")
    assert isinstance(pipeline["shape"], ReflectionBlocks)
    assert pipeline.predict([example_crystals()["NaCl"]]).shape == (1,)
    validation = training.validation_side({**np.load(tmp_path / "layers.npz")})
    assert len(validation) == card["training"]["of_which_validation"]
    assert (validation % 5 != 4).all()

    powers = module("zone_powers")
    monkeypatch.setattr(sys, "argv", [
        "zone_powers.py", "--layers", str(tmp_path / "layers.npz"), "--model",
        str(tmp_path / "run" / "model"),
    ])  # fmt: skip
    powers.main()
    stored = read_description(tmp_path / "run" / "model")["metadata"]["lists"]
    assert (stored["most"], stored["least"]) == (16, 1e-7)
    assert '"top1"' in capsys.readouterr().out


def test_lists_of_zones_have_errors_of_their_sigmas(module):
    powers = module("zone_powers")
    crystal = CrystalTable.from_crystals([example_crystals()["TiO2-rutile"]]).standardized()[0]
    one, two = (powers.list_of_zones(crystal, np.random.default_rng(1)) for _ in range(2))
    np.testing.assert_array_equal(one.intensity, two.intensity)
    assert (one.sigma > 0).all()
    strong = one.intensity > 0.05 * one.intensity.max()
    assert (one.sigma[strong] / one.intensity[strong] > 0.015).all()
    assert reduce_reflections(one).hypotheses[0].candidate.laue == "4/mmm"
