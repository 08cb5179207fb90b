"""Training on several devices gives what one device gives."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import crystalsym

from .conftest import make_classifier

TWO_DEVICES = """
    import sys
    sys.path[:0] = sys.argv[1:]
    import keras, numpy as np
    from conftest import make_classifier, make_images
    from crystalsym.classification import _distributing as distributing

    # Not normalized, with three outputs.
    unnormalized = dict(architecture="msdn", learning_rate=1e-3, architecture_options=dict(
        growth=4, bottleneck=4, blocks=(1,), dropout=0.0))
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        half = tf.config.LogicalDeviceConfiguration()
        tf.config.set_logical_device_configuration(cpu, [half, half])
        how = unnormalized
        devices_of = lambda model: len(getattr(model.variables[0].value, "values", [1]))

        # Either device sees half of every batch, where the sizes are known: in training.
        seen = set()

        class Spy(keras.layers.Layer):
            def call(self, x):
                seen.add(x.shape[0])
                return x

        def network(n_classes, image_size, channels, n_streams):
            inputs = [keras.Input((image_size, image_size, channels)) for _ in range(n_streams)]
            x = keras.layers.Flatten()(Spy()(inputs[0]))
            return keras.Model(inputs, keras.layers.Dense(n_classes)(x))

        make_classifier(network, architecture_options=None, epochs=1, validation_fraction=0,
            distribution="data").fit(*make_images(32))
        assert seen == {None, 8}, seen
    elif keras.backend.backend() == "torch":
        from crystalsym.classification import _torch_replicas as torch_replicas

        torch_replicas.available_devices = lambda: ("cpu", "cpu")
        how = unnormalized
        devices_of = None  # test_replicas_share_a_batch_out looks into them
    else:
        how = {}
        devices_of = lambda model: len(model.variables[0].value.sharding.device_set)

    with distributing.distributed("data"):
        assert distributing.n_replicas() == 2
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        assert devices_of is None or devices_of(model) == 2
    assert distributing.n_replicas() == 1
    X, y = make_images(100)
    weights = 1 + np.arange(100) % 2
    one = make_classifier(epochs=2, **how).fit(X, y, sample_weight=weights)
    two = make_classifier(epochs=2, **how, distribution="data").fit(X, y, sample_weight=weights)
    for a, b in zip(one.history_, two.history_, strict=True):
        for name in ("loss", "val_loss"):
            assert abs(a[name] - b[name]) < 1e-3, (a, b)
    np.testing.assert_allclose(two.predict_proba(X), one.predict_proba(X), atol=1e-3)
    assert devices_of is None or devices_of(two.model_) == 1
    if how:
        usual = make_classifier(epochs=1, distribution="data", precision="mixed_bfloat16")
        assert np.isfinite(usual.fit(X, y).history_[0]["loss"])
    try:
        make_classifier(batch_size=15, distribution="data").fit(X, y)
    except ValueError as error:
        assert "batches of 15 rows cannot be shared evenly by 2 devices" in str(error)
    else:
        raise AssertionError("15 rows on 2 devices")
    print("same")
"""


def test_two_devices_give_what_one_gives():
    import keras

    here, package = Path(__file__).parent, Path(crystalsym.__file__).parent
    folders = [str(folder) for folder in (here, here.parent, package.parent)]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(TWO_DEVICES), *folders],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=os.environ
        | {
            "KERAS_BACKEND": keras.backend.backend(),
            "JAX_PLATFORMS": "cpu",
            "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        },
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "same"


def test_the_devices_there_are(images):
    classifier = make_classifier(epochs=1, distribution="data").fit(*images)
    assert np.isfinite(classifier.history_[0]["loss"])


def test_replicas_share_a_batch_out(monkeypatch):
    import keras

    if keras.backend.backend() != "torch":
        pytest.skip("of PyTorch alone")
    from crystalsym.classification import _torch_replicas as torch_replicas

    monkeypatch.setattr(torch_replicas, "available_devices", lambda: ("cpu", "cpu"))
    rows = []

    class Spy(keras.layers.Layer):
        def call(self, x):
            if x.device.type == "cpu":  # a symbolic call's is "meta"
                rows.append(len(x))
            return x

    def build():
        return keras.Sequential([keras.Input((2,)), Spy(), keras.layers.BatchNormalization()])

    model = build()
    model.compile(keras.optimizers.SGD(1.0), keras.losses.MeanSquaredError())
    model.optimizer.build(model.trainable_variables)
    x = np.array([[0, 0], [2, 4], [10, 20], [10, 28]], dtype=np.float32)
    rows.clear()
    with torch_replicas.scope():
        step = torch_replicas.TorchReplicas(model, build)
        loss = step(x, np.zeros_like(x), None)
        assert rows == [2, 2]
        gamma, beta, mean, variance = (np.asarray(v) for v in model.layers[-1].weights)
    # Parts normalized each by itself are -1 and 1, but for epsilon where all are the same.
    assert loss == pytest.approx(0.75, abs=0.01)
    np.testing.assert_allclose(gamma, 1 - np.array([0.5, 1]), atol=0.01)
    np.testing.assert_allclose(beta, 0, atol=1e-6)
    np.testing.assert_allclose(mean, 0.01 * np.array([5.5, 13]), rtol=1e-4)
    np.testing.assert_allclose(variance, 0.99 + 0.01 * np.array([0.5, 10]), rtol=1e-4)
