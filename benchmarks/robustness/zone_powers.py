"""How network and evidence of three arbitrary zones are weighed, fitted and written into a card.

    python benchmarks/robustness/zone_powers.py --layers layers.npz --model runs/230-zones/model

Crystals that zone_training.py validated with, and did not learn from, are listed along three random
zones of indices up to 2 with errors, each image on a scale of its own. What network and evidence
say of them under the hypotheses followed gives the powers of least loss (``benchmarks/measured``
does the same for lists); they become the entry ``lists`` of the model's card.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from zone_training import PARTS, TRIPLES, ZONES, validation_side

from crystalsym import DiffractionSimulator
from crystalsym.crystals import Crystal
from crystalsym.identification._reflection_answers import opinions_of
from crystalsym.identification._weighing import Opinion, Weights, weighed
from crystalsym.pretrained import (
    SpaceGroupPipeline,
    load_pipeline,
    read_description,
    save_pipeline,
)
from crystalsym.reflections import ReflectionList, reduce_reflections
from crystalsym.reflections._zone_lists import lists_of_zones

sys.path.insert(0, str(Path(__file__).parents[1] / "measured"))
from fit import fitted

SEED = 3
# What the beam hides, 1/Å; errors in parts of an intensity, of the strongest one, and of a scale.
HIDDEN, PROPORTIONAL, FLOOR, SCALES = (0.03, 0.1), 0.02, (1e-4, 1e-3), 0.03
FOLLOWED = Weights(most=16, least=1e-7)


def crystal_of(layers: dict[str, np.ndarray], number: int) -> Crystal:
    """A crystal of a file of layers.py."""
    start, end = layers["site_offsets"][number : number + 2]
    places = layers["places"][start:end].astype(float) / PARTS
    return Crystal(layers["lattice"][number].astype(float), places, layers["numbers"][start:end])


def list_of_zones(crystal: Crystal, rng: np.random.Generator) -> ReflectionList:
    """What three random zones show of a crystal, with errors."""
    zones = ZONES[TRIPLES[rng.integers(len(TRIPLES))]]
    spots = DiffractionSimulator(
        views=zones, output="spots", standardize=False, q_max=1.457, dtype="float64",
        normalize=False,
    ).transform([crystal])  # fmt: skip
    spots = spots.with_mates()
    scale = np.repeat([1, *np.exp(SCALES * rng.standard_normal(2))], np.diff(spots.starts))
    floor = np.exp(rng.uniform(*np.log(FLOOR))) * spots.intensity.max()
    sigma = scale * np.hypot(PROPORTIONAL * spots.intensity, floor)
    values = scale * spots.intensity + sigma * rng.standard_normal(len(sigma))
    (whole,) = lists_of_zones(replace(spots, intensity=values, sigma=sigma))
    return whole[np.linalg.norm(spots.q, axis=1) > rng.uniform(*HIDDEN)]


def opinions(
    layers: dict[str, np.ndarray], crystals: np.ndarray, pipeline: SpaceGroupPipeline
) -> list[list[Opinion]]:
    """What network and evidence say of each crystal's list."""
    found = []
    for place, number in enumerate(crystals):
        given = list_of_zones(crystal_of(layers, number), np.random.default_rng([SEED, place]))
        found.append(opinions_of(reduce_reflections(given), pipeline))
    return found


def figures(found: list[list[Opinion]], truth: np.ndarray, weights: Weights) -> dict[str, float]:
    """How many are right, and among five."""
    shares = np.array([weighed(one, weights) for one in found])
    ranks = (shares > shares[np.arange(len(truth)), truth][:, None]).sum(axis=1)
    return {"crystals": len(truth), "top1": float((ranks == 0).mean()),
            "top5": float((ranks < 5).mean())}  # fmt: skip


def main() -> None:
    """List, ask, fit, and write the card."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="folder, whose card is written")
    parser.add_argument("-n", type=int, default=1200, help="lists (%(default)s)")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    layers = {**np.load(args.layers)}
    chosen = validation_side(layers)
    chosen = chosen[layers["rows"][chosen] >= 0]  # no random ones
    chosen = np.random.default_rng(SEED).permutation(chosen)[: args.n]
    pipeline = load_pipeline(args.model)
    pipeline["classify"].metadata_["lists"] = FOLLOWED.as_dict()
    found = opinions(layers, chosen, pipeline)
    truth = layers["groups"][chosen].astype(int)
    weights = replace(fitted(found, truth), most=FOLLOWED.most, least=FOLLOWED.least)
    print(json.dumps(figures(found, truth, weights)))
    keep(args.model, weights)


def keep(folder: Path, weights: Weights) -> None:
    """Write powers into the card of a saved pipeline and that of its classifier."""
    stored = {name: round(value, 4) for name, value in weights.as_dict().items()}
    stored["least"] = weights.least
    pipeline, card = load_pipeline(folder), read_description(folder)["metadata"]
    pipeline["classify"].metadata_["lists"] = stored
    save_pipeline(pipeline, folder, metadata={**card, "lists": stored}, dtype="float16")
    print(json.dumps(stored, indent=1))


if __name__ == "__main__":
    main()
