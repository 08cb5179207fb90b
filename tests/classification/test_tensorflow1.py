"""The authors' checkpoint of TensorFlow 1: written here under its names, and computed by hand."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pytest

from crystalsym import SpaceGroupClassifier, spacegroups
from crystalsym.classification import SavedModelError

tf = pytest.importorskip("tensorflow", reason="TensorFlow writes the checkpoints")
read = SpaceGroupClassifier.from_tensorflow1
SIZE = 16
# As the authors' folders are listed, and so as the columns of the heads are.
AS_LISTED = sorted(spacegroups.label_set("72"), key=str)


def make_variables(growth=4, bottleneck=3, blocks=(2, 3), n_classes=72, seed=0):
    """Random weights under the names that the index of the authors' checkpoint has."""
    rng = np.random.default_rng(seed)
    variables = {}

    def conv(name, kernel, channels, filters):
        scale = np.sqrt(2 / (kernel * kernel * channels))
        shape = (kernel, kernel, channels, filters)
        variables[f"{name}/w"] = scale * rng.normal(size=shape)
        variables[f"{name}/biases"] = 0.1 * rng.normal(size=filters)

    conv("MSDN/conv1", 7, 3, growth)
    width = growth
    for b, n_layers in enumerate(blocks, start=1):
        for i in range(n_layers):
            conv(f"MSDN/dense_block{b}/dense{b}_dense_{i}/layer1/conv", 1, width, bottleneck)
            conv(f"MSDN/dense_block{b}/dense{b}_dense_{i}/layer2/conv", 3, bottleneck, growth)
            width += growth
        if b < len(blocks):
            conv(f"MSDN/dense_block{b}/conv", 1, width, width)
    for k in (1, 2, 3):
        variables[f"output_{k}/matrix"] = rng.normal(size=(width, n_classes))
        variables[f"output_{k}/bias"] = rng.normal(size=n_classes)
    return {name: value.astype(np.float32) for name, value in variables.items()}


def write(folder, variables, name="MSDN"):
    """Write a checkpoint as ``tf.train.Saver`` does: names and arrays, nothing else."""
    folder.mkdir(exist_ok=True)
    prefix = str(folder / name)
    names = list(variables)
    tf.raw_ops.SaveV2(
        prefix=prefix,
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[tf.constant(variables[one]) for one in names],
    )
    return prefix


def logits_by_hand(variables, X, blocks=(2, 3)):
    """Logits (n, columns) of images (n, 3, H, W, 3), layer by layer and stream by stream."""

    def conv(x, name):
        x = tf.nn.conv2d(x, variables[f"{name}/w"], strides=1, padding="SAME")
        return tf.nn.relu(x + variables[f"{name}/biases"])

    total = 0
    for k in (1, 2, 3):
        x = tf.nn.avg_pool2d(conv(X[:, k - 1], "MSDN/conv1"), 2, 2, "SAME")
        for b, n_layers in enumerate(blocks, start=1):
            for i in range(n_layers):
                layer = f"MSDN/dense_block{b}/dense{b}_dense_{i}"
                added = conv(conv(x, f"{layer}/layer1/conv"), f"{layer}/layer2/conv")
                x = tf.concat([x, added], axis=3)
            if b < len(blocks):
                x = tf.nn.avg_pool2d(conv(x, f"MSDN/dense_block{b}/conv"), 2, 2, "SAME")
        features = tf.reduce_mean(x, axis=[1, 2])
        total = total + features @ variables[f"output_{k}/matrix"] + variables[f"output_{k}/bias"]
    return total.numpy()


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).random((5, 3, SIZE, SIZE, 3), dtype=np.float32)


@pytest.fixture(scope="module")
def variables():
    return make_variables()


@pytest.fixture(scope="module")
def folder(variables, tmp_path_factory):
    """With what a training leaves behind, of which nothing is said."""
    folder = tmp_path_factory.mktemp("checkpoint")
    slots = {f"{name}/{slot}": v for name, v in variables.items() for slot in ("Adam", "Adam_1")}
    counters = {n: np.float32(0.9) for n in ("beta1_power", "beta2_power")}
    averages = {"MSDN/conv1/w/ExponentialMovingAverage": variables["MSDN/conv1/w"]}
    counters["global_step"] = np.int64(7)
    write(folder, {**variables, **slots, **counters, **averages})
    return folder


@pytest.fixture(scope="module")
def classifier(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        return read(folder, image_size=SIZE)


def test_outputs_are_those_of_the_network_by_hand(classifier, variables, images):
    by_hand = logits_by_hand(variables, images)
    logits = classifier.decision_function(images)
    for column, group in enumerate(AS_LISTED):
        ours = list(classifier.classes_).index(group)
        np.testing.assert_allclose(logits[:, ours], by_hand[:, column], rtol=1e-4, atol=1e-4)
    expected = [AS_LISTED[column] for column in by_hand.argmax(axis=1)]
    assert classifier.predict(images).tolist() == expected
    np.testing.assert_allclose(classifier.predict_proba(images).sum(axis=1), 1, atol=1e-5)


def test_groups_are_sorted_as_numbers_though_the_heads_are_not(tmp_path, images):
    """Each group's bias is its number, so that the logits say whose column they are."""
    variables = make_variables(n_classes=6)
    listed = [1, 10, 107, 12, 2, 9]
    for k in (1, 2, 3):
        variables[f"output_{k}/matrix"][:] = 0
        variables[f"output_{k}/bias"][:] = np.array(listed) / 3
    write(tmp_path, variables)
    for given in ([1, 2, 9, 10, 12, 107], listed, {107, 12, 10, 9, 2, 1}):
        classifier = read(tmp_path, given, image_size=SIZE)
        assert classifier.classes_.tolist() == [1, 2, 9, 10, 12, 107]
        np.testing.assert_allclose(
            classifier.decision_function(images[:1])[0], [1, 2, 9, 10, 12, 107], rtol=1e-5
        )


def test_is_a_classifier_like_any_other(classifier, images, tmp_path):
    assert classifier.classes_.tolist() == list(spacegroups.label_set("72"))
    assert classifier.input_shape_ == (3, SIZE, SIZE, 3)
    assert classifier.get_params()["learning_rate"] == 1e-5
    assert classifier.architecture_options_ == {"growth": 4, "bottleneck": 3, "blocks": (2, 3)}
    assert (classifier.history_, classifier.temperature_, classifier.n_calibration_) == ([], 1, 0)
    assert "TensorFlow 1" in classifier.metadata_["source"]
    assert classifier.embed(images).shape == (5, 3, 6 * 4)
    for name in ("model", "model.zip"):
        classifier.save(tmp_path / name)
        again = SpaceGroupClassifier.load(tmp_path / name)
        np.testing.assert_array_equal(
            again.decision_function(images), classifier.decision_function(images)
        )
        assert again.metadata_ == classifier.metadata_


def test_the_published_network(tmp_path):
    variables = make_variables(32, 32, (3, 6, 12, 8))
    assert len(variables) == 2 * (1 + 2 * 29 + 3 + 3)
    assert sum(value.size for value in variables.values()) == 1_542_424
    prefix = write(tmp_path, variables)
    classifier = read(prefix)
    assert classifier.n_parameters_ == 1_542_424
    assert classifier.architecture_options_ is None
    assert classifier.input_shape_ == (3, 224, 224, 3)
    last = classifier.model_.get_layer("trunk").get_layer("block4_layer8_conv")
    name = "MSDN/dense_block4/dense4_dense_7/layer2/conv"
    np.testing.assert_array_equal(np.asarray(last.kernel), variables[f"{name}/w"])
    np.testing.assert_array_equal(np.asarray(last.bias), variables[f"{name}/biases"])


@pytest.mark.parametrize("ending", ["", ".index", ".data-00000-of-00001", ".meta", None])
def test_any_of_its_files_names_a_checkpoint(folder, classifier, ending, images):
    path = folder if ending is None else f"{folder}/MSDN{ending}"
    again = read(path, image_size=SIZE)
    np.testing.assert_array_equal(
        again.decision_function(images), classifier.decision_function(images)
    )


def test_where_there_is_no_checkpoint(tmp_path, variables):
    with pytest.raises(FileNotFoundError, match="holds no TensorFlow checkpoint"):
        read(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"other.index: no such file"):
        read(tmp_path / "other")
    write(tmp_path, variables, "one")
    write(tmp_path, variables, "two")
    with pytest.raises(ValueError, match=r"several checkpoints \(one, two\): name one"):
        read(tmp_path)


CONV = "MSDN/dense_block2/dense2_dense_1/layer2/conv"


@pytest.mark.parametrize(
    "missing",
    [
        f"{CONV}/w",
        "MSDN/conv1/biases",
        "MSDN/dense_block1/conv/w",
        "MSDN/dense_block1/dense1_dense_0/layer1/conv/biases",
        "output_3/bias",
        "output_2/matrix",
    ],
)
def test_a_missing_variable_is_named(tmp_path, variables, missing):
    write(tmp_path, {name: value for name, value in variables.items() if name != missing})
    with pytest.raises(SavedModelError, match=f"does not fit the network MSDN: {missing} is miss"):
        read(tmp_path, image_size=SIZE)


def test_a_variable_of_another_shape_is_named(tmp_path, variables):
    wrong = {**variables, f"{CONV}/w": np.zeros((3, 3, 3, 5), np.float32)}
    write(tmp_path, wrong)
    message = rf"{CONV}/w is \(3, 3, 3, 5\), not \(3, 3, 3, 4\)"
    with pytest.raises(SavedModelError, match=message):
        read(tmp_path, image_size=SIZE)


def test_a_layer_too_few_does_not_fit(tmp_path, variables):
    last = "MSDN/dense_block2/dense2_dense_2/"
    write(tmp_path, {n: v for n, v in variables.items() if not n.startswith(last)})
    with pytest.raises(SavedModelError, match=r"output_1/matrix is \(24, 72\), not \(20, 72\)"):
        read(tmp_path, image_size=SIZE)


def test_other_variables_are_warned_of(tmp_path, variables):
    more = {"MSDN/conv1/gamma": np.ones(4, np.float32), "discriminator/w": np.ones(3, np.float32)}
    write(tmp_path, {**variables, **more})
    message = "stay unread: MSDN/conv1/gamma, discriminator/w"
    with pytest.warns(UserWarning, match=message) as caught:
        read(tmp_path, image_size=SIZE)
    assert caught[0].filename == __file__


def test_another_network_is_refused(tmp_path):
    write(tmp_path, {"dense/kernel": np.ones((3, 3), np.float32)})
    with pytest.raises(SavedModelError, match=r"no checkpoint of the network MSDN.*dense/kernel"):
        read(tmp_path)


def test_number_of_groups(tmp_path):
    write(tmp_path, make_variables(n_classes=7))
    with pytest.raises(ValueError, match=r"tells 7 groups apart, .* classes=\[...\]"):
        read(tmp_path, image_size=SIZE)
    with pytest.raises(ValueError, match="tells 7 groups apart, but classes names 2"):
        read(tmp_path, [1, 2, 2], image_size=SIZE)


def test_numbers_that_are_none(tmp_path, variables):
    broken = {**variables, "output_1/bias": np.full(72, np.nan, np.float32)}
    write(tmp_path, broken)
    with pytest.raises(SavedModelError, match="output_1/bias holds values that are no finite"):
        read(tmp_path, image_size=SIZE)
    write(tmp_path, {**variables, "output_1/bias": np.zeros(72, np.int32)})
    with pytest.raises(SavedModelError, match="output_1/bias holds values that are no finite"):
        read(tmp_path, image_size=SIZE)


@pytest.mark.parametrize("fault", ["index", "data", "no data"])
def test_damaged_files(tmp_path, variables, fault):
    prefix = write(tmp_path, variables)
    if fault == "index":
        (tmp_path / "MSDN.index").write_bytes(b"nothing of the kind" * 20)
    elif fault == "data":
        data = tmp_path / "MSDN.data-00000-of-00001"
        data.write_bytes(data.read_bytes()[:100])
    else:
        (tmp_path / "MSDN.data-00000-of-00001").unlink()
    with pytest.raises(SavedModelError, match="MSDN: is no readable TensorFlow checkpoint"):
        read(prefix, image_size=SIZE)


def test_without_tensorflow(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ImportError, match=r"read by TensorFlow.*pip install tensorflow"):
        read(folder)
