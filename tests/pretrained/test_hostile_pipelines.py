"""Loading a saved pipeline runs nothing that it holds and opens no other file."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.estimators import structures

from crystalsym.bundles import SavedModelError, write_files
from crystalsym.pretrained import load_pipeline, read_description, save_pipeline

NAMES = ("pipeline.json", "classifier/config.json", "classifier/weights.npz")
RUNS = (
    "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.remove", "subprocess.Popen",
    "pickle.find_class", "marshal.loads", "socket.connect", "shutil.rmtree",
)  # fmt: skip
watched: list[tuple[str, str]] | None = None


def _hook(event, arguments):
    if watched is None:
        return
    if event == "open" and isinstance(arguments[0], str | bytes):
        watched.append((event, os.fsdecode(arguments[0])))
    elif event in RUNS:
        watched.append((event, str(arguments)))


sys.addaudithook(_hook)


@contextlib.contextmanager
def nothing_else_happens(path):
    """Fail if anything is run inside, or a file opened that is not one of the model's."""
    global watched
    files = {str(path), *(str(Path(path) / name) for name in (*NAMES, "manifest.json"))}
    watched = []
    try:
        yield
    finally:
        seen, watched = watched, None
    strange = [event for event in seen if event[0] != "open" or event[1] not in files]
    assert not strange


@pytest.fixture(scope="module")
def files(small, tmp_path_factory):
    """The files of a saved pipeline; everything that loading imports is loaded."""
    folder = tmp_path_factory.mktemp("saved") / "model"
    save_pipeline(small, folder, metadata={"note": "small"})
    load_pipeline(folder).predict(structures()[0])
    with nothing_else_happens(folder):
        load_pipeline(folder)
    return {name: (folder / name).read_bytes() for name in NAMES}


def signed(config):
    rest = {name: value for name, value in config.items() if name != "sha256"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()
    return json.dumps(rest | {"sha256": hashlib.sha256(canonical).hexdigest()}).encode()


def described(files, **changes):
    description = json.loads(files["pipeline.json"])
    for name, change in changes.items():
        description[name] = description[name] | change
    return files | {"pipeline.json": json.dumps(description).encode()}


@pytest.fixture(params=["folder", "zip", "folder without manifest"])
def write(request, tmp_path):
    """Write files with right hashes."""

    def write(files, name="model"):
        path = tmp_path / (f"{name}.zip" if request.param == "zip" else name)
        write_files(path, files)
        if "without" in request.param:
            (path / "manifest.json").unlink()
        return path

    return write


def test_it_comes_back_in_every_form(small, files, write):
    path = write(files)
    crystals = structures()[0]
    with nothing_else_happens(path):
        again = load_pipeline(path)
    # What is loaded answers in NumPy, what was fitted by Keras.
    np.testing.assert_allclose(
        again.predict_proba(crystals), small.predict_proba(crystals), atol=1e-6
    )
    assert read_description(path)["metadata"] == {"note": "small"}


def test_a_zip_file_is_written_as_well(small, tmp_path):
    save_pipeline(small, tmp_path / "model.zip", dtype="float16")
    crystals = structures()[0]
    np.testing.assert_allclose(
        load_pipeline(tmp_path / "model.zip").predict_proba(crystals),
        small.predict_proba(crystals),
        atol=0.01,
    )
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        assert sorted(archive.namelist()) == sorted((*NAMES, "manifest.json"))


class Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_no_cache_is_unpickled(files, write, tmp_path):
    """A folder that brought a cache of joblib along had it unpickled at the first transform."""
    joblib.dump(Trap(str(tmp_path / "sprung")), tmp_path / "output.pkl")
    path = write(described(files, simulate={"memory": str(tmp_path)}))
    with nothing_else_happens(path), pytest.raises(SavedModelError, match="'memory' belongs to a"):
        load_pipeline(path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("step", "change", "message"),
    [
        ("simulate", {"n_jobs": 64}, "'n_jobs' belongs to a run"),
        ("shape", {"verbose": 1}, "'verbose' belongs to a run"),
        ("simulate", {"engine": "../engine"}, "'engine' is neither"),
        ("simulate", {"engine": "/tmp/engine"}, "'engine' is neither"),
        ("simulate", {"engine": {"class": "os.system"}}, "'engine' is neither"),
        ("simulate", {"views": [[[[[1]]]]]}, "'views' is neither"),
        ("simulate", {"views": [0] * 5000}, "'views' is neither"),
        ("shape", {"steps": []}, "PatternShaper has no parameter 'steps'"),
        ("shape", {"step": "os.system"}, "the step of shape must be one of PatternShaper, SpotM"),
        ("shape", {"step": ["SpotMerger"]}, "the step of shape must be one of PatternShaper, Sp"),
        ("shape", {"step": "SpotMerger"}, "SpotMerger has no parameter '"),
    ],
)
def test_parameters_that_do_not_belong_there(files, write, step, change, message):
    path = write(described(files, **{step: change}))
    with nothing_else_happens(path), pytest.raises(SavedModelError, match=message):
        load_pipeline(path)


def test_parameters_of_a_run_are_not_saved(small, tmp_path):
    simulate = small["simulate"]
    before = simulate.get_params()
    try:
        simulate.set_params(memory=str(tmp_path / "cache"), n_jobs=2, verbose=1)
        save_pipeline(small, tmp_path / "model")
    finally:
        simulate.set_params(**before)
    description = read_description(tmp_path / "model")["simulate"]
    assert not {"memory", "n_jobs", "verbose"} & description.keys()
    load_pipeline(tmp_path / "model")


@pytest.fixture
def model(files, tmp_path):
    write_files(tmp_path / "model", files)
    return tmp_path / "model"


def manifested(model, change):
    manifest = json.loads((model / "manifest.json").read_text())
    change(manifest)
    (model / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "classifier/../../secret", "c:\\secret", "trap.pkl", ""]
)
def test_a_manifest_lists_the_files_of_a_pipeline_alone(model, name):
    secret = model.parent / "secret"
    secret.write_text("secret")
    entry = {"bytes": 6, "sha256": hashlib.sha256(b"secret").hexdigest()}
    manifested(model, lambda manifest: manifest["files"].update({name: entry}))
    with nothing_else_happens(model), pytest.raises(SavedModelError, match="unknown entries"):
        load_pipeline(model)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(run="x"), "unknown entries: 'run'"),
        (lambda m: m.update(version=2), "not a crystalsym-manifest of version 1"),
        (lambda m: m.update(files={}), "no saved pipeline"),
        (lambda m: m.update(files=3), "not a readable saved model"),
        (lambda m: m["files"].pop("classifier/weights.npz"), "does not list classifier/weights"),
        (lambda m: m["files"]["pipeline.json"].update(bytes=1), "was altered"),
        (lambda m: m["files"]["pipeline.json"].update(url="x"), "unknown entries: 'url'"),
        (lambda m: m["files"]["pipeline.json"].pop("sha256"), "not a readable saved model"),
    ],
)
def test_a_manifest_that_is_none(model, change, message):
    manifested(model, change)
    with pytest.raises((SavedModelError, FileNotFoundError), match=message):
        load_pipeline(model)


@pytest.mark.parametrize("name", [*NAMES, "manifest.json", "classifier"])
def test_links_out_of_the_folder_are_not_followed(model, name):
    elsewhere = model.parent / "elsewhere"
    shutil.move(model / name, elsewhere)
    (model / name).symlink_to(elsewhere)
    with nothing_else_happens(model), pytest.raises(SavedModelError, match="a file elsewhere"):
        load_pipeline(model)


def test_a_folder_that_is_a_link_itself_is_followed(model):
    link = model.parent / "latest"
    link.symlink_to(model)
    load_pipeline(link)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(model):
    (model / "pipeline.json").unlink()
    os.mkfifo(model / "pipeline.json")
    with pytest.raises(FileNotFoundError, match=r"pipeline\.json is missing"):
        load_pipeline(model)


def test_other_files_beside_it_are_left_alone(model):
    joblib.dump(Trap(str(model.parent / "sprung")), model / "model.pkl")
    with nothing_else_happens(model):
        load_pipeline(model)
    assert not (model.parent / "sprung").exists()


def test_a_name_that_is_there_twice(files, tmp_path):
    write_files(tmp_path / "m.zip", files)
    with zipfile.ZipFile(tmp_path / "m.zip", "a") as archive, pytest.warns(match="Duplicate"):
        archive.writestr("pipeline.json", files["pipeline.json"])
    with pytest.raises(SavedModelError, match=r"holds pipeline\.json 2 times"):
        load_pipeline(tmp_path / "m.zip")
    twice = files["pipeline.json"].replace(b'"version"', b'"format": "x", "version"', 1)
    write_files(tmp_path / "n.zip", files | {"pipeline.json": twice})
    with pytest.raises(SavedModelError, match="'format' stands there twice"):
        load_pipeline(tmp_path / "n.zip")


HOSTILE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.sampled_from(["", "/etc/passwd", "../x", "os.system", "72", "x" * 99, "\0"]),
    st.builds(list),
    st.builds(lambda: {"class_name": "Lambda", "config": {}}),
    st.lists(st.integers(-2, 300), max_size=4),
)


@st.composite
def json_faults(draw, data):
    """JSON with values exchanged, replaced, left out or added at any depth."""
    content = json.loads(data)
    for _ in range(draw(st.integers(1, 2))):
        place = content
        while True:
            inner = [k for k in place if isinstance(place[k], dict) and place[k]]
            if not inner or draw(st.booleans()):
                break
            place = place[draw(st.sampled_from(sorted(inner)))]
        keys = sorted(place)
        one, other = draw(st.sampled_from(keys)), draw(st.sampled_from(keys))
        kind = draw(st.sampled_from(["exchange", "replace", "leave out", "add"]))
        if kind == "exchange":
            place[one], place[other] = place[other], place[one]
        elif kind == "replace":
            place[one] = draw(HOSTILE)
        elif kind == "leave out":
            del place[one]
        else:
            place[draw(st.sampled_from(["memory", "n_jobs", "x", "__class__"]))] = draw(HOSTILE)
        if not content:
            break
    return content


@st.composite
def byte_faults(draw, data):
    kind = draw(st.sampled_from(["flip", "cut", "insert", "repeat"]))
    at = draw(st.integers(0, max(len(data) - 1, 0)))
    if kind == "flip":
        return data[:at] + bytes([data[at] ^ (1 << draw(st.integers(0, 7)))]) + data[at + 1 :]
    if kind == "cut":
        return data[:at]
    if kind == "insert":
        return data[:at] + draw(st.binary(min_size=1, max_size=8)) + data[at:]
    return data[:at] + data[at // 2 :]


def attempt(path):
    with nothing_else_happens(path):
        try:
            return load_pipeline(path)
        except (SavedModelError, FileNotFoundError):
            return None


@given(st.data())
@settings(max_examples=120)
def test_damage_is_an_error_or_does_no_harm(small, files, data):
    """Bytes of any file, or of the zip file as a whole."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.zip" if data.draw(st.booleans()) else "m")
        write_files(path, files)
        victim = path
        if path.is_dir():
            victim = path / data.draw(st.sampled_from([*NAMES, "manifest.json"]))
        victim.write_bytes(data.draw(byte_faults(victim.read_bytes())))
        again = attempt(path)
        if again is not None:
            crystals = structures()[0][:3]
            np.testing.assert_allclose(
                again.predict_proba(crystals), small.predict_proba(crystals), atol=1e-6
            )


@given(st.data())
@settings(max_examples=120)
def test_a_hostile_content_with_right_hashes_runs_nothing(files, data):
    """Who writes the model writes its hashes: no content may do more than be refused."""
    name = data.draw(st.sampled_from([*NAMES[:2], NAMES[0], NAMES[2]]))
    if name == NAMES[2]:
        content = data.draw(byte_faults(files[name]))
        config = json.loads(files[NAMES[1]])
        config["weights"]["sha256"] = hashlib.sha256(content).hexdigest()
        changed = files | {name: content, NAMES[1]: signed(config)}
    else:
        content = data.draw(json_faults(files[name]))
        packed = signed(content) if name == NAMES[1] else json.dumps(content).encode()
        changed = files | {name: packed}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.zip" if data.draw(st.booleans()) else "m")
        write_files(path, changed)
        attempt(path)
