"""Any crystal written to CIF and read again is the same."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import gemmi
import numpy as np
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from support.cif_text import cell_of, cif_text

from crystalsym.crystals import as_crystal

SETTINGS = list(gemmi.spacegroup_table())
COORDINATE = st.floats(-1.5, 1.5).map(lambda x: round(x, 6))


@given(
    setting=st.sampled_from(SETTINGS),
    places=st.lists(st.tuples(COORDINATE, COORDINATE, COORDINATE), min_size=1, max_size=4),
    seed=st.integers(0, 99),
    by_operations=st.booleans(),
)
@example(gemmi.SpaceGroup("A b m m"), [(0.0, 0.0, 0.24)], 0, False)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_asymmetric_unit_and_whole_cell_agree(setting, places, seed, by_operations):
    elements = ["Fe", "O", "S", "Zr"][: len(places)]
    cell = cell_of(setting, seed)
    atoms = [
        f"{element} {element} " + " ".join(f"{x:.6f}" for x in place)
        for element, place in zip(elements, places, strict=True)
    ]
    triplets = [op.triplet() for op in setting.operations()]
    symbol = f"_space_group_name_H-M_alt '{setting.xhm()}'"
    text = (
        cif_text(cell, atoms, operations=triplets) if by_operations
        else cif_text(cell, atoms, symbol)
    )  # fmt: skip
    crystal = read(text)
    assume(crystal is not None)  # two elements upon each other are refused
    assume(shortest_distance(crystal) > 0.05)  # what is listed nearer than that is one atom
    whole = [
        f"{gemmi.Element(int(z)).name}{i} {gemmi.Element(int(z)).name} "
        + " ".join(f"{x:.12f}" for x in place)
        for i, (z, place) in enumerate(
            zip(crystal.atomic_numbers, crystal.frac_coords, strict=True)
        )
    ]
    for again in (
        read(cif_text(cell, whole, "_space_group_name_H-M_alt 'P 1'")),
        read(cif_text(cell, whole, operations=triplets)),  # each atom listed and given by symmetry
    ):
        assert again.formula == crystal.formula
        assert len(again) == len(crystal)
        assert np.allclose(again.lattice, crystal.lattice, atol=1e-8)
        away = crystal.frac_coords[:, None] - again.frac_coords
        away -= np.round(away)
        near = np.abs(away).max(axis=2) < 1e-4
        assert (near & (crystal.atomic_numbers[:, None] == again.atomic_numbers)).any(axis=1).all()


def shortest_distance(crystal):
    """Between atoms of one cell and its neighbors, in Å; cells of these tests are 5 Å and more."""
    away = crystal.frac_coords[:, None] - crystal.frac_coords
    distances = np.linalg.norm((away - np.round(away)) @ crystal.lattice, axis=2)
    return distances[~np.eye(len(crystal), dtype=bool)].min(initial=np.inf)


def read(text):
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder, "crystal.cif")
        path.write_text(text)
        try:
            return as_crystal(path)
        except ValueError as error:
            if "one site" not in str(error):
                raise
            return None
