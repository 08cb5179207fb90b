"""Speed of every stage, each as a ratio to its peer measured in the same run.

    python benchmarks/speed.py --structures materials_project.npz --output benchmarks/speed.json

Without --structures the bundled crystals, repeated, are the sample. Nothing else should run on
the machine meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

from crystalsym import DiffractionSimulator, PatternShaper, load_pretrained
from crystalsym.crystals import Cluster, Crystal, standardize
from crystalsym.datasets import CrystalTable, example_crystals
from crystalsym.learning import Augmentation, PatternRows
from crystalsym.networks import multiplications
from crystalsym.pretrained import available

SEED = 0


def best_time(call: Callable[[], object], repeat: int = 5) -> float:
    """Shortest of some runs, after one to warm up; seconds."""
    call()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def forty_atoms() -> Crystal:
    rng = np.random.default_rng(SEED)
    lattice = np.diag([8.1, 9.2, 10.4])
    return Crystal(lattice, rng.random((40, 3)), rng.choice([8, 14, 26], 40), standard=True)


def patterns() -> dict[str, float]:
    """Time one 256x256 pattern of 10x10x10 cells of 40 atoms, by each engine, on one core.

    Ratios to Condor are of this run, or there are none.
    """
    crystal, pixels, atoms = forty_atoms(), 256 * 256, 40 * 1000
    view = [np.eye(3)]
    seconds = {}
    for engine in ("bragg", "lattice"):
        zone = [[0, 0, 1]] if engine == "bragg" else view
        simulator = DiffractionSimulator(zone, engine=engine)
        seconds[engine] = best_time(lambda s=simulator: s.transform([crystal]))
    explicit = DiffractionSimulator(view, engine="atoms")
    seconds["atoms"] = best_time(lambda: explicit.transform([crystal]), 2)
    condor = condor_seconds(crystal, view)
    if condor is not None:
        seconds["condor"] = condor
    figures = {f"{k} ms": 1e3 * v for k, v in seconds.items()}
    figures |= {f"{k} atom pixel/s": atoms * pixels / v for k, v in seconds.items()}
    for slow in ("atoms", "condor"):
        for fast in ("lattice", "bragg"):
            if slow in seconds:
                figures[f"{fast} to {slow}"] = seconds[slow] / seconds[fast]
    return figures


def condor_seconds(crystal: Crystal, view: list[np.ndarray]) -> float | None:
    """Time the same pattern by Condor, in seconds of CPU; None where it is not installed.

    Condor runs in a process of its own. What starting that takes is seen from a single atom, and
    taken off.
    """
    simulator = DiffractionSimulator(view, engine="condor")
    try:
        simulator.fit()
    except ImportError as problem:
        print(f"no ratio to Condor: {problem}", file=sys.stderr)
        return None
    import resource  # not on Windows

    def cpu(structure: Cluster) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        simulator.transform([structure])
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    atom = Cluster([[0.0, 0.0, 0.0]], [14])
    return cpu(Cluster.from_crystal(crystal, 10)) - min(cpu(atom) for _ in range(3))


def plain_pixel_scheme(image: np.ndarray) -> None:
    """The published rule as plain loops over pairs, as its authors' code has them."""
    nodes = np.argwhere(image >= 50)
    collected = []
    for y0, x0 in nodes:
        for y1, x1 in nodes:
            dx, dy = float(x1 - x0), float(y1 - y0)
            if dx and dy and dx * dx + dy * dy >= 102:
                collected.append(np.sqrt((dx**2 - 1) + (dy**2 - 1)))


def shaping(crystals: list[Crystal]) -> dict[str, float]:
    """Milliseconds an image on one core, either scheme."""
    raw = DiffractionSimulator().transform(crystals[:48])
    gray = DiffractionSimulator(dtype="uint8").transform(crystals[:48])
    spots = PatternShaper("spots", image_size=64, field=0.69, dtype="uint8")
    lattice = PatternShaper("lattice", intensity="log", image_size=13)
    pixels = PatternShaper("pixels", image_size=224, dtype="uint8")
    result = {
        "spots ms": 1e3 * best_time(lambda: spots.transform(raw)) / raw[:, :, 0, 0].size,
        "lattice ms": 1e3 * best_time(lambda: lattice.transform(raw)) / raw[:, :, 0, 0].size,
        "pixels ms": 1e3 * best_time(lambda: pixels.transform(gray)) / raw[:, :, 0, 0].size,
    }
    loops = []
    for image in gray[:12].reshape(-1, 256, 256)[::6]:
        block = image.astype(np.float32)
        block[116:138, 116:138] = 0
        scaled = block / max(block.max(), 1) * 256
        start = time.perf_counter()
        plain_pixel_scheme(scaled)
        loops.append(time.perf_counter() - start)
    result["plain loops ms (mean)"] = 1e3 * float(np.mean(loops))
    result["plain loops to pixels"] = result["plain loops ms (mean)"] / result["pixels ms"]
    return result


def _shape_all(table: CrystalTable) -> int:
    simulator = DiffractionSimulator(standardize=False)
    shaper = PatternShaper("spots", image_size=64, field=0.69, dtype="uint8")
    for start in range(0, len(table), 16):
        shaper.transform(simulator.transform(table[start : start + 16]))
    return len(table)


def throughput(table: CrystalTable, jobs: int) -> dict[str, float]:
    """Conventional cells -> shaped 3 x 64x64 patterns."""
    parts = [table[i : i + 200] for i in range(0, len(table), 48)]
    with Parallel(n_jobs=jobs) as pool:
        pool(delayed(_shape_all)(part[:16]) for part in parts[: 2 * jobs])
        start = time.perf_counter()
        done = sum(pool(delayed(_shape_all)(part) for part in parts))
        return {"crystals/s": done / (time.perf_counter() - start), "jobs": jobs}


def _ours(crystals: list[Crystal]) -> list[np.ndarray]:
    return [standardize(crystal).metric for crystal in crystals]


def _pymatgens(crystals: list[Crystal]) -> list[np.ndarray]:
    from pymatgen.core import Structure
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    warnings.simplefilter("ignore")
    cells = []
    for c in crystals:
        structure = Structure(c.lattice, c.atomic_numbers.tolist(), c.frac_coords)
        cell = SpacegroupAnalyzer(structure, 0.1).get_conventional_standard_structure()
        cells.append(cell.lattice.matrix @ cell.lattice.matrix.T)
    return cells


def standardizing(crystals: list[Crystal], jobs: int) -> dict[str, float]:
    """Our standard cell against pymatgen's: rate, and the largest difference of the cells."""
    parts = [crystals[i : i + 25] for i in range(0, len(crystals), 25)]
    rates, cells = {}, {}
    with Parallel(n_jobs=jobs) as pool:
        for name, call in (("ours", _ours), ("pymatgen", _pymatgens)):
            pool(delayed(call)(part[:1]) for part in parts[: 2 * jobs])
            start = time.perf_counter()
            cells[name] = [m for part in pool(delayed(call)(p) for p in parts) for m in part]
            rates[name] = len(crystals) / (time.perf_counter() - start)
    lengths, angles = [], []
    for one, two in zip(cells["ours"], cells["pymatgen"], strict=True):
        a, b = np.sqrt(np.diag(one)), np.sqrt(np.diag(two))
        cosines = [(m / np.outer(e, e))[[1, 0, 0], [2, 2, 1]] for m, e in ((one, a), (two, b))]
        lengths.append(np.abs(a - b).max())
        angles.append(np.abs(np.subtract(*np.degrees(np.arccos(np.clip(cosines, -1, 1))))).max())
    same = (np.array(lengths) < 1e-4) & (np.array(angles) < 1e-3)
    return {
        "ours crystals/s": rates["ours"],
        "pymatgen crystals/s": rates["pymatgen"],
        "ours to pymatgen": rates["ours"] / rates["pymatgen"],
        "same cells": float(same.mean()),
        "jobs": jobs,
    }


def start_up() -> dict[str, float]:
    """Seconds from the start of a process until the pretrained pipeline is there."""
    code = "from crystalsym import load_pretrained; load_pretrained('72')"
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}

    def run(text: str) -> None:
        subprocess.run([sys.executable, "-c", text], check=True, env=quiet, capture_output=True)

    return {
        "load_pretrained s": best_time(lambda: run(code), 3),
        "import crystalsym s": best_time(lambda: run("import crystalsym"), 3),
        "import keras, tensorflow s": best_time(lambda: run("import keras, tensorflow"), 3),
    }


def direct(table: CrystalTable, jobs: int) -> dict[str, float]:
    """Standard cells -> pictures in lattice indices, without an image: what training does."""
    steps = [DiffractionSimulator(output="spots"), PatternShaper()]
    whole = PatternRows(steps, table, Augmentation(changed=1.0), n_jobs=jobs)
    whole.set_epoch(0)
    return {"crystals/s": len(table) / best_time(lambda: whole[:], 2), "jobs": jobs}


def ranking(crystals: list[Crystal]) -> dict[str, float]:
    """Crystals per second from structures, raw patterns and shaped patterns to probabilities."""
    pipeline = load_pretrained("72")
    sample = crystals[:256]
    raw = pipeline[:1].transform(sample)
    shaped = np.tile(pipeline[1:-1].transform(raw), (32, 1, 1, 1, 1))
    result = {
        "from structures /s": len(sample) / best_time(lambda: pipeline.predict_proba(sample), 2),
        "from patterns /s": len(sample) / best_time(lambda: pipeline[1:].predict_proba(raw), 2),
    }
    for name in available():
        classifier = load_pretrained(name)[-1]
        seconds = best_time(lambda c=classifier: c.predict_proba(shaped), 3)
        result[f"network {name} alone /s"] = len(shaped) / seconds
        result[f"network {name} parameters"] = classifier.n_parameters_
        result[f"network {name} multiplications"] = multiplications(classifier.model_)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--structures", help="table of crystals (.npz)")
    parser.add_argument("--number", type=int, default=2000, help="crystals of the sample")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--output", type=Path, help="JSON file to write")
    args = parser.parse_args()
    if args.structures:
        table = CrystalTable.load(args.structures)
        rows = np.random.default_rng(SEED).choice(len(table), args.number, replace=False)
        table = table.take(np.sort(rows))
    else:
        paths = list(example_crystals().values())
        table = CrystalTable.from_crystals(paths * (args.number // len(paths) + 1))
    crystals = [table[i] for i in range(len(table))]
    standard = table.standardized(n_jobs=args.jobs)
    result = {
        "one pattern, 256x256, 10x10x10 cells of 40 atoms, one core": patterns(),
        "shaping an image, one core": shaping([standard[i] for i in range(48)]),
        "standard cells to shaped patterns": throughput(standard, args.jobs),
        "standard cells to lattice indices, no image": direct(standard, args.jobs),
        "standardizing": standardizing(crystals[: args.number // 2], args.jobs),
        "start of a process": start_up(),
        "structure to ranking": ranking(crystals),
        "machine": {"cores": os.cpu_count(), "crystals": len(table)},
    }
    result = {
        part: {key: float(f"{value:.4g}") for key, value in figures.items()}
        for part, figures in result.items()
    }
    text = json.dumps(result, indent=1)
    print(text)
    if args.output:
        args.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
