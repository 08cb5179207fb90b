"""Crystals and how their zero-order layers lie, in one small file for a machine with a GPU.

    python benchmarks/electrons/layers.py --structures materials_project.npz --cache FOLDER \
        --output layers.npz

:mod:`multislice` computes patterns from it. It holds the standard cells of a
table's crystals of up to ``--largest`` atoms, and random ones of groups that have few, their
places in parts of 1/65520 (halves, thirds, eighths and twelfths are exact), and for each of the
three symmetry directions the two reflections that span the layer, the plane lattice of those that
are not absent, and the cell in which ``PatternShaper(scheme="lattice")`` will draw it. Rows that
``train-72.toml`` and ``train-230.toml`` hold out are marked.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from patterns import Q_MAX

from crystalsym import DiffractionSimulator
from crystalsym.datasets import CrystalTable, random_crystals
from crystalsym.diffraction._layer_potential import _generated, _reduced
from crystalsym.shaping._index_scheme import _cell, _selected, find_lattice
from crystalsym.training import TrainingConfig, load_data
from crystalsym.training._data import file_digest, standard_table

BENCHMARKS = Path(__file__).parents[1]
PARTS = 65520
# Intensities of present reflections, and of those that show the lattice, in parts of the largest.
PRESENT, SEEN = 1e-9, 1e-6
MOST_SPOTS = 4096


@njit(cache=True, nogil=True)
def drawn_cells(x, y, heights, starts, seen, most):
    """The cell (a, b_x, b_y, cos, sin) in which each list of spots is drawn."""
    cells = np.zeros((len(starts) - 1, 5))
    for i in range(len(cells)):
        part = slice(starts[i], starts[i + 1])
        xs, ys, _ = _selected(x[part], y[part], heights[part], seen, 0.0, most)
        cells[i] = _cell(find_lattice(xs, ys))
    return cells


def present_lattice(indices: np.ndarray, intensity: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Basis (2, 2) of the lattice of present reflections, in indices of the layer."""
    present = intensity > PRESENT * intensity.max(initial=0)
    if not present.any():
        return np.eye(2, dtype=np.int64)
    return _reduced(_generated(indices.astype(np.int64), present), basis)


def layers(table: CrystalTable, n_jobs: int | None) -> dict[str, np.ndarray]:
    """What :func:`main` keeps of the layers of a table of standard cells."""
    simulator = DiffractionSimulator(
        radiation="electron", output="spots", views="symmetry-directions", q_max=Q_MAX,
        ewald="flat", dtype="float64", standardize=False, n_jobs=n_jobs,
    )  # fmt: skip
    found: dict[str, list[Any]] = {"hkl": [], "lattice_2d": [], "cells": []}
    for first in range(0, len(table), 4096):
        spots = simulator.transform(table.take(np.arange(first, min(first + 4096, len(table)))))
        spots = spots.with_mates()
        assert spots.indices is not None
        assert spots.basis is not None
        x, y = np.ascontiguousarray(spots.q.T.astype(np.float64)) / Q_MAX
        heights = spots.intensity.astype(np.float64)
        found["cells"].append(drawn_cells(x, y, heights, spots.starts, SEEN, MOST_SPOTS))
        bases = spots.basis.reshape(-1, 2, 2)
        for number, basis in enumerate(bases):
            part = slice(spots.starts[number], spots.starts[number + 1])
            lattice = present_lattice(spots.indices[part], heights[part], basis)
            found["lattice_2d"].append(lattice)
        found["hkl"].append(spots.basis_hkl)
    return {
        "hkl": np.concatenate(found["hkl"]).astype(np.int8),
        "lattice_2d": np.array(found["lattice_2d"], dtype=np.int8).reshape(-1, 3, 2, 2),
        "cells": np.concatenate(found["cells"]).astype(np.float32).reshape(-1, 3, 5),
    }


def write(
    path: Path,
    table: CrystalTable,
    rows: np.ndarray,
    kin: np.ndarray,
    n_jobs: int | None = 1,
    digest: str = "",
    **sides: Any,
) -> None:
    """Write the crystals and their layers.

    ``rows`` are their places in another table, -1 if they are random; those of one number in
    ``kin`` are kept together by a split; ``sides`` are 0 where they are learned from, 1 held out,
    2 of no group of the split, 3 random. ``digest`` tells the table that ``rows`` are of.
    """
    shifted = table.frac_coords.astype(np.float64) % 1
    np.savez_compressed(
        path,
        lattice=table.lattice.astype(np.float32),
        site_offsets=np.asarray(table.site_offsets, dtype=np.int32),
        places=(np.rint(shifted * PARTS) % PARTS).astype(np.uint16),
        numbers=table.atomic_numbers.astype(np.uint8),
        groups=table.space_group.astype(np.uint8),
        rows=np.asarray(rows, dtype=np.int32),
        kin=np.asarray(kin, dtype=np.int32),
        table=np.array(digest),
        **{name: np.asarray(side, dtype=np.int8) for name, side in sides.items()},
        **layers(table, n_jobs),
    )


def main() -> None:
    """Gather crystals, look at their layers, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--structures", type=Path, required=True, help="table of crystals, .npz")
    parser.add_argument("--cache", type=Path, required=True, help="where standard cells are kept")
    parser.add_argument("--largest", type=int, default=120, help="atoms of a cell")
    parser.add_argument("--least", type=int, default=60, help="crystals of a group, random ones")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    configs = {
        name: TrainingConfig.read(BENCHMARKS / f"train-{name}.toml", args.structures)
        for name in ("72", "230")
    }
    table = standard_table(configs["230"].data, args.cache)
    held, kin = {}, np.full(len(table), -1)
    for name, config in configs.items():
        data = load_data(config, args.cache, None, 0)
        held[name] = np.full(len(table), 2, dtype=np.int8)  # of another group
        held[name][data.rows[data.train]], held[name][data.rows[data.test]] = 0, 1
        kin[data.rows] = data.kin
    rows = np.flatnonzero(np.diff(table.site_offsets) <= args.largest)
    table = table.take(rows)
    counts = np.bincount(table.space_group[held["230"][rows] == 0], minlength=231)
    wanted = [np.full(max(0, args.least - counts[group]), group) for group in range(1, 231)]
    groups = np.concatenate(wanted)
    made = random_crystals(groups, random_state=0)
    table = CrystalTable.concatenate([table, made])
    held = {name: np.r_[sides[rows], np.full(len(made), 3)] for name, sides in held.items()}
    rows = np.r_[rows, np.full(len(made), -1)]
    kin = np.r_[kin[rows[rows >= 0]], kin.max() + 1 + np.arange(len(made))]
    held = {f"held_{name}": sides for name, sides in held.items()}
    write(args.output, table, rows, kin, args.jobs, file_digest(args.structures), **held)


if __name__ == "__main__":
    main()
