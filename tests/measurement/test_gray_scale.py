"""Logarithmic gray is told from linear gray, and nothing else is taken for it."""

from __future__ import annotations

import numpy as np
import pytest

from crystalsym import DiffractionSimulator
from crystalsym.datasets import example_crystals
from crystalsym.measurement import looks_logarithmic, profile_trend

SIMPLE = ("Si", "NaCl", "CsCl", "Cu", "WC")
ORDINARY = ("SiO2-quartz", "TiO2-rutile", "PbTiO3", "Mg2SiO4-forsterite", "Al2O3-corundum")


@pytest.fixture(scope="module")
def patterns():
    paths = [example_crystals()[name] for name in SIMPLE + ORDINARY]
    raw = DiffractionSimulator(views="symmetry-directions").transform(paths)
    strongest = np.sort(raw.reshape(*raw.shape[:2], -1), axis=-1)[..., -10, None, None]
    return np.minimum(raw / strongest, 1)


def levels(image, bits):
    return np.rint(image * (2**bits - 1))


LINEAR = {
    "as computed": lambda image, rng: image,
    "16 bits": lambda image, rng: levels(image, 16),
    "8 bits": lambda image, rng: levels(image, 8),
    "8 bits, background, noise": lambda image, rng: rng.poisson(220 * image + 8),
    "square root": lambda image, rng: levels(np.sqrt(image), 8),
}
LOGARITHMIC = {
    "3 decades, 8 bits": lambda image, rng: levels(1 + np.log10(np.maximum(image, 1e-3)) / 3, 8),
    "log1p of 16 bits": lambda image, rng: levels(np.log1p(levels(image, 16)) / np.log(65536), 16),
    "log1p of 8 bits": lambda image, rng: levels(np.log1p(levels(image, 8)) / np.log(256), 8),
    "with noise": lambda image, rng: levels(np.log1p(rng.poisson(2e4 * image + 99)) / 10, 8),
}


@pytest.mark.parametrize("kind", LINEAR)
def test_linear_gray_is_not_logarithmic(patterns, kind):
    gray = LINEAR[kind](patterns, np.random.default_rng(0))
    assert not any(looks_logarithmic(images) for images in gray)


@pytest.mark.parametrize("kind", LOGARITHMIC)
def test_logarithmic_gray_is_found(patterns, kind):
    gray = LOGARITHMIC[kind](patterns, np.random.default_rng(0))
    # Copper and tungsten carbide have too few spots of different heights to tell.
    assert sum(looks_logarithmic(images) for images in gray) >= len(gray) - 2


def test_saturated_pixels_that_are_known_flatten_nothing(patterns):
    """Three crystals of ten, tenfold overexposed, are flagged if flat tops are taken for gray."""
    gray = np.minimum(10 * patterns, 1)
    flagged = [looks_logarithmic(images) for images in gray]
    known = [looks_logarithmic(np.where(images >= 1, np.nan, images)) for images in gray]
    assert (sum(flagged), sum(known)) == (3, 0)


def test_a_trend_by_chance_is_none(monkeypatch):
    """Five spots, random widths: a steep fall alone does not decide, a fall of all pairs does."""
    heights = np.log([0.2, 0.3, 0.5, 0.7, 1.0])
    steep = {"chance": [0.9, -1.0, 0.3, 0.2, -0.9], "logarithm": -1.2 * heights}
    for kind, curvatures in steep.items():
        tops = (heights, np.asarray(curvatures, float))
        monkeypatch.setattr("crystalsym.measurement._gray_scale._tops", lambda image, t=tops: t)
        assert profile_trend(np.zeros((9, 9))) < -0.4
        assert looks_logarithmic([np.zeros((9, 9))] * 3) == (kind == "logarithm"), kind


@pytest.mark.parametrize(
    "image", [np.zeros((64, 64)), np.ones((2, 9)), np.eye(64), np.full((8, 8), 7)]
)
def test_images_without_spots_decide_nothing(image):
    assert np.isnan(profile_trend(image))
    assert not looks_logarithmic([image] * 3)


def test_the_scale_of_gray_values_does_not_matter(patterns):
    image = np.log1p(1000 * patterns[0, 0])
    assert profile_trend(7 * image) == pytest.approx(profile_trend(image), abs=1e-4)
