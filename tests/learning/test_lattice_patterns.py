"""Patterns straight from crystals are those of the images' way."""

from __future__ import annotations

import numpy as np
import pytest
from support.random_crystals import random_crystal

from crystalsym import DiffractionSimulator, PatternShaper
from crystalsym.crystals import space_group_number, standardize
from crystalsym.datasets import CrystalTable, example_crystals
from crystalsym.diffraction._layers import LAYERS, ZONES
from crystalsym.learning import Augmentation, LatticePatterns

SHAPER = PatternShaper("lattice", image_size=13, intensity="log", threshold=1e-5)


@pytest.fixture(scope="module")
def table():
    crystals = [standardize(path) for path in example_crystals().values()]
    groups = [space_group_number(crystal) for crystal in crystals]
    return CrystalTable.from_crystals(crystals, groups, standard=True)


def test_layers_span_their_zones():
    for zone, (first, second) in zip(ZONES, LAYERS, strict=True):
        np.testing.assert_array_equal(np.cross(first, second), zone)


@pytest.mark.parametrize("views", ["zone-axes", "symmetry-directions"])
def test_the_images_way_gives_the_same(table, views):
    simulator = DiffractionSimulator(views=views, image_size=512, spot_sigma=0.6)
    direct = LatticePatterns([simulator, SHAPER], table)[:].astype(np.float32)
    drawn = SHAPER.transform(simulator.transform(list(table)))
    # The scattering factors come from a table, and the direct beam is cut a little differently.
    differ = np.abs(direct - drawn).max(axis=(2, 3, 4))
    assert (differ < 0.01).mean() > 0.97, np.argwhere(differ > 0.01)


def test_random_triclinic_crystals_too():
    crystals = [standardize(random_crystal(2, np.random.default_rng(seed))) for seed in range(4)]
    simulator = DiffractionSimulator(image_size=512)
    table = CrystalTable.from_crystals(crystals, [2] * 4, standard=True)
    direct = LatticePatterns([simulator, SHAPER], table)[:].astype(np.float32)
    differ = np.abs(direct - SHAPER.transform(simulator.transform(crystals))).max(axis=(2, 3, 4))
    assert (differ < 0.01).mean() > 0.9


def test_unchanged_epochs_are_remembered_and_threads_change_nothing(table):
    steps = [DiffractionSimulator(), SHAPER]
    one = LatticePatterns(steps, table, n_jobs=1)
    two = LatticePatterns(steps, table, n_jobs=2)
    first = one[:]
    np.testing.assert_array_equal(one[:], first)
    np.testing.assert_array_equal(two[np.arange(len(table))[::-1]], first[::-1])
    np.testing.assert_array_equal(one[3], first[3])
    np.testing.assert_array_equal(one[first[:, 0, 0, 0, 0] >= 0], first)
    assert one.shape == first.shape
    assert one.descriptor == " ".join(repr(SHAPER).split())


def test_an_epochs_changes_are_its_own(table):
    how = Augmentation(changed=0.5, dimmed=0.5, permuted=0.5, zone_axes=0.5)
    patterns = LatticePatterns([DiffractionSimulator(), SHAPER], table, how, random_state=3)
    clean = patterns[:]
    patterns.set_epoch(0)
    first = patterns[:]
    patterns.set_epoch(1)
    second = patterns[:]
    assert (first != second).any(axis=(1, 2, 3, 4)).mean() > 0.5
    patterns.set_epoch(0)
    np.testing.assert_array_equal(patterns[::-1][::-1], first)
    patterns.set_epoch(None)
    np.testing.assert_array_equal(patterns[:], clean)
    again = LatticePatterns([DiffractionSimulator(), SHAPER], table, how, random_state=3)
    again.set_epoch(0)
    np.testing.assert_array_equal(again[[5, 1]], first[[5, 1]])


def test_changed_crystals_keep_their_absences(table):
    """Exchanging elements moves no atom: what is absent by symmetry stays absent."""
    rutile = [i for i, group in enumerate(table.space_group) if group == 136][:1]
    sub = table.take(rutile)
    patterns = LatticePatterns([DiffractionSimulator(), SHAPER], sub, Augmentation(changed=1.0))
    for epoch in range(5):
        patterns.set_epoch(epoch)
        hk0 = patterns[0][2, :, :, 0]
        assert (hk0[6, [5, 7]] == 0).all()  # h00 with h odd: the n glide
        assert hk0[6, 8] > 0


@pytest.mark.parametrize(
    ("simulator", "shaper", "message"),
    [
        (DiffractionSimulator(), PatternShaper(), 'scheme="lattice"'),
        (DiffractionSimulator(engine="lattice"), SHAPER, "engine='bragg'"),
        (DiffractionSimulator(ewald="sphere"), SHAPER, "ewald='flat'"),
        (DiffractionSimulator(views="rotations"), SHAPER, "views"),
        (DiffractionSimulator(pixel_size=0.4), SHAPER, "q_max"),
    ],
)
def test_other_transformers_are_refused(table, simulator, shaper, message):
    with pytest.raises(ValueError, match=message):
        LatticePatterns([simulator, shaper], table)


def test_crystals_must_be_standard(table):
    raw = CrystalTable.from_crystals([table[0]])
    with pytest.raises(ValueError, match="standardised"):
        LatticePatterns([DiffractionSimulator(), SHAPER], raw)
