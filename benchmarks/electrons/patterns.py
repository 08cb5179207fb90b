"""Dynamical zone-axis patterns of crystals held out, kept in files that a cut leaves whole.

    python benchmarks/electrons/patterns.py --structures materials_project.npz --cache FOLDER \\
        --crystals 4096 --output DIR/held-out

Each crystal is seen along its symmetry directions, exactly along the axis, 200 kV, B = 0.5 Å², and
each pattern is computed for several thicknesses, drawn evenly from 50 to 300 Å: they follow from
one solution. ``--tilt 0.2`` tilts the beam by up to so many degrees to any side, ``--precession``
lets it precess. Crystals held out by the split of ``benchmarks/train-72.toml``, or with ``--groups
all`` by that of ``train-230.toml``, come at random. Crystals of more than ``--largest`` atoms are
left out and counted.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np

from crystalsym.crystals import Crystal
from crystalsym.diffraction import ProjectedPotential, SpotPatterns, resolve_views
from crystalsym.scattering import electron_wavelength
from crystalsym.training import TrainingConfig, load_data
from crystalsym.training._data import TrainingData, standard_table

VOLTAGE, B_ISO, Q_MAX = 200.0, 0.5, 1.457
THICKNESS = (50.0, 300.0)
CHUNK = 128
# Seconds after which the process that began a file is taken to be gone.
ABANDONED = 1200
CONFIGS = {"72": "train-72.toml", "all": "train-230.toml"}


def split(structures: Path, cache: Path, kept: Path, groups: str = "72") -> TrainingData:
    """Crystals split as for the weights "72" or "230"; who is where is kept in a file."""
    config = TrainingConfig.read(Path(__file__).parents[1] / CONFIGS[groups], structures)
    if not kept.is_file():
        data = load_data(config, cache, None, 1)
        np.savez(kept, **{name: getattr(data, name) for name in ("train", "test", "kin", "rows")})
        return data
    sides = np.load(kept)
    crystals = standard_table(config.data, cache).take(sides["rows"])
    labels = crystals.space_group.astype(np.int64)
    return TrainingData(crystals, labels, **sides)


def order(data: TrainingData, seed: int = 0) -> np.ndarray:
    """Rows of the crystals held out, in the order in which they are computed."""
    return np.random.default_rng(seed).permutation(data.test)


def patterns(crystal: Crystal, rng: np.random.Generator, args: argparse.Namespace) -> dict:
    """The layers of one crystal: indices, and intensities (n_thicknesses, n_spots)."""
    wavelength = electron_wavelength(VOLTAGE)
    found: dict[str, list] = {"indices": [], "intensity": [], "basis": [], "hkl": []}
    found |= {"zone": [], "thickness": [], "tilt": []}
    for view in resolve_views("symmetry-directions", crystal.lattice):
        steps = np.arange(args.thicknesses) + rng.random(args.thicknesses)
        depths = THICKNESS[0] + (THICKNESS[1] - THICKNESS[0]) * steps / args.thicknesses
        tilt, azimuth = args.tilt * np.sqrt(rng.random()), 360 * rng.random()
        potential = ProjectedPotential(
            crystal, view.zone, wavelength, q_max=Q_MAX, b_iso=B_ISO, thickest=depths[-1],
            bandwidth=args.bandwidth, views="symmetry-directions",
        )  # fmt: skip
        beams = potential.intensities(
            depths, tilt=tilt, azimuth=azimuth, precession=args.precession
        )
        found["indices"].append(potential.layer_indices[1:].astype(np.int8))
        # As square roots: half precision then spans twelve decades.
        found["intensity"].append(np.sqrt(potential.of_layer(beams)[:, 1:]).astype(np.float16))
        found["basis"].append(potential.basis)
        found["hkl"].append(potential.basis_hkl)
        found["zone"].append(view.zone)
        found["thickness"].append(depths)
        found["tilt"].append((tilt, azimuth))
    return found


def write(rows: np.ndarray, data: TrainingData, path: Path, args: argparse.Namespace) -> None:
    """Compute one file, unless another process does."""
    partial = path.with_suffix(".partial")
    if partial.is_file() and time.time() - partial.stat().st_mtime < ABANDONED:
        return
    partial.touch()
    made = []
    for row in rows:
        crystal = data.crystals[int(row)]
        if len(crystal) > args.largest:
            continue
        made.append((row, patterns(crystal, np.random.default_rng((args.seed, int(row))), args)))
    gathered = {
        name: np.array([one[name] for _, one in made], dtype=kind)
        for name, kind in (
            ("basis", np.float64), ("hkl", np.int8), ("zone", np.int8), ("thickness", np.float32),
            ("tilt", np.float32),
        )
    }  # fmt: skip
    sizes = [len(one) for _, spots in made for one in spots["indices"]]
    with open(partial, "wb") as file:
        np.savez(
            file,
            rows=np.array([row for row, _ in made], dtype=np.int64),
            labels=data.labels[[row for row, _ in made]],
            left_out=np.setdiff1d(rows, [row for row, _ in made]),
            starts=np.cumsum([0, *sizes]),
            indices=np.concatenate([one for _, spots in made for one in spots["indices"]]),
            intensity=np.concatenate(
                [one for _, spots in made for one in spots["intensity"]], axis=1
            ),
            **gathered,
        )
    os.replace(partial, path)


def load(*folders: Path) -> dict[str, np.ndarray]:
    """Join the files of some folders: what :func:`write` keeps, of all crystals."""
    files = [file for folder in folders for file in sorted(folder.glob("*.npz"))]
    if not files:
        raise FileNotFoundError(f"{folders[0]}: no patterns; run patterns.py first")
    parts = [dict(np.load(file)) for file in files]
    offsets = np.cumsum([0, *(part["starts"][-1] for part in parts)])
    joined = {
        name: np.concatenate([part[name] for part in parts], axis=1 if name == "intensity" else 0)
        for name in parts[0]
        if name != "starts"
    }
    joined["starts"] = np.concatenate(
        [[0], *(part["starts"][1:] + at for part, at in zip(parts, offsets, strict=False))]
    )
    joined["left_out"] = np.setdiff1d(joined["left_out"], joined["rows"])
    return joined


def spots(found: dict[str, np.ndarray], which: np.ndarray) -> SpotPatterns:
    """The patterns of all crystals, each at one of its thicknesses.

    ``which`` (n, 3) numbers the thickness of each pattern.
    """
    counts = np.diff(found["starts"])
    rows = np.repeat(which.ravel(), counts)
    roots = found["intensity"][rows, np.arange(len(rows))].astype(np.float32)
    owner = np.repeat(np.arange(len(counts)), counts)
    basis = found["basis"].reshape(-1, 2, 2)
    q = np.einsum("ni,nij->nj", found["indices"].astype(np.float64), basis[owner])
    shape = found["basis"].shape[:2]
    return SpotPatterns(
        q=q, intensity=roots.astype(np.float64) ** 2, starts=found["starts"],
        q_min=np.zeros(shape), q_max=np.full(shape, Q_MAX),
        indices=found["indices"].astype(np.int16), basis=found["basis"],
        basis_hkl=found["hkl"].astype(np.int16), zone=found["zone"].astype(np.int16),
    )  # fmt: skip


def main() -> None:
    """Compute the files that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--structures", type=Path, required=True, help="table of crystals, .npz")
    parser.add_argument("--cache", type=Path, required=True, help="where standard cells are kept")
    parser.add_argument("--groups", choices=sorted(CONFIGS), default="72", help="of the split")
    parser.add_argument("--crystals", type=int, help="how many, all by default")
    parser.add_argument("--thicknesses", type=int, default=6, help="of each pattern")
    parser.add_argument("--tilt", type=float, default=0.0, help="largest, degrees")
    parser.add_argument("--precession", type=float, default=0.0, help="half angle, degrees")
    parser.add_argument("--bandwidth", type=float, help="1/Å, by default what accuracy asks for")
    parser.add_argument("--largest", type=int, default=200, help="atoms of a cell")
    parser.add_argument("--chunk", type=int, default=CHUNK, help="crystals of a file")
    parser.add_argument("--smallest", type=int, default=0, help="atoms; passed over in silence")
    parser.add_argument("--seed", type=int, default=0, help="of the order and of what is drawn")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    data = split(args.structures, args.cache, args.output.parent / "split.npz", args.groups)
    rows = order(data, args.seed)[: args.crystals]
    sizes = np.diff(data.crystals.site_offsets)
    rows = rows[sizes[rows] >= args.smallest]
    left_out = sizes[rows] > args.largest
    summary = {"crystals": len(rows), "too large": int(left_out.sum()), **vars(args)}
    (args.output / "patterns.json").write_text(json.dumps(summary, indent=1, default=str) + "\n")
    for first in range(0, len(rows), args.chunk):
        path = args.output / f"{first:06d}.npz"
        if not path.is_file():
            write(rows[first : first + args.chunk], data, path, args)
            print(path.name, time.strftime("%H:%M:%S"), flush=True)


if __name__ == "__main__":
    main()
