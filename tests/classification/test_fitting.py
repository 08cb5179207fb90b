"""The training loop: which rows, in which order, and going on after a kill."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import crystalsym
from crystalsym.classification import CheckpointError
from crystalsym.classification._objectives import log_softmax
from crystalsym.classification._trainer import epoch_order
from crystalsym.classification._validation_rows import split_rows

from .conftest import SMALL, LazyImages, make_classifier


@given(
    codes=hnp.arrays(np.int64, st.integers(2, 100), elements=st.integers(0, 5)),
    fraction=st.floats(0, 0.9),
    seed=st.integers(0, 2**31),
)
def test_split_is_a_partition_in_proportion(codes, fraction, seed):
    learning, validation = split_rows(codes, fraction, seed)
    assert sorted([*learning, *validation]) == list(range(len(codes)))
    assert len(learning) >= 1
    assert (len(validation) == 0) == (fraction == 0)
    for code in np.unique(codes):
        share = len(validation) * np.mean(codes == code)
        assert abs(np.sum(codes[validation] == code) - share) <= 1


@given(n=st.integers(1, 100), batch_size=st.integers(1, 40), epoch=st.integers(0, 5))
def test_every_row_is_seen_in_batches_of_one_size(n, batch_size, epoch):
    rows = np.arange(n) + 1000
    order = epoch_order(rows, batch_size, seed=3, epoch=epoch)
    assert order.shape[1] == min(batch_size, n)
    assert set(order.ravel()) == set(rows)
    assert len(order) == -(-n // min(batch_size, n))
    np.testing.assert_array_equal(order, epoch_order(rows, batch_size, seed=3, epoch=epoch))


def test_epochs_and_seeds_differ():
    rows = np.arange(100)
    first = epoch_order(rows, 10, seed=0, epoch=0)
    assert (first != epoch_order(rows, 10, seed=0, epoch=1)).any()
    assert (first != epoch_order(rows, 10, seed=1, epoch=0)).any()


@pytest.fixture(scope="module")
def reference(images):
    """What an uninterrupted training of `PARAMETERS` gives."""
    return make_classifier(**PARAMETERS).fit(*images)


PARAMETERS = SMALL | {"epochs": 3, "checkpoint_interval": 0, "early_stopping": True}


def assert_same_result(classifier, reference, X):
    a, b = (c.predict_proba(X) for c in (classifier, reference))
    np.testing.assert_allclose(a, b, atol=1e-5)
    for ours, theirs in zip(classifier.history_, reference.history_, strict=True):
        for name in ("epoch", "loss", "val_loss", "learning_rate"):
            assert ours[name] == pytest.approx(theirs[name], rel=1e-4)


def test_goes_on_after_an_exception_with_the_same_samples(images, reference, tmp_path):
    X, y = images
    whole = LazyImages(X)
    uninterrupted = make_classifier(**PARAMETERS).fit(whole, y)
    assert_same_result(uninterrupted, reference, X)  # lazy rows give what an array gives

    classifier = make_classifier(checkpoint_dir=tmp_path, **PARAMETERS)
    broken = LazyImages(X, fail_at=10)
    with pytest.raises(OSError, match="disk went away"):
        classifier.fit(broken, y)
    assert not hasattr(classifier, "classes_")
    rest = LazyImages(X)
    classifier.fit(rest, y)
    assert_same_result(classifier, reference, X)
    assert whole.epochs == [0, 1, 2]
    # Learning rows are asked for within an epoch, those held out (10 of 96) outside of any.
    for index, epoch in zip(whole.calls, whole.epochs_of_calls, strict=True):
        assert (epoch is None) == (len(index) == 10)
    assert rest.epochs == [1, 2]
    # With a checkpoint some rows are looked at first: whether they are the same as before.
    looked_at, *resumed = rest.calls
    assert (len(looked_at), rest.epochs_of_calls[0]) == (64, None)
    # The resumed batches are the uninterrupted ones from some point on.
    tail = whole.calls[-len(resumed) :]
    assert len(resumed) < len(whole.calls)
    for ours, theirs in zip(resumed, tail, strict=True):
        np.testing.assert_array_equal(ours, theirs)


KILLED = """
    import os, signal, sys
    sys.path[:0] = sys.argv[2:]
    from conftest import SMALL, LazyImages, make_classifier, make_images

    class Images(LazyImages):
        def __getitem__(self, index):
            if len(self.calls) == 10:
                os.kill(os.getpid(), signal.SIGKILL)
            return super().__getitem__(index)

    X, y = make_images()
    make_classifier(
        epochs=3, checkpoint_interval=0, early_stopping=True, checkpoint_dir=sys.argv[1], **SMALL
    ).fit(Images(X), y)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_goes_on_after_a_kill(images, reference, tmp_path):
    """Killed and gone on in another process, a training ends where the uninterrupted one does."""
    here, package = Path(__file__).parent, Path(crystalsym.__file__).parent
    folders = [str(folder) for folder in (here, here.parent, package.parent)]
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path), *folders],
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    progress = json.loads((tmp_path / "progress.json").read_text())
    assert progress["epoch"] < 3
    assert progress["epoch"] + progress["step"] > 0
    X, y = images
    rest = LazyImages(X)
    resumed = make_classifier(checkpoint_dir=tmp_path, **PARAMETERS).fit(rest, y)
    assert rest.epochs == list(range(progress["epoch"], 3))
    assert [entry["epoch"] for entry in resumed.history_] == [1, 2, 3]
    assert_same_result(resumed, reference, X)
    assert resumed.temperature_ == pytest.approx(reference.temperature_, abs=1e-3)


def test_checkpoint_of_a_finished_or_another_training(images, reference, tmp_path, capsys):
    X, y = LazyImages(images[0]), images[1]
    make_classifier(checkpoint_dir=tmp_path, **PARAMETERS).fit(X, y)
    rows = LazyImages(images[0])
    again = make_classifier(checkpoint_dir=tmp_path, **PARAMETERS).fit(rows, y)
    assert not rows.epochs  # nothing was left to do
    # But to look whether they are the same rows, and to find the temperature.
    assert [len(index) for index in rows.calls] == [64, 10]
    assert rows.epochs_of_calls == [None, None]
    assert_same_result(again, reference, images[0])
    with pytest.raises(CheckpointError, match=r"learning_rate: 0\.01 there, 0\.5 here"):
        make_classifier(checkpoint_dir=tmp_path, **PARAMETERS, learning_rate=0.5).fit(X, y)
    with pytest.raises(CheckpointError, match="labels"):
        make_classifier(checkpoint_dir=tmp_path, **PARAMETERS).fit(X, y[::-1])
    # How often to save and what to print are not of the training.
    make_classifier(checkpoint_dir=tmp_path, **PARAMETERS | {"verbose": 1}).fit(X, y)
    rows = LazyImages(images[0])
    make_classifier(checkpoint_dir=tmp_path, **PARAMETERS, resume=False).fit(rows, y)
    assert rows.epochs == [0, 1, 2]
    assert capsys.readouterr() == ("", "")


def test_unseeded_training_resumes_too_and_says_so(images, tmp_path, capsys):
    X, y = images
    parameters = PARAMETERS | {"random_state": None, "checkpoint_dir": tmp_path, "verbose": 1}
    with pytest.raises(OSError, match="disk went away"):
        make_classifier(**parameters).fit(LazyImages(X, fail_at=9), y)
    capsys.readouterr()
    rest = LazyImages(X)
    make_classifier(**parameters).fit(rest, y)
    assert rest.epochs == [1, 2]
    assert capsys.readouterr().err.startswith("going on from the checkpoint at epoch 2, step ")


def test_early_stopping_keeps_the_best_epoch(images):
    X, y = images
    rng = np.random.default_rng(0)
    noise = rng.permutation(y)  # nothing to learn: the validation loss soon rises
    classifier = make_classifier(
        epochs=40, early_stopping=True, n_iter_no_change=2, validation_fraction=0.3,
        learning_rate_schedule="constant", learning_rate=0.03,
    ).fit(X, noise)  # fmt: skip
    losses = [entry["val_loss"] for entry in classifier.history_]
    assert len(losses) < 40
    best = int(np.argmin(losses))
    assert best < len(losses) - 1
    _, held_out = split_rows(
        np.unique(noise, return_inverse=True)[1],
        0.3,
        int(np.random.RandomState(0).randint(2**31 - 1)),
    )
    probabilities = np.exp(log_softmax(classifier.decision_function(X[held_out])))
    columns = np.searchsorted(classifier.classes_, noise[held_out])
    loss = -np.log(probabilities[np.arange(len(held_out)), columns]).mean()
    assert loss == pytest.approx(losses[best], rel=1e-3)


def test_rows_say_which_are_held_out_together(images, tmp_path):
    X, y = images
    rows = LazyImages(X)
    numbers = np.arange(len(y))
    # Of the first half none: each has a negative number of its own.
    rows.validation_groups = np.where(numbers < 48, -1 - numbers, numbers // 3)
    classifier = make_classifier(
        **SMALL, epochs=1, validation_fraction=0.2, checkpoint_dir=tmp_path
    )
    rows_validated = classifier.fit(rows, y).n_calibration_
    # What is asked for before the first epoch tells one training's images from another's.
    within = list(zip(rows.calls, rows.epochs_of_calls, strict=True))
    within = within[rows.epochs_of_calls.index(0) :]
    validated = np.concatenate([index for index, epoch in within if epoch is None])
    assert validated.min() >= 48
    assert rows_validated == pytest.approx(0.2 * 48, abs=3)
    assert rows_validated % 3 == 0
    rows.validation_groups = np.arange(len(y))
    with pytest.raises(CheckpointError, match="validation_groups"):
        classifier.fit(rows, y)
    rows.validation_groups = np.arange(len(y) - 1)
    with pytest.raises(ValueError, match=r"one number for each of the 96 rows .* shape \(95,\)"):
        classifier.fit(rows, y)


def test_early_stopping_needs_validation_rows(images):
    X, y = images
    rows = LazyImages(X)
    rows.validation_groups = y
    with pytest.raises(ValueError, match="early_stopping needs validation rows"):
        make_classifier(epochs=1, early_stopping=True, validation_fraction=0.1).fit(rows, y)


def test_checkpoints_know_how_the_images_were_made(images, tmp_path):
    X, y = images
    rows = LazyImages(X)
    rows.descriptor = {"threshold": 1e-4}
    make_classifier(**SMALL, epochs=1, checkpoint_dir=tmp_path).fit(rows, y)
    rows.descriptor = {"threshold": 1e-5}
    with pytest.raises(CheckpointError, match=r"descriptor: .*1e-05.*here"):
        make_classifier(**SMALL, epochs=1, checkpoint_dir=tmp_path).fit(rows, y)


def test_diverging_training_says_so(images):
    with pytest.raises(FloatingPointError, match="lower learning_rate"):
        make_classifier(
            **SMALL, optimizer="sgd", learning_rate=1e30, learning_rate_schedule="constant",
            warmup_fraction=0,
        ).fit(*images)  # fmt: skip


@pytest.mark.parametrize("verbose", [0, 1])
def test_verbose_prints_a_line_for_every_epoch(images, capsys, verbose):
    make_classifier(**SMALL, epochs=2, verbose=verbose).fit(*images)
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 2 * verbose
    if verbose:
        assert lines[1].startswith("epoch 2/2 loss ")
        assert "val_accuracy" in lines[1]
        assert "steps/s" in lines[1]
