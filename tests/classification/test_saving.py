"""Saved classifiers come back the same, and altered ones do not come back at all."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile

import numpy as np
import pytest

from crystalsym.bundles import _saved_files, write_files
from crystalsym.classification import SavedModelError, SpaceGroupClassifier
from crystalsym.classification._json_values import plain

from .conftest import make_classifier

load = SpaceGroupClassifier.load


def own_network(n_classes, image_size, channels, n_streams):
    import keras

    inputs = [keras.Input((image_size, image_size, channels)) for _ in range(n_streams)]
    x = keras.layers.Concatenate()([keras.layers.Flatten()(x) for x in inputs])
    return keras.Model(inputs, keras.layers.Dense(n_classes)(x))


@pytest.fixture(scope="module")
def saved(fitted, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "classifier.zip"
    fitted.save(path)
    return path


@pytest.fixture(params=["folder", "zip"])
def path(request, fitted, tmp_path):
    path = tmp_path / ("model" if request.param == "folder" else "model.zip")
    fitted.save(path)
    return path


def members(path):
    if path.is_dir():
        return {p.name: p.read_bytes() for p in path.iterdir()}
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path, files):
    if path.is_dir():
        for name, data in files.items():
            (path / name).write_bytes(data)
        return
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)


def without_manifest(files):
    return {name: data for name, data in files.items() if name != "manifest.json"}


def signed(config):
    rest = {name: value for name, value in config.items() if name != "sha256"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()
    return json.dumps(rest | {"sha256": hashlib.sha256(canonical).hexdigest()}).encode()


def test_same_answers_and_attributes(path, fitted, images):
    X, _ = images
    again = load(path)
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
    np.testing.assert_array_equal(again.embed(X[:4]), fitted.embed(X[:4]))
    assert again.get_params() == fitted.get_params()
    assert again.classes_.tolist() == fitted.classes_.tolist()
    assert again.history_ == fitted.history_
    assert again.input_shape_ == fitted.input_shape_
    assert again.n_parameters_ == fitted.n_parameters_
    assert again.temperature_ == fitted.temperature_
    assert again.n_calibration_ == fitted.n_calibration_
    np.testing.assert_array_equal(again.set_scores_, fitted.set_scores_)
    assert sorted(members(path)) == ["config.json", "manifest.json", "weights.npz"]


def test_half_precision(saved, fitted, images, tmp_path):
    fitted.save(tmp_path / "half.zip", dtype="float16")
    sizes = {}
    for path in (saved, tmp_path / "half.zip"):
        with np.load(io.BytesIO(members(path)["weights.npz"])) as stored:
            sizes[path] = sum(stored[name].nbytes for name in stored.files)
    assert sizes[tmp_path / "half.zip"] == sizes[saved] / 2
    again = load(tmp_path / "half.zip")
    np.testing.assert_allclose(
        again.predict_proba(images[0]), fitted.predict_proba(images[0]), atol=0.01
    )
    with pytest.raises(ValueError, match="dtype must be"):
        fitted.save(tmp_path / "int.zip", dtype="int8")


def test_metadata_and_parameters_of_all_kinds(images, tmp_path):
    X, y = images
    classifier = make_classifier(
        architecture="msdn",
        architecture_options={"growth": 4, "bottleneck": np.int64(4), "blocks": (1, 1)},
        epochs=1,
        class_weight={225: 2.0},
        random_state=np.random.RandomState(0),
        checkpoint_dir=tmp_path / "private",
    ).fit(X, y)
    classifier.metadata_ = {"descriptor": {"image_size": 12}, "top1": np.float64(0.9)}
    classifier.save(tmp_path / "m.zip")
    assert str(tmp_path).encode() not in members(tmp_path / "m.zip")["config.json"]
    again = load(tmp_path / "m.zip")
    assert again.architecture_options["blocks"] == (1, 1)
    assert again.class_weight == {225: 2.0}
    assert again.metadata_ == {"descriptor": {"image_size": 12}, "top1": 0.9}
    assert again.checkpoint_dir is None
    with pytest.raises(ValueError, match=r"such images are made by \{'image_size': 12\}"):
        again.predict(X[..., :1])
    classifier.metadata_ = {"model": classifier}
    with pytest.raises(ValueError, match=r"metadata_\['model'\] cannot be saved"):
        classifier.save(tmp_path / "n.zip")


@pytest.mark.parametrize("name", ["config.json", "weights.npz", "manifest.json"])
@pytest.mark.parametrize("fault", ["cut off", "one byte changed", "empty", "missing"])
def test_damaged_files(path, name, fault):
    files = members(path)
    data = files[name]
    # A letter: another last digit may be the same number, which does no harm.
    middle = next(i for i in range(len(data) // 2, len(data)) if chr(data[i]) in "abcdefgh")
    changed = {
        "cut off": data[:middle],
        "one byte changed": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
        "empty": b"",
        "missing": None,
    }[fault]
    if (name, fault) == ("manifest.json", "missing"):
        pytest.skip("as 0.1.0 saved them; the configuration has checksums of its own")
    if changed is None:
        del files[name]
        if path.is_dir():
            (path / name).unlink()
    else:
        files[name] = changed
    rewrite(path, files)
    with pytest.raises(SavedModelError, match="model"):
        load(path)


def test_cut_off_zip(saved, tmp_path):
    data = saved.read_bytes()
    (tmp_path / "cut.zip").write_bytes(data[: len(data) // 2])
    with pytest.raises(SavedModelError, match="not a readable saved model"):
        load(tmp_path / "cut.zip")


def test_foreign_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="no saved model at"):
        load(tmp_path / "nothing.zip")
    (tmp_path / "text.zip").write_text("hello")
    (tmp_path / "folder").mkdir()
    rewrite(tmp_path / "other.zip", {"config.json": b'{"format": "keras"}'})
    rewrite(tmp_path / "list.zip", {"config.json": b"[]"})
    for name in ("text.zip", "folder", "other.zip", "list.zip"):
        with pytest.raises(SavedModelError, match=name):
            load(tmp_path / name)


def edited(saved, tmp_path, **changes):
    files = members(saved)
    config = json.loads(files["config.json"]) | changes
    write_files(tmp_path / "edited.zip", without_manifest(files) | {"config.json": signed(config)})
    return tmp_path / "edited.zip"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"checkpoint_dir": "/tmp"}, "checkpoint_dir belongs to a run"),
        ({"memory": "cache"}, "unknown parameters: memory"),
        ({"architecture": "msdn"}, "unknown parameters: architecture"),
        ({"epochs": -1}, "epochs must be"),
        ({"optimizer": ["adam"]}, "optimizer must be"),
        ({"architecture_options": {"widths": 8}}, "no option 'widths'"),
        ({"architecture_options": {"width": 2**40}}, "its option width"),
        ({"architecture_options": {"width": {"class_name": "Lambda"}}}, "its option width"),
    ],
)
def test_altered_parameters_with_a_right_checksum(saved, tmp_path, changes, message):
    parameters = json.loads(members(saved)["config.json"])["parameters"] | changes
    with pytest.raises(SavedModelError, match=message):
        load(edited(saved, tmp_path, parameters=parameters))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 99}, "version 99"),
        ({"architecture": "nosuch"}, "no network named 'nosuch'"),
        ({"architecture": "os.system"}, "no network named"),
        ({"architecture": ["msdn"]}, "cannot be rebuilt"),
        ({"more": 1}, "unknown entries: 'more'"),
        ({"classes": [[1], [2], [3]]}, "its classes"),
        ({"classes": [1, 2, 3, 4]}, "weights do not fit the network"),
        ({"input_shape": [3, 2**20, 2**20, 2]}, "its input_shape"),
        ({"input_shape": [3, 24, 24, 2]}, "weights do not fit the network"),
        ({"parameters": {}}, "cannot be rebuilt"),
        ({"weights": {}}, "not a readable"),
        ({"temperature": 0.0}, "its temperature is 0.0"),
        ({"temperature": "hot"}, "cannot be rebuilt"),
        ({"set_scores": [0.5, 0.1]}, "not sorted scores"),
        ({"set_scores": [0.5, 7]}, "not sorted scores"),
        ({"n_calibration": 3}, "not sorted scores"),
    ],
)
def test_altered_configuration_with_a_right_checksum(saved, tmp_path, changes, message):
    with pytest.raises(SavedModelError, match=message):
        load(edited(saved, tmp_path, **changes))


def test_older_files_have_no_temperature(saved, tmp_path, images):
    files = members(saved)
    config = json.loads(files["config.json"])
    for name in ("temperature", "n_calibration", "set_scores"):
        del config[name]
    del config["parameters"]["calibrate"]
    config["parameters"] |= {"checkpoint_dir": None, "verbose": 1, "resume": True}
    rewrite(tmp_path / "old.zip", without_manifest(files) | {"config.json": signed(config)})
    again = load(tmp_path / "old.zip")
    assert (again.temperature_, again.n_calibration_, again.set_scores_) == (1.0, 0, None)
    assert np.isfinite(again.predict_proba(images[0][:2])).all()
    with pytest.raises(ValueError, match="fitted with validation rows"):
        again.predict_set(images[0][:2])


def test_pickled_weights_are_refused(saved, tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    np.savez(tmp_path / "weights.npz", **{"0000.kernel": np.array([Trap()], dtype=object)})
    packed = (tmp_path / "weights.npz").read_bytes()
    files = members(saved)
    config = json.loads(files["config.json"])
    config["weights"]["sha256"] = hashlib.sha256(packed).hexdigest()
    write_files(tmp_path / "trap.zip", {"config.json": signed(config), "weights.npz": packed})
    with pytest.raises(SavedModelError, match="holds object, not numbers"):
        load(tmp_path / "trap.zip")
    assert not (tmp_path / "sprung").exists()


def test_own_network(images, tmp_path):
    X, y = images
    classifier = make_classifier(architecture=own_network, architecture_options=None, epochs=2)
    classifier.fit(X, y).save(tmp_path / "own.zip")
    with pytest.raises(SavedModelError, match=r"load\(path, architecture=\.\.\.\)"):
        load(tmp_path / "own.zip")
    again = load(tmp_path / "own.zip", architecture=own_network)
    np.testing.assert_array_equal(again.predict_proba(X), classifier.predict_proba(X))
    assert again.architecture is own_network
    with pytest.raises(ValueError, match="of this classifier has none"):
        again.embed(X)


def test_architecture_given_for_a_network_of_ours(saved):
    with pytest.raises(SavedModelError, match="its network is 'strided'"):
        load(saved, architecture=own_network)


def test_saving_over(fitted, tmp_path):
    for name in ("model", "model.zip"):
        fitted.save(tmp_path / name)
        fitted.save(tmp_path / name)
        load(tmp_path / name)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model", "model.zip"]
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="is a file"):
        fitted.save(tmp_path / "file")


def test_plain_values():
    assert plain({"a": (1, np.float32(0.5), np.array([1, 2]))}, "x") == {"a": [1, 0.5, [1, 2]]}
    with pytest.raises(ValueError, match="keys must be strings"):
        plain({1: 2}, "x")
    with pytest.raises(ValueError, match=r"x\['f'\] cannot be saved"):
        plain({"f": open}, "x")


@pytest.fixture(params=["m", "m.zip"])
def zeros(request, saved, tmp_path):
    """A saved classifier whose weights pack well: 400,000 bytes in a few thousand."""
    packed = io.BytesIO()
    np.savez_compressed(packed, **{"0000.kernel": np.zeros(100_000, np.float32)})
    config = json.loads(members(saved)["config.json"])
    config["weights"]["sha256"] = hashlib.sha256(packed.getvalue()).hexdigest()
    path = tmp_path / request.param
    write_files(path, {"config.json": signed(config), "weights.npz": packed.getvalue()})
    with pytest.raises(SavedModelError, match="weights do not fit"):  # all else is right
        load(path)
    return path


@pytest.mark.parametrize(
    ("bound", "size", "message"),
    [
        ("MAX_BYTES", 100, r"weights\.npz is implausibly large"),
        ("MAX_BYTES", 200_000, r"weights\.npz unpacks to implausibly much"),
        ("MAX_JSON_BYTES", 500, r"config\.json is implausibly large"),
        ("MAX_JSON_BYTES", 10, r"manifest\.json is implausibly large"),
    ],
)
def test_more_than_any_network_needs_is_refused(zeros, monkeypatch, bound, size, message):
    monkeypatch.setattr(_saved_files, bound, size)
    with pytest.raises(SavedModelError, match=message):
        load(zeros)


def test_a_header_that_claims_more_than_there_is(saved, tmp_path):
    """numpy would set aside the memory first."""
    files = members(saved)
    with np.load(io.BytesIO(files["weights.npz"])) as stored:
        name = stored.files[0]
        first, dtype = stored[name].shape, stored[name].dtype
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(files["weights.npz"])) as old,
        zipfile.ZipFile(packed, "w") as new,
    ):
        for info in old.infolist():
            data = old.read(info)
            if info.filename == f"{name}.npy":
                header = io.BytesIO()
                claim = {"descr": dtype.str, "fortran_order": False, "shape": (2**40, *first)}
                np.lib.format.write_array_header_1_0(header, claim)
                data = header.getvalue() + data[len(header.getvalue()) :]
            new.writestr(info, data)
    config = json.loads(files["config.json"])
    config["weights"]["sha256"] = hashlib.sha256(packed.getvalue()).hexdigest()
    files = {"config.json": signed(config), "weights.npz": packed.getvalue()}
    write_files(tmp_path / "claim.zip", files)
    with pytest.raises(SavedModelError, match="its size does not fit"):
        load(tmp_path / "claim.zip")
