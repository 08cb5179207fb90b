"""Do the bundled models answer as they did in a former version? Which crystals differ, and why.

    python benchmarks/kept_answers.py --former PATH --structures materials_project.npz

PATH is a checkout of the former version. Both versions answer the bundled crystals and some of the
table, given the same standard cells: the former one directly (``LatticePatterns``) and through its
images, this one through its pipelines. Writes ``kept-answers.json`` beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

MODELS = ("72", "72-small", "230")
BATCH = 250
# Runs under the former version: no import from here.
FORMER = """
import sys
import numpy as np
from crystalsym import as_crystal, load_pretrained, standardize
from crystalsym.datasets import CrystalTable, example_crystals
from crystalsym.lattice_patterns import LatticePatterns

table_file, folder, batch, *models = sys.argv[1:]
bundled = CrystalTable.from_crystals(
    [standardize(as_crystal(path)) for path in example_crystals().values()], standard=True)
tables = {"bundled": bundled, "table": CrystalTable.load(table_file).standardized(0.1)}
found = {}
for name, table in tables.items():
    table.save(f"{folder}/{name}.npz")
    for model in models:
        pipeline = load_pretrained(model)
        direct = LatticePatterns(pipeline[:-1], table)
        found[f"{name} {model} direct"] = pipeline[-1].predict_proba(direct)
        parts = []
        for start in range(0, len(table), int(batch)):
            rows = np.arange(start, min(start + int(batch), len(table)))
            parts.append(pipeline.predict_proba(table.take(rows)))
        found[f"{name} {model} images"] = np.concatenate(parts)
np.savez(f"{folder}/former.npz", **found)
"""


def main() -> None:
    """Run both versions and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--former", required=True, help="checkout of the former version")
    parser.add_argument("--structures", required=True, help="table of crystals")
    parser.add_argument("-n", type=int, default=3000, help="crystals of the table")
    args = parser.parse_args()

    from crystalsym import load_pretrained
    from crystalsym.datasets import CrystalTable, example_crystals

    table = CrystalTable.load(args.structures)
    rows = np.sort(np.random.default_rng(0).permutation(len(table))[: args.n])
    with tempfile.TemporaryDirectory() as folder:
        table.take(rows).save(f"{folder}/input.npz")
        environment = {**os.environ, "PYTHONPATH": str(Path(args.former).resolve())}
        command = [sys.executable, "-c", FORMER, f"{folder}/input.npz", folder, str(BATCH), *MODELS]
        subprocess.run(command, check=True, env=environment, cwd=folder)
        former = dict(np.load(f"{folder}/former.npz"))
        tables = {name: CrystalTable.load(f"{folder}/{name}.npz") for name in ("bundled", "table")}
    names = {"bundled": list(example_crystals()), "table": table.take(rows).names.tolist()}
    result = {}
    for name, crystals in tables.items():
        changed = seen_otherwise(np.asarray(crystals.lattice, dtype=float))
        for model in MODELS:
            pipeline = load_pretrained(model)
            now = np.asarray(pipeline.predict_proba(crystals))
            result[f"{name} {model}"] = compared(
                now, former[f"{name} {model} direct"], former[f"{name} {model} images"],
                pipeline[-1].classes_, changed, names[name],
            )  # fmt: skip
            print(name, model, {k: v for k, v in result[f"{name} {model}"].items() if k != "other"})
    file = Path(__file__).with_name("kept-answers.json")
    file.write_text(json.dumps(result, indent=1) + "\n")


def seen_otherwise(lattices: np.ndarray) -> np.ndarray:
    """Crystals that are seen along other directions: a = b to 1 % but not to 0.05 %."""
    from crystalsym.diffraction import _zone_axes
    from crystalsym.diffraction._zone_axes import symmetry_zones

    now = symmetry_zones(lattices)
    tolerance, _zone_axes.EQUAL_EDGES = _zone_axes.EQUAL_EDGES, 0.01
    try:
        then = symmetry_zones(lattices)
    finally:
        _zone_axes.EQUAL_EDGES = tolerance
    return (now != then).any(axis=(1, 2))


def compared(now, direct, images, classes, changed, names) -> dict:
    """Figures of one model's answers; ``other`` lists first guesses unlike the images' way."""
    same = ~changed
    first, before = classes[now.argmax(1)], classes[images.argmax(1)]
    other = np.flatnonzero((first != before) & same)
    return {
        "crystals": len(now),
        "seen along other directions": int(changed.sum()),
        "largest difference to the direct way": float(np.abs(now - direct)[same].max()),
        "same first guess as through images": float((first == before)[same].mean()),
        "other": [
            {"crystal": str(names[i]), "now": int(first[i]), "through images": int(before[i])}
            for i in other
        ],
    }


if __name__ == "__main__":
    main()
