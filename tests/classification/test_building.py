"""Networks of one seed are one network, whatever other threads do meanwhile."""

from __future__ import annotations

import pickle
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from crystalsym.classification._building import build_model, get_weights

from .conftest import OPTIONS, make_classifier


def slow_network(n_classes, image_size, channels, n_streams):
    """A network that gives other threads their chance between its layers."""
    import keras

    inputs = [keras.Input((image_size, image_size, channels)) for _ in range(n_streams)]
    x = keras.layers.Concatenate()([keras.layers.Flatten()(x) for x in inputs])
    for _ in range(4):
        time.sleep(0.01)
        x = keras.layers.Dense(6)(x)
        x = keras.layers.Dropout(0.1, seed=random.randrange(1, 2**31))(x)
    return keras.Model(inputs, keras.layers.Dense(n_classes)(x))


def weights_of(seed):
    model = build_model(slow_network, None, 3, (3, 8, 8, 2), seed=seed)
    seeds = [np.array(v) for v in model.variables if "seed" in v.path]
    return [value for _, value in get_weights(model)] + seeds


def test_threads_build_what_one_after_the_other_would():
    seeds = [1, 2, 1, 3] * 2
    alone = {seed: weights_of(seed) for seed in set(seeds)}
    with ThreadPoolExecutor(len(seeds)) as pool:
        together = list(pool.map(weights_of, seeds))
    for seed, weights in zip(seeds, together, strict=True):
        for found, expected in zip(weights, alone[seed], strict=True):
            np.testing.assert_array_equal(found, expected)


def test_threads_fit_what_one_alone_would(images):
    X, y = images
    options = {"architecture_options": None, "epochs": 2}

    def fit(seed):
        return (
            make_classifier(slow_network, **options, random_state=seed).fit(X, y).predict_proba(X)
        )

    alone = {seed: fit(seed) for seed in (0, 1)}
    with ThreadPoolExecutor(3) as pool:
        for seed, found in zip([0, 1, 0], pool.map(fit, [0, 1, 0]), strict=True):
            np.testing.assert_allclose(found, alone[seed], atol=1e-5)


def test_building_leaves_the_global_generator_alone():
    random.seed(5)
    expected = random.random()
    random.seed(5)
    build_model("strided", OPTIONS, 3, (3, 12, 12, 2), seed=1)
    assert random.random() == expected


def test_threads_share_one_network(fitted, images):
    """The first predictions of an unpickled classifier, several at once."""
    again = pickle.loads(pickle.dumps(fitted))
    barrier = threading.Barrier(4)

    def model(_):
        barrier.wait()
        return again.model_

    with ThreadPoolExecutor(4) as pool:
        assert len({id(model) for model in pool.map(model, range(4))}) == 1


@pytest.mark.parametrize("seed", [0, 7])
def test_a_seed_gives_the_same_network_again(seed):
    for found, expected in zip(weights_of(seed), weights_of(seed), strict=True):
        np.testing.assert_array_equal(found, expected)
