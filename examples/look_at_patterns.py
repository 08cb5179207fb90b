"""
Look at patterns
================

Draw the raw and the shaped patterns of crystals. ``python examples/look_at_patterns.py OUT.png``
writes the figure to a file; names of bundled crystals may follow.
"""

from __future__ import annotations

import sys

import matplotlib.pyplot as plt

from crystalsym import DiffractionSimulator, PatternShaper, space_group_number
from crystalsym.datasets import example_crystals
from crystalsym.plotting import PatternDisplay

# %%
# Two cubic crystals whose patterns obey the same absences, and a hexagonal one, along [100], [010]
# and [001].

names = sys.argv[2:] or ["NaCl", "ZnS-sphalerite", "ZnO-zincite"]
structures = [example_crystals()[name] for name in names]
simulator = DiffractionSimulator(views="zone-axes", q_max=1.457, image_size=256)
raw = simulator.transform(structures)
print("raw", raw.shape, raw.dtype)

# %%
# Spots joined by lines, brightness by the logarithm of the intensity, the inner 69 % of the field.
# The bundled models see the scheme ``"lattice"`` instead, in 13 x 13 pixels.

shaper = PatternShaper(scheme="spots", intensity="log", image_size=224, field=0.69)
shaped = shaper.transform(raw)
print("shaped", shaped.shape, shaped.dtype)

# %%

display = PatternDisplay.from_patterns(
    raw,
    shaped,
    names=names,
    known_groups=[space_group_number(structure) for structure in structures],
    q_max=simulator.q_max,
)
if len(sys.argv) > 1:
    display.figure_.savefig(sys.argv[1], dpi=110)
else:
    plt.show()
