"""Keras' first import, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from crystalsym._keras import backend_name
from crystalsym.datasets import CrystalTable, example_crystals, example_space_groups

ROOT = Path(__file__).parents[1]
# Makes a backend look as if it were not installed.
WITHOUT = """
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {name!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Finder())
"""


def run(code, **environment):
    variables = {"TF_CPP_MIN_LOG_LEVEL", "KERAS_BACKEND", "GLOG_minloglevel"}
    rest = {name: value for name, value in os.environ.items() if name not in variables}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=rest | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("name", "other"), [("jax", "tensorflow"), ("tensorflow", "torch")])
def test_a_missing_backend_is_told_in_one_line(name, other):
    code = WITHOUT.format(name=name) + "import crystalsym; "
    code += "crystalsym.load_pretrained('72-small')[-1].model_"
    done = run(code, KERAS_BACKEND=name)
    assert done.returncode == 1
    problem = done.stderr.strip().splitlines()[-1]
    assert "BackendError" in problem
    assert f"the Keras backend '{name}' cannot be imported" in problem
    assert f"pip install {name}" in problem
    assert other in problem
    assert "KERAS_BACKEND" in problem
    assert "During handling of the above" not in done.stderr


def test_on_the_command_it_is_the_only_line(tmp_path):
    names = [name for name, group in example_space_groups().items() if group in (62, 225, 227)]
    crystals = [example_crystals()[name] for name in names]
    groups = [example_space_groups()[name] for name in names]
    CrystalTable.from_crystals(crystals, groups).save(tmp_path / "table.npz")
    (tmp_path / "short.toml").write_text(f"[data]\nstructures = '{tmp_path / 'table.npz'}'\n")
    call = ["train", str(tmp_path / "short.toml"), "--output", str(tmp_path / "run"), "--quiet"]
    code = WITHOUT.format(name="jax") + f"from crystalsym.cli import main; sys.exit(main({call}))"
    done = run(code, KERAS_BACKEND="jax")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("crystalsym: error: the Keras backend 'jax' cannot be imported")


@pytest.mark.skipif(backend_name() != "tensorflow", reason="of TensorFlow's log lines")
def test_tensorflow_is_quiet_and_traces_each_network_once():
    """Many small networks that predict batches of many sizes, which used to bring warnings."""
    code = """
import os, sys, numpy as np
from crystalsym import SpaceGroupClassifier
X = np.random.default_rng(0).random((24, 3, 8, 8, 2))
y = [1, 2] * 12
options = {"width": 4, "joint": 4}
for seed in range(4):
    classifier = SpaceGroupClassifier(
        "msmlp", options, epochs=1, batch_size=12, random_state=seed
    ).fit(X, y)
    for n in (1, 2, 3, 5, 7):
        classifier.predict(X[:n])
os.write(2, b"a line of another library\\n")
"""
    done = run(code)
    assert done.returncode == 0
    assert done.stderr == "a line of another library\n"


def test_what_others_write_meanwhile_is_not_lost():
    code = """
import os
from crystalsym._keras import _without_log_lines
with _without_log_lines():
    os.write(2, b"I0000 00:00:1795 1 port.cc:153] oneDNN custom operations are on.\\n")
    os.write(2, b"a warning of another library\\n")
"""
    assert run(code).stderr == "a warning of another library\n"


def test_who_asks_for_the_log_lines_gets_them():
    code = """
import os, crystalsym._keras as first
first.import_keras()
print(os.environ["TF_CPP_MIN_LOG_LEVEL"])
"""
    done = run(code, TF_CPP_MIN_LOG_LEVEL="0")
    assert done.stdout == "0\n"
    if backend_name() == "tensorflow":
        assert done.stderr


def test_the_name_is_found_where_keras_looks(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    assert backend_name() == "tensorflow"
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "torch"}))
    assert backend_name() == "torch"
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert backend_name() == "jax"
    monkeypatch.delenv("KERAS_BACKEND")
    (tmp_path / "keras.json").write_text("[]")
    assert backend_name() == "tensorflow"
