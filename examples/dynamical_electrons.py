"""
Electrons that scatter many times
=================================

The same crystal by kinematic theory, with the beam exactly along the zone and off it, and its
pattern against thickness.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from crystalsym import DiffractionSimulator, standardize
from crystalsym.datasets import example_crystals
from crystalsym.diffraction import ProjectedPotential
from crystalsym.scattering import electron_wavelength

crystal = standardize(example_crystals()["ZnS-sphalerite"])

# %%
# Along [1-10] sphalerite shows that it is polar. By kinematic theory 111 and -1-1-1 are equal;
# electrons tell them apart. Tilted by 0.4°, the bright spots lie on a circle. A beam that precesses
# about the zone, or converges on the crystal, shows means over many directions.

electrons = {"views": [[1, -1, 0]], "radiation": "electron", "voltage": 200, "q_max": 1.2}
dynamical = {**electrons, "engine": "bloch", "thickness": 100.0, "b_iso": 0.5}
ways = {
    "kinematic": electrons,
    "along the zone": dynamical,
    "tilted by 0.4°": {**dynamical, "tilt": 0.4, "azimuth": 30.0},
    "precessing by 0.5°": {**dynamical, "precession": 0.5},
    "converging by 0.2°": {**dynamical, "convergence": 0.2},
}
figure, axes = plt.subplots(1, 5, figsize=(13, 3.2), layout="constrained", sharey=True)
for ax, (title, parameters) in zip(axes, ways.items(), strict=True):
    spots = DiffractionSimulator(output="spots", **parameters).transform([crystal]).pattern(0, 0)
    ax.scatter(*spots.q.T, s=120 * np.sqrt(spots.intensity), color="black", linewidths=0)
    ax.plot(0, 0, "+", color="gray")
    ax.set(title=title, aspect="equal", xlabel="q (1/Å)")

# %%
# One potential serves all thicknesses. The pair of 111 is equal in a thin crystal, whatever
# it holds, and parts from some 50 Å on.

potential = ProjectedPotential(crystal, (1, -1, 0), electron_wavelength(200), b_iso=0.5)
thickness = np.linspace(1, 300, 150)
intensity = potential.intensities(thickness)
number = {tuple(hkl): i for i, hkl in enumerate(potential.hkl.tolist())}
print(potential.indices.shape[0], "beams up to", round(potential.bandwidth, 2), "1/Å")

figure, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
for hkl in [(0, 0, 0), (1, 1, 1), (-1, -1, -1), (2, 2, 0), (0, 0, 2), (0, 0, -2)]:
    ax.plot(thickness, intensity[:, number[hkl]], label=" ".join(map(str, hkl)))
ax.set(xlabel="thickness (Å)", ylabel="part of the incident beam", ylim=(0, None))
ax.legend(title="hkl")
plt.show()
