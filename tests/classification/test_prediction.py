from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from crystalsym.classification._prediction import prediction_batch_size, prefetch


def background_threads():
    return [t for t in threading.enumerate() if t.name == "crystalsym-batches"]


def test_order_is_kept():
    assert list(prefetch(lambda i: i * i, range(50), depth=3)) == [i * i for i in range(50)]
    assert not background_threads()


def test_error_comes_through_at_its_place():
    def prepare(i):
        if i == 3:
            raise OSError("row 3")
        return i

    batches = prefetch(prepare, range(10))
    assert [next(batches) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(OSError, match="row 3"):
        next(batches)
    assert not background_threads()


def test_at_most_depth_batches_wait():
    made = []
    batches = prefetch(lambda i: made.append(i) or i, range(100), depth=2)
    next(batches)
    time.sleep(0.3)
    assert len(made) <= 1 + 2 + 1  # taken, waiting, in the making
    batches.close()
    assert not background_threads()


@pytest.mark.parametrize(
    ("shape", "size"), [((3, 64, 64, 2), 256), ((2000, 2000, 3), 1), ((8, 8, 1), 1024)]
)
def test_batch_size_is_bounded(shape, size):
    assert prediction_batch_size(shape) == min(size, 1024)


def test_prediction_does_not_depend_on_the_batches(fitted, images, monkeypatch):
    X, _ = images
    whole = fitted.predict_proba(X)
    monkeypatch.setattr("crystalsym.classification._prediction.MAX_BATCH_ROWS", 7)
    np.testing.assert_allclose(fitted.predict_proba(X), whole, atol=1e-5)
