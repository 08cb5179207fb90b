"""The command with the weights and crystals that come with the library."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from PIL import Image

from crystalsym import pretrained

pytestmark = pytest.mark.skipif(
    "72" not in pretrained.available(), reason="the model '72' is not in this tree"
)


@pytest.fixture(autouse=True)
def _fake_model():
    """Here the real one is meant."""


@pytest.fixture(scope="module")
def examples():
    from crystalsym.datasets import example_crystals

    return {name: str(path) for name, path in example_crystals().items()}


def test_process_is_quiet_and_draws(examples, tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    paths = list(examples.values())[:3]
    command = [sys.executable, "-m", "crystalsym", "identify", *paths, "--plot", "out.png"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path,
                          env=environment, timeout=300)  # fmt: skip
    assert done.returncode == 0
    assert done.stderr == ""  # not a word of TensorFlow's
    assert done.stdout.count("rank  number") == 3
    with Image.open(tmp_path / "out.png") as image:
        assert image.height > image.width


def test_examples(run, examples):
    code, out, err = run("identify", "--json")
    assert (code, err) == (0, [])
    inputs = json.loads(out)["inputs"]
    assert [entry["path"] for entry in inputs] == list(examples.values())
    labels = set(pretrained.load_pretrained("72")[-1].classes_.tolist())
    known = [entry for entry in inputs if entry["symmetry_finder"]["number"] in labels]
    right = [
        entry["symmetry_finder"]["number"] in [p["number"] for p in entry["predictions"]]
        for entry in known
    ]
    assert len(known) >= 10
    assert sum(right) >= 0.8 * len(known)


@pytest.mark.parametrize("form", ["tiff", "png"])
def test_written_images_rank_as_their_structures(run, examples, tmp_path, form):
    paths = list(examples.values())[::15]
    code, out, _ = run("simulate", *paths, "-o", tmp_path, "--format", form)
    assert code == 0
    images = out.split()
    code, out, _ = run("identify", "--json", *paths)
    assert code == 0
    for k, of_structure in enumerate(json.loads(out)["inputs"]):
        code, out, err = run("identify", "--json", *images[3 * k : 3 * k + 3])
        assert (code, err) == (0, [])
        (of_images,) = json.loads(out)["inputs"]
        first, second = of_structure["predictions"], of_images["predictions"]
        assert first[0]["number"] == second[0]["number"]
        assert first[0]["probability"] == pytest.approx(second[0]["probability"], abs=0.1)
        assert {p["number"] for p in first[:2]} <= {p["number"] for p in second}


def test_a_voltage_asks_the_weights_of_electrons(run, examples):
    code, out, err = run("identify", "--json", "--voltage", 200, examples["ZnS-sphalerite"])
    assert (code, err) == (0, [])
    found = json.loads(out)
    assert found["model"] == "72-electron"
    (answer,) = found["inputs"]
    assert answer["predictions"][0]["number"] == 216
    # Of patterns that do not obey Friedel's law; kinematic ones leave five groups.
    assert answer["diffraction_class"] == {
        "groups": [216],
        "probability": answer["predictions"][0]["probability"],
    }
    code, out, _ = run("identify", "--voltage", 200, examples["ZnS-sphalerite"])
    assert "%: 216 F-43m\n" in out
    code, out, _ = run("identify", "--json", examples["ZnS-sphalerite"])
    assert len(json.loads(out)["inputs"][0]["diffraction_class"]["groups"]) == 5


@pytest.mark.parametrize("model", ["72-electron", "230-electron"])
def test_structures_are_simulated_at_the_voltage_asked_for(run, examples, model):
    found = []
    for voltage in (200, 120):
        code, out, err = run(
            "identify", "--json", "--voltage", voltage, "--model", model, examples["ZnS-sphalerite"]
        )
        assert (code, err) == (0, [])
        found.append(json.loads(out)["inputs"][0]["predictions"])
    assert found[0][0]["number"] == found[1][0]["number"] == 216
    assert found[0] != found[1]


@pytest.mark.parametrize(
    ("options", "wants"),
    [(("--voltage", 400), "electrons of 80 to 300 kV"),
     (("--voltage", 120, "--output", "x.csv"), "own 200 kV"),
     (("--voltage", 200, "--model", "72"), "X-rays")],
)  # fmt: skip
def test_a_voltage_that_the_model_does_not_simulate_is_refused(run, examples, options, wants):
    code, _, err = run("identify", examples["NaCl"], *options)
    assert code == 2
    assert wants in " ".join(err)
