"""Three camera images in, a space group out: accuracy as images fall short, alone and together.

    python benchmarks/robustness/run.py --structures materials_project.npz --output DIR -n 100

Crystals of the 72 groups are rendered (``CameraImages``), their spots found (``SpotFinder``) and
answered by weights that have not learned from them. The answers of every case are kept in DIR as
they come; a run that was cut off goes on with the next crystals. ``--side validation`` is for
mending and choosing; figures are of ``--side held-out``. ``report.py`` makes tables and pictures of
the answers.
"""

from __future__ import annotations

import argparse
import json
import pickle
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from cases import ALL_CASES, CASES, CURVE_CASES, file_name, scaled
from crystals import SEED, SIDES, chosen

MODEL = Path(__file__).parents[1] / "models" / "72"
BATCH = 10


def main() -> None:
    """Render, find, answer, and print a table."""
    args = arguments()
    folder = Path(args.output)
    cache = Path(args.cache) if args.cache else folder / "data"
    crystals, labels = chosen(MODEL, args.structures, cache, folder, args.side)
    numbers = np.arange(args.skip, args.skip + args.n)
    crystals, labels = crystals.take(numbers), labels[numbers]
    from crystalsym.pretrained import load_pipeline

    models = {Path(place).name: load_pipeline(place) for place in args.models}
    simulator = next(iter(models.values()))[0]
    spots = simulator.transform(crystals)
    place = folder / f"{args.side}-{args.image_size}"
    place.mkdir(parents=True, exist_ok=True)
    for name, model in models.items():
        perfect = np.asarray(model[1:].predict(spots)) == labels
        print(f"{len(labels)} crystals, perfect patterns, {name}: {perfect.mean():.1%}")
        (place / f"perfect.{name}.json").write_text(
            json.dumps({str(i): bool(ok) for i, ok in zip(numbers, perfect, strict=True)})
        )
    for case in args.cases:
        rows = answered(case, place, spots, labels, numbers, args.image_size, models)
        for name in models:
            print(line(case, name, rows), flush=True)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--structures", required=True, help="table of crystals, the model's own")
    parser.add_argument("--cache", help="where its standard cells are kept")
    parser.add_argument("--output", required=True, help="folder to keep answers in")
    parser.add_argument("--side", choices=SIDES, default="held-out")
    parser.add_argument("-n", type=int, default=100, help="crystals")
    parser.add_argument("--skip", type=int, default=0, help="crystals before the first")
    parser.add_argument("--image-size", type=int, default=1024, help="pixels")
    parser.add_argument("--models", nargs="+", default=[str(MODEL)], metavar="FOLDER")
    parser.add_argument("--cases", nargs="*", default=list(CASES), metavar="CASE")
    parser.add_argument("--curves", action="store_true", help="effects by strength, instead")
    args = parser.parse_args()
    if args.curves:
        args.cases = list(CURVE_CASES)
    stray = sorted(set(args.cases) - set(ALL_CASES))
    if stray:
        parser.error(f"no case {stray[0]!r}; there are {', '.join(CASES)}")
    return args


def answered(
    case: str,
    place: Path,
    spots: Any,
    labels: np.ndarray,
    numbers: np.ndarray,
    image_size: int,
    models: dict[str, Any],
) -> list[dict[str, Any]]:
    """Answer the crystals of one case that have no answer yet of some model."""
    from crystalsym.measurement import CameraImages, SpotFinder

    path = place / file_name(case)
    kept: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    store = path.with_suffix(".spots.pkl")  # of other models, which need no images any more
    found: dict[str, Any] = pickle.loads(store.read_bytes()) if store.is_file() else {}
    camera_settings, shuffled = scaled(case, image_size)
    camera = CameraImages(image_size, random_state=SEED, **camera_settings)
    any_model = next(iter(models.values()))
    finder = SpotFinder(q_max=float(any_model[0].q_max), order="any" if shuffled else "xyz")
    for i, number in enumerate(numbers.tolist()):
        key = str(number)
        if key not in found:
            row, found[key] = looked_at(camera, finder, spots[i], number, shuffled)
            kept[key] = {"group": int(labels[i]), **row, "answers": {}, "chances": {}}
        missing = {name: one for name, one in models.items() if name not in kept[key]["answers"]}
        answer(kept[key], found[key], missing)
        if i % BATCH == BATCH - 1 or i == len(numbers) - 1:
            store.write_bytes(pickle.dumps(found))
            path.write_text(json.dumps(kept, indent=0))
    return [kept[str(number)] for number in numbers.tolist()]


def looked_at(
    camera: Any, finder: Any, spots: Any, number: int, shuffled: bool
) -> tuple[dict[str, Any], Any]:
    """Render one crystal and find its spots, None if it is refused."""
    try:
        (images,) = camera.render(spots, [number])
    except ValueError as reason:  # a pattern without a spot
        return {"refused": f"not rendered: {reason}"}, None
    if shuffled:
        images = [images[i] for i in np.random.default_rng([SEED, number]).permutation(3)]
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (found,) = finder.find([images])
    seen = None if found.refused is not None else finder.spots(found)
    row = {
        "refused": found.refused,
        "seconds": round(time.process_time() - start, 3),
        "center_off": [
            round(float(np.hypot(*(one.center.place - image.metadata["rendered"]["center"]))), 4)
            for one, image in zip(found.images, images, strict=True)
            if one.center is not None
        ],
    }
    if seen is None:
        return row, None
    row["zones"] = found.turning.zones
    if not shuffled:
        row["turned_right"] = turned_right(seen, spots, images)
    return row, replace(seen, mask=None)


def answer(row: dict[str, Any], seen: Any, models: dict[str, Any]) -> None:
    """Add the answers of models to a row."""
    for name, model in models.items():
        row["answers"][name] = []
        if seen is not None:
            groups, chances = model[1:].predict_top_k(seen, k=5)
            row["answers"][name] = [int(group) for group in groups[0]]
            row["chances"][name] = round(float(chances[0][0]), 4)


def turned_right(seen: Any, spots: Any, images: Any) -> list[bool]:
    """Tell of each image whether all points of its lattice lie as in simulated patterns."""
    from crystalsym.shaping._index_scheme import find_lattice

    turned = []
    for view in range(3):
        q = np.asarray(spots.pattern(0, view).q, float)
        q = q[np.argsort(np.hypot(*q.T))] / images[view].metadata["rendered"]["scale"]
        field = float(spots.q_max[0, view])
        true = find_lattice(*q.T.copy() / field) * field
        if abs(np.linalg.det(true)) < 1e-9:
            continue
        basis = np.asarray(seen.basis[0, view], float)
        off = [
            np.abs(m - np.rint(m)).max()
            for m in (basis * [1.0, sign] @ np.linalg.inv(true) for sign in (1, -1))
        ]
        turned.append(bool(min(off) < 0.1))
    return turned


def line(case: str, model: str, rows: list[dict[str, Any]]) -> str:
    """One line of the table."""
    answers = [row["answers"].get(model) or [None] for row in rows]
    right = np.array([a[0] == row["group"] for a, row in zip(answers, rows, strict=True)])
    five = np.array([row["group"] in a for a, row in zip(answers, rows, strict=True)])
    refused = sum(row["refused"] is not None for row in rows)
    offs = np.concatenate([row.get("center_off", []) for row in rows] or [[]])
    seconds = [row["seconds"] for row in rows if "seconds" in row]
    turned = sum(not all(row.get("turned_right", [True])) for row in rows)
    within = f"{(offs <= 0.1).mean():.1%}" if len(offs) else "-"
    return (
        f"{case:24s} {model:10s} top-1 {right.mean():6.1%}  top-5 {five.mean():6.1%}  refused"
        f" {refused:3d}  turned wrongly {turned:3d}  center within 0.1 px {within}"
        f"  {np.median(seconds) if seconds else 0:.2f} s"
    )


if __name__ == "__main__":
    main()
