"""Images in any order: what the network makes of each order is weighed."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from crystalsym import DiffractionSimulator, pretrained
from crystalsym.datasets import example_crystals
from crystalsym.identification import identify_images
from crystalsym.identification._order_evidence import order_shares, telling
from crystalsym.measurement import CameraImages, SpotFinder


def test_a_sure_answer_outweighs_an_unsure_one_by_its_entropy():
    entropy = -(0.5 * np.log(0.5) * 2)
    sure, unsure = order_shares(np.array([[1.0, 0.0], [0.5, 0.5]]), [0.0, 0.0])
    assert sure / unsure == pytest.approx(np.exp(4 * entropy))
    assert order_shares(np.array([[1.0, 0.0]] * 2), [1.0, 0.0])[1] == pytest.approx(
        np.e / (1 + np.e)
    )


@given(
    arrays.arrays(float, (4, 5), elements=st.floats(1e-6, 1.0)),
    st.permutations(range(4)),
    st.lists(st.floats(0, 5), min_size=4, max_size=4),
)
def test_shares_sum_to_one_and_follow_their_orders(p, moved, doubts):
    p /= p.sum(axis=1, keepdims=True)
    shares = order_shares(p, doubts)
    assert shares.sum() == pytest.approx(1)
    np.testing.assert_allclose(order_shares(p[moved], [doubts[i] for i in moved]), shares[moved])


def test_orders_are_told_as_the_zones_of_the_images():
    # Image 2 is zone x, image 0 is y, image 1 is z.
    said = telling(np.array([0.01, 0.99]), [(0, 1, 2), (2, 0, 1)])
    assert said.endswith(": yzx 99 %")


@pytest.mark.skipif(not pretrained.available(), reason="no model is in this tree")
@pytest.mark.parametrize("name", ["TiO2-rutile", "CaCO3-aragonite"])
def test_the_answer_is_the_same_in_every_order(name):
    spots = DiffractionSimulator(output="spots").transform([example_crystals()[name]])
    (images,) = CameraImages(256, spot_sigma=1.0, rotate=True, mirror=True).render(spots)
    orders = list(permutations(range(3)))
    found = identify_images(
        [[images[i] for i in order] for order in orders],
        finder=SpotFinder(order="any"),
        coverage=0.9,
    )
    first = found[0]
    for order, answer in zip(orders, found, strict=True):
        assert [order[i] for i in answer.found.turning.order] == list(first.found.turning.order)
        assert answer.ranking[0][0] == first.ranking[0][0] in answer.prediction_set
        assert answer.ranking[0][1] == pytest.approx(first.ranking[0][1], abs=1e-3)
        assert "which zone each image is" in answer.warnings[-1]
        assert len(answer.patterns) == 1
