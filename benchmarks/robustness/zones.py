"""Three camera images along zones that are known, a space group out: which zones cost how much.

    python benchmarks/robustness/zones.py -n 60 --structures materials_project.npz --output DIR

Crystals that neither ``benchmarks/models/72`` nor the models of lists have learned from are
rendered (``CameraImages``: background, off the middle, beam stop, any rotation) along their
symmetry directions, along these in another order, along [100] [010] [001] whatever the lattice, and
along three random zones of indices up to 2. ``SpotFinder`` is told the zones, but in the first
case, where it assumes them. All ways to an answer are taken where there are several: the patterns
shown to "72", which is what ``identify_images`` does then, and all reflections as one list to
"230-zones", which it does otherwise, and to "230-lists". Every case is kept in DIR.
"""

from __future__ import annotations

import argparse
import time
import warnings
from itertools import product
from math import gcd
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jobs
import numpy as np

MODELS = Path(__file__).parent.parent / "models"
SEED = 17
HIGHEST = 2
ZONES = [
    zone
    for zone in product(range(-HIGHEST, HIGHEST + 1), repeat=3)
    if any(zone) and gcd(*zone) == 1 and zone > tuple(-index for index in zone)
]
# Ways to an answer to a list, and who answers.
LISTS = {"blocks": "230-zones", "list": "230-lists"}
CASES = ("standard", "permuted", "axes", "arbitrary")
# Of 1024 pixels; smaller images have lengths in proportion.
CAMERA: dict[str, Any] = {
    "spot_sigma": 2.0, "background": 0.01, "off_center": 15.0, "rotate": True, "beam_stop": 25.0,
}  # fmt: skip
PIXELS = ("spot_sigma", "off_center", "beam_stop")


def main() -> None:
    """Render, find, answer, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=60, help="crystals (%(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first of them")
    parser.add_argument("--image-size", type=int, default=512, help="pixels (%(default)s)")
    parser.add_argument("--structures", required=True, help="table of crystals, the models' own")
    parser.add_argument("--output", required=True, help="folder to keep results in")
    parser.add_argument("--cases", nargs="*", default=CASES, choices=CASES, metavar="CASE")
    jobs.add_arguments(parser)
    args = parser.parse_args()
    jobs.one_thread_each()
    folder = Path(args.output)
    folder.mkdir(parents=True, exist_ok=True)
    table, labels = held_out(args.structures, folder)
    numbers = range(args.first, args.first + args.n)
    for case in args.cases:
        path = folder / f"zones-{case}-{args.image_size}.json"
        rows = jobs.read(path)
        tasks = [
            (case, table.take(np.array([number])), number, args.image_size)
            for number in numbers
            if str(number) not in rows
        ]
        for (_, _, number, _), row in jobs.each(answered, tasks, args.jobs, args.seconds):
            rows[str(number)] = {**row, "group": int(labels[number])}
            jobs.write(path, rows)
        for line in lines(case, [rows[str(n)] for n in numbers if str(n) in rows]):
            print(line, flush=True)


def held_out(structures: str, folder: Path) -> tuple[Any, np.ndarray]:
    """Take 1,000 crystals of the 72 groups that "72" and those of lists were tested on.

    "230-zones" held out the same ones as "230-lists".
    """
    from crystalsym.bundles import find_model
    from crystalsym.datasets import CrystalTable
    from crystalsym.pretrained import read_description
    from crystalsym.training._data import load_data, of_a_card

    kept = folder / "crystals-of-both.npz"
    if not kept.is_file():
        parts = []
        for model in (MODELS / "72", find_model("230-lists")):
            card = read_description(model)["metadata"]
            settings = of_a_card(card["training"]["config"]["data"])
            settings["structures"] = structures
            parts.append(load_data(SimpleNamespace(data=settings), folder / "data"))
        names = [set(np.asarray(data.crystals.names)[data.test].tolist()) for data in parts]
        both = names[0] & names[1]
        data = parts[0]
        rows = np.array([row for row in data.test if data.crystals.names[row] in both])
        rows = np.random.default_rng(SEED).permutation(rows)[:1000]
        data.crystals.take(rows).save(kept)
        np.save(folder / "labels-of-both.npy", data.labels[rows])
    return CrystalTable.load(kept), np.load(folder / "labels-of-both.npy")


def zones_of(case: str, lattice: np.ndarray, number: int) -> np.ndarray:
    """The three zones of a crystal's images."""
    from crystalsym.diffraction import symmetry_directions

    rng = np.random.default_rng([SEED, number])
    if case == "axes":
        return np.eye(3, dtype=int)
    if case == "arbitrary":
        while True:
            chosen = np.array([ZONES[i] for i in rng.choice(len(ZONES), 3, replace=False)])
            if round(np.linalg.det(chosen)):
                return chosen
    zones = np.array(symmetry_directions(lattice))
    return zones if case == "standard" else zones[rng.permutation(3)]


def answered(case: str, crystal: Any, number: int, image_size: int) -> dict[str, Any]:
    """Render one crystal, and answer by patterns and by lists."""
    from crystalsym import DiffractionSimulator
    from crystalsym.identification import identify_reflections, model_pipeline
    from crystalsym.measurement import CameraImages, SpotFinder

    zones = zones_of(case, np.asarray(crystal[0].lattice, dtype=float), number)
    row: dict[str, Any] = {"zones": zones.tolist(), "refused": None}
    spots = DiffractionSimulator(views=zones, output="spots").transform(crystal)
    lengths = {key: value * image_size / 1024 for key, value in CAMERA.items() if key in PIXELS}
    camera = CameraImages(image_size, random_state=SEED, **{**CAMERA, **lengths})
    try:
        images = camera.render(spots, [number])
    except ValueError as reason:  # a pattern without a spot
        return {**row, "refused": str(reason)}
    finder = SpotFinder(zones=None if case == "standard" else zones, q_max=1.457)
    pipeline = model_pipeline(MODELS / "72")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.process_time()
        (found,) = finder.find(images)
        row["seconds"] = time.process_time() - start
        row["refused"] = found.refused
        if found.refused is not None:
            return row
        if found.indexing is not None:
            row["cell"] = found.indexing.cell
            for way, model in LISTS.items():
                (answer,) = identify_reflections([found.reflections()], model, evidence=False)
                row[way] = [group for group, _ in answer.ranking]
                row[f"{way} believed"] = answer.reliability
        if found.indexing is None or found.indexing.directions is not None:
            groups, _ = pipeline[1:].predict_top_k(finder.spots(found), k=5)
            row["patterns"] = [int(group) for group in groups[0]]
    # What identify_images does, with weights that have not learned from these crystals.
    row["default"] = row["patterns"] if "patterns" in row else row["blocks"]
    return row


def lines(case: str, rows: list[dict[str, Any]]) -> list[str]:
    """Lines of the table."""
    groups = [row["group"] for row in rows]
    refused = sum(row["refused"] is not None for row in rows)
    found = []
    for way in ("patterns", *LISTS, "default"):
        given = [row.get(way, []) for row in rows]
        n = sum(way in row for row in rows)
        if n:
            one = np.mean([g[:1] == [t] for g, t in zip(given, groups, strict=True)])
            five = np.mean([t in g for g, t in zip(given, groups, strict=True)])
            found.append(
                f"{case:10s} by {way:8s} top-1 {one:6.1%}  top-5 {five:6.1%}  of {len(rows)}"
                f" ({n} so, {refused} refused)"
            )
    return found


if __name__ == "__main__":
    main()
