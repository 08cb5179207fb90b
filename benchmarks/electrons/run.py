"""Dynamical patterns beside those of abTEM, and how many a second.

``python benchmarks/electrons/run.py --reference PYTHON --output DIR``, PYTHON being that of an
environment with abTEM in it (``pip install abtem``). Without it only speed is measured.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from pathlib import Path

import numpy as np

from crystalsym import DiffractionSimulator, standardize
from crystalsym.crystals import Crystal
from crystalsym.datasets import CrystalTable, example_crystals
from crystalsym.diffraction import ProjectedPotential
from crystalsym.scattering import electron_wavelength

VOLTAGE, B_ISO, Q_MAX = 200.0, 0.5, 1.457
# Of the beams that are compared, 1/Å: enough for thick crystals of heavy atoms.
BANDWIDTH = 4.0
THICKNESSES = np.array([50.0, 150.0, 300.0])
# Name -> bundled crystal and the cell, in its own axes, whose third axis is the beam's.
CELLS = {
    "Si 001": ("Si", np.eye(3)),
    "NaCl 001": ("NaCl", np.eye(3)),
    "ZnS 110": ("ZnS-sphalerite", [[0, 0, 1], [0.5, 0.5, 0], [-0.5, 0.5, 0]]),
    "W 001": ("W", np.eye(3)),
    "PbTiO3 100": ("PbTiO3", [[0, 1, 0], [0, 0, 1], [1, 0, 0]]),
    "ZnO 100": ("ZnO-zincite", [[1, 2, 0], [0, 0, 1], [1, 0, 0]]),
    "quartz 001": ("SiO2-quartz", [[1, 0, 0], [1, 2, 0], [0, 0, 1]]),
}


def in_cell(crystal: Crystal, axes: np.ndarray) -> Crystal:
    """The crystal in other axes: the first along x, the third across the second."""
    axes = np.asarray(axes, dtype=float)
    lattice = axes @ crystal.lattice
    span = np.arange(-4, 5)
    shifts = np.stack(np.meshgrid(span, span, span, indexing="ij"), axis=-1).reshape(-1, 3)
    images = (crystal.frac_coords[:, None] + shifts[None]).reshape(-1, 3) @ np.linalg.inv(axes)
    numbers = np.repeat(crystal.atomic_numbers, len(shifts))
    inside = ((images > -1e-6) & (images < 1 - 1e-6)).all(axis=1)
    _, upper = np.linalg.qr(lattice.T)
    standard = (upper * np.sign(np.diag(upper))[:, None]).T
    if np.linalg.det(lattice) < 0:
        raise ValueError("axes must be right-handed")
    return Crystal(standard, images[inside], numbers[inside])


def compared(reference: str, output: Path) -> list[dict]:
    """R = Σ|I - I'| / ΣI' of the diffracted beams, for each crystal and thickness."""
    wavelength = electron_wavelength(VOLTAGE)
    cells = {n: in_cell(standardize(example_crystals()[c]), a) for n, (c, a) in CELLS.items()}
    potentials = {
        name: ProjectedPotential(
            cell,
            (0, 0, 1),
            wavelength,
            q_max=Q_MAX,
            b_iso=B_ISO,
            bandwidth=BANDWIDTH,
            dtype="float64",
        )
        for name, cell in cells.items()
    }
    given = {"names": list(cells), "thicknesses": THICKNESSES, "b_iso": B_ISO, "voltage": VOLTAGE}
    for name, cell in cells.items():
        given |= {
            f"{name}.lattice": cell.lattice,
            f"{name}.coords": cell.frac_coords,
            f"{name}.numbers": cell.atomic_numbers,
            f"{name}.bandwidth": potentials[name].bandwidth,
        }
    np.savez(output / "cells.npz", **given)
    script = Path(__file__).with_name("reference.py")
    subprocess.run(
        [reference, str(script), str(output / "cells.npz"), str(output / "reference.npz")],
        check=True,
    )
    found = np.load(output / "reference.npz")
    rows = []
    for name, potential in potentials.items():
        row = {"crystal": name, "atoms": len(cells[name]), "bandwidth": potential.bandwidth}
        began = time.process_time()
        ours = potential.intensities(THICKNESSES)
        row |= {"seconds": time.process_time() - began, "beams": len(potential.indices)}
        row["abtem_seconds"] = float(found[f"{name}.bloch_seconds"])
        row["bloch_R"] = differences(
            potential, ours, found[f"{name}.bloch_hkl"], found[f"{name}.bloch"]
        )
        if f"{name}.slices" in found:
            theirs = found[f"{name}.slices"]
            depths, theirs = theirs[:, -1], theirs[:, :-1]
            at_depths = potential.intensities(depths)
            row["multislice_R"] = differences(
                potential, at_depths, found[f"{name}.slices_hkl"], theirs
            )
        rows.append(row)
        print(json.dumps(row), flush=True)
    return rows


def differences(potential, ours, hkl, theirs) -> list[float]:
    """R of the diffracted beams within the field, for each thickness."""
    number = {tuple(one): i for i, one in enumerate(hkl.tolist())}
    seen = np.linalg.norm(potential.q, axis=1) <= Q_MAX
    seen[0] = False
    which = [number[tuple(one)] for one in potential.hkl[seen].tolist()]
    both = zip(ours[:, seen], theirs[:, which], strict=True)
    return [float(np.abs(a - b).sum() / b.sum()) for a, b in both]


def speed(structures: str | None, n: int) -> dict:
    """Patterns per second of processor time, cells of 36 to 44 atoms, 50 to 300 Å."""
    if structures:
        table = CrystalTable.load(structures)
        sizes = np.diff(table.site_offsets)
        chosen = np.flatnonzero((sizes >= 36) & (sizes <= 44))
        crystals = table[np.random.default_rng(0).permutation(chosen)[:n]]
        crystals = [crystals[i] for i in range(len(crystals))]
    else:
        bundled = [standardize(path) for path in example_crystals().values()]
        crystals = [one for one in bundled if 24 <= len(one) <= 56]
    found: dict = {"crystals": len(crystals)}
    ways = {
        "bloch, B = 0.5": {"engine": "bloch", "b_iso": 0.5},
        "bloch, B = 0.5, no beams beyond the field": {
            "engine": "bloch", "b_iso": 0.5, "bandwidth": Q_MAX,
        },
        "bloch, B = 0": {"engine": "bloch"},
        "multislice of 2 Å, B = 0.5": {
            "engine": "multislice", "b_iso": 0.5, "slice_thickness": 2.0,
        },
        "bloch, B = 0.5, tilt to 0.2°": {"engine": "bloch", "b_iso": 0.5, "tilt": (0.0, 0.2)},
        "bloch, B = 0.5, precession 1°": {"engine": "bloch", "b_iso": 0.5, "precession": 1.0},
        "bloch, B = 0.5, convergence 1 mrad": {
            "engine": "bloch", "b_iso": 0.5, "convergence": 0.0573,
        },
    }  # fmt: skip
    for name, parameters in ways.items():
        simulator = DiffractionSimulator(
            radiation="electron", voltage=VOLTAGE, thickness=(50, 300), output="spots",
            random_state=0, standardize=False, **parameters,
        )  # fmt: skip
        several = "precession" in parameters or "convergence" in parameters
        shown = crystals[: len(crystals) // 10 + 1] if several else crystals
        simulator.transform(crystals[:1])  # compiles
        began = time.process_time()
        simulator.transform(shown)
        rate = 3 * len(shown) / (time.process_time() - began)
        found[name] = rate
        print(name, f"{rate:.0f} patterns per second of one core", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", help="Python of an environment with abTEM")
    parser.add_argument("--structures", help="a table of crystals, for speed")
    parser.add_argument("--crystals", type=int, default=60, help="how many of it")
    parser.add_argument("--output", type=Path, default=Path("runs/electrons"))
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    result: dict = {"speed": speed(args.structures, args.crystals)}
    if args.reference:
        result["abtem"] = compared(args.reference, args.output)
    (args.output / "electrons.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
