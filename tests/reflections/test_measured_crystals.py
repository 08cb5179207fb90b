"""The measured crystals beside the repository: right cells, every reflection."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from crystalsym import read_reflections
from crystalsym.reflections import ReflectionFileError
from tests.support.reference import SHARED, shared

MEASURED = SHARED / "measured"
# No file with these knows their cell.
WITHOUT_CELL = {"cry_nket", "cry_zngapo", "ha_doxy", "fc_twin4"}
# The index counts different reflections there, the file has every frame.
IN_FRAMES = {"ed_quartz", "ed_cspbbr3", "ed_lta_pets"}


def _rows():
    if not (MEASURED / "INDEX.tsv").is_file():
        return []
    with open(MEASURED / "INDEX.tsv", encoding="utf-8") as index:
        return list(csv.DictReader(index, delimiter="\t"))


ROWS = {row["name"]: row for row in _rows()}


def test_there_are_36():
    shared("measured/INDEX.tsv")
    assert len(ROWS) == 36


@pytest.mark.parametrize("name", ROWS)
def test_measured_crystal(name):
    row = ROWS[name]
    cell = tuple(float(value) for value in row["cell"].split())
    lists, refused = [], []
    for file in row["files"].split():
        path = shared(f"measured/{name}/{file}")
        given = cell if name in WITHOUT_CELL and path.suffix == ".hkl" else None
        if given:
            with pytest.raises(ReflectionFileError, match="the cell is not known"):
                read_reflections(path)
        try:
            lists.append(read_reflections(path, given))
        except ReflectionFileError as error:
            refused.append(str(error))
    assert lists
    # Files that know the cell alone.
    assert all("no reflections" in one or "without reflections" in one for one in refused)
    for found in lists:
        assert np.allclose(found.cell, cell, rtol=1e-4, atol=1e-2)
        n = len(np.unique(found.hkl, axis=0)) if name in IN_FRAMES else len(found)
        assert n == int(row["n_reflections"])
        assert found.d_min == pytest.approx(float(row["d_min"]), abs=2e-3)
        if row["wavelength"] != "None" and found.wavelength is not None:
            assert found.wavelength == pytest.approx(float(row["wavelength"]), rel=1e-4)
            kind = row["radiation"].partition(" ")[0].lower().replace("-", "")
            assert found.radiation == kind
        assert not found.notes or not any("broken" in note for note in found.notes)
