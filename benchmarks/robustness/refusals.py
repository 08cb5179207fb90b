"""Images that hold no answer, and good ones: how many of either are refused or flagged.

    python benchmarks/robustness/refusals.py --structures materials_project.npz --output DIR -n 100

Of every kind n triples are drawn. Refused is what ``SpotFinder`` refuses; flagged is what it
answers with zones "unknown", whose images share no rows as those of one crystal do.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from cases import CASES, scaled
from crystals import SEED, SIDES, chosen
from run import MODEL
from scipy import ndimage

from crystalsym.diffraction import DiffractionSimulator
from crystalsym.measurement import CameraImages, Pattern, SpotFinder
from crystalsym.pretrained import read_description

PITCH = 2 * 1.457 / 1023  # 1/Å, of 1024 pixels


def main() -> None:
    """Draw, look, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--structures", required=True, help="table of crystals, the model's own")
    parser.add_argument("--cache", required=True, help="where its standard cells are kept")
    parser.add_argument("--output", required=True, help="folder to keep results in")
    parser.add_argument("--side", choices=SIDES, default="held-out")
    parser.add_argument("-n", type=int, default=100, help="triples of every kind")
    parser.add_argument("--skip", type=int, default=0, help="crystals before the first")
    parser.add_argument("--image-size", type=int, default=1024, help="pixels")
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), metavar="KIND")
    args = parser.parse_args()
    folder = Path(args.output)
    crystals, _ = chosen(MODEL, args.structures, Path(args.cache), folder, args.side)
    crystals = crystals.take(np.arange(args.skip, args.skip + args.n + 1))
    spots = DiffractionSimulator(**read_description(MODEL)["simulate"]).transform(crystals)
    path = folder / f"refusals-{args.side}-{args.image_size}.json"
    kept: dict[str, dict[str, str]] = json.loads(path.read_text()) if path.is_file() else {}
    finder = SpotFinder(q_max=1.457)
    for kind in args.kinds:
        known = kept.setdefault(kind, {})
        for number in range(args.n):
            if str(number) in known:
                continue
            known[str(number)] = looked_at(finder, KINDS[kind], spots, number, args.image_size)
            if number % 10 == 9 or number == args.n - 1:
                path.write_text(json.dumps(kept, indent=0))
        print(line(kind, list(known.values())[: args.n]), flush=True)


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
    return "flagged: zones unknown" if found.turning.zones == "unknown" else "answered"


def line(kind: str, results: list[str]) -> str:
    """One line of the table."""
    drawn = [result for result in results if not result.startswith("not rendered")]
    told = [result for result in drawn if result != "answered"]
    reasons = Counter(_short(result) for result in told).most_common(4)
    part = len(told) / max(len(drawn), 1)
    return f"{kind:28s} {len(told):4d} of {len(drawn):4d} ({part:6.1%})  {reasons}"


def _short(result: str) -> str:
    reason = result.split(": ")[-1].split(" (")[0]
    return "implausible scale" if "implausible" in result else reason


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


if __name__ == "__main__":
    main()
