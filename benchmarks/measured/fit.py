"""Powers of network and evidence, and reliabilities, fitted to simulated lists.

    python benchmarks/measured/fit.py --model runs/230-lists/model --output weights.json

The lists are of random molecules and, with --structures, of crystals of a table: name one whose
crystals the weights have not learned from. A part of them are hard, twins and poor data.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from crystalsym.datasets import CrystalTable, random_molecular_crystals
from crystalsym.identification import model_pipeline
from crystalsym.identification._reflection_answers import opinions_of
from crystalsym.identification._weighing import Weights, weighed
from crystalsym.measurement import Degradation, ReflectionSimulator
from crystalsym.reflections import reduce_reflections

NAMES = ("network", "absences", "centricity", "hypothesis", "unity")
HARD = Degradation(
    scale_error=(0.02, 0.3), leak=(1e-3, 0.08),
    shares={"twin": 0.35, "compression": 0.3, "scale_error": 1.0, "leak": 0.9},
)  # fmt: skip
SEED = 911


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--molecular", type=int, default=1300)
    parser.add_argument("--hard", type=int, default=400)
    parser.add_argument("--structures", type=Path, help="a table with space_group")
    parser.add_argument("--output", type=Path, default=Path("weights.json"))
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    pipeline = model_pipeline(args.model)
    tables = [(random_molecular_crystals(args.molecular, SEED), None),
              (random_molecular_crystals(args.hard, SEED + 2), HARD)]  # fmt: skip
    if args.structures:
        tables.append((CrystalTable.load(args.structures).standardized(), None))
    opinions, truth = [], []
    for number, (table, how) in enumerate(tables):
        for start in range(0, len(table), 50):
            part = table.take(np.arange(start, min(start + 50, len(table))))
            simulator = ReflectionSimulator(how, random_state=SEED + 1000 * number + start)
            for one, group in zip(simulator.transform(part), part.space_group, strict=True):
                opinions.append(opinions_of(reduce_reflections(one), pipeline))
                truth.append(int(group))
    weights = fitted(opinions, np.array(truth))
    args.output.write_text(json.dumps(weights.as_dict(), indent=1) + "\n", encoding="utf-8")
    print(args.output.read_text(encoding="utf-8"))


def fitted(opinions: list, truth: np.ndarray) -> Weights:
    """The powers of least loss, and the logistic line from probabilities to reliabilities."""

    def loss(powers: np.ndarray) -> float:
        weights = Weights(**dict(zip(NAMES, np.abs(powers), strict=True)))
        own = [weighed(one, weights)[group] for one, group in zip(opinions, truth, strict=True)]
        return -float(np.log(np.maximum(own, 1e-6)).mean())

    found = minimize(loss, [0.7, 0.1, 0.2, 1.0, 0.4], method="Nelder-Mead", options={"maxfev": 200})
    powers = dict(zip(NAMES, map(float, np.abs(found.x)), strict=True))
    shares = np.array([weighed(one, Weights(**powers)) for one in opinions])
    right, best = shares.argmax(axis=1) == truth, shares.max(axis=1)
    p = np.clip(best, 1e-6, 1 - 1e-6)
    odds = np.log(p / (1 - p))

    def miss(line: np.ndarray) -> float:
        at = line[0] + line[1] * odds
        return float(np.logaddexp(0, np.where(right, -at, at)).mean())

    offset, slope = minimize(miss, [0.0, 1.0], method="Nelder-Mead").x
    return Weights(**powers, offset=float(offset), slope=float(slope))


if __name__ == "__main__":
    main()
