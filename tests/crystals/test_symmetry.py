"""The symmetry finder: asked once, in one way, and either of two."""

from __future__ import annotations

import pickle
import sys
import warnings
from itertools import product

import numpy as np
import pytest
from support.crystals import NACL, cell_of
from support.random_crystals import disguised, primitive, random_crystal

from crystalsym.crystals import (
    Crystal,
    StructureWarning,
    SymmetryError,
    as_crystal,
    prototype,
    space_group_number,
    standardize,
    symmetric_displacements,
)
from crystalsym.crystals import _symmetry as module
from crystalsym.crystals._cell_settings import _intensities, _layer_reflections
from crystalsym.crystals._symmetry import find_symmetry, nearly_cubic
from crystalsym.datasets import CrystalTable, example_crystals

SYMPREC = 0.005
FCC = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]


@pytest.fixture
def asked(monkeypatch):
    """Names of the finders in the order they are called."""
    calls: list[str] = []
    spglib, moyo = module._ask_spglib, module._moyo

    def count(name, ask):
        def counted(*args):
            calls.append(name)
            return ask(*args)

        return counted

    monkeypatch.setattr(module, "_ask_spglib", count("spglib", spglib))
    monkeypatch.setattr(module, "_moyo", count("moyo", moyo))
    monkeypatch.setitem(module._ASK, "spglib", module._ask_spglib)
    return calls


def fresh(crystal: Crystal) -> Crystal:
    return crystal.replace(name=crystal.name)


def layers_of(crystal: Crystal) -> np.ndarray:
    """Intensities that patterns show, wherever the origin is."""
    atoms = crystal.frac_coords, crystal.atomic_numbers, crystal.occupancies
    return _intensities(_layer_reflections(), crystal.metric, *atoms)


def test_the_finder_is_asked_once_for_a_crystal(asked):
    crystal = fresh(NACL)
    standard = standardize(crystal)
    assert space_group_number(crystal) == space_group_number(standard) == 225
    assert prototype(crystal) == (225, ((4,), (4,)))
    assert standardize(crystal, idealize=False).formula == standard.formula
    assert asked == ["moyo", "moyo"]  # a cube: at two tolerances


def test_another_tolerance_is_another_question(asked):
    shaken = NACL.replace(frac_coords=NACL.frac_coords + 0.002 * np.arange(24).reshape(8, 3) ** 0.5)
    assert space_group_number(shaken, 0.2, "spglib") == 225
    assert space_group_number(shaken, 1e-4, "spglib") == 1
    standard = standardize(shaken, 0.2, finder="spglib")
    assert space_group_number(standard, 0.2, "spglib") == 225
    assert asked == ["spglib"] * 3
    assert space_group_number(standard, 0.1, "spglib") == 225
    assert asked == ["spglib"] * 4


def test_a_changed_crystal_is_asked_about_anew():
    crystal = fresh(NACL)
    assert crystal.space_group is None
    standard = standardize(crystal)
    assert crystal.space_group == standard.space_group == 225
    for known in (crystal, standard):
        other = known.replace(frac_coords=known.frac_coords * [1, 1, 0.9])
        assert other.space_group is None
        assert space_group_number(other) != 225


def test_memory_is_no_part_of_the_crystal():
    crystal = fresh(NACL)
    before, size = crystal.digest(), len(pickle.dumps(crystal))
    standard = standardize(crystal)
    assert crystal.digest() == before
    assert len(pickle.dumps(crystal)) == size
    copy = pickle.loads(pickle.dumps(standard))
    assert copy.space_group == 225
    assert copy.digest() == standard.digest()


def test_arrays_of_a_standard_crystal_cannot_be_written_to():
    standard = standardize(fresh(NACL))
    for array in (standard.lattice, standard.frac_coords, standard.atomic_numbers,
                  standard.occupancies):  # fmt: skip
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_the_finder_warns_of_nothing():
    """Regression: spglib's own deprecations were silenced by changing the filters each time."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        standardize(fresh(NACL))
        warnings.simplefilter("ignore", StructureWarning)  # ours, of atoms on one place
        with pytest.raises(SymmetryError):
            space_group_number(Crystal(np.eye(3) * 4, [[0, 0, 0], [0, 0, 1e-4]], [26, 26]))


def test_an_unknown_finder_is_refused():
    for find in (space_group_number, standardize, prototype):
        with pytest.raises(ValueError, match=r"finder must be one of .*'spglib'.*got 'findsym'"):
            find(fresh(NACL), finder="findsym")


def test_a_missing_finder_is_named(monkeypatch):
    module._moyopy.cache_clear()
    monkeypatch.setitem(sys.modules, "moyopy", None)
    for finder in ("moyo", "mixed"):
        with pytest.raises(ModuleNotFoundError, match="pip install moyopy"):
            space_group_number(fresh(NACL), finder=finder)
    assert space_group_number(fresh(NACL), finder="spglib") == 225
    module._moyopy.cache_clear()


def test_displacements_come_from_one_question(asked):
    moved = symmetric_displacements(standardize(fresh(NACL), 0.01), random_state=0)
    assert moved.standard
    assert asked == ["moyo"] * 4  # of the given and of the standard cell


@pytest.mark.parametrize("finder", ["moyo", "mixed"])
class TestMoyo:
    @pytest.fixture(autouse=True)
    def moyo(self):
        pytest.importorskip("moyopy", reason="moyo is optional: pip install moyopy")

    def test_bundled_crystals_have_the_same_groups(self, finder):
        for path in example_crystals().values():
            crystal = as_crystal(path)
            ours, theirs = standardize(crystal), standardize(fresh(crystal), finder=finder)
            assert theirs.space_group == ours.space_group, crystal.name
            assert theirs.volume == pytest.approx(ours.volume)
            if finder == "mixed":  # moyo alone may choose another c axis of a monoclinic cell
                assert cell_of(theirs.lattice) == pytest.approx(cell_of(ours.lattice), abs=1e-4)
                layers = layers_of(ours)
                assert np.abs(layers_of(theirs) - layers).max() < 1e-3 * layers.max()

    @pytest.mark.parametrize("number", [1, 14, 62, 88, 146, 166, 195, 205, 216, 220, 225, 227, 230])
    def test_any_cell_of_a_crystal_keeps_its_group(self, finder, number):
        rng = np.random.default_rng(number)
        crystal = random_crystal(number, rng)
        for cell in (crystal, primitive(crystal), disguised(crystal, rng)):
            assert space_group_number(cell, SYMPREC, finder) == number
            ideal, given = (standardize(cell, SYMPREC, i, finder) for i in (True, False))
            assert len(ideal) == len(given) == len(crystal)
            assert np.allclose(ideal.lattice, given.lattice, atol=1e-6)
            delta = ideal.frac_coords - given.frac_coords
            delta -= np.round(delta)
            assert np.abs(delta - delta.mean(axis=0)).max() < 1e-4

    def test_mixed_sites_keep_their_content(self, finder):
        alloy = Crystal(np.eye(3) * 3.6, FCC * 2, [28] * 4 + [29] * 4, [0.3] * 4 + [0.7] * 4)
        assert space_group_number(alloy, finder=finder) == 225
        assert standardize(alloy, finder=finder).formula == alloy.formula

    def test_overlapping_atoms_are_reported_by_name(self, finder):
        doubled = Crystal(np.eye(3) * 4, [[0, 0, 0], [0, 0, 0.001]], [26, 26], name="doubled iron")
        with pytest.raises(SymmetryError, match=r"doubled iron.*overlap"):
            standardize(doubled, finder=finder)

    def test_prototypes_agree(self, finder):
        for path in list(example_crystals().values())[:12]:
            crystal = as_crystal(path)
            assert prototype(fresh(crystal), finder=finder) == prototype(crystal)

    def test_tables_take_a_finder(self, finder):
        table = CrystalTable.from_crystals(list(example_crystals().values())[:4])
        plain, found = table.standardized(), table.standardized(finder=finder)
        assert found.standard
        assert np.allclose(np.linalg.det(found.lattice), np.linalg.det(plain.lattice))


class TestMixed:
    @pytest.fixture(autouse=True)
    def moyo(self):
        pytest.importorskip("moyopy", reason="moyo is optional: pip install moyopy")

    def test_moyo_is_asked_about_cubes_and_spglib_about_the_rest(self, asked):
        assert space_group_number(fresh(NACL), finder="mixed") == 225
        assert asked == ["moyo", "moyo"]
        asked.clear()
        long = NACL.replace(lattice=np.diag([5.6, 5.6, 6.0]))
        assert space_group_number(long, finder="mixed") == 139
        assert asked == ["spglib"]

    def test_spglib_decides_where_the_answer_hangs_on_the_tolerance(self, asked):
        """A cube stretched by half the tolerance, and one whose atoms have moved by as much."""
        stretched = NACL.replace(lattice=NACL.lattice * [1, 1, 1.01])
        coords = NACL.frac_coords.copy()
        coords[0, 2] += 0.01
        for doubtful in (stretched, NACL.replace(frac_coords=coords)):
            asked.clear()
            assert space_group_number(doubtful, finder="mixed") == space_group_number(
                fresh(doubtful), finder="spglib"
            )
            assert asked == ["moyo", "spglib", "spglib"]

    def test_a_larger_group_at_a_larger_tolerance_is_left_to_spglib(self, asked):
        """Octahedra that breathe by turns double the cube's edge, unless that is overlooked."""
        edge, breath = 7.5, 0.05
        metals = [np.array(site) / 2 for site in product((0, 1), repeat=3)]
        oxygens = []
        for metal in metals:
            if (2 * metal).sum() % 2 == 0:
                for step in np.vstack([np.eye(3), -np.eye(3)]):
                    oxygens.append(metal + step * (0.25 + breath / edge))
        kinds = [75] * len(metals) + [8] * len(oxygens)
        crystal = Crystal(np.eye(3) * edge, metals + oxygens, kinds)
        assert space_group_number(crystal, 0.002, "moyo") == 225
        assert space_group_number(crystal, 0.14, "moyo") == 221
        asked.clear()
        found = space_group_number(crystal, 0.07, "mixed")
        assert asked == ["moyo", "moyo", "spglib"]
        assert found == space_group_number(fresh(crystal), 0.07)


@pytest.mark.parametrize(
    "vectors",
    [
        np.eye(3),
        np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]),
        np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]),
    ],
    ids="PFI",
)
def test_cubic_lattices_are_recognized_by_shortest_vectors(vectors):
    span = np.array(list(product((-1, 0, 1), repeat=3))) @ vectors
    lengths = (span**2).sum(axis=1)
    short = span[(lengths == (vectors**2).sum(axis=1).min())]
    for rows in product(short, repeat=3):
        lattice = np.array(rows) * 2.1
        if np.isclose(abs(np.linalg.det(lattice)), abs(np.linalg.det(vectors)) * 2.1**3):
            assert nearly_cubic(lattice)


def test_other_lattices_are_not_taken_for_cubic():
    for cell in (np.diag([3, 3, 3.2]), [[3, 0, 0], [-1.5, 2.598, 0], [0, 0, 3]],
                 [[3, 0.3, 0], [0, 3, 0], [0, 0, 3]]):  # fmt: skip
        assert not nearly_cubic(np.array(cell, dtype=float))


def test_found_operations_are_those_of_the_crystal():
    found = find_symmetry(fresh(NACL))
    assert len(found.rotations) == len(found.translations) == 192
    assert found.orbits.tolist() == [0] * 4 + [4] * 4
