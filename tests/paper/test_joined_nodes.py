"""Pairs told by the rules of shaping are those that the library draws."""

import numpy as np
import pytest

from crystalsym import DiffractionSimulator, PatternShaper
from crystalsym.crystals import as_crystal
from crystalsym.datasets import example_crystals


@pytest.fixture
def nodes(paper):
    return paper("joined_nodes")


def test_spots_of_a_square_lattice_join_edges_and_diagonals(nodes):
    places = np.stack(np.meshgrid(np.arange(4.0), np.arange(4.0)), axis=-1).reshape(-1, 2)
    joined = nodes.join_spots(places, 1.7)
    # 24 edges of length 1 and 18 diagonals; 2 is beyond 1.7
    assert joined.smallest == 1.0
    assert len(joined.pairs) == 24 + 18
    lengths = np.linalg.norm(np.subtract(*places[joined.pairs.T]), axis=1)
    assert lengths.max() == pytest.approx(np.sqrt(2))


@pytest.mark.parametrize("places", [np.empty((0, 2)), np.ones((1, 2))])
def test_fewer_than_two_spots_are_not_joined(nodes, places):
    assert nodes.join_spots(places, 1.7).pairs.shape == (0, 2)


def test_pixels_in_a_row_are_not_joined(nodes):
    bright = np.zeros((64, 64), dtype=bool)
    bright[10, [10, 30]] = True
    assert len(nodes.join_pixels(bright, 1.7).pairs) == 0
    bright[40, 20] = True  # askew to both, far from either
    joined = nodes.join_pixels(bright, 1.7)
    assert len(joined.pairs) == 2
    assert joined.reach == np.inf


def test_pixels_too_close_are_not_collected(nodes):
    bright = np.zeros((64, 64), dtype=bool)
    bright[10, 10] = bright[12, 12] = True
    joined = nodes.join_pixels(bright, 1.7)
    assert np.isnan(joined.smallest)
    assert len(joined.pairs) == 0


@pytest.mark.parametrize("name", ["NaCl", "TiO2-rutile", "ZnO-zincite"])
def test_pixel_pairs_are_the_published_lines(paper, nodes, name):
    steps = paper("kinds.shaping_steps")
    raw = DiffractionSimulator.from_preset("tiong2020").transform([example_crystals()[name]])
    shaped = PatternShaper("pixels", image_size=256, dtype="uint8").transform(raw)[0]
    for view, image in enumerate(raw[0]):
        joined = nodes.join_pixels(steps.node_pixels(image, steps.PIXEL_THRESHOLD), 1.7)
        lines = np.zeros((256, 256), dtype=bool)
        for a, b in joined.places[joined.pairs]:
            for start, end in ((a, b), (b, a)):
                points = np.linspace(start, end, int(np.abs(end - start).max()))
                lines[tuple(np.rint(points[:, ::-1]).astype(int).T)] = True
        own, plain = shaped[view, ..., view], shaped[view, ..., (view + 1) % 3]
        drawn = own != plain
        assert drawn.any()
        assert not (drawn & ~lines).any()
        # What is brighter than 5 is written back over the lines; the brightest wraps to 0.
        kept = lines & ~drawn
        assert ((plain[kept] > 4) | ((plain[kept] == 0) & (image[kept] > 0.01))).all()


@pytest.mark.parametrize("view", [0, 2])
def test_spot_pairs_are_the_lines_drawn(paper, view):
    steps = paper("kinds.shaping_steps")
    materials = paper("materials")
    rule = steps.rules(128)[2]  # logarithmic: every line is bright enough to be seen
    crystal = as_crystal(example_crystals()["TiO2-rutile"])
    material = materials.Material("rutile", crystal, 136, None, "not in the table")
    shaped = steps.shape(rule, material)[view]
    size = len(shaped.raw)
    covered = np.zeros(shaped.lines.shape, dtype=bool)
    rows, columns = np.mgrid[:128, :128]
    for a, b in shaped.joined.places[shaped.joined.pairs] * 127 / (size - 1):
        along = np.clip(((columns - a[0]) * (b - a)[0] + (rows - a[1]) * (b - a)[1])
                        / ((b - a) @ (b - a)), 0, 1)  # fmt: skip
        away = np.hypot(columns - a[0] - along * (b - a)[0], rows - a[1] - along * (b - a)[1])
        covered |= away <= 1.6
        middle = np.rint((a + b) / 2).astype(int)
        assert shaped.lines[middle[1], middle[0]] > 0
    assert not (shaped.lines[~covered] > 0).any()
