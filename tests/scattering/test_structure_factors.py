"""The one sum: known cells, a plain sum in NumPy, and its two entrances against each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalsym.scattering import scattering_factors, structure_factors
from crystalsym.scattering._structure_factors import layer_spots


def plain_sum(hkl, q, coords, numbers, occupancies, radiation="xray"):
    factors = scattering_factors(numbers, q, radiation)
    phases = np.exp(2j * np.pi * (np.asarray(hkl) @ np.asarray(coords).T))
    return np.einsum("ah,ha,a->h", factors, phases, occupancies)


def cell(seed, n_atoms):
    rng = np.random.default_rng(seed)
    coords = rng.random((n_atoms, 3))
    numbers = np.sort(rng.choice([1, 8, 26, 82], n_atoms))
    lattice = np.diag([4.0, 5.0, 6.0]) + rng.normal(0, 0.4, (3, 3))
    return lattice, coords, numbers, rng.uniform(0.2, 1.0, n_atoms)


def test_rock_salt_by_hand():
    """111 is 4 (f_Na - f_Cl) up to sign, 200 is 4 (f_Na + f_Cl), 100 absent."""
    face = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    coords = np.concatenate([face, face + np.array([0.5, 0, 0])])
    numbers, q = np.repeat([11, 17], 4), np.array([0.307, 0.355, 0.177])
    found = structure_factors([[1, 1, 1], [2, 0, 0], [1, 0, 0]], q, coords, numbers, np.ones(8))
    sodium, chlorine = scattering_factors([11, 17], q)
    assert found[0] == pytest.approx(4 * (sodium[0] - chlorine[0]))
    assert found[1] == pytest.approx(4 * (sodium[1] + chlorine[1]))
    assert abs(found[2]) < 1e-12


@given(seed=st.integers(0, 50), n_atoms=st.integers(1, 9), radiation=st.sampled_from("xe"))
def test_any_cell_is_the_plain_sum(seed, n_atoms, radiation):
    radiation = {"x": "xray", "e": "electron"}[radiation]
    lattice, coords, numbers, occupancies = cell(seed, n_atoms)
    hkl = np.random.default_rng(seed).integers(-30, 31, (20, 3))
    q = np.linalg.norm(hkl @ np.linalg.inv(lattice).T, axis=1)
    shuffled = np.random.default_rng(seed).permutation(n_atoms)
    found = structure_factors(
        hkl, q, coords[shuffled], numbers[shuffled], occupancies[shuffled], radiation
    )
    expected = plain_sum(hkl, q, coords, numbers, occupancies, radiation)
    np.testing.assert_allclose(found, expected, atol=1e-9)


LAYER = np.array([[(0, 1, 0), (0, 0, 1)], [(0, 0, 1), (-1, -1, 0)]], dtype=float)


@pytest.mark.parametrize("field", [None, (0.9, 0.6)], ids=["circle", "rectangle"])
def test_layers_are_lists_of_their_reflections(field):
    cells = [cell(seed, n) for seed, n in ((0, 3), (1, 7))]
    reciprocal = np.array([np.linalg.inv(lattice).T for lattice, *_ in cells])
    found = layer_spots(
        reciprocal,
        np.array([0, 3, 10]),
        np.concatenate([c[1] for c in cells]),
        np.concatenate([c[2] for c in cells]),
        np.concatenate([c[3] for c in cells]),
        np.stack([LAYER, LAYER]),
        1.1,
        field=field,
    )
    for crystal, (_, coords, numbers, occupancies) in enumerate(cells):
        for view in range(2):
            part = slice(*found.starts[2 * crystal + view : 2 * crystal + view + 2])
            hkl = found.indices[part] @ LAYER[view]
            vectors = hkl @ reciprocal[crystal]
            q = np.linalg.norm(vectors, axis=1)
            expected = np.abs(plain_sum(hkl, q, coords, numbers, occupancies)) ** 2
            # A circle's factors come from a table.
            np.testing.assert_allclose(
                found.intensity[part], expected, rtol=1e-9 if field else 1e-5, atol=1e-4
            )
            np.testing.assert_allclose(np.hypot(*found.place[part].T) * 1.1, q, rtol=1e-9)
            # Every reflection of the field, one of each pair.
            span = np.arange(-12, 13)
            i, j = (a.ravel() for a in np.meshgrid(span, span))
            every = (np.stack([i, j], axis=1) @ LAYER[view]) @ reciprocal[crystal]
            if field is None:
                inside = np.linalg.norm(every, axis=1) <= 1.1
                assert 2 * len(hkl) == inside.sum() - 1


def test_left_handed_cells_are_seen_the_other_way_round():
    lattice, coords, numbers, occupancies = cell(0, 4)
    places = []
    for mirror in (1, -1):
        reciprocal = np.linalg.inv(lattice * [[1, 1, mirror]]).T[None]
        found = layer_spots(
            reciprocal, np.array([0, 4]), coords, numbers, occupancies, LAYER[None, :1], 1.0
        )
        places.append(found.place[np.lexsort(found.indices.T)])
    np.testing.assert_allclose(places[0] * [1, -1], places[1], atol=1e-12)
