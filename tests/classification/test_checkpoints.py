from __future__ import annotations

import importlib.util
import json

import numpy as np
import pytest
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import StratifiedKFold, cross_validate

from crystalsym.classification import _checkpoints
from crystalsym.classification._checkpoints import (
    CheckpointError,
    CheckpointFile,
    TrainingState,
)

from .conftest import SMALL, LazyImages, make_classifier

PARTS = {"epochs": 3, "classes": np.array([1, 225]), "n_samples": 10}


def make_state():
    return TrainingState(
        seed=7,
        epoch=2,
        step=5,
        loss_sum=1.25,
        history=[{"epoch": 1, "loss": 0.1 + 0.2}],
        best_loss=0.3,
        variables=[np.arange(6.0, dtype=np.float32).reshape(2, 3), np.array(3, np.uint32)],
        optimizer=[np.array(5, np.int32)],
        best=[np.zeros(2, np.float32)],
    )


def test_state_comes_back_exactly(tmp_path):
    file = CheckpointFile(tmp_path / "new" / "folder", PARTS)
    assert file.read() is None
    state = make_state()
    file.write(state)
    again = CheckpointFile(tmp_path / "new" / "folder", PARTS).read()
    for name, value in vars(state).items():
        if name in ("variables", "optimizer", "best"):
            for a, b in zip(value, getattr(again, name), strict=True):
                np.testing.assert_array_equal(a, b)
                assert a.dtype == b.dtype
        else:
            assert getattr(again, name) == value
    progress = json.loads((tmp_path / "new" / "folder" / "progress.json").read_text())
    assert (progress["epoch"], progress["step"]) == (2, 5)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"epochs": 4}, "epochs: 3 there, 4 here"),
        ({"classes": np.array([1, 221])}, "classes"),
        ({"n_samples": 11}, "n_samples: 10 there, 11 here"),
        ({"more": 1}, "more"),
    ],
)
def test_another_training_is_refused(tmp_path, change, name):
    CheckpointFile(tmp_path, PARTS).write(make_state())
    with pytest.raises(CheckpointError, match=f"another training.*{name}"):
        CheckpointFile(tmp_path, PARTS | change).read()


def test_interrupted_write_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    file = CheckpointFile(tmp_path, PARTS)
    file.write(make_state())

    def half_written(target, **arrays):
        target.write(b"PK\x03\x04 half")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", half_written)
    newer = make_state()
    newer.step = 6
    with pytest.raises(OSError, match="disk full"):
        file.write(newer)
    assert file.read().step == 5
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint.npz", "progress.json"]


@pytest.mark.parametrize("fault", ["truncated", "foreign", "empty", "pickle"])
def test_damaged_file(tmp_path, fault):
    file = CheckpointFile(tmp_path, PARTS)
    file.write(make_state())
    data = file.path.read_bytes()
    if fault == "truncated":
        file.path.write_bytes(data[: len(data) // 2])
    elif fault == "foreign":
        np.savez(file.path, a=np.zeros(3))
    elif fault == "empty":
        file.path.write_bytes(b"")
    else:
        np.savez(file.path, header=np.array({"format": "x"}, dtype=object))
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        file.read()


def trained(folder, X, y, **parameters):
    return make_classifier(checkpoint_dir=folder, epochs=2, **(SMALL | parameters)).fit(X, y)


def test_other_images_of_the_same_shape_and_labels_are_refused(images, tmp_path):
    X, y = images
    first = trained(tmp_path, X, y)
    again = trained(tmp_path, X.copy(), y)  # finished: its result is handed out
    np.testing.assert_array_equal(again.predict_proba(X), first.predict_proba(X))
    other = X.copy()
    other[-1, -1, -1, -1, -1] += 0.01
    with pytest.raises(CheckpointError, match=r"another training.*rows"):
        trained(tmp_path, other, y)
    with pytest.raises(CheckpointError, match=r"another training.*rows"):
        trained(tmp_path, np.round(255 * X).astype(np.uint8), y)


def test_rows_on_disk_are_those_in_memory(images, tmp_path):
    X, y = images
    np.save(tmp_path / "X.npy", X)
    trained(tmp_path / "run", X, y)
    trained(tmp_path / "run", np.load(tmp_path / "X.npy", mmap_mode="r"), y)
    with pytest.raises(CheckpointError, match="rows"):
        trained(tmp_path / "run", np.ascontiguousarray(X[:, ::-1]), y)


def test_lazy_rows_of_other_images_are_refused(images, tmp_path):
    X, y = images
    trained(tmp_path, LazyImages(X), y)
    trained(tmp_path, LazyImages(X), y)
    with pytest.raises(CheckpointError, match=r"another training.*rows"):
        trained(tmp_path, LazyImages(0.9 * X), y)


def test_lazy_rows_may_answer_for_themselves(images, tmp_path):
    X, y = images

    class Named(LazyImages):
        def __init__(self, images, name):
            super().__init__(images)
            self.name = name

        def digest(self):
            return self.name

    trained(tmp_path, Named(X, "a"), y)
    trained(tmp_path, Named(X, "a"), y)
    with pytest.raises(CheckpointError, match="rows: own a there, own b here"):
        trained(tmp_path, Named(X, "b"), y)


def test_rows_made_in_another_way_are_refused(images, tmp_path):
    X, y = images

    def described(text):
        rows = LazyImages(X)
        rows.descriptor = text
        return rows

    trained(tmp_path, described("this way"), y)
    with pytest.raises(CheckpointError, match="descriptor: this way there, that way here"):
        trained(tmp_path, described("that way"), y)


def test_no_fold_of_a_cross_validation_gets_the_network_of_another(images, tmp_path):
    X, y = images
    classifier = make_classifier(**SMALL, checkpoint_dir=tmp_path, epochs=1)
    folds = StratifiedKFold(2)
    with pytest.raises(CheckpointError, match="every fold of a cross-validation is one"):
        cross_validate(classifier, X, y, cv=folds, error_score="raise")
    with pytest.warns(FitFailedWarning, match="rows"):
        scores = cross_validate(classifier, X, y, cv=folds)["test_score"]
    # The first fold has gone on from its own checkpoint, the second has no score.
    assert np.isnan(scores).tolist() == [False, True]


OWN = """
def network(n_classes, image_size, channels, n_streams):
    import keras

    inputs = [keras.Input((image_size, image_size, channels)) for _ in range(n_streams)]
    x = keras.layers.Concatenate()([keras.layers.Flatten()(x) for x in inputs])
    x = keras.layers.Dense(8, activation="{activation}")(x)
    return keras.Model(inputs, keras.layers.Dense(n_classes)(x))
"""


def test_another_network_of_the_same_name_is_refused(images, tmp_path):
    def network(activation):
        file = tmp_path / f"{activation}.py"
        file.write_text(OWN.format(activation=activation))
        spec = importlib.util.spec_from_file_location("own", file)
        own = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(own)
        return own.network

    folder, options = tmp_path / "run", {"architecture_options": None}
    trained(folder, *images, architecture=network("relu"), **options)
    trained(folder, *images, architecture=network("relu"), **options)
    with pytest.raises(CheckpointError, match=r"another training.*architecture"):
        trained(folder, *images, architecture=network("tanh"), **options)


def test_a_checkpoint_of_a_former_version_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_checkpoints, "VERSION", 1)
    CheckpointFile(tmp_path, PARTS).write(make_state())
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="this version of crystalsym"):
        CheckpointFile(tmp_path, PARTS).read()
