"""The models that come with the library."""

from __future__ import annotations

import hashlib
import json
import shutil
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

import crystalsym
from crystalsym import SpaceGroupClassifier, load_pretrained, spacegroups
from crystalsym.bundles import SavedModelError
from crystalsym.crystals import as_crystal
from crystalsym.datasets import example_crystals, example_space_groups
from crystalsym.pretrained import available, load_pipeline, model_card, save_pipeline

BUNDLED = resources.files("crystalsym") / "data" / "models" / "72"


@pytest.fixture(scope="module")
def pipeline():
    return load_pretrained("72")


@pytest.fixture(scope="module")
def known():
    """Bundled crystals of the 72 groups."""
    groups = example_space_groups()
    names = [n for n, group in groups.items() if group in spacegroups.label_set("72")]
    return [example_crystals()[n] for n in names], np.array([groups[n] for n in names])


def test_the_72_groups_are_told_apart(pipeline):
    assert "72" in available()
    assert [name for name, _ in pipeline.steps] == ["simulate", "shape", "classify"]
    np.testing.assert_array_equal(pipeline.classes_, spacegroups.label_set("72"))


@pytest.mark.parametrize("name", ["72", "230"])
def test_a_card_tells_what_its_weights_have_learned_from(name):
    card = model_card(name)
    assert "held-out crystals" in card["refitted"]
    refitted = card["training"]["refitted"]
    assert refitted["learning_crystals"] > card["training"]["learning_crystals"]


def test_well_known_crystals_are_recognized(pipeline, known):
    paths, groups = known
    probabilities = pipeline.predict_proba(paths)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    order = np.argsort(-probabilities, axis=1)
    found = pipeline.classes_[order]
    assert np.mean(found[:, 0] == groups) > 0.8
    assert np.mean((found[:, :5] == groups[:, None]).any(axis=1)) > 0.97


def test_the_large_model_knows_the_rare_groups():
    pipeline = load_pretrained("230")
    assert len(pipeline.classes_) >= 228
    groups = example_space_groups()
    names = [name for name, group in groups.items() if group in pipeline.classes_]
    assert len(names) == len(groups)
    found, probabilities = pipeline[-1].predict_top_k(
        pipeline[:-1].transform([example_crystals()[name] for name in names]), k=5
    )
    wanted = np.array([groups[name] for name in names])
    assert np.mean(found[:, 0] == wanted) > 0.8
    assert np.mean((found == wanted[:, None]).any(axis=1)) > 0.97
    assert (np.diff(probabilities, axis=1) <= 0).all()


@pytest.mark.parametrize("name", ["72", "72-shaped", "72-small", "230"])
def test_model_cards_say_what_was_measured(name):
    card = model_card(name)
    assert {"data", "license", "split", "limits", "training", "top1", "top5", "macro"} <= set(card)
    assert card["training"]["held_out"]["crystals"] > 20_000
    assert card["training"]["held_out"]["calibration_error"] < 0.02


def test_the_tail_takes_raw_patterns(pipeline, known):
    drawing = clone(pipeline[0]).set_params(output="images", dtype="float32")
    raw = drawing.transform(known[0][::5])
    assert raw.shape == (len(known[0][::5]), 3, 256, 256)
    # What is too close together for 256 pixels may be seen differently.
    same = pipeline[1:].predict(raw) == pipeline.predict(known[0][::5])
    assert same.mean() > 0.8
    groups, probabilities = pipeline[-1].predict_top_k(pipeline[1:-1].transform(raw), k=3)
    assert groups.shape == probabilities.shape == (len(raw), 3)
    assert np.all(np.diff(probabilities, axis=1) <= 0)


def test_the_description_of_a_crystal_does_not_matter(pipeline, known):
    crystal = as_crystal(known[0][0])
    turned = crystal.replace(frac_coords=crystal.frac_coords[::-1] + 0.37,
                             atomic_numbers=crystal.atomic_numbers[::-1])  # fmt: skip
    one, two = pipeline.predict_proba([crystal, turned])
    np.testing.assert_allclose(one, two, atol=2e-3)


def test_the_classifier_alone_refuses_other_images():
    classifier = SpaceGroupClassifier.from_pretrained("72")
    _, height, width, channels = classifier.input_shape_
    with pytest.raises(ValueError, match=f"{height}"):
        classifier.predict(np.zeros((1, 3, 2 * height, 2 * width, channels), np.float32))
    with pytest.raises(ValueError, match="PatternShaper"):
        classifier.predict(np.zeros((1, 3, height, width, channels + 1), np.float32))
    with pytest.raises(ValueError, match="shape"):
        classifier.predict(np.zeros((1, 3, 256, 256), np.float32))


def test_the_card_tells_data_split_and_figures():
    card = model_card("72")
    assert card["training"]["held_out"]["top1"] > 0.802
    assert card["training"]["held_out"]["top5"] > 0.97
    assert "CC BY 4.0" in card["license"]
    assert card["training"]["config"]["data"]["test_fraction"] == 0.2


def test_the_weights_are_small():
    size = sum(file.stat().st_size for file in (BUNDLED / "classifier").iterdir())
    assert size < 15e6


# Weights that were published under a version keep it: others get the next number.
RELEASED = {
    "72": {6: "9d525bbadf3de993d59aaeeb7902e491afdcd619fd95e8169e20fbf9783a4554"},
    "72-camera": {1: "9cb7507f65b90412251b26428fa4583d59efe4867b97222a89dfa48e2dc18443"},
    "72-electron": {2: "500518b74063a85b6ee2a1a67700298f17a5f56534298202599e13f48e949103"},
    "72-shaped": {1: "9bc1a2180cb5cb6bf3337cfeb2f85a38a165e6b5c8e3de1b01dca94f88d99973"},
    "72-small": {2: "c0e77142cd2b820beb3c74cf06dcc49461f3de24d30b1bbc5a4b8ed04abea3e6"},
    "230-electron": {1: "d6f6688dfea8f2537fef46c827aca70d8626628302bf79a081e4e7ddc2bf5230"},
    "230-lists": {2: "a271f0f6d72778c8abd0900fed5a030b7dce6ac7563a06773657729537083f1f"},
    "230-zones": {1: "3bd7b855c0693367686977db21e3a80bf89428c8bcdd40d6a10ee2e24b5f396e"},
    "230": {3: "887056b81c228318328d9cde26293a6437a155c6615fab521658606c84909ba3"},
}


@pytest.mark.parametrize("name", available())
def test_weights_do_not_change_under_a_version(name):
    card = model_card(name)
    weights = (BUNDLED.parent / name / "classifier" / "weights.npz").read_bytes()
    assert hashlib.sha256(weights).hexdigest() == card["weights_sha256"]
    assert RELEASED[name][card["version"]] == card["weights_sha256"]
    assert card["version"] == max(RELEASED[name])


def test_a_name_may_be_a_number(known):
    assert model_card(72) == model_card("72")
    crystals = known[0][:2]
    np.testing.assert_array_equal(
        load_pretrained(72).predict(crystals), load_pretrained("72").predict(crystals)
    )
    SpaceGroupClassifier.from_pretrained(72)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="no pretrained model '73'"):
        crystalsym.load_pretrained("73")


def test_a_saved_pipeline_gives_the_same_answers(pipeline, known, tmp_path):
    save_pipeline(pipeline, tmp_path / "copy", metadata={"note": "copy"})
    copy = load_pipeline(tmp_path / "copy")
    np.testing.assert_allclose(
        copy.predict_proba(known[0][:3]), pipeline.predict_proba(known[0][:3]), atol=1e-6
    )
    assert copy["simulate"].get_params() == pipeline["simulate"].get_params()
    assert copy["shape"].get_params() == pipeline["shape"].get_params()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": "other"}, "not a crystalsym-pipeline"),
        ({"version": 99}, "version 99"),
        ({"shape": {"sheme": "spots"}}, "PatternShaper has no parameter 'sheme'"),
        ({"simulate": {"q_max": -1}}, "do not fit"),
        ({"shape": None}, "shape is missing"),
        ({"callback": "os.system"}, "unknown entries: 'callback'"),
    ],
)
def test_a_foreign_description_is_refused(change, reason, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(str(BUNDLED), copy)
    description = json.loads((copy / "pipeline.json").read_text())
    (copy / "pipeline.json").write_text(json.dumps({**description, **change}))
    with pytest.raises(SavedModelError, match=r"pipeline\.json was altered"):
        load_pipeline(copy)
    (copy / "manifest.json").unlink()  # as 0.1.0 saved it
    with pytest.raises(SavedModelError, match=reason):
        load_pipeline(copy)


def test_an_empty_folder_holds_no_pipeline(tmp_path):
    with pytest.raises(FileNotFoundError, match="no saved pipeline"):
        load_pipeline(tmp_path)


@pytest.mark.parametrize("name", ["72", "230"])
def test_every_backend_gives_the_probabilities_of_tensorflow(name):
    """The fixture was written under TensorFlow, by the code that had images beside spots."""
    fixture = np.load(Path(__file__).parents[1] / "fixtures" / f"probabilities_{name}.npz")
    crystals = example_crystals()
    found = load_pretrained(name).predict_proba([crystals[name] for name in fixture["names"]])
    np.testing.assert_allclose(found, fixture["probabilities"], atol=1e-4)
