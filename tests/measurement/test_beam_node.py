"""Which point of the lattice the direct beam is, where a tilt makes mates unequal."""

from __future__ import annotations

import math

import numpy as np
import pytest

from crystalsym.diffraction import SpotPatterns
from crystalsym.measurement import CameraImages, SpotFinder
from crystalsym.measurement import _beam_node as beam_node

Q_MAX, SIZE = 1.4, 512
TILTED = {"tilt": 0.5, "thickness": 100.0, "spot_sigma": 1.3}


def net(seed, a=1 / 4, b=1 / 5):
    """Half of the spots of a rectangular lattice, random intensities."""
    rng = np.random.default_rng(seed)
    h, k = np.meshgrid(np.arange(-12, 13), np.arange(-12, 13))
    indices = np.stack([h.ravel(), k.ravel()], axis=1)
    indices = indices[(indices[:, 1] > 0) | ((indices[:, 1] == 0) & (indices[:, 0] > 0))]
    q = indices * [a, b]
    q = q[np.hypot(*q.T) < Q_MAX]
    return q, rng.exponential(1, len(q)) * np.exp(-1.5 * (q**2).sum(axis=1))


def crystal(first):
    nets = [net(first + view) for view in range(3)]
    return SpotPatterns(
        q=np.concatenate([q for q, _ in nets]),
        intensity=np.concatenate([intensity for _, intensity in nets]),
        starts=np.cumsum([0] + [len(q) for q, _ in nets]),
        q_min=np.zeros((1, 3)),
        q_max=np.full((1, 3), Q_MAX),
        halved=True,
    )


def beams(images, **how):
    found = SpotFinder(q_max=Q_MAX, **how).find([images])[0]
    off = [
        math.hypot(*(one.center.place - image.metadata["rendered"]["center"]))
        for one, image in zip(found.images, images, strict=True)
    ]
    return found, np.array(off)


@pytest.mark.parametrize("seed", [0, 10])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"background": 0.01, "beam_stop": 14.0, "off_center": 10.0},
        {"direct_beam": 30.0, "off_center": 6.0},
    ],
    ids=["dark", "stop", "beam seen"],
)
def test_half_a_degree_of_tilt_leaves_the_beam_where_it_is(seed, how):
    camera = CameraImages(SIZE, Q_MAX, rotate=True, random_state=seed, **TILTED, **how)
    (images,) = camera.render(crystal(seed))
    found, off = beams(images)
    assert (off < 0.15).all(), off
    assert all(one.center.lead > 3 for one in found.images)
    assert not found.doubtful


def test_without_the_tilt_another_point_is_taken(monkeypatch):
    """What the fit of the tilt is for: pairs alone mislead in these images."""
    (images,) = CameraImages(SIZE, Q_MAX, random_state=0, **TILTED).render(crystal(0))
    monkeypatch.setattr("crystalsym.measurement._found_pattern._move_beam", lambda *ignored: False)
    _, off = beams(images)
    assert (off > 10).any()


def test_a_center_that_is_given_is_kept():
    (images,) = CameraImages(SIZE, Q_MAX, random_state=0, **TILTED).render(crystal(0))
    middle = (SIZE - 1) / 2
    found, _ = beams(images, center=(middle, middle))
    assert all(one.center.place.tolist() == [middle, middle] for one in found.images)
    assert all(one.center.rival is None for one in found.images)


def measured(heights, origin=(0, 0)):
    h = np.stack(np.meshgrid(np.arange(-5, 6), np.arange(-5, 6)), axis=-1).reshape(-1, 2)
    return beam_node.MeasuredNodes(h, heights(h - origin), np.ones(len(h)))


def chosen(nodes, hidden=None):
    hidden = np.zeros((256, 256), bool) if hidden is None else hidden
    middle = np.array([127.5, 127.5])
    return beam_node.likeliest_node(nodes, 20.0 * np.eye(2), 0.005, middle, hidden, 64.0, 1.5)


def test_spots_that_are_all_alike_leave_it_to_the_middle_and_say_so():
    node = chosen(measured(lambda h: np.full(len(h), 100.0)))
    assert node.indices.tolist() == [0, 0]
    assert node.doubtful
    assert node.next_indices is not None


def test_the_beam_is_behind_the_stop():
    y, x = np.indices((256, 256))
    stop = np.hypot(x - 147.5, y - 127.5) < 9  # at the node [1, 0]
    nodes = measured(lambda h: np.full(len(h), 100.0))
    nodes.heights[(nodes.indices == [1, 0]).all(axis=1)] = np.nan
    node = chosen(nodes, stop)
    assert node.indices.tolist() == [1, 0]
    assert not node.doubtful


def test_the_brightest_by_far_is_the_beam_itself():
    nodes = measured(lambda h: np.where((h == 0).all(axis=1), 1e5, 100.0), origin=(0, -1))
    assert chosen(nodes).indices.tolist() == [0, -1]


def test_a_place_between_the_points_pays_for_a_finer_lattice():
    spots = np.array([[h, k] for h in range(-5, 6, 2) for k in range(-5, 6, 2)])
    cost = beam_node._fineness(spots, np.array([[1, 1], [0, 1], [0, 0]]))
    assert cost.tolist() == pytest.approx([0, math.log(2) * 36, math.log(2) * 36])


def test_the_tilt_found_is_the_one_that_acted():
    rng = np.random.default_rng(1)
    tilt, b = np.array([0.6, -0.45]), 1.25

    def heights(h):
        upper = np.where(((h[:, 1] > 0) | ((h[:, 1] == 0) & (h[:, 0] > 0)))[:, None], h, -h)
        bright = {tuple(i): rng.exponential(1e4) for i in np.unique(upper, axis=0).tolist()}
        g = h * 20 * 0.005
        s = g @ tilt - b * (g**2).sum(axis=1)
        light = np.array([bright[tuple(i)] for i in upper.tolist()]) * np.sinc(s) ** 2
        return np.where((h == 0).all(axis=1), 0.0, light)

    node = chosen(measured(heights, origin=(1, 0)))
    assert node.indices.tolist() == [1, 0]
    assert node.tilt == pytest.approx(tilt, abs=0.1)


@pytest.mark.parametrize(("height", "right"), [(0.0, True), (13.0, True), (900.0, False)])
def test_what_is_barely_seen_at_the_beam_is_no_spot_there(height, right):
    """Noise of a bit over four times its error made the nodes beside the beam likelier."""
    rng = np.random.default_rng(0)
    h = np.stack(np.meshgrid(np.arange(-6, 7), np.arange(-6, 7)), axis=-1).reshape(-1, 2)
    one_of_pair = np.where(h @ [100, 1] > 0, 1, -1)[:, None] * h
    bright = {tuple(i): rng.exponential(1e3) for i in one_of_pair.tolist()}
    heights = np.array([bright[tuple(i)] for i in one_of_pair.tolist()])
    beam = (h == 0).all(axis=1)
    heights[beam] = height
    nodes = beam_node.MeasuredNodes(h, heights, np.full(len(h), 3.0))
    score = beam_node._at_the_node(nodes, np.zeros((1, 2), dtype=int))[0]
    assert bool(score > -1) == right
    middle, clear = np.array([128.0, 128.0]), np.zeros((256, 256), dtype=bool)
    found = beam_node.likeliest_node(nodes, 20 * np.eye(2), 0.005, middle, clear, 64.0, 1.5)
    if right:
        assert found.indices.tolist() == [0, 0]
