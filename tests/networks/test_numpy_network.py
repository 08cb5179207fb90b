"""The networks' outputs in NumPy are Keras' own."""

from __future__ import annotations

import numpy as np
import pytest

from crystalsym import networks
from crystalsym.networks._numpy_network import numpy_network

OPTIONS = {"width": 16, "features": 8, "joint": 24, "embedding": 12}


def random_weights(model, seed=0):
    """Weights of trained size: means and variances that are not those of a new network."""
    rng = np.random.default_rng(seed)
    return [
        (rng.random(w.shape) + (0.1 if "variance" in w.path else -0.4)).astype(np.float32)
        for w in model.weights
    ]


def random_streams(n, n_streams, size, channels):
    rng = np.random.default_rng(1)
    return [rng.random((n, size, size, channels), dtype=np.float32) for _ in range(n_streams)]


def keras_output(model, streams, layer):
    import keras

    part = keras.Model(model.inputs, model.get_layer(layer).output)
    output = part.predict_on_batch(streams if len(streams) > 1 else streams[0])
    return np.asarray(keras.ops.convert_to_numpy(output))


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize(
    ("name", "more"), [("msmlp", {}), ("msmlp", {"symmetry": True}), ("msdense", {})]
)
@pytest.mark.parametrize(("size", "channels", "n_streams"), [(13, 2, 3), (12, 3, 1)])
def test_agrees_with_keras(size, channels, n_streams, name, more, half):
    options = OPTIONS | {"half": half} | more
    model = networks.get(name)(5, size, channels, n_streams, **options)
    weights = random_weights(model)
    model.set_weights(weights)
    shape = (n_streams, size, size, channels) if n_streams > 1 else (size, size, channels)
    network = numpy_network(name, options, 5, shape, weights)
    assert [path for path, _ in network.weights] == [w.path for w in model.weights]
    streams = random_streams(4, n_streams, size, channels)
    for layer in ("logits", *network.layers):
        ours = (network if layer == "logits" else network.up_to(layer))(streams)
        theirs = keras_output(model, streams, layer)
        assert ours.dtype == np.float32
        assert ours.shape == theirs.shape
        assert np.abs(theirs).max() > 0.1
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * np.abs(theirs).max())


def test_departures_are_those_from_half_a_turn_and_two_mirrors():
    from crystalsym.networks._common import departures

    image = np.zeros((1, 5, 5, 2))
    image[0, 3, 4, 0] = 1.0  # a row below the beam, two columns right
    image[0, 3, 0, 0] = 0.8
    image[..., 1] = np.arange(25).reshape(5, 5)  # of no account
    turn, columns, rows = departures(image, np)
    assert turn.shape == rows.shape == (1, 3, 5)
    assert columns.shape == (1, 5, 3)
    assert columns[0, 3, 2] == pytest.approx(np.tanh(2.0))
    assert np.count_nonzero(columns) == 1
    for part in (turn, rows):  # nothing lies above the beam
        assert part[0, 1, 4] == pytest.approx(1, abs=1e-6)
        assert part[0, 1, 0] == pytest.approx(1, abs=1e-6)
        assert np.count_nonzero(part) == 2


def test_options_not_given_are_those_of_the_builder():
    model = networks.msmlp(3)
    network = numpy_network("msmlp", None, 3, (3, 13, 13, 2), model.get_weights())
    shapes = [(path, value.shape) for path, value in network.weights]
    assert shapes == [(w.path, tuple(w.shape)) for w in model.weights]


def test_images_and_weights_are_left_as_they_were():
    weights = random_weights(networks.msmlp(5, **OPTIONS))
    network = numpy_network("msmlp", OPTIONS, 5, (3, 13, 13, 2), weights)
    streams = random_streams(2, 3, 13, 2)
    before = [x.copy() for x in (*weights, *streams)]
    network(streams)
    for value, old in zip((*weights, *streams), before, strict=True):
        np.testing.assert_array_equal(value, old)


@pytest.mark.parametrize("architecture", ["msdn", "strided", networks.msmlp, None])
def test_other_networks_need_keras(architecture):
    assert numpy_network(architecture, None, 5, (3, 13, 13, 2), []) is None


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"options": {"depth": 3}}, TypeError, "msmlp has no option 'depth'; it has width, "),
        ({"options": OPTIONS | {"joint": 25}}, ValueError, r"array 10 has shape \(24, 24\) where"),
        ({"n_classes": 6}, ValueError, r"array 20 has shape \(12, 5\) where \(12, 6\) is due"),
        ({"weights": slice(-1)}, ValueError, "21 arrays for 22 weights"),
        ({"input_shape": (3, 7, 7, 2)}, ValueError, "image_size must be an integer >= 8"),
    ],
)
def test_what_does_not_fit_is_refused(change, error, message):
    rng = np.random.default_rng(0)
    sizes = [(182, 16), (16, 8), (24, 24), (24, 12)]
    weights = [rng.random(s) for n, m in sizes for s in ((n, m), *[(m,)] * 4)]
    weights += [rng.random((12, 5)), rng.random(5)]
    arguments = {
        "options": OPTIONS,
        "n_classes": 5,
        "input_shape": (3, 13, 13, 2),
        "weights": slice(None),
    }
    arguments |= change
    arguments["weights"] = weights[arguments["weights"]]
    with pytest.raises(error, match=message):
        numpy_network("msmlp", **arguments)


@pytest.mark.parametrize(("size", "channels", "n_streams"), [(17, 4, 3), (13, 2, 3), (12, 3, 1)])
def test_the_densenet_agrees_with_keras(size, channels, n_streams):
    options = {**OPTIONS, "growth": 5, "blocks": (2, 1), "transition": 6}
    model = networks.msdense(5, size, channels, n_streams, **options)
    weights = random_weights(model)
    model.set_weights(weights)
    shape = (n_streams, size, size, channels) if n_streams > 1 else (size, size, channels)
    network = numpy_network("msdense", options, 5, shape, weights)
    assert [path for path, _ in network.weights] == [w.path for w in model.weights]
    streams = random_streams(4, n_streams, size, channels)
    for layer in ("logits", *network.layers):
        ours = (network if layer == "logits" else network.up_to(layer))(streams)
        theirs = keras_output(model, streams, layer)
        assert ours.shape == theirs.shape
        assert np.abs(theirs).max() > 0.1
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4 * np.abs(theirs).max())
    with pytest.raises(ValueError, match="do not fit the network"):
        numpy_network("msdense", options, 6, shape, weights)
