"""Dynamical patterns by abTEM, called by ``run.py`` in an environment of its own.

``python reference.py CELLS.npz OUT.npz``: zero-layer Bloch waves of the same reflections, and
multislice calculations of the whole crystal, slices of half an Ångström, all Laue zones.
abTEM (Madsen & Susi, Open Research Europe 1, 24, 2021) is licensed under the GPL and no dependency.
"""

from __future__ import annotations

import sys
import time
import warnings

import numpy as np

warnings.filterwarnings("ignore")

import abtem  # noqa: E402
from abtem.bloch import BlochWaves, StructureFactor, StructureFactorArray  # noqa: E402
from abtem.parametrizations import PengParametrization  # noqa: E402
from ase import Atoms  # noqa: E402


def main(source: str, target: str) -> None:
    """Compute the patterns of every cell in ``source``, beam along the third axis."""
    cells = np.load(source)
    out: dict[str, np.ndarray] = {"version": np.array(abtem.__version__)}
    thicknesses, energy = cells["thicknesses"], 1e3 * float(cells["voltage"])
    for method in ("bloch", "slices"):
        for name in cells["names"]:
            atoms = Atoms(
                numbers=cells[f"{name}.numbers"],
                scaled_positions=cells[f"{name}.coords"],
                cell=cells[f"{name}.lattice"],
                pbc=True,
            )
            sigma = float(np.sqrt(cells["b_iso"] / (8 * np.pi**2)))
            peng = PengParametrization(sigmas={symbol: sigma for symbol in set(atoms.symbols)})
            began = time.process_time()
            if method == "bloch":
                band = float(cells[f"{name}.bandwidth"])
                found = bloch(atoms, sigma, energy, band, thicknesses)
            elif orthogonal(atoms):
                found = slices(atoms, peng, energy, thicknesses)
            else:
                continue
            out[f"{name}.{method}_seconds"] = np.array(time.process_time() - began)
            out[f"{name}.{method}_hkl"], out[f"{name}.{method}"] = found
            print(name, method, flush=True)
            np.savez(target, **out)


def orthogonal(atoms: Atoms) -> bool:
    """Whether abTEM's multislice takes the cell."""
    return abs(np.linalg.det(atoms.cell) / np.prod(atoms.cell.lengths()) - 1) < 1e-6


def bloch(atoms, sigma, energy, bandwidth, thicknesses):
    """Intensities of the zero-order layer, (n_thicknesses, n_beams), all beams within the band."""
    factors = StructureFactor(
        atoms, g_max=2 * bandwidth, parametrization=PengParametrization(), thermal_sigma=sigma,
        cutoff="hard", centering="P",
    ).build(lazy=False)  # fmt: skip
    layer = factors.hkl[:, 2] == 0
    factors = StructureFactorArray(
        factors.array[..., layer], factors.hkl[layer], factors.cell, factors.g_max, "P"
    )
    waves = BlochWaves(factors, energy=energy, sg_max=10.0, g_max=bandwidth, centering="P")
    pattern = waves.calculate_diffraction_patterns(thicknesses.tolist(), lazy=False)
    return np.asarray(pattern.miller_indices), np.asarray(pattern.array)


def slices(atoms, parametrization, energy, thicknesses):
    """Intensities by multislice of the three-dimensional crystal, whole cells along the beam."""
    c = atoms.cell.lengths()[2]
    counts = np.maximum(1, np.rint(thicknesses / c)).astype(int)
    unit = abtem.Potential(
        atoms, sampling=0.06, slice_thickness=0.5, parametrization=parametrization,
        projection="infinite",
    ).build(lazy=False)  # fmt: skip
    found = []
    for count in counts:
        crystal = abtem.CrystalPotential(unit, (1, 1, int(count)))
        exit_wave = abtem.PlaneWave(energy=energy).multislice(crystal, lazy=False).array
        found.append(np.abs(np.fft.fft2(exit_wave) / exit_wave.size) ** 2)
    values = np.array(found)
    h, k = (np.rint(np.fft.fftfreq(n) * n).astype(int) for n in values.shape[1:])
    hkl = np.stack([*np.meshgrid(h, k, indexing="ij"), np.zeros((len(h), len(k)), int)], axis=-1)
    near = (np.abs(hkl) <= 40).all(axis=-1)
    return hkl[near], np.concatenate([values[:, near], (counts * c)[:, None]], axis=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
