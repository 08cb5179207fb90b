"""What a training learns from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalsym.classification._validation_rows import split_rows
from crystalsym.crystals import space_group_number, standardize
from crystalsym.datasets import CrystalTable, example_crystals
from crystalsym.learning import PatternRows, learning_rows
from crystalsym.training import TrainingConfig

LATTICE = {"scheme": "lattice", "image_size": 9, "intensity": "log"}


@pytest.fixture(scope="module")
def crystals():
    chosen = [standardize(path) for path in list(example_crystals().values())[:12]]
    groups = [space_group_number(crystal) for crystal in chosen]
    return CrystalTable.from_crystals(chosen, groups, standard=True)


def rows_of(crystals, tmp_path, shape=None, kin=None, **augment):
    pipeline = TrainingConfig("x", shape=shape or LATTICE).pipeline()
    labels = crystals.space_group.astype(int)
    return learning_rows(pipeline, crystals, labels, augment, tmp_path, kin=kin)


def test_rare_groups_are_repeated_and_random_crystals_added(crystals, tmp_path):
    X, y = rows_of(crystals, tmp_path, least=4, random=2)
    groups, counts = np.unique(crystals.space_group, return_counts=True)
    assert isinstance(X, PatternRows)
    assert len(X) == len(y) == len(X.validation_groups)
    for group, count in zip(groups, counts, strict=True):
        rows = np.count_nonzero(y == group)
        assert rows >= max(4, count) + 2
        if count < 4:
            assert (X.validation_groups[y == group] < 0).all()
    assert (X.validation_groups[-2 * len(groups) :] < 0).all()


def test_nothing_is_added_unasked(crystals, tmp_path):
    X, y = rows_of(crystals, tmp_path)
    np.testing.assert_array_equal(y, crystals.space_group)
    assert X.augmentation is None
    np.testing.assert_array_equal(X.validation_groups, np.arange(len(y)))


@pytest.mark.parametrize(
    "shape",
    [LATTICE, {"scheme": "spots"}, {"scheme": "pixels", "image_size": 16, "dtype": "uint8"}],
)
def test_kin_of_the_split_reach_the_validation(crystals, tmp_path, shape):
    kin = np.arange(len(crystals)) // 3
    X, _ = rows_of(crystals, tmp_path, shape=shape, kin=kin)
    np.testing.assert_array_equal(X.validation_groups, kin)


@pytest.mark.parametrize("never", [-1, "one each"])
@pytest.mark.parametrize("fraction", [0.02, 0.1, 0.5, 0.9])
def test_rows_of_negative_groups_are_learned_from(fraction, never):
    """Few of them, so that no rule about large groups keeps them by chance."""
    codes = np.repeat([0, 1], 50)
    numbers = np.arange(100)
    rare = [3, 17, 51, 77, 98]
    numbers[rare] = -1 if never == -1 else -1 - np.arange(5)
    taken = np.zeros(100, dtype=bool)
    for seed in range(20):
        learning, validation = split_rows(codes, fraction, seed=seed, groups=numbers)
        assert not set(rare) & set(validation)
        assert len(validation) == round(95 * fraction)
        assert len(learning) + len(validation) == 100
        taken[validation] = True
    if fraction >= 0.5:
        assert taken.sum() == 95
    learning, validation = split_rows(codes, fraction, seed=0, groups=-1 - np.arange(100))
    assert len(validation) == 0


@given(
    groups=st.lists(st.integers(-1, 12), min_size=1, max_size=60),
    fraction=st.floats(0, 0.9),
    seed=st.integers(0, 3),
)
def test_groups_are_not_torn_apart(groups, fraction, seed):
    groups = np.array(groups)
    codes = groups % 4
    learning, validation = split_rows(codes, fraction, seed, groups)
    np.testing.assert_array_equal(np.sort(np.r_[learning, validation]), np.arange(len(groups)))
    assert not set(groups[learning]) & set(groups[validation])
    assert groups[validation].min(initial=0) >= 0
    assert len(learning)
    # One that would fill more than the validation rows by itself is learned from, unless all are.
    most = max(round(fraction * np.count_nonzero(groups >= 0)), 1)
    larger = [n for n in set(groups[validation]) if np.count_nonzero(groups == n) > most]
    assert not larger or len(set(groups[validation])) == 1


def test_every_class_gives_its_part():
    codes = np.repeat(np.arange(4), [400, 40, 100, 7])
    validation = split_rows(codes, 0.1, seed=1)[1]
    np.testing.assert_allclose(np.bincount(codes[validation]), [40, 4, 10, 0.7], atol=1.01)
    pairs = np.arange(len(codes)) // 2
    validation = split_rows(codes, 0.1, seed=1, groups=pairs)[1]
    np.testing.assert_allclose(np.bincount(codes[validation], minlength=4), [40, 4, 10, 1], atol=3)


def test_groups_that_are_all_large():
    groups = np.repeat(np.arange(5), 10)
    assert len(split_rows(np.zeros(50, dtype=int), 0.1, 0, groups)[1]) == 10
    # A class of one group would be gone.
    assert len(split_rows(groups, 0.1, 0, groups)[1]) == 0


def test_images_cannot_be_changed(crystals, tmp_path):
    with pytest.raises(ValueError, match="augment"):
        rows_of(crystals, tmp_path, shape={"scheme": "pixels", "image_size": 16}, changed=0.5)


def test_unknown_settings_are_named(crystals, tmp_path):
    with pytest.raises(ValueError, match=r"\[augment\] has no 'chnaged'"):
        rows_of(crystals, tmp_path, chnaged=0.5)


def test_rows_too_large_for_memory_are_kept_on_disk(crystals, tmp_path, monkeypatch):
    monkeypatch.setattr("crystalsym.learning._row_stores.MOST_BYTES", 1)
    X, _ = rows_of(crystals, tmp_path, changed=0.0, mirrored=False)
    first = X[:3]
    X.flush()
    again, _ = rows_of(crystals, tmp_path, changed=0.0, mirrored=False)
    assert again.n_stored == 3
    np.testing.assert_array_equal(again[:3], first)
