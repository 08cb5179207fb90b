"""A fitted classifier knows how its patterns were made, and warns when given others."""

from __future__ import annotations

import copy
import warnings

import numpy as np
import pytest
from sklearn.pipeline import Pipeline

from crystalsym import DiffractionSimulator, PatternShaper, SpaceGroupClassifier, load_pretrained
from crystalsym.classification import PatternMismatchWarning
from crystalsym.datasets import CrystalTable, example_crystals
from crystalsym.evaluation import evaluate_rows

PATHS = list(example_crystals().values())[:8]
GROUPS = np.repeat([1, 2], 4)


def fitted(**simulate):
    pipeline = Pipeline(
        [
            ("simulate", DiffractionSimulator(output="spots", **simulate)),
            ("shape", PatternShaper(image_size=9)),
            ("classify", SpaceGroupClassifier("msmlp", {"width": 8, "features": 8, "joint": 8,
                                                        "embedding": 8}, epochs=1)),
        ]
    )  # fmt: skip
    return pipeline.fit(PATHS, GROUPS)


@pytest.fixture(scope="module")
def of_symmetry_directions():
    """A pipeline that must not be changed."""
    return fitted()


def quiet(call):
    with warnings.catch_warnings():
        warnings.simplefilter("error", PatternMismatchWarning)
        return call()


def test_its_own_patterns_bring_no_warning(of_symmetry_directions, tmp_path):
    pipeline = of_symmetry_directions
    steps = [one["step"] for one in pipeline[-1].metadata_["made_by"]]
    assert steps == ["DiffractionSimulator", "PatternShaper"]
    quiet(lambda: pipeline.predict(PATHS))
    images = DiffractionSimulator(image_size=128, n_jobs=2).transform(PATHS)
    quiet(lambda: pipeline[1:].predict(images))
    quiet(lambda: pipeline[1:].predict(np.asarray(images)))  # a camera's
    pipeline[-1].save(tmp_path)
    again = SpaceGroupClassifier.load(tmp_path)
    quiet(lambda: again.predict(pipeline[:-1].transform(PATHS)))
    other = DiffractionSimulator(output="spots", radiation="electron")
    shaped = pipeline["shape"].transform(other.transform(PATHS))
    with pytest.warns(PatternMismatchWarning, match="radiation='electron'"):
        again.predict(shaped)


@pytest.mark.parametrize(
    ("step", "parameters", "words"),
    [
        ("simulate", {"views": "zone-axes"}, "views='zone-axes'"),
        ("simulate", {"q_max": 1.2}, "q_max=1.2"),
        ("shape", {"intensity": "linear"}, r"intensity='linear'\) instead of intensity='log'"),
        ("shape", {"threshold": 1e-3}, "threshold=0.001"),
    ],
)
def test_others_are_named(of_symmetry_directions, step, parameters, words):
    pipeline = copy.deepcopy(of_symmetry_directions)
    pipeline[step].set_params(**parameters)
    with pytest.warns(PatternMismatchWarning, match=words):
        pipeline.predict_proba(PATHS)


def test_patterns_in_the_tail_of_a_bundled_model():
    """Regression: those of zone axes changed 8 of 81 answers in silence."""
    pipeline = load_pretrained("72")
    quiet(lambda: pipeline[1:].predict(DiffractionSimulator().transform(PATHS)))
    zones = DiffractionSimulator("zone-axes").transform(PATHS)
    with pytest.warns(PatternMismatchWarning, match="zone-axes"):
        pipeline[1:].predict(zones)
    classifier = SpaceGroupClassifier.from_pretrained("72")
    with pytest.warns(PatternMismatchWarning, match="zone-axes"):
        classifier.predict(PatternShaper().transform(zones))


def test_an_evaluation_shows_others_on_purpose():
    table = CrystalTable.from_crystals(PATHS[:3])
    quiet(lambda: evaluate_rows(load_pretrained("72"), table, [2, 2, 2], ["electrons"]))
