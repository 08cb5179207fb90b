"""Patterns of many crystals by PyTorch: those of the library, and how rows show them."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from support.benchmark_modules import importer

from crystalsym import DiffractionSimulator, PatternShaper, standardize
from crystalsym.datasets import CrystalTable, example_crystals
from crystalsym.diffraction import ProjectedPotential, symmetry_directions
from crystalsym.scattering import electron_wavelength

torch = pytest.importorskip("torch")

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "electrons"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the benchmarks are not in this tree")
NAMES = ("ZnS-sphalerite", "TiO2-rutile", "quartz-alpha")
GROUPS = (216, 136, 152)
DEPTHS = np.array([60.0, 180.0])
TILT = np.array([0.12, 0.16])


@pytest.fixture(scope="module")
def crystals():
    found = example_crystals()
    names = [name if name in found else next(n for n in found if "uartz" in n) for name in NAMES]
    return [standardize(found[name]) for name in names]


@pytest.fixture
def module(monkeypatch):
    return importer(FOLDER, monkeypatch)


@pytest.fixture
def written(module, crystals, tmp_path):
    """What layers.py writes of three crystals, and the module that reads it."""
    table = CrystalTable.from_crystals(crystals, standard=True)
    table.space_group = np.array(GROUPS)
    path = tmp_path / "layers.npz"
    sides = np.zeros(3, dtype=int)
    module("layers").write(
        path, table, np.arange(3), np.arange(3), 1, held_72=sides, held_230=sides
    )
    multislice = module("multislice")
    return multislice, multislice.Layers(path, "cpu")


def _beams(multislice, n, tilts, averaged=False):
    return multislice.Beams(
        np.full(n, 200.0), np.full(n, 0.5), np.tile(DEPTHS, (n, 1)), np.tile(tilts, (n, 1, 1)),
        averaged,
    )  # fmt: skip


def test_intensities_are_those_of_bloch_waves(written, crystals, monkeypatch, tmp_path):
    multislice, _ = written
    monkeypatch.setattr(multislice, "SLICE", 1.0)
    # Couplings end at the bandwidth here, at twice that in Bloch waves: far out it is the same.
    monkeypatch.setattr(multislice, "BANDWIDTH", 4.0)
    layers = multislice.Layers(tmp_path / "layers.npz", "cpu")
    for number, crystal in enumerate(crystals):
        for view, zone in enumerate(symmetry_directions(np.asarray(crystal.lattice))):
            potential = ProjectedPotential(
                crystal, zone, electron_wavelength(200), b_iso=0.5, bandwidth=4.0,
                views="symmetry-directions",
            )  # fmt: skip
            row = np.array([3 * number + view])
            tilts = np.array([[0.0, 0.0], TILT])
            found = layers.intensities(row, layers.numbers, _beams(multislice, 1, tilts))[0]
            azimuth = np.degrees(np.arctan2(TILT[1], TILT[0]))
            q = potential.layer_indices @ potential.basis
            indices = np.rint(q @ np.linalg.inv(layers.basis[row[0]])).astype(int)
            places = tuple((indices % layers.shapes[row[0]]).T)
            for beam, tilt in enumerate((0.0, 0.2)):
                wanted = potential.of_layer(
                    potential.intensities(DEPTHS, tilt=tilt, azimuth=azimuth)
                )
                reached = np.abs(indices @ layers.basis[row[0]] - q).max(axis=1) < 1e-6
                assert wanted[:, ~reached].max(initial=0) < 1e-9  # dark by the centering
                ours = found[beam].numpy()[:, places[0], places[1]]
                off = np.abs(ours - wanted)[:, reached].sum(axis=1) / wanted[:, 1:].sum(axis=1)
                assert off.max() < 0.02, (number, zone, tilt, off)


def test_pictures_are_those_of_the_shaper(written, crystals, monkeypatch):
    multislice, layers = written
    monkeypatch.setattr(multislice, "SLICE", 1.0)
    simulator = DiffractionSimulator(
        engine="bloch", radiation="electron", voltage=200, b_iso=0.5, output="spots",
        views="symmetry-directions", standardize=False, bandwidth=2.0, thickness=60.0,
    )  # fmt: skip
    shaper = PatternShaper("lattice", threshold=1e-5, friedel=False)
    wanted = shaper.transform(simulator.transform(crystals))
    for row in range(9):
        rows = np.array([row])
        seen = layers.intensities(rows, layers.numbers, _beams(multislice, 1, np.zeros((1, 2))))
        bright = layers.pictures(rows, seen)[0, 0, 0].numpy()
        theirs = wanted[row // 3, row % 3]
        np.testing.assert_allclose(layers.lengths(rows)[0], theirs[..., 1], atol=1e-3)
        both = (bright > 0.1) & (theirs[..., 0] > 0.1)
        assert both.sum() > 10
        assert np.abs(bright - theirs[..., 0])[both].max() < 0.05
        # What one shows and the other does not is near the threshold.
        assert max(bright[~both].max(), theirs[..., 0][~both].max()) < 0.15


def test_averaged_beams_are_the_mean_of_single_ones(written):
    multislice, layers = written
    rows = np.arange(3)  # of one crystal: shapes differ, so each by itself
    around = np.radians(np.arange(0, 360, 60))
    tilts = 0.4 * np.stack([np.cos(around), np.sin(around)], axis=1)
    for row in rows:
        one = np.array([row])
        single = layers.intensities(one, layers.numbers, _beams(multislice, 1, tilts))
        mean = layers.intensities(one, layers.numbers, _beams(multislice, 1, tilts, True))
        torch.testing.assert_close(mean[:, 0], single.mean(dim=1))


def test_a_store_shows_what_it_was_asked_for(written, module):
    _, layers = written
    store = module("store")
    kept = store.PatternStore(layers, np.arange(3), n_depths=2)
    kept.fill(2, 1e9, verbose=0)
    kept.precess(np.array([1]))
    assert kept.n_rounds == 2
    assert kept.where.tolist() == [-1, 0, -1]
    aligned = store.StoredRows(kept, np.arange(3), np.arange(3), {"aligned": 1.0})
    assert aligned.shape == (3, 3, 13, 13, 2)
    first = aligned[np.arange(3)]
    np.testing.assert_array_equal(first, aligned[np.arange(3)])
    # Rutile has twofold axes along all three directions; half a turn changes nothing.
    np.testing.assert_allclose(first[1, ..., 0], first[1, :, ::-1, ::-1, 0], atol=0.02)
    tilted = store.StoredRows(kept, np.arange(3), np.arange(3), {"tilted": 1.0})[np.arange(3)]
    assert np.abs(tilted[1, ..., 0] - tilted[1, :, ::-1, ::-1, 0]).max() > 0.02
    rows = store.StoredRows(kept, np.arange(3), np.arange(3), {"precessing": 1.0})
    shown = rows[np.arange(3)]
    stored = kept.precessing[0].numpy()
    assert any(np.array_equal(shown[1, 0, ..., 0].ravel(), stored[0, depth]) for depth in range(2))
    rows.set_epoch(4)
    changed = rows[np.arange(3)]
    rows.set_epoch(4)
    np.testing.assert_array_equal(rows[np.arange(3)], changed)
    assert changed.min() >= 0
    assert changed.max() <= 1


def test_elements_of_later_rounds_are_exchanged_site_by_site(written, module, monkeypatch):
    _, layers = written
    store = module("store")
    monkeypatch.setattr(store, "CHANGED", 1.0)
    kept = store.PatternStore(layers, np.arange(3))
    other = kept._exchanged(np.random.default_rng(0))
    assert (other != layers.numbers).any()
    offsets = layers.file["site_offsets"]
    for first, end in itertools.pairwise(offsets):
        pairs = set(zip(layers.numbers[first:end].tolist(), other[first:end].tolist(), strict=True))
        # One for one: different elements stay different.
        assert len(pairs) == len({old for old, _ in pairs}) == len({new for _, new in pairs})


def test_noise_loses_weak_spots_and_lights_no_dark_ones(module, monkeypatch):
    store = module("store")
    monkeypatch.setattr(store, "NOISY", 1.0)
    bright = torch.zeros((50, 3, 5, 5))
    bright[:, :, 1] = torch.linspace(0.2, 1, 5)
    changed = store.noisy(bright, torch.Generator().manual_seed(0)).numpy()
    assert not changed[:, :, [0, 2, 3, 4]].any()
    lit = changed[:, :, 1]
    assert 0.2 < (lit[..., 0] > 0).mean() < 0.6  # a spot of 1e-4: half the range of what is lost
    assert (lit[..., -1] > 0.9).all()
    assert (lit <= 1).all()


def test_rare_groups_are_shown_more_often(module):
    train = module("train")
    labels = np.repeat([225, 216, 1], [400, 100, 3])
    rows = train.repeated(np.arange(503), labels)
    counts = np.bincount(labels[rows], minlength=226)
    assert counts[[225, 216, 1]].tolist() == [400, 300, 18]
