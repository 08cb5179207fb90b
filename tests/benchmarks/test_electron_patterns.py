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


def test_rare_groups_come_early(module):
    patterns = module("patterns")
    labels = np.repeat([225, 216], [9000, 90])
    data = SimpleNamespace(labels=labels, train=np.arange(9090), test=np.arange(0))
    rows = patterns.order(data, "learning")
    assert sorted(rows) == list(range(9090))
    first = labels[rows[:900]]
    # By 9000^½ and 90^½ instead of 100 to 1, until those of the rare one run out.
    assert 40 < (first == 216).sum() <= 90


def test_an_epoch_shows_other_thicknesses_and_sides(written, module):
    _, _, found = written
    train = module("train")
    shaper = PatternShaper("lattice", friedel=False, dtype="float16")
    images = train.pictures(found, shaper)
    assert images.shape == (2, 2, 3, 13, 13, 2)
    rows = train.Pictures(images, np.arange(2))
    plain = rows[[0, 1]]
    views = np.arange(3)
    for crystal in range(2):
        np.testing.assert_array_equal(plain[crystal], images[crystal, rows.depths[crystal], views])
    rows.set_epoch(3)
    one = rows[[0, 1]]
    rows.set_epoch(3)
    np.testing.assert_array_equal(rows[[0, 1]], one)
    assert one.min() >= 0
    assert one.max() <= 1
    rows.set_epoch(None)
    np.testing.assert_array_equal(rows[[0, 1]], plain)


def test_noise_loses_weak_spots_and_lights_no_dark_ones(module, monkeypatch):
    train = module("train")
    monkeypatch.setattr(train, "NOISY", 1.0)
    images = np.zeros((50, 3, 5, 5, 2), dtype=np.float16)
    images[:, :, 1, :, 0] = np.linspace(0.2, 1, 5)
    images[..., 1] = 0.25
    changed = train.noisy(images, np.random.default_rng(0))
    assert (changed[..., 1] == 0.25).all()
    assert not changed[:, :, [0, 2, 3, 4], :, 0].any()
    lit = changed[:, :, 1, :, 0]
    assert 0.2 < (lit[..., 0] > 0).mean() < 0.6  # a spot of 1e-4: half the range of what is lost
    assert (lit[..., -1] > 0.9).all()
    assert (lit <= 1).all()


def test_crystals_with_and_without_a_center_are_told_by_their_summed_probability(module):
    train = module("train")
    found = {"labels": np.array([225, 216, 216]), "left_out": np.arange(1)}
    probabilities = np.array([[0.1, 0.9], [0.8, 0.2], [0.4, 0.6]])
    answers = train.Answers(found, np.zeros((3, 3)), probabilities, np.array([216, 225]))
    given = train.figures(answers)
    assert given["center_auc"] == 1
    assert given["top1"] == pytest.approx(2 / 3)
    assert given["top1_with_left_out"] == pytest.approx(2 / 4)
    assert given["top5_with_left_out"] == pytest.approx(3 / 4)


def test_weights_make_groups_count_as_in_the_population(module):
    train = module("train")
    labels = np.repeat([1, 2], [10, 10])
    weights = train.natural(labels, np.repeat([1, 2, 3], [30, 10, 5]))
    assert weights.mean() == pytest.approx(1)
    assert weights[labels == 1].sum() == pytest.approx(3 * weights[labels == 2].sum())
