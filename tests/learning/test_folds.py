"""Splitters for cross-validation that keep alike crystals together."""

from __future__ import annotations

import joblib
import numpy as np
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_predict, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from support.crystals import NACL
from support.random_crystals import disguised

from crystalsym.crystals import Crystal, SymmetryError, as_crystal, prototype, standardize
from crystalsym.datasets import CrystalTable, example_crystals, example_space_groups
from crystalsym.learning import (
    ChemicalSystemKFold,
    PrototypeKFold,
    ValidationRotation,
    chemical_system_groups,
    prototype_groups,
)

CRYSTALS = {name: as_crystal(path) for name, path in example_crystals().items()}
ALIKE = {
    "rock salt": ("NaCl", "MgO-periclase"),
    "fcc": ("Cu",),
    "bcc": ("W", "Fe-alpha"),
    "fluorite": ("CaF2-fluorite",),
    "diamond": ("C-diamond", "Si"),
    "zincblende": ("ZnS-sphalerite",),
    "wurtzite": ("ZnS-wurtzite", "ZnO-zincite"),
    "rutile": ("TiO2-rutile",),
    "anatase": ("TiO2-anatase",),
    "corundum": ("Al2O3-corundum", "Fe2O3-hematite"),
}


def structures():
    """NaCl and MgO, then others; 12 crystals."""
    names = [name for kind in ALIKE.values() for name in kind]
    return [CRYSTALS[name] for name in names[:12]]


def partition(groups):
    """Which rows share a number."""
    return {tuple(np.flatnonzero(groups == g).tolist()) for g in np.unique(groups)}


def test_prototypes_of_the_bundled_crystals():
    names = [name for kind in ALIKE.values() for name in kind]
    groups = prototype_groups([CRYSTALS[name] for name in names])
    expected = np.repeat(np.arange(len(ALIKE)), [len(kind) for kind in ALIKE.values()])
    np.testing.assert_array_equal(groups, expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("NaCl", (225, ((4,), (4,)))),
        ("CaF2-fluorite", (225, ((4,), (8,)))),
        ("MgAl2O4-spinel", (227, ((8,), (16,), (32,)))),
        ("Al2O3-corundum", (167, ((12,), (18,)))),
        ("CaCO3-aragonite", (62, ((4,), (4,), (4, 8)))),
    ],
)
def test_prototype(name, expected):
    assert prototype(CRYSTALS[name]) == expected


def test_enantiomorphs_are_one_prototype():
    quartz = standardize(CRYSTALS["SiO2-quartz"])
    mirrored = Crystal(quartz.lattice, -quartz.frac_coords, quartz.atomic_numbers)
    assert prototype(quartz) == prototype(mirrored)
    assert prototype(quartz).space_group == 152


@given(st.integers(0, 2**32 - 1), st.sampled_from(["NaCl", "TiO2-rutile", "ZnO-zincite", "Mg"]))
def test_prototype_does_not_depend_on_the_description(seed, name):
    rng = np.random.default_rng(seed)
    crystal = CRYSTALS[name]
    assert prototype(disguised(crystal, rng, index=2)) == prototype(crystal)
    assert prototype(standardize(crystal)) == prototype(crystal)


def test_elements_and_size_do_not_matter_to_a_prototype():
    other = Crystal(NACL.lattice * 1.2, NACL.frac_coords, [92] * 4 + [7] * 4)
    assert prototype(other) == prototype(NACL)
    swapped = NACL.replace(atomic_numbers=NACL.atomic_numbers[::-1])
    assert prototype(swapped) == prototype(NACL)
    assert prototype(NACL.replace(atomic_numbers=[11] * 8)) != prototype(NACL)


def test_shared_sites_have_a_prototype():
    coords = np.concatenate([NACL.frac_coords, NACL.frac_coords[:4]])
    solution = Crystal(
        NACL.lattice, coords, [11] * 4 + [17] * 4 + [19] * 4, [0.5] * 4 + [1.0] * 4 + [0.5] * 4
    )
    assert prototype(solution) == prototype(NACL)


def test_prototypes_in_jobs_and_chunks(monkeypatch, capsys):
    crystals = structures()
    expected = prototype_groups(crystals)
    monkeypatch.setattr("crystalsym.learning._grouping.CHUNK", 5)
    with joblib.parallel_config(backend="threading"):
        np.testing.assert_array_equal(prototype_groups(crystals, n_jobs=2), expected)
    np.testing.assert_array_equal(prototype_groups(crystals, verbose=1), expected)
    assert "finding prototypes: 100% 12/12" in capsys.readouterr().err
    table = CrystalTable.from_crystals(crystals)
    np.testing.assert_array_equal(prototype_groups(table), expected)


def test_crystal_without_symmetry_is_named():
    overlapping = Crystal(np.eye(3) * 4, [[0, 0, 0], [0, 0, 0.001]], [6, 6], name="twice carbon")
    with pytest.raises(SymmetryError, match="twice carbon"):
        prototype_groups([NACL, overlapping])


def test_chemical_systems():
    names = ["CaCO3-calcite", "Cu", "CaCO3-aragonite", "TiO2-rutile", "TiO2-anatase", "C-diamond"]
    crystals = [CRYSTALS[name] for name in names]
    expected = [0, 1, 0, 2, 2, 3]
    assert chemical_system_groups(crystals).tolist() == expected
    paths = example_crystals()
    assert chemical_system_groups([paths[name] for name in names]).tolist() == expected
    table = CrystalTable.from_crystals(crystals)
    assert chemical_system_groups(table).tolist() == expected


def test_chemical_systems_of_pymatgen_and_ase():
    from ase import Atoms
    from pymatgen.core import Structure

    ordered = Structure(NACL.lattice, NACL.atomic_numbers, NACL.frac_coords)
    ions = ordered.copy().add_oxidation_state_by_element({"Na": 1, "Cl": -1})
    shared = Structure(np.eye(3) * 4, [{"Na": 0.5, "Cl": 0.5}], [[0, 0, 0]])
    ase = Atoms(NACL.atomic_numbers, scaled_positions=NACL.frac_coords, cell=NACL.lattice, pbc=True)
    assert chemical_system_groups([ordered, NACL, ions, shared, ase]).tolist() == [0] * 5
    vacancy = Structure(np.eye(3) * 4, ["X", "Na"], [[0, 0, 0], [0.5] * 3])
    with pytest.raises(ValueError, match=r"element|atomic number"):
        chemical_system_groups([vacancy])


@pytest.mark.parametrize("function", [chemical_system_groups, prototype_groups])
def test_a_single_structure_is_refused(function):
    with pytest.raises(TypeError, match=r"put it in a list, \[structure\]"):
        function(NACL)


@pytest.mark.parametrize(
    ("splitter", "groups_of"),
    [
        (PrototypeKFold(4), prototype_groups),
        (ChemicalSystemKFold(4), chemical_system_groups),
        (ValidationRotation(4), lambda X: np.arange(len(X))),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "n_splits") else "",
)
def test_folds_part_the_rows_and_keep_groups(splitter, groups_of):
    X = structures()
    groups = groups_of(X)
    folds = list(splitter.split(X))
    assert splitter.get_n_splits() == len(folds) == 4
    tested = np.concatenate([test for _, test in folds])
    assert sorted(tested) == list(range(len(X)))
    for train, test in folds:
        assert sorted([*train, *test]) == list(range(len(X)))
        assert not set(groups[train]) & set(groups[test])
        assert 2 <= len(test) <= 4
    again = list(splitter.split(X, np.zeros(len(X)), groups))
    assert all((a[1] == b[1]).all() for a, b in zip(folds, again, strict=True))


@given(st.lists(st.integers(0, 20), min_size=12, max_size=80), st.integers(2, 4), st.integers(0, 9))
def test_folds_of_any_groups(groups, n_splits, seed):
    if len(set(groups)) < n_splits:
        groups = [*groups, 21, 22, 23, 24]
    X = np.zeros(len(groups))
    folds = list(ValidationRotation(n_splits, random_state=seed).split(X, groups=groups))
    numbers = np.empty(len(groups), int)
    for fold, (_, test) in enumerate(folds):
        numbers[test] = fold
    for rows in partition(np.array(groups)):
        assert len(set(numbers[list(rows)])) == 1
    sizes = np.bincount(numbers, minlength=n_splits)
    assert sizes.min() > 0
    assert sizes.max() - sizes.min() <= np.bincount(groups).max()


def test_large_groups_come_to_different_folds():
    """What GroupKFold(shuffle=True) does not see to."""
    groups = np.repeat(np.arange(40), [30, 30, 30, *[1] * 37])
    for seed in range(5):
        folds = PrototypeKFold(3, random_state=seed).split(np.zeros(len(groups)), groups=groups)
        assert {len(test) for _, test in folds} == {42, 43}


def test_random_state():
    X = np.zeros(40)

    def tests(state):
        return [test.tolist() for _, test in ValidationRotation(random_state=state).split(X)]

    assert tests(0) == tests(0)
    assert tests(0) != tests(1)
    assert tests(None) != tests(None)
    generator = np.random.RandomState(0)
    assert tests(generator) != tests(generator)


def test_rotation_is_the_papers():
    rotation = ValidationRotation()
    assert rotation.get_n_splits() == 10
    folds = list(rotation.split(np.zeros(1003)))
    assert {len(test) for _, test in folds} == {100, 101}
    twins = np.repeat(np.arange(500), 2)
    for train, test in rotation.split(np.zeros(1000), groups=twins):
        assert not set(twins[train]) & set(twins[test])


def test_repr():
    assert repr(PrototypeKFold(3, symprec=0.01)) == (
        "PrototypeKFold(n_jobs=None, n_splits=3, random_state=0, symprec=0.01)"
    )
    assert repr(ChemicalSystemKFold()) == "ChemicalSystemKFold(n_splits=5, random_state=0)"
    assert repr(ValidationRotation()) == "ValidationRotation(n_splits=10, random_state=0)"


def test_as_cv_on_structures():
    X, y = structures(), np.arange(12) % 2
    model = make_pipeline(
        FunctionTransformer(
            lambda crystals: np.array([[c.volume] for c in map(as_crystal, crystals)])
        ),
        DummyClassifier(),
    )
    for cv in (PrototypeKFold(3), ChemicalSystemKFold(3), ValidationRotation(3)):
        scores = cross_validate(model, X, y, cv=cv, error_score="raise")["test_score"]
        assert len(scores) == 3
        assert len(cross_val_predict(model, X, y, cv=cv)) == 12
        search = GridSearchCV(model, {"dummyclassifier__strategy": ["prior", "uniform"]}, cv=cv)
        assert search.fit(X, y).n_splits_ == 3


def test_groups_beside_patterns():
    X = structures()
    patterns, y, groups = np.zeros((12, 3)), np.arange(12) % 2, prototype_groups(X)
    scores = cross_validate(
        DummyClassifier(), patterns, y, groups=groups, cv=PrototypeKFold(3), error_score="raise"
    )
    assert len(scores["test_score"]) == 3
    assert len(list(GroupKFold(3).split(patterns, y, groups))) == 3
    with pytest.raises(TypeError, match=r"pass groups=prototype_groups\(crystals\)"):
        next(PrototypeKFold(3).split(patterns, y))
    with pytest.raises(TypeError, match=r"pass groups=chemical_system_groups\(crystals\)"):
        next(ChemicalSystemKFold(3).split(patterns, y))


def test_groups_through_metadata_routing():
    X = structures()
    patterns, y, groups = np.zeros((12, 3)), np.arange(12) % 2, prototype_groups(X)
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(DummyClassifier(), {"strategy": ["prior"]}, cv=PrototypeKFold(3))
        assert search.fit(patterns, y, groups=groups).n_splits_ == 3
        cross_validate(DummyClassifier(), X, y, cv=PrototypeKFold(3), error_score="raise")


def test_patterns_that_know_their_structures():
    class Rendered:
        structures = structures()

        def __len__(self):
            return 12

        def __getitem__(self, index):
            raise AssertionError("no pattern is needed for a split")

    class Stored(Rendered):
        structures = None
        rendered = Rendered()

    expected = [test.tolist() for _, test in PrototypeKFold(3).split(structures())]
    for X in (Rendered(), Stored()):
        assert [test.tolist() for _, test in PrototypeKFold(3).split(X)] == expected


@pytest.mark.parametrize("n_splits", [1, 0, 2.5, True])
def test_bad_number_of_folds(n_splits):
    with pytest.raises(ValueError, match=r"n_splits=2 or more|must be of Integral type"):
        next(ValidationRotation(n_splits).split(np.zeros(9)))


def test_too_few_groups():
    with pytest.raises(ValueError, match="n_splits=2 greater than the number of groups: 1"):
        next(PrototypeKFold(2).split([CRYSTALS["NaCl"], CRYSTALS["MgO-periclase"]]))


def test_bundled_labels_do_not_split_prototypes():
    groups = prototype_groups(list(CRYSTALS.values()))
    labels = np.array(list(example_space_groups().values()))
    for rows in partition(groups):
        assert len(set(labels[list(rows)])) == 1
