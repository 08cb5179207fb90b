"""Space groups of crystals with defects: accuracy of the bundled models against the rate of each.

    python benchmarks/defects/run.py --quick --structures materials_project.npz --cache FOLDER \
        --output DIR

Held-out crystals become blocks of cells with defects (``crystalsym.crystals.defects``), and their
reflections (``crystalsym.diffraction.BlockSpots``) are answered by weights that have not seen the
crystals. The group asked for is that of the average structure: of the crystal before. Every case
is kept in DIR as it is done; a run that was cut off goes on with the next crystals. ``--quick``
takes 200 crystals of each set, ``--full`` 2,000. Writes ``defects.csv`` and ``defects.png`` into
DIR, from what there is.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))
from learned_from import model_rows

from crystalsym.bundles import find_model
from crystalsym.crystals.defects import (
    Antisites,
    CrystalBlock,
    StrainField,
    ThermalDisplacements,
    Vacancies,
)
from crystalsym.datasets import CrystalTable
from crystalsym.diffraction import BlockSpots
from crystalsym.pretrained import load_pipeline

SEED = 5
BATCH = 20  # crystals answered and kept at once
# Crystals held out by the first model of a set; all of it are asked about the same.
SETS = {"72": ("benchmarks/models/72", "72-shaped"), "230": ("benchmarks/models/230",)}
KINDS = {
    "vacancies": (Vacancies, (0.01, 0.02, 0.05, 0.1)),
    "antisites": (Antisites, (0.01, 0.02, 0.05, 0.1)),
    "strain": (StrainField, (0.005, 0.01, 0.02)),
    "displacement": (ThermalDisplacements, (0.05, 0.1, 0.2)),
}
UNITS = {"vacancies": "rate", "antisites": "rate", "strain": "r.m.s.", "displacement": "r.m.s. (Å)"}
BAR = {"vacancies": 0.05, "antisites": 0.05, "strain": 0.01, "displacement": 0.1}
EDGE = 50.0  # Å, of blocks in curves
EDGES = (35.0, 50.0, 70.0, 100.0)
TOGETHER = "all four"
PARTS = ("bars", "sizes", "rates")


class Case(NamedTuple):
    """Defects of one kind at a rate (or all, at those of the bar) in blocks of one size."""

    kind: str
    rate: float
    edge: float

    @property
    def file(self) -> str:
        return f"{self.kind}-{self.rate:g}-{self.edge:g}.json".replace(" ", "-")

    def steps(self) -> list[Any]:
        if self.kind == "none":
            return []
        if self.kind == TOGETHER:
            return [KINDS[kind][0](rate) for kind, rate in BAR.items()]
        return [KINDS[self.kind][0](self.rate)]


def cases(edges: tuple[float, ...], parts: tuple[str, ...] = PARTS) -> list[Case]:
    """All cases: those of the bars, the same in blocks of other sizes, and other rates."""
    bars = [Case(kind, rate, EDGE) for kind, rate in BAR.items()]
    bars = [Case("none", 0.0, EDGE), *bars, Case(TOGETHER, 1.0, EDGE)]
    of = {
        "bars": bars,
        "sizes": [one._replace(edge=edge) for edge in edges if edge != EDGE for one in bars[1:]],
        "rates": [Case(kind, rate, EDGE) for kind, (_, rates) in KINDS.items() for rate in rates],
    }
    return list(dict.fromkeys(case for part in parts for case in of[part]))


def main() -> None:
    """Make blocks, answer, and write table and figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="200 crystals a set (the default)")
    size.add_argument("--full", action="store_true", help="2,000 crystals a set")
    parser.add_argument("-n", type=int, help="crystals a set, instead")
    parser.add_argument("--structures", type=Path, required=True, help="table of crystals, .npz")
    parser.add_argument("--cache", type=Path, required=True, help="where standard cells are kept")
    parser.add_argument("--output", type=Path, required=True, help="folder to keep results in")
    parser.add_argument("--sets", nargs="*", default=list(SETS), choices=list(SETS))
    parser.add_argument("--edges", nargs="*", type=float, default=EDGES, help="of blocks, Å")
    parser.add_argument("--parts", nargs="*", default=PARTS, choices=PARTS, help="which cases")
    parser.add_argument("--above", type=float, default=8.0, help="as of BlockSpots")
    args = parser.parse_args()
    n = args.n or (2000 if args.full else 200)
    for name in args.sets:
        crystals, labels = held_out(name, args, n)
        pipelines = {model: load_pipeline(find_model(model)) for model in SETS[name]}
        spots = next(iter(pipelines.values()))[0].transform(crystals)
        perfect = {
            f"{short(model)}, perfect": np.asarray(pipeline[1:].predict(spots))
            for model, pipeline in pipelines.items()
        }
        for case in cases(tuple(args.edges), tuple(args.parts)):
            answer_case(case, name, crystals, labels, pipelines, perfect, args)
            write_summary(args.output)


def short(model: str) -> str:
    """The name of a model, folder or not."""
    return model.rpartition("/")[2]


def held_out(name: str, args: argparse.Namespace, n: int) -> tuple[CrystalTable, np.ndarray]:
    """Take n crystals that the set's first model holds out; the first n are always the same."""
    folder = args.output / name
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "crystals.npz"
    if not kept.is_file():
        rows = model_rows(SETS[name][0], args.structures, args.cache, 1, {})
        for other in SETS[name][1:]:
            theirs = model_rows(other, args.structures, args.cache, 1, {})
            if not np.array_equal(theirs.held_out, rows.held_out):
                raise SystemExit(f"{other} holds out other crystals than {SETS[name][0]}")
        chosen = np.random.default_rng(SEED).permutation(rows.data.test)[:2000]
        rows.data.crystals.take(chosen).save(kept)
        np.save(folder / "labels.npy", rows.data.labels[chosen])
    labels = np.load(folder / "labels.npy")[:n]
    return CrystalTable.load(kept).take(np.arange(len(labels))), labels


def answer_case(
    case: Case,
    name: str,
    crystals: CrystalTable,
    labels: np.ndarray,
    pipelines: dict[str, Any],
    perfect: dict[str, np.ndarray],
    args: argparse.Namespace,
) -> None:
    """Answer the crystals of one case that have no answer yet."""
    path = args.output / name / case.file
    rows: list[dict[str, Any]] = json.loads(path.read_text()) if path.is_file() else []
    simulator = next(iter(pipelines.values()))[0]
    ways = {
        "stands out": BlockSpots(simulator, above=args.above),
        "as it is": BlockSpots(simulator, above=0),
    }
    for start in range(len(rows), len(labels), BATCH):
        numbers = np.arange(start, min(start + BATCH, len(labels)))
        began = time.process_time()
        blocks = [defective(crystals[int(number)], case, int(number)) for number in numbers]
        spots = {way: lister.transform(blocks) for way, lister in ways.items()}
        seconds = (time.process_time() - began) / len(numbers)
        found = {
            f"{short(model)}, {way}": np.asarray(pipeline[1:].predict(of_way))
            for model, pipeline in pipelines.items()
            for way, of_way in spots.items()
        }
        found |= {key: answers[numbers] for key, answers in perfect.items()}
        rows += [
            {
                "number": int(number),
                "group": int(labels[number]),
                "atoms": len(blocks[place]),
                "seconds": round(seconds, 3),
                **{key: int(answers[place]) for key, answers in found.items()},
            }
            for place, number in enumerate(numbers)
        ]
        path.write_text(json.dumps(rows, indent=0))
    line = {key: f"{value:.1%}" for key, value in accuracies(rows).items()}
    print(name, case, len(rows), line, flush=True)


def defective(crystal: Any, case: Case, number: int) -> Any:
    """Cut a block out of a standard crystal and put the case's defects into it."""
    block = CrystalBlock(edge=case.edge).transform([crystal])
    for step in case.steps():
        if isinstance(step, Antisites) and len(np.unique(crystal.atomic_numbers)) == 1:
            continue  # an element has no antisites
        seed = zlib.crc32(repr((number, case)).encode())
        block = step.set_params(random_state=seed).transform(block)
    return block[0]


def accuracies(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Top-1 of each model and way."""
    groups = np.array([row["group"] for row in rows])
    keys = [key for key in rows[0] if ", " in key]
    return {key: float((np.array([row[key] for row in rows]) == groups).mean()) for key in keys}


def write_summary(folder: Path) -> None:
    """Write a row for each case, model and way, and draw them."""
    table = []
    for name in SETS:
        for case in cases(EDGES):
            path = folder / name / case.file
            if path.is_file() and (rows := json.loads(path.read_text())):
                table += summary_rows(name, case, rows)
    if not table:
        return
    with (folder / "defects.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    draw(table, folder / "defects.png")


def summary_rows(name: str, case: Case, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Top-1 beside that of perfect patterns of the same crystals, and what lies between."""
    groups = np.array([row["group"] for row in rows])
    out = []
    for key in accuracies(rows):
        model, way = key.split(", ")
        if way == "perfect":
            continue
        right = np.array([row[key] for row in rows]) == groups
        perfect = np.array([row[f"{model}, perfect"] for row in rows]) == groups
        difference = perfect.astype(float) - right
        out.append(
            {
                "set": name, "model": model, "defects": case.kind, "rate": case.rate,
                "edge": case.edge, "reflections": way, "crystals": len(rows),
                "top1": round(float(right.mean()), 4),
                "top1_perfect": round(float(perfect.mean()), 4),
                "cost_points": round(100 * float(difference.mean()), 2),
                "cost_error": round(100 * float(difference.std() / np.sqrt(len(rows))), 2),
                "seconds": round(float(np.mean([row["seconds"] for row in rows])), 3),
            }
        )  # fmt: skip
    return out


def draw(table: list[dict[str, Any]], path: Path) -> None:
    """Draw top-1 against the rate of each kind, and against the size of blocks."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 5, figsize=(15, 3.4), sharey=True, layout="constrained")
    models = list(dict.fromkeys(row["model"] for row in table))
    for color, model in enumerate(models):
        of_model = [row for row in table if row["model"] == model]
        for way, style in (("stands out", "-o"), ("as it is", ":x")):
            of_way = [row for row in of_model if row["reflections"] == way]
            label = model if way == "stands out" else None
            for ax, kind in zip(axes, KINDS, strict=False):
                points = [(0.0, row["top1"]) for row in of_way if row["defects"] == "none"][:1]
                points += sorted(
                    (row["rate"], row["top1"])
                    for row in of_way
                    if row["defects"] == kind and row["edge"] == EDGE
                )
                ax.plot(*zip(*points, strict=True), style, color=f"C{color}", label=label, ms=4)
            points = sorted((r["edge"], r["top1"]) for r in of_way if r["defects"] == TOGETHER)
            if points:
                axes[4].plot(*zip(*points, strict=True), style, color=f"C{color}", ms=4)
    for ax, kind in zip(axes, KINDS, strict=False):
        ax.set(title=kind, xlabel=UNITS[kind])
    axes[4].set(title="all four, by size", xlabel="edge of the block (Å)")
    axes[0].set(ylabel=f"top-1 (blocks of {EDGE:g} Å)", ylim=(0, 1))
    axes[0].legend(fontsize=8, loc="lower left")
    figure.savefig(path, dpi=80)
    plt.close(figure)


if __name__ == "__main__":
    main()
