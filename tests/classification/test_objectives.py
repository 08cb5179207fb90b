from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from crystalsym.classification._objectives import (
    LEARNING_RATE_SCHEDULES,
    compile_model,
    learning_rates,
    log_softmax,
    make_optimizer,
    total_weights,
    validation_scores,
)


def rates_of(schedule, total, peak, warmup):
    rates = learning_rates(schedule, peak, total, warmup)
    return np.array([float(rates(step)) for step in range(total)])


def by_hand(schedule, total, peak, warmup):
    """The same course by its formula, in double precision."""
    first = round(warmup * total)
    step = np.arange(total)
    progress = np.maximum(step - first, 0) / max(total - first, 1)
    falling = {
        "constant": np.ones(total),
        "linear": 1 - progress,
        "cosine": (1 + np.cos(np.pi * progress)) / 2,
    }[schedule]
    return peak * np.where(step < first, (step + 1) / max(first, 1), falling)


@pytest.mark.parametrize("schedule", LEARNING_RATE_SCHEDULES)
@pytest.mark.parametrize("total", [1, 2, 7, 40])
@pytest.mark.parametrize("warmup", [0.0, 0.05, 0.3, 1.0])
def test_learning_rate_rises_then_never_rises_again(total, schedule, warmup):
    rates = rates_of(schedule, total, 0.5, warmup)
    np.testing.assert_allclose(rates, by_hand(schedule, total, 0.5, warmup), atol=1e-7)
    peak = round(warmup * total)
    assert (np.diff(rates[:peak]) > 0).all()
    assert (np.diff(rates[peak:]) <= 0).all()


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_the_optimizer_follows_the_schedule(optimizer):
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    rates = learning_rates("linear", 0.5, 8, 0.25)
    compile_model(model, make_optimizer(optimizer, rates, 0.0), label_smoothing=0.0)
    x, y = np.ones((1, 2), np.float32), np.eye(2, dtype=np.float32)[:1]
    found = []
    for _ in range(8):
        found.append(float(model.optimizer.learning_rate))
        model.train_on_batch(x, y)
    np.testing.assert_allclose(found, by_hand("linear", 8, 0.5, 0.25), atol=1e-7)


@given(hnp.arrays(np.float32, (4, 6), elements=st.floats(-1e4, 1e4, width=32)))
def test_log_softmax(logits):
    values = log_softmax(logits)
    np.testing.assert_allclose(np.exp(values).sum(axis=-1), 1.0, rtol=1e-9)
    np.testing.assert_allclose(values, log_softmax(logits - logits[:, :1]), atol=1e-2)


def test_validation_scores_by_hand():
    logits = np.zeros((2, 3, 8), np.float32)
    logits[0, :, 1] = [5, -1, 0]  # summed 4: right
    logits[1, 0] = np.arange(8)  # class 2 has rank 6
    scores = validation_scores(logits, np.array([1, 2]), None)
    assert scores["val_accuracy"] == 0.5
    assert scores["val_top5"] == 0.5
    expected = -log_softmax(logits)[[0, 1], :, [1, 2]].sum(axis=1).mean()
    assert scores["val_loss"] == pytest.approx(expected)
    weighted = validation_scores(logits, np.array([1, 2]), np.array([3.0, 1.0]))
    assert weighted["val_accuracy"] == 0.75


def test_total_weights():
    classes, codes = np.array([1, 225]), np.array([0, 0, 0, 1])
    assert total_weights(None, classes, codes, None) is None
    balanced = total_weights("balanced", classes, codes, None)
    assert balanced == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2.0])
    named = total_weights({225: 3.0}, classes, codes, np.array([1.0, 1, 1, 2]))
    assert named / named[0] == pytest.approx([1, 1, 1, 6])
    assert named.mean() == pytest.approx(1.0)
    with pytest.raises(ValueError, match=r"not in y: \[7\]"):
        total_weights({7: 1.0}, classes, codes, None)


def test_optimizer_by_name():
    assert type(make_optimizer("adamw", 1e-3, 1e-2)).__name__ == "AdamW"
    assert make_optimizer("adamw", 1e-3, 0.0).weight_decay == 0.0
    sgd = make_optimizer("sgd", 0.1, 0.0)
    assert (sgd.momentum, sgd.nesterov) == (0.9, True)
    with pytest.raises(ValueError, match="optimizer='nosuch'"):
        make_optimizer("nosuch", 1e-3, 0.0)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_loss_is_the_sum_over_outputs(n_outputs):
    import keras

    inputs = keras.Input((4,))
    outputs = [keras.layers.Dense(3, name=f"logits_{i}")(inputs) for i in range(n_outputs)]
    model = keras.Model(inputs, outputs if n_outputs > 1 else outputs[0])
    compile_model(model, make_optimizer("sgd", 0.0, 0.0), label_smoothing=0.0)
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    logits = model.predict_on_batch(x)
    logits = logits if isinstance(logits, list) else [logits]
    y = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1]]
    expected = sum(-(log_softmax(np.asarray(z)) * y).sum(axis=1).mean() for z in logits)
    loss = model.train_on_batch(x, [y] * n_outputs if n_outputs > 1 else y, return_dict=True)
    assert float(loss["loss"]) == pytest.approx(expected, rel=1e-5)
