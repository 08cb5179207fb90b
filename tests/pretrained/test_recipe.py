"""The pipeline that the comparisons ended at."""

import numpy as np

from crystalsym import load_pretrained, recommended_pipeline
from crystalsym.datasets import example_crystals, example_space_groups
from crystalsym.pretrained import RECIPE


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
