"""``memory=``: a grid over later steps simulates every crystal once."""

from __future__ import annotations

import numpy as np
import pytest
from joblib import Memory
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from support.brightness import Brightness
from support.crystals import NACL
from support.random_crystals import random_crystal

from crystalsym import DiffractionSimulator, PatternShaper
from crystalsym.diffraction import _batches as batches

GROUPS = [225, 194, 62] * 4
STRUCTURES = [
    random_crystal(number, np.random.default_rng(seed)) for seed, number in enumerate(GROUPS)
]
SMALL = {"image_size": 32, "symprec": 0.01}


@pytest.fixture
def rendered(monkeypatch):
    """Digests of the crystals rendered, in order."""
    digests = []
    render = batches.render

    def counting(crystal, settings):
        digests.append(crystal.digest())
        return render(crystal, settings)

    monkeypatch.setattr(batches, "render", counting)
    return digests


def pipeline(memory) -> Pipeline:
    return Pipeline(
        [
            ("simulate", DiffractionSimulator(memory=memory, **SMALL)),
            ("shape", PatternShaper("spots", intensity="linear", image_size=16)),
            ("classify", Brightness()),
        ]
    )


GRID = {"shape__distance_factor": [1.3, 1.7], "shape__threshold": [1e-4, 1e-2]}


def test_grid_search_on_a_plain_list_simulates_every_crystal_once(tmp_path, rendered):
    search = GridSearchCV(pipeline(str(tmp_path)), GRID, cv=2, error_score="raise")
    search.fit(STRUCTURES, GROUPS)
    assert len(rendered) == len(STRUCTURES)
    assert len(set(rendered)) == len(STRUCTURES)
    assert set(search.best_params_) == set(GRID)
    assert search.predict(STRUCTURES[:2]).shape == (2,)
    assert len(rendered) == len(STRUCTURES)


def test_grid_search_without_memory_repeats_the_work(rendered):
    GridSearchCV(pipeline(None), GRID, cv=2, refit=False).fit(STRUCTURES, GROUPS)
    # Four candidates, two folds, every structure once to fit or to score.
    assert len(rendered) == 4 * 2 * len(STRUCTURES)


def test_grid_search_in_parallel_jobs_shares_the_memory(tmp_path):
    search = GridSearchCV(pipeline(str(tmp_path)), GRID, cv=2, n_jobs=2, error_score="raise")
    search.fit(STRUCTURES, GROUPS)
    alone = GridSearchCV(pipeline(None), GRID, cv=2, error_score="raise").fit(STRUCTURES, GROUPS)
    assert np.array_equal(
        search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"]
    )
    # One folder for each crystal's result, whichever process made it.
    assert len(list(tmp_path.rglob("output.pkl"))) == len(STRUCTURES)


def test_memory_gives_what_simulation_gives(tmp_path):
    plain = DiffractionSimulator(**SMALL).transform(STRUCTURES)
    for _ in range(2):
        cached = DiffractionSimulator(memory=str(tmp_path), **SMALL).transform(STRUCTURES)
        assert np.array_equal(cached, plain)


def test_memory_is_keyed_by_content(tmp_path, rendered):
    simulator = DiffractionSimulator(memory=Memory(tmp_path, verbose=0), **SMALL)
    simulator.transform([NACL, NACL.replace(name="halite")])
    assert len(rendered) == 1
    simulator.transform([NACL.replace(lattice=NACL.lattice * 1.01)])
    assert len(rendered) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"image_size": 40},
        {"q_max": 1.2},
        {"views": "rotations"},
        {"views": [[1, 1, 0]]},
        {"views": [[1, 1, 1]]},
        {"engine": "lattice"},
        {"standardize": False},
        {"spot_sigma": 0.9},
        {"normalize": False},
        {"dtype": "uint16"},
    ],
    ids=str,
)
def test_memory_is_keyed_by_the_parameters(tmp_path, rendered, change):
    DiffractionSimulator(memory=str(tmp_path), **SMALL).transform([NACL])
    changed = {**SMALL, **change}
    cached = DiffractionSimulator(memory=str(tmp_path), **changed).transform([NACL])
    assert len(rendered) == 2
    assert np.array_equal(cached, DiffractionSimulator(**changed).transform([NACL]))


@pytest.mark.parametrize("change", [{"n_jobs": 2}, {"verbose": 1}, {"on_error": "nan"}], ids=str)
def test_memory_does_not_mind_how_the_work_is_done(tmp_path, rendered, change):
    DiffractionSimulator(memory=str(tmp_path), **SMALL).transform([NACL])
    DiffractionSimulator(memory=str(tmp_path), **SMALL, **change).transform([NACL])
    assert len(rendered) == 1
