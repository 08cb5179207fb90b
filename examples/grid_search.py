"""
Grid search
===========

Search the shaper's parameters on a plain list of structures, simulating each crystal once.
"""

from __future__ import annotations

from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from crystalsym import DiffractionSimulator, PatternShaper, as_crystal
from crystalsym.datasets import example_crystals, example_space_groups

# %%
# Crystals of five groups, each in four cells a few per cent smaller or larger.

groups_searched = (62, 166, 194, 225, 227)  # three or more of the bundled crystals have these
rng = np.random.default_rng(0)
structures, labels, origin = [], [], []
for number, (name, path) in enumerate(example_crystals().items()):
    if (label := example_space_groups()[name]) in groups_searched:
        crystal = as_crystal(path)
        for _ in range(4):
            lattice = crystal.lattice * rng.uniform(0.95, 1.05)
            structures.append(crystal.replace(lattice=lattice))
            labels.append(label)
            origin.append(number)
print(len(structures), "structures")


# %%
# Copies of one crystal stay together (``groups``), or the test would be of memory. ``memory`` keeps
# the images of each crystal, whatever comes after them.


def flatten(images: np.ndarray) -> np.ndarray:
    """One row of numbers for each crystal."""
    return images.reshape(len(images), -1)


with TemporaryDirectory() as cache:
    pipeline = Pipeline(
        [
            ("simulate", DiffractionSimulator(image_size=128, memory=cache)),
            ("shape", PatternShaper("spots", image_size=32)),
            ("flatten", FunctionTransformer(flatten)),
            ("classify", ExtraTreesClassifier(200, random_state=0)),
        ]
    )
    grid = {"shape__distance_factor": [1.2, 1.7], "shape__threshold": [1e-4, 1e-2]}
    search = GridSearchCV(pipeline, grid, cv=GroupKFold(3))
    search.fit(structures, labels, groups=origin)

results = search.cv_results_
for parameters, score in zip(results["params"], results["mean_test_score"], strict=True):
    print(f"{score:.3f} {parameters}")

# %%

names = [
    f"factor {parameters['shape__distance_factor']}, threshold {parameters['shape__threshold']:g}"
    for parameters in results["params"]
]
plt.barh(names, results["mean_test_score"], xerr=results["std_test_score"])
plt.xlabel("accuracy, mean and spread over three folds")
plt.tight_layout()
plt.show()
