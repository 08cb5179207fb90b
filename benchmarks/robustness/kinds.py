"""Images that hold no answer, and good ones, by kind. What workers import."""

from __future__ import annotations

import functools
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from cases import CASES, scaled
from crystals import SEED, kept_crystals
from scipy import ndimage

from crystalsym.diffraction import DiffractionSimulator
from crystalsym.measurement import CameraImages, Pattern, SpotFinder
from crystalsym.pretrained import read_description

PITCH = 2 * 1.457 / 1023  # 1/Å, of 1024 pixels


class SpotsAsAsked:
    """Patterns of crystals, simulated when they are asked for."""

    def __init__(self, crystals: Any, settings: dict[str, Any]):
        self._crystals, self._simulator = crystals, DiffractionSimulator(**settings)

    def __len__(self) -> int:
        return len(self._crystals)

    @functools.lru_cache  # noqa: B019
    def __getitem__(self, number: int) -> Any:
        return self._simulator.transform(self._crystals.take(np.array([number])))


@functools.lru_cache
def spots_of(folder: str, side: str, skip: int, n: int, model: str) -> SpotsAsAsked:
    """Patterns of n crystals and one more, after ``skip`` others."""
    crystals, _ = kept_crystals(Path(folder), side)
    crystals = crystals.take(np.arange(skip, skip + n + 1))
    return SpotsAsAsked(crystals, read_description(model)["simulate"])


def told(
    kind: str, number: int, folder: str, side: str, skip: int, n: int, model: str, size: int
) -> str:
    """Look at a triple of a kind."""
    spots = spots_of(folder, side, skip, n, model)
    return looked_at(SpotFinder(q_max=1.457), KINDS[kind], spots, number, size)


def looked_at(finder: SpotFinder, kind: Any, spots: Any, number: int, size: int) -> str:
    """Say why a triple is refused or how it is flagged; "answered" if it is not."""
    rng = np.random.default_rng([SEED, number])
    try:
        images = kind(rng, spots, number, size)
    except ValueError as reason:  # a pattern without a spot
        return f"not rendered: {reason}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (found,) = finder.find([images])
    if found.refused is not None:
        return f"refused: {found.refused}"
    if found.doubtful:
        unknown = found.turning.zones == "unknown"
        return "flagged: zones unknown" if unknown else f"flagged: {found.notes[-1].split(': ')[1]}"
    return "answered"


def _patterns(images: Any) -> list[Pattern]:
    size = len(images[0])
    pitch = PITCH * 1023 / (size - 1)
    return [Pattern(np.asarray(image, np.float32), pitch, None, 16) for image in images]


def _good(rng: Any, spots: Any, number: int, size: int, case: str = "all but tilt", **more: Any):
    settings, _ = scaled(case, size)
    camera = CameraImages(size, random_state=SEED, **{**settings, **more})
    return camera.render(spots[number], [number])[0]


def _noise(rng: Any, spots: Any, number: int, size: int):
    """Counting noise of any mean, or normal noise."""
    level = 10 ** rng.uniform(-1, 4)
    if number % 2:
        return _patterns(rng.normal(level, np.sqrt(level) + 1, (3, size, size)))
    return _patterns(rng.poisson(level, (3, size, size)))


def _one_pixel(rng: Any, spots: Any, number: int, size: int):
    images = rng.poisson(rng.choice([0.0, 20.0]), (3, size, size)).astype(float)
    for image in images:
        image[tuple(rng.integers(0, size, 2))] = 10 ** rng.uniform(2, 4.8)
    return _patterns(images)


def _gradient(rng: Any, spots: Any, number: int, size: int):
    y, x = np.indices((size, size)) / size
    angle = rng.uniform(0, 2 * np.pi)
    level = 10 ** rng.uniform(1, 4) * (1.5 + np.cos(angle) * x + np.sin(angle) * y)
    return _patterns([rng.poisson(level) if number % 2 else level for _ in range(3)])


def _zeros(rng: Any, spots: Any, number: int, size: int):
    value = 0.0 if number % 2 else float(rng.integers(0, 1000))
    return _patterns(np.full((3, size, size), value))


def _rings(rng: Any, spots: Any, number: int, size: int):
    """Rings of a powder, of smooth or grainy intensity, over diffuse light."""
    y, x = np.indices((size, size)) - (size - 1) / 2 - rng.uniform(-15, 15, (2, 1, 1))
    r = np.hypot(x, y) * 1024 / size
    edge = rng.uniform(50, 120)
    images = []
    for _ in range(3):
        light = 0.02 * (0.3 + 0.7 / (1 + (r / 150) ** 2))
        for n in (3, 4, 8, 11, 12, 16, 19, 20, 24):
            height = rng.exponential() * np.exp(-((n * edge**2) / 3e5))
            light += height * np.exp(-0.5 * ((r - edge * np.sqrt(n)) / 3) ** 2)
        if number % 3 == 2:  # few grains
            grain = ndimage.gaussian_filter(rng.exponential(1.0, (size, size)), 2 * size / 1024)
            light *= grain
        images.append(rng.poisson(10 ** rng.uniform(2.5, 4) * light))
    return _patterns(images)


def _wrong_scale(rng: Any, spots: Any, number: int, size: int):
    """In 1/nm or per millimeter instead of 1/Å, and the other way."""
    images = _good(rng, spots, number, size)
    factor = [0.1, 10.0, 14.0, 1 / 14.0][number % 4]
    return [Pattern(one.image, one.q_per_pixel * factor, None, 16) for one in images]


def _one_wrong_scale(rng: Any, spots: Any, number: int, size: int):
    """One image of the three with another camera length, told wrongly."""
    images = _good(rng, spots, number, size)
    factor = rng.choice([0.77, 0.85, 0.93, 1.08, 1.17, 1.3])
    wrong = number % 3
    return [
        Pattern(one.image, one.q_per_pixel * (factor if i == wrong else 1), None, 16)
        for i, one in enumerate(images)
    ]


def _two_crystals(rng: Any, spots: Any, number: int, size: int):
    """Another crystal, in another orientation, adds three tenths to all of the intensity."""
    first = _good(rng, spots, number, size, off_center=0.0)
    second = _good(rng, spots, number + 1, size, off_center=0.0)
    return _patterns(
        [
            one.image + rng.uniform(0.3, 1.0) * other.image
            for one, other in zip(first, second, strict=True)
        ]
    )


def _twin(rng: Any, spots: Any, number: int, size: int):
    """The same crystal a second time, turned by 5 to 40 degrees."""
    first = _good(rng, spots, number, size, off_center=0.0, beam_stop=0.0)
    turned = [
        ndimage.rotate(one.image, rng.uniform(5, 40), reshape=False, order=1) for one in first
    ]
    return _patterns([one.image + 0.6 * two for one, two in zip(first, turned, strict=True)])


def _of_three_crystals(rng: Any, spots: Any, number: int, size: int):
    """Each image of another crystal."""
    others = [number, (number + 7) % (len(spots) - 1), (number + 23) % (len(spots) - 1)]
    return [_good(rng, spots, other, size)[view] for view, other in enumerate(others)]


KINDS = {
    "noise": _noise,
    "one bright pixel": _one_pixel,
    "gradient": _gradient,
    "zeros, one value": _zeros,
    "rings": _rings,
    "wrong scale, tenfold": _wrong_scale,
    "one image of a wrong scale": _one_wrong_scale,
    "two crystals overlaid": _two_crystals,
    "twin": _twin,
    "three crystals": _of_three_crystals,
    "good: all but tilt": _good,
    "good: all together": lambda *a: _good(*a, case="all together"),
}
assert {"all but tilt", "all together"} <= CASES.keys()
