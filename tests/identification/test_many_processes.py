"""Tables of answers by a bundled model: killed, over processes, over a cluster.

The networks are real here, since other processes load them by name.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import joblib
import numpy as np
import pytest

from crystalsym._keras import backend_name
from crystalsym.datasets import CrystalTable, random_crystals
from crystalsym.identification import _identify_many, identify_many

# The bundled networks answer in NumPy, so processes are the same under every backend.
pytestmark = pytest.mark.skipif(
    backend_name() != "tensorflow", reason="no backend takes part; run under TensorFlow"
)
MODEL = "72-small"


def tiled(n, different):
    """A table of n crystals with names of their own, of which only some differ."""
    groups = [225, 62, 14, 166, 194, 2, 139, 15]
    table = random_crystals([groups[k % 8] for k in range(different)], 0, max_atoms=16)
    table = CrystalTable.concatenate([table] * (n // different))
    table.names = np.array([f"crystal-{k}" for k in range(n)])
    return table


@pytest.fixture(scope="module")
def few():
    return tiled(60, 20)


@pytest.fixture(scope="module")
def in_this_process(few, tmp_path_factory):
    return identify_many(few, tmp_path_factory.mktemp("few") / "a.csv", model=MODEL, batch_size=8)


def test_processes_give_the_same_bytes(few, in_this_process, tmp_path):
    done = identify_many(few, tmp_path / "a.csv", model=MODEL, batch_size=8, n_jobs=2)
    assert done.path.read_bytes() == in_this_process.path.read_bytes()
    assert done.n_failed == 0


def test_dask_gives_the_same_bytes(few, in_this_process, tmp_path):
    distributed = pytest.importorskip("distributed")
    import dask

    def models_loaded():  # of no module, so that a worker need not import the tests
        from crystalsym.identification import _identifying

        return _identifying._loaded.cache_info().currsize

    options = {"n_workers": 2, "processes": True, "threads_per_worker": 1}
    with (
        dask.config.set({"distributed.worker.daemon": False}),
        distributed.LocalCluster(**options, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        with joblib.parallel_config(backend="dask"):
            done = identify_many(few, tmp_path / "a.csv", model=MODEL, batch_size=8)
        # Worker processes did the work: it is they that have loaded the model.
        loaded = client.run(models_loaded)
    assert sum(loaded.values()) >= 1
    assert done.path.read_bytes() == in_this_process.path.read_bytes()


RUN = """
import sys
from crystalsym.datasets import CrystalTable
from crystalsym.identification import identify_many
identify_many(CrystalTable.load(sys.argv[1]), sys.argv[2], model=sys.argv[3], batch_size=30)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system knows no SIGKILL")
def test_killed_and_started_again(tmp_path, monkeypatch):
    table = tiled(900, 60)
    table.save(tmp_path / "table.npz")
    output = tmp_path / "killed.csv"
    parts = tmp_path / "killed.csv.parts"
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(tmp_path / "table.npz"), str(output), MODEL]
    )
    try:
        until = time.monotonic() + 300
        while len(list(parts.glob("*.csv"))) < 5:
            assert process.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < until, "no parts appear"
            time.sleep(0.005)
    finally:
        process.kill()  # SIGKILL
        assert process.wait() == -signal.SIGKILL
    kept = sorted(path.name for path in parts.glob("*.csv"))
    assert 5 <= len(kept) < 30
    assert not output.exists()

    worked_on = []
    original = _identify_many.identify

    def counted(structures, **options):
        worked_on.append(len(structures))
        return original(structures, **options)

    monkeypatch.setattr(_identify_many, "identify", counted)
    done = identify_many(table, output, model=MODEL, batch_size=30)
    assert (done.n_structures, done.n_failed) == (900, 0)
    assert worked_on == [30] * (30 - len(kept))
    assert sorted(os.listdir(tmp_path)) == ["killed.csv", "killed.csv.json", "table.npz"]
    lines = output.read_text().splitlines()[1:]
    assert [line.split(",")[1] for line in lines] == [f"crystal-{k}" for k in range(900)]

    whole = identify_many(table, tmp_path / "whole.csv", model=MODEL, batch_size=30)
    assert output.read_bytes() == whole.path.read_bytes()
