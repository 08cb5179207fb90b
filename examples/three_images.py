"""Write a crystal's three patterns as 16-bit images and identify the crystal from them.

python examples/three_images.py

The command line does the same:
crystalsym simulate NaCl.cif --output images
crystalsym identify images/NaCl_x.tif images/NaCl_y.tif images/NaCl_z.tif
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from crystalsym import DiffractionSimulator, load_pretrained
from crystalsym.datasets import example_crystals
from crystalsym.measurement import read_pattern, resample_pattern, write_pattern
from crystalsym.spacegroups import symbol


def main() -> None:
    """Identify rutile from its structure and from images of it."""
    structure = example_crystals()["TiO2-rutile"]
    pipeline = load_pretrained("72")
    simulator = DiffractionSimulator()  # the pipeline's own one lists spots instead of drawing them
    raw = simulator.transform([structure])  # (1, 3, 256, 256), linear intensity

    with TemporaryDirectory() as folder:
        files = [Path(folder) / f"rutile_{stream}.tif" for stream in "xyz"]
        for file, image in zip(files, raw[0], strict=True):
            write_pattern(file, image, simulator.q_per_pixel, {"sample": "rutile"})
        patterns = [read_pattern(file) for file in files]

    for pattern in patterns:
        pitch = pattern.q_per_pixel
        print(f"{pattern.path.name}: {pattern.bit_depth} bit, {pitch:.5f} 1/Å a pixel")
    # Images of any size and scale are brought to the geometry that the model was trained on.
    q_max = simulator.q_per_pixel * (simulator.image_size - 1) / 2
    images = np.stack([resample_pattern(p, q_max, simulator.image_size) for p in patterns])[None]

    # The pipeline's tail takes patterns instead of structures.
    for name, probabilities in (
        ("from the structure", pipeline.predict_proba([structure])[0]),
        ("from the images", pipeline[1:].predict_proba(images)[0]),
    ):
        best = np.argsort(-probabilities)[:3]
        groups = [(int(pipeline[-1].classes_[k]), probabilities[k]) for k in best]
        print(f"{name}: " + ", ".join(f"{g} {symbol(g)} {p:.2%}" for g, p in groups))


if __name__ == "__main__":
    main()
