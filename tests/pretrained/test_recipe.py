"""The pipeline that the comparisons ended at."""

import numpy as np
import pytest
from support.estimators import structures

from crystalsym import SpotMerger, load_pretrained, recommended_pipeline
from crystalsym.datasets import example_crystals, example_space_groups
from crystalsym.pretrained import RECIPE, load_pipeline, preset_pipeline, save_pipeline


def test_it_has_the_settings_of_the_bundled_weights():
    fresh, bundled = recommended_pipeline(), load_pretrained("72")
    for step in ("simulate", "shape"):
        assert fresh[step].get_params() == bundled[step].get_params()
    for name in ("architecture", "architecture_options"):
        assert getattr(fresh["classify"], name) == getattr(bundled["classify"], name)


def test_changing_a_pipeline_leaves_the_next_one_as_it_was():
    changed = recommended_pipeline()
    changed["classify"].architecture_options["width"] = 8
    changed.set_params(shape__threshold=1e-3)
    fresh = recommended_pipeline()
    assert fresh["classify"].architecture_options == RECIPE["classify"]["architecture_options"]
    assert fresh["shape"].threshold == RECIPE["shape"]["threshold"]


def test_it_learns_from_crystals():
    groups = {n: g for n, g in example_space_groups().items() if g in (221, 225)}
    known = example_crystals()
    crystals = [known[name] for name in groups]
    small = {"width": 32, "joint": 32}
    pipeline = recommended_pipeline().set_params(
        classify__architecture_options=small,
        classify__epochs=30,
        classify__batch_size=8,
        classify__validation_fraction=0.0,
    )
    pipeline.fit(crystals, list(groups.values()))
    assert np.mean(pipeline.predict(crystals) == list(groups.values())) > 0.8


@pytest.mark.parametrize(
    ("name", "architecture", "rate", "decay", "row"),
    [
        ("tiong2020", "msdn", 1e-5, 1e-7, (3, 224, 224, 3)),
        ("tiong2020-benchmarks", "vgg", 1e-4, 1e-6, (224, 224, 3)),
        ("ziletti2018", "ziletti", 1e-3, 0.0, (64, 64, 3)),
    ],
)
def test_presets_of_publications(name, architecture, rate, decay, row):
    pipeline = preset_pipeline(name, epochs=2)
    classifier = pipeline["classify"]
    assert (classifier.architecture, classifier.optimizer) == (architecture, "adam")
    assert (classifier.learning_rate, classifier.weight_decay) == (rate, decay)
    assert classifier.epochs == 2
    assert pipeline[:-1].transform([example_crystals()["Cu"]]).shape == (1, *row)


def test_no_such_preset():
    with pytest.raises(ValueError, match="no preset 'ziletti'; there are"):
        preset_pipeline("ziletti")


def test_a_pipeline_that_merges_is_saved_and_loaded(tmp_path):
    crystals, groups = structures()
    pipeline = preset_pipeline(
        "ziletti2018",
        architecture="msmlp",
        architecture_options={"width": 8, "joint": 8},
        epochs=2,
        validation_fraction=0.0,
        random_state=0,
    ).fit(crystals, groups)
    save_pipeline(pipeline, tmp_path / "saved.zip")
    again = load_pipeline(tmp_path / "saved.zip")
    assert isinstance(again["shape"], SpotMerger)
    assert again["shape"].get_params() == pipeline["shape"].get_params()
    assert again["simulate"].get_params() == pipeline["simulate"].get_params()
    np.testing.assert_allclose(
        again.predict_proba(crystals), pipeline.predict_proba(crystals), atol=1e-5
    )
