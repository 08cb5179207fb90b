"""
From ASE
========

Space groups of ASE Atoms, with one that cannot be simulated among them. This example needs ASE
(``pip install ase``).
"""

from __future__ import annotations

import sys

import matplotlib.pyplot as plt
import numpy as np

from crystalsym import load_pretrained
from crystalsym.plotting import PatternDisplay
from crystalsym.spacegroups import symbol

try:
    from ase import Atoms
    from ase.build import bulk, make_supercell
except ImportError:
    print("this example needs ASE: pip install ase")
    sys.exit()

crystals = {
    "Cu": bulk("Cu"),  # a primitive cell will do
    "Mg": bulk("Mg"),
    "NaCl": bulk("NaCl", "rocksalt", a=5.64),
    "ZnS": bulk("ZnS", "zincblende", a=5.41),
    "W, supercell": make_supercell(bulk("W"), np.diag([2, 1, 3])),
    "no cell": Atoms("Fe"),
}

# %%
# A crystal that fails becomes a row of NaN, with a warning, and the others keep their rows.

pipeline = load_pretrained("72")
pipeline.set_params(simulate__on_error="nan")
groups, probabilities = pipeline.predict_top_k(list(crystals.values()), k=1)
for name, group, probability in zip(crystals, groups[:, 0], probabilities[:, 0], strict=True):
    answer = "no answer" if np.isnan(probability) else f"{symbol(group)} {probability:.1%}"
    print(f"{name:14s} {answer}")

# %%

PatternDisplay.from_estimator(pipeline, [crystals["Mg"]], names=["Mg"])
plt.show()
