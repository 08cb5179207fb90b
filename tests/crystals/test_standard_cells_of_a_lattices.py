"""Amm2 and its like: A by name, C-centered as standardized, and C in the metric setting."""

from __future__ import annotations

import numpy as np
import pytest

from crystalsym.crystals import Crystal, in_metric_setting
from crystalsym.crystals._metric_settings import (
    CENTERINGS,
    centering_in_standard_cell,
)
from crystalsym.datasets import random_crystals
from crystalsym.measurement import Degradation, ReflectionSimulator
from crystalsym.reflections import reduce_reflections
from crystalsym.spacegroups import symbol

GROUPS = (38, 39, 40, 41)
CLEAR = Degradation(
    d_min=0.8, cone=None, missing=None, beam_stop=None, background=0.003, leak=0.0005,
    scale_error=0.02, twin=None, unobserved=None, extinction=None, compression=None,
)  # fmt: skip


@pytest.fixture(scope="module")
def table():
    return random_crystals(GROUPS, random_state=3, n_sites=(4, 8), max_atoms=60)


def centered(crystal: Crystal, name: str) -> bool:
    moved = crystal.frac_coords + np.array(CENTERINGS[name][1])
    away = np.abs(np.mod(crystal.frac_coords[:, None] - moved + 0.5, 1) - 0.5).max(axis=2)
    away[crystal.atomic_numbers[:, None] != crystal.atomic_numbers] = 1
    return bool((away.min(axis=0) < 1e-3).all())


def test_the_metric_setting_is_c_centered(table):
    for crystal, number in zip(table, table.space_group, strict=True):
        assert symbol(int(number)).startswith("A")
        moved = in_metric_setting(crystal, int(number))
        assert centered(moved, "C")
        edges = np.linalg.norm(moved.lattice, axis=1)
        assert edges[0] <= edges[1] + 1e-6


@pytest.mark.parametrize("name", "ABC")
def test_the_atoms_tell(table, name):
    turn = np.eye(3)[{"A": [2, 0, 1], "B": [1, 2, 0], "C": [0, 1, 2]}[name]]
    for crystal, number in zip(table, table.space_group, strict=True):
        coords = crystal.frac_coords @ np.linalg.inv(turn)
        moved = Crystal(turn @ crystal.lattice, coords % 1, crystal.atomic_numbers)
        assert centered(moved, name)
        assert centering_in_standard_cell(moved, int(number)) == name


def test_lists_of_them_come_back_centered_once(table):
    """Rows that A forbids were once left out of lists of C-centered cells: they came back as F."""
    for given in ReflectionSimulator(CLEAR, random_state=0).transform(table):
        assert reduce_reflections(given).merged(0).centering == "C"
