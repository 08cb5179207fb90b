"""CrystalTable: many crystals in few arrays."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

import numpy as np
import pytest
from support.crystals import NACL, cell_of
from support.random_crystals import random_crystal
from support.reference import shared

from crystalsym import Crystal
from crystalsym.crystals import SymmetryError, standardize
from crystalsym.datasets import CrystalTable

GROUPS = [2, 14, 62, 136, 166, 225]
CRYSTALS = [random_crystal(n, np.random.default_rng(n)) for n in GROUPS]


@pytest.fixture
def table():
    return CrystalTable.from_crystals(CRYSTALS, space_group=GROUPS)


def assert_equal(one: Crystal, two: Crystal) -> None:
    assert np.allclose(one.lattice, two.lattice)
    # The table keeps coordinates in single precision.
    assert np.allclose(one.frac_coords, two.frac_coords, atol=1e-7)
    assert one.atomic_numbers.tolist() == two.atomic_numbers.tolist()
    assert one.name == two.name


def test_reads_like_a_list(table):
    assert isinstance(table, Sequence)
    assert len(table) == 6
    for index, crystal in enumerate(table):
        assert_equal(crystal, CRYSTALS[index])
    assert_equal(table[-1], CRYSTALS[-1])
    assert_equal(table[np.int64(2)], CRYSTALS[2])
    with pytest.raises(IndexError, match="crystal 6 of 6"):
        table[6]
    with pytest.raises(IndexError, match="crystal -7 of 6"):
        table[-7]


@pytest.mark.parametrize(
    "index",
    [[4, 0, 4], slice(1, None, 2), np.array(GROUPS) > 100, [], np.array([5, 1]), [-1]],
    ids=["list", "slice", "mask", "none", "array", "negative"],
)
def test_parts_are_tables(table, index):
    part = table[index]
    rows = np.arange(6)[index]
    assert isinstance(part, CrystalTable)
    assert len(part) == len(rows)
    assert part.space_group.tolist() == [GROUPS[row] for row in rows]
    for crystal, row in zip(part, rows, strict=True):
        assert_equal(crystal, CRYSTALS[row])


def test_save_and_load(table, tmp_path):
    path = tmp_path / "table.npz"
    table.save(path)
    assert [file.name for file in tmp_path.iterdir()] == ["table.npz"]
    loaded = CrystalTable.load(path)
    assert loaded.space_group.tolist() == GROUPS
    assert not loaded.standard
    for one, two in zip(loaded, table, strict=True):
        assert one.digest() == two.digest()
        assert one.name == two.name


def test_standard_mark_is_kept(table, tmp_path):
    standard = table.standardized(symprec=0.01)
    standard.save(tmp_path / "standard.npz")
    loaded = CrystalTable.load(tmp_path / "standard.npz")
    assert loaded.standard
    assert loaded[0].standard
    assert loaded[[0, 1]].standard
    assert loaded.standardized() is loaded


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_standardized_crystals_are_the_standard_ones(table, n_jobs):
    standard = table.standardized(symprec=0.01, n_jobs=n_jobs)
    assert standard.standard
    assert standard.space_group.tolist() == GROUPS
    assert standard.names.tolist() == table.names.tolist()
    for crystal, one in zip(standard, CRYSTALS, strict=True):
        expected = standardize(one, 0.01)
        assert len(crystal) == len(expected)
        assert cell_of(crystal.lattice) == pytest.approx(cell_of(expected.lattice), abs=1e-4)


def test_standard_crystals_may_stay_as_distorted_as_they_were():
    strained = NACL.replace(lattice=NACL.lattice * [1, 1, 1.001])
    table = CrystalTable.from_crystals([strained])
    assert cell_of(table.standardized()[0].lattice)[:3] == pytest.approx([5.6419] * 3, abs=1e-4)
    given = table.standardized(idealize=False)
    assert given.standard
    assert np.sort(cell_of(given[0].lattice)[:3]) == pytest.approx([5.64, 5.64, 5.64564])


def test_standardizing_names_what_it_cannot_do():
    broken = Crystal(np.eye(3) * 4, [[0, 0, 0], [0, 0, 0.001]], [26, 26], name="doubled iron")
    table = CrystalTable.from_crystals([NACL, broken])
    with pytest.raises(SymmetryError, match="doubled iron"):
        table.standardized()


def test_crystals_without_names_get_their_formula():
    table = CrystalTable.from_crystals([NACL.replace(name=None)])
    assert table[0].name == "Cl4Na4"


def test_partial_occupancy_has_no_place():
    with pytest.raises(ValueError, match="NaCl: has partly occupied sites"):
        CrystalTable.from_crystals([NACL.replace(occupancies=[0.5] * 8)])


def test_crystals_far_from_the_origin_keep_their_places():
    """Single precision holds seven digits, those before the point included."""
    far = NACL.replace(frac_coords=NACL.frac_coords + np.array([20_000, -30_000, 10]))
    drifted = NACL.frac_coords.copy()
    drifted[3] += [40_000, 0, -20_000]
    table = CrystalTable.from_crystals([far, NACL.replace(frac_coords=drifted), NACL])
    for crystal in table:
        shift = crystal.frac_coords - NACL.frac_coords
        assert np.abs(shift - np.round(shift)).max() < 1e-6
    assert np.array_equal(table[2].frac_coords, NACL.frac_coords.astype(np.float32))


def test_empty_table():
    empty = CrystalTable.from_crystals([])
    assert len(empty) == 0
    assert list(empty) == []
    assert len(empty.standardized()) == 0


def test_pickle(table):
    copy = pickle.loads(pickle.dumps(table))
    assert [c.digest() for c in copy] == [c.digest() for c in table]


CELLS = np.eye(3)[None].repeat(2, axis=0) * 4.0
GOOD = {
    "lattice": CELLS,
    "site_offsets": [0, 1, 3],
    "frac_coords": np.arange(9).reshape(3, 3) / 9,
    "atomic_numbers": np.array([29, 30, 98], np.uint8),
    "names": ["one", "two"],
    "space_group": [1, 2],
}


def changed(column, place, value):
    array = np.array(GOOD[column], dtype=None if column == "names" else np.float64)
    array[place] = value
    return {column: array if column in ("lattice", "frac_coords") else array.astype(np.int64)}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"site_offsets": [0, 3]}, r"2 lattices need a 'site_offsets' of shape \(3,\), got \(2,\)"),
        ({"site_offsets": [0, 1, 4]}, "site offsets end at 4, but there are 3 sites"),
        ({"site_offsets": [1, 2, 3]}, "site offsets must begin at 0, not at 1"),
        ({"site_offsets": [0, 3, 3]}, r"crystal 1 \(two\): site offsets must rise, but 3 is"),
        ({"site_offsets": np.array([0, 5, 3], np.uint32)}, "but 5 is followed by 3"),
        ({"site_offsets": [0.0, 1.5, 3.0]}, "'site_offsets' must be integers, not float64"),
        ({"lattice": CELLS[:, :2]}, r"need a 'lattice' of shape \(2, 3, 3\), got \(2, 2, 3\)"),
        ({"frac_coords": np.zeros((2, 3))}, r"3 sites need a 'frac_coords' of shape \(3, 3\)"),
        ({"frac_coords": np.zeros((3, 3), complex)}, "'frac_coords' must be real numbers"),
        ({"atomic_numbers": [[29, 30, 8]]}, "'frac_coords' of shape"),
        ({"atomic_numbers": [29.0, 30.0, 8.5]}, "'atomic_numbers' must be integers"),
        ({"names": ["one"]}, r"2 lattices need a 'names' of shape \(2,\), got \(1,\)"),
        ({"space_group": [1, 2, 3]}, "2 lattices need a 'space_group'"),
        (changed("lattice", (1, 0, 0), np.nan), r"crystal 1 \(two\): a lattice vector is not fin"),
        (changed("lattice", (1, 0, 0), 0.0), r"crystal 1 \(two\): the lattice vectors span no"),
        (changed("frac_coords", (2, 1), np.inf), r"crystal 1 \(two\): the coordinates of site 1"),
        (changed("atomic_numbers", 0, 0), r"crystal 0 \(one\): site 0 has atomic number 0, and"),
        (changed("atomic_numbers", 2, 250), r"crystal 1 \(two\): site 1 has atomic number 250"),
        (changed("atomic_numbers", 1, 99), "factors are known for 1 to 98"),
        (changed("atomic_numbers", 1, -26), "has atomic number -26"),
    ],
)
def test_arrays_that_are_no_crystals_are_refused(change, reason, tmp_path):
    """An atomic number of 250 was read from beyond the table of scattering factors."""
    assert len(CrystalTable(**GOOD)) == 2
    with pytest.raises(ValueError, match=reason):
        CrystalTable(**{**GOOD, **change})
    np.savez(tmp_path / "bad.npz", **{**GOOD, **change})
    with pytest.raises(ValueError, match=rf"bad\.npz: .*{reason}"):
        CrystalTable.load(tmp_path / "bad.npz")


def test_a_row_without_a_name_is_named_by_its_place():
    bad = {**GOOD, "names": None, **changed("atomic_numbers", 2, 250)}
    with pytest.raises(ValueError, match=r"^crystal 1: site 1 has atomic number 250"):
        CrystalTable(**bad)


def test_files_that_are_no_tables(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.npz: no such file"):
        CrystalTable.load(tmp_path / "none.npz")
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK not a zip")
    with pytest.raises(ValueError, match=r"broken\.npz: not a readable npz file"):
        CrystalTable.load(broken)
    other = tmp_path / "other.npz"
    np.savez(other, lattice=np.zeros((0, 3, 3)))
    with pytest.raises(ValueError, match=r"other\.npz: .*'site_offsets' is missing"):
        CrystalTable.load(other)


def test_materials_project_file():
    table = CrystalTable.load(shared("data/materials_project.npz"))
    assert len(table) == 116_717
    assert table.space_group.min() >= 1
    assert table.space_group.max() <= 230
    assert table.names[0].startswith("mp-")
    assert len(table[12345]) == table.site_offsets[12346] - table.site_offsets[12345]
