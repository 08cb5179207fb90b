"""The record of a measured crystal: what it takes, what it refuses, what it leaves out."""

from __future__ import annotations

import pickle

import gemmi
import numpy as np
import pytest

from crystalsym import ReflectionList
from crystalsym.diffraction import Coverage

CELL = (4.0, 5.0, 6.0, 90.0, 100.0, 90.0)
HKL = np.array([[1, 0, 0], [0, 2, 0], [0, 0, -3], [1, 2, 3]])


def make(**changes):
    given = {"hkl": HKL, "intensity": [5.0, -1.0, 2.0, 9.0], "sigma": [1.0, 1, 1, 2], "cell": CELL}
    return ReflectionList(**{**given, **changes})


def test_lengths_are_those_of_the_cell():
    ours = make()
    theirs = [1 / gemmi.UnitCell(*CELL).calculate_d(hkl.tolist()) for hkl in HKL]
    assert np.allclose(ours.q, theirs)
    assert ours.d_min == pytest.approx(1 / max(theirs))


def test_a_cell_in_any_form():
    assert make(cell=gemmi.UnitCell(*CELL)).cell == CELL
    from pymatgen.core import Lattice

    assert make(cell=Lattice.from_parameters(*CELL)).cell == pytest.approx(CELL)


@pytest.mark.parametrize(
    "rows", [slice(1, 3), [2, 0], np.array([True, False, True, False]), np.array([3, 3]), -1]
)
def test_rows_are_taken_as_of_arrays(rows):
    full = make(batch=[1, 2, 3, 4], notes=("said",), name="x", coverage=Coverage.OBSERVED)
    part = full[rows]
    for name in ("hkl", "intensity", "sigma", "batch"):
        wanted = getattr(full, name)[rows]
        assert np.array_equal(
            getattr(part, name), wanted[None] if isinstance(rows, int) else wanted
        )
    assert (part.cell, part.notes, part.name, part.coverage) == (
        full.cell, full.notes, full.name, full.coverage)  # fmt: skip
    assert len(part.q) == len(part)


def test_pickles_and_equals_itself_alone():
    one = make(carried={"symbol": "P 1"})
    assert one.q is one.q
    copy = pickle.loads(pickle.dumps(one))
    assert one == one
    assert one != copy
    assert np.array_equal(copy.hkl, one.hkl)
    assert copy.carried == one.carried
    assert np.array_equal(copy.q, one.q)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hkl": [[1, 0], [2, 0], [3, 0], [4, 0]]}, r"hkl has shape \(4, 2\): needs \(n, 3\)"),
        ({"hkl": HKL + 0.5}, "row 0 .*: hkl is not made of whole numbers"),
        ({"hkl": np.where(HKL == 3, 10**6, HKL)}, "row 3: an index is beyond 32767"),
        ({"hkl": HKL * 0}, r"row 0 \(and 3 more\): hkl is \(0, 0, 0\)"),
        ({"intensity": [1.0, 2]}, r"intensity has shape \(2,\): needs \(4,\)"),
        ({"intensity": [1.0, np.nan, 2, 3]}, "row 1: intensity is not finite"),
        ({"intensity": [1.0, 1e200, 2, 3]}, "row 1: intensity is beyond"),
        ({"sigma": [1.0, 1, 0, 1]}, "row 2: sigma is not above 0"),
        ({"sigma": [1.0, 1, np.inf, 1]}, "row 2: sigma is not finite"),
        ({"batch": [1.5, 1, 1, 1]}, "batch is of float64: needs whole numbers"),
        ({"cell": (4, 5, 6)}, "needs the six numbers a, b, c, alpha, beta, gamma"),
        ({"cell": (4, 5, 0, 90, 90, 90)}, "cell 4 5 0 90 90 90: the lengths"),
        ({"cell": (4, 5, 6, 90, 90, 180)}, "the angles need to be between 0 and 180"),
        ({"cell": (4, 5, 6, 30, 30, 90)}, "do not close"),
        ({"wavelength": 0}, "wavelength=0: needs to be between"),
        ({"radiation": "light"}, "radiation='light': needs one of xray, electron, neutron"),
        ({"coverage": Coverage.WHOLE}, "coverage=WHOLE"),
    ],
)
def test_the_impossible_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)


def test_without_a_cell_it_says_so():
    with pytest.raises(ValueError, match=r"x has no cell: give cell=\(a, b, c, alpha"):
        make(cell=None, name="x").q  # noqa: B018


def test_rows_without_a_measurement_are_left_out_and_counted():
    rows = [
        (1, 0, 0, 5.0, 1.0), (0, 0, 0, 0.0, 0.0), (0, 1, 0, np.nan, 1.0), (0, 0, 1, 4.0, np.nan),
        (1, 1, 0, -1.0, -1.0), (1, 0, 1, 3.0, 0.0), (1, 1, 1, 3.0, -2.0), (2, 0, 0, 0.0, 9999.0),
        (0, 2, 0, -1.0, 1.0), (0, 0, 2, 20000.0, 9999.0),
    ]  # fmt: skip
    table = np.array(rows)
    kept = ReflectionList.from_arrays(table[:, :3], table[:, 3], table[:, 4], batch=np.arange(10))
    assert kept.hkl.tolist() == [[1, 0, 0], [0, 2, 0], [0, 0, 2]]
    assert kept.batch.tolist() == [0, 8, 9]
    assert [note.split(" left")[0] for note in kept.notes] == [
        "1 row of 0 0 0 is", "1 row of unknown intensity is", "1 row of unknown uncertainty is",
        "1 row of -1 -1 (not measured) is", "1 row of uncertainty 0 is",
        "1 row of negative uncertainty (rejected) is",
        "1 row of uncertainty 9999 (not measured) is",
    ]  # fmt: skip


def test_uncertainties_that_are_all_zero_are_unknown():
    kept = ReflectionList.from_arrays(HKL, [1.0, 2, 3, 4], [0.0, 0, 0, 0])
    assert kept.sigma is None
    assert len(kept) == 4
    assert "taken for unknown" in kept.notes[0]


def test_amplitudes_are_squared_with_their_errors():
    kept = ReflectionList.from_arrays(HKL, [3.0, 0, -1, 10], [0.5, 0.5, 0.5, 1], amplitudes=True)
    assert kept.intensity.tolist() == [9, 0, -1, 100]
    assert kept.sigma.tolist() == [3.25, 0.25, 1.25, 21]
