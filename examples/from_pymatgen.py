"""Space groups of pymatgen Structures, beside the symmetry finder's, as atoms are displaced.

python examples/from_pymatgen.py
"""

from __future__ import annotations

from pymatgen.core import Lattice, Structure
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from crystalsym import load_pretrained
from crystalsym.diffraction import reflections
from crystalsym.spacegroups import symbol


def main() -> None:
    """Compare the network's answer with the symmetry finder's for growing displacements."""
    rutile = Structure.from_spacegroup(
        "P4_2/mnm",
        Lattice.tetragonal(4.594, 2.959),
        ["Ti", "O"],
        [[0, 0, 0], [0.305, 0.305, 0]],
    )
    table = reflections(rutile, q_max=0.4)
    print(f"{rutile.composition.reduced_formula}: {len(table.hkl)} reflections up to 0.4 1/Å")

    distances = (0.0, 0.02, 0.05, 0.1)  # Å
    displaced = []
    for distance in distances:
        structure = rutile.copy()
        if distance:
            structure.perturb(distance)
        displaced.append(structure)

    pipeline = load_pretrained("72")
    probabilities = pipeline.predict_proba(displaced)  # a list of Structures, never an array
    classes = pipeline[-1].classes_
    print("displaced by  finder (0.01 Å)  finder (0.1 Å)  network")
    for distance, structure, row in zip(distances, displaced, probabilities, strict=True):
        tight, loose = (
            SpacegroupAnalyzer(structure, symprec).get_space_group_number()
            for symprec in (0.01, 0.1)
        )
        best = row.argmax()
        print(
            f"{distance:9.2f} Å  {symbol(tight):15s}  {symbol(loose):14s}  "
            f"{symbol(classes[best])} {row[best]:.1%}"
        )


if __name__ == "__main__":
    main()
