"""
From pymatgen
=============

Space groups of pymatgen Structures, beside the symmetry finder's, as atoms are displaced.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
from pymatgen.core import Lattice, Structure
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from crystalsym import load_pretrained
from crystalsym.diffraction import reflections
from crystalsym.plotting import PatternDisplay
from crystalsym.spacegroups import symbol

rutile = Structure.from_spacegroup(
    "P4_2/mnm",
    Lattice.tetragonal(4.594, 2.959),
    ["Ti", "O"],
    [[0, 0, 0], [0.305, 0.305, 0]],
)
table = reflections(rutile, q_max=0.4)
print(f"{rutile.composition.reduced_formula}: {len(table.hkl)} reflections up to 0.4 1/Å")

# %%
# A symmetry finder answers within a tolerance; the network ranks what it sees. Structures are given
# as a list, never as an array.

distances = (0.0, 0.02, 0.05, 0.1)  # Å
displaced = []
for distance in distances:
    structure = rutile.copy()
    if distance:
        structure.perturb(distance)
    displaced.append(structure)

pipeline = load_pretrained("72")
groups, probabilities = pipeline.predict_top_k(displaced, k=1)
print("displaced by  finder (0.01 Å)  finder (0.1 Å)  network")
for distance, structure, group, probability in zip(
    distances, displaced, groups[:, 0], probabilities[:, 0], strict=True
):
    tight, loose = (
        SpacegroupAnalyzer(structure, symprec).get_space_group_number() for symprec in (0.01, 0.1)
    )
    print(
        f"{distance:9.2f} Å  {symbol(tight):15s}  {symbol(loose):14s}  "
        f"{symbol(group)} {probability:.1%}"
    )

# %%

PatternDisplay.from_estimator(
    pipeline, [displaced[0], displaced[-1]], names=["rutile", "displaced by 0.1 Å"]
)
plt.show()
