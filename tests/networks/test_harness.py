"""One harness for every network: build, fit, save, reload, in either precision and input."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from support.networks import without_graphs

from crystalsym import SpaceGroupClassifier, networks

# Small variants of the networks that are not small by default.
OPTIONS = {
    "alexnet": {"filters": (4, 4, 4, 4, 4), "units": 8},
    "densenet": {"width": 0.0625, "stages": 1},
    "msdense": {"width": 8, "features": 4, "joint": 8, "embedding": 8, "growth": 3, "blocks": (1,)},
    "msdn": {"growth": 4, "bottleneck": 4, "blocks": (1, 1)},
    "msmlp": {"width": 8, "features": 4, "joint": 8, "embedding": 8},
    "msvgg": {"filters": (4,) * 8, "units": 8},
    "resnet": {"width": 0.0625, "stages": 1},
    "strided": {"width": 4, "features": 4, "embedding": 8},
    "vgg": {"width": 0.0625, "units": 8},
    "ziletti": {"filters": (4,) * 6, "units": 8},
}
# Those of keras.applications halve an image five times.
SIZES = dict.fromkeys(OPTIONS, 16) | dict.fromkeys(("densenet", "resnet", "vgg"), 32)
INPUTS = {"streams": (3, None, None, 2), "merged": (None, None, 3)}

# TensorFlow makes a graph of every network once, in the other precision.
UNCOMPILED = "mixed_bfloat16"

# Every network with either input and in either precision, which takes two of the four pairs: all
# compile anew. What the paper trains by streams has its streams in mixed precision.
MERGED_BY_NATURE = ("alexnet", "densenet", "resnet", "vgg", "ziletti")
CASES = [
    (name, rows, precision)
    for name in networks.available()
    for rows in INPUTS
    for precision in ("float32", "mixed_bfloat16")
    if (rows == "merged") == ((precision == "float32") ^ (name in MERGED_BY_NATURE))
]


@pytest.mark.parametrize(("name", "rows", "precision"), CASES)
def test_every_network_fits_saves_and_reloads(name, rows, precision, tmp_path):
    rng = np.random.default_rng(0)
    row_shape = tuple(SIZES[name] if n is None else n for n in INPUTS[rows])
    X = rng.random((24, *row_shape)).astype(np.float32)
    y = np.tile([62, 194, 225], 8)
    classifier = SpaceGroupClassifier(
        name, OPTIONS[name], epochs=1, batch_size=12, precision=precision, random_state=0
    )
    with without_graphs() if precision == UNCOMPILED else contextlib.nullcontext():
        classifier.fit(X, y)
    expected = classifier.predict_proba(X)
    assert expected.shape == (24, 3)
    np.testing.assert_allclose(expected.sum(axis=1), 1, atol=1e-5)
    assert np.isfinite(classifier.history_[0]["loss"])
    classifier.save(tmp_path / "saved.zip")
    again = SpaceGroupClassifier.load(tmp_path / "saved.zip")
    np.testing.assert_allclose(again.predict_proba(X), expected, atol=1e-6)
    n_streams = row_shape[0] if len(row_shape) == 4 else 1
    assert again.embed(X[:2]).shape[:2] == (2, n_streams)
