"""How often rotations and centerings of simulated lists are symmetries, by what the tests find.

    python benchmarks/measured/check_reduction.py --molecular 800 [--structures TABLE] [--fit 3]

A quarter of the lists are twins. The constants of ``reflections._laue`` and
``reflections._centering`` follow these tables.
"""

from __future__ import annotations

import argparse
import itertools
import math
import warnings
from pathlib import Path

import numpy as np

from crystalsym.crystals import canonical_setting
from crystalsym.crystals._metric_settings import (
    canonical_centering,
    centering_in_standard_cell,
    oriented_laue_class,
)
from crystalsym.crystals._wyckoff import laue_rotations
from crystalsym.datasets import CrystalTable, random_molecular_crystals
from crystalsym.measurement import Degradation, ReflectionSimulator
from crystalsym.reflections import Reduction, _laue, reduce_reflections

POOR = Degradation(
    scale_error=(0.01, 0.35), leak=(1e-4, 0.1),
    shares={"twin": 0.25, "compression": 0.15, "scale_error": 0.9},
)  # fmt: skip
SCORES = (-30.0, -6.0, -4.0, -2.0, -1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 10.1)
RATIOS = (0.0, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 10.0)
# Numbers of reflections._laue that --fit looks for, each by steps in parts of itself.
FITTED = (
    "PAIRS", "KNOWN_TO", "UNTOLD", "MOST_AGAINST", "OTHERS", "COINCIDENCE", "HEMIHEDRAL",
    "MERGED_EACH", "MERGED_SCORE",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--molecular", type=int, default=800)
    parser.add_argument("--structures", type=Path, help="a table with space_group, in addition")
    parser.add_argument("--limit", type=int, default=800)
    parser.add_argument("--seed", type=int, default=31)
    parser.add_argument("--fit", type=int, default=0, metavar="ROUNDS")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    half = args.molecular // 2
    even = np.random.default_rng(args.seed).integers(1, 231, half)
    usual = np.asarray(random_molecular_crystals(half, args.seed).space_group)
    kinds = {
        "poor lists of molecules": (
            random_molecular_crystals(np.concatenate([even, usual]), args.seed + 1), POOR, 0.25
        )
    }  # fmt: skip
    if args.structures:
        table = CrystalTable.load(args.structures).standardized()
        rows = np.random.default_rng(args.seed).permutation(len(table))[: args.limit]
        kinds["lists of structures"] = table.take(rows), None, 0.35
    cases = {name: list(_cases(*how, args.seed)) for name, how in kinds.items()}
    if args.fit:
        _fit(cases, args.fit)
    rotations, centerings = [], []
    for name, some in cases.items():
        reductions = [reduce_reflections(case[0]) for case in some]
        loss, first = _judged(some, reductions)
        print(f"{name}: {len(some)}; -log P of the true class {loss:.3f}, first in {first:.3f}")
        for case, reduction in zip(some, reductions, strict=True):
            rotations += _rotations(case, reduction)
            centerings += _centerings(case, reduction)
    _table("score of a rotation", rotations, SCORES)
    _table("ratio of a centering", centerings, RATIOS)


def _cases(table, how, merged: float, seed: int):
    """Lists in canonical settings, with true Laue class, centering and rotations."""
    for row, group in enumerate(np.asarray(table.space_group)):
        simulator = ReflectionSimulator(
            how, settings="canonical", merged=merged, random_state=seed + row
        )
        (one,) = simulator.transform(table.take(np.array([row])))
        laue, letter = (
            oriented_laue_class(int(group)),
            centering_in_standard_cell(table[row], int(group)),
        )
        own = _own_rotations(np.asarray(table.lattice[row], float), letter, int(group))
        yield one, laue, canonical_centering(letter, laue), own


def _judged(cases: list, reductions: list[Reduction]) -> tuple[float, float]:
    """Mean -log of the probability of the true class, and how often it comes first."""
    losses, first = [], []
    for (_, laue, centering, _), reduction in zip(cases, reductions, strict=True):
        found = reduction.hypotheses
        right = [(h.candidate.laue, h.candidate.centering) == (laue, centering) for h in found]
        own = sum(h.probability for h, is_own in zip(found, right, strict=True) if is_own)
        losses.append(-math.log(max(own, 1e-4)))
        first.append(right[0])
    return float(np.mean(losses)), float(np.mean(first))


def _fit(cases: dict[str, list], rounds: int) -> None:
    """Look for the numbers of least mean loss, one after the other."""

    def loss() -> float:
        return float(
            np.mean(
                [
                    _judged(some, [reduce_reflections(case[0]) for case in some])[0]
                    for some in cases.values()
                ]
            )
        )

    best, steps = loss(), dict.fromkeys(FITTED, 0.4)
    for _, name in itertools.product(range(rounds), FITTED):
        before = getattr(_laue, name)
        for factor in (1 + steps[name], 1 / (1 + steps[name])):
            setattr(_laue, name, before * factor)
            now = loss()
            if now < best:
                best = now
                break
            setattr(_laue, name, before)
        else:
            steps[name] /= 2
        print(f"{best:.4f} {name} {getattr(_laue, name):.3g}", flush=True)


def _rotations(case: tuple, reduction: Reduction) -> list[tuple[float, bool]]:
    own, hypotheses = case[3], reduction.hypotheses
    found = []
    for hypothesis in hypotheses:
        candidate = hypothesis.candidate
        if candidate.laue == "-1" or hypothesis.centering != hypotheses[0].centering:
            continue
        matrix = candidate.operations[1]
        if np.abs(matrix - np.round(matrix)).max() < 1e-3:
            is_own = np.round(matrix).astype(int).tobytes() in own
            found.append((hypothesis.scores[candidate.members[1]].score, is_own))
    return found


def _centerings(case: tuple, reduction: Reduction) -> list[tuple[float, bool]]:
    name = case[2]
    return [
        (test.ratio, test.centering == name or (name == "F" and test.centering in "ABC"))
        for test in reduction.centering_tests
        if np.isfinite(test.ratio)
    ]


def _own_rotations(lattice: np.ndarray, centering: str, group: int) -> set[bytes]:
    """Proper rotations of a group, in the canonical setting."""
    change = canonical_setting(lattice, centering, oriented_laue_class(group))
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
