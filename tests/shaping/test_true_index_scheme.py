"""Scheme "indices": layers of known indices, with what is known of every place."""

from __future__ import annotations

import math

import numpy as np
import pytest

from crystalsym import DiffractionSimulator, PatternShaper, standardize
from crystalsym.datasets import example_crystals
from crystalsym.diffraction import Coverage, SpotPatterns

BASIS = np.array([[0.1, 0.0], [0.0, 0.2]])


def layer(hkl, intensity, sigma=None, coverage=Coverage.LISTED, halved=True, q_max=1.0):
    indices = np.array(hkl, dtype=np.int16).reshape(-1, 2)
    return SpotPatterns(
        q=indices @ BASIS,
        intensity=np.array(intensity, dtype=float),
        starts=np.array([0, len(indices)]),
        q_min=np.full((1, 1), 0.05),
        q_max=np.full((1, 1), q_max),
        sigma=None if sigma is None else np.array(sigma, dtype=float),
        indices=indices,
        basis=BASIS[None, None],
        coverage=np.full((1, 1), coverage, dtype=np.int8),
        halved=halved,
    )


def drawn(patterns, **parameters):
    return PatternShaper("indices", image_size=9, **parameters).transform(patterns)[0, 0]


def test_a_spot_is_drawn_at_its_indices_and_at_its_mates():
    picture = drawn(layer([(2, 1)], [7.0], [0.7]))
    assert picture.shape == (9, 9, 4)
    for row, column in ((5, 6), (3, 2)):
        # One spot is its own mean: a hundred hundredths of it.
        assert picture[row, column, 0] == pytest.approx(math.asinh(100) / math.asinh(1000))
        assert picture[row, column, 1] == pytest.approx(math.asinh(10) / math.asinh(1e5))
        assert picture[row, column, 2] == 1
        assert picture[row, column, 3] == pytest.approx(math.hypot(0.2, 0.2) / 1.5)
    assert np.count_nonzero(picture[..., 0]) == 2
    assert picture[..., 2].sum() == 2


@pytest.mark.parametrize(
    ("coverage", "seen"), [(Coverage.LISTED, 0), (Coverage.WHOLE, 1), (Coverage.OBSERVED, 0.5)]
)
def test_not_measured_is_not_absent(coverage, seen):
    picture = drawn(layer([(2, 1)], [7.0], [0.7], coverage, q_max=0.35))
    assert picture[4, 5, 2] == np.float32(seen)  # 0.1 1/Å
    assert picture[4, 8, 2] == 0  # 0.4 1/Å, beyond the field
    assert picture[4, 4, 2] == 0  # the beam


def test_mates_and_negative_intensities_are_averaged():
    both = drawn(layer([(2, 1), (-2, -1), (1, 0)], [6.0, 8.0, -1.0], [1, 1, 1], halved=False))
    one = drawn(layer([(2, 1), (1, 0)], [7.0, 0.0], [math.sqrt(0.5), 1]))
    # The scale is that of the list, in which the mates still differ.
    np.testing.assert_allclose(both, one, atol=0.01)
    assert both[4, 5, 0] == both[4, 5, 1] == 0
    assert both[4, 5, 2] == 1


def test_the_scale_of_intensities_does_not_matter():
    one = layer([(2, 1), (1, 0), (0, 3)], [6.0, 0.5, 3.0], [0.1, 0.1, 0.1])
    other = layer([(2, 1), (1, 0), (0, 3)], [6e5, 5e4, 3e5], [1e4, 1e4, 1e4])
    np.testing.assert_allclose(drawn(one), drawn(other), rtol=1e-6)


def test_simulated_patterns_keep_the_absences_of_a_centered_cell():
    crystal = standardize(example_crystals()["NaCl"])
    spots = DiffractionSimulator(output="spots").transform([crystal])
    picture = PatternShaper("indices").transform(spots)[0, 2]
    assert picture.shape == (17, 17, 4)
    bright = picture[..., 1] > 1e-6
    rows, columns = np.nonzero(bright)
    assert ((rows - 8) % 2 == 0).all()
    assert ((columns - 8) % 2 == 0).all()
    assert picture[8, 9, 2] == 1  # 100 was measured, and is absent
    assert PatternShaper().transform(spots)[0, 2, 6, 7, 0] > 0  # the lattice of what is seen


def test_patterns_without_indices_and_images_are_refused():
    nameless = SpotPatterns(
        np.zeros((0, 2)), np.zeros(0), np.zeros(4, int), np.zeros((1, 3)), np.ones((1, 3))
    )
    with pytest.raises(ValueError, match="indices are known"):
        PatternShaper("indices").transform(nameless)
    with pytest.raises(ValueError, match="takes SpotPatterns"):
        PatternShaper("indices").transform(np.zeros((1, 3, 64, 64)))
    with pytest.raises(ValueError, match="odd image_size"):
        PatternShaper("indices", image_size=16).fit()


def test_mates_that_differ_are_shown_apart_without_friedels_law():
    spots = layer([(2, 1), (-2, -1), (1, 0)], [6.0, 2.0, 4.0], halved=False)
    picture = drawn(spots, friedel=False)
    unit = 0.01 * (36 + 4 + 16) / 12
    for place, intensity in (((5, 6), 6.0), ((3, 2), 2.0), ((4, 5), 4.0)):
        assert picture[place][0] == pytest.approx(math.asinh(intensity / unit) / math.asinh(1000))
    assert picture[4, 3, 0] == 0
    assert np.count_nonzero(picture[..., 0]) == 3


def test_halved_patterns_are_the_same_with_and_without_friedels_law():
    spots = layer([(2, 1), (1, 0), (0, 3)], [6.0, 0.5, 3.0])
    np.testing.assert_array_equal(drawn(spots), drawn(spots, friedel=False))
