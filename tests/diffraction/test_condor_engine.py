"""Engine "condor": against a stand-in of Condor's shape, and against Condor where it is."""

from __future__ import annotations

import importlib
import json
import math
import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from support.crystals import NACL
from support.reference import fixture

from crystalsym import Crystal, DiffractionSimulator
from crystalsym.crystals import Cluster
from crystalsym.diffraction._condor import load_condor
from crystalsym.scattering import scattering_factors

JOULE_METRE = 6.62607015e-34 * 299792458.0
ELECTRON_RADIUS = 2.8179403205e-15  # m
SMALL = {"image_size": 32, "cells": 2, "normalize": False, "dtype": "float64"}


class StandInSource:
    def __init__(self, wavelength, focus_diameter, pulse_energy, polarization="ignore"):
        self.wavelength, self.polarization = wavelength, polarization
        photons = pulse_energy / (JOULE_METRE / wavelength)
        self.photons_per_m2 = photons / (math.pi * (focus_diameter / 2) ** 2)


class StandInAtoms:
    def __init__(self, atomic_numbers=None, atomic_positions=None, rotation_values=None):
        assert rotation_values is None
        self.numbers, self.positions = np.array(atomic_numbers), np.array(atomic_positions)


class StandInDetector:
    def __init__(self, distance, pixel_size, cx=None, cy=None, nx=None, ny=None, **more):
        assert set(more) <= {"flat_ewald_sphere"}
        self.flat = more.get("flat_ewald_sphere", False)
        self.distance, self.pixel = distance, pixel_size
        x = (np.arange(nx) - cx) * pixel_size
        y = (np.arange(ny) - cy) * pixel_size
        self.x, self.y = np.meshgrid(x, y)


class StandInExperiment:
    """Condor's model in SI units, and its habit of writing files where it runs."""

    def __init__(self, source, particles, detector):
        assert all(name.startswith("particle_atoms") for name in particles)
        self.source, self.detector = source, detector
        (self.particle,) = particles.values()

    def propagate(self):
        Path("mol.pdbout").write_text("scratch", encoding="utf-8")
        d = self.detector
        path = np.full_like(d.x, d.distance)
        if not d.flat:
            path = np.sqrt(d.x**2 + d.y**2 + d.distance**2)
        q = np.stack([d.x / path, d.y / path, d.distance / path - 1], -1) / self.source.wavelength
        length = np.linalg.norm(q, axis=-1).ravel() * 1e-10
        factors = scattering_factors(self.particle.numbers, length)
        phases = np.exp(-2j * np.pi * self.particle.positions @ q.reshape(-1, 3).T)
        intensity = np.abs((factors * phases).sum(axis=0).reshape(d.x.shape)) ** 2
        intensity *= (d.pixel / d.distance) ** 2 * (d.distance / path) ** 3
        if self.source.polarization == "horizontal":
            intensity *= 1 - d.x**2 / (d.x**2 + d.y**2 + d.distance**2)
        intensity *= self.source.photons_per_m2 * ELECTRON_RADIUS**2
        return {"entry_1": {"data_1": {"data": intensity}}}


def module(name: str, **parts) -> ModuleType:
    made = ModuleType(name)
    made.__file__ = f"/somewhere/{name}/__init__.py"
    made.__dict__.update(parts)
    return made


@pytest.fixture
def stand_in(monkeypatch):
    condor = module(
        "condor",
        Source=StandInSource,
        ParticleAtoms=StandInAtoms,
        Detector=StandInDetector,
        Experiment=StandInExperiment,
    )
    spsim = module("spsim", simulate_shot=print, get_molecule_from_atoms=print)
    monkeypatch.setitem(sys.modules, "condor", condor)
    monkeypatch.setitem(sys.modules, "spsim", spsim)
    return SimpleNamespace(condor=condor, spsim=spsim)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"ewald": "sphere", "views": "rotations", "wavelength": 0.05},
        {"polarization": "horizontal", "fluence": 1e6, "pixel_size": 5.0},
        {"center": (10.25, 20.5), "cells": (1, 2, 3), "ewald": "sphere"},
    ],
    ids=["default", "sphere", "polarised", "off-centre"],
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


def test_scratch_files_do_not_stay(stand_in, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    DiffractionSimulator(engine="condor", **SMALL).transform([NACL])
    assert Path.cwd() == tmp_path
    assert os.listdir(tmp_path) == []


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


def test_part_of_the_shape_is_not_enough(stand_in):
    del stand_in.condor.ParticleAtoms
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
