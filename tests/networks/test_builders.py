"""Every network: sizes, the agreed form, and the published parameter count."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from crystalsym import networks
from crystalsym._keras import without_values

SMALL = {
    "alexnet": {"filters": (8, 8, 8, 8, 8), "units": 32},
    "densenet": {"width": 0.0625, "stages": 1},
    "msdense": {
        "width": 16,
        "features": 8,
        "joint": 16,
        "embedding": 8,
        "growth": 3,
        "blocks": (1,),
    },
    "msdn": {"growth": 4, "bottleneck": 4, "blocks": (2, 1)},
    "msmlp": {"width": 16, "features": 8, "joint": 16, "embedding": 8},
    "msvgg": {"filters": (4,) * 8, "units": 8},
    "resnet": {"width": 0.0625, "stages": 1},
    "strided": {"width": 4, "features": 8, "embedding": 8},
    "vgg": {"width": 0.0625, "units": 8},
    "ziletti": {"filters": (4,) * 6, "units": 8},
}
# Those of keras.applications halve an image five times.
SIZES = dict.fromkeys(SMALL, 12) | dict.fromkeys(("densenet", "resnet", "vgg"), 32)


@functools.cache
def small(name, n_streams=3):
    """A network of five groups and two channels, which must not be changed."""
    import keras

    keras.utils.set_random_seed(0)  # few units may all be dark
    return networks.get(name)(
        n_classes=5, image_size=SIZES[name], channels=2, n_streams=n_streams, **SMALL[name]
    )


def outputs_of(model, images):
    """Answers of a network that is not compiled: it is asked once."""
    import keras

    given = [keras.ops.convert_to_tensor(image) for image in images]
    results = model(given if len(given) > 1 else given[0], training=False)
    results = results if isinstance(results, list | tuple) else [results]
    return [np.asarray(keras.ops.convert_to_numpy(r), dtype=np.float32) for r in results]


def random_images(n, n_streams, size, channels, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.random((n, size, size, channels), dtype=np.float32) for _ in range(n_streams)]


def test_every_network_is_listed():
    assert sorted(SMALL) == networks.available()


@pytest.mark.parametrize("name", ["nosuch", None, 3])
def test_unknown_name_lists_those_there_are(name):
    with pytest.raises(ValueError, match="msdn, msmlp, msvgg, resnet, strided"):
        networks.get(name)


def test_msdn_has_the_published_parameters():
    with without_values():
        model = networks.msdn(72)
    assert model.count_params() == 1_542_424
    assert [tuple(x.shape) for x in model.inputs] == [(None, 224, 224, 3)] * 3
    assert tuple(model.get_layer("features").output.shape) == (None, 3, 960)
    assert [tuple(x.shape) for x in model.outputs] == [(None, 72)] * 3


@pytest.mark.parametrize(
    ("name", "sizes", "n_parameters"),
    [
        # The count of the paper's complexity table, 128.85 M.
        ("msvgg", {"n_classes": 20}, 128_848_276),
        # By hand: 96 x (363 + 1) + 256 x (2400 + 1) + 384 x (2304 + 1) + 384 x (3456 + 1)
        # + 256 x (3456 + 1) + 4096 x (9216 + 1) + 4096 x (4096 + 1) + 1000 x (4096 + 1).
        ("alexnet", {"n_classes": 1000}, 62_378_344),
        # As keras.io has them, of 1000 classes.
        ("vgg", {"n_classes": 1000}, 138_357_544),
        ("vgg", {"n_classes": 1000, "depth": 19}, 143_667_240),
        ("resnet", {"n_classes": 1000}, 25_636_712),
        ("resnet", {"n_classes": 1000, "depth": 101}, 44_707_176),
        ("densenet", {"n_classes": 1000}, 8_062_504),
        ("densenet", {"n_classes": 1000, "depth": 169}, 14_307_880),
        # The sum over the published network's description, of its seven classes.
        ("ziletti", {"n_classes": 7}, 365_719),
    ],
)
def test_networks_have_the_published_parameters(name, sizes, n_parameters):
    with without_values():
        model = networks.get(name)(**sizes)
    assert model.count_params() == n_parameters


def test_streams_of_msvgg_share_everything():
    model = networks.msvgg(4, 16, 2, 3, **SMALL["msvgg"])
    assert model.count_params() == networks.msvgg(4, 16, 2, 1, **SMALL["msvgg"]).count_params()
    images = random_images(2, 3, 16, 2)
    a, b, c = outputs_of(model, images)
    d, e, f = outputs_of(model, [images[1], images[2], images[0]])
    np.testing.assert_allclose([d, e, f], [b, c, a], atol=1e-5)


@pytest.mark.parametrize("name", ["alexnet", "msvgg", "vgg"])
def test_normalized_networks_have_a_normalization_for_every_bias(name):
    plain = networks.get(name)(4, 32, 2, 2, **SMALL[name])
    normalized = networks.get(name)(4, 32, 2, 2, normalization=True, **SMALL[name])
    shapes = {w.path: w.shape for w in plain.weights}
    of_it = {w.path: w.shape for w in normalized.weights}
    hidden = [path for path in shapes if path.endswith("bias") and not path.startswith("logits")]
    assert len(hidden) == {"alexnet": 7, "msvgg": 10, "vgg": 15}[name]
    for path in hidden:
        assert of_it[path.replace("/bias", "_norm/gamma")] == shapes.pop(path)
    assert {path: of_it[path] for path in shapes} == shapes
    assert len(of_it) == len(shapes) + 4 * len(hidden)


def test_what_is_built_for_its_shapes_never_has_values(monkeypatch):
    """Keras would make them where the next scope ends: 138 million of a VGG-16."""
    import keras

    made = []
    make = keras.initializers.VarianceScaling.__call__

    def noted(initializer, shape, *rest, **options):
        made.append(shape)
        return make(initializer, shape, *rest, **options)

    monkeypatch.setattr(keras.initializers.VarianceScaling, "__call__", noted)

    def convolution(filters):
        layer = keras.layers.Conv2D(filters, 1)
        layer.build((None, 4, 4, 2))
        return layer

    networks.multiplications(networks.vgg(4, 32, 2, 3, **SMALL["vgg"]))
    made.clear()  # what the network has
    with keras.StatelessScope():
        wanted = convolution(3)
        with without_values():
            assert convolution(5).kernel.shape == (1, 1, 2, 5)
    assert made == [(1, 1, 2, 3)]
    assert wanted.get_weights()[0].any()
    with without_values():
        convolution(5)
    with keras.StatelessScope():
        pass
    assert made == [(1, 1, 2, 3)]


@pytest.mark.parametrize(("name", "stages"), [("densenet", 1), ("resnet", 2)])
def test_stages_and_width_are_those_of_the_whole_network(name, stages):
    with without_values():
        whole = networks.get(name)(4, 32, 1, 1)
    part = networks.get(name)(4, 32, 1, 1, width=0.0625, stages=stages)
    of_whole = {w.path: w.shape for w in whole.weights}
    shapes = {w.path: w.shape for w in part.weights if not w.path.startswith("logits")}
    assert len(shapes) < len(of_whole) - 2
    for path, shape in shapes.items():
        assert shape[-1] * 16 == of_whole[path][-1], path


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("alexnet", {"filters": (4,)}, "filters must be 5 numbers, got 1"),
        ("msvgg", {"filters": (4,) * 5}, "filters must be 8 numbers, got 5"),
        ("ziletti", {"kernels": (3,) * 5}, "kernels must be 6 numbers, got 5"),
        ("vgg", {"depth": 11}, "depth must be one of 16, 19, got 11"),
        ("resnet", {"depth": 18}, "depth must be one of 50, 101, 152, got 18"),
        ("resnet", {"stages": 5}, "stages must be an integer from 1 to 4, got 5"),
        ("densenet", {"stages": 0}, "stages must be an integer from 1 to 4, got 0"),
        ("densenet", {"width": 0.001}, r"width=0.001 leaves the layer conv1_conv no channel"),
    ],
)
def test_impossible_options(name, options, message):
    with pytest.raises(ValueError, match=message):
        networks.get(name)(4, 32, 1, 1, **options)


def test_msdn_that_learns_in_a_few_passes():
    """Counted by hand: weights of convolutions, and four numbers a normalized channel."""
    model = networks.msdn(
        3, 16, 2, growth=4, bottleneck=4, blocks=(1, 1), stem_stride=2, normalization=True,
        features=8, embedding=8,
    )  # fmt: skip
    stem, narrow, wide = 7 * 7 * 2 * 4 + 16, 4 * 4 + 16, 9 * 4 * 4 + 16
    transition, second = 8 * 8 + 32, 8 * 4 + 16
    projection = 2 * 2 * 12 * 8 + 32  # of maps of 2 x 2
    head = 3 * 8 * 8 + 32 + 8 * 3 + 3
    expected = stem + narrow + wide + transition + second + wide + projection + head
    assert model.count_params() == expected
    assert [tuple(x.shape) for x in model.outputs] == [(None, 3)]
    assert tuple(model.get_layer("features").output.shape) == (None, 3, 8)
    assert tuple(model.get_layer("embedding").output.shape) == (None, 8)
    (single,) = outputs_of(
        networks.msdn(3, 16, 2, 1, growth=4, bottleneck=4, blocks=(1,), normalization=True),
        random_images(2, 1, 16, 2),
    )
    assert single.shape == (2, 3)


def test_even_and_odd_indices_become_channels():
    import keras

    from crystalsym.networks._msdense import _parities
    from crystalsym.networks._numpy_network import by_parity

    for size in (13, 17):
        middle = size // 2
        (image,) = random_images(1, 1, size, 2)
        for seen in (image, image[:, middle:]):  # the half last
            ours = by_parity(seen, size)
            tensor = keras.ops.convert_to_tensor(seen)
            theirs = keras.ops.convert_to_numpy(_parities(tensor, size, 2))
            np.testing.assert_array_equal(ours, np.asarray(theirs))
        # Channel (row parity, column parity, c): hk with k even and h even are the first two.
        columns = np.arange(-middle, middle + 1)
        even = image[0, middle::2][:, columns % 2 == 0]
        odd_start = middle % 2
        np.testing.assert_array_equal(
            ours[0, :, odd_start : odd_start + even.shape[1], :2]
            if odd_start == 0
            else ours[0, :, 1:, :2],
            even,
        )


def test_msmlp_reads_one_of_each_friedel_pair():
    model = networks.msmlp(5, **SMALL["msmlp"])
    images = random_images(2, 3, 13, 2)
    other = [image.copy() for image in images]
    for image in other:
        image[:, :6] = 0
    np.testing.assert_allclose(outputs_of(model, images)[0], outputs_of(model, other)[0])


@pytest.mark.parametrize("size", [13, 17])
def test_whole_pictures_by_parity_keep_origin_and_parity_apart(size):
    from crystalsym.networks._numpy_network import by_parity

    middle = size // 2
    places = np.stack(np.meshgrid(*2 * [np.arange(size) - middle], indexing="ij"), axis=-1)
    whole = by_parity(places[None].astype(float) + 100, size)[0]
    for channel, (k, h) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        shown = whole[..., 2 * channel : 2 * channel + 2]
        shown = shown[(shown != 0).all(axis=-1)] - 100
        assert (shown % 2 == [k, h]).all()
        assert len(shown) == ((places % 2 == [k, h]).all(axis=-1)).sum()


@pytest.mark.parametrize("name", ["msmlp", "msdense"])
def test_whole_pictures_are_read_if_wanted(name):
    images = random_images(2, 3, SIZES[name], 2)
    other = [image.copy() for image in images]
    for image in other:
        image[:, : SIZES[name] // 2] = 0
    for half in (True, False):
        model = networks.get(name)(5, SIZES[name], 2, **SMALL[name], half=half)
        same = np.allclose(outputs_of(model, images)[0], outputs_of(model, other)[0])
        assert same == half


def test_strided_is_small_enough_to_bundle():
    assert networks.strided(72).count_params() < 2_000_000


@pytest.mark.parametrize("n_streams", [1, 3])
@pytest.mark.parametrize("name", networks.available())
def test_agreed_form(name, n_streams):
    model = small(name, n_streams)
    shape = (None, SIZES[name], SIZES[name], 2)
    assert [tuple(x.shape) for x in model.inputs] == [shape] * n_streams
    assert tuple(model.get_layer("features").output.shape)[:2] == (None, n_streams)
    for output in outputs_of(model, random_images(3, n_streams, SIZES[name], 2)):
        assert output.shape == (3, 5)
        assert np.isfinite(output).all()


@pytest.mark.parametrize("name", networks.available())
def test_logits_are_float32_and_not_probabilities(name):
    import keras

    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        model = networks.get(name)(4, SIZES[name], 1, 3, **SMALL[name])
    finally:
        keras.config.set_dtype_policy(before)
    assert {str(x.dtype) for x in model.outputs} == {"float32"}
    logits = sum(outputs_of(model, random_images(2, 3, SIZES[name], 1)))
    assert not np.allclose(logits.sum(axis=1), 1.0)


@pytest.mark.parametrize("name", networks.available())
def test_trunk_is_shared(name):
    """Exchanged streams give exchanged features: each stream met the same weights."""
    import keras

    model = small(name)
    features = keras.Model(model.inputs, model.get_layer("features").output)
    images = random_images(2, 3, SIZES[name], 2)
    (a,) = outputs_of(features, images)
    (b,) = outputs_of(features, [images[2], images[0], images[1]])
    np.testing.assert_allclose(b, a[:, [2, 0, 1]], atol=1e-5)
    assert np.abs(a[:, 0] - a[:, 1]).max() > 1e-6


@pytest.mark.parametrize("name", networks.available())
def test_layer_names_do_not_depend_on_what_was_built_before(name):
    before = small(name)
    again = small.__wrapped__(name)
    assert again is not before
    assert [w.path for w in again.weights] == [w.path for w in before.weights]


def test_strided_keeps_place():
    """A spot moved by half the image changes the strided network's features."""
    import keras

    model = networks.strided(4, 16, 1, 1, **SMALL["strided"])
    features = keras.Model(model.inputs, model.get_layer("features").output)
    images = np.zeros((2, 16, 16, 1), np.float32)
    images[0, 4, 4] = images[1, 12, 12] = 1.0
    (a,) = outputs_of(features, [images])
    assert np.abs(a[0] - a[1]).max() > 1e-4


@pytest.mark.parametrize("name", networks.available())
@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"n_classes": 1}, "n_classes must be an integer >= 2"),
        ({"image_size": 4}, "image_size must be an integer >= (8|32)"),
        ({"channels": 0}, "channels must be an integer >= 1"),
        ({"n_streams": 2.5}, "n_streams must be an integer >= 1"),
    ],
)
def test_impossible_sizes(name, sizes, message):
    arguments = {"n_classes": 4, "image_size": 32, "channels": 1, "n_streams": 3} | sizes
    with pytest.raises(ValueError, match=message):
        networks.get(name)(**arguments)
