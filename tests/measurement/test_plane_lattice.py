"""Lattices of points: strays, gaps and weak spots between."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crystalsym.measurement._pattern_turning import turning
from crystalsym.measurement._plane_lattice import fit_lattice


def points_of(basis, reach=5):
    h, k = np.meshgrid(np.arange(-reach, reach + 1), np.arange(-reach, reach + 1))
    indices = np.stack([h.ravel(), k.ravel()], axis=1)
    indices = indices[indices.any(axis=1)]
    return indices @ basis, indices


def area(basis):
    return abs(np.linalg.det(basis))


@settings(max_examples=20, deadline=None)
@given(
    st.floats(8, 30), st.floats(1.0, 2.2), st.floats(60, 90), st.floats(0, 180),
    st.integers(0, 1000),
)  # fmt: skip
def test_lattice_comes_back_with_gaps_strays_and_noise(edge, ratio, angle, turn, seed):
    rng = np.random.default_rng(seed)
    one, two = np.radians([turn, turn + angle])
    basis = edge * np.array(
        [[np.cos(one), np.sin(one)], [ratio * np.cos(two), ratio * np.sin(two)]]
    )
    points, _ = points_of(basis)
    points = points[rng.random(len(points)) < 0.7] + 0.0
    points += rng.normal(0, 0.1, points.shape)
    strays = rng.uniform(-5 * edge, 5 * edge, (4, 2))
    found = fit_lattice(
        rng.permutation(np.concatenate([points, strays])), np.full(len(points) + 4, 0.1)
    )
    assert area(found.basis) == pytest.approx(area(basis), rel=0.01)
    assert found.n_explained >= len(points)


def test_few_weak_spots_between_points_make_the_lattice_finer():
    points, _ = points_of(np.diag([20.0, 30.0]))
    between = points[:8] + np.array([10.0, 0.0])
    found = fit_lattice(np.concatenate([points, between]), np.full(len(points) + 8, 0.1))
    assert area(found.basis) == pytest.approx(300, rel=0.01)
    assert found.explained.all()


def test_points_on_a_line_are_no_lattice():
    points = np.stack([np.arange(1, 9) * 10.0, np.zeros(8)], axis=1)
    found = fit_lattice(points, np.full(8, 0.1))
    assert found is None or found.n_explained < 4


A, B, C = 1 / 4, 1 / 5, 1 / 7
SQUARE = np.diag([A, A])
HEXAGONAL = A * np.array([[1.0, 0.0], [0.5, np.sqrt(0.75)]])


@pytest.mark.parametrize(
    ("bases", "zones", "periods"),
    [
        ([np.diag([B, C]), np.diag([C, A]), np.diag([A, B])], "[100] [010] [001]", [B, C, A]),
        # [100] is extinct in odd k, [001] too: the shared rows tell b* all the same.
        ([np.diag([2 * B, C]), np.diag([C, A]), np.diag([A, 2 * B])], "[100] [010] [001]",
         [2 * B, C, A]),
        ([np.diag([A, C]), np.diag([np.sqrt(2) * A, C]), SQUARE], "[100] [1-10] [001]",
         [A, C, A]),
        ([np.diag([A, C]), np.diag([np.sqrt(3) * A, C]), HEXAGONAL], "[100] [1-10] [001]",
         [A, C, A]),
        # Primitive cube: (1-10) net, c* and (110), a* net.
        ([np.sqrt(2) * HEXAGONAL, np.diag([A, np.sqrt(2) * A]), SQUARE], "[111] [1-10] [001]",
         [np.sqrt(2) * A, A, A]),
        # Body centered: the net of [001] is that of (110), and a* lies along its diagonal.
        ([np.sqrt(2) * HEXAGONAL, np.diag([2 * A, np.sqrt(2) * A]), np.sqrt(2) * SQUARE],
         "[111] [1-10] [001]", [np.sqrt(2) * A, 2 * A, 2 * A]),
    ],
    ids=["orthorhombic", "extinct", "tetragonal", "hexagonal", "cubic P", "cubic I"],
)  # fmt: skip
def test_rows_that_lie_along_x(bases, zones, periods):
    rng = np.random.default_rng(1)
    turned = []
    for basis in bases:
        angle = rng.uniform(0, 2 * np.pi)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        turned.append(basis @ turn)
    found = turning(turned)
    assert found.zones == zones
    np.testing.assert_allclose([np.hypot(*row) for row in found.rows], periods, rtol=1e-6)


def test_lattices_that_share_no_rows_are_said_to():
    found = turning([np.diag([0.1, 0.13]), np.diag([0.171, 0.227]), np.diag([0.29, 0.377])])
    assert found.zones == "unknown"


def test_any_order_is_put_right_where_the_lattices_tell():
    bases = [SQUARE, np.sqrt(2) * HEXAGONAL, np.diag([A, np.sqrt(2) * A])]
    assert turning(bases, "any").order == (1, 2, 0)
    monoclinic = np.array([[C, 0.0], [0.3 * A, A]])
    x, z = np.diag([B, C]), np.diag([np.hypot(*monoclinic[1]), B])
    assert turning([monoclinic, x, z], "any").order[1] == 0


def test_nearly_equal_axes_are_told_apart():
    # b* and c* differ by 0.5 %: the row shared with z is b*, that with y c*.
    a, b, c = 0.2248, 0.1093, 0.1088
    turned = turning([np.diag([b, c]), np.diag([c, a]), np.diag([a, b])])
    assert [round(float(np.hypot(*row)), 4) for row in turned.rows] == [b, c, a]


def test_nearly_tetragonal_cells_are_not_taken_for_tetragonal():
    a, b, c = 0.2, 0.2008, 0.13  # equal to 0.4 %
    assert turning([np.diag([b, c]), np.diag([c, a]), np.diag([a, b])]).zones == "[100] [010] [001]"
    a_b = [0.2 / np.sqrt(2)] * 2
    tetragonal = [np.diag([0.2, c]), np.diag([a_b[0] * 2, c]), np.diag([0.2, 0.2])]
    assert turning(tetragonal).zones == "[100] [1-10] [001]"


def test_a_square_net_is_known_by_half_of_its_points():
    # A cube along [111], [1-10] and [001], the last without its weak odd rows.
    a = 0.1
    hexagonal = np.array([[1.0, 0.0], [0.5, np.sqrt(0.75)]]) * a * np.sqrt(2)
    whole = [hexagonal, np.diag([a, a * np.sqrt(2)]), np.diag([a, a])]
    assert turning(whole).zones == "[111] [1-10] [001]"
    found = turning([*whole[:2], np.diag([a, 2 * a])])
    assert found.zones == "[111] [1-10] [001]"


def test_lattices_no_finer_than_spots_can_be_told_apart():
    rng = np.random.default_rng(1)
    points = np.array([[i * 6.0, j * 90.0] for i in range(-60, 61) for j in range(-4, 5)])
    points = points[rng.random(len(points)) < 0.5] + rng.normal(0, 0.25, (1, 2))
    points = points + rng.normal(0, 0.25, points.shape)
    points = points[np.argsort(np.hypot(*points.T))]
    found = fit_lattice(points, np.full(len(points), 0.3), closest=4.0)
    assert np.hypot(*found.basis.T).min() == pytest.approx(6.0, abs=0.05)


def long_cell(spacing):
    """Rows 200 pixels apart, whose spots are close; those of every third place are seen."""
    h, k = np.meshgrid(np.arange(-40, 41), np.arange(-2, 3))
    indices = np.stack([h.ravel(), k.ravel()], axis=1)
    indices = indices[(indices[:, 0] * 7 + indices[:, 1] * 5) % 3 == 0]
    return indices[indices.any(axis=1)] * [spacing, 200.0]


def test_a_lattice_whose_nearest_points_are_all_of_one_row_is_found():
    points = long_cell(6.4)
    points = points[(np.abs(points[:, 0]) > 30) | (points[:, 1] != 0)]
    lattice = fit_lattice(points, np.full(len(points), 0.1), closest=4.7)
    assert lattice is not None
    assert lattice.explained.all()
    assert abs(np.linalg.det(lattice.basis)) == pytest.approx(6.4 * 200 * 3, rel=1e-3)


def test_two_close_spots_of_a_row_may_make_one_peak():
    h, k = np.meshgrid(np.arange(-30, 31), np.arange(-4, 5))
    points = np.stack([h.ravel() * 6.4, k.ravel() * 90.0], axis=1)
    points = points[np.hypot(*points.T) > 1]
    merged = np.array([[12.5 * 6.4, 90.0], [-7.5 * 6.4, -180.0], [19.5 * 6.4, 0.0]])
    beside = np.array([[64.0, 45.0]])
    every = np.concatenate([points, merged, beside])
    lattice = fit_lattice(every, np.full(len(every), 0.1), closest=4.7)
    np.testing.assert_allclose(np.hypot(*lattice.basis.T), [6.4, 90.0], rtol=1e-3)
    assert lattice.explained[len(points) : -1].all()
    assert not lattice.explained[-1]
    # Spots that can be told apart well are not excused.
    apart = fit_lattice(every, np.full(len(every), 0.1), closest=3.3)
    assert not apart.explained[len(points) :].any()
