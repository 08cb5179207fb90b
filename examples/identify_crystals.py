"""
Identify crystals
=================

Rank the space groups of crystals with the bundled weights. From a shell,
``python examples/identify_crystals.py FILES`` takes CIF or POSCAR files of your own.
"""

from __future__ import annotations

import sys

import matplotlib.pyplot as plt
import numpy as np

from crystalsym import load_pretrained, space_group_number
from crystalsym.datasets import example_crystals
from crystalsym.plotting import PatternDisplay
from crystalsym.spacegroups import diffraction_class, label_set, symbol

names = ["NaCl", "ZnS-sphalerite", "TiO2-rutile", "Mg2SiO4-forsterite", "CaSO4-gypsum"]
# The group of quartz, 154, is none of the 72: the model can only give a wrong answer.
names.append("SiO2-quartz")
structures = sys.argv[1:] or [example_crystals()[name] for name in names]

# %%
# The pipeline simulates, shapes and classifies; its parts can be used one by one.

pipeline = load_pretrained("72")
spots = pipeline["simulate"].transform(structures)
shaped = pipeline["shape"].transform(spots)
probabilities = pipeline["classify"].predict_proba(shaped)
groups, best = pipeline["classify"].predict_top_k(shaped, k=3)

# %%
# Groups of one diffraction class differ only in what kinematic diffraction does not show, which is
# why its summed probability is printed, too.

classes = pipeline["classify"].classes_
for row, structure in enumerate(structures):
    found = space_group_number(structure, symprec=0.1)
    known = "" if found in label_set("72") else ", a group the model does not know"
    print(f"{getattr(structure, 'name', structure)}: finder {found} {symbol(found)}{known}")
    for group, probability in zip(groups[row], best[row], strict=True):
        print(f"  {group:3d} {symbol(group):10s} {probability:7.2%}")
    alike = diffraction_class(groups[row, 0])
    together = probabilities[row, np.isin(classes, alike)].sum()
    print(f"  {together:.2%} for the diffraction class {', '.join(map(str, alike))}")

# %%
# Patterns, what the network sees of them, and the rankings of the first three.

PatternDisplay.from_estimator(pipeline, structures[:3], top=3)
plt.show()
