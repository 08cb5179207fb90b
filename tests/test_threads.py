"""Several threads at once get what one gets alone."""

from __future__ import annotations

import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import joblib
import numpy as np
import pytest
from support.random_crystals import random_crystal

from crystalsym import DiffractionSimulator, PatternShaper
from crystalsym._quiet import without_warnings
from crystalsym.crystals import as_crystal
from crystalsym.datasets import example_crystals
from crystalsym.measurement import read_pattern, write_pattern

THREADS, ROUNDS = 4, 3
CRYSTALS = [random_crystal(n, np.random.default_rng(n)) for n in (2, 14, 62, 136, 166, 194, 225)]
ENGINES = {
    "bragg": {"image_size": 64},
    "bragg on the sphere": {"image_size": 64, "ewald": "sphere", "views": "rotations"},
    "lattice": {"image_size": 32, "engine": "lattice"},
    "atoms": {"image_size": 16, "engine": "atoms", "cells": 2},
    "electrons": {"image_size": 64, "radiation": "electron", "voltage": 200.0},
    "dynamical electrons": {
        "image_size": 16,
        "engine": "bloch",
        "radiation": "electron",
        "voltage": 200.0,
        "q_max": 0.4,
        "thickness": (50, 100),
        "tilt": (0, 0.2),
        "random_state": 0,
    },
}
if find_spec("finufft"):
    ENGINES["atoms by nufft"] = {**ENGINES["atoms"], "summation": "nufft", "ewald": "sphere"}
SHAPERS = {
    "spots": {"scheme": "spots", "image_size": 48, "intensity": "log"},
    "pixels": {"scheme": "pixels", "image_size": 64},
    "lattice": {"scheme": "lattice", "image_size": 13, "intensity": "log"},
}


@pytest.fixture(scope="module")
def patterns():
    return DiffractionSimulator(image_size=128, symprec=0.01).transform(CRYSTALS)


def at_once(call):
    """What each thread gets, all of them starting together."""
    barrier = threading.Barrier(THREADS)

    def start(_):
        barrier.wait()
        return [call() for _ in range(ROUNDS)]

    with ThreadPoolExecutor(THREADS) as pool:
        return [result for results in pool.map(start, range(THREADS)) for result in results]


@pytest.mark.parametrize("name", ENGINES)
def test_one_simulator_in_several_threads(name):
    simulator = DiffractionSimulator(symprec=0.01, **ENGINES[name])
    alone = simulator.transform(CRYSTALS)
    for found in at_once(lambda: simulator.transform(CRYSTALS)):
        assert np.array_equal(found, alone)


@pytest.mark.parametrize("name", SHAPERS)
def test_one_shaper_in_several_threads(patterns, name):
    shaper = PatternShaper(**SHAPERS[name])
    alone = shaper.transform(patterns)
    assert alone.any()
    for found in at_once(lambda: shaper.transform(patterns)):
        assert np.array_equal(found, alone)


def test_spots_in_several_threads():
    simulator = DiffractionSimulator(symprec=0.01, output="spots")
    shaper = PatternShaper("lattice", image_size=17, intensity="log")
    spots = simulator.transform(CRYSTALS)
    alone = shaper.transform(spots)

    def both():
        found = simulator.transform(CRYSTALS)
        return found, shaper.transform(found)

    for found, shaped in at_once(both):
        assert np.array_equal(found.q, spots.q)
        assert np.array_equal(found.intensity, spots.intensity)
        assert np.array_equal(shaped, alone)
    with joblib.parallel_config(backend="threading", n_jobs=3):
        assert np.array_equal(shaper.transform(simulator.transform(CRYSTALS)), alone)


@pytest.mark.parametrize("backend", ["threading", "loky", "sequential"])
def test_jobs_of_any_kind_give_the_same(patterns, backend):
    simulator = DiffractionSimulator(symprec=0.01, image_size=128)
    shaper = PatternShaper(**SHAPERS["lattice"])
    alone = shaper.transform(patterns)
    with joblib.parallel_config(backend=backend, n_jobs=2):
        for n_jobs in (None, 3):
            many = simulator.set_params(n_jobs=n_jobs).transform(CRYSTALS)
            assert np.array_equal(many, patterns)
            assert np.array_equal(shaper.set_params(n_jobs=n_jobs).transform(many), alone)


def test_files_are_read_by_several_threads(tmp_path):
    """Reading silences parsers' warnings, which is a state of the whole process.

    Threads that interrupted each other there left all warnings silenced.
    """
    paths = list(example_crystals().values())[:4]
    image = write_pattern(tmp_path / "x.tif", np.eye(64), 0.01)
    alone = [as_crystal(path).digest() for path in paths], read_pattern(image).image
    filters = list(warnings.filters)
    both = lambda: ([as_crystal(path).digest() for path in paths], read_pattern(image).image)  # noqa: E731
    for digests, read in at_once(both):
        assert digests == alone[0]
        assert np.array_equal(read, alone[1])
    assert list(warnings.filters) == filters


def test_quiet_blocks_of_several_threads_leave_the_filters_alone():
    filters = list(warnings.filters)

    def quiet():
        with without_warnings():
            time.sleep(0.001)
            with without_warnings(UserWarning):
                warnings.warn("not seen", UserWarning, stacklevel=1)
            time.sleep(0.001)

    at_once(quiet)
    assert list(warnings.filters) == filters
    with pytest.warns(UserWarning, match="seen"):
        warnings.warn("seen", UserWarning, stacklevel=1)


def test_threads_share_a_cache(tmp_path):
    simulator = DiffractionSimulator(image_size=32, symprec=0.01, memory=tmp_path)
    alone = DiffractionSimulator(image_size=32, symprec=0.01).transform(CRYSTALS)
    for found in at_once(lambda: simulator.transform(CRYSTALS)):
        assert np.array_equal(found, alone)
