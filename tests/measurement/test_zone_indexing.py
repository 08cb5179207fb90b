"""Cells out of three plane lattices of known zones: right answers known by construction."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crystalsym.crystals._cell_parameters import lattice_of
from crystalsym.diffraction._zone_layers import spanning_reflections
from crystalsym.measurement import _zone_cells
from crystalsym.measurement._indexed_turning import indexed_turning
from crystalsym.measurement._zone_indexing import index_zones
from crystalsym.measurement._zone_symbols import parse_zones, zone_text

AXES = np.eye(3, dtype=int)


def plane(lattice, zone, step=None, angle=0.0, mirror=False):
    """Reduced basis of a zone's plane in an image; ``step`` thins it to a sublattice."""
    reciprocal = np.linalg.inv(lattice).T
    hkl = np.array(spanning_reflections(reciprocal, tuple(map(int, zone))))
    hkl = hkl if step is None else np.array(step) @ hkl
    one, two = hkl @ reciprocal
    x = one / np.linalg.norm(one)
    y = np.cross(np.cross(one, two), x)
    y /= np.linalg.norm(y)
    basis = np.array([[one @ x, 0.0], [two @ x, two @ y]])
    while True:  # shortest vectors, as the finder gives them
        if np.hypot(*basis[0]) > np.hypot(*basis[1]):
            basis = basis[::-1]
        times = round(float(basis[0] @ basis[1]) / float(basis[0] @ basis[0]))
        if not times:
            break
        basis = basis - times * np.array([np.zeros(2), basis[0]])
    c, s = math.cos(angle), math.sin(angle)
    return basis @ np.array([[c, s], [-s, c]]) * ([1, -1] if mirror else [1, 1])


def planes(lattice, zones, **how):
    return [
        plane(lattice, zone, angle=1.1 * i, mirror=i == 1, **how) for i, zone in enumerate(zones)
    ]


def same_lattice(one, two):
    """Whether the bases span the same lattice, up to a rotation: by their shortest vectors."""
    grid = np.stack(np.meshgrid(*[np.arange(-4, 5)] * 3), axis=-1).reshape(-1, 3)
    lengths = [np.sort(np.linalg.norm(grid @ basis, axis=1))[:40] for basis in (one, two)]
    return np.allclose(*lengths, rtol=2e-3)


CELLS = {
    "cubic": (5.64, 5.64, 5.64, 90, 90, 90),
    "hexagonal": (4.9, 4.9, 5.4, 90, 90, 120),
    "orthorhombic": (4.1, 6.3, 9.2, 90, 90, 90),
    "monoclinic": (5.1, 5.2, 5.9, 90, 99.2, 90),
}
TRIPLES = [
    AXES,
    AXES[[2, 0, 1]],
    np.array([[1, 1, 0], [0, 1, 1], [-1, 1, 1]]),
    np.array([[1, 1, 2], [1, 0, 1], [0, 1, 0]]),
    np.array([[2, 1, 0], [1, -1, 1], [0, 1, 2]]),
]


@pytest.mark.parametrize("zones", TRIPLES, ids=lambda zones: " ".join(map(zone_text, zones)))
@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_the_cell_comes_back(cell, zones):
    lattice = lattice_of(cell)
    found = index_zones(planes(lattice, zones), zones)
    assert same_lattice(found.lattice, lattice)
    assert found.misfit < 1e-9
    for hkl, zone in zip(found.hkl, zones, strict=True):
        assert not (hkl @ zone).any()  # the zone law


def test_indices_give_the_lengths_that_were_measured():
    lattice, zones = lattice_of(CELLS["monoclinic"]), TRIPLES[3]
    bases = planes(lattice, zones)
    found = index_zones(bases, zones)
    reciprocal = np.linalg.inv(found.lattice).T
    for basis, hkl in zip(bases, found.hkl, strict=True):
        q = hkl @ reciprocal
        np.testing.assert_allclose(q @ q.T, basis @ basis.T, rtol=1e-6, atol=1e-9)


def test_face_centered_cells_keep_their_axes():
    # Of F, [111] and [001] show even indices alone, [1-10] shows 111 as well.
    lattice, zones = lattice_of(CELLS["cubic"]), [[1, 1, 1], [1, -1, 0], [0, 0, 1]]
    bases = [
        plane(lattice, zones[0], step=[[2, 0], [0, 2]]),
        plane(lattice, zones[1], step=_even(lattice, zones[1])),
        plane(lattice, zones[2], step=[[2, 0], [0, 2]]),
    ]
    found = index_zones(bases, zones)
    assert found.centering == "F"
    np.testing.assert_allclose(found.cell, CELLS["cubic"], rtol=1e-6)


def _even(lattice, zone):
    """Of the plane [1-10] a basis of reflections of indices that are all even or all odd."""
    hkl = np.array(spanning_reflections(np.linalg.inv(lattice).T, tuple(zone)))
    wanted = np.array([[1, 1, 1], [0, 0, 2]])
    solved, *_ = np.linalg.lstsq(hkl.T.astype(float), wanted.T.astype(float), rcond=None)
    return np.round(solved.T).astype(int)


def test_a_glide_plane_leaves_every_second_row_dark():
    lattice = lattice_of(CELLS["orthorhombic"])
    bases = planes(lattice, AXES)
    bases[0] = plane(lattice, AXES[0], step=[[1, 0], [0, 2]])  # 0kl: l = 2n
    found = index_zones(bases, AXES)
    np.testing.assert_allclose(found.cell, CELLS["orthorhombic"], rtol=1e-6)
    assert abs(np.linalg.det(found.hkl[0][:, 1:])) == pytest.approx(2)


@settings(max_examples=6, deadline=None)  # each takes a quarter of a second
@given(st.permutations(range(3)), st.floats(0.9, 1.1), st.integers(0, 2**16))
def test_order_scale_and_turns_change_nothing_else(order, scale, seed):
    rng = np.random.default_rng(seed)
    lattice, zones = lattice_of(CELLS["orthorhombic"]), AXES[list(order)]
    bases = [
        scale * plane(lattice, zone, angle=rng.uniform(0, 6), mirror=rng.random() < 0.5)
        for zone in zones
    ]
    found = index_zones(bases, zones)
    np.testing.assert_allclose(
        found.cell[:3], np.array(CELLS["orthorhombic"][:3]) / scale, rtol=1e-6
    )
    np.testing.assert_allclose(found.cell[3:], 90, atol=1e-6)


def test_estimates_leave_out_no_usual_cell():
    rng = np.random.default_rng(0)
    shared = TRIPLES[3]
    metrics = np.linalg.inv(_many_metrics(rng))
    rows = np.moveaxis(shared @ metrics @ shared.T, 0, -1)
    squares, dots = rows[range(3), range(3)], rows[[0, 0, 1], [1, 2, 2]]
    edges, cosines = _zone_cells._estimates(squares, dots, shared)
    possible = _zone_cells._within(edges, cosines, _zone_cells.SLACK)
    estimated = (cosines**2).sum(axis=0)
    usual, oblique = _zone_cells._usual_cells(metrics)
    assert 0.2 < usual.mean() < 0.8
    np.testing.assert_array_equal(possible, usual)
    np.testing.assert_allclose(estimated[usual], oblique[usual], atol=_zone_cells.SLACK)


def _many_metrics(rng):
    """Metrics of cells, usual and unusual ones."""
    edges = rng.uniform(1.5, 70, (300, 3))
    angles = np.radians(rng.uniform(60, 120, (300, 3)))
    found = edges[:, :, None] * edges[:, None, :]
    for (i, j), angle in zip(_zone_cells.PAIRS, angles.T, strict=True):
        found[:, i, j] = found[:, j, i] = found[:, i, j] * np.cos(angle)
    return found[np.linalg.det(found) > 1]


def test_the_cheapest_are_those_of_all(monkeypatch):
    # Two thousand equal costs: far more than are looked at closely at first.
    metrics = np.linalg.inv(np.repeat(_many_metrics(np.random.default_rng(1)), 8, axis=0))
    cost = np.zeros(len(metrics))
    rows = np.moveaxis(metrics, 0, -1)
    squares, dots = rows[range(3), range(3)], rows[[0, 0, 1], [1, 2, 2]]
    usual, oblique = _zone_cells._usual_cells(metrics)
    best = np.flatnonzero(usual)[np.argsort(oblique[usual], kind="stable")]
    for wanted in (8, 800, len(best)):
        monkeypatch.setattr(_zone_cells, "SHORTLIST", wanted // 4)
        found, full, _ = _zone_cells._cheapest(cost, squares, dots, AXES)
        np.testing.assert_allclose(full, _zone_cells.OBLIQUE_COST * oblique[best[: len(full)]])
        assert len(found) == min(wanted // 4 * 4, len(best))


def test_lattices_of_different_scales_fit_no_cell():
    bases = planes(lattice_of(CELLS["orthorhombic"]), AXES)
    bases[0] = 60 * bases[0]
    assert index_zones(bases, AXES) is None


def test_spots_of_shared_rows_tell_other_zones():
    bases = planes(lattice_of(CELLS["orthorhombic"]), AXES)
    alike = index_zones(bases, AXES, lambda image, step: [4.0, 9.0, 1.0, 16.0])
    assert alike.disagreement == 0
    rng = np.random.default_rng(0)
    other = index_zones(bases, AXES, lambda image, step: list(rng.exponential(1, 5) ** 4))
    assert other.disagreement > 0.2


def test_rows_whose_spots_agree_are_preferred():
    # Two of three lattices are squares: only the spots along the shared rows tell a* from b*.
    lattice = lattice_of((5.0, 5.0, 8.0, 90, 90, 90))
    bases = planes(lattice, AXES)
    asked = []

    def profiles(image, step):
        asked.append((image, tuple(step)))
        return [1.0, 0.2, 0.5, 0.1]

    assert index_zones(bases, AXES, profiles) is not None
    assert {image for image, _ in asked} == {0, 1, 2}


@pytest.mark.parametrize(
    ("given_zones", "order"),
    [(AXES, (0, 1, 2)), (AXES[[1, 2, 0]], (2, 0, 1)), (-AXES[[2, 1, 0]], (2, 1, 0))],
)
def test_symmetry_directions_come_in_their_order(given_zones, order):
    lattice = lattice_of(CELLS["orthorhombic"])
    bases = planes(lattice, given_zones)
    found = indexed_turning(bases, index_zones(bases, given_zones))
    assert (found.order, found.zones) == (order, "[100] [010] [001]")
    # Along +x lie b*, c*, a*.
    lengths = [np.hypot(*row) for row in found.rows]
    np.testing.assert_allclose(lengths, [1 / 6.3, 1 / 9.2, 1 / 4.1], rtol=1e-6)


def test_equivalent_directions_of_a_tetragonal_cell_count():
    lattice = lattice_of((4.6, 4.6, 2.96, 90, 90, 90))
    zones = [[0, 0, 1], [0, 1, 0], [1, 1, 0]]  # [010] for [100], [110] for [1-10]
    indexing = index_zones(planes(lattice, zones), zones)
    assert indexing.directions[0] == (1, 2, 0)
    others = index_zones(planes(lattice, AXES), AXES)
    assert others.directions is None  # no [1-10] among [100] [010] [001]


@pytest.mark.parametrize(
    ("text", "indices"),
    [("100", [1, 0, 0]), ("1-10", [1, -1, 0]), ("[-1-12]", [-1, -1, 2]), ("2 -4 0", [1, -2, 0]),
     ("10,0,3", [10, 0, 3]), ((1.0, 1.0, 0.0), [1, 1, 0])],
)  # fmt: skip
def test_zones_are_read(text, indices):
    assert (
        parse_zones([text, "111" if indices != [1, 1, 1] else "001", "-12-1"])[0].tolist()
        == indices
    )


@pytest.mark.parametrize(
    ("zones", "said"),
    [
        ("100", "three zone axes are needed"),
        (["100", "010"], "three zone axes are needed"),
        (["100", "010", "00"], "'00' is no zone axis"),
        (["100", "010", "abc"], "'abc' is no zone axis"),
        (["100", "010", "000"], "all its indices are 0"),
        (["100", "010", (0.5, 0, 1)], "is no zone axis"),
        (["100", "010", "110"], r"\[100\] \[010\] \[110\] lie in one plane"),
    ],
)
def test_what_is_no_three_zones_is_named(zones, said):
    with pytest.raises(ValueError, match=said):
        parse_zones(zones)
