"""Rank the space groups of crystals with the bundled weights.

python examples/identify_crystals.py [CIF or POSCAR files; some bundled crystals without any]
"""

from __future__ import annotations

import sys

import numpy as np

from crystalsym import load_pretrained, space_group_number
from crystalsym.datasets import example_crystals
from crystalsym.spacegroups import diffraction_class, label_set, symbol

SOME = ("NaCl", "ZnS-sphalerite", "TiO2-rutile", "Mg2SiO4-forsterite", "CaSO4-gypsum")
# Its group, 154, is none of the 72: the model can only give a wrong answer.
UNKNOWN = ("SiO2-quartz",)


def main(paths: list[str]) -> None:
    """Print the three most probable groups of each crystal."""
    structures = paths or [example_crystals()[name] for name in SOME + UNKNOWN]
    pipeline = load_pretrained("72")  # simulate, shape, classify
    classes = pipeline[-1].classes_

    shaped = pipeline[:-1].transform(structures)
    probabilities = pipeline[-1].predict_proba(shaped)
    groups, best = pipeline[-1].predict_top_k(shaped, k=3)

    for row, structure in enumerate(structures):
        found = space_group_number(structure, symprec=0.1)
        known = "" if found in label_set("72") else ", a group the model does not know"
        print(f"{structure}\n  symmetry finder: {found} {symbol(found)}{known}")
        for group, probability in zip(groups[row], best[row], strict=True):
            print(f"  {group:3d} {symbol(group):10s} {probability:7.2%}")
        # Groups of one class differ only in what kinematic diffraction does not show.
        alike = diffraction_class(groups[row, 0])
        together = probabilities[row, np.isin(classes, alike)].sum()
        print(f"  {together:.2%} for the diffraction class {alike}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
