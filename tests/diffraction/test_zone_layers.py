"""The reflections that span a layer are primitive, right-handed and lie as the views have them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalsym.diffraction import resolve_views, symmetry_directions
from crystalsym.diffraction._zone_axes import symmetry_zones
from crystalsym.diffraction._zone_layers import (
    OF_FAMILIES,
    layer_bases,
    spanning_reflections,
    zones_of,
)

CELLS = np.array([np.diag([4.0, 4, 4]), np.diag([4.0, 4, 6]), np.diag([3.0, 4, 5])])


@pytest.mark.parametrize(("zone", "pair"), list(OF_FAMILIES.items()), ids=str)
def test_fixed_pairs_span_their_zones(zone, pair):
    np.testing.assert_array_equal(np.cross(*pair), zone)


@given(st.tuples(*[st.integers(-4, 4)] * 3).filter(any), st.integers(0, 20))
def test_any_zone_is_spanned(zone, seed):
    lattice = np.diag([3.0, 4, 5]) + np.random.default_rng(seed).normal(0, 0.5, (3, 3))
    reciprocal = np.linalg.inv(lattice).T
    first, second = spanning_reflections(reciprocal, zone)
    np.testing.assert_array_equal(np.cross(first, second) * np.gcd.reduce(zone), zone)


@pytest.mark.parametrize("views", ["zone-axes", "symmetry-directions"])
@pytest.mark.parametrize("lattice", CELLS, ids=["cube", "square", "oblong"])
def test_layers_lie_in_the_image_as_the_view_is_turned(views, lattice):
    reciprocals = np.linalg.inv(lattice).T[None]
    zones = zones_of(views, lattice[None])
    bases = layer_bases(views, zones, reciprocals)
    for number, view in enumerate(resolve_views(views, lattice)):
        assert tuple(zones[0, number]) == view.zone
        in_image = (bases[0, number] @ reciprocals[0]) @ view.rotation.T
        np.testing.assert_allclose(in_image[:, 2], 0, atol=1e-12)
        assert in_image[0, 0] > 0
        assert abs(in_image[0, 1]) < 1e-12
        assert in_image[1, 1] > 0


def test_rotations_have_no_zones():
    assert zones_of("rotations", CELLS) is None
    assert zones_of(np.eye(3)[None], CELLS) is None
    assert zones_of([[1, 1, 0]], CELLS).shape == (3, 1, 3)


def test_many_cells_have_the_directions_of_each():
    rng = np.random.default_rng(0)
    cells = [*CELLS, *(CELLS[rng.integers(3)] + rng.normal(0, 0.02, (3, 3)) for _ in range(50))]
    hexagonal = np.array([[3.0, 0, 0], [-1.5, 1.5 * 3**0.5, 0], [0, 0, 5]])
    cells.append(hexagonal)
    many = symmetry_zones(np.array(cells))
    for lattice, zones in zip(cells, many, strict=True):
        assert [tuple(zone) for zone in zones.tolist()] == symmetry_directions(lattice)
    assert many[-1, 1].tolist() == [1, -1, 0]
