"""Labeled crystals: which, in what cells, and who is held out."""

from __future__ import annotations

import os

import numpy as np
import pytest

from crystalsym.crystals import as_crystal
from crystalsym.datasets import CrystalTable, example_crystals, example_space_groups
from crystalsym.learning import (
    chemical_system_groups,
    holdout_split,
    near_duplicate_groups,
    prototype_groups,
)
from crystalsym.learning._former_split import former_holdout, former_near_duplicates
from crystalsym.spacegroups import label_set
from crystalsym.training import DATA_DEFAULTS, TrainingConfig, load_data
from crystalsym.training._data import standard_table


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The bundled crystals, those of common groups in a second size, every tenth twice."""
    groups, crystals, labels = example_space_groups(), [], []
    rng = np.random.default_rng(0)
    for number, (name, path) in enumerate(example_crystals().items()):
        crystal = as_crystal(path)
        moves = rng.normal(scale=0.003, size=(len(crystal), 3)) @ np.linalg.inv(crystal.lattice)
        crystal = crystal.replace(frac_coords=crystal.frac_coords + moves)
        for scale in (1.0, 1.02)[: 1 + (groups[name] in label_set("72"))]:
            for _ in range(1 + (number % 10 == 0)):
                crystals.append(crystal.replace(lattice=crystal.lattice * scale))
                labels.append(groups[name])
    path = tmp_path_factory.mktemp("source") / "crystals.npz"
    CrystalTable.from_crystals(crystals, labels).save(path)
    return path


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def load(source, cache):
    def load(**settings):
        data = {**DATA_DEFAULTS, "structures": str(source), **settings}
        return load_data(TrainingConfig("test", data=data), cache)

    return load


def test_a_random_split_keeps_near_duplicates_together(load, source):
    data = load()
    assert set(data.labels) <= set(label_set("72"))
    groups = near_duplicate_groups(data.crystals, data.labels)
    train, test = holdout_split(groups, 0.2, 0)
    np.testing.assert_array_equal(data.train, train)
    np.testing.assert_array_equal(data.test, test)
    table = CrystalTable.load(source)
    np.testing.assert_array_equal(table.space_group[data.rows], data.labels)
    np.testing.assert_array_equal(table.names[data.rows], data.crystals.names)


@pytest.mark.parametrize("name", ["8", "20", "49", 20])
def test_groups_are_those_of_a_label_set(load, name):
    assert set(load(groups=name).labels) <= set(label_set(str(name)))


def test_rare_groups_are_learned_from_when_all_are_taken(load):
    data = load(groups="all", test_fraction=0.5)
    counts = np.bincount(data.labels, minlength=231)
    assert len(np.unique(data.labels)) == len(set(example_space_groups().values()))
    assert counts[data.labels[data.test]].min() >= 5
    assert len(np.union1d(data.train, data.test)) == len(data.labels)
    assert len(np.intersect1d(data.train, data.test)) == 0
    assert np.all(np.diff(data.train) > 0)
    least = load(groups="all", test_fraction=0.5, min_training=0)
    assert len(least.test) > len(data.test)
    common = counts[data.labels[least.test]] >= 5
    np.testing.assert_array_equal(least.test[common], data.test)


@pytest.mark.parametrize("split", ["random", "prototypes", "chemical-systems"])
@pytest.mark.parametrize("seed", range(4))
def test_rare_groups_take_their_kin_with_them(load, split, seed):
    """Their crystals alone went to the learning side, and parted chemical systems."""
    data = load(groups="all", split=split, test_fraction=0.5, split_seed=seed, min_training=3)
    assert len(np.intersect1d(data.kin[data.train], data.kin[data.test])) == 0
    rare = np.bincount(data.labels, minlength=231)[data.labels] < 3
    assert 0 < rare.sum() < len(rare)
    assert not rare[data.test].any()
    assert sorted([*data.train, *data.test]) == list(range(len(data.labels)))
    whole = load(groups="all", split=split, test_fraction=0.5, split_seed=seed, min_training=0)
    moved = np.isin(data.kin, data.kin[rare])
    np.testing.assert_array_equal(data.test, np.setdiff1d(whole.test, np.flatnonzero(moved)))


def test_rare_crystals_part_chemical_systems_by_the_former_rule_only(load):
    settings = {"groups": "all", "split": "chemical-systems", "test_fraction": 0.5}
    parted = []
    for rule in (1, 2):
        for seed in range(6):
            data = load(**settings, split_seed=seed, split_rule=rule)
            parted.append(len(np.intersect1d(data.kin[data.train], data.kin[data.test])))
    assert max(parted[:6]) > 0
    assert max(parted[6:]) == 0


def test_cards_without_a_rule_have_the_former_split(load):
    data = load(split_rule=1)
    groups = former_near_duplicates(data.crystals, data.labels)
    np.testing.assert_array_equal(data.kin, groups)
    np.testing.assert_array_equal(data.test, former_holdout(groups, 0.2, 0)[1])
    assert not np.array_equal(data.test, load().test)
    # Rows as version 0.1 held them out.
    assert data.test.tolist() == [
        7,
        15,
        18,
        43,
        48,
        58,
        59,
        60,
        70,
        77,
        78,
        80,
        93,
        95,
        99,
        105,
        106,
        107,
        110,
        114,
        116,
        118,
        119,
        126,
        128,
        129,
        133,
        140,
        141,
        142,
        146,
        152,
    ]
    everything = load(groups="all", split="prototypes", split_rule=1)
    assert everything.test.tolist() == [
        18,
        19,
        84,
        85,
        101,
        102,
        125,
        126,
        127,
        128,
        156,
        157,
        158,
        159,
        162,
        163,
    ]


@pytest.mark.parametrize("split", ["prototypes", "chemical-systems"])
def test_splits_that_keep_more_together(load, split):
    data = load(split=split, test_fraction=0.3)
    number = {
        "prototypes": lambda: prototype_groups(list(data.crystals)),
        "chemical-systems": lambda: chemical_system_groups(list(data.crystals)),
    }[split]()
    for keys in (number, near_duplicate_groups(data.crystals, data.labels)):
        assert len(np.intersect1d(keys[data.train], keys[data.test])) == 0
    assert 0.1 < len(data.test) / len(data.labels) < 0.5


def test_prototypes_are_found_once(load, cache, monkeypatch):
    first = load(split="prototypes")
    assert len(list(cache.glob("crystals-*-prototypes-0.1.npz"))) == 1
    monkeypatch.setattr("crystalsym.training._data.prototype_groups", None)
    again = load(split="prototypes", groups="72")
    np.testing.assert_array_equal(first.test, again.test)


def test_unidealized_crystals_are_split_as_the_ideal_ones(load, cache):
    ideal, given = load(), load(idealize=False)
    np.testing.assert_array_equal(given.test, ideal.test)
    np.testing.assert_array_equal(given.labels, ideal.labels)
    np.testing.assert_array_equal(given.crystals.names, ideal.crystals.names)
    assert given.crystals.standard
    assert not np.array_equal(given.crystals.frac_coords, ideal.crystals.frac_coords)
    for what in ("standard", "unidealized"):
        assert len(list(cache.glob(f"crystals-*-{what}-0.1.npz"))) == 1


def test_cells_are_kept_for_every_tolerance(source, tmp_path):
    data = {**DATA_DEFAULTS, "structures": source}
    for symprec in (0.1, 0.02):
        standard_table({**data, "symprec": symprec}, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    (kept,) = tmp_path.glob("crystals-*-standard-0.1.npz")
    before = kept.stat().st_mtime_ns
    standard_table(data, tmp_path)
    assert kept.stat().st_mtime_ns == before


def test_another_file_of_the_same_name_has_its_own_cells(source, tmp_path):
    first = standard_table({**DATA_DEFAULTS, "structures": source}, tmp_path / "cells")
    other = tmp_path / source.name
    CrystalTable.load(source).take([3, 1]).save(other)
    os.utime(other, (0, 0))  # older than what is kept
    second = standard_table({**DATA_DEFAULTS, "structures": other}, tmp_path / "cells")
    np.testing.assert_array_equal(second.names, first.names[[3, 1]])


def test_where_nothing_can_be_kept_is_known_before_the_work(source, tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    monkeypatch.setattr(CrystalTable, "standardized", None)
    with pytest.raises(PermissionError, match="cannot be written to"):
        standard_table({**DATA_DEFAULTS, "structures": source}, tmp_path)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"split": "scaffold"}, "split must be one of random, prototypes, chemical-systems"),
        ({"split_rule": 3}, "split_rule must be 2, or 1 for the split of older models, got 3"),
        ({"groups": "73"}, "unknown label set '73'"),
    ],
)
def test_unknown_settings(load, settings, problem):
    with pytest.raises(ValueError, match=problem):
        load(**settings)


def test_standard_cells_cannot_be_had_unidealized(source, tmp_path):
    standard = tmp_path / "standard.npz"
    CrystalTable.load(source).take([0, 1]).standardized().save(standard)
    with pytest.raises(ValueError, match="holds standard cells"):
        standard_table({"structures": standard, "symprec": 0.1, "idealize": False}, tmp_path)
