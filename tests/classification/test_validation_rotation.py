"""Validation rows that take turns: who is held out when, going on after a cut, what is unseen."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.base import clone
from support.networks import tiny_network, without_compilation

from crystalsym.classification import CheckpointError, SpaceGroupClassifier
from crystalsym.classification._objectives import learning_rates
from crystalsym.classification._validation_rows import rotating_splits

from .conftest import LazyImages, make_classifier, make_images

# Three groups of rows; each is held out for two epochs.
ROTATING = {"validation_fraction": 1 / 3, "validation_rotation": 2, "epochs": 7}
TURNS = [1, 1, 2, 2, 3, 3, 1]


@pytest.fixture(autouse=True)
def uncompiled():
    with without_compilation():
        yield


def tiny(**parameters):
    return make_classifier(tiny_network, architecture_options=None, **(ROTATING | parameters))


@pytest.fixture(scope="module")
def small():
    return make_images(n=30, size=9)


@given(
    codes=hnp.arrays(np.int64, st.integers(10, 100), elements=st.integers(0, 5)),
    n_parts=st.integers(2, 10),
    seed=st.integers(0, 2**31),
)
def test_every_row_is_held_out_once(codes, n_parts, seed):
    splits = rotating_splits(codes, n_parts, seed)
    assert len(splits) == n_parts
    everyone = list(range(len(codes)))
    assert sorted(np.concatenate([held_out for _, held_out in splits])) == everyone
    for learning, held_out in splits:
        assert sorted([*learning, *held_out]) == everyone
        assert len(held_out) in (len(codes) // n_parts, -(-len(codes) // n_parts))
        for code in np.unique(codes):
            share = np.sum(codes == code) / n_parts
            assert abs(np.sum(codes[held_out] == code) - share) < 1
    again = rotating_splits(codes, n_parts, seed)
    assert all((a[1] == b[1]).all() for a, b in zip(splits, again, strict=True))


def test_kin_are_held_out_together_and_some_never():
    rng = np.random.default_rng(0)
    # Twins, a crowd larger than a part, and rows that must be learned from.
    groups = np.concatenate([np.repeat(np.arange(40), 2), np.full(30, 99), np.full(10, -1)])
    codes = rng.integers(0, 3, len(groups))
    splits = rotating_splits(codes, 10, seed=1, groups=groups)
    for learning, held_out in splits:
        assert not set(groups[learning]) & set(groups[held_out])
        assert len(held_out) == 8
    held_out = np.concatenate([held_out for _, held_out in splits])
    assert sorted(groups[held_out]) == sorted(np.repeat(np.arange(40), 2))


def test_groups_of_rows_take_turns(small):
    X, y = small
    rows = LazyImages(X)
    classifier = tiny(batch_size=5).fit(rows, y)
    assert [entry["validation_group"] for entry in classifier.history_] == TURNS
    assert all({"val_loss", "val_accuracy"} <= entry.keys() for entry in classifier.history_)
    held_out, learned = [], {}
    for index, epoch in zip(rows.calls, rows.epochs_of_calls, strict=True):
        if epoch is None:
            held_out.append(set(index))
        else:
            learned.setdefault(epoch, set()).update(index)
    assert len(held_out) == 7
    for epoch, rows_held_out in enumerate(held_out):
        assert len(rows_held_out) == 10
        assert learned[epoch] == set(range(30)) - rows_held_out
        assert rows_held_out == held_out[2 * (TURNS[epoch] - 1)]
    assert held_out[0] | held_out[2] | held_out[4] == set(range(30))


def test_one_split_is_not_spoken_of(small):
    classifier = tiny(validation_rotation=None, epochs=1).fit(*small)
    assert "validation_group" not in classifier.history_[0]


@pytest.mark.parametrize("fail_at", [3, 7, 11, 19])
def test_goes_on_where_it_was_cut(small, tmp_path, fail_at):
    """Within the first turn, at its end, within the second and the third."""
    X, y = small
    settings = {"batch_size": 10, "checkpoint_interval": 0, "learning_rate_schedule": "linear"}
    whole = tiny(**settings).fit(LazyImages(X), y)
    cut = tiny(checkpoint_dir=tmp_path, **settings)
    with pytest.raises(OSError, match="disk went away"):
        cut.fit(LazyImages(X, fail_at=fail_at), y)
    done = json.loads((tmp_path / "progress.json").read_text())["epoch"]
    cut.fit(LazyImages(X), y)
    assert done < 7
    for ours, theirs in zip(cut.history_, whole.history_, strict=True):
        assert ours["validation_group"] == theirs["validation_group"]
        for name in ("loss", "val_loss", "learning_rate"):
            assert ours[name] == pytest.approx(theirs[name], rel=1e-5)
    np.testing.assert_allclose(cut.decision_function(X), whole.decision_function(X), atol=1e-4)


def test_a_checkpoint_of_another_rotation_is_refused(small, tmp_path):
    tiny(checkpoint_dir=tmp_path, epochs=3).fit(*small)
    with pytest.raises(CheckpointError, match="validation_rotation: 2 there, 1 here"):
        tiny(checkpoint_dir=tmp_path, epochs=3, validation_rotation=1).fit(*small)


def test_checkpoints_of_before_there_was_a_rotation_are_gone_on_from(small, tmp_path):
    tiny(checkpoint_dir=tmp_path, epochs=1, validation_rotation=None).fit(*small)
    stored = json.loads((tmp_path / "progress.json").read_text())
    assert "validation_rotation" not in stored["fingerprint"]
    with pytest.raises(CheckpointError, match="validation_rotation: None there, 1 here"):
        tiny(checkpoint_dir=tmp_path, epochs=1, validation_rotation=1).fit(*small)


def test_learning_rate_ends_where_it_should_though_parts_differ():
    X, y = make_images(n=25, size=9)
    settings = {
        "validation_fraction": 0.1, "validation_rotation": 1, "epochs": 12, "batch_size": 11,
        "learning_rate_schedule": "linear", "warmup_fraction": 0.0,
    }  # fmt: skip
    classifier = tiny(**settings).fit(X, y)
    sizes = [2, 3, 3, 3, 3, 3, 2, 2, 2, 2]
    seed = np.random.RandomState(0).randint(2**31 - 1)
    splits = rotating_splits(np.searchsorted(np.unique(y), y), 10, seed)
    assert sorted(len(held_out) for _, held_out in splits) == sorted(sizes)
    steps = np.cumsum([-(-len(splits[epoch % 10][0]) // 11) for epoch in range(12)])
    assert set(np.diff(steps)) == {2, 3}
    rates = learning_rates("linear", 0.01, int(steps[-1]), 0.0)
    found = [entry["learning_rate"] for entry in classifier.history_]
    assert found == pytest.approx([float(rates(int(step) - 1)) for step in steps])


def test_rows_that_were_learned_from_calibrate_nothing(small):
    X, y = small
    classifier = tiny().fit(X, y)
    assert (classifier.temperature_, classifier.n_calibration_) == (1.0, 0)
    with pytest.raises(ValueError, match="recalibrate"):
        classifier.predict_set(X)
    assert classifier.recalibrate(X, y).n_calibration_ == 30
    assert len(classifier.predict_set(X, coverage=0.5)) == 30
    assert tiny(epochs=3).fit(X, y).n_calibration_ == 0


def test_rows_of_the_first_turn_calibrate(small):
    classifier = tiny(epochs=2).fit(*small)
    assert classifier.n_calibration_ == 10
    assert classifier.temperature_ != 1


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"validation_rotation": 0}, "validation_rotation must be a number of epochs >= 1"),
        ({"validation_rotation": 1.5}, "validation_rotation must be a number of epochs >= 1"),
        ({"validation_rotation": True}, "validation_rotation must be a number of epochs >= 1"),
        ({"validation_rotation": "rotating"}, "validation_rotation must be a number of epochs"),
        ({"validation_fraction": 0}, "validation_rotation needs a validation_fraction above 0"),
        ({"validation_fraction": None}, "validation_rotation needs a validation_fraction above 0"),
        ({"validation_fraction": 0.6}, "validation_rotation needs .* got 0.6"),
        ({"early_stopping": True}, "validation_rotation must be None, got 2"),
        ({"validation_fraction": 0.01}, "parts the rows in 100, .* there are only 30 rows"),
    ],
)
def test_settings_that_cannot_be(small, parameters, message):
    with pytest.raises(ValueError, match=message):
        tiny(**parameters).fit(*small)


def test_constructor_only_stores_and_copies_keep_it():
    assert SpaceGroupClassifier(validation_rotation="x").validation_rotation == "x"
    assert clone(tiny()).get_params()["validation_rotation"] == 2
    assert SpaceGroupClassifier().validation_rotation is None


def test_saved_classifiers_keep_it(small, tmp_path):
    fitted = make_classifier(epochs=2, validation_rotation=1).fit(*small)
    fitted.save(tmp_path / "model")
    again = SpaceGroupClassifier.load(tmp_path / "model")
    assert again.validation_rotation == 1
    assert [entry["validation_group"] for entry in again.history_] == [1, 2]


def test_published_settings_rotate():
    classifier = SpaceGroupClassifier.from_preset("tiong2020")
    assert (classifier.validation_fraction, classifier.validation_rotation) == (0.1, 100)
