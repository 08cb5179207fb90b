"""Stored dynamical patterns: what is written is what the simulator lists, and how it is shown."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from support.benchmark_modules import importer

from crystalsym import DiffractionSimulator, PatternShaper, standardize
from crystalsym.datasets import example_crystals

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "electrons"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the benchmarks are not in this tree")
NAMES = ("NaCl", "ZnS-sphalerite", "ZnO-zincite")
HOW = {
    "thicknesses": 2, "tilt": 0.0, "precession": 0.0, "largest": 8, "seed": 0, "bandwidth": 2.5,
}  # fmt: skip


@pytest.fixture
def module(monkeypatch):
    return importer(FOLDER, monkeypatch)


@pytest.fixture
def written(module, tmp_path):
    """Patterns of three crystals, one of which has too many atoms, and what was given."""
    patterns = module("patterns")
    crystals = [standardize(example_crystals()[name]) for name in NAMES]
    crystals[1] = crystals[1].__class__(
        crystals[1].lattice, np.tile(crystals[1].frac_coords, (2, 1)) % 1,
        np.tile(crystals[1].atomic_numbers, 2), np.full(16, 0.5),
    )  # fmt: skip
    data = SimpleNamespace(crystals=crystals, labels=np.array([225, 216, 186]))
    patterns.write(np.arange(3), data, tmp_path / "000000.npz", Namespace(**HOW))
    return patterns, crystals, patterns.load(tmp_path)


def test_stored_patterns_are_those_of_the_simulator(written):
    patterns, crystals, found = written
    assert found["rows"].tolist() == [0, 2]
    assert found["labels"].tolist() == [225, 186]
    assert found["left_out"].tolist() == [1]
    assert found["thickness"].shape == (2, 3, 2)
    assert (np.diff(found["thickness"]) > 0).all()
    spots = patterns.spots(found, np.array([[0, 1, 0], [1, 1, 0]]))
    for number, (row, which) in enumerate(((0, (0, 1, 0)), (2, (1, 1, 0)))):
        for view, depth in enumerate(which):
            simulator = DiffractionSimulator(
                engine="bloch", radiation="electron", voltage=200, b_iso=0.5, output="spots",
                views="symmetry-directions", normalize=False, standardize=False, bandwidth=2.5,
                thickness=float(found["thickness"][number, view, depth]),
            )  # fmt: skip
            ours = spots.pattern(number, view)
            theirs = simulator.transform([crystals[row]]).pattern(0, view)
            np.testing.assert_array_equal(ours.indices, theirs.indices)
            np.testing.assert_allclose(ours.q, theirs.q, atol=1e-6)
            # Half floats have eleven bits.
            np.testing.assert_allclose(ours.intensity, theirs.intensity, rtol=3e-3, atol=1e-6)


def test_a_file_that_another_process_works_on_is_left_to_it(written, tmp_path):
    patterns, crystals, _ = written
    path = tmp_path / "000128.npz"
    path.with_suffix(".partial").touch()
    patterns.write(np.arange(1), SimpleNamespace(crystals=crystals), path, Namespace(**HOW))
    assert not path.is_file()


def test_each_pattern_is_shown_at_one_thickness(written, module):
    _, _, found = written
    asking = module("asking")
    shaper = PatternShaper("lattice", friedel=False, dtype="float16")
    images = asking.pictures(found, shaper)
    assert images.shape == (2, 2, 3, 13, 13, 2)
    rows = asking.Pictures(images, np.arange(2))
    plain = rows[[0, 1]]
    views = np.arange(3)
    for crystal in range(2):
        np.testing.assert_array_equal(plain[crystal], images[crystal, rows.depths[crystal], views])


def test_crystals_with_and_without_a_center_are_told_by_their_summed_probability(module):
    asking = module("asking")
    found = {"labels": np.array([225, 216, 216]), "left_out": np.arange(1)}
    probabilities = np.array([[0.1, 0.9], [0.8, 0.2], [0.4, 0.6]])
    answers = found, np.zeros((3, 3)), probabilities, np.array([216, 225])
    given = asking.figures(asking.Answers(*answers, "symmetry-directions"))
    assert given["center_auc"] == 1
    assert given["top1"] == pytest.approx(2 / 3)
    assert given["top1_with_left_out"] == pytest.approx(2 / 4)
    assert given["top5_with_left_out"] == pytest.approx(3 / 4)
    # One crystal of 216 is taken for 225: another class of dynamical patterns, not of others.
    assert given["dynamical_class"] == pytest.approx(2 / 3)
    assert asking.figures(asking.Answers(*answers, None))["diffraction_class"] == 1
