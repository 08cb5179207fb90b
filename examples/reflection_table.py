"""
Reflections as a table
======================

Reflections of rutile with their structure factors, and the absences that its space group demands.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from crystalsym import space_group_number, standardize
from crystalsym.datasets import example_crystals
from crystalsym.diffraction import reflections
from crystalsym.spacegroups import is_absent, symbol

crystal = standardize(example_crystals()["TiO2-rutile"])  # indices of the conventional cell
number = space_group_number(crystal)
table = reflections(crystal, q_max=1.0)
print(f"{crystal.formula} in a cell of {crystal.volume:.2f} Å³, {symbol(number)}")

# %%
# The strongest, without the mates that have a negative index.

print("   h   k   l    d (Å)        |F|   phase (°)")
shown = np.flatnonzero((table.q > 0) & (table.hkl >= 0).all(axis=1))
for row in shown[np.argsort(-table.intensity[shown], kind="stable")][:12]:
    index = "".join(f"{i:4d}" for i in table.hkl[row])
    size, phase = abs(table.structure_factor[row]), table.phase[row]
    print(f"{index} {table.d[row]:8.4f} {size:10.3f} {phase:z11.1f}")

# %%
# The absences of the tables are those of the reference setting, which the standard cell is in the
# tetragonal, trigonal, hexagonal and cubic systems.

vanishing = table.intensity < 1e-10 * table.intensity.max()
demanded = is_absent(number, table.hkl)
print(
    f"{len(table)} reflections up to 1 1/Å, {demanded.sum()} absent by symmetry,"
    f" {(vanishing & ~demanded).sum()} more zero because of where the atoms are"
)
assert vanishing[demanded].all()  # nothing that the group forbids may show

# %%

present = ~vanishing & (table.q > 0)
plt.stem(table.q[present], abs(table.structure_factor[present]), markerfmt=".", basefmt=" ")
plt.xlabel("q = 1/d (1/Å)")
plt.ylabel("|F| (electrons)")
plt.show()
