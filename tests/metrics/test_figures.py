"""Figures of merit on cases worked out by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, top_k_accuracy_score

from crystalsym.metrics import (
    calibration_error,
    crystal_system_accuracy,
    diffraction_class_accuracy,
    macro_accuracy,
    summary,
    top_k_accuracy,
)
from crystalsym.spacegroups import diffraction_class, label_set

CLASSES = [1, 2, 62, 216, 225]
TRUE = [2, 62, 225, 216]
PROBABILITIES = np.array(
    [
        [0.5, 0.4, 0.1, 0.0, 0.0],  # 1 before 2: the same diffraction class
        [0.0, 0.1, 0.7, 0.1, 0.1],  # right
        [0.0, 0.0, 0.4, 0.35, 0.25],  # third; with 216 its class leads
        [0.3, 0.3, 0.2, 0.1, 0.1],  # fourth
    ]
)


@pytest.mark.parametrize(("k", "expected"), [(1, 0.25), (2, 0.5), (3, 0.75), (4, 1), (5, 1)])
def test_top_k(k, expected):
    assert top_k_accuracy(TRUE, PROBABILITIES, CLASSES, k) == expected


def test_group_without_a_column_is_never_found():
    assert top_k_accuracy([229], PROBABILITIES[:1], CLASSES, 5) == 0


def test_ties_go_to_the_first_column():
    tied = np.full((2, 5), 0.2)
    assert top_k_accuracy([1, 225], tied, CLASSES, 1) == 0.5


@given(st.integers(0, 1000), st.integers(1, 4))
def test_top_k_is_scikit_learns(seed, k):
    rng = np.random.default_rng(seed)
    y = rng.choice(CLASSES, 40)
    p = rng.random((40, 5))
    expected = top_k_accuracy_score(y, p, k=k, labels=CLASSES)
    assert top_k_accuracy(y, p, CLASSES, k) == pytest.approx(expected)


@given(st.integers(0, 1000))
def test_macro_is_scikit_learns_balanced_accuracy(seed):
    rng = np.random.default_rng(seed)
    y = rng.choice(CLASSES, 60)
    # Only groups that occur, as scikit-learn warns about others.
    predicted = rng.choice(np.unique(y), 60)
    assert macro_accuracy(y, predicted) == pytest.approx(balanced_accuracy_score(y, predicted))


def test_crystal_systems_come_in_their_order():
    accuracy = crystal_system_accuracy([225, 216, 2, 62], [225, 225, 2, 14])
    assert accuracy == {"triclinic": 1.0, "orthorhombic": 0.0, "cubic": 0.5}
    assert list(accuracy) == ["triclinic", "orthorhombic", "cubic"]


def test_diffraction_class_adds_up_its_members():
    # Rows 0 (1 + 2), 1 and 2 (216 + 225 = 0.6 > 0.4) are right, row 3 is not.
    assert diffraction_class_accuracy(TRUE, PROBABILITIES, CLASSES) == 0.75


# X-rays cannot tell 216 from 225, nor 16 from 47; electrons that scatter many times along the
# symmetry directions tell the first pair.
GIVEN = (
    [216, 225, 16],
    np.array([[0.1, 0.6, 0.3, 0.0], [0.0, 0.7, 0.0, 0.3], [0.0, 0.4, 0.3, 0.3]]),
    [216, 225, 16, 47],
)


def test_diffraction_classes_of_dynamical_patterns():
    assert diffraction_class_accuracy(*GIVEN) == 1.0
    assert diffraction_class_accuracy(*GIVEN, dynamical_views="zone-axes") == 1.0
    found = diffraction_class_accuracy(*GIVEN, dynamical_views="symmetry-directions")
    assert found == pytest.approx(2 / 3)
    weights = [3, 1, 1]
    views = {"dynamical_views": "symmetry-directions"}
    assert diffraction_class_accuracy(*GIVEN, sample_weight=weights, **views) == 0.4
    # Over the classes (216), (225), and (16, 47) of two rows, one of which is wrong.
    y, p = [*GIVEN[0], 47], np.concatenate([GIVEN[1], [[0, 1, 0, 0]]])
    macro = diffraction_class_accuracy(y, p, GIVEN[2], average="macro", **views)
    assert macro == pytest.approx((0 + 1 + 1 / 2) / 3)


def test_a_group_without_a_column_is_found_by_its_dynamical_class():
    given = [47], [[0.6, 0.4]], [16, 225]
    assert diffraction_class_accuracy(*given, dynamical_views="symmetry-directions") == 1.0
    given = [216], [[0.6, 0.4]], [225, 16]
    assert diffraction_class_accuracy(*given, dynamical_views="symmetry-directions") == 0.0


def test_where_all_classes_hold_one_group_the_class_is_the_group():
    groups = np.array(label_set("72"))
    rng = np.random.default_rng(0)
    y = rng.choice(groups, 200)
    siblings = [(set(diffraction_class(int(g))) & set(groups) - {g} or {g}).pop() for g in y]
    answers = np.where(rng.random(200) < 0.5, y, siblings)
    p = 0.1 * rng.random((200, 72)) / 72 + 0.9 * (answers[:, None] == groups)
    figures = summary(y, p, groups, dynamical_views="symmetry-directions")
    assert figures["dynamical_class"] == figures["top1"] == top_k_accuracy(y, p, groups)
    assert figures["dynamical_class_macro"] == pytest.approx(figures["macro"])
    assert figures["top1"] < summary(y, p, groups)["diffraction_class"] == 1.0


def test_the_summary_names_its_classes():
    figures = summary(*GIVEN, dynamical_views="symmetry-directions")
    assert figures["dynamical_class"] == pytest.approx(2 / 3)
    assert "dynamical_class_macro" in figures
    assert not {"diffraction_class", "diffraction_class_macro"} & set(figures)
    kinematic = summary(*GIVEN)
    assert kinematic["diffraction_class"] == 1.0
    assert "dynamical_class" not in kinematic


def test_views_and_kinds_that_do_not_fit():
    with pytest.raises(ValueError, match="'symmetry-directions' or 'zone-axes', got 'rotations'"):
        diffraction_class_accuracy(*GIVEN, dynamical_views="rotations")
    with pytest.raises(ValueError, match="kind='full' is of kinematic diffraction classes"):
        diffraction_class_accuracy(*GIVEN, kind="full", dynamical_views="symmetry-directions")
    with pytest.raises(ValueError, match="231"):
        diffraction_class_accuracy([231], [[1.0]], [225], dynamical_views="zone-axes")


def test_calibration_by_hand():
    # Always 0.8 sure and right in half of the cases.
    probabilities = np.tile([0.8, 0.2], (10, 1))
    y = [1] * 5 + [2] * 5
    assert calibration_error(y, probabilities, [1, 2]) == pytest.approx(0.3)
    certain = np.tile([1.0, 0.0], (4, 1))
    assert calibration_error([1] * 4, certain, [1, 2]) == 0


def test_summary_holds_plain_numbers():
    figures = summary(TRUE, PROBABILITIES, CLASSES)
    assert json.loads(json.dumps(figures)) == figures
    assert figures["crystals"] == 4
    assert figures["groups"] == 4
    assert figures["top1"] == 0.25
    assert figures["top5"] == 1.0
    assert figures["diffraction_class"] == 0.75


def test_shapes_that_disagree_are_refused():
    with pytest.raises(ValueError, match=r"shape \(4, 5\) for 3 rows and 5 classes"):
        top_k_accuracy(TRUE[:3], PROBABILITIES, CLASSES)
