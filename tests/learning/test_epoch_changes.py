"""What an epoch changes is seen in the patterns: mirrored, dimmed, permuted, seen along others."""

from __future__ import annotations

import numpy as np
import pytest

from crystalsym import DiffractionSimulator, PatternShaper
from crystalsym.crystals import space_group_number, standardize
from crystalsym.datasets import CrystalTable, example_crystals
from crystalsym.learning import Augmentation, PatternRows
from crystalsym.spacegroups import crystal_system

STEPS = [
    DiffractionSimulator(output="spots", views="symmetry-directions"),
    PatternShaper("lattice", image_size=13, intensity="log", threshold=1e-6),
]
NOTHING = {"exchanged": 0.0, "scale": 0.0, "mirrored": False}


@pytest.fixture(scope="module")
def table():
    crystals = [standardize(path) for path in example_crystals().values()]
    groups = [space_group_number(crystal) for crystal in crystals]
    return CrystalTable.from_crystals(crystals, groups, standard=True)


def shown(table, epochs=(0,), **changes):
    """The patterns as they are, and those of each epoch."""
    patterns = PatternRows(STEPS, table, Augmentation(**changes))
    clean = patterns[:].astype(np.float32)
    drawn = []
    for epoch in epochs:
        patterns.set_epoch(epoch)
        drawn.append(patterns[:].astype(np.float32))
    return clean, np.array(drawn)


def test_each_pattern_is_mirrored_half_of_the_time(table):
    clean, drawn = shown(table, range(8), changed=0.0)
    as_it_is = (drawn == clean).all(axis=(3, 4, 5))
    behind = (drawn == clean[..., ::-1, :]).all(axis=(3, 4, 5))
    assert (as_it_is | behind).all()
    lopsided = (clean != clean[..., ::-1, :]).any(axis=(2, 3, 4))
    assert lopsided.sum() >= 20
    share = behind[:, lopsided].mean(axis=1)
    assert np.all((share > 0.2) & (share < 0.8)), share
    # Each of a crystal's three for itself, and not the same ones every epoch.
    three = lopsided.all(axis=1)
    assert len(np.unique(behind[:, three].reshape(-1, 3), axis=0)) == 8
    assert behind[:, lopsided].any(axis=0).mean() > 0.9


def test_nothing_is_mirrored_unasked(table):
    clean, drawn = shown(table, range(3), changed=0.0, mirrored=False)
    assert (drawn == clean).all()


def test_dimmed_patterns_lose_their_weak_spots_alone(table):
    clean, drawn = shown(table, range(3), changed=1.0, dimmed=1.0, **NOTHING)
    weak = clean[..., 0]
    for epoch in drawn[..., 0]:
        lost = (weak > 0) & (epoch == 0)
        # The shaper's scale is logarithmic, from the threshold to the strongest.
        assert lost.any(axis=(1, 2, 3)).mean() > 0.2
        same = (np.where(lost, 0, weak) == epoch).all(axis=(2, 3))
        assert same.mean() > 0.98  # the others' strong spots have a lattice of their own
        for before, gone in zip(weak[same], lost[same], strict=True):
            if gone.any():
                # 10^-5 to 10^-3 of the strongest, on a scale of six decades.
                assert before[gone].max() <= 3.01 / 6
                assert before[(before > 0) & ~gone].min() >= max(before[gone].max(), 0.99 / 6)
    assert (drawn[0] != drawn[1]).any(axis=(1, 2, 3, 4)).mean() > 0.15


def test_a_part_is_dimmed(table):
    shares = []
    for part in (0.3, 1.0):
        clean, drawn = shown(table, range(6), changed=1.0, dimmed=part, **NOTHING)
        shares.append((drawn != clean).any(axis=(2, 3, 4, 5)).mean())
    assert 0.2 < shares[0] / shares[1] < 0.4


def test_nothing_is_dimmed_unasked(table):
    clean, drawn = shown(table, changed=1.0, dimmed=0.0, **NOTHING)
    assert (drawn[0] == clean).all()


def test_axes_change_places_in_low_systems_only(table):
    clean, drawn = shown(table, range(4), changed=1.0, permuted=1.0, **NOTHING)
    changed = (drawn != clean).any(axis=(0, 2, 3, 4, 5))
    low = [
        crystal_system(int(group)) in ("triclinic", "monoclinic", "orthorhombic")
        for group in table.space_group
    ]
    np.testing.assert_array_equal(changed, low)


def test_zone_axes_instead_of_symmetry_directions(table):
    clean, drawn = shown(table, changed=1.0, zone_axes=1.0, **NOTHING)
    steps = [DiffractionSimulator(output="spots", views="zone-axes"), STEPS[1]]
    np.testing.assert_array_equal(drawn[0], PatternRows(steps, table)[:])
    assert (drawn[0] != clean).any()
