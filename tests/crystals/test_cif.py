"""CIF files as authors write them: read whole, with a word on each guess, or refused by name."""

from __future__ import annotations

import gzip
import warnings

import numpy as np
import pytest
from support.cif_text import NACL_ATOMS, NACL_CELL, ROCK_SALT, cif_text, operations_of

from crystalsym.crystals import StructureWarning, as_crystal, space_group_number, standardize

CORUNDUM = (4.757, 4.757, 12.988, 90, 90, 120)
CORUNDUM_ATOMS = ("Al1 Al 0 0 0.3522", "O1 O 0.3063 0 0.25")
OCCUPIED = "label type_symbol occupancy fract_x fract_y fract_z"
LABELS = "label fract_x fract_y fract_z"


@pytest.fixture
def read(tmp_path):
    """Read a text; gives the crystal and its notes, which are the warnings, too."""

    def call(text, block=None, name="test.cif"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            crystal = as_crystal(path, block=block)
        said = [str(w.message) for w in caught if w.category is StructureWarning]
        assert said == [f"{path}: {note}" for note in crystal.notes]
        return crystal, list(crystal.notes)

    return call


@pytest.fixture
def refused(read):
    """The one line with which a text is refused."""

    def call(text, **options):
        with pytest.raises(ValueError, match=r"test\.cif: no readable crystal structure") as caught:
            read(text, **options)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return call


def group(crystal) -> int:
    return space_group_number(crystal, fallback=False)


# --- symmetry -----------------------------------------------------------------------------------


@pytest.mark.parametrize("symbol", ["R -3 m", "R -3 m :R", "R-3mR", "R -3 m :H"])
def test_rhombohedral_axes(read, symbol):
    bismuth = cif_text(
        (4.746, 4.746, 4.746, 57.23, 57.23, 57.23),
        ["Bi1 Bi 0.2339 0.2339 0.2339"],
        f"_symmetry_space_group_name_H-M '{symbol}'",
    )
    crystal, notes = read(bismuth)
    assert (crystal.formula, group(crystal)) == ("Bi2", 166)
    assert bool(notes) == (":H" in symbol)  # which contradicts the cell


@pytest.mark.parametrize(
    "line",
    [
        "_symmetry_space_group_name_H-M 'R -3 c'",
        "_symmetry_space_group_name_H-M 'R -3 c :H'",
        "_space_group_name_H-M_alt 'H -3 c'",
        "_space_group_IT_number 167",
        "_symmetry_Int_Tables_number 167",
        "_symmetry_space_group_name_Hall '-R 3 2\"c'",
    ],
)
def test_hexagonal_axes(read, line):
    crystal, notes = read(cif_text(CORUNDUM, CORUNDUM_ATOMS, line))
    assert (len(crystal), group(crystal), notes) == (30, 167, [])


@pytest.mark.parametrize("place", [0, 0.125])
@pytest.mark.parametrize("stated", [(), ("_chemical_formula_sum C", "_cell_formula_units_Z 8")])
def test_origin_left_open_is_settled_by_the_atoms(read, place, stated):
    diamond = cif_text(
        (3.567, 3.567, 3.567, 90, 90, 90),
        [f"C1 C {place} {place} {place}"],
        "_symmetry_space_group_name_H-M 'F d -3 m'",
        *stated,
    )
    crystal, notes = read(diamond)
    assert (crystal.formula, group(crystal)) == ("C8", 227)
    assert len(notes) == 1
    assert f"F d -3 m:{2 if place else 1} fits best" in notes[0]


def test_stated_content_overrules_the_fewest_atoms(read):
    lines = (
        "_symmetry_space_group_name_H-M 'F d -3 m'",
        "_chemical_formula_sum C",
        "_cell_formula_units_Z 16",
    )
    crystal, _ = read(cif_text((5.2, 5.2, 5.2, 90, 90, 90), ["C1 C 0 0 0"], *lines))
    assert crystal.formula == "C16"


def test_symbol_against_too_few_operations(read):
    crystal, notes = read(cif_text(NACL_CELL, NACL_ATOMS, ROCK_SALT, operations=["x,y,z"]))
    assert (crystal.formula, group(crystal)) == ("Cl4Na4", 225)
    assert "'F m -3 m' contradicts the 1 operations listed (group 1)" in notes[0]


def test_stale_symbol_of_a_whole_cell(read):
    """A distorted cell listed in full: its symbol would put atoms upon each other."""
    atoms = ["Na1 Na 0.01 0 0.003", "Na2 Na 0.5 0.52 0", "Na3 Na 0.5 0 0.49",
             "Na4 Na 0 0.5 0.5", "Cl1 Cl 0.5 0.5 0.5",
             "Cl2 Cl 0.5 0 0", "Cl3 Cl 0 0.51 0", "Cl4 Cl 0 0 0.5"]  # fmt: skip
    crystal, notes = read(cif_text(NACL_CELL, atoms, ROCK_SALT, operations=["x,y,z"]))
    assert crystal.formula == "Cl4Na4"
    assert "the 1 operations listed fits best" in notes[0]


def test_content_decides_between_symbol_and_operations(read):
    stated = ("_chemical_formula_sum 'Na Cl'", "_cell_formula_units_Z 1")
    crystal, notes = read(
        cif_text(NACL_CELL, NACL_ATOMS, ROCK_SALT, *stated, operations=operations_of("P m -3 m"))
    )
    assert crystal.formula == "Cl1Na1"
    assert "contradicts the 48 operations listed (group 221)" in notes[0]


def test_operations_in_another_setting_than_the_symbol(read):
    ops = operations_of("P 1 21/n 1")
    atoms = ["Fe1 Fe 0.11 0.23 0.37", "O1 O 0.31 0.41 0.07"]
    text = cif_text(
        (5, 6, 7, 90, 105, 90), atoms, "_symmetry_space_group_name_H-M 'P 1 21/c 1'", operations=ops
    )
    crystal, notes = read(text)
    assert (len(crystal), group(crystal)) == (8, 14)
    assert "another setting" in notes[0]


def test_symbol_against_number(read):
    lines = ("_symmetry_space_group_name_H-M 'P m -3 m'", "_symmetry_Int_Tables_number 225")
    stated = ("_chemical_formula_sum 'Na Cl'", "_cell_formula_units_Z 4")
    crystal, notes = read(cif_text(NACL_CELL, NACL_ATOMS, *lines, *stated))
    assert crystal.formula == "Cl4Na4"
    assert "against _space_group_IT_number 225" in notes[0]


def test_hall_symbol_against_the_other(read):
    lines = ("_symmetry_space_group_name_Hall '-P 4 2 3'", ROCK_SALT)
    stated = ("_chemical_formula_sum 'Na Cl'", "_cell_formula_units_Z 4")
    crystal, notes = read(cif_text(NACL_CELL, NACL_ATOMS, *lines, *stated))
    assert crystal.formula == "Cl4Na4"
    assert notes == [
        "Hall symbol '-P 4 2 3' against symbol 'F m -3 m'; F m -3 m fits best and is used"
    ]
    crystal, notes = read(cif_text(NACL_CELL, NACL_ATOMS, "_space_group_name_Hall 'x'", ROCK_SALT))
    assert (crystal.formula, notes) == ("Cl4Na4", ["Hall symbol 'x' is not understood"])


def test_operations_that_are_not_all_listed(read):
    text = cif_text(NACL_CELL, NACL_ATOMS, operations=operations_of("F m -3 m")[:100])
    crystal, notes = read(text)
    assert group(crystal) == 225
    assert "of 192 symmetry operations 100 are listed" in notes[0]


def test_content_that_is_not_the_formula(read):
    lines = (ROCK_SALT, "_chemical_formula_sum 'Na Cl2'", "_cell_formula_units_Z 4")
    _, notes = read(cif_text(NACL_CELL, NACL_ATOMS, *lines))
    assert notes == ["the cell holds Na4 Cl4, but Na4 Cl8 by the formula stated"]


def test_no_symmetry_at_all(read):
    crystal, notes = read(cif_text())
    assert len(crystal) == 2
    assert "no symmetry given" in notes[0]


def test_cell_without_the_symmetry_of_its_operations(read):
    ops = operations_of("P m -3 m")
    _, notes = read(cif_text((4, 4, 5, 90, 90, 90), NACL_ATOMS, operations=ops))
    assert any("does not have the symmetry" in note for note in notes)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("_symmetry_space_group_name_H-M 'banana'", "'banana' is no space group's symbol"),
        ("_space_group_IT_number 231", "_symmetry_Int_Tables_number|_space_group_IT_number is 231"),
        ("loop_\n_symmetry_equiv_pos_as_xyz\n'x,y'", "'x,y' is no symmetry operation"),
        ("loop_\n_symmetry_equiv_pos_as_xyz\n'x,x,z'", "'x,x,z' is no symmetry operation"),
        ("loop_\n_symmetry_equiv_pos_as_xyz\n'x+1/7,y,z'", r"x\+1/7,y,z"),
    ],
)
def test_symmetry_that_cannot_be_read(refused, line, reason):
    import re

    assert re.search(reason, refused(cif_text(NACL_CELL, NACL_ATOMS, line)))


# --- positions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("third", "said"), [("0.33", True), ("0.333", True), ("0.33333", False)])
def test_truncated_thirds(read, third, said):
    two_thirds = f"{1 - float(third):.{len(third) - 2}f}"
    text = cif_text(
        (3.602, 3.602, 5.009, 90, 90, 120),
        ["Ni1 Ni 0 0 0", f"As1 As {third} {two_thirds} 0.25"],
        operations=operations_of("P 63/m m c"),
    )
    crystal, notes = read(text)
    assert (crystal.formula, group(crystal)) == ("As2Ni2", 194)
    place = crystal.frac_coords[crystal.atomic_numbers == 33][0]
    assert abs((place % 1)[:2].min() - 1 / 3) < 1e-6 or not said
    assert [note for note in notes if "As1: moved by up to" in note] == notes
    assert bool(notes) == said


def test_two_units_of_the_last_digit(read):
    """z = 0.2498 lies on the mirror at 1/4, z = 0.2497 beside it."""
    perovskite = (4.775, 4.929, 6.897, 90, 90, 90)
    counts = []
    for z in ("0.2498", "0.2497"):
        atoms = ["Si1 Si 0.5 0 0.5", f"Mg1 Mg 0.5141 0.5560 {z}"]
        crystal, _ = read(cif_text(perovskite, atoms, operations=operations_of("P b n m")))
        counts.append(len(crystal))
    assert counts == [8, 12]


def test_nothing_is_moved_farther_than_allowed(read):
    """Two decimals of a long edge leave more room than 0.05 Å."""
    text = cif_text(
        (30, 30, 5, 90, 90, 120), ["As1 As 0.33 0.67 0.25"], operations=operations_of("P 63/m m c")
    )
    crystal, notes = read(text)
    assert len(crystal) == 6
    assert any("apart" in note for note in notes)


def test_exact_fractions_do_not_blur_a_split_site(read):
    """The digits of 0.5 say nothing of those of 0.50401."""
    text = cif_text(
        NACL_CELL, ["Cl1 Cl 0.16667 0.5 0.5 0.50401"], columns=OCCUPIED,
        operations=operations_of("F m -3 m"),
    )  # fmt: skip
    assert len(read(text)[0]) == 24


def test_atoms_listed_twice(read):
    places = [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)]
    atoms = [f"Na{i} Na {x} {y} {z}" for i, (x, y, z) in enumerate(places)]
    atoms += [f"Cl{i} Cl {x + 0.5} {y} {z}" for i, (x, y, z) in enumerate(places)]
    crystal, notes = read(cif_text(NACL_CELL, atoms, operations=operations_of("F m -3 m")))
    assert (crystal.formula, group(crystal)) == ("Cl4Na4", 225)
    assert "Na1" in notes[0]
    assert "taken once" in notes[0]


def test_images_too_near_to_be_two_atoms(read):
    """Six digits say that z is not 1/4; atoms of a list may be rounded otherwise."""
    cell = (7.5, 6.1, 5.2, 90, 90, 90)
    text = cif_text(cell, ["Fe1 Fe 0 0 0.246094"], operations=operations_of("A b m m"))
    crystal, notes = read(text)
    assert len(crystal) == 8
    assert any("0.041 Å apart" in note for note in notes)
    atoms = [f"Fe{i} Fe {x:.9f} {y:.9f} {z:.9f}" for i, (x, y, z) in enumerate(crystal.frac_coords)]
    crystal, notes = read(cif_text(cell, atoms, "_symmetry_space_group_name_H-M 'P 1'"))
    assert len(crystal) == 4
    assert any("listed twice, taken once" in note for note in notes)


def test_partial_atoms_listed_twice(read):
    atoms = ["Cu1 Cu 0.5 0 0 0", "Cu2 Cu 0.5 0.5 0.5 0.5"]
    text = cif_text(NACL_CELL, atoms, columns=OCCUPIED, operations=operations_of("I m -3 m"))
    crystal, notes = read(text)
    assert crystal.formula == "Cu1"
    assert "Cu2" in notes[0]


@pytest.mark.parametrize("offset", [0.0003, 0.003])
def test_shared_site_whose_places_differ(read, offset):
    spinel = (8.392, 8.392, 8.392, 90, 90, 90)
    x = f"{0.125 + offset:.4f}"
    atoms = ["Mg1 Mg 0.5 0.125 0.125 0.125", f"Fe1 Fe 0.5 {x} {x} {x}",
             "Al1 Al 1 0.5 0.5 0.5", "O1 O 1 0.2624 0.2624 0.2624"]  # fmt: skip
    for rows in (atoms, atoms[::-1]):  # the special position is the better, whichever is first
        text = cif_text(spinel, rows, columns=OCCUPIED, operations=operations_of("F d -3 m:2"))
        crystal, notes = read(text)
        assert (crystal.formula, group(crystal)) == ("Fe4Al16Mg4O32", 227)
        assert "Mg1" in notes[0]
        assert "Fe1" in notes[0]


def test_two_whole_atoms_on_one_place(refused):
    atoms = ["Na1 Na 0 0 0", "K1 K 0 0 0.001"]
    message = refused(cif_text(NACL_CELL, atoms, ROCK_SALT))
    assert "Na1/K1: one site (0, 0, 0) is occupied 2 times" in message


@pytest.mark.parametrize("blank", ["?", "."])
def test_atoms_without_coordinates(read, blank):
    atoms = [*NACL_ATOMS, f"H1 H {blank} {blank} {blank}"]
    crystal, notes = read(cif_text(NACL_CELL, atoms, ROCK_SALT))
    assert (crystal.formula, notes) == ("Cl4Na4", ["H1: without coordinates, left out"])


def test_atom_with_half_its_coordinates(refused):
    message = refused(cif_text(NACL_CELL, ["Na1 Na 0 0 0", "O1 O ? 0.5 0.25"], ROCK_SALT))
    assert "block 'test': _atom_site_fract_x of atom 'O1' is '?'" in message


def test_dummy_atoms(read):
    text = cif_text(
        NACL_CELL, ["Na1 Na d 0 0 0", "Cl1 Cl d 0.5 0.5 0.5", "Q1 H dum 0.3 0.3 0.3"], ROCK_SALT,
        columns="label type_symbol calc_flag fract_x fract_y fract_z",
    )  # fmt: skip
    assert read(text)[1] == ["Q1: dummy atoms, left out"]


# --- occupancies --------------------------------------------------------------------------------


@pytest.mark.parametrize(("blank", "said"), [(".", False), ("?", True)])
def test_occupancy_not_given(read, blank, said):
    atoms = [f"Sr1 Sr {blank} 0 0 0", "Ti1 Ti 1 0.5 0.5 0.5", f"O1 O {blank} 0.5 0.5 0"]
    text = cif_text((3.9, 3.9, 3.9, 90, 90, 90), atoms, "_space_group_IT_number 221",
                    columns=OCCUPIED)  # fmt: skip
    crystal, notes = read(text)
    assert (crystal.formula, group(crystal)) == ("Sr1Ti1O3", 221)
    assert notes == (["Sr1, O1: occupancy unknown, taken as 1"] if said else [])


@pytest.mark.parametrize(
    ("occupancies", "said"),
    [((0.3333, 0.3333, 0.3333), 0), ((0.3333, 0.3334, 0.3334), 1), ((0.53, 0.5), 1), ((1.003,), 1)],
)
def test_occupancies_that_add_up_to_about_one(read, occupancies, said):
    atoms = [
        f"{element}1 {element} {occupancy} 0 0 0"
        for element, occupancy in zip(("Fe", "Co", "Ni"), occupancies, strict=False)
    ]
    crystal, notes = read(cif_text(NACL_CELL, atoms, ROCK_SALT, columns=OCCUPIED))
    assert group(crystal) == 225
    assert crystal.occupancies.sum() == pytest.approx(4 * min(1, sum(occupancies)))
    assert len(notes) == said


def test_parts_of_one_element_are_one(read):
    atoms = ["Fe1 Fe 0.33333 0 0 0", "Fe2 Fe 0.33333 0 0 0", "Fe3 Fe 0.33334 0 0 0"]
    crystal, notes = read(cif_text(NACL_CELL, atoms, ROCK_SALT, columns=OCCUPIED))
    assert (crystal.formula, len(crystal), notes) == ("Fe4", 4, [])


@pytest.mark.parametrize("occupancy", ["1.2", "-0.1", "100", "half"])
def test_impossible_occupancy(refused, occupancy):
    message = refused(
        cif_text(NACL_CELL, [f"Fe1 Fe {occupancy} 0 0 0"], ROCK_SALT, columns=OCCUPIED)
    )
    assert "_atom_site_occupancy of atom 'Fe1'" in message


def test_empty_site(read):
    atoms = ["Fe1 Fe 1 0 0 0", "O1 O 0 0.5 0.5 0.5"]
    crystal, notes = read(cif_text(NACL_CELL, atoms, ROCK_SALT, columns=OCCUPIED))
    assert (crystal.formula, notes) == ("Fe4", ["O1: occupancy 0, left out"])


# --- elements -----------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["OH", "Oh1", "O-H", "Wat", "OW", "H2O"])
def test_oxygen_with_hydrogen_in_its_label(read, label):
    atoms = ["Mg 0 0 0", f"{label} 0.33333 0.66667 0.22"]
    cell = (3.142, 3.142, 4.766, 90, 90, 120)
    text = cif_text(cell, atoms, "_space_group_IT_number 164", columns=LABELS)
    crystal, notes = read(text)
    assert (crystal.formula, group(crystal)) == ("Mg1O2", 164)
    assert any("hydrogen of hydroxyl or water" in note for note in notes)


@pytest.mark.parametrize(
    ("labels", "formula", "expected", "said"),
    [
        (("O1", "HO1"), "", [8, 1], True),  # the hydrogen of O1
        (("O1", "Ho1"), "", [8, 67], False),
        (("O1", "HO1"), "Ho O", [8, 67], False),
        (("O1", "HO1"), "O H", [8, 1], False),
        (("Fe1", "CA1"), "", [26, 6], True),  # this author writes Fe, so CA is no calcium
        (("FE1", "CA1"), "", [26, 20], True),
        (("FE1", "CA1"), "Fe Ca", [26, 20], False),
        (("CA1", "C1"), "Ca C", [20, 6], True),
        (("Mg", "W1"), "Mg O H", [12, 8], True),  # water
        (("Mg", "W1"), "Mg W", [12, 74], False),
        (("Na1+", "Cl1-"), "", [11, 17], False),
        (("AlT1", "OA1"), "", [13, 8], True),
        (("D1", "O1"), "", [1, 8], False),
    ],
)
def test_elements_by_label(read, labels, formula, expected, said):
    lines = [f"_chemical_formula_sum '{formula}'"] if formula else []
    atoms = [f"{labels[0]} 0 0 0", f"{labels[1]} 0.5 0.5 0.5"]
    crystal, notes = read(cif_text(NACL_CELL, atoms, "_space_group_IT_number 221", *lines,
                                   columns=LABELS))  # fmt: skip
    assert sorted(crystal.atomic_numbers.tolist()) == sorted(expected)
    assert any("names no element plainly" in note or "hydrogen" in note for note in notes) == said


@pytest.mark.parametrize("label", ["M1", "X1", "Dum1", "Vac", "?", "12"])
def test_label_without_element(refused, label):
    message = refused(
        cif_text(NACL_CELL, [f"{label} 0 0 0"], "_space_group_IT_number 221", columns=LABELS)
    )
    assert "names no element; give each atom a _atom_site_type_symbol" in message


@pytest.mark.parametrize(
    ("symbol", "z"), [("Fe3+", 26), ("FE", 26), ("Fe+3", 26), ("O2-", 8), ("D", 1), ("O1-", 8)]
)
def test_type_symbols(read, symbol, z):
    crystal, notes = read(cif_text(NACL_CELL, [f"Xy1 {symbol} 0 0 0"], ROCK_SALT))
    assert set(crystal.atomic_numbers.tolist()) == {z}
    assert notes == []


# --- numbers and spelling -----------------------------------------------------------------------


@pytest.mark.parametrize("x", ["0.33333(2)", "3.33333E-01", ".33333", "+0.33333", "0.33333(0)"])
def test_forms_of_numbers(read, x):
    atoms = ["Ni1 Ni 0 0 0", f"As1 As {x} 0.66667 0.25"]
    crystal, notes = read(
        cif_text((3.602, 3.602, 5.009, 90, 90, 120), atoms, "_space_group_IT_number 194")
    )
    assert (group(crystal), notes) == (194, [])


@pytest.mark.parametrize("sign", ["\u2212", "\u2013"])
def test_typographic_minus(read, sign):
    atoms = ["Ni1 Ni 0 0 0", f"As1 As {sign}0.66667 0.66667 0.25"]
    crystal, notes = read(
        cif_text((3.602, 3.602, 5.009, 90, 90, 120), atoms, "_space_group_IT_number 194")
    )
    assert group(crystal) == 194
    assert notes == ["1 typographic minus signs are read as minus"]


@pytest.mark.parametrize(
    ("x", "advice"), [("0,333", "decimal point"), ("1/3", "not a fraction"), ("1e999", "range")]
)
def test_what_is_no_number(refused, x, advice):
    message = refused(cif_text(NACL_CELL, ["Na1 Na 0 0 0", f"Cl1 Cl {x} 0 0"], ROCK_SALT))
    assert f"block 'test': _atom_site_fract_x of atom 'Cl1' is '{x}'" in message
    assert advice in message


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        lambda text: text.replace("_cell_length", "_Cell_Length").replace("fract", "Fract"),
        lambda text: text.replace("_cell_", "_cell.").replace("_atom_site_", "_atom_site."),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: (
            "#\\#CIF_2.0\n"
            + text.replace(
                "_cell_length_a",
                "_x '''two\nlines'''\n_y [1 2 [3 'a]']]\n_z {'a':1}\n_cell_length_a",
            )
        ),
        lambda text: text.replace("data_test", "data_test\n_author 'M\u00fcller'\n_note \u00e9"),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("data_test", "data_test\n_author M\u00fcller").encode("latin-1"),
    ],
    ids=["upper", "mixed", "dots", "bom", "crlf", "cif2", "accents", "utf-16", "latin-1"],
)
def test_spelling(read, change):
    crystal, notes = read(change(cif_text(NACL_CELL, NACL_ATOMS, ROCK_SALT)))
    assert (crystal.formula, group(crystal), notes) == ("Cl4Na4", 225, [])


def test_gzipped(read):
    text = gzip.compress(cif_text(NACL_CELL, NACL_ATOMS, ROCK_SALT).encode())
    assert read(text, name="test.cif.gz")[0].formula == "Cl4Na4"


def test_item_given_twice(refused):
    message = refused(cif_text(NACL_CELL, NACL_ATOMS, ROCK_SALT, "_cell_length_a 7"))
    assert "_cell_length_a is given twice" in message


# --- cell ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "item"),
    [
        ((-5, 5, 5, 90, 90, 90), "_cell_length_a is -5, needs a positive length"),
        ((5, 0, 5, 90, 90, 90), "_cell_length_b is 0"),
        ((5, 5, "?", 90, 90, 90), "_cell_length_c is missing"),
        ((5, 5, 5, 90, 190, 90), "_cell_angle_beta is 190"),
        ((5, 5, 5, 30, 30, 120), "close no cell"),
        ((1, 1, 1, 90, 90, 90), "stands for no crystal"),
    ],
)
def test_impossible_cell(refused, cell, item):
    assert item in refused(cif_text(cell, NACL_ATOMS))


def test_cell_angles_and_volume(read):
    text = cif_text((5.64, 5.64, 5.64, 90, "?", 90), NACL_ATOMS, ROCK_SALT, "_cell_volume 200")
    crystal, notes = read(text)
    assert group(crystal) == 225
    assert notes[0] == "cell angle beta not given, taken as 90°"
    assert "_cell_volume 200" in notes[1]


# --- blocks -------------------------------------------------------------------------------------

GOOD = cif_text(NACL_CELL, NACL_ATOMS, ROCK_SALT, name="good")
OTHER = cif_text((4.12, 4.12, 4.12, 90, 90, 90), ["Cs1 Cs 0 0 0", "Cl1 Cl 0.5 0.5 0.5"],
                 "_space_group_IT_number 221", name="Other")  # fmt: skip
BROKEN = cif_text(NACL_CELL, ["Zn1 Zn 0 0 banana"], ROCK_SALT, name="broken")


def test_first_of_several_blocks_with_a_word(read):
    crystal, notes = read("data_global\n_journal_year 1999\n" + GOOD + OTHER)
    assert crystal.formula == "Cl4Na4"
    assert notes == ["block 'good' is read, the first of 2; others: Other"]


@pytest.mark.parametrize("block", ["Other", "other", 2, "2"])
def test_block_asked_for(read, block):
    crystal, notes = read("data_global\n_journal_year 1999\n" + GOOD + OTHER, block)
    assert (crystal.formula, notes) == ("Cs1Cl1", [])


def test_broken_first_block_is_not_skipped(refused, read):
    assert "block 'broken': _atom_site_fract_z" in refused(BROKEN + GOOD)
    assert read(BROKEN + GOOD, "good")[0].formula == "Cl4Na4"


@pytest.mark.parametrize(("block", "said"), [("none", "but good, Other"), (3, "2 hold atoms")])
def test_block_that_is_not_there(refused, block, said):
    assert said in refused(GOOD + OTHER, block=block)


def test_block_of_something_else(tmp_path):
    with pytest.raises(ValueError, match="block='x' is for CIF files"):
        as_crystal((np.eye(3) * 4, [[0, 0, 0]], [84]), block="x")
    (tmp_path / "POSCAR").write_text("x")
    with pytest.raises(ValueError, match=r"POSCAR: block='x' is for CIF files"):
        as_crystal(tmp_path / "POSCAR", block="x")


# --- other dictionaries -------------------------------------------------------------------------


def test_magnetic_structure(read):
    lines = ("_space_group_magn.name_BNS 'P_I n'", "loop_", "_space_group_symop_magn_operation.id",
             "_space_group_symop_magn_operation.xyz", "1 x,y,z,+1", "2 -x,-y,-z,+1", "loop_",
             "_space_group_symop_magn_centering.id", "_space_group_symop_magn_centering.xyz",
             "1 x,y,z,+1", "2 x+1/2,y+1/2,z+1/2,-1")  # fmt: skip
    crystal, notes = read(
        cif_text((4, 5, 6, 80, 85, 95), ["Ni1 Ni 0 0 0", "O1 O .1 .2 .3"], *lines)
    )
    assert crystal.formula == "Ni2O4"
    assert notes == ["magnetic structure, moments and time reversal are left out"]


def test_modulated_structure(read):
    ops = [op.replace("x", "x1").replace("y", "x2").replace("z", "x3") + ",x4"
           for op in operations_of("P 4/m")]  # fmt: skip
    lines = ("_space_group_ssg_name 'P4/m(0,0,g)'", "loop_",
             "_space_group_symop_ssg_operation_algebraic", *(f"'{op}'" for op in ops))  # fmt: skip
    atoms = ["Bi1 Bi 0 0 0", "O1 O 0.1 0.3 0.2"]
    crystal, notes = read(cif_text((5.1, 5.1, 7.9, 90, 90, 90), atoms, *lines))
    assert crystal.formula == "Bi1O8"
    assert notes == ["modulated structure (superspace), its average is read"]


def test_mmcif(read):
    text = """data_TEST
_cell.length_a 5.64
_cell.length_b 5.64
_cell.length_c 5.64
_cell.angle_alpha 90.00
_cell.angle_beta 90.00
_cell.angle_gamma 90.00
_symmetry.space_group_name_H-M 'P 1'
loop_
_atom_site.group_PDB
_atom_site.id
_atom_site.type_symbol
_atom_site.label_atom_id
_atom_site.Cartn_x
_atom_site.Cartn_y
_atom_site.Cartn_z
_atom_site.occupancy
_atom_site.pdbx_PDB_model_num
HETATM 1 NA NA 0.000 0.000 0.000 1.00 1
HETATM 2 CL CL 2.820 2.820 2.820 1.00 1
HETATM 3 NA NA 0.100 0.000 0.000 1.00 2
"""
    crystal, notes = read(text)
    assert crystal.formula == "Cl1Na1"
    assert np.allclose(crystal.frac_coords[1], 0.5)
    assert notes == ["the first of 2 models is read"]


# --- what follows -------------------------------------------------------------------------------


def test_notes_stay_with_the_crystal(read):
    crystal, notes = read(GOOD + OTHER)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # said once
        assert crystal.replace(name="renamed").notes == tuple(notes)
        assert standardize(crystal).notes == tuple(notes)
    assert crystal.digest() == crystal.replace(notes=()).digest()
