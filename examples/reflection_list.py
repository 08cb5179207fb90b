"""
A reflection list
=================

From the list of a diffractometer to ranked groups and the evidence for them. The list is simulated
here, with the noise, gaps and scale errors of a measurement; ``crystalsym.read_reflections(path)``
reads one of your own.
"""

from __future__ import annotations

import matplotlib.pyplot as plt

from crystalsym.datasets import example_crystals
from crystalsym.identification import identify_reflections
from crystalsym.measurement import ReflectionSimulator
from crystalsym.plotting import EvidenceDisplay
from crystalsym.spacegroups import symbol

(measured,) = ReflectionSimulator(random_state=0).transform(
    [example_crystals()["ZrO2-baddeleyite"]]  # P2_1/c
)
print(measured)

# %%
# The network sees three layers of the list; what the whole list says of absences, of a center of
# inversion and of the Laue class is weighed beside it.

(answer,) = identify_reflections([measured])
for group, probability in answer.ranking:
    print(f"{group:3d} {symbol(group):10s} {probability:7.2%}")
print(f"lists with such an answer are right in {answer.reliability:.1%}")

# %%
# Why: agreement of equivalents, intensity statistics, what was measured of the layers, and the
# reflections that each centering, screw axis and glide plane forbids.

EvidenceDisplay.from_evidence(answer.evidence)
plt.show()
