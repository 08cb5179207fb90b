"""What a training learns from."""

from __future__ import annotations

import numpy as np
import pytest

from crystalsym.classification.fitting import split_rows
from crystalsym.datasets import CrystalTable, example_crystals
from crystalsym.lattice_patterns import LatticePatterns
from crystalsym.learning_rows import learning_rows
from crystalsym.structures import space_group_number, standardize
from crystalsym.training import TrainingConfig

LATTICE = {"scheme": "lattice", "image_size": 9, "intensity": "log"}


@pytest.fixture(scope="module")
def crystals():
    chosen = [standardize(path) for path in list(example_crystals().values())[:12]]
    groups = [space_group_number(crystal) for crystal in chosen]
    return CrystalTable.from_crystals(chosen, groups, standard=True)


def rows_of(crystals, tmp_path, shape=None, **augment):
    pipeline = TrainingConfig("x", shape=shape or LATTICE).pipeline()
    labels = crystals.space_group.astype(int)
    return learning_rows(pipeline, crystals, labels, augment, tmp_path)


def test_rare_groups_are_repeated_and_random_crystals_added(crystals, tmp_path):
    X, y = rows_of(crystals, tmp_path, least=4, random=2)
    groups, counts = np.unique(crystals.space_group, return_counts=True)
    assert isinstance(X, LatticePatterns)
    assert len(X) == len(y) == len(X.may_validate)
    for group, count in zip(groups, counts, strict=True):
        rows = np.count_nonzero(y == group)
        assert rows >= max(4, count) + 2
        if count < 4:
            assert not X.may_validate[y == group].any()
    assert not X.may_validate[-2 * len(groups) :].any()


def test_nothing_is_added_unasked(crystals, tmp_path):
    X, y = rows_of(crystals, tmp_path)
    np.testing.assert_array_equal(y, crystals.space_group)
    assert X.augmentation is None
    assert X.may_validate.all()


def test_validation_rows_come_from_those_allowed():
    codes = np.repeat([0, 1], 50)
    allowed = np.arange(100) % 3 == 0
    learning, validation = split_rows(codes, 0.1, seed=0, allowed=allowed)
    assert len(validation) == 3
    assert allowed[validation].all()
    assert len(learning) + len(validation) == 100
    learning, validation = split_rows(codes, 0.1, seed=0, allowed=np.zeros(100, dtype=bool))
    assert len(validation) == 0


def test_images_cannot_be_changed(crystals, tmp_path):
    with pytest.raises(ValueError, match="augment"):
        rows_of(crystals, tmp_path, shape={"image_size": 16}, changed=0.5)


def test_unknown_settings_are_named(crystals, tmp_path):
    with pytest.raises(ValueError, match=r"\[augment\] has no 'chnaged'"):
        rows_of(crystals, tmp_path, chnaged=0.5)
