"""Every setting of the table, by each way a file may name it."""

from __future__ import annotations

import warnings
from collections import Counter

import gemmi
import numpy as np
import pytest
from support.cif_text import cell_of, cif_text

from crystalsym.crystals import StructureWarning, as_crystal, space_group_number
from crystalsym.crystals._setting_symbols import settings_named

SETTINGS = list(gemmi.spacegroup_table())
PLACES = np.array([[0.1613, 0.2117, 0.0771], [0.3391, 0.0512, 0.4127], [0.0419, 0.4411, 0.2713]])
ATOMS = [
    f"{label}1 {label} " + " ".join(f"{x:.7f}" for x in place)
    for label, place in zip(("Fe", "O", "S"), PLACES, strict=True)
]


def read(tmp_path, setting, *lines):
    path = tmp_path / "setting.cif"
    path.write_text(cif_text(cell_of(setting), ATOMS, *lines))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        crystal = as_crystal(path)
    return crystal, [str(w.message) for w in caught if w.category is StructureWarning]


def has_orbits_of(crystal, setting) -> bool:
    """Is the crystal what the setting's operations make of the three places?"""
    operations = list(setting.operations())
    if len(crystal) != 3 * len(operations):
        return False
    for z, place in zip((26, 8, 16), PLACES, strict=True):
        expected = np.array([op.apply_to_xyz(place.tolist()) for op in operations])
        found = crystal.frac_coords[crystal.atomic_numbers == z]
        away = expected[:, None] - found
        away -= np.round(away)
        if not (np.abs(away).max(axis=2).min(axis=1) < 1e-5).all():
            return False
    return True


def test_hermann_mauguin_with_extension(tmp_path):
    for setting in SETTINGS:
        crystal, notes = read(tmp_path, setting, f"_space_group_name_H-M_alt '{setting.xhm()}'")
        assert has_orbits_of(crystal, setting), setting.xhm()
        # A supercell's setting apart, nothing is left to guess.
        assert not [note for note in notes if "apart" not in note], setting.xhm()


def test_hall_alone(tmp_path):
    for setting in SETTINGS:
        line = f"_space_group_name_Hall\n;{setting.hall}\n;"  # some hold both kinds of quotes
        crystal, _ = read(tmp_path, setting, line)
        assert has_orbits_of(crystal, setting), setting.hall


def test_hermann_mauguin_alone(tmp_path):
    """Without extension: right by the cell, or one of two origins with a word."""
    for setting in SETTINGS:
        crystal, notes = read(tmp_path, setting, f"_symmetry_space_group_name_H-M '{setting.hm}'")
        same = [s for s in SETTINGS if s.hm == setting.hm]
        if setting.ext in ("1", "2"):
            assert any(has_orbits_of(crystal, s) for s in same), setting.xhm()
            assert any("leaves open which setting" in note for note in notes)
        else:
            assert has_orbits_of(crystal, setting), setting.xhm()


def test_short_symbols(tmp_path):
    counts = Counter(setting.short_name() for setting in SETTINGS)
    taken = 0
    for setting in SETTINGS:
        symbol = setting.short_name()
        if counts[symbol] > 1:
            continue
        crystal, _ = read(tmp_path, setting, f"_symmetry_space_group_name_H-M '{symbol}'")
        assert has_orbits_of(crystal, setting), symbol
        taken += 1
    assert taken > 300


@pytest.mark.parametrize(
    ("symbol", "axis", "expected"),
    [
        ("P 21/b", "c", "P 1 1 21/b"),
        ("P 21/n", "c", "P 1 1 21/n"),
        ("P 21/n", "a", "P 21/n 1 1"),
        ("P 21/c", "b", "P 1 21/c 1"),
        ("P21/c", "a", "P 21/c 1 1"),
        ("C 2", "b", "C 1 2 1"),
        ("B 2/b", "c", "B 1 1 2/b"),
    ],
)
def test_short_monoclinic_symbols_follow_the_cell(tmp_path, symbol, axis, expected):
    setting = gemmi.find_spacegroup_by_name(expected)
    assert setting.monoclinic_unique_axis() == axis
    crystal, _ = read(tmp_path, setting, f"_symmetry_space_group_name_H-M '{symbol}'")
    assert has_orbits_of(crystal, setting)


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("F 4/m -3 2/m", "F m -3 m"),
        ("P 21/n 21/m 21/a", "P n m a"),
        ("P 42/m 21/b 2/c", "P 42/m b c"),
        ("R -3 2/m :H", "R -3 m:H"),
        ("I 41/a -3 2/d", "I a -3 d"),
        ("Fd3m:2", "F d -3 m:2"),
        ("F d -3 m S", "F d -3 m:1"),
        ("F d -3 m Z", "F d -3 m:2"),
        ("FD-3MZ", "F d -3 m:2"),
        ("P n n n (origin choice 1)", "P n n n:1"),
        ("H -3 c :H", "R -3 c:H"),
        ("C m c e", "C m c a"),
        ("P2(1)/c :b1", "P 1 21/c 1"),
        ("P 2_1 2_1 2_1", "P 21 21 21"),
        ("P n m a :1", "P n m a"),
    ],
)
def test_spellings(symbol, expected):
    assert [setting.xhm() for setting in settings_named(symbol)] == [expected]


@pytest.mark.parametrize("symbol", ["banana", "", "P 5", "Q m m m", "P n m a :H"])
def test_what_is_no_symbol(symbol):
    assert settings_named(symbol) == []


@pytest.mark.parametrize("number", [3, 14, 15, 62, 70, 142, 148, 166, 203, 227])
def test_number_alone(tmp_path, number):
    setting = gemmi.get_spacegroup_reference_setting(number)
    crystal, _ = read(tmp_path, setting, f"_space_group_IT_number {number}")
    assert has_orbits_of(crystal, setting)
    assert space_group_number(crystal, 0.001) == number
