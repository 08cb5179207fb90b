"""Engine "condor": against a stand-in of Condor's shape, and against Condor where it is."""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
import threading
from pathlib import Path
from types import ModuleType

import joblib
import numpy as np
import pytest
from support.crystals import NACL
from support.reference import fixture

from crystalsym import Crystal, DiffractionSimulator
from crystalsym.crystals import Cluster
from crystalsym.diffraction._condor import _try_out, load_condor

STAND_IN = Path(__file__).parent.parent / "support" / "condor_stand_in"
# One view: each is a process.
SMALL = {
    "views": [np.eye(3)],
    "image_size": 32,
    "cells": 2,
    "normalize": False,
    "dtype": "float64",
}


def module(name: str, **parts) -> ModuleType:
    made = ModuleType(name)
    made.__file__ = f"/somewhere/{name}/__init__.py"
    made.__dict__.update(parts)
    return made


@pytest.fixture
def stand_in(monkeypatch):
    """Modules of Condor's shape, as files: Condor runs in a process of its own."""
    monkeypatch.syspath_prepend(STAND_IN)
    for name in ("condor", "spsim"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield
    for name in ("condor", "spsim"):
        sys.modules.pop(name, None)


@pytest.fixture
def tried_anew():
    """Nothing is known yet of whether Condor runs."""
    _try_out.cache_clear()
    yield
    _try_out.cache_clear()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"ewald": "sphere", "views": "rotations", "wavelength": 0.05},
        {"polarization": "horizontal", "fluence": 1e6, "pixel_size": 5.0},
        {"center": (10.25, 20.5), "cells": (1, 2, 3), "ewald": "sphere"},
    ],
    ids=["default", "sphere", "polarized", "off-center"],
)
def test_condor_gets_what_the_engine_atoms_gets(stand_in, changes):
    settings = {**SMALL, **changes}
    by_condor = DiffractionSimulator(engine="condor", **settings).transform([NACL])
    by_us = DiffractionSimulator(engine="atoms", **settings).transform([NACL])
    assert by_us.max() > 0
    assert np.abs(by_condor - by_us).max() < 2e-6 * by_us.max()


def test_clusters_go_to_condor_as_they_are(stand_in):
    cluster = Cluster.from_crystal(NACL, 2)[3:]
    settings = {**SMALL, "engine": "condor"}
    got = DiffractionSimulator(**settings).transform([cluster])
    ours = DiffractionSimulator(**{**settings, "engine": "atoms"}).transform([cluster])
    assert np.abs(got - ours).max() < 2e-6 * ours.max()


@pytest.mark.parametrize("away", [1e3, 1e6])
def test_clusters_far_from_the_origin_are_as_sharp_as_others(stand_in, away):
    """Condor goes on in single precision, and by a file of three decimals."""
    cluster = Cluster.from_crystal(NACL, 2)
    far = cluster.replace(positions=cluster.positions + away * np.array([1, -2, 1]))
    for engine in ("condor", "atoms"):
        simulator = DiffractionSimulator(**{**SMALL, "engine": engine})
        near, distant = simulator.transform([cluster]), simulator.transform([far])
        assert np.abs(near - distant).max() < 1e-5 * near.max()


def test_scratch_files_do_not_stay(stand_in, tmp_path, monkeypatch, capfd):
    work, temporary = tmp_path / "work", tmp_path / "temporary"
    work.mkdir()
    temporary.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    DiffractionSimulator(engine="condor", **SMALL).transform([NACL])
    assert Path.cwd() == work
    assert os.listdir(work) == os.listdir(temporary) == []
    assert capfd.readouterr() == ("", "")


def test_relative_paths_of_other_threads_stay_right(stand_in, tmp_path, monkeypatch):
    """The working directory belongs to all threads of the caller."""
    monkeypatch.chdir(tmp_path)
    Path("here").touch()
    lost, done = [], threading.Event()

    def watch():
        while not done.is_set():
            if not Path("here").exists():
                lost.append(Path.cwd())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        simulator = DiffractionSimulator(engine="condor", n_jobs=2, **SMALL)
        with joblib.parallel_config(backend="threading"):
            patterns = simulator.transform([NACL, NACL])
    finally:
        done.set()
        watcher.join()
    assert not lost
    assert np.array_equal(patterns[0], patterns[1])


def test_paths_may_be_relative(stand_in, tmp_path, monkeypatch):
    monkeypatch.chdir(STAND_IN)
    monkeypatch.setattr(sys, "path", ["", *[p for p in sys.path if p != str(STAND_IN)]])
    load_condor()
    assert DiffractionSimulator(engine="condor", **SMALL).transform([NACL]).max() > 0


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("distutils", "No module named 'distutils'; from Python 3.12 on the package setuptools"),
        ("import", "does not run: ModuleNotFoundError: No module named 'no_such_helper'; engine="),
    ],
)
def test_what_it_imports_late_is_said_when_it_is_loaded(
    stand_in, tried_anew, monkeypatch, trouble, reason
):
    monkeypatch.setenv("CONDOR_TROUBLE", trouble)
    with pytest.raises(ImportError, match=reason):
        load_condor()
    with pytest.raises(ImportError, match="condor does not run"):
        DiffractionSimulator(engine="condor").fit()


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("many atoms", r"structure 0: NaCl: Condor fails \(RuntimeError: too many atoms\)"),
        ("crash", r"structure 0: NaCl: Condor fails \(exit code 11\)"),
    ],
)
def test_what_fails_in_condor_names_the_crystal(stand_in, monkeypatch, trouble, reason):
    monkeypatch.setenv("CONDOR_TROUBLE", trouble)
    with pytest.raises(ValueError, match=reason):
        DiffractionSimulator(engine="condor", **SMALL).transform([NACL])


def test_what_condor_does_not_know(stand_in):
    mixed = Crystal(np.eye(3) * 4, [[0, 0, 0]], [29], [0.5], name="half")
    with pytest.raises(ValueError, match=r"structure 1: half: atom 0 has occupancy 0\.5.*atoms"):
        DiffractionSimulator(engine="condor", **SMALL).transform([NACL, mixed])
    with pytest.raises(ValueError, match=r'engine="condor" knows X-rays only, not \'electron\''):
        DiffractionSimulator(engine="condor", radiation="electron").fit()


def test_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "condor", None)
    for call in (
        lambda: DiffractionSimulator(engine="condor").fit(),
        lambda: DiffractionSimulator(engine="condor", on_error="nan").transform([NACL]),
    ):
        with pytest.raises(ImportError, match=r"no module 'condor' is installed.*FXIhub/condor"):
            call()


@pytest.mark.parametrize("name", ["condor", "spsim"])
def test_another_package_of_that_name(stand_in, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, module(name, __version__="0.7"))
    with pytest.raises(ImportError) as caught:
        DiffractionSimulator(engine="condor").fit()
    message = str(caught.value)
    assert f"the module '{name}' at /somewhere/{name}/__init__.py is another package" in message
    assert ("it has no Source, ParticleAtoms, Detector, Experiment" in message) == (
        name == "condor"
    )
    assert f"PyPI's {name} is something else" in message
    assert caught.value.name == name


def test_part_of_the_shape_is_not_enough(stand_in, monkeypatch):
    monkeypatch.delattr(importlib.import_module("condor"), "ParticleAtoms")
    with pytest.raises(ImportError, match=r"has no ParticleAtoms\."):
        load_condor()


def test_spsim_is_needed_too(stand_in, monkeypatch):
    monkeypatch.setitem(sys.modules, "spsim", None)
    with pytest.raises(ImportError, match="no module 'spsim' is installed"):
        load_condor()


@pytest.mark.parametrize(
    ("content", "reason"),
    [("import no_such_nfft", "No module named 'no_such_nfft'"), ("1 / 0", "division by zero")],
)
def test_installed_but_broken(tmp_path, monkeypatch, content, reason):
    (tmp_path / "condor.py").write_text(content, encoding="utf-8")
    monkeypatch.delitem(sys.modules, "condor", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    with pytest.raises(ImportError, match=f"condor does not import: {reason}; engine="):
        load_condor()


def test_other_engines_do_not_look_for_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "condor", None)
    for engine in ("bragg", "lattice", "atoms"):
        DiffractionSimulator(engine=engine, image_size=16, cells=1).fit().transform([NACL])


def test_real_condor():
    try:
        load_condor()
    except ImportError as problem:
        pytest.skip(str(problem))
    arrays = fixture("condor.npz")
    case = next(c for c in json.loads(str(arrays["cases_json"])) if c["crystal"] == "NaCl")
    crystal = Crystal(*(arrays[f"NaCl/{key}"] for key in ("lattice_A", "frac", "Zcell")))
    simulator = DiffractionSimulator(
        engine="condor",
        ewald="sphere",
        views=arrays[f"ROT/{case['rotation']}"][None],
        wavelength=case["wavelength_m"] * 1e10,
        detector_distance=case["distance_m"] * 1e3,
        pixel_size=case["pixel_m"] * 1e3,
        image_size=case["n"],
        cells=tuple(int(n) for n in arrays["NaCl/replicas"]),
        standardize=False,
    )
    expected = arrays[f"{case['key']}/I"]
    pattern = simulator.transform([crystal])[0, 0]
    assert np.abs(pattern - expected / expected.max()).max() < 1e-5
