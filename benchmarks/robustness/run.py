"""Three camera images in, a space group out: accuracy as images fall short, alone and together.

    python benchmarks/robustness/run.py --quick --structures materials_project.npz --output DIR

Held-out crystals of the 72 groups are rendered (``CameraImages``), their spots found
(``SpotFinder``) and answered by ``benchmarks/models/72``, which has not seen them. Every case is
kept in DIR as it is done; a run that was cut off goes on with the next crystals. ``--quick`` takes
100 crystals of 512 pixels, ``--full`` 1,000 of 1024.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

MODEL = Path(__file__).parent.parent / "models" / "72"
SEED = 5
# Lengths in pixels are those of 1024 pixels; smaller images have them in proportion.
TOGETHER: dict[str, Any] = {
    "background": 0.01,
    "off_center": 15.0,
    "rotate": True,
    "beam_stop": 25.0,
    "scale_error": 0.03,
}
TILTED: dict[str, Any] = {"tilt": (0.0, 0.2), "thickness": 100.0}
CASES: dict[str, dict[str, Any]] = {
    "counts only": {},
    "all together": {**TOGETHER, **TILTED},
    "all but tilt": TOGETHER,
    **{name: {name: value} for name, value in TOGETHER.items()},
    "mirror": {"mirror": True},
    "no tilt, 100 Å": {"thickness": 100.0},
    "tilt to 0.2°, 100 Å": TILTED,
    "tilt 0.5°, 100 Å": {"tilt": 0.5, "thickness": 100.0},
    "direct beam": {"direct_beam": 30.0},
    "hot pixels, dead rows": {"hot_pixels": 30, "dead_rows": 2},
    "point spread": {"point_spread": 0.8},
    "4 impurity spots": {"impurity_spots": 4},
    "position error 0.3 px": {"position_error": 0.3},
    "overexposed fourfold": {"saturation": 2500.0},
}
PIXELS = ("off_center", "beam_stop", "point_spread", "position_error", "spot_sigma")
BATCH = 10


def main() -> None:
    """Render, find, answer, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="100 crystals, 512 pixels (the default)")
    size.add_argument("--full", action="store_true", help="1,000 crystals, 1024 pixels")
    parser.add_argument("-n", type=int, help="crystals, instead")
    parser.add_argument("--image-size", type=int, help="pixels, instead")
    parser.add_argument("--structures", required=True, help="table of crystals, the model's own")
    parser.add_argument("--output", required=True, help="folder to keep results in")
    parser.add_argument("--cases", nargs="*", default=list(CASES), metavar="CASE")
    args = parser.parse_args()
    stray = sorted(set(args.cases) - set(CASES))
    if stray:
        parser.error(f"no case {stray[0]!r}; there are {', '.join(CASES)}")
    n = args.n or (1000 if args.full else 100)
    image_size = args.image_size or (1024 if args.full else 512)
    folder = Path(args.output)
    folder.mkdir(parents=True, exist_ok=True)
    crystals, labels = held_out(args.structures, folder, n)
    from crystalsym.pretrained import load_pipeline

    pipeline = load_pipeline(MODEL)
    spots = pipeline[0].transform(crystals)
    perfect = np.asarray(pipeline[1:].predict(spots)) == labels
    print(f"{len(labels)} crystals, {image_size} pixels; perfect patterns: {perfect.mean():.1%}")
    for name in args.cases:
        path = folder / f"{name.replace(' ', '-').replace('/', '')}-{image_size}.json"
        rows = answered(name, path, spots, labels, image_size, pipeline)
        print(line(name, rows, perfect), flush=True)


def held_out(structures: str, folder: Path, n: int) -> tuple[Any, np.ndarray]:
    """Take n crystals that the model did not learn from; the first n are always the same."""
    from crystalsym.datasets import CrystalTable
    from crystalsym.pretrained import read_description
    from crystalsym.training._data import load_data, of_a_card

    kept = folder / "crystals.npz"
    if not kept.is_file():
        card = read_description(MODEL)["metadata"]
        settings = of_a_card(card["training"]["config"]["data"])
        settings["structures"] = structures
        data = load_data(SimpleNamespace(data=settings), folder / "data")
        rows = np.random.default_rng(SEED).permutation(data.test)[:1000]
        data.crystals.take(rows).save(kept)
        np.save(folder / "labels.npy", data.labels[rows])
    rows = np.arange(n)
    return CrystalTable.load(kept).take(rows), np.load(folder / "labels.npy")[:n]


def answered(
    name: str, path: Path, spots: Any, labels: np.ndarray, image_size: int, pipeline: Any
) -> list[dict[str, Any]]:
    """Answer the crystals of one case that have no answer yet."""
    from crystalsym.measurement import CameraImages, SpotFinder

    rows: list[dict[str, Any]] = json.loads(path.read_text()) if path.is_file() else []
    scaled = {
        key: value * image_size / 1024 if key in PIXELS else value
        for key, value in CASES[name].items()
    }
    sigma = 2.0 * image_size / 1024
    camera = CameraImages(image_size, **{"spot_sigma": sigma, "random_state": SEED, **scaled})
    finder = SpotFinder(q_max=float(pipeline[0].q_max))
    for number in range(len(rows), len(labels)):
        row = one_answer(camera, finder, pipeline, spots[number], number)
        rows.append({"number": number, "group": int(labels[number]), **row})
        if number % BATCH == BATCH - 1 or number == len(labels) - 1:
            path.write_text(json.dumps(rows, indent=0))
    return rows[: len(labels)]


def one_answer(camera: Any, finder: Any, pipeline: Any, spots: Any, number: int) -> dict[str, Any]:
    """Render one crystal, find its spots and answer."""
    try:
        (images,) = camera.render(spots, [number])
    except ValueError as reason:  # a pattern without a spot
        return {"answer": None, "refused": str(reason)}
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (found,) = finder.find([images])
    seconds = time.process_time() - start
    offs = [
        float(np.hypot(*(one.center.place - image.metadata["rendered"]["center"])))
        for one, image in zip(found.images, images, strict=True)
        if one.center is not None
    ]
    result: dict[str, Any] = {"refused": found.refused, "center_off": offs, "seconds": seconds}
    if found.refused is not None:
        return {"answer": None, "top5": [], **result}
    assert found.turning is not None
    groups, _ = pipeline[1:].predict_top_k(finder.spots(found), k=5)
    groups = [int(group) for group in groups[0]]
    return {"answer": groups[0], "top5": groups, "zones": found.turning.zones, **result}


def line(name: str, rows: list[dict[str, Any]], perfect: np.ndarray) -> str:
    """One line of the table."""
    right = np.array([row["answer"] == row["group"] for row in rows])
    five = np.array([row["group"] in row.get("top5", []) for row in rows])
    refused = sum(row["refused"] is not None for row in rows)
    offs = np.concatenate([row.get("center_off", []) for row in rows] or [[]])
    seconds = [row["seconds"] for row in rows if "seconds" in row]
    within = f"{(offs <= 0.1).mean():.1%}" if len(offs) else "-"
    return (
        f"{name:24s} top-1 {right.mean():6.1%}  top-5 {five.mean():6.1%}  of those answered rightly"
        f" before {right[perfect[: len(right)]].mean():6.1%}  refused {refused:3d}  center within"
        f" 0.1 px {within}  {np.median(seconds) if seconds else 0:.2f} s"
    )


if __name__ == "__main__":
    main()
