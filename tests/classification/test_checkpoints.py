from __future__ import annotations

import json

import numpy as np
import pytest

from crystalsym.classification._checkpoints import (
    CheckpointError,
    CheckpointFile,
    TrainingState,
)

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
