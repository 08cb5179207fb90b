"""
Three images
============

Write a crystal's three patterns as 16-bit images and identify the crystal from them. The command
line does the same::

    crystalsym simulate TiO2-rutile.cif --output images
    crystalsym identify images/TiO2-rutile_x.tif images/TiO2-rutile_y.tif images/TiO2-rutile_z.tif
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np

from crystalsym import DiffractionSimulator, load_pretrained
from crystalsym.datasets import example_crystals
from crystalsym.measurement import read_pattern, resample_pattern, write_pattern
from crystalsym.plotting import PatternDisplay
from crystalsym.spacegroups import symbol

# %%
# The pipeline's own simulator lists spots; this one draws them, (1, 3, 256, 256), linear intensity.

structure = example_crystals()["TiO2-rutile"]
simulator = DiffractionSimulator()
raw = simulator.transform([structure])
with TemporaryDirectory() as folder:
    files = [Path(folder) / f"rutile_{stream}.tif" for stream in "xyz"]
    for file, image in zip(files, raw[0], strict=True):
        write_pattern(file, image, simulator.q_per_pixel, {"sample": "rutile"})
    patterns = [read_pattern(file) for file in files]
for pattern in patterns:
    pitch = pattern.q_per_pixel
    print(f"{pattern.path.name}: {pattern.bit_depth} bit, {pitch:.5f} 1/Å a pixel")

# %%
# Images of any size and scale are brought to the geometry that the model was trained on.

q_max = simulator.q_per_pixel * (simulator.image_size - 1) / 2
images = np.stack([resample_pattern(p, q_max, simulator.image_size) for p in patterns])[None]

# %%
# The pipeline's tail takes patterns instead of structures.

pipeline = load_pretrained("72")
for source, (groups, probabilities) in {
    "from the structure": pipeline.predict_top_k([structure], k=3),
    "from the images": pipeline[1:].predict_top_k(images, k=3),
}.items():
    best = zip(groups[0], probabilities[0], strict=True)
    print(f"{source}: " + ", ".join(f"{g} {symbol(g)} {p:.2%}" for g, p in best))

# %%

PatternDisplay.from_estimator(pipeline, images, names=["rutile"], known_groups=[136])
plt.show()
