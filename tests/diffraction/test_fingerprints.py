"""The diffraction fingerprint of Ziletti et al., and crystals brought to one size."""

from __future__ import annotations

import numpy as np
import pytest
from support.crystals import NACL, one_atom

from crystalsym import Cluster, DiffractionSimulator, SpotMerger


@pytest.fixture(scope="module")
def patterns():
    return DiffractionSimulator.from_preset("ziletti2018").transform([NACL])


@pytest.fixture(scope="module")
def fingerprint(patterns):
    return SpotMerger.from_preset("ziletti2018").transform(patterns)[0]


def test_geometry_is_the_published_one():
    detector = DiffractionSimulator.from_preset("ziletti2018").detector()
    assert (detector.wavelength, detector.distance, detector.pixel_size) == (0.05, 100.0, 0.4)
    assert (detector.size, detector.beam) == (64, (31.5, 31.5))
    assert detector.q_per_pixel == pytest.approx(0.08)


def test_a_channel_is_the_sum_of_two_turns(patterns, fingerprint):
    assert patterns.shape == (1, 6, 64, 64)
    single = DiffractionSimulator.from_preset("ziletti2018", views="rotations").transform([NACL])
    np.testing.assert_array_equal(patterns[:, 1::2], single)
    x = y = np.arange(64) - 31.5
    radius = np.hypot(*np.meshgrid(x, y))
    ring = (radius > 10) & (radius < 30)
    sums = np.stack([patterns[0, i] + patterns[0, i + 1] for i in (0, 2, 4)], axis=-1)
    sums = np.where(ring[..., None], sums, 0)
    np.testing.assert_allclose(fingerprint, sums / sums.max(), atol=1e-6)
    assert fingerprint.max() == 1
    assert fingerprint.min() == 0


def test_a_cubic_crystals_channels_have_its_symmetry(fingerprint):
    """With mirrors across the axes both turns about one show a pattern and its mirror image."""
    red, green, blue = np.moveaxis(fingerprint, -1, 0)
    for channel in (red, green, blue):
        np.testing.assert_allclose(channel, channel[::-1], atol=1e-5)
        np.testing.assert_allclose(channel, channel[:, ::-1], atol=1e-5)
    np.testing.assert_allclose(green, red.T, atol=1e-5)
    np.testing.assert_allclose(blue, blue.T, atol=1e-5)
    assert np.abs(red - red.T).max() > 0.1


def test_spots_are_where_the_cell_puts_them(fingerprint):
    """Shrunk to neighbors 1 Å apart, a = 2 Å: 200 is 1/1 Å, that is 12.5 pixels, from the beam."""

    def brightest(channel):
        row, column = np.unravel_index(channel.argmax(), channel.shape)
        return np.abs([row - 31.5, column - 31.5])

    red, green, blue = np.moveaxis(fingerprint, -1, 0)
    np.testing.assert_allclose(brightest(red), (0, 12.5), atol=0.8)  # a* along x
    np.testing.assert_allclose(brightest(green), (12.5, 0), atol=0.8)  # b* along y
    np.testing.assert_allclose(brightest(blue), (8.84, 8.84), atol=0.8)  # between them


def test_size_does_not_matter_where_it_is_taken_away():
    larger = NACL.replace(lattice=1.3 * NACL.lattice)
    for changes in ({}, {"engine": "bragg"}):
        simulator = DiffractionSimulator.from_preset("ziletti2018", **changes)
        a, b = simulator.transform([NACL, larger])
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5 * a.max())
        c, d = simulator.set_params(scale=None).transform([NACL, larger])
        assert np.abs(c - d).max() > 0.1 * c.max()


def test_spots_and_images_shrink_alike():
    simulator = DiffractionSimulator("zone-axes", output="spots", scale="neighbors", q_max=2.0)
    spots = simulator.transform([one_atom(np.diag([2.0, 4.0, 5.0]))])
    # Its neighbors are along a, 2 Å away: the cell becomes 1 x 2 x 2.5.
    assert np.abs(spots.pattern(0, 2).q).min(axis=0) == pytest.approx([0, 0])
    place = spots.pattern(0, 2)
    first = place.q[[tuple(hkl) == (1, 0, 0) for hkl in place.hkl]]
    assert first[0] == pytest.approx([1.0, 0.0], abs=1e-5)


def test_a_crystal_that_is_shrunk_is_left_as_it_was():
    before = NACL.digest()
    DiffractionSimulator(scale="neighbors", image_size=16).transform([NACL])
    assert NACL.digest() == before


def test_impossible_scales_are_refused():
    with pytest.raises(ValueError, match="scale must be one of"):
        DiffractionSimulator(scale="atoms").fit()
    cluster = Cluster([[0.0, 0, 0], [0, 0, 2.0]], [6, 6])
    simulator = DiffractionSimulator("cartesian", engine="atoms", scale="neighbors", image_size=16)
    with pytest.raises(TypeError, match='scale="neighbors" needs a crystal, got a Cluster'):
        simulator.transform([cluster])
