"""Patterns know how they were made, wherever they go."""

from __future__ import annotations

import pickle

import numpy as np

from crystalsym import DiffractionSimulator, PatternShaper, _provenance
from crystalsym.datasets import example_crystals

PATHS = list(example_crystals().values())[:3]


def test_arrays_know_the_steps_that_made_them():
    raw = DiffractionSimulator(image_size=32).transform(PATHS)
    shaped = PatternShaper("spots", image_size=16).transform(raw)
    pickled = pickle.loads(pickle.dumps(shaped))
    for array in (shaped, shaped[1:], shaped[[0, 2]], shaped.copy(), pickled):
        assert [one["step"] for one in array.made_by] == ["DiffractionSimulator", "PatternShaper"]
        assert array.made_by[1]["image_size"] == 16
    assert _provenance.made_by(np.asarray(shaped)) == ()
    assert isinstance(shaped, np.ndarray)


def test_spots_and_images_of_one_pattern_do_not_differ():
    images = DiffractionSimulator(image_size=32, dtype="uint16", n_jobs=2)
    spots = DiffractionSimulator(output="spots", spot_sigma=2.0)
    assert not _provenance.differences([_provenance.step(images)], [_provenance.step(spots)])


def test_differences_are_named():
    one = [_provenance.step(DiffractionSimulator()), _provenance.step(PatternShaper())]
    other = [
        _provenance.step(DiffractionSimulator("zone-axes")),
        _provenance.step(PatternShaper(intensity="linear")),
    ]
    found = _provenance.differences(one, other)
    assert found == [
        "DiffractionSimulator(views='zone-axes') instead of views='symmetry-directions'",
        "PatternShaper(intensity='linear') instead of intensity='log'",
    ]
    assert not _provenance.differences(one, [])
    assert not _provenance.differences(one, ["something else"])
