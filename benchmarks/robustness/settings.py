"""In which axes a reflection list may stand: settings of the crystals of a file of layers.py.

    python benchmarks/robustness/settings.py --layers layers.npz --output settings.npz

For each crystal the axes that cell, centering and Laue class choose, and others that these leave
open, as matrices from the standard cell's; and the rotations of every Laue class in standard axes.
``zone_training.py`` needs both.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from crystalsym.crystals import canonical_setting, open_settings
from crystalsym.crystals._metric_settings import canonical_centering, oriented_laue_class
from crystalsym.crystals._wyckoff import laue_rotations
from crystalsym.spacegroups import symbol

MOST_ROTATIONS = 24


def settings(lattice: np.ndarray, group: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """The canonical setting of a standard cell, and n - 1 of those that stay open."""
    laue, letter = oriented_laue_class(group), symbol(group)[0]
    centering = "C" if letter == "A" else letter  # standard cells of Amm2 and its like
    change = canonical_setting(lattice, centering, laue)
    others = open_settings(change @ lattice, canonical_centering(centering, laue), laue)
    chosen = rng.integers(len(others), size=n - 1)
    return np.array([change, *(others[i] @ change for i in chosen)])


def main() -> None:
    """Find them and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=Path, required=True)
    parser.add_argument("--settings", type=int, default=3, help="of each crystal")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    with np.load(args.layers) as file:
        lattices, groups = file["lattice"].astype(float), file["groups"]
    found = np.array(
        [
            settings(lattice, int(group), args.settings, rng)
            for lattice, group in zip(lattices, groups, strict=True)
        ]
    )
    rotations = np.tile(np.eye(3, dtype=np.int8), (231, MOST_ROTATIONS, 1, 1))
    for group in range(1, 231):
        own = np.round(laue_rotations(group)).astype(np.int8)
        # Repeated, so that each has as many: a place is then met several times, which is harmless.
        rotations[group] = own[np.arange(MOST_ROTATIONS) % len(own)]
    back = np.linalg.inv(found)
    assert np.abs(back - np.round(back)).max() < 1e-6
    np.savez_compressed(
        args.output, settings=found.astype(np.int8), back=np.round(back).astype(np.int8),
        rotations=rotations,
    )  # fmt: skip


if __name__ == "__main__":
    main()
