"""Crystals by name: from the table, from files, and what is said where there are none."""

from pathlib import Path

import numpy as np
import pytest

from crystalsym.crystals import as_crystal
from crystalsym.datasets import CrystalTable, example_crystals
from crystalsym.training import TrainingData

CONFIG = Path(__file__).resolve().parents[2] / "benchmarks" / "paper" / "figure-5.toml"


@pytest.fixture
def data():
    known = example_crystals()
    table = CrystalTable.from_crystals([known["NaCl"], known["TiO2-rutile"]], [225, 136])
    rows = np.arange(2)
    return TrainingData(table, table.space_group, rows[:1], rows[1:], rows, rows)


@pytest.fixture
def task(paper, tmp_path):
    def read(structures=None):
        return paper("task").Task.read(CONFIG, "tiny", tmp_path / "runs", structures)

    return read


def test_a_crystal_of_the_table_says_on_which_side_it_is(paper, task, data):
    first, second = map(str, data.crystals.names)
    found = paper("materials").find_materials(task(), data, [second, first])
    assert list(found) == [second, first]
    assert (found[first].space_group, found[first].part) == (225, "learned from")
    assert (found[second].row, found[second].part) == (1, "held out")


def test_a_crystal_that_the_table_lacks_is_read_beside_it(paper, task, data, tmp_path):
    place = tmp_path / "paper_crystals" / "mp-1.cif"
    place.parent.mkdir()
    place.write_text(
        "data_x\n_cell_length_a 4.2\n_cell_length_b 4.2\n_cell_length_c 4.2\n"
        "_cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90\n"
        "_symmetry_space_group_name_H-M 'P 1'\nloop_\n_atom_site_label\n_atom_site_type_symbol\n"
        "_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
        "Cs Cs 0 0 0\nCl Cl 0.5 0.5 0.5\n"
    )
    found = paper("materials").find_materials(task(tmp_path / "table.npz"), data, ["mp-1"])["mp-1"]
    assert (found.space_group, found.row, found.part) == (221, None, "not in the table")
    assert "221 Pm-3m" in found.title


def test_a_missing_crystal_is_named_with_where_it_can_be_had(paper, task, data, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"mp-6019 is neither .*mp-6019\.cif.*/mp-6019 "):
        paper("materials").find_materials(task(tmp_path / "table.npz"), data, ["mp-6019"])


def test_an_unknown_model_is_named(paper):
    with pytest.raises(ValueError, match="no bundled model '73'"):
        paper("judges").model_judge("73")


def test_powder_curve_of_rock_salt(paper):
    salt = as_crystal(example_crystals()["NaCl"])
    angle, curve = paper("powder").powder_curve(salt, (20.0, 60.0), 0.2)
    peak = angle[curve.argmax()]
    # (200) of a = 5.64 Å: 2 asin(1.5418 / 5.64) is 31.7 degrees
    assert peak == pytest.approx(31.7, abs=0.15)
    assert curve.max() == 1
    above = angle[(curve > 0.5) & (np.abs(angle - peak) < 1)]
    assert above.max() - above.min() == pytest.approx(0.2, abs=0.06)
