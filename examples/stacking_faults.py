"""
The streaks of stacking faults
==============================

Faults on the planes (111) of copper: some reflections stay sharp, the others are drawn out along
the planes' normal, as Warren's theory says.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline

from crystalsym import DiffractionSimulator
from crystalsym.crystals.defects import CrystalBlock, StackingFaults, TwinDomains
from crystalsym.datasets import example_crystals

copper = [example_crystals()["Cu"]]

# %%
# Along [1-10] the planes (111) stand on edge. A block without faults, one in which every sixth
# plane holds one, and a twin of two halves, atom by atom.

simulator = DiffractionSimulator([[1, -1, 0]], engine="atoms", image_size=160, q_max=0.9)
blocks = {
    "no faults": CrystalBlock(9),
    "a fault on a plane in six": make_pipeline(
        CrystalBlock(9), StackingFaults(1 / 6, random_state=4)
    ),
    "a twin": TwinDomains(9),
}
figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
for ax, (title, steps) in zip(axes, blocks.items(), strict=True):
    image = simulator.transform(steps.transform(copper))[0, 0]
    ax.imshow(np.log10(image + 1e-5), cmap="gray_r", vmin=-4.5, vmax=-0.5, origin="lower",
              extent=(-0.9, 0.9, -0.9, 0.9))  # fmt: skip
    ax.set(title=title, xlabel="q (1/Å)")

# %%
# Along the row from 11-1 to 220, parallel to [111], intensity is drawn out; along that through 000
# and 111, where q·R is whole, nothing changes. The mean over many stacks of layers is Warren's.

alpha, n_layers = 0.3, 18
along = np.linspace(0, 1, 201)
row = np.array([1, 1, -1]) + along[:, None] * np.array([1, 1, 1])
step = np.exp(2j * np.pi * row @ [0, 0.5, 0.5])  # from one layer to the next
z = step * (1 - alpha + alpha * np.exp(2j * np.pi * row @ [1 / 6, 1 / 6, -1 / 3]))
n = np.arange(1, n_layers)[:, None]
warren = n_layers + 2 * ((n_layers - n) * z**n).sum(axis=0).real


def stack(random: np.random.Generator) -> np.ndarray:
    """|F|² of a column of layers, each fault shifting what is above."""
    faults = np.cumsum(random.random(n_layers) < alpha)
    places = np.arange(n_layers)[:, None] * np.array([0, 0.5, 0.5])
    places = places + faults[:, None] * np.array([1 / 6, 1 / 6, -1 / 3])
    return np.abs(np.exp(2j * np.pi * places @ row.T).sum(axis=0)) ** 2


generator = np.random.default_rng(0)
mean = np.mean([stack(generator) for _ in range(2000)], axis=0)
figure, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
ax.plot(along, mean, label="mean of 2,000 stacks")
ax.plot(along, warren, "--", color="black", label="Warren")
ax.set(xlabel="along [111], from 11-1 (0) to 220 (1)", ylabel="|F|² / f²", ylim=(0, None))
ax.legend()
plt.show()
