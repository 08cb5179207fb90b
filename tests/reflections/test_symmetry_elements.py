"""Elements by name, and what each group forbids, in every open setting."""

from __future__ import annotations

import numpy as np
import pytest

from crystalsym.crystals._metric_settings import allowed_by_centering, open_settings
from crystalsym.reflections import laue_candidates
from crystalsym.reflections._conditions import (
    extinction_groups,
    forbidden,
    group_settings,
    groups_of,
    is_special,
)
from crystalsym.reflections._symmetry_elements import symmetry_elements
from crystalsym.spacegroups import is_absent, symbol

GRID = np.stack(np.mgrid[-6:7, -6:7, -6:7], axis=-1).reshape(-1, 3)
HEXAGONAL = np.array([[9.0, 0, 0], [-4.5, 4.5 * 3**0.5, 0], [0, 0, 14]])
MONOCLINIC = np.array([[7.0, 0, 0], [0, 9, 0], [-3, 0, 11]])


def candidate(lattice, centering, laue):
    _, found = laue_candidates(np.asarray(lattice, dtype=float), centering)
    return next(one for one in found if one.laue == laue)


def elements_of(lattice, centering, laue):
    one = candidate(lattice, centering, laue)
    settings = open_settings(one.lattice, one.centering, one.laue)
    return symmetry_elements(one.laue, one.centering, one.own_operations, settings)


def names(*arguments):
    return {element.name: element.condition for element in elements_of(*arguments)}


def test_monoclinic():
    assert names(MONOCLINIC, "P", "2/m") == {
        "2_1 along b": "0k0: k = 2n",
        "a glide normal to b": "h0l: h = 2n",
        "c glide normal to b": "h0l: l = 2n",
        "n glide normal to b": "h0l: h+l = 2n",
    }


def test_orthorhombic():
    found = names(np.diag([5.0, 6, 7]), "P", "mmm")
    assert len(found) == 12
    assert found["2_1 along c"] == "00l: l = 2n"
    assert found["n glide normal to a"] == "0kl: k+l = 2n"
    assert found["b glide normal to c"] == "hk0: k = 2n"
    # Fdd2 and Fddd have d glides, all other F groups none.
    assert set(names(np.diag([5.0, 6, 7]), "F", "mmm")) == {
        "d glide normal to a", "d glide normal to b", "d glide normal to c",
    }  # fmt: skip


def test_tetragonal():
    assert names(np.diag([5.0, 5, 7]), "I", "4/m") == {  # I4_1/a
        "4_1 (4_3) along c": "00l: l = 4n",
        "a glide normal to c": "hk0: h = 2n",
    }
    found = names(np.diag([5.0, 5, 7]), "I", "4/mmm")
    assert found["d glide normal to [1-10]"] == "hhl: 2h+l = 4n"  # I4_1md


def test_hexagonal_and_trigonal():
    assert names(HEXAGONAL, "P", "6/m") == {
        "6_1 (6_5) along c": "00l: l = 6n",
        "6_2 (6_4) along c": "00l: l = 3n",
        "6_3 along c": "00l: l = 2n",
    }
    assert names(HEXAGONAL, "P", "-3") == {"3_1 (3_2) along c": "00l: l = 3n"}
    assert names(HEXAGONAL, "P", "-31m")["c glide normal to [1-10]"] == "hhl: l = 2n"
    assert names(HEXAGONAL, "R", "-3") == {}


def test_cubic():
    assert names(5 * np.eye(3), "P", "m-3") == {
        "2_1 along a": "h00: h = 2n",
        "b glide normal to a": "0kl: k = 2n",
        "c glide normal to a": "0kl: l = 2n",
        "n glide normal to a": "0kl: k+l = 2n",
    }
    assert names(5 * np.eye(3), "F", "m-3m")["c glide normal to [1-10]"] == "hhl: l = 2n"


def test_triclinic_cells_have_none():
    assert names(np.diag([5.0, 6, 7]), "P", "-1") == {}


@pytest.mark.parametrize(
    ("lattice", "centering", "laue", "group", "forbidding"),
    [
        (MONOCLINIC, "P", "2/m", 14, {"2_1 along b", "c glide normal to b"}),
        (MONOCLINIC, "P", "2/m", 4, {"2_1 along b"}),
        (np.diag([5.0, 6, 7]), "P", "mmm", 19, {f"2_1 along {axis}" for axis in "abc"}),
        (
            np.diag([5.0, 6, 7]), "P", "mmm", 62,
            {"n glide normal to a", "a glide normal to c", "2_1 along a", "2_1 along b",
             "2_1 along c"},
        ),
        (np.diag([5.0, 5, 7]), "I", "4/m", 88, {"4_1 (4_3) along c", "a glide normal to c"}),
        (np.diag([5.0, 5, 7]), "P", "4/m", 77, {"4_2 along c"}),
        (np.diag([5.0, 5, 7]), "P", "4/m", 76, {"4_1 (4_3) along c", "4_2 along c"}),
        (HEXAGONAL, "P", "-31m", 159, {"c glide normal to [1-10]"}),
        (5 * np.eye(3), "P", "m-3", 198, {"2_1 along a"}),
    ],
)  # fmt: skip
def test_elements_of_known_groups(lattice, centering, laue, group, forbidding):
    absent = is_absent(group, GRID)
    found = {
        element.name
        for element in elements_of(lattice, centering, laue)
        if not (element.forbids(GRID) & ~absent).any()
    }
    assert found == forbidding


@pytest.mark.parametrize(
    ("lattice", "centering", "laue"),
    [
        (MONOCLINIC, "P", "2/m"), (np.diag([5.0, 6, 7]), "P", "mmm"),
        (np.diag([5.0, 6, 7]), "C", "mmm"), (np.diag([5.0, 6, 7]), "I", "mmm"),
        (np.diag([5.0, 5, 7]), "P", "4/mmm"), (HEXAGONAL, "P", "6/mmm"),
        (5 * np.eye(3), "I", "m-3m"),
    ],
)  # fmt: skip
def test_elements_explain_all_that_groups_forbid(lattice, centering, laue):
    """What the elements inside a group's absences forbid is all of them."""
    one = candidate(lattice, centering, laue)
    settings = open_settings(one.lattice, one.centering, laue)
    elements = symmetry_elements(laue, one.centering, one.own_operations, settings)
    hkl = GRID[GRID.any(axis=1)]
    hkl = hkl[allowed_by_centering(hkl, one.centering)]
    for alike in extinction_groups(laue):
        for mask, _ in forbidden(alike, hkl, one.centering, group_settings(laue, settings)):
            explained = np.zeros(len(hkl), dtype=bool)
            for element in elements:
                forbids = element.forbids(hkl)
                if not (forbids & ~mask).any():
                    explained |= forbids
            assert (explained == mask).all(), alike


def test_elements_forbid_equivalents_alike():
    one = candidate(5 * np.eye(3), "P", "m-3m")
    for element in elements_of(5 * np.eye(3), "P", "m-3m"):
        for rotation in one.own_operations:
            assert (element.forbids(GRID) == element.forbids(GRID @ rotation)).all()
            assert (element.concerns(GRID) == element.concerns(-GRID @ rotation)).all()


@pytest.mark.parametrize("laue", ["2/m", "mmm", "4/m", "-3m1", "-31m", "m-3", "m-3m"])
def test_special_reflections_are_all_that_groups_forbid_beside_centerings(laue):
    for group in groups_of(laue):
        allowed = GRID[allowed_by_centering(GRID, symbol(group)[0])]
        assert is_special(allowed[is_absent(group, allowed)]).all()


def test_settings_of_a_group_are_counted():
    exchanged = np.array([[0, 0, 1], [0, -1, 0], [1, 0, 0]])
    settings = [np.eye(3, dtype=int), exchanged]
    hkl = np.array([[1, 0, 0], [0, 0, 1], [1, 0, 1]])
    masks = forbidden((7,), hkl, "P", settings)
    assert sorted((mask.tolist(), share) for mask, share in masks) == [
        ([False, True, True], 0.5), ([True, False, True], 0.5),
    ]  # fmt: skip
    assert [share for _, share in forbidden((3, 6, 10), hkl, "P", settings)] == [1.0]
    assert forbidden((5,), hkl, "P", settings) == []


def test_groups_of_one_face_centering_are_tried_in_other_orders():
    """Amm2 (38) of a cell whose C face is centered."""
    settings = open_settings(np.diag([5.0, 6, 7]), "C", "mmm")
    hkl = GRID[(GRID[:, 0] + GRID[:, 1]) % 2 == 0]
    masks = forbidden((38,), hkl, "C", group_settings("mmm", settings))
    assert [mask.any() for mask, _ in masks] == [False]
    # Aea2 (41): two orders of the axes that forbid different reflections.
    assert len(forbidden((41,), hkl, "C", group_settings("mmm", settings))) == 2


def test_unknown_laue_class():
    with pytest.raises(ValueError, match="laue must be one of"):
        groups_of("3/m")
