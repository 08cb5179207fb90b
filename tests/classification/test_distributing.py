"""Training on several devices: what one device gives, and refusals."""

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

    assert keras.distribution.get_device_count() == 2
    X, y = make_images(100)
    one = make_classifier(epochs=2).fit(X, y, sample_weight=1 + np.arange(100) % 2)
    two = make_classifier(epochs=2, distribution="data").fit(
        X, y, sample_weight=1 + np.arange(100) % 2
    )
    assert keras.distribution.distribution() is None
    for a, b in zip(one.history_, two.history_, strict=True):
        for name in ("loss", "val_loss"):
            assert abs(a[name] - b[name]) < 1e-3, (a, b)
    np.testing.assert_allclose(two.predict_proba(X), one.predict_proba(X), atol=1e-3)
    assert len(two.model_.variables[0].value.sharding.device_set) == 1

    from crystalsym.classification import distributing
    with distributing.distributed("data"):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        assert len(model.variables[0].value.sharding.device_set) == 2
    try:
        make_classifier(batch_size=15, distribution="data").fit(X, y)
    except ValueError as error:
        assert "batches of 15 rows cannot be shared evenly by 2 devices" in str(error)
    else:
        raise AssertionError("15 rows on 2 devices")
    print("same")
"""


def test_two_devices_give_what_one_gives():
    pytest.importorskip("jax")
    folders = [str(Path(__file__).parent), str(Path(crystalsym.__file__).parents[1])]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(TWO_DEVICES), *folders],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ
        | {
            "KERAS_BACKEND": "jax",
            "JAX_PLATFORMS": "cpu",
            "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        },
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "same"


def test_other_backends_have_none(images):
    import keras

    classifier = make_classifier(epochs=1, distribution="data")
    if keras.backend.backend() == "jax":
        assert np.isfinite(classifier.fit(*images).history_[0]["loss"])
        return
    with pytest.raises(ValueError, match="needs Keras' JAX backend"):
        classifier.fit(*images)
