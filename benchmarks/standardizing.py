"""Speed of the standard cell: by each symmetry finder, and against a former version.

    python benchmarks/standardizing.py --structures materials_project.npz --former ../former

``--former`` names a checkout of another version. Both run as processes of one core, in turns, and
the medians of their CPU times are compared. Without ``--structures`` the bundled crystals,
repeated, are the sample.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

FINDERS = ("spglib", "mixed", "moyo")
SEED = 0

# Run by either version, so it may use only what both have.
TIMED = """
import json, sys, time
try:
    from crystalsym.crystals import standardize
except ImportError:  # before the rooms
    from crystalsym.structures import standardize
from crystalsym.datasets import CrystalTable

table = CrystalTable.load(sys.argv[1])
options = json.loads(sys.argv[2])
for crystal in table[:200]:
    standardize(crystal, **options)
crystals = list(table)
start = time.process_time()
for crystal in crystals:
    standardize(crystal, **options)
print(time.process_time() - start)
"""


def seconds(version: Path, table: Path, finder: str | None) -> float:
    """CPU time of one version for all crystals of a table, after some to warm up."""
    options = json.dumps({} if finder is None else {"finder": finder})
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    done = subprocess.run(
        # -P: else the folder this was called from would be imported first.
        [sys.executable, "-P", "-c", TIMED, str(table), options],
        env={**os.environ, **threads, "PYTHONPATH": str(version.resolve())},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return float(done.stdout.split()[-1])


def sample(structures: str | None, n: int, path: Path) -> None:
    import numpy as np

    from crystalsym.datasets import CrystalTable, example_crystals

    if structures is None:
        crystals = list(example_crystals().values())
        table = CrystalTable.from_crystals((crystals * (n // len(crystals) + 1))[:n])
    else:
        table = CrystalTable.load(structures)
        rng = np.random.default_rng(SEED)
        table = table.take(np.sort(rng.choice(len(table), min(n, len(table)), replace=False)))
    table.standard = False
    table.save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--structures", help="table of crystals, .npz")
    parser.add_argument("--former", type=Path, help="checkout of the version to compare with")
    parser.add_argument("-n", type=int, default=2000, help="crystals (default: 2000)")
    parser.add_argument("--repeat", type=int, default=5, help="turns (default: 5)")
    args = parser.parse_args()
    here = Path(__file__).resolve().parents[1]
    runs: dict[str, tuple[Path, str | None]] = {finder: (here, finder) for finder in FINDERS}
    if args.former is not None:
        runs["former"] = (args.former, None)
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "sample.npz")
        sample(args.structures, args.n, table)
        times: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(args.repeat):
            for name, (version, finder) in runs.items():
                times[name].append(seconds(version, table, finder))
    base = "former" if "former" in runs else "spglib"
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        # Ratios of one turn share what else the machine was doing.
        turns = [b / t for b, t in zip(times[base], times[name], strict=True)]
        print(
            f"{name:8} {1e6 * median / args.n:8.0f} us a crystal of CPU,"
            f" {args.n / median:6.0f} a second, {statistics.median(turns):5.2f} x {base}"
        )


if __name__ == "__main__":
    main()
