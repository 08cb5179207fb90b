"""Dislocation pairs: what their field must be around them, and what they do to intensities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.blocks import COPPER, block, intensities_of

from crystalsym.crystals.defects import DislocationPairs
from crystalsym.crystals.defects._dislocations import line_frame, pair_field

FIRST, SECOND = np.array([-10.0, 0.0]), np.array([10.0, 0.0])
BURGERS = st.tuples(st.floats(-4, 4), st.just(0.0), st.floats(-4, 4)).map(np.array)


def along_circle(middle, radius, n=20_000, start=0.1):
    turns = 2 * np.pi * np.arange(n + 1) / n + start
    return np.asarray(middle) + radius * np.column_stack([np.cos(turns), np.sin(turns)])


def closure(places, burgers):
    """What the field's steps along a way add up to, the jump at the cut left out."""
    steps = np.diff(pair_field(places, FIRST, SECOND, burgers, 0.3), axis=0)
    jumps = np.linalg.norm(steps, axis=1) > 0.5 * np.linalg.norm(burgers)
    return steps[~jumps].sum(axis=0), int(jumps.sum())


@settings(max_examples=30, deadline=None)
@given(BURGERS.filter(lambda b: np.linalg.norm(b) > 0.1))
def test_a_way_around_one_line_leads_to_its_burgers_vector(burgers):
    total, jumps = closure(along_circle(FIRST, 6.0), burgers)
    assert jumps == 1
    assert np.allclose(total, burgers, atol=2e-3 * np.linalg.norm(burgers))
    total, _ = closure(along_circle(SECOND, 6.0), burgers)
    assert np.allclose(total, -burgers, atol=2e-3 * np.linalg.norm(burgers))


@settings(max_examples=30, deadline=None)
@given(BURGERS.filter(lambda b: np.linalg.norm(b) > 0.1))
def test_a_way_around_both_closes_without_a_jump(burgers):
    total, jumps = closure(along_circle((0, 0), 30.0), burgers)
    assert jumps == 0
    assert np.allclose(total, 0, atol=1e-9)


def test_the_field_jumps_across_the_strip_between_and_nowhere_else():
    burgers = np.array([2.5, 0, 1.0])
    x = np.linspace(-30, 30, 301)[1::2]
    above, below = (
        pair_field(np.column_stack([x, np.full_like(x, y)]), FIRST, SECOND, burgers, 0.3)
        for y in (1e-9, -1e-9)
    )
    between = np.abs(x) < 9.9
    jump = above - below
    assert np.allclose(np.abs(jump[between]), np.abs(burgers), atol=1e-6)
    assert np.allclose(jump[np.abs(x) > 10.1], 0, atol=1e-6)


@pytest.mark.parametrize("poisson", [0.0, 0.3, 0.45])
def test_the_field_is_in_equilibrium(poisson):
    """(1 - 2ν) ∇²u + ∇(∇·u) = 0 (Navier) away from the lines, by differences."""
    step = 0.02
    x, y = np.meshgrid(step * np.arange(-1, 2), step * np.arange(-1, 2), indexing="ij")
    for middle in ((3.0, 5.0), (-20.0, 7.0), (15.0, -6.0)):
        places = np.column_stack([x.ravel(), y.ravel()]) + middle
        u = pair_field(places, FIRST, SECOND, np.array([2.5, 0, 0]), poisson).reshape(3, 3, 3)
        xx = (u[2, 1] - 2 * u[1, 1] + u[0, 1]) / step**2
        yy = (u[1, 2] - 2 * u[1, 1] + u[1, 0]) / step**2
        xy = (u[2, 2] - u[2, 0] - u[0, 2] + u[0, 0]) / (4 * step**2)
        divergence = np.array([xx[0] + xy[1], xy[0] + yy[1]])
        residual = (1 - 2 * poisson) * (xx + yy)[:2] + divergence
        assert np.abs(divergence).max() > 1e-5
        assert np.abs(residual).max() < 1e-3 * max(np.abs(xx).max(), np.abs(yy).max())


def test_the_field_falls_off():
    """A dipole's as 1/r: ten times as far, a tenth."""
    near, far = (
        np.abs(pair_field(along_circle((0, 0), r), FIRST, SECOND, np.array([2.5, 0, 1]), 0.3)).max()
        for r in (200.0, 2000.0)
    )
    assert 8 < near / far < 12


def test_a_screw_is_not_seen_across_its_burgers_vector():
    """Where g·b = 0 intensities are those of the perfect crystal (invisibility criterion)."""
    whole = block(COPPER, 10)
    screws = DislocationPairs((0, 0, 1), pairs=3, random_state=0).transform([whole])[0]
    hkl = [[2, 0, 0], [2, 2, 0], [4, -2, 0], [0, 0, 2], [1, 1, 1]]
    ratio = intensities_of(screws, hkl) / intensities_of(whole, hkl)
    assert np.allclose(ratio[:3], 1, atol=1e-9)
    assert ratio[3:].max() < 0.9


def test_edges_move_across_their_line_only():
    whole = block(COPPER, 8)
    edges = DislocationPairs((0.5, 0.5, 0), line=(1, -1, 2), random_state=1).transform([whole])[0]
    line = np.array([1, -1, 2]) / np.sqrt(6)
    shifts = edges.positions - whole.positions
    assert np.abs(shifts @ line).max() < 1e-9
    assert np.abs(shifts).max() > 0.5


@pytest.mark.parametrize("burgers", [(1, 0, 0), (0, 0, 1), (1, 2, 3)])
def test_frames_are_right_handed(burgers):
    frame = line_frame(np.array(burgers, float), np.array([0, 0, 2.0]))
    assert np.allclose(frame @ frame.T, np.eye(3))
    assert np.isclose(np.linalg.det(frame), 1)
    assert abs(frame[1] @ burgers) < 1e-12


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (DislocationPairs((0, 0, 0)), "burgers must be three finite numbers, not all zero"),
        (DislocationPairs((1, 0, 0), line=(0.5, 0, 0)), "line must be three integers"),
        (DislocationPairs((1, 0, 0), pairs=-1), "pairs must be an integer from 0 up"),
        (DislocationPairs((1, 0, 0), separation=0), "separation must be above 0"),
        (DislocationPairs((1, 0, 0), poisson=0.5), "poisson must lie between -1 and 0.5"),
    ],
)
def test_bad_parameters_are_named(step, message):
    with pytest.raises(ValueError, match=message):
        step.transform([block(COPPER, 2)])
