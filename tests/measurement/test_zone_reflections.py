"""Rendered images of known zones, joined to one list: compared with structure factors."""

from __future__ import annotations

import numpy as np
import pytest

from crystalsym import DiffractionSimulator
from crystalsym.datasets import example_crystals
from crystalsym.measurement import CameraImages, PatternRefused, SpotFinder

ZONES = np.array([[1, 1, 2], [1, 0, 1], [0, 1, 0]])
Q_MAX = 1.2


def images_of(name, zones, **how):
    simulator = DiffractionSimulator(views=zones, output="spots", q_max=Q_MAX, normalize=False)
    spots = simulator.transform([example_crystals()[name]])
    how = {"spot_sigma": 1.3, "rotate": True, "off_center": 5.0, **how}
    return spots, CameraImages(384, Q_MAX, **how).render(spots)


@pytest.fixture(scope="module")
def spinel():
    spots, images = images_of("MgAl2O4-spinel", ZONES)
    (found,) = SpotFinder(zones=ZONES).find(images)
    return spots, found


def canonical(hkl):
    """One name for all equivalents of m-3m."""
    return tuple(sorted(map(abs, map(int, hkl))))


def test_cell_and_indices_are_those_of_the_crystal(spinel):
    spots, found = spinel
    assert found.refused is None
    np.testing.assert_allclose(found.indexing.cell, (8.08, 8.08, 8.08, 90, 90, 90), rtol=0.01)
    listed = found.reflections()
    strong = listed[listed.intensity > 50 * listed.sigma.min()]
    present = {canonical(h) for h in spots.hkl[spots.intensity > 0].tolist()}
    assert {canonical(h) for h in strong.hkl} <= present


def test_three_exposures_come_to_one_scale(spinel):
    spots, found = spinel
    listed = found.reflections()
    # Images are exposed each to its own strongest spot, as cameras are.
    truth = {canonical(h): i for h, i in zip(spots.hkl, spots.intensity, strict=True)}
    strong = listed.intensity > 0.02 * listed.intensity.max()
    pairs = zip(listed.hkl[strong], listed.intensity[strong], strict=True)
    ratio = [value / truth[canonical(hkl)] for hkl, value in pairs]
    assert len(ratio) > 30
    assert np.std(ratio) / np.mean(ratio) < 0.05


def test_dark_places_are_listed_and_hidden_ones_are_not(spinel):
    _, found = spinel
    listed = found.reflections()
    mixed = np.ptp(listed.hkl % 2, axis=1) > 0  # which F forbids
    assert mixed.sum() > 100
    assert (listed.intensity[mixed] < 5 * listed.sigma[mixed]).all()
    assert np.linalg.norm(listed.hkl, axis=1).min() > 0
    _, images = images_of("MgAl2O4-spinel", ZONES, beam_stop=60.0, background=0.01)
    (behind,) = SpotFinder(zones=ZONES).find(images)
    assert behind.reflections().q.min() > 1.5 * listed.q.min()


def test_order_and_names_of_directions_do_not_matter():
    directions = np.array([[1, 0, 0], [1, -1, 0], [0, 0, 1]])
    _, images = images_of("TiO2-rutile", directions)
    plain = SpotFinder(zones=directions, q_max=Q_MAX).transform(images)
    turned = [images[0][i] for i in (2, 0, 1)]
    other = SpotFinder(zones=directions[[2, 0, 1]], q_max=Q_MAX).transform([turned])
    np.testing.assert_allclose(other.intensity, plain.intensity)
    for view in range(3):  # a mate stands for either
        q, expected = other.pattern(0, view).q, plain.pattern(0, view).q
        sign = np.sign(q[0] @ expected[0])
        np.testing.assert_allclose(sign * q, expected, atol=1e-9)


def test_an_order_that_is_named_is_taken():
    directions = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    _, images = images_of("CaCO3-aragonite", directions)
    plain = SpotFinder(q_max=Q_MAX).transform(images)
    turned = [images[0][i] for i in (2, 0, 1)]  # z, x, y
    np.testing.assert_allclose(
        SpotFinder(q_max=Q_MAX, order="zxy").transform([turned]).q, plain.q, atol=1e-9
    )
    with pytest.raises(ValueError, match="order must be one of"):
        SpotFinder(order="xxz").fit()


def test_zones_that_cannot_be_are_refused(spinel):
    _, images = images_of("CaCO3-aragonite", np.eye(3, dtype=int))
    with pytest.raises(PatternRefused, match="zones given"):
        SpotFinder(zones=["111", "1-10", "001"]).transform(images)
    with pytest.raises(ValueError, match="lie in one plane"):
        SpotFinder(zones=["100", "010", "110"]).fit()


def test_without_zones_there_is_no_list():
    _, images = images_of("TiO2-rutile", np.array([[1, 0, 0], [1, -1, 0], [0, 0, 1]]))
    (found,) = SpotFinder().find(images)
    with pytest.raises(PatternRefused, match="zones of the images were not given"):
        found.reflections()
