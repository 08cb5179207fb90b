"""Weights for reflection lists, trained from a table of crystals and random ones.

    python benchmarks/measured/train.py --structures materials_project.npz --output runs/230-lists

Learned from are the crystals of the table that "230" holds out none of its own figures with (the
same split), each in four ways: as it is, with other elements, and twice in another open setting;
random crystals of every group; and random molecules. In every epoch each is measured anew. Cut off
and called again, it goes on from the last checkpoint. On two cores it takes about 80 minutes.

The weights that ship learned twice: --start goes on from weights of the first time, for 50 epochs
at a lower rate, with other elements, settings, random crystals and molecules (--round 1).
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from crystalsym import DiffractionSimulator, PatternShaper, SpaceGroupClassifier
from crystalsym.crystals import canonical_setting, open_settings
from crystalsym.crystals._metric_settings import canonical_centering, oriented_laue_class
from crystalsym.crystals._wyckoff import laue_rotations
from crystalsym.datasets import CrystalTable, random_crystals, random_molecular_crystals
from crystalsym.diffraction import SpotPatterns, with_orbits
from crystalsym.learning import Augmentation, DegradedRows
from crystalsym.learning._augmentation import Changes
from crystalsym.measurement import Degradation
from crystalsym.pretrained import SpaceGroupPipeline, load_pipeline, save_pipeline
from crystalsym.spacegroups import symbol
from crystalsym.training import TrainingConfig, load_data

SIMULATE = {
    "output": "spots", "views": "symmetry-directions", "standardize": "metric",
    "normalize": False, "q_max": 1.457, "symprec": 0.1,
}  # fmt: skip
REACH = 8  # of the pictures
LEAST, RANDOM = 40, 60  # rows of rare groups, random crystals of every group
MOLECULES, EVEN = 56_000, 16_000
PERFECT = 0.25  # of the rows in an epoch
CLASSIFY = {
    "architecture": "msdense", "architecture_options": {"growth": 16, "blocks": [2, 2]},
    "epochs": 34, "batch_size": 512, "learning_rate": 4e-3, "weight_decay": 2e-2,
    "learning_rate_schedule": "cosine", "validation_fraction": 0.03, "random_state": 0,
    "precision": "mixed_bfloat16", "verbose": 1,
}  # fmt: skip
AGAIN = {"epochs": 50, "learning_rate": 2.5e-3, "warm_start": True}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--structures", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--start", type=Path, help="weights to go on from")
    parser.add_argument("--round", type=int, default=0, help="draws everything that is random anew")
    args = parser.parse_args()
    config = TrainingConfig.read(Path(__file__).parents[1] / "train-230.toml", args.structures)
    data = load_data(config, args.output / "data", args.jobs, 1)
    table, kin = _table(data, args.round, args.jobs)
    variants = [_variant(table, number, args.round) for number in range(4)]
    rows = DegradedRows(
        variants, Degradation(shares={"perfect": PERFECT}, random_state=args.round),
        PatternShaper("indices"), args.round, 1, kin,
    )  # fmt: skip
    classifier = SpaceGroupClassifier(**CLASSIFY)
    if args.start:
        classifier = load_pipeline(args.start)["classify"].set_params(**{**CLASSIFY, **AGAIN})
    classifier.set_params(checkpoint_dir=str(args.output / "checkpoints"))
    classifier.fit(rows, np.asarray(table.space_group))
    classifier.set_params(checkpoint_dir=None, warm_start=False, verbose=0)
    pipeline = SpaceGroupPipeline(
        [
            ("simulate", DiffractionSimulator(**SIMULATE)),
            ("shape", PatternShaper("indices", dtype="float16")),
            ("classify", classifier),
        ]
    )
    save_pipeline(pipeline, args.output / "model", dtype="float16")


def _table(data, number: int, n_jobs: int) -> tuple[CrystalTable, np.ndarray]:
    """All crystals to learn from, and numbers of what serves for validation together."""
    labels = data.labels[data.train]
    counts = np.bincount(labels, minlength=231)
    copies = np.maximum(-(-LEAST // np.maximum(counts, 1)), 1)[labels]
    rows = np.repeat(data.train, copies)
    more = np.repeat(np.unique(data.labels), RANDOM)
    even = np.random.default_rng(5).integers(1, 231, EVEN)
    # The same groups in every round, so that the same rows serve for validation.
    usual = np.asarray(random_molecular_crystals(MOLECULES, 11, n_jobs=n_jobs).space_group)
    parts = [
        data.crystals.take(rows),
        random_crystals(more, 20 * number, n_jobs=n_jobs),
        random_molecular_crystals(usual, 11 + 20 * number, n_jobs=n_jobs),
        random_molecular_crystals(even, 12 + 20 * number, n_jobs=n_jobs),
    ]
    groups = [data.labels[rows], more, parts[2].space_group, parts[3].space_group]
    kin = np.full(sum(map(len, groups)), -1)
    kin[: len(rows)] = np.where(np.repeat(copies, copies) > 1, -1, data.kin[rows])
    n_molecules = len(parts[2]) + len(parts[3])
    kin[len(kin) - n_molecules :] = data.kin.max() + 1 + np.arange(n_molecules)
    table = CrystalTable.concatenate(parts)
    table.space_group = np.concatenate(groups)
    return table, kin


def _variant(table: CrystalTable, number: int, round_: int) -> SpotPatterns:
    """Layers of all crystals: as they are, then changed, then in other settings, too."""
    groups = np.asarray(table.space_group)
    if number:
        how = Augmentation(changed=0.85, exchanged=0.7, scale=0.01, mirrored=False)
        changes = Changes.drawn(how, table, [7, number + 4 * round_])
        table = changes.crystals(table, np.arange(len(table)))
    rng = np.random.default_rng([number + 4 * round_]) if number > 1 else None
    moves = np.array(
        [_setting(np.asarray(table.lattice[i], float), int(groups[i]), rng)
         for i in range(len(table))]
    )  # fmt: skip
    owner = np.repeat(np.arange(len(table)), np.diff(table.site_offsets))
    back = np.round(np.linalg.inv(moves)).astype(int)
    coords = np.einsum("sj,sji->si", np.asarray(table.frac_coords, float), back[owner])
    moved = CrystalTable(
        moves @ np.asarray(table.lattice, float), table.site_offsets, coords - np.floor(coords),
        table.atomic_numbers, standard=True,
    )  # fmt: skip
    # The table is in its settings already.
    simulator = DiffractionSimulator(**{**SIMULATE, "standardize": True})
    known: dict[tuple, np.ndarray] = {}
    parts = []
    for start in range(0, len(moved), 4000):
        chunk = np.arange(start, min(start + 4000, len(moved)))
        spots = _near(simulator.transform(moved.take(chunk)))
        rotations = [_rotations(int(groups[i]), moves[i], known) for i in chunk]
        parts.append(with_orbits(spots, rotations))
    return replace(SpotPatterns.concatenate(parts), made_by=())


def _setting(lattice: np.ndarray, group: int, rng: np.random.Generator | None) -> np.ndarray:
    """The canonical setting of a standard cell, or one of those that stay open."""
    laue, letter = oriented_laue_class(group), symbol(group)[0]
    centering = "C" if letter == "A" else letter  # standard cells of Amm2 and its like here
    change = canonical_setting(lattice, centering, laue)
    if rng is None:
        return change
    settings = open_settings(change @ lattice, canonical_centering(centering, laue), laue)
    return settings[int(rng.integers(len(settings)))] @ change


def _rotations(group: int, change: np.ndarray, known: dict) -> np.ndarray:
    key = (group, change.tobytes())
    if key not in known:
        back = np.linalg.inv(change).T
        known[key] = np.round(back @ laue_rotations(group) @ change.T).astype(int)
    return known[key]


def _near(spots: SpotPatterns) -> SpotPatterns:
    """What the pictures show, in small numbers."""
    kept = (np.abs(spots.indices) <= REACH).all(axis=1)
    return replace(
        spots, q=spots.q[kept], intensity=spots.intensity[kept],
        indices=spots.indices[kept].astype(np.int8),
        starts=np.concatenate([[0], np.cumsum(kept)])[spots.starts],
    )  # fmt: skip


if __name__ == "__main__":
    main()
