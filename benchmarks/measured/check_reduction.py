"""How often rotations and centerings of simulated lists are symmetries, by what the tests find.

    python benchmarks/measured/check_reduction.py --molecular 800

A quarter of the lists are twins. The constants of ``reflections._laue`` and
``reflections._centering`` follow these tables.
"""

from __future__ import annotations

import argparse
import itertools
import warnings

import numpy as np

from crystalsym.crystals import canonical_setting
from crystalsym.crystals._metric_settings import canonical_centering, oriented_laue_class
from crystalsym.crystals._wyckoff import laue_rotations
from crystalsym.datasets import random_molecular_crystals
from crystalsym.measurement import Degradation, ReflectionSimulator
from crystalsym.reflections import reduce_reflections
from crystalsym.spacegroups import symbol

POOR = Degradation(
    scale_error=(0.01, 0.35), leak=(1e-4, 0.1),
    shares={"twin": 0.25, "compression": 0.15, "scale_error": 0.9},
)  # fmt: skip
SCORES = (-10.1, -8.0, -4.0, -2.0, 0.0, 1.0, 2.0, 2.5, 3.01)
RATIOS = (0.0, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 10.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--molecular", type=int, default=800)
    parser.add_argument("--seed", type=int, default=31)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    half = args.molecular // 2
    even = np.random.default_rng(args.seed).integers(1, 231, half)
    usual = np.asarray(random_molecular_crystals(half, args.seed).space_group)
    table = random_molecular_crystals(np.concatenate([even, usual]), args.seed + 1)
    rotations, centerings = [], []
    for row, group in enumerate(np.asarray(table.space_group)):
        simulator = ReflectionSimulator(
            POOR, settings="canonical", merged=0.25, random_state=args.seed + row
        )
        (one,) = simulator.transform(table.take(np.array([row])))
        reduction = reduce_reflections(one)
        own = _own_rotations(np.asarray(table.lattice[row], float), int(group))
        first = reduction.hypotheses[0]
        letter = symbol(int(group))[0]
        for candidate in reduction.hypotheses:
            if candidate.candidate.laue == "-1" and candidate.centering == first.centering:
                continue
            for member in candidate.candidate.members[1:2]:
                matrix = candidate.candidate.operations[1]
                if np.abs(matrix - np.round(matrix)).max() < 1e-3:
                    is_own = np.round(matrix).astype(int).tobytes() in own
                    rotations.append((candidate.scores[member].score, is_own))
        name = canonical_centering(letter, oriented_laue_class(int(group)))
        for test in reduction.centering_tests:
            if np.isfinite(test.ratio):
                is_own = test.centering == name or (name == "F" and test.centering in "ABC")
                centerings.append((test.ratio, is_own))
    _table("score of a rotation", rotations, SCORES)
    _table("ratio of a centering", centerings, RATIOS)


def _own_rotations(lattice: np.ndarray, group: int) -> set[bytes]:
    """Proper rotations of a group, in the canonical setting."""
    change = canonical_setting(lattice, symbol(group)[0], oriented_laue_class(group))
    back = np.linalg.inv(change).T
    moved = np.round(back @ laue_rotations(group) @ change.T).astype(int)
    return {matrix.tobytes() for matrix in moved}


def _table(name: str, rows: list[tuple[float, bool]], edges: tuple[float, ...]) -> None:
    values = np.array(rows, dtype=float)
    print(f"{name:24s} {'count':>6s}  symmetries")
    for low, high in itertools.pairwise(edges):
        part = values[(values[:, 0] >= low) & (values[:, 0] < high)]
        if len(part):
            print(f"{low:10g} to {high:8g}   {len(part):6d}  {part[:, 1].mean():.3f}")


if __name__ == "__main__":
    main()
