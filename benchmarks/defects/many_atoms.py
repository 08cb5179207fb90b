"""Engine "atoms" by non-uniform Fourier transforms beside the direct sum, in one run.

    python benchmarks/defects/many_atoms.py

40,656 atoms of copper, and as many of sodium chloride, shifted by 0.1 Å at random, on 256 x 256
pixels: time of one thread and the largest difference in parts of the strongest pixel. Then a
million atoms by transforms alone. Writes ``results/many_atoms.json`` beside itself.
"""

from __future__ import annotations

import json
import resource
import time
from pathlib import Path

import numpy as np

from crystalsym.crystals import Cluster
from crystalsym.crystals.defects import CrystalBlock, ThermalDisplacements
from crystalsym.datasets import example_crystals
from crystalsym.diffraction import Detector
from crystalsym.diffraction._atom_sum import atoms_pattern
from crystalsym.diffraction._fast_atom_sum import fast_atoms_pattern

FILE = Path(__file__).parent / "results" / "many_atoms.json"
DETECTOR = Detector.for_q_max(256, 1.457, 1000.0, 0.035)
RUNS = 5


def block(name: str, cells: tuple[int, int, int]) -> Cluster:
    """A block of a bundled crystal, warm."""
    whole = CrystalBlock(cells).transform([example_crystals()[name]])
    return ThermalDisplacements(0.1, random_state=0).transform(whole)[0]


def timed(way, *arguments):
    """The result, and the least processor and wall seconds of some runs."""
    seconds = []
    for _ in range(RUNS if way is fast_atoms_pattern else 1):
        began, wall = time.process_time(), time.perf_counter()
        found = way(*arguments)
        seconds.append((time.process_time() - began, time.perf_counter() - wall))
    return found, *np.min(seconds, axis=0).tolist()


def main() -> None:
    """Measure, print and write."""
    rows = []
    atoms_pattern(block("Cu", (1, 1, 1)), np.eye(3), DETECTOR)  # compiles
    for name, cells in (("Cu", (22, 22, 21)), ("NaCl", (17, 17, 18))):
        cluster = block(name, cells)
        for ewald in ("flat", "sphere"):
            arguments = cluster, np.eye(3), DETECTOR, ewald
            fast, seconds, _ = timed(fast_atoms_pattern, *arguments)
            direct, direct_seconds, _ = timed(atoms_pattern, *arguments)
            rows.append(
                {
                    "crystal": name, "atoms": len(cluster), "ewald": ewald,
                    "direct_cpu_s": direct_seconds, "nufft_cpu_s": seconds,
                    "times_as_fast": direct_seconds / seconds,
                    "difference": float(np.abs(fast - direct).max() / direct.max()),
                }
            )  # fmt: skip
            print(rows[-1], flush=True)
    million = block("Cu", (63, 63, 63))
    for ewald in ("flat", "sphere"):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        _, seconds, wall = timed(fast_atoms_pattern, million, np.eye(3), DETECTOR, ewald)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        rows.append(
            {
                "crystal": "Cu", "atoms": len(million), "ewald": ewald, "nufft_cpu_s": seconds,
                "nufft_wall_s": wall, "memory_peak_grew_mb": (after - before) / 1024,
            }
        )  # fmt: skip
        print(rows[-1], flush=True)
    FILE.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
